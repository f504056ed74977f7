import type { Coroutine } from "../compose/mod.ts";

/**
 * A stage that splits items. It yields, one by one, what a function makes of each item, except
 * `undefined`.
 *
 * @typeParam T What it reads.
 * @typeParam U What it yields.
 * @param fn Called with each item.
 * @returns The stage.
 *
 * @example Words
 * ```ts
 * import { flatMap, fromIterable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const words = fromIterable(["to be", "or not"], flatMap((line: string) => line.split(" ")));
 * assertEquals([...words], ["to", "be", "or", "not"]);
 * ```
 *
 * @category Stages
 */
export function* flatMap<T, U>(fn: (item: T) => Iterable<U>): Coroutine<void> {
  for (;;) {
    for (const item of fn(yield)) {
      if (item !== undefined) yield item;
    }
  }
}
