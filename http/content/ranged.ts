import { refuseUnknown } from "../../reactor/_known.ts";
import { isSameStrong, isWeak } from "./_etags.ts";
import { parseHttpDate, seconds } from "./_http_date.ts";
import type { ConditionalRequest, Validators } from "./conditional.ts";
import { type ByteRange, rangesOf, type RangesOptions } from "./ranges_of.ts";

/**
 * A representation of which a part may be sent.
 *
 * @category Content
 */
export interface RangedRepresentation extends Validators {
  /** How many bytes it has. */
  size: number;
  /** Its media type, which each of several parts has. */
  contentType?: string | undefined;
}

/**
 * Options of {@linkcode ranged}.
 *
 * @category Content
 */
export interface RangedOptions extends RangesOptions {
  /**
   * What stands between several parts: 1 to 70 letters, digits and the like. It must not be in the
   * representation.
   *
   * @default {a random one}
   */
  boundary?: string;
  /**
   * What time it is, in milliseconds since 1970.
   *
   * @default {Date.now()}
   */
  now?: number;
}

/**
 * What to answer to a request for ranges.
 *
 * @category Content
 */
export interface RangedAnswer {
  /** 206 with the bytes, or 416 if the representation has none of them. */
  readonly status: 206 | 416;
  /**
   * The headers to send beside those of a 200, or instead of them if they have the same name. For
   * 416 that is Content-Range; its body is up to the caller.
   */
  readonly headers: Readonly<Record<string, string | number>>;
  /** The body: text to be sent as it is, and ranges of the representation. Nothing for 416. */
  readonly pieces: readonly (string | ByteRange)[];
}

/**
 * Decides which part of a representation a request gets (RFC 9110 14, 13.1.5): one range, several
 * ranges as `multipart/byteranges`, or none of it.
 *
 * To be called if {@linkcode conditional} says `"proceed"` and the answer without a range is a 200.
 * The pieces of the answer name the bytes and do not have them. So a file can be sent by
 * `sendFile()`.
 *
 * @param request The request.
 * @param representation Its size, and what tells this version from others, for `If-Range`.
 * @param options How many ranges are accepted.
 * @returns What to answer; undefined if the whole is to be sent with status 200.
 * @throws {RangeError} If a size or limit is no whole number.
 * @throws {TypeError} If the media type or the boundary would break the framing of parts.
 *
 * @example The end of a file
 * ```ts
 * import { ranged } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const headers = new Headers({ range: "bytes=-500" });
 * const answer = ranged({ method: "GET", headers }, { size: 10_000 });
 * assertEquals(answer, {
 *   status: 206,
 *   headers: { "content-range": "bytes 9500-9999/10000", "content-length": 500 },
 *   pieces: [{ from: 9500, to: 10_000 }],
 * });
 * ```
 *
 * @example Several ranges
 * ```ts
 * import { ranged } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const text = "Hello, ".padEnd(1000, ".") + "World!";
 * const headers = new Headers({ range: "bytes=0-4,1000-1004" });
 * const answer = ranged(
 *   { method: "GET", headers },
 *   { size: text.length, contentType: "text/plain" },
 *   { boundary: "BOUNDARY" },
 * )!;
 * const body = answer.pieces.map((piece) =>
 *   typeof piece === "string" ? piece : text.slice(piece.from, piece.to)
 * ).join("");
 * assertEquals(body.split("\r\n"), [
 *   "--BOUNDARY",
 *   "content-type: text/plain",
 *   "content-range: bytes 0-4/1006",
 *   "",
 *   "Hello",
 *   "--BOUNDARY",
 *   "content-type: text/plain",
 *   "content-range: bytes 1000-1004/1006",
 *   "",
 *   "World",
 *   "--BOUNDARY--",
 *   "",
 * ]);
 * assertEquals(answer.headers, {
 *   "content-type": "multipart/byteranges; boundary=BOUNDARY",
 *   "content-length": body.length,
 * });
 * ```
 *
 * @category Content
 */
export function ranged(
  request: ConditionalRequest,
  representation: RangedRepresentation,
  options: RangedOptions = {},
): RangedAnswer | undefined {
  refuseUnknown("answer a range", options, ["maxRanges", "boundary", "now"]);
  const { method, headers } = request;
  // RFC 9110 14.2: a server MUST ignore a Range for other methods.
  if (method !== "GET") return undefined;
  const range = headers.get("range");
  if (range === null || range === undefined) return undefined;
  const ifRange = headers.get("if-range");
  if (ifRange !== null && ifRange !== undefined) {
    if (!isCurrent(ifRange, representation, options.now ?? Date.now())) return undefined;
  }
  const { size } = representation;
  const { maxRanges } = options;
  const ranges = rangesOf(range, size, maxRanges === undefined ? {} : { maxRanges });
  if (ranges === undefined) return undefined;
  if (ranges === "unsatisfiable") {
    // RFC 9110 15.5.17: a server SHOULD tell the current length.
    return { status: 416, headers: { "content-range": `bytes */${size}` }, pieces: [] };
  }
  if (ranges.length > 1) return inParts(ranges, representation, options.boundary);
  const [one] = ranges as [ByteRange];
  // RFC 9110 15.3.7.2: a server MUST NOT generate a multipart response to a request for one range.
  return {
    status: 206,
    headers: { "content-range": contentRange(one, size), "content-length": one.to - one.from },
    pieces: ranges,
  };
}

/** RFC 9110 13.1.5: whether the client has a part of this version. */
function isCurrent(ifRange: string, { etag, lastModified }: Validators, now: number): boolean {
  const date = parseHttpDate(ifRange, now);
  if (date === undefined) {
    return etag !== undefined && !isWeak(ifRange) && isSameStrong(etag, ifRange);
  }
  if (lastModified === undefined || lastModified === null) return false;
  // RFC 9110 8.8.2.2: it may be modified once more in the second in which it was modified.
  return seconds(lastModified) === seconds(date) && seconds(lastModified) < seconds(now);
}

function contentRange({ from, to }: ByteRange, size: number): string {
  return `bytes ${from}-${to - 1}/${size}`;
}

/** RFC 9110 14.6, RFC 2046 5.1.1: each part has a head of its own. */
function inParts(
  ranges: readonly ByteRange[],
  { size, contentType }: RangedRepresentation,
  boundary: string = crypto.randomUUID(),
): RangedAnswer {
  // RFC 2046 5.1.1: these need no quotes.
  if (!/^[\w'+.-]{1,70}$/.test(boundary)) {
    throw new TypeError(`Cannot use boundary ${JSON.stringify(boundary)}: give 1 to 70 letters`);
  }
  if (contentType !== undefined && !/^[\t\x20-\x7e]*$/.test(contentType)) {
    throw new TypeError(`Cannot send parts of type ${JSON.stringify(contentType)}: give ASCII`);
  }
  const type = contentType === undefined ? "" : `content-type: ${contentType}\r\n`;
  const pieces: (string | ByteRange)[] = [];
  let length = 0;
  for (const range of ranges) {
    const delimiter = `${length === 0 ? "" : "\r\n"}--${boundary}\r\n`;
    const head = `${delimiter}${type}content-range: ${contentRange(range, size)}\r\n\r\n`;
    pieces.push(head, range);
    length += head.length + range.to - range.from;
  }
  const end = `\r\n--${boundary}--\r\n`;
  pieces.push(end);
  return {
    status: 206,
    headers: {
      "content-type": `multipart/byteranges; boundary=${boundary}`,
      "content-length": length + end.length,
    },
    pieces,
  };
}
