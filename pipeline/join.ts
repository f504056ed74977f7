import type { Coroutine } from "../compose/mod.ts";
import { unexpected } from "../compose/_chunks.ts";

/**
 * A stage that puts a separator between texts, before each but the first.
 *
 * @param separator What to put between.
 * @returns The stage.
 * @throws {TypeError} If it reads something else than text, from the stage.
 *
 * @example A list
 * ```ts
 * import { fromIterable, join } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...fromIterable(["a", "b", "c"], join(", "))].join(""), "a, b, c");
 * ```
 *
 * @category Stages
 */
export function* join(separator: string): Coroutine<void> {
  for (let before = "";; before = separator) {
    const item: unknown = yield;
    if (typeof item !== "string") throw unexpected("read in join()", "text", item);
    yield before + item;
  }
}
