import type { Coroutine } from "./coroutine.ts";
import { named, started } from "./_started.ts";

/**
 * Wraps a generator function. The coroutines that it makes run up to their first `yield` at once,
 * so that they can be sent data.
 *
 * @typeParam A The arguments of the function.
 * @typeParam C What it makes.
 * @param coroutineFunction The function.
 * @returns A function with the same arguments and name.
 * @throws {TypeError} From that function, if what it wraps makes no coroutine.
 *
 * @example A coroutine that waits for data
 * ```ts
 * import { autostart, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * const greet = autostart(function* (greeting: string): Coroutine {
 *   const name = yield;
 *   yield `${greeting}, ${name}!`;
 * });
 *
 * assertEquals(greet("Hello").next("Ada").value, "Hello, Ada!");
 * ```
 *
 * @category Coroutines
 */
export function autostart<A extends unknown[], C extends Coroutine>(
  coroutineFunction: (...args: A) => C,
): (...args: A) => C {
  return named(function (this: unknown, ...args: A): C {
    const coroutine = started(coroutineFunction.apply(this, args));
    coroutine.next();
    return coroutine;
  }, coroutineFunction);
}
