import type { Coroutine } from "./coroutine.ts";
import { captured, noteCaller } from "./_traceback.ts";

/**
 * What is sent into a coroutine that stands in `yield*`, to get its stack. The coroutine does not
 * move. V8 formats the stack when it is read.
 */
export class Probe {
  declare stack?: string;

  /** How many frames are captured at most. */
  constructor(readonly depth: number) {}
}

function usedCall(): TypeError {
  return new TypeError(
    "Cannot give what call() made to yield* again: make a new one for each call",
  );
}

/** As good as no limit of depth; V8 keeps such a number in the frame itself. */
export const MAX_ROOM: number = 2 ** 30 - 1;

/**
 * One coroutine on the stack of a composed one.
 *
 * It is made by call(), or by compose for a coroutine that is yielded as such. One small object is
 * the iterator that `yield*` wants, the result that this iterator gives, and the frame: a call
 * allocates nothing else.
 *
 * Compose recognises a call by the value that is yielded, which is the frame itself. JavaScriptCore
 * does not pass on the result of an iterator at `yield*`: it makes another one with the same value.
 */
export class Frame<R = unknown> {
  coroutine: Coroutine<R>;
  /** What the iterator gives: the frame, and at the end what the coroutine returned. */
  value: unknown = this;
  done = false;
  /** Whether its caller waits in `yield* call()`, and so can tell its own line. */
  asked = false;
  /** Whether Yield goes out before each call. */
  stepping = false;
  /** How much deeper the calls may go. */
  room: number = MAX_ROOM;
  caller: Frame | undefined = undefined;
  /** The values of Locals that were set in this frame. */
  bindings: Map<object, unknown> | undefined = undefined;

  constructor(coroutine: Coroutine<R>) {
    this.coroutine = coroutine;
  }

  [Symbol.iterator](): this {
    if (this.asked) throw usedCall();
    return this;
  }

  next(message?: unknown): this {
    if (!this.asked) this.asked = true;
    else if (message instanceof Probe) captured(message, this.next, message.depth);
    else {
      if (this.caller === undefined) {
        throw new TypeError(
          "Cannot go on after yield* call(): it works in a coroutine that was given to compose, a pipe or gio, and once",
        );
      }
      this.caller = undefined;
      this.value = message;
      this.done = true;
    }
    return this;
  }

  throw(error: unknown): never {
    this.caller = undefined;
    noteCaller(error, this.throw);
    throw error;
  }
}
