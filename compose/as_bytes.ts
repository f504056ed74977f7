import { checkSize, Chunks, DEFAULT_MAX, toBytes } from "./_chunks.ts";
import { describe } from "./_describe.ts";
import { run } from "./_run.ts";
import type { Coroutine } from "./coroutine.ts";

/**
 * Runs a coroutine to its end and joins what it yields to bytes. Text is written as UTF-8.
 *
 * @param coroutine A coroutine; it is composed.
 * @param input What its bare `yield`s read, one value each. After the last one they throw
 * {@linkcode EndOfStream}.
 * @param max How much that may be, in bytes; 65,536 unless given, `Infinity` for no limit.
 * @returns The bytes.
 * @throws {TypeError} If it yields something else than text or bytes.
 * @throws {RangeError} If it yields more than `max`, or `max` is not a size.
 *
 * @example A frame
 * ```ts
 * import { asBytes, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* frame(text: string): Coroutine {
 *   yield new Uint8Array([text.length]);
 *   yield text;
 * }
 *
 * assertEquals(asBytes(frame("AB")), new Uint8Array([2, 65, 66]));
 * ```
 *
 * @category Running
 */
export function asBytes(
  coroutine: Coroutine,
  input: readonly unknown[] = [],
  max: number = DEFAULT_MAX,
): Uint8Array {
  checkSize("max", max);
  const bytes = new Chunks("make bytes", "max of asBytes()");
  run(coroutine, input, (value) => {
    if (typeof value !== "string" && !(value instanceof Uint8Array)) {
      throw new TypeError(`Cannot make bytes of ${describe(value)}: yield text or bytes`);
    }
    bytes.add(toBytes(value));
    if (bytes.length > max) throw bytes.tooLong(max);
  });
  return bytes.take() as Uint8Array;
}
