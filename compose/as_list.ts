import { run } from "./_run.ts";
import type { Coroutine } from "./coroutine.ts";

/**
 * Runs a coroutine to its end and lists what it yields.
 *
 * @param coroutine A coroutine; it is composed.
 * @param input What its bare `yield`s read, one after the other; then they throw {@linkcode EndOfStream}.
 * @returns What it yields: neither bare `yield`s nor {@linkcode Yield}.
 *
 * @example A test of a protocol
 * ```ts
 * import { asList, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* greet(): Coroutine {
 *   const name = yield;
 *   yield "Hello, ";
 *   yield name;
 * }
 *
 * assertEquals(asList(greet(), ["Ada"]), ["Hello, ", "Ada"]);
 * ```
 */
export function asList(coroutine: Coroutine, input: readonly unknown[] = []): unknown[] {
  const list: unknown[] = [];
  run(coroutine, input, (value) => list.push(value));
  return list;
}
