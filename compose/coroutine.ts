import { AnyGenerator } from "./_generator.ts";

/**
 * A coroutine: a generator that asks for data with a bare `yield` and hands out data with `yield data`.
 *
 * What it yields is `unknown` to whoever drives it, and what its `yield`s give is `any`, because TypeScript knows one
 * type for all of a generator's `yield`s. `R` is the type of what it returns: `any` unless said, so that `Coroutine`
 * alone stands for each of them, and for one that returns nothing.
 *
 * Whoever calls or composes a coroutine starts it. So give it away as it was made, without a `next()`; see
 * {@linkcode autostart} for one that is to be resumed by hand.
 *
 * @typeParam R What it returns.
 *
 * @example A protocol that talks to nobody in particular
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
 * assertEquals(greeting.next().value, undefined);
 * assertEquals(greeting.next("Ada").value, "Hello, Ada!");
 * ```
 */
// deno-lint-ignore no-explicit-any
export type Coroutine<R = any> = Generator<unknown, R, any>;

/**
 * Whether a value is a coroutine: a generator, or something composed, which is one as well.
 *
 * @param value Anything.
 * @returns Whether yielding it is a call.
 *
 * @example A generator is one, the function that makes it is not
 * ```ts
 * import { isCoroutine } from "@weightless/io/compose";
 * import { assert } from "@std/assert";
 *
 * function* sub() {}
 * assert(isCoroutine(sub()));
 * assert(!isCoroutine(sub));
 * assert(!isCoroutine([1, 2].values()));
 * ```
 */
export function isCoroutine(value: unknown): value is Coroutine {
  return value instanceof AnyGenerator;
}
