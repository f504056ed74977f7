/** RFC 9110 14: ranges; 13.1.5: If-Range. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type ByteRange,
  ranged,
  type RangedOptions,
  type RangedRepresentation,
  rangesOf,
} from "../../http/mod.ts";

const UNSATISFIABLE = "unsatisfiable";

Deno.test("rangesOf() reads ranges as RFC 9110 14 says", () => {
  const rows: [
    section: string,
    value: string,
    size: number,
    ranges: [number, number][] | typeof UNSATISFIABLE | undefined,
  ][] = [
    ["14.1.2: the examples", "bytes=0-499", 10_000, [[0, 500]]],
    ["14.1.2: the examples", "bytes=500-999", 10_000, [[500, 1000]]],
    ["14.1.2: the examples", "bytes=-500", 10_000, [[9500, 10_000]]],
    ["14.1.2: the examples", "bytes=9500-", 10_000, [[9500, 10_000]]],
    ["14.1.2: the examples", "bytes=0-0,-1", 10_000, [[0, 1], [9999, 10_000]]],
    ["14.1.2: the examples", "bytes= 0-999, 4500-5499, -1000", 10_000, [[0, 1000], [4500, 5500], [
      9000,
      10_000,
    ]]],
    ["14.1.2: the examples", "bytes=500-600,601-999", 10_000, [[500, 1000]]],
    ["14.1.2: the examples", "bytes=500-700,601-999", 10_000, [[500, 1000]]],
    ["14.1.2: the rest", "bytes=5-1000000", 10, [[5, 10]]],
    ["14.1.2: more than all", "bytes=-1000000", 10, [[0, 10]]],
    ["14.1.2: digits", "bytes=00000000000000000000000000001-00002", 10, [[1, 3]]],
    ["14.1.2: digits", "bytes=1-99999999999999999999999999999999", 10, [[1, 10]]],
    ["14.1.2: satisfiable in part", "bytes=20-30, 1-1", 10, [[1, 2]]],
    ["14.1.2: unsatisfiable", "bytes=10-", 10, UNSATISFIABLE],
    ["14.1.2: unsatisfiable", "bytes=10-20, 99999999999999999999999-", 10, UNSATISFIABLE],
    ["14.1.2: unsatisfiable", "bytes=-0", 10, UNSATISFIABLE],
    ["14.1.2: unsatisfiable", "bytes=0-", 0, UNSATISFIABLE],
    ["14.1.2: unsatisfiable", "bytes=-0", 0, UNSATISFIABLE],
    ["14.1.2: the last of nothing is all", "bytes=-5", 0, undefined],
    ["14.1.1: last before first is invalid", "bytes=2-1", 10, undefined],
    ["14.1.1: last before first is invalid", "bytes=0-1, 5-4", 10, undefined],
    ["14.1.1: any case", "BYTES=0-0", 10, [[0, 1]]],
    ["14.2: unknown unit", "lines=0-1", 10, undefined],
    ["14.2: unknown unit", "=0-1", 10, undefined],
    ["14.2: invalid", "bytes", 10, undefined],
    ["14.2: invalid", "bytes=", 10, undefined],
    ["14.2: invalid", "bytes=,", 10, undefined],
    ["14.2: invalid", "bytes=-", 10, undefined],
    ["14.2: invalid", "bytes=1", 10, undefined],
    ["14.2: invalid", "bytes=a-b", 10, undefined],
    ["14.2: invalid", "bytes=0x1-2", 10, undefined],
    ["14.2: invalid", "bytes=1-2-3", 10, undefined],
    ["14.2: invalid", "bytes=--1", 10, undefined],
    ["14.2: invalid", "bytes=+1-2", 10, undefined],
    ["14.2: invalid", "bytes=1 - 2", 10, undefined],
    ["14.2: invalid", "bytes =1-2", 10, undefined],
    ["14.2: invalid", "bytes=1-2;3-4", 10, undefined],
    ["14.2: invalid", "bytes=1-2, x", 10, undefined],
    ["5.6.1: space and empty elements", "bytes=,, 1-2\t, ,", 10, [[1, 3]]],
    ["15.3.7.2: the order of the request", "bytes=500-599,0-99,900-999", 1000, [[500, 600], [
      0,
      100,
    ], [900, 1000]]],
    ["15.3.7.2: a gap less than a head", "bytes=0-0,80-80", 1000, [[0, 81]]],
    ["15.3.7.2: a gap less than a head", "bytes=0-0,81-81", 1000, [[0, 1], [81, 82]]],
    ["15.3.7.2: coalesced", "bytes=900-999,0-99,50-899", 1000, [[0, 1000]]],
    ["15.3.7.2: coalesced", "bytes=900-,100-199,0-,0-,0-", 1000, [[0, 1000]]],
    ["14.2: too many", "bytes=" + "0-0,".repeat(33), 1000, undefined],
    ["14.2: as many as can be", "bytes=" + "0-0,".repeat(32), 1000, [[0, 1]]],
  ];
  for (const [section, value, size, expected] of rows) {
    const found = rangesOf(value, size);
    const shown = Array.isArray(found) ? found.map(({ from, to }) => [from, to]) : found;
    assertEquals<unknown>(shown, expected, `${section}: ${value.slice(0, 50)} of ${size}`);
  }
  assertEquals(rangesOf("bytes=0-0", 10, { maxRanges: 0 }), undefined);
  assertEquals(rangesOf("bytes=0-0,2-2", 10, { maxRanges: 1 }), undefined);
  assertThrows(() => rangesOf("bytes=0-", -1), RangeError, "the size must be a whole number");
  assertThrows(() => rangesOf("", 1, { maxRanges: NaN }), RangeError, "maxRanges must be");
});

/** The bytes that a request asks for, each once, found the slow way. */
function asked(specs: [number | undefined, number | undefined][], size: number): Set<number> {
  const bytes = new Set<number>();
  for (const [first, last] of specs) {
    for (let at = 0; at < size; at++) {
      const isIn = first === undefined ? at >= size - last! : at >= first && at <= (last ?? size);
      if (isIn) bytes.add(at);
    }
  }
  return bytes;
}

