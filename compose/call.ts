import type { Coroutine } from "./coroutine.ts";
import { addCaller, callerLine } from "./_traceback.ts";

/** What {@linkcode call} gives to `yield*`. */
export class Call<R> implements Iterator<Coroutine<R>, R> {
  // It is its own iterator result: first the coroutine for compose, then what that returned, done.
  /** For `yield*`: the coroutine, or its result. */
  value: Coroutine<R> | R;
  /** For `yield*`: whether the coroutine has returned. */
  done = false;
  #called = false;

  /** Use {@linkcode call}. */
  constructor(coroutine: Coroutine<R>) {
    this.value = coroutine;
  }

  /** For `yield*`. */
  [Symbol.iterator](): this {
    return this;
  }

  /** For `yield*`: yields the coroutine, then ends with what the driver says it returned. */
  next(result?: R): IteratorResult<Coroutine<R>, R> {
    if (this.#called) {
      this.value = result as R;
      this.done = true;
    } else this.#called = true;
    return this as IteratorResult<Coroutine<R>, R>;
  }

  /** For `yield*`: an error on its way through the caller, whose line is added to the traceback. */
  throw(error: unknown): IteratorResult<Coroutine<R>, R> {
    if (error instanceof Probe) {
      error.line = callerLine(this.throw);
      return this as IteratorResult<Coroutine<R>, R>;
    }
    addCaller(error, this.throw);
    throw error;
  }
}

/** Thrown into a suspended caller to learn the line where it stands; it does not notice. */
export class Probe {
  line: string | undefined;
}

/**
 * Calls a coroutine: `const n = yield* call(sub())`, with the type of what `sub` returns.
 *
 * Compose runs `sub` in the place of its caller until it returns. `yield sub()` does the same, without the type and
 * without the caller's line in tracebacks. It needs compose above it, or what composes: gio or a pipe.
 *
 * @typeParam R What the coroutine returns.
 * @param coroutine A coroutine that has not been started.
 * @returns What is to be given to `yield*`.
 *
 * @example
 * ```ts
 * import { call, compose, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* double(): Coroutine<number> {
 *   const n: number = yield;
 *   return 2 * n;
 * }
 * function* main(): Coroutine<number> {
 *   const a = yield* call(double());
 *   const b = yield* call(double());
 *   return a + b;
 * }
 *
 * const composed = compose(main());
 * composed.next();
 * composed.next(1);
 * assertEquals(composed.next(2), { done: true, value: 6 });
 * ```
 */
export function call<R>(coroutine: Coroutine<R>): Call<R> {
  return new Call(coroutine);
}
