import type { Coroutine } from "../compose/mod.ts";

/**
 * A stage that yields the items for which a function says true.
 *
 * @typeParam T What it reads and yields.
 * @param test Called with each item.
 * @returns The stage.
 *
 * @example Even numbers
 * ```ts
 * import { filter, fromIterable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const even = fromIterable([1, 2, 3, 4], filter((n: number) => n % 2 === 0));
 * assertEquals([...even], [2, 4]);
 * ```
 *
 * @category Stages
 */
export function* filter<T>(test: (item: T) => boolean): Coroutine<void> {
  for (;;) {
    const item: T = yield;
    if (test(item)) yield item;
  }
}
