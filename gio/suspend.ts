import { Request, type Waiter } from "../compose/mod.ts";

/** The handle that {@linkcode suspend} makes. It resumes the suspended coroutine, once. */
export interface Suspended<T> {
  /** Resumes the coroutine with a value. Does nothing if it was resumed or cancelled before. */
  resume(value: T): void;
  /** Throws an error at its `yield`. Does nothing if it was resumed or cancelled before. */
  throw(error: unknown): void;
}

class Suspension<T> extends Request<T> {
  readonly #start: (suspended: Suspended<T>) => (() => void) | void;

  constructor(start: (suspended: Suspended<T>) => (() => void) | void) {
    super();
    this.#start = start;
  }

  override begin(waiter: Waiter<T>): (() => void) | void {
    return this.#start({
      resume: (value) => waiter.resume(value),
      throw: (error) => waiter.fail(error),
    });
  }
}

/**
 * Suspends the coroutine until a callback resumes it: `const value = yield* suspend((s) => …)`.
 *
 * @typeParam T What the coroutine is resumed with.
 * @param start Starts what the coroutine waits for, and keeps the handle that it gets. It may
 * return a function that undoes this. That is called when the coroutine is cancelled, or when an
 * error is thrown into it meanwhile.
 * @returns The request to `yield*`, which gives the value. It throws what `start` throws.
 *
 * @example Waiting for a callback
 * ```ts
 * import { asProcess, suspend } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = await asProcess(function* () {
 *   return yield* suspend<number>((suspended) => queueMicrotask(() => suspended.resume(42)));
 * }());
 * assertEquals(answer, 42);
 * ```
 */
export function suspend<T = void>(
  start: (suspended: Suspended<T>) => (() => void) | void,
): Request<T> {
  return new Suspension(start);
}
