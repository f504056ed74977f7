import { refuseUnknown } from "../compose/_options.ts";
import { type Coroutine, EndOfStream } from "../compose/mod.ts";
import { checkSize, counted, DEFAULT_MAX, tooLong, unexpected } from "../compose/_chunks.ts";
import { machinery } from "../compose/_machinery.ts";

const CR = 13;

/**
 * Options of {@linkcode lines}.
 *
 * @category Stages
 */
export interface LinesOptions {
  /**
   * How long a line may be, without its end, in characters (UTF-16 code units). `Infinity` turns
   * the limit off.
   *
   * @default {65_536}
   */
  maxLength?: number;
}

/**
 * A stage that reads text, or bytes of UTF-8, and yields lines without their ends, `\n` or `\r\n`.
 *
 * Lines and characters may begin in one chunk and end in another. The last line need not have an
 * end.
 *
 * @param options How long a line may be.
 * @returns The stage.
 * @throws {TypeError} If it reads something else than text or bytes, from the stage.
 * @throws {RangeError} If `maxLength` is not a size; from the stage, if a line is longer.
 *
 * @example Lines of bytes
 * ```ts
 * import { fromIterable, lines } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new TextEncoder().encode("one\r\ntwo\n\nthree");
 * const chunks = [bytes.subarray(0, 4), bytes.subarray(4)];
 * assertEquals([...fromIterable(chunks, lines())], ["one", "two", "", "three"]);
 * ```
 *
 * @category Stages
 */
export function lines(options: LinesOptions = {}): Coroutine<void> {
  refuseUnknown("split into lines", options, ["maxLength"]);
  const { maxLength = DEFAULT_MAX } = options;
  checkSize("maxLength", maxLength);
  return splitting(maxLength);
}

function* splitting(maxLength: number): Coroutine<void> {
  const decoder = new TextDecoder();
  /** The beginning of a line whose end has not come yet. */
  let begun = "";
  try {
    for (;;) {
      const chunk: string | Uint8Array = yield;
      if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) {
        throw unexpected("read in lines()", "text or bytes", chunk);
      }
      const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
      let start = 0;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
        let line: string;
        if (begun === "") {
          line = text.slice(start, end > start && text.charCodeAt(end - 1) === CR ? end - 1 : end);
        } else {
          line = withoutCr(begun + text.slice(start, end));
          begun = "";
        }
        if (line.length > maxLength) throw lineTooLong(maxLength);
        yield line;
        start = end + 1;
      }
      begun += text.slice(start);
      // It is looked into only when it may be too long, because each look joins all its pieces.
      if (begun.length > maxLength && withoutCr(begun).length > maxLength) {
        throw lineTooLong(maxLength);
      }
    }
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
    begun += decoder.decode();
    if (begun.length > maxLength) throw lineTooLong(maxLength);
    if (begun !== "") yield begun;
  }
}

function withoutCr(line: string): string {
  return line.charCodeAt(line.length - 1) === CR ? line.slice(0, -1) : line;
}

function lineTooLong(maxLength: number): RangeError {
  return tooLong("read a line", counted(maxLength, "character"), "maxLength of lines()");
}

machinery(import.meta.url, splitting);
