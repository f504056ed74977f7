import { checkSize, counted, DEFAULT_MAX, tooLong } from "./_chunks.ts";
import { run } from "./_run.ts";
import type { Coroutine } from "./coroutine.ts";

/**
 * Runs a coroutine to its end and lists what it yields.
 *
 * @param coroutine A coroutine; it is composed.
 * @param input What its bare `yield`s read, one value each. After the last one they throw
 * {@linkcode EndOfStream}.
 * @param max How many values that may be; 65,536 unless given, `Infinity` for no limit.
 * @returns What it yields, without bare `yield`s and {@linkcode Yield}.
 * @throws {RangeError} If it yields more than `max` values, or `max` is not a size.
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
 *
 * @category Running
 */
export function asList(
  coroutine: Coroutine,
  input: readonly unknown[] = [],
  max: number = DEFAULT_MAX,
): unknown[] {
  checkSize("max", max);
  const list: unknown[] = [];
  run(coroutine, input, (value) => {
    if (list.length >= max) throw tooLong("make a list", counted(max, "value"), "max of asList()");
    list.push(value);
  });
  return list;
}
