import type { Coroutine } from "./coroutine.ts";
import { named, started } from "./_started.ts";

/**
 * Wraps a generator function. The coroutines that it makes get themselves at their first `yield`:
 * `const self = yield;`. They then run up to the next `yield`, whose value nobody gets.
 *
 * So a coroutine can give itself to callbacks, which resume it.
 *
 * @typeParam A The arguments of the function.
 * @typeParam C What it makes.
 * @param coroutineFunction The function.
 * @returns A function with the same arguments and name.
 * @throws {TypeError} From that function, if what it wraps makes no coroutine.
 *
 * @example A coroutine that is resumed by a callback
 * ```ts
 * import { type Coroutine, identify } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * const callbacks: ((answer: string) => void)[] = [];
 * const answers: string[] = [];
 *
 * const ask = identify(function* (): Coroutine {
 *   const self = yield;
 *   callbacks.push((answer) => self.next(answer));
 *   answers.push(yield);
 * });
 *
 * ask();
 * for (const callback of callbacks) callback("yes");
 * assertEquals(answers, ["yes"]);
 * ```
 *
 * @category Coroutines
 */
export function identify<A extends unknown[], C extends Coroutine>(
  coroutineFunction: (...args: A) => C,
): (...args: A) => C {
  return named(function (this: unknown, ...args: A): C {
    const coroutine = started(coroutineFunction.apply(this, args));
    coroutine.next();
    coroutine.next(coroutine);
    return coroutine;
  }, coroutineFunction);
}
