import { Request, type Waiter } from "../compose/mod.ts";

/** What {@linkcode suspend} gives its starter: settles the suspended coroutine, once. */
export interface Suspended<T> {
  /** Continues the coroutine with a value. Ignored once it is settled or cancelled. */
  resume(value: T): void;
  /** Throws an error at the coroutine's `yield`. Ignored once it is settled or cancelled. */
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
 * Suspends the coroutine until a callback comes: `const value = yield* suspend((s) => …)`.
 *
 * @typeParam T What the coroutine is resumed with.
 * @param start Starts what is waited for and keeps the handle it is given; may return what undoes it, which is
 * called when the coroutine is cancelled or an error is thrown into it meanwhile.
 * @returns The request to `yield*`.
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
