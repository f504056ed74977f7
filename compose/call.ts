import { type Coroutine, isCoroutine } from "./coroutine.ts";
import { describe } from "./_describe.ts";
import { Frame } from "./_frame.ts";
import { notACoroutine } from "./_not_a_coroutine.ts";
import { isRequest } from "./request.ts";

/**
 * The iterable that {@linkcode call} makes for `yield*`.
 *
 * @category Calling
 */
export interface Call<R> {
  /** For `yield*`: hands the coroutine to compose, and ends with what it returned. */
  [Symbol.iterator](): Iterator<Coroutine<R>, R>;
}

/**
 * Calls a coroutine: `const n = yield* call(sub())`, where `n` is of the type that `sub` returns.
 *
 * Compose runs `sub` in the place of its caller until it returns; what it throws is thrown at this
 * `yield*`. `yield sub()` does the same, but untyped, and without the caller's line in tracebacks.
 * It works in a coroutine that is run by compose, a pipe or gio.
 *
 * @typeParam R What the coroutine returns.
 * @param coroutine A coroutine that has not been started: JavaScript does not tell whether `next()`
 * was called on it. One that stands at a bare `yield` already would take the call for its data, and
 * gets a TypeError where it uses them.
 * @returns An iterable for `yield*`, to be used once.
 * @throws {TypeError} If it is not a coroutine.
 *
 * @example Two calls
 * ```ts
 * import { call, compose, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* number(): Coroutine<number> {
 *   return Number(yield);
 * }
 * function* sum(): Coroutine<number> {
 *   const a = yield* call(number());
 *   const b = yield* call(number());
 *   return a + b;
 * }
 *
 * const adding = compose(sum());
 * adding.next();
 * adding.next("40");
 * assertEquals(adding.next("2"), { done: true, value: 42 });
 * ```
 *
 * @category Calling
 */
export function call<R>(coroutine: Coroutine<R>): Call<R> {
  if (!isCoroutine(coroutine)) {
    if (isRequest(coroutine)) {
      throw new TypeError(
        `Cannot call ${describe(coroutine)}: it is a request, give it to yield* without call()`,
      );
    }
    throw notACoroutine("call", coroutine, "give a coroutine, call(sub()), not call(sub)");
  }
  return new Frame(coroutine) as unknown as Call<R>;
}