Deno.test("rangesOf() has all bytes that are asked for, none twice, and few others", () => {
  const nat = fc.nat(600);
  const spec = fc.oneof(
    fc.tuple(nat, nat).map(([one, other]) =>
      [Math.min(one, other), Math.max(one, other)] as [number, number]
    ),
    nat.map((first): [number, undefined] => [first, undefined]),
    nat.map((last): [undefined, number] => [undefined, last]),
  );
  fc.assert(
    fc.property(
      fc.array(spec, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 500 }),
      (specs, size) => {
        const value = specs.map(([first, last]) => `${first ?? ""}-${last ?? ""}`).join();
        const found = rangesOf(`bytes=${value}`, size);
        const wanted = asked(specs, size);
        assert(found !== undefined);
        if (found === UNSATISFIABLE) return assertEquals(wanted.size, 0);
        const got = new Set<number>();
        for (const { from, to } of found) {
          assert(0 <= from && from < to && to <= size);
          for (let at = from; at < to; at++) {
            assert(!got.has(at));
            got.add(at);
          }
        }
        for (const at of wanted) assert(got.has(at));
        assert(got.size - wanted.size < 80 * specs.length);
      },
    ),
    { seed: 14, numRuns: 500 },
  );
});

const DATE = "Sun, 06 Nov 1994 08:49:37 GMT";
const lastModified = new Date(DATE);
const FILE: RangedRepresentation = { size: 1000, etag: '"a"', lastModified };

function answer(
  headers: Record<string, string>,
  representation = FILE,
  options: RangedOptions = {},
  method = "GET",
) {
  return ranged({ method, headers: { get: (name) => headers[name] } }, representation, options);
}

Deno.test("ranged() answers one range, or says that there is none", () => {
  const range = "bytes=10-19";
  assertEquals(answer({ range }), {
    status: 206,
    headers: { "content-range": "bytes 10-19/1000", "content-length": 10 },
    pieces: [{ from: 10, to: 20 }],
  });
  assertEquals(answer({ range: "bytes=1000-" }), {
    status: 416,
    headers: { "content-range": "bytes */1000" },
    pieces: [],
  });
  const whole: [string, ReturnType<typeof answer>][] = [
    ["14.2: no Range", answer({})],
    ["14.2: only GET", answer({ range }, FILE, {}, "HEAD")],
    ["14.2: only GET", answer({ range }, FILE, {}, "POST")],
    ["14.2: invalid", answer({ range: "bytes=x" })],
  ];
  for (const [section, answer] of whole) assertEquals(answer, undefined, section);
});

