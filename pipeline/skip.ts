import type { Coroutine } from "../compose/mod.ts";

/**
 * A stage that leaves out the first items.
 *
 * @param count How many; none if it is less than 1.
 * @returns The stage.
 *
 * @example Without the header
 * ```ts
 * import { fromIterable, skip } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...fromIterable(["name", "Ada", "Grace"], skip(1))], ["Ada", "Grace"]);
 * ```
 *
 * @category Stages
 */
export function* skip(count: number): Coroutine<void> {
  for (let i = 0; i < count; i++) yield;
  for (;;) yield yield;
}
