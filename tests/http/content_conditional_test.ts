/** RFC 9110 13: conditional requests; 5.6.7: dates; 8.8: validators. */
import { assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { ifMatch, ifNoneMatch } from "@std/http/etag";
import fc from "fast-check";
import { parseHttpDate } from "../../http/content/_http_date.ts";
import { conditional, etagOf, type Validators, weakEtag } from "../../http/mod.ts";

const OLDER = "Sat, 05 Nov 1994 08:49:37 GMT";
const DATE = "Sun, 06 Nov 1994 08:49:37 GMT";
const NEWER = "Mon, 07 Nov 1994 08:49:37 GMT";
const lastModified = new Date(DATE);

const STRONG: Validators = { etag: '"a"', lastModified };
const WEAK: Validators = { etag: 'W/"a"', lastModified };
const DATED: Validators = { lastModified };
const TAGGED: Validators = { etag: '"a"' };
const BARE: Validators = {};

type Row = [
  section: string,
  method: string,
  headers: Record<string, string>,
  representation: Validators | undefined,
  verdict: "proceed" | 304 | 412,
];

const ROWS: Row[] = [
  ["13: no condition", "GET", {}, STRONG, "proceed"],
  ["13: no condition", "GET", {}, undefined, "proceed"],

  ["13.1.1: any", "PUT", { "if-match": "*" }, BARE, "proceed"],
  ["13.1.1: any", "PUT", { "if-match": "*" }, undefined, 412],
  ["13.1.1: listed", "PUT", { "if-match": '"a"' }, STRONG, "proceed"],
  ["13.1.1: listed", "PUT", { "if-match": '"b", "a"' }, STRONG, "proceed"],
  ["13.1.1: listed", "PUT", { "if-match": '"b"' }, STRONG, 412],
  ["13.1.1: listed", "PUT", { "if-match": '"a"' }, BARE, 412],
  ["13.1.1: listed", "PUT", { "if-match": '"a"' }, undefined, 412],
  ["13.1.1: strong comparison", "PUT", { "if-match": 'W/"a"' }, WEAK, 412],
  ["13.1.1: strong comparison", "PUT", { "if-match": '"a"' }, WEAK, 412],
  ["13.1.1: strong comparison", "PUT", { "if-match": 'W/"a"' }, STRONG, 412],
  ["13.1.1: for GET as well", "GET", { "if-match": '"b"' }, STRONG, 412],
  ["13.1.1: an empty list", "PUT", { "if-match": "" }, STRONG, 412],

  ["13.1.2: any", "PUT", { "if-none-match": "*" }, undefined, "proceed"],
  ["13.1.2: any", "PUT", { "if-none-match": "*" }, BARE, 412],
  ["13.1.2: any", "GET", { "if-none-match": "*" }, BARE, 304],
  ["13.1.2: listed", "GET", { "if-none-match": '"a"' }, STRONG, 304],
  ["13.1.2: listed", "HEAD", { "if-none-match": '"b","a"' }, STRONG, 304],
  ["13.1.2: listed", "POST", { "if-none-match": '"a"' }, STRONG, 412],
  ["13.1.2: listed", "GET", { "if-none-match": '"b"' }, STRONG, "proceed"],
  ["13.1.2: listed", "GET", { "if-none-match": '"a"' }, DATED, "proceed"],
  ["13.1.2: listed", "GET", { "if-none-match": '"a"' }, undefined, "proceed"],
  ["13.1.2: weak comparison", "GET", { "if-none-match": 'W/"a"' }, WEAK, 304],
  ["13.1.2: weak comparison", "GET", { "if-none-match": '"a"' }, WEAK, 304],
  ["13.1.2: weak comparison", "GET", { "if-none-match": 'W/"a"' }, STRONG, 304],

  ["13.1.3: not modified", "GET", { "if-modified-since": DATE }, STRONG, 304],
  ["13.1.3: not modified", "HEAD", { "if-modified-since": NEWER }, DATED, 304],
  ["13.1.3: modified", "GET", { "if-modified-since": OLDER }, DATED, "proceed"],
  ["13.1.3: other methods ignore it", "POST", { "if-modified-since": DATE }, DATED, "proceed"],
  ["13.1.3: invalid", "GET", { "if-modified-since": "yesterday" }, DATED, "proceed"],
  [
    "13.1.3: a list is invalid",
    "GET",
    { "if-modified-since": `${DATE}, ${DATE}` },
    DATED,
    "proceed",
  ],
  ["13.1.3: no date of modification", "GET", { "if-modified-since": DATE }, TAGGED, "proceed"],
  [
    "13.1.3: a time of modification 0",
    "GET",
    { "if-modified-since": DATE },
    { lastModified: 0 },
    304,
  ],
  ["13.1.3: no time", "GET", { "if-modified-since": DATE }, { lastModified: null }, "proceed"],
  [
    "13.1.3: in whole seconds",
    "GET",
    { "if-modified-since": DATE },
    { lastModified: +lastModified + 999 },
    304,
  ],

  ["13.1.4: not modified", "PUT", { "if-unmodified-since": DATE }, DATED, "proceed"],
  ["13.1.4: not modified", "PUT", { "if-unmodified-since": NEWER }, DATED, "proceed"],
  ["13.1.4: modified", "PUT", { "if-unmodified-since": OLDER }, DATED, 412],
  ["13.1.4: modified", "GET", { "if-unmodified-since": OLDER }, DATED, 412],
  ["13.1.4: invalid", "PUT", { "if-unmodified-since": "x" }, DATED, "proceed"],
  ["13.1.4: no date of modification", "PUT", { "if-unmodified-since": OLDER }, TAGGED, "proceed"],

  ["13.2.1: not for OPTIONS", "OPTIONS", { "if-match": '"b"' }, STRONG, "proceed"],
  ["13.2.1: not for CONNECT", "CONNECT", { "if-none-match": "*" }, STRONG, "proceed"],
  ["13.2.1: not for TRACE", "TRACE", { "if-none-match": "*" }, STRONG, "proceed"],

  [
    "13.2.2: 1 before 2",
    "PUT",
    { "if-match": '"a"', "if-unmodified-since": OLDER },
    STRONG,
    "proceed",
  ],
  ["13.2.2: 1 before 3", "GET", { "if-match": '"b"', "if-none-match": '"a"' }, STRONG, 412],
  ["13.2.2: 1, then 3", "GET", { "if-match": '"a"', "if-none-match": '"a"' }, STRONG, 304],
  ["13.2.2: 1, then 4", "GET", { "if-match": '"a"', "if-modified-since": DATE }, STRONG, 304],
  ["13.2.2: 2 before 3", "GET", { "if-unmodified-since": OLDER, "if-none-match": "*" }, DATED, 412],
  [
    "13.2.2: 2, then 4",
    "GET",
    { "if-unmodified-since": DATE, "if-modified-since": DATE },
    DATED,
    304,
  ],
  [
    "13.2.2: 3 before 4",
    "GET",
    { "if-none-match": '"b"', "if-modified-since": DATE },
    STRONG,
    "proceed",
  ],
  [
    "13.2.2: 3 before 4",
    "GET",
    { "if-none-match": '"a"', "if-modified-since": OLDER },
    STRONG,
    304,
  ],

  ["8.8.3: a comma in a tag", "GET", { "if-none-match": '"b,c"' }, { etag: '"b,c"' }, 304],
  ["8.8.3: a comma in a tag", "GET", { "if-none-match": '"b,a","c"' }, STRONG, "proceed"],
  ["8.8.3: an empty tag", "GET", { "if-none-match": '"",' }, { etag: '""' }, 304],
  ["8.8.3: obs-text", "GET", { "if-none-match": '"\xe9"' }, { etag: '"\xe9"' }, 304],
  ["8.8.3: W is case-sensitive", "GET", { "if-none-match": 'w/"a"' }, STRONG, "proceed"],
  ["8.8.3: quotes are required", "GET", { "if-none-match": "a" }, { etag: "a" }, "proceed"],
  ["8.8.3: * is no tag", "GET", { "if-none-match": '"b", *' }, STRONG, "proceed"],
  ["5.6.1: space and empty elements", "GET", { "if-none-match": ' , ,\t"a" ,' }, STRONG, 304],
  ["malformed: ignored", "GET", { "if-none-match": 'x, "b"c, "a"' }, STRONG, 304],
  ["malformed: ignored", "GET", { "if-none-match": '"b, "a"' }, STRONG, "proceed"],
  ["malformed: ignored", "GET", { "if-none-match": '"a' }, STRONG, "proceed"],
  ["malformed: ignored", "GET", { "if-none-match": 'W/, "a" "b"' }, STRONG, "proceed"],
];

Deno.test("conditional() decides as RFC 9110 13 says", () => {
  for (const [section, method, given, representation, verdict] of ROWS) {
    const headers = { get: (name: string) => given[name] };
    const what = `${section}: ${method} ${JSON.stringify(given)}`;
    assertEquals(conditional({ method, headers }, representation), verdict, what);
    const old = { get: (name: string) => given[name] ?? null };
    assertEquals(conditional({ method, headers: old }, representation), verdict, what);
  }
});

Deno.test("conditional() finds the tag that it sent, in any list", () => {
  const tag = fc.string({ unit: fc.constantFrom(..."abc!#,/\\W\x80\xff "), maxLength: 6 })
    .map((opaque) => `"${opaque.replaceAll(" ", "")}"`);
  const weak = fc.tuple(fc.constantFrom("", "W/"), tag).map(([mark, tag]) => mark + tag);
  const space = fc.constantFrom("", " ", ",", " ,\t");
  fc.assert(
    fc.property(fc.array(fc.tuple(weak, space)), weak, (list, etag) => {
      const value = list.map(([tag, space]) => tag + space).join(",");
      const headers = { get: (name: string) => name === "if-none-match" ? value : undefined };
      const opaque = (tag: string) => tag.replace(/^W\//, "");
      const isListed = list.some(([tag]) => opaque(tag) === opaque(etag));
      assertEquals(conditional({ method: "GET", headers }, { etag }), isListed ? 304 : "proceed");
    }),
    { seed: 13, numRuns: 1000 },
  );
});

Deno.test("conditional() compares tags as @std/http/etag does", () => {
  const tag = fc.tuple(fc.constantFrom("", "W/"), fc.constantFrom('"a"', '"b"', '"c/W"', '"\xe9"'))
    .map(([mark, opaque]) => mark + opaque);
  const list = fc.tuple(fc.array(tag, { minLength: 1 }), fc.constantFrom(",", ", ", " , "))
    .map(([tags, comma]) => tags.join(comma));
  fc.assert(
    fc.property(fc.oneof(list, fc.constant("*")), tag, (value, etag) => {
      const decide = (method: string, header: string) =>
        conditional({ method, headers: new Headers({ [header]: value }) }, { etag });
      assertEquals(decide("GET", "if-none-match"), ifNoneMatch(value, etag) ? "proceed" : 304);
      // For a weak tag not even * is a match there, but RFC 9110 13.1.1: any representation is.
      if (value === "*" && etag.startsWith("W/")) return;
      assertEquals(decide("PUT", "if-match"), ifMatch(value, etag) ? "proceed" : 412);
    }),
    { seed: 88, numRuns: 1000 },
  );
});

Deno.test("conditional() takes linear time", () => {
  for (const piece of ['"', ",", "W/", 'W/"a', " ", '"a" ', '"b",']) {
    const headers = { get: () => piece.repeat(100_000) }; // in quadratic time it would take minutes
    conditional({ method: "PUT", headers }, STRONG);
  }
});

Deno.test("dates of HTTP are read in three formats (RFC 9110 5.6.7)", () => {
  const now = Date.UTC(2026, 5, 1);
  const rows: [string, string | undefined][] = [
    ["Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.000Z"],
    ["Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37.000Z"],
    ["Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37.000Z"],
    ["Wed Nov 16 08:49:37 1994", "1994-11-16T08:49:37.000Z"],
    ["Thu, 29 Feb 2024 00:00:00 GMT", "2024-02-29T00:00:00.000Z"],
    ["Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00.000Z"],
    ["Mon, 01 Jan 0001 00:00:00 GMT", "0001-01-01T00:00:00.000Z"],
    // A year that seems to be more than 50 years ahead is past.
    ["Monday, 01-Jan-76 00:00:00 GMT", "2076-01-01T00:00:00.000Z"],
    ["Monday, 01-Jan-77 00:00:00 GMT", "1977-01-01T00:00:00.000Z"],
    ["Monday, 01-Jan-00 00:00:00 GMT", "2000-01-01T00:00:00.000Z"],
    ...[
      "",
      "0",
      "1994-11-06T08:49:37Z",
      "sun, 06 nov 1994 08:49:37 gmt",
      "Sun, 06 Nov 1994 08:49:37",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 +0000",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 94 08:49:37 GMT",
      "Sun,  06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:00:00 GMT",
      "Sun, 06 Nov 1994 08:60:37 GMT",
      "Sun, 06 Nov 1994 08:49:61 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Thu, 31 Nov 1994 08:49:37 GMT",
      "Wed, 29 Feb 2023 00:00:00 GMT",
      " Sun, 06 Nov 1994 08:49:37 GMT",
      "Sun Nov 6 08:49:37 1994",
      "Xxx, 06 Nov 1994 08:49:37 GMT",
    ].map((text): [string, undefined] => [text, undefined]),
  ];
  for (const [text, expected] of rows) {
    const time = parseHttpDate(text, now);
    assertEquals(time === undefined ? undefined : new Date(time).toISOString(), expected, text);
  }
});

Deno.test("dates of HTTP are read as they are written", () => {
  const times = fc.integer({ min: Date.UTC(1, 0), max: Date.UTC(9999, 11, 31) / 1000 })
    .map((time) => time * 1000).filter((time) => time >= -6e13);
  fc.assert(
    fc.property(times, (time) => {
      const written = new Date(time).toUTCString();
      if (!/ \d{4} /.test(written)) return; // a negative year
      assertEquals(parseHttpDate(written), time);
    }),
    { seed: 5, numRuns: 1000 },
  );
});

Deno.test("entity tags tell bodies and files apart", () => {
  assertEquals(etagOf("a€"), etagOf(new TextEncoder().encode("a€")));
  assertNotEquals(etagOf(""), etagOf("\0"));
  assertMatch(etagOf(new Uint8Array(100_000)), /^"186a0-[\w-]{27}"$/);
  const mtime = new Date(1_000_000_000_000);
  assertEquals(weakEtag({ size: 0, mtime }), 'W/"0-e8d4a51000"');
  assertNotEquals(weakEtag({ size: 1, mtime }), weakEtag({ size: 1, mtime: +mtime + 1 }));
  assertThrows(() => weakEtag({ size: -1, mtime }), RangeError, "the size must be a whole number");
  assertThrows(() => weakEtag({ size: 1, mtime: NaN }), RangeError, "of the time NaN");
});
