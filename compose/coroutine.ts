import { GeneratorBase } from "./_generator.ts";

/**
 * A coroutine: a generator that asks for data with a bare `yield` and hands out data with `yield data`.
 *
 * What it yields is `unknown` to whoever drives it, and what its `yield`s give is `any`, because TypeScript knows one
 * type for all of a generator's `yield`s.
 *
 * @typeParam R What it returns: `any` unless said, so that `Coroutine` alone stands for each of them, and for one that
 * returns nothing.
 *
 * @example A coroutine is an ordinary generator
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* greet(): Coroutine {
 *   const name = yield; // "I want data"
 *   yield `Hello, ${name}!`; // "I have data"
 * }
 *
 * const greeting = greet();
 * greeting.next();
 * assertEquals(greeting.next("World").value, "Hello, World!");
 * ```
 */
// deno-lint-ignore no-explicit-any
export type Coroutine<R = any> = Generator<unknown, R, any>;

/**
 * Whether a value is a coroutine: any generator, also a composed one, but not a generator function.
 *
 * @param value Anything.
 * @returns Whether it can be composed, or called by yielding it.
 *
 * @example
 * ```ts
 * import { isCoroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* greet() {}
 *
 * assertEquals(isCoroutine(greet()), true);
 * assertEquals(isCoroutine(greet), false);
 * ```
 */
export function isCoroutine(value: unknown): value is Coroutine {
  return value instanceof GeneratorBase;
}
