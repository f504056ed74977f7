/*
 * The rules of composing:
 *
 *  1. A yielded coroutine is called: it is put on the stack and run. What it returns, or throws,
 *     comes out of its caller's `yield`.
 *  2. A bare `yield` asks for data, and `yield value` hands out data. Data are sent only to a
 *     coroutine that has asked for them.
 *  3. What was pushed back is read before anything is asked from outside.
 *  4. A value that is handed out goes out before pushed-back data are read, and goes out once.
 *  5. An error that leaves a coroutine is thrown at its caller's `yield`. An error from outside is
 *     thrown at the `yield` of the topmost coroutine.
 *  6. return() closes one coroutine after the other, the topmost first. A `finally` may yield and
 *     call. When its coroutine has ended, the next one is closed; only the `finally`s of that one
 *     run. An error from a `finally` is thrown at the caller's `yield` (5), and the closing goes on
 *     when the caller has ended.
 *  7. Misuse is an error at once: at the `yield` where the mistake is, or for the driver if the
 *     driver made it.
 *  8. With stepping, Yield is handed out at each call, before the coroutine that was called starts.
 *
 * A resume goes to the topmost coroutine directly and hands out the result object that this
 * coroutine made. So it costs the same at any depth and allocates nothing. #drive is the loop that
 * does all of this while there is no error. #raise is entered with an error, and goes back to
 * #drive.
 */
import type { Coroutine } from "./coroutine.ts";
import { isCoroutine } from "./coroutine.ts";
import { AnyGenerator, close, next, raise } from "./_generator.ts";
import { Cleanup, GoneOn, standing } from "./_cleanup.ts";
import { checkSize } from "./_chunks.ts";
import { notACoroutine } from "./_not_a_coroutine.ts";
import { refuseUnknown } from "./_options.ts";
import { Frame, MAX_ROOM } from "./_frame.ts";
import { FIRST, type Markable, named, start, STARTED } from "./_started.ts";
import { orThrow, Thrown } from "./_thrown.ts";
import { nameOf, noteLeaving, noteName } from "./_traceback.ts";
import { PushBack } from "./push_back.ts";
import { TailCall } from "./_tail_call.ts";
import { Unusable } from "./_unusable.ts";
import { Asking, isRequest } from "./request.ts";
import { Yield } from "./yield.ts";

/**
 * Options of {@linkcode compose}.
 *
 * @category Calling
 */
export interface ComposeOptions {
  /**
   * Hands out {@linkcode Yield} at each call, so that a test or a scheduler can let others go
   * first.
   *
   * @default {false}
   */
  stepping?: boolean;
  /**
   * How many calls may wait for each other. A call that goes deeper is a RangeError at the caller's
   * `yield`, so that endless recursion does not use up all memory. `Infinity` turns the limit off.
   * Of a composed coroutine that is called by another one, the smaller limit counts.
   *
   * @default {1_000_000}
   */
  maxDepth?: number;
}

// The states of a composed coroutine. It may be resumed in the states up to HANDED_OUT, and with
// data only in ASKING.
const FRESH = 0;
const ASKING = 1;
const HANDED_OUT = 2;
const RUNNING = 3;
/** Another composed coroutine has called this one, and runs its coroutine. */
const CALLED = 4;
const ENDED = 5;

const DEFAULT_MAX_DEPTH = 1_000_000;

/** How many values may be pushed back and not read. */
const MAX_PUSHED_BACK = 1_000_000;

/** The input while nothing is pushed back. All share it, and nothing is ever put into it. */
const EMPTY: unknown[] = [];

const NO_BINDINGS: ReadonlyMap<object, unknown> = new Map();

/**
 * The value of return(). A coroutine that was closed returns it, unless its `finally` returns
 * something else.
 */
