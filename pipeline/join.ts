import type { Coroutine } from "../compose/mod.ts";

/**
 * A stage that puts a separator between texts, before each but the first.
 *
 * @param separator What to put between.
 * @returns The stage.
 *
 * @example A list
 * ```ts
 * import { fromIterable, join } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...fromIterable(["a", "b", "c"], join(", "))].join(""), "a, b, c");
 * ```
 */
export function* join(separator: string): Coroutine<void> {
  yield yield;
  for (;;) yield separator + (yield);
}
