/**
 * What a coroutine yields to let others go first. It neither asks for data nor hands out any.
 *
 * With `{ stepping: true }` a composed coroutine yields it at each call, so that a test or a
 * scheduler can interleave.
 *
 * @example Stepping
 * ```ts
 * import { call, compose, type Coroutine, Yield } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* sub(): Coroutine {
 *   yield "from sub";
 * }
 * function* main(): Coroutine {
 *   yield* call(sub());
 * }
 *
 * const composed = compose(main(), { stepping: true });
 * assertEquals(composed.next().value, Yield);
 * assertEquals(composed.next().value, "from sub");
 * ```
 *
 * @category Calling
 */
export const Yield: unique symbol = Symbol("Yield");
