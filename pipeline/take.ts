import type { Coroutine } from "../compose/mod.ts";

/**
 * A stage that passes on the first items and then ends, and with it the stages before it.
 *
 * @param count How many.
 * @returns The stage.
 *
 * @example The first two
 * ```ts
 * import { fromIterable, take } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...fromIterable([1, 2, 3, 4], take(2))], [1, 2]);
 * ```
 *
 * @category Stages
 */
export function* take(count: number): Coroutine<void> {
  for (let i = 0; i < count; i++) yield yield;
}
