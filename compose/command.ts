import { Probe } from "./call.ts";
import { addCaller, callerLine } from "./_traceback.ts";

/**
 * A request to whoever drives the coroutine, as against data: wait for a promise, sleep, suspend.
 *
 * `const r = yield* command` yields the command itself, once, and gives its `result`, which the driver has set before it
 * resumes the coroutine with `undefined`. A driver throws into the coroutine what went wrong. Compose lets commands pass
 * like any value; a pipe passes them outwards, not to the next stage.
 *
 * @typeParam R What `yield*` gives.
 *
 * @example A driver that knows one command
 * ```ts
 * import { Command, compose, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * class Random extends Command<number> {}
 *
 * function* main(): Coroutine<number> {
 *   return 2 * (yield* new Random());
 * }
 *
 * const composed = compose(main());
 * const { value: command } = composed.next();
 * assertInstanceOf(command, Random);
 * command.result = 21;
 * assertEquals(composed.next().value, 42);
 * ```
 */
export abstract class Command<R = void> implements Iterator<Command<R>, R> {
  /** What `yield*` gives; the driver sets it. */
  declare result: R;
  #yielded = false;

  /** For `yield*`. */
  [Symbol.iterator](): this {
    return this;
  }

  /** For `yield*`: yields itself, then ends with the result. */
  next(): IteratorResult<Command<R>, R> {
    if (this.#yielded) return { done: true, value: this.result };
    this.#yielded = true;
    return { done: false, value: this };
  }

  /** For `yield*`: an error of the driver on its way to the coroutine, whose line is added to the traceback. */
  throw(error: unknown): IteratorResult<Command<R>, R> {
    if (error instanceof Probe) {
      error.line = callerLine(this.throw);
      return { done: false, value: this };
    }
    addCaller(error, this.throw);
    throw error;
  }
}
