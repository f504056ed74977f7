import { Chunks, toBytes } from "./_chunks.ts";
import { describe } from "./_describe.ts";
import { run } from "./_run.ts";
import type { Coroutine } from "./coroutine.ts";

/**
 * Runs a coroutine to its end and joins what it yields to bytes. Text is written as UTF-8.
 *
 * @param coroutine A coroutine; it is composed.
 * @param input What its bare `yield`s read, one after the other; then they throw {@linkcode EndOfStream}.
 * @returns The bytes.
 * @throws {TypeError} If it yields something else than text or bytes.
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
 */
export function asBytes(coroutine: Coroutine, input: readonly unknown[] = []): Uint8Array {
  const bytes = new Chunks("make bytes");
  run(coroutine, input, (value) => {
    if (typeof value !== "string" && !(value instanceof Uint8Array)) {
      throw new TypeError(`Cannot make bytes of ${describe(value)}: yield text or bytes`);
    }
    bytes.add(toBytes(value));
  });
  return bytes.take() as Uint8Array;
}