class Close {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** The composed coroutine that is running. #outer leads to those that run it. */
let current: Composed<unknown> | undefined;

/** What comes of resuming a coroutine. */
type Outcome<R> = IteratorResult<unknown, R> | Thrown;

/**
 * Moves the coroutine of a composed one into `frame`, and its input to the front of that of
 * `composed`, so that its own stack and input are not needed. Only one that has not been started
 * can be taken over; returns whether it was.
 */
let takeOver: (coroutine: Coroutine, frame: Frame, composed: Composed<unknown>) => boolean;

/** For Local: the frame of the coroutine that is running. */
export let currentFrame: () => Frame | undefined;
/** For Local: the bindings of the nearest frame that binds this Local. */
export let bindingsWith: (local: object) => Map<object, unknown> | undefined;
/** For drivers: the values of all Locals, here and now. */
export let allBindings: () => ReadonlyMap<object, unknown>;
/**
 * For drivers that run a coroutine on its own: before it starts, gives it the values of all Locals
 * that it sees, to its end, instead of those of whoever resumes it.
 */
export let detach: (composed: Composed, bindings: ReadonlyMap<object, unknown>) => void;
/** For trace(): the topmost frame, and whether its coroutine stands in `yield* request`. */
export let positionOf: (composed: Composed<unknown>) => [Frame | undefined, boolean];

/** For drivers: as throw(), but returns an error that leaves. */
export let throwInto: <R>(composed: Composed<R>, error: unknown) => Outcome<R>;

/** The coroutine of a composed one that has not been started; any other as it is. */
let innermostOf: (coroutine: Coroutine) => Coroutine;

/**
 * A composed coroutine is a generator: it has the iterator helpers, and can be given to `for…of`
 * and `using`.
 *
 * @category Calling
 */
// deno-lint-ignore no-explicit-any
export interface Composed<R = unknown> extends Generator<unknown, R, any> {}

/**
 * A coroutine that runs the coroutines it calls; made by {@linkcode compose}. It is a generator
 * like any other.
 *
 * @typeParam R What the coroutine returns.
 *
 * @example It can be used wherever a generator can
 * ```ts
 * import { call, type Composed, compose, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* letters(): Coroutine<void> {
 *   yield "a";
 *   yield "b";
 * }
 * function* main(): Coroutine<void> {
 *   yield* call(letters());
 *   yield "c";
 * }
 *
 * const composed: Composed<void> = compose(main());
 * assertEquals([...composed], ["a", "b", "c"]);
 * ```
 */
export class Composed<R = unknown> {
  static {
    Object.setPrototypeOf(Composed.prototype, AnyGenerator.prototype);
    currentFrame = () => current === undefined ? undefined : current.#top;
    bindingsWith = (local) => {
      for (let composed = current; composed !== undefined; composed = composed.#outer) {
        for (let frame = composed.#top; frame !== undefined; frame = frame.caller) {
          if (frame.bindings?.has(local)) return frame.bindings;
        }
        if (composed.#detached) return;
      }
    };
    allBindings = () => {
      if (current === undefined) return NO_BINDINGS;
      const all: Map<object, unknown> = new Map();
      let composed: Composed<unknown> | undefined = current;
      for (; composed !== undefined; composed = composed.#outer) {
        for (let frame = composed.#top; frame !== undefined; frame = frame.caller) {
          for (const [local, value] of frame.bindings ?? []) {
            if (!all.has(local)) all.set(local, value);
          }
        }
        if (composed.#detached) break;
      }
      return all.size === 0 ? NO_BINDINGS : all;
    };
    detach = (composed, bindings) => {
      const frame = composed.#top!;
      composed.#detached = true;
      if (bindings.size > 0) frame.bindings = new Map([...bindings, ...frame.bindings ?? []]);
    };
    innermostOf = (coroutine) =>
      coroutine instanceof Composed ? coroutine.#top?.coroutine ?? coroutine : coroutine;
    throwInto = (composed, error) =>
      composed.#hasEnded() ? new Thrown(error) : composed.#run(error);
    positionOf = (composed) => [composed.#top, composed.#asking];
    // All composed coroutines are marked, so that the check of a coroutine that is called needs one
    // look only.
    start(Composed.prototype);
    takeOver = (coroutine, frame, composed) => {
      if (!(coroutine instanceof Composed) || coroutine.#state !== FRESH) return false;
      const top = coroutine.#top!;
      coroutine.#state = CALLED;
      coroutine.#top = undefined;
      frame.coroutine = top.coroutine;
      if (top.room < frame.room) frame.room = top.room;
      if (top.stepping) frame.stepping = true;
      frame.bindings = top.bindings;
      if (coroutine.#input.length > 0) {
        composed.#input = [...composed.#input, ...coroutine.#input];
        coroutine.#input = EMPTY;
      }
      return true;
    };
  }

  #state = FRESH;
  /** The frame of the coroutine that runs or waits. */
  #top: Frame | undefined = undefined;
  /** What was pushed back. The value that is read next is the last. */
  #input: unknown[] = EMPTY;
  /** Whether the coroutine that waits stands in `yield* request`. */
  #asking = false;
  /** The frame that is being closed. The frames above it were called by its `finally`. */
  #closing: Frame | undefined = undefined;
  #closedWith: Close | undefined = undefined;
  /** Watches the coroutine that is being closed, if it may have callers by native `yield*`. */
  #cleanup: Cleanup | undefined = undefined;
  #outer: Composed<unknown> | undefined = undefined;
  #detached = false;

  /**
   * Composes a coroutine; {@linkcode compose} is the usual way.
   *
   * @param coroutine What to compose; it has not been started.
   * @param options Whether to stop at each call, and how deep calls may go.
   * @throws {TypeError} If it is given something else, or a coroutine that was composed or called
   * before.
   */
  constructor(coroutine: Coroutine<R>, options?: ComposeOptions) {
    if (!isCoroutine(coroutine)) {
      throw notACoroutine(
        "compose",
        coroutine,
        "give a coroutine, compose(main()), or a generator function",
      );
    }
    if (options !== undefined) refuseUnknown("compose", options, OPTIONS);
    const frame = new Frame(coroutine);
    frame.stepping = options?.stepping ?? false;
    if (!start(coroutine) && !takeOver(coroutine, frame, this as Composed)) {
      throw alreadyStarted("compose");
    }
    const maxDepth = options?.maxDepth;
    if (maxDepth !== undefined) {
      checkSize("maxDepth", maxDepth);
      frame.room = Math.min(maxDepth, MAX_ROOM);
    } else if (frame.room === MAX_ROOM) frame.room = DEFAULT_MAX_DEPTH;
    this.#top = frame;
  }

  /** What was pushed back and not read. */
  get rest(): unknown[] {
    return this.#input === EMPTY ? [] : this.#input.toReversed();
  }

  /**
   * For drivers: replaces what was pushed back. These values are read before anything is asked from
   * outside.
   */
  set rest(values: unknown[]) {
    this.#input = EMPTY;
    this.#pushBack(values);
  }

  /**
   * Resumes the coroutine until it asks for data, hands out data, or ends.
   *
   * @param message The data, if it has asked for data.
   * @returns What it yields or returns.
   * @throws {TypeError} If it is sent data that it has not asked for, or if it is running.
   */
  next(message?: unknown): IteratorResult<unknown, R> {
    if (message === undefined ? this.#state > HANDED_OUT : this.#state !== ASKING) {
      if (this.#hasEnded()) return { done: true, value: undefined as R };
      throw new TypeError(
        "Cannot accept data. First send undefined. Only a coroutine that stands at a bare yield takes data",
      );
    }
    let raised: Outcome<R>;
    const outer = current;
    const sent = this.#state === FRESH ? FIRST : message;
    this.#state = RUNNING;
    this.#asking = false;
    if (outer !== undefined) this.#outer = outer;
    current = this as Composed;
    try {
      const result = next.call(this.#top!.coroutine, sent);
      // The most frequent cases do not need #drive: it asks and nothing was pushed back, or it
      // hands out a primitive value.
      if (result.done === false) {
        const { value } = result;
        if (value === undefined ? this.#input.length === 0 : typeof value !== "object") {
          this.#state = value === undefined ? ASKING : HANDED_OUT;
          return result;
        }
      }
      return this.#drive(result);
    } catch (error) {
      raised = this.#raise(error);
    } finally {
      current = outer;
      if (outer !== undefined) this.#outer = undefined;
    }
    return orThrow(raised);
  }

  /**
   * Throws an error at the `yield` where the coroutine stands.
   *
   * @param error Anything, as a rule an Error.
   * @returns What it yields next, or returns.
   * @throws {TypeError} If it is running.
   */
  throw(error: unknown): IteratorResult<unknown, R> {
    if (this.#hasEnded()) throw error;
    return orThrow(this.#run(error));
  }

  /**
   * Closes the coroutine and all that it called. If a `finally` yields, go on with `next()` until
   * all is done.
   *
   * @param value What it returns, unless its `finally` returns something else.
   * @returns What a `finally` yields, or what it returns.
   * @throws {TypeError} If it is running.
   */
  return(value: R): IteratorResult<unknown, R> {
    if (this.#hasEnded()) return { done: true, value };
    return orThrow(this.#run(new Close(value)));
  }

  /**
   * For `using`: closes the coroutine. If it was called, its caller closes it, and this does
   * nothing.
   */
  [Symbol.dispose](): void {
    if (this.#state !== CALLED) this.return(undefined as R);
  }

  #hasEnded(): boolean {
    if (this.#state === RUNNING) {
      throw new TypeError("Cannot resume a composed coroutine that is already running");
    }
    if (this.#state === CALLED) {
      throw new TypeError("Cannot resume a composed coroutine that was called: its caller runs it");
    }
    return this.#state === ENDED;
  }

  /** Throws the error at the `yield` where it stands, or closes it. */
  #run(message: unknown): Outcome<R> {
    const top = this.#top!;
    const { coroutine } = top;
    const asking = this.#asking;
    const closes = message instanceof Close;
    if (closes) this.#closedWith = message;
    // A coroutine that stands in `yield* request` tells its line by itself.
    else if (!asking) noteName(message, coroutine);
    this.#state = RUNNING;
    this.#asking = false;
    this.#outer = current;
    current = this as Composed;
    try {
      return this.#drive(closes ? this.#close(top, asking) : raise.call(coroutine, message));
    } catch (error) {
      return this.#raise(error);
    } finally {
      current = this.#outer;
      this.#outer = undefined;
    }
  }

  #drive(result: IteratorResult<unknown, unknown>): IteratorResult<unknown, R> {
    let frame = this.#top!;
    for (;;) {
      let { value } = result;
      if (result.done === true) {
        if (value instanceof PushBack) {
          this.#pushBack(value.unread);
          if (value instanceof TailCall) {
            frame.coroutine = value.coroutine;
            result = next.call(value.coroutine, FIRST);
            continue;
          }
          value = value.returned;
          result = { done: true, value };
        }
        const { caller } = frame;
        this.#top = caller;
        if (caller === undefined) {
          this.#end();
          return result as IteratorResult<unknown, R>;
        }
        const closing = this.#closing === frame;
        const { asked } = frame;
        frame = caller;
        if (closing) {
          // After two return()s, if a `finally` has caught an error, the value may be the earlier
          // one.
          if (value instanceof Close) this.#closedWith = value;
          result = this.#close(caller, asked);
        } else result = next.call(caller.coroutine, value);
        continue;
      }
      if (value === undefined) {
        if (this.#input.length === 0) {
          this.#state = ASKING;
          return result as IteratorResult<unknown, R>;
        }
        result = next.call(frame.coroutine, this.#input.pop());
        continue;
      }
      let callee: Frame;
      if (value instanceof AnyGenerator) callee = new Frame(value);
      else if (value instanceof Frame && value.asked) callee = value;
      else {
        if (value instanceof Frame) {
          result = raise.call(frame.coroutine, withoutStar());
          continue;
        }
        if (!isRequest(value)) {
          this.#state = HANDED_OUT;
          return result as IteratorResult<unknown, R>;
        }
        if (value instanceof Asking) {
          this.#asking = true;
          result = value.handOut();
          if (this.#closing === frame && this.#hasGoneOn(frame)) {
            this.#asking = false;
            result = raise.call(frame.coroutine, new GoneOn());
            continue;
          }
        } else if (value instanceof Unusable) {
          result = raise.call(frame.coroutine, new TypeError(value.misuse));
          continue;
        }
        // Only a request is answered.
        this.#state = ASKING;
        return result as IteratorResult<unknown, R>;
      }
      const { room } = frame;
      // Not start(coroutine), which V8 does not inline here.
      const coroutine: Markable = callee.coroutine;
      if (coroutine[STARTED] === undefined && room > 0) coroutine[STARTED] = true;
      else if (room === 0 || !takeOver(coroutine, callee, this as Composed)) {
        const error = room === 0 ? tooDeep(frame, innermostOf(coroutine)) : alreadyStarted("call");
        result = raise.call(frame.coroutine, error);
        continue;
      }
      callee.caller = frame;
      if (callee.room >= room) callee.room = room - 1;
      this.#top = callee;
      if (frame.stepping) callee.stepping = true;
      frame = callee;
      if (callee.stepping) {
        this.#state = HANDED_OUT;
        return { done: false, value: Yield };
      }
      result = next.call(callee.coroutine, FIRST);
    }
  }

  /** The topmost coroutine has thrown. */
  #raise(error: unknown): Outcome<R> {
    let frame: Frame | undefined;
    while ((frame = this.#top) !== undefined) {
      const { caller } = frame;
      this.#top = caller;
      if (this.#closing === frame) this.#closing = caller;
      if (error instanceof GoneOn) {
        // The error was the close of this coroutine.
        if (caller === undefined) {
          const { value } = this.#closedWith!;
          this.#end();
          return { done: true, value: value as R };
        }
        try {
          return this.#drive(this.#close(caller, frame.asked));
        } catch (thrown) {
          error = thrown;
          continue;
        }
      }
      if (caller === undefined) break;
      if (!frame.asked) noteName(error, caller.coroutine);
      try {
        return this.#drive(raise.call(caller.coroutine, error));
      } catch (thrown) {
        error = thrown;
      }
    }
    this.#end();
    noteLeaving(error);
    return new Thrown(error);
  }

  /**
   * Only the outermost coroutine returns the value itself; its `finally` may change it, as in any
   * generator.
   */
  #close(frame: Frame, stands: boolean): IteratorResult<unknown, unknown> {
    this.#cleanup = stands ? new Cleanup(standing(frame.coroutine)) : undefined;
    this.#asking = false;
    this.#closing = frame;
    const value = frame.caller === undefined ? this.#closedWith!.value : this.#closedWith;
    return close.call(frame.coroutine, value);
  }

  #hasGoneOn(frame: Frame): boolean {
    return this.#cleanup !== undefined &&
      this.#cleanup.hasGoneOn(standing(frame.coroutine));
  }

  #end(): void {
    this.#state = ENDED;
    this.#closing = undefined;
    this.#closedWith = undefined;
    this.#cleanup = undefined;
  }

  #pushBack(values: unknown[]): void {
    if (values.length > 0 && this.#input === EMPTY) this.#input = [];
    if (this.#input.length + values.length > MAX_PUSHED_BACK) throw tooMuchPushedBack();
    for (let i = values.length - 1; i >= 0; i--) this.#input.push(values[i]);
  }
}

function alreadyStarted(doing: "call" | "compose"): TypeError {
  return new TypeError(
    `Cannot ${doing} a coroutine that is running or has run: make a new one` +
      (doing === "call" ? " for each call" : ""),
  );
}

function tooDeep(frame: Frame, coroutine: Coroutine): RangeError {
  let depth = 1;
  for (let { caller } = frame; caller !== undefined; caller = caller.caller) depth++;
  return new RangeError(
    `Cannot call ${
      nameOf(coroutine)
    }: ${depth} coroutines wait for each other already. Is the recursion endless? ` +
      "If not, give compose a larger maxDepth",
  );
}

function tooMuchPushedBack(): RangeError {
  return new RangeError(
    `Cannot push back more than ${MAX_PUSHED_BACK} values that nobody has read. ` +
      "Does a coroutine push back more than it reads?",
  );
}

function withoutStar(): TypeError {
  return new TypeError(
    "Cannot call by `yield call(sub())`: write `yield* call(sub())`, or `yield sub()`",
  );
}

/**
 * Composes a coroutine: it may call others, by `yield* call(sub())` or `yield sub()`, and is a
 * generator itself.
 *
 * A generator function can be composed as well. The result is a function of the same name that
 * makes composed coroutines.
 *
 * @typeParam R What the coroutine returns.
 * @param coroutine What to compose; it has not been started.
 * @param options Whether to stop at each call, and how deep calls may go.
 * @returns The composed coroutine.
 * @throws {TypeError} If it is given something else, or a coroutine that was composed or called
 * before.
 * @throws {RangeError} If `maxDepth` is not a size.
 *
 * @example A protocol made of two coroutines
 * ```ts
 * import { call, compose, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* ask(question: string): Coroutine<string> {
 *   yield question; // hands out data
 *   return yield; // asks for data
 * }
 * function* greet(): Coroutine<void> {
 *   const name = yield* call(ask("What is your name?"));
 *   yield `Hello, ${name}!`;
 * }
 *
 * const dialogue = compose(greet());
 * assertEquals(dialogue.next().value, "What is your name?");
 * assertEquals(dialogue.next().value, undefined);
 * assertEquals(dialogue.next("Ada").value, "Hello, Ada!");
 * ```
 *
 * @example A function that makes composed coroutines
 * ```ts
 * import { call, compose, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* word(): Coroutine<string> {
 *   return yield;
 * }
 * const greet = compose(function* (greeting: string): Coroutine<string> {
 *   return `${greeting}, ${yield* call(word())}!`;
 * });
 *
 * const greeting = greet("Hello");
 * greeting.next();
 * assertEquals(greeting.next("Ada").value, "Hello, Ada!");
 * ```
 *
 * @category Calling
 */
export function compose<R>(coroutine: Coroutine<R>, options?: ComposeOptions): Composed<R>;
/**
 * Composes what a generator function makes.
 *
 * @typeParam A The arguments of the function.
 * @typeParam R What its coroutines return.
 * @param coroutineFunction The generator function. Its name and its `this` are kept.
 * @param options Options of every coroutine that it makes.
 * @returns A function with the same arguments. Each call of it gives a composed coroutine.
 * @throws {TypeError} From that function, if what it wraps does not give a new coroutine.
 * @throws {RangeError} From that function, if `maxDepth` is not a size.
 */
export function compose<A extends unknown[], R>(
  coroutineFunction: (...args: A) => Coroutine<R>,
  options?: ComposeOptions,
): (...args: A) => Composed<R>;
export function compose<A extends unknown[], R>(
  coroutine: Coroutine<R> | ((...args: A) => Coroutine<R>),
  options?: ComposeOptions,
): Composed<R> | ((...args: A) => Composed<R>) {
  if (typeof coroutine !== "function") return new Composed(coroutine, options);
  if (options !== undefined) refuseUnknown("compose", options, OPTIONS);
  return named(function (this: unknown, ...args: A) {
    return new Composed(coroutine.apply(this, args), options);
  }, coroutine);
}

const OPTIONS: readonly (keyof ComposeOptions)[] = ["stepping", "maxDepth"];
