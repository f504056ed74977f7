import { refuseUnknown } from "../compose/_options.ts";
import { type Coroutine, EndOfStream } from "../compose/mod.ts";
import { concat, indexOf } from "../compose/_bytes.ts";
import { checkSize, counted, DEFAULT_MAX, tooLong, unexpected } from "../compose/_chunks.ts";
import { describe } from "../compose/_describe.ts";
import { machinery } from "../compose/_machinery.ts";

/**
 * Options of {@linkcode delimited}.
 *
 * @category Stages
 */
export interface DelimitedOptions {
  /**
   * How long a frame may be, in bytes. `Infinity` turns the limit off.
   *
   * @default {65_536}
   */
  maxLength?: number;
}

/**
 * A stage that reads bytes and yields the frames between delimiters, without them.
 *
 * Frames and delimiters may begin in one chunk and end in another. The last frame need not have a
 * delimiter. A frame that came in one chunk is a view of that chunk, not a copy.
 *
 * @param delimiter One or more bytes.
 * @param options How long a frame may be.
 * @returns The stage.
 * @throws {TypeError} If the delimiter is not bytes; from the stage, if it reads something else.
 * @throws {RangeError} If the delimiter is empty, or `maxLength` is not a size; from the stage, if
 * a frame is longer.
 *
 * @example Frames that end with a zero
 * ```ts
 * import { delimited, fromIterable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const chunks = [new Uint8Array([1, 2, 0, 3]), new Uint8Array([4, 0])];
 * const frames = fromIterable(chunks, delimited(new Uint8Array([0])));
 * assertEquals([...frames], [new Uint8Array([1, 2]), new Uint8Array([3, 4])]);
 * ```
 *
 * @category Stages
 */
export function delimited(
  delimiter: Uint8Array,
  options: DelimitedOptions = {},
): Coroutine<void> {
  refuseUnknown("split", options, ["maxLength"]);
  const { maxLength = DEFAULT_MAX } = options;
  if (!(delimiter instanceof Uint8Array)) {
    throw new TypeError(`Cannot find ${describe(delimiter)} in bytes: give the delimiter as bytes`);
  }
  if (delimiter.length === 0) throw new RangeError("Cannot find an empty delimiter");
  checkSize("maxLength", maxLength);
  return splitting(delimiter, maxLength);
}

function* splitting(delimiter: Uint8Array, maxLength: number): Coroutine<void> {
  /** Pieces of a frame whose end has not come yet. */
  let pieces: Uint8Array[] = [];
  let length = 0;
  /** What follows them, and may be the beginning of a delimiter. */
  let tail: Uint8Array = new Uint8Array(0);
  try {
    for (;;) {
      let chunk: Uint8Array = yield;
      if (!(chunk instanceof Uint8Array)) throw unexpected("read in delimited()", "bytes", chunk);
      if (tail.length > 0) chunk = concat([tail, chunk]);
      let start = 0;
      for (
        let end = indexOf(chunk, delimiter);
        end >= 0;
        end = indexOf(chunk, delimiter, start)
      ) {
        const last = chunk.subarray(start, end);
        if (length + last.length > maxLength) throw frameTooLong(maxLength);
        yield pieces.length === 0 ? last : concat([...pieces, last]);
        pieces = [];
        length = 0;
        start = end + delimiter.length;
      }
      const sure = chunk.length - overlap(chunk.subarray(start), delimiter);
      if (sure > start) pieces.push(chunk.subarray(start, sure));
      length += sure - start;
      tail = chunk.subarray(sure);
      if (length > maxLength) throw frameTooLong(maxLength);
    }
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
    const last = concat([...pieces, tail]);
    if (last.length > maxLength) throw frameTooLong(maxLength);
    if (last.length > 0) yield last;
  }
}

/** How many bytes at the end of `bytes` may be the beginning of a delimiter. */
function overlap(bytes: Uint8Array, delimiter: Uint8Array): number {
  let size = Math.min(bytes.length, delimiter.length - 1);
  while (size > 0 && !bytes.subarray(-size).every((byte, i) => byte === delimiter[i])) size--;
  return size;
}

function frameTooLong(maxLength: number): RangeError {
  return tooLong("read a frame", counted(maxLength, "byte"), "maxLength of delimited()");
}

machinery(import.meta.url, splitting);
