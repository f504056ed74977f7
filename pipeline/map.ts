import type { Coroutine } from "../compose/mod.ts";

/**
 * A stage that yields what a function makes of each item. If that is `undefined`, it yields
 * nothing.
 *
 * @typeParam T What it reads.
 * @typeParam U What it yields.
 * @param fn Called with each item.
 * @returns The stage.
 *
 * @example Lengths
 * ```ts
 * import { fromIterable, map } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const lengths = fromIterable(["a", "bcd"], map((text: string) => text.length));
 * assertEquals([...lengths], [1, 3]);
 * ```
 *
 * @category Stages
 */
export function* map<T, U>(fn: (item: T) => U): Coroutine<void> {
  for (;;) {
    const item = fn(yield);
    if (item !== undefined) yield item;
  }
}
