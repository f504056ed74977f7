import { checkSize, type Chunk, DEFAULT_MAX } from "./_chunks.ts";
import type { Coroutine } from "./coroutine.ts";
import { untilDelimiter } from "./read_until.ts";

/**
 * Reads a line: text up to `\n` or `\r\n`, which is not part of it. What comes after it is pushed
 * back.
 *
 * The input is text, or bytes that are text in UTF-8.
 *
 * @param max How long it may be, in characters (UTF-16 code units) or bytes as the input is, with
 * `\r` but without `\n`; 65,536 unless given, `Infinity` for no limit.
 * @returns A coroutine that returns the line.
 * @throws {RangeError} If `max` is not a size; from the coroutine, if the line is longer than it.
 * What was read is dropped then.
 * @throws {EndOfStream} If the stream ends before the line does, from the coroutine. What was read
 * is in its `partial`.
 *
 * @example Lines from bytes
 * ```ts
 * import { call, type Coroutine, readLine, retval } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* request(): Coroutine<string[]> {
 *   return [yield* call(readLine()), yield* call(readLine(80))];
 * }
 *
 * const input = [new TextEncoder().encode("first\r\nsec"), new TextEncoder().encode("ond\n")];
 * assertEquals(retval(request(), input), ["first", "second"]);
 * ```
 *
 * @category Readers
 */
export function readLine(max: number = DEFAULT_MAX): Coroutine<string> {
  checkSize("max", max);
  return untilDelimiter("\n", max, {
    action: "read a line",
    option: "max of readLine()",
    made: stripped,
  });
}

function stripped(text: Chunk): Chunk {
  return (text as string).endsWith("\r") ? text.slice(0, -1) : text;
}
