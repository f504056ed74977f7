import { AnyGenerator } from "./_generator.ts";

/**
 * A coroutine: a generator that asks for data by a bare `yield` and hands out data by `yield data`.
 *
 * What it yields is `unknown` to its driver. What its `yield`s give is `any`, because TypeScript
 * has one type for all `yield`s of a generator. `R` is the type of what it returns; it is `any`
 * unless it is given, so that `Coroutine` alone fits every coroutine.
 *
 * Whoever calls or composes a coroutine starts it. So do not call `next()` on a coroutine that you
 * give away. For one that you resume by hand, see {@linkcode autostart}.
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
 *
 * @category Coroutines
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
 *
 * @category Coroutines
 */
export function isCoroutine(value: unknown): value is Coroutine {
  return value instanceof AnyGenerator;
}
