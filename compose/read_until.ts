import { concat, indexOf } from "./_bytes.ts";
import { machinery } from "./_machinery.ts";
import { onlyToBeCalled } from "./_only_to_be_called.ts";
import {
  type Action,
  checkSize,
  type Chunk,
  Chunks,
  DEFAULT_MAX,
  part,
  toBytes,
  toText,
} from "./_chunks.ts";
import { describe } from "./_describe.ts";
import type { Coroutine } from "./coroutine.ts";
import { PushBack } from "./push_back.ts";

/**
 * Reads up to a delimiter, which is read but not returned. What comes after it is pushed back.
 *
 * @typeParam T Text or bytes, as the delimiter.
 * @param delimiter Text, in text or in bytes that are text in UTF-8; or bytes, in bytes.
 * @param max How much there may be before the delimiter, in characters (UTF-16 code units) or bytes
 * as the input is; 65,536 unless given, `Infinity` for no limit.
 * @returns A coroutine that returns what is before the delimiter: text if the delimiter is text.
 * @throws {RangeError} If the delimiter is empty or `max` not a size; from the coroutine, if `max`
 * is exceeded. What was read is dropped then.
 * @throws {EndOfStream} If the stream ends before, from the coroutine. What was read is in its
 * `partial`.
 *
 * @example A head and what comes after it
 * ```ts
 * import { call, type Coroutine, readUntil, retval } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* message(): Coroutine {
 *   const head = yield* call(readUntil("\r\n\r\n", 8192));
 *   const body = yield;
 *   return { head, body };
 * }
 *
 * const input = ["Length: 4\r", "\n\r\nbody"];
 * assertEquals(retval(message(), input), { head: "Length: 4", body: "body" });
 * ```
 *
 * @category Readers
 */
export function readUntil<T extends string | Uint8Array>(
  delimiter: T,
  max: number = DEFAULT_MAX,
): Coroutine<T extends string ? string : Uint8Array> {
  checkSize("max", max);
  if (delimiter.length === 0) throw new RangeError("Cannot read until an empty delimiter");
  return untilDelimiter(delimiter, max, {
    action: { toString: () => `read until ${describe(delimiter)}` },
    option: "max of readUntil()",
  });
}

/** The delimiter of most protocols, which need not be encoded for each line. */
const NEWLINE = toBytes("\n");

/** What tells readUntil() and readLine() apart. */
interface Reading {
  /** What is being done, for messages. */
  action: Action;
  /** What sets the limit, for messages. */
  option: string;
  /** Makes the result of what is before the delimiter. */
  made?: (value: Chunk) => Chunk;
}

/** Reads up to a delimiter; each part of the input is searched once. */
export function* untilDelimiter(
  delimiter: Chunk,
  max: number,
  { action, option, made = (value) => value }: Reading,
): Coroutine {
  const chunks = new Chunks(action, option);
  let sought = delimiter;
  let before: Chunk | undefined;
  for (;;) {
    let arrived;
    try {
      arrived = yield;
    } catch (error) {
      throw chunks.ended(error);
    }
    const offset = chunks.length;
    const chunk = chunks.add(arrived);
    if (before === undefined) {
      if (typeof chunk !== "string") sought = delimiter === "\n" ? NEWLINE : toBytes(delimiter);
      else if (typeof delimiter !== "string") {
        throw new TypeError(`Cannot ${action} in text: give the delimiter as text, or read bytes`);
      }
      before = part(chunk, 0, 0);
    }
    // Look for a delimiter that began in earlier chunks, then for one in this chunk.
    const margin = sought.length - 1;
    const seam = joined(before, part(chunk, 0, margin));
    let end = positionIn(seam, sought);
    if (end !== -1) end += offset - before.length;
    else if ((end = positionIn(chunk, sought)) !== -1) end += offset;
    if (end > max || (end === -1 && chunks.length - margin > max)) throw chunks.tooLong(max);
    if (end !== -1) {
      const value = chunks.take(end);
      return new PushBack(
        made(typeof delimiter === "string" ? toText(value) : value),
        chunks.from(end + sought.length),
      );
    }
    before = last(chunk.length < margin ? seam : chunk, margin);
  }
}

function joined(a: Chunk, b: Chunk): Chunk {
  if (typeof a === "string") return a + (b as string);
  return a.length === 0 ? b : concat([a, b as Uint8Array]);
}

function last(chunk: Chunk, n: number): Chunk {
  return part(chunk, Math.max(0, chunk.length - n));
}

function positionIn(where: Chunk, what: Chunk): number {
  return typeof where === "string"
    ? where.indexOf(what as string)
    : indexOf(where, what as Uint8Array);
}

machinery(import.meta.url, onlyToBeCalled(untilDelimiter));
