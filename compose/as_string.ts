import { checkSize, counted, DEFAULT_MAX, tooLong } from "./_chunks.ts";
import { describe } from "./_describe.ts";
import { run } from "./_run.ts";
import type { Coroutine } from "./coroutine.ts";

/**
 * Runs a coroutine to its end and joins what it yields to text. Bytes are taken as UTF-8.
 *
 * @param coroutine A coroutine; it is composed.
 * @param input What its bare `yield`s read, one value each. After the last one they throw
 * {@linkcode EndOfStream}.
 * @param max How much that may be, in characters (UTF-16 code units); 65,536 unless given,
 * `Infinity` for no limit.
 * @returns The text.
 * @throws {TypeError} If it yields something else than text or bytes.
 * @throws {RangeError} If it yields more than `max`, or `max` is not a size.
 *
 * @example A template
 * ```ts
 * import { asString, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* list(items: string[]): Coroutine {
 *   for (const item of items) yield `<li>${item}</li>`;
 * }
 * function* page(): Coroutine {
 *   yield "<ul>";
 *   yield list(["a", "b"]);
 *   yield "</ul>";
 * }
 *
 * assertEquals(asString(page()), "<ul><li>a</li><li>b</li></ul>");
 * ```
 *
 * @category Running
 */
export function asString(
  coroutine: Coroutine,
  input: readonly unknown[] = [],
  max: number = DEFAULT_MAX,
): string {
  checkSize("max", max);
  // A character may be spread over several chunks of bytes, but text ends it.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  run(coroutine, input, (value) => {
    if (typeof value === "string") text += decoder.decode() + value;
    else if (value instanceof Uint8Array) text += decoder.decode(value, { stream: true });
    else throw new TypeError(`Cannot make text of ${describe(value)}: yield text or bytes`);
    if (text.length > max) {
      throw tooLong("make text", counted(max, "character"), "max of asString()");
    }
  });
  return text + decoder.decode();
}
