import { type Coroutine, EndOfStream } from "../compose/mod.ts";

/**
 * A stage that gathers items into arrays; the last one may be shorter.
 *
 * @param size How many items make a batch.
 * @returns The stage.
 * @throws {RangeError} If `size` is less than 1.
 *
 * @example Pairs
 * ```ts
 * import { batch, fromIterable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...fromIterable([1, 2, 3, 4, 5], batch(2))], [[1, 2], [3, 4], [5]]);
 * ```
 *
 * @category Stages
 */
export function* batch(size: number): Coroutine<void> {
  if (!(size >= 1)) throw new RangeError(`Cannot make batches of ${size} items`);
  let items: unknown[] = [];
  try {
    for (;;) {
      items.push(yield);
      if (items.length < size) continue;
      yield items;
      items = [];
    }
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
    if (items.length > 0) yield items;
  }
}