Deno.test("ranged() obeys If-Range (RFC 9110 13.1.5)", () => {
  const justNow = { now: +lastModified + 500 };
  const rows: [section: string, ifRange: string, RangedRepresentation, RangedOptions, boolean][] = [
    ["the tag", '"a"', FILE, {}, true],
    ["another tag", '"b"', FILE, {}, false],
    ["strong comparison", 'W/"a"', FILE, {}, false],
    ["strong comparison", 'W/"a"', { ...FILE, etag: 'W/"a"' }, {}, false],
    ["strong comparison", '"a"', { ...FILE, etag: 'W/"a"' }, {}, false],
    ["no tag", '"a"', { size: 1000, lastModified }, {}, false],
    ["one tag only", '"a", "b"', FILE, {}, false],
    ["the date", DATE, FILE, {}, true],
    ["the date", DATE, { ...FILE, lastModified: +lastModified + 999 }, {}, true],
    ["the date, in an old format", "Sun Nov  6 08:49:37 1994", FILE, {}, true],
    ["a later date: an exact match", "Mon, 07 Nov 1994 08:49:37 GMT", FILE, {}, false],
    ["an earlier date", "Sat, 05 Nov 1994 08:49:37 GMT", FILE, {}, false],
    ["no date", DATE, { size: 1000, etag: '"a"' }, {}, false],
    ["8.8.2.2: the date is not a strong validator yet", DATE, FILE, justNow, false],
    ["8.8.2.2: it is", DATE, FILE, { now: +lastModified + 1000 }, true],
    ["neither", "yesterday", FILE, {}, false],
  ];
  for (const [section, ifRange, file, options, isPart] of rows) {
    const status = answer({ range: "bytes=0-0", "if-range": ifRange }, file, options)?.status;
    assertEquals(status, isPart ? 206 : undefined, `${section}: ${ifRange}`);
  }
  // RFC 9110 14.2: without a match it is not unsatisfiable either.
  assertEquals(answer({ range: "bytes=9999-", "if-range": '"b"' }), undefined);
});

const text = (pieces: readonly (string | ByteRange)[], body: string) =>
  pieces.map((piece) => typeof piece === "string" ? piece : body.slice(piece.from, piece.to))
    .join("");

Deno.test("ranged() frames several ranges so that they can be read (RFC 9110 14.6)", () => {
  const body = Array.from({ length: 1000 }, (_, i) => String.fromCharCode(97 + i % 26)).join("");
  const spec = fc.tuple(fc.nat(999), fc.nat(100)).map(([from, length]) => [from, from + length]);
  const type = fc.constantFrom(undefined, "text/plain; charset=utf-8");
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 6 }), type, (specs, contentType) => {
      const range = `bytes=${specs.map((spec) => spec.join("-")).join()}`;
      const { status, headers, pieces } = answer({ range }, { size: 1000, contentType })!;
      assertEquals(status, 206);
      const sent = text(pieces, body);
      assertEquals(headers["content-length"], sent.length);
      const ranges = rangesOf(range, 1000) as ByteRange[];
      const [, boundary] = /^multipart\/byteranges; boundary=([\w-]+)$/
        .exec(`${headers["content-type"]}`) ?? [];
      if (ranges.length === 1) return assertEquals(boundary, undefined);
      // RFC 9110 15.3.7.2: Content-Range MUST NOT be in the head then.
      assertEquals(headers["content-range"], undefined);
      const parts = `\r\n${sent}`.split(`\r\n--${boundary}`);
      assertEquals([parts.shift(), parts.pop()], ["", "--\r\n"]);
      const read = parts.map((part) => {
        const [head, content] = part.split("\r\n\r\n");
        const lines = head!.split("\r\n").slice(1);
        assertEquals(lines.length, contentType === undefined ? 1 : 2);
        if (contentType !== undefined) assertEquals(lines.shift(), `content-type: ${contentType}`);
        const [, from, to] = /^content-range: bytes (\d+)-(\d+)\/1000$/.exec(lines[0]!)!;
        assertEquals(content, body.slice(Number(from), Number(to) + 1));
        return { from: Number(from), to: Number(to) + 1 };
      });
      assertEquals(read, ranges);
    }),
    { seed: 146, numRuns: 300 },
  );
});

Deno.test("ranged() refuses what would break its parts", () => {
  const range = "bytes=0-0,-1";
  const types = ["a\r\nb: c", "a\n", "a\0", "ä"];
  for (const contentType of types) {
    assertThrows(() => answer({ range }, { ...FILE, contentType }), TypeError, "Cannot send parts");
  }
  for (const boundary of ["", "a b", 'a"', "a\r\n", "a".repeat(71)]) {
    assertThrows(() => answer({ range }, FILE, { boundary }), TypeError, "Cannot use boundary");
  }
  const boundaryOf = () => answer({ range })!.headers["content-type"];
  assert(boundaryOf() !== boundaryOf());
});
