import { refuseUnknown } from "../../reactor/_known.ts";
import { whole } from "../../reactor/_whole.ts";

/**
 * Bytes of a representation: those from `from` on, up to and without `to`, as `slice()` has it.
 *
 * @category Content
 */
export interface ByteRange {
  /** The first byte. */
  readonly from: number;
  /** The byte after the last. */
  readonly to: number;
}

/**
 * Options of {@linkcode rangesOf}.
 *
 * @category Content
 */
export interface RangesOptions {
  /**
   * How many ranges a request may ask for. If it asks for more, it gets the whole (RFC 9110 14.2).
   *
   * @default {32}
   */
  maxRanges?: number;
}

const MAX_RANGES = 32;
/** A part has a head of about this size. To send the gap between two parts is cheaper than that. */
const PART_OVERHEAD = 80;
const UNIT = "bytes";

/**
 * Reads the value of Range (RFC 9110 14.1.2, 14.2) for a representation of a size.
 *
 * Ranges that overlap, or between which there are less than 80 bytes, become one. So nothing is
 * sent twice, whatever a client asks for. Otherwise they stay in the order of the request.
 *
 * @param value The value of Range.
 * @param size How many bytes the representation has.
 * @param options How many ranges are accepted.
 * @returns The ranges, at least one; `"unsatisfiable"` if the representation has none of them (the
 * answer is 416); undefined if the header is to be ignored, because it is invalid, asks for another
 * unit or for too many ranges.
 * @throws {RangeError} If the size or the limit is no whole number.
 *
 * @example Ranges of 1,000 bytes
 * ```ts
 * import { rangesOf } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(rangesOf("bytes=0-99", 1000), [{ from: 0, to: 100 }]);
 * assertEquals(rangesOf("bytes=-100, 0-9", 1000), [{ from: 900, to: 1000 }, { from: 0, to: 10 }]);
 * assertEquals(rangesOf("bytes=0-, 5-9", 1000), [{ from: 0, to: 1000 }]);
 * assertEquals(rangesOf("bytes=1000-", 1000), "unsatisfiable");
 * assertEquals(rangesOf("bytes=9-0", 1000), undefined);
 * ```
 *
 * @category Content
 */
export function rangesOf(
  value: string,
  size: number,
  options: RangesOptions = {},
): ByteRange[] | "unsatisfiable" | undefined {
  refuseUnknown("find ranges", options, ["maxRanges"]);
  const { maxRanges = MAX_RANGES } = options;
  whole(size, "find ranges: the size");
  whole(maxRanges, "find ranges: maxRanges");
  const equals = value.indexOf("=");
  // RFC 9110 14.1: range units are case-insensitive; 14.2: an unknown one MUST be ignored.
  if (equals < 0 || value.slice(0, equals).toLowerCase() !== UNIT) return undefined;
  const ranges: ByteRange[] = [];
  let count = 0;
  for (let from = equals + 1, end = 0; end < value.length; from = end + 1) {
    end = value.indexOf(",", from);
    if (end < 0) end = value.length;
    const spec = value.slice(from, end).replace(/^[ \t]+/, "");
    const length = lengthWithoutBlanks(spec);
    if (length === 0) continue; // RFC 9110 5.6.1: empty elements are ignored
    if (++count > maxRanges) return undefined;
    const range = rangeOf(spec.slice(0, length), size);
    if (range === undefined) return undefined;
    if (range.from < range.to) ranges.push(range);
  }
  if (count === 0) return undefined;
  if (ranges.length === 0) return size === 0 && hasSuffix(value) ? undefined : "unsatisfiable";
  return coalesced(ranges);
}

/** One range, empty if the representation does not have it; undefined if it is invalid. */
function rangeOf(spec: string, size: number): ByteRange | undefined {
  const [, first, last] = /^(\d*)-(\d*)$/.exec(spec) ?? [];
  if (first === undefined || last === undefined) return undefined;
  if (first === "") {
    if (last === "") return undefined;
    return { from: Math.max(size - Number(last), 0), to: size };
  }
  // RFC 9110 14.1.1: a range whose last-pos is less than its first-pos is invalid.
  if (last !== "" && Number(last) < Number(first)) return undefined;
  return { from: Number(first), to: last === "" ? size : Math.min(Number(last) + 1, size) };
}

/**
 * RFC 9110 14.1.2: the last bytes of nothing are satisfiable, although Content-Range cannot say so.
 * The whole is the same.
 */
function hasSuffix(value: string): boolean {
  return /[=,][ \t]*-0*[1-9]/.test(value);
}

/** RFC 9110 15.3.7.2: a server MAY coalesce ranges that overlap or have a small gap. */
function coalesced(ranges: ByteRange[]): ByteRange[] {
  const sorted = ranges.map(({ from, to }, place) => ({ from, to, place }))
    .sort((one, other) => one.from - other.from);
  const apart = [sorted[0]!];
  for (const range of sorted.slice(1)) {
    const before = apart.at(-1)!;
    if (range.from - before.to >= PART_OVERHEAD) {
      apart.push(range);
      continue;
    }
    before.to = Math.max(before.to, range.to);
    before.place = Math.min(before.place, range.place);
  }
  // RFC 9110 15.3.7.2: the parts SHOULD be in the order of the request.
  return apart.sort((one, other) => one.place - other.place).map(({ from, to }) => ({ from, to }));
}

function lengthWithoutBlanks(text: string): number {
  let { length } = text;
  while (length > 0 && (text[length - 1] === " " || text[length - 1] === "\t")) length--;
  return length;
}
