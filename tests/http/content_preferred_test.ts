/** RFC 9110 12: what a peer prefers, against tables and another implementation. */
import { assert, assertEquals } from "@std/assert";
import { accepts, acceptsEncodings, acceptsLanguages } from "@std/http/negotiation";
import fc from "fast-check";
import { preferredEncoding, preferredLanguage, preferredType } from "../../http/mod.ts";

type Row = [
  section: string,
  accepted: string | undefined | null,
  offers: string,
  preferred: string | undefined,
];

function check(
  prefer: (accepted: string | null | undefined, offers: string[]) => string | undefined,
  rows: Row[],
): void {
  for (const [section, accepted, offers, preferred] of rows) {
    const what = `${section}: ${JSON.stringify(accepted)} of ${offers}`;
    assertEquals(prefer(accepted, offers.split(/ +/).filter(Boolean)), preferred, what);
  }
}

Deno.test("preferredEncoding() chooses as RFC 9110 12.5.3 says", () => {
  check(preferredEncoding, [
    ["12.5.3: no header: anything", undefined, "gzip identity", "identity"],
    ["12.5.3: no header: anything", null, "gzip", "gzip"],
    ["12.5.3: empty: no coding", "", "gzip identity", "identity"],
    ["12.5.3: empty: no coding", "", "gzip", undefined],
    ["12.5.3: listed", "compress, gzip", "br gzip identity", "gzip"],
    ["12.5.3: any case", "GZip", "gzip", "gzip"],
    ["12.5.3: any case", "gzip", "GZIP", "GZIP"],
    ["12.5.3: * is any other", "*", "br gzip identity", "br"],
    ["12.5.3: * is any other", "*;q=0.5, gzip", "br gzip identity", "gzip"],
    ["12.5.3: * is any other", "gzip;q=0, *", "gzip br identity", "br"],
    ["12.5.3: named before *", "*, gzip", "br gzip identity", "gzip"],
    ["12.5.3: q=0 is not acceptable", "gzip;q=0", "gzip", undefined],
    ["12.5.3: q=0 is not acceptable", "gzip;q=0, br;q=0.000", "gzip br identity", "identity"],
    ["12.5.3: identity unless excluded", "compress", "gzip identity", "identity"],
    ["12.5.3: identity;q=0 excludes it", "compress, identity;q=0", "gzip identity", undefined],
    ["12.5.3: *;q=0 excludes it", "gzip;q=0, *;q=0", "gzip identity", undefined],
    ["12.5.3: *;q=0, identity", "*;q=0, identity;q=0.5", "gzip identity", "identity"],
    ["12.5.3: identity after all that is named", "gzip;q=0.001", "identity gzip", "gzip"],
    ["12.5.3: identity may be preferred", "gzip;q=0.5, identity", "gzip identity", "identity"],
    ["12.4.2: the highest weight", "gzip;q=0.9, br;q=0.91, zstd;q=0.1", "zstd gzip br", "br"],
    ["12.4.2: the default is 1", "gzip, br;q=0.999", "br gzip", "gzip"],
    ["12.4.2: space around ;", "gzip ; q=0.1 ,\tbr;q=0.2", "gzip br", "br"],
    ["12.4.2: Q", "gzip;Q=0.1, br;q=0.2", "gzip br", "br"],
    ["5.6.1: empty elements", ",, gzip,,", "gzip", "gzip"],
    ["8.4.1.3: x-gzip", "x-gzip", "gzip", "gzip"],
    ["8.4.1.3: x-gzip", "gzip", "x-gzip", "x-gzip"],
    ["ties: the order of offers", "gzip, br, zstd", "zstd br gzip", "zstd"],
    ["said twice: the friendlier", "gzip;q=0, gzip;q=1", "gzip", "gzip"],
    ["malformed: ignored", "gzip;q=2, br;q=0.5", "gzip br", "br"],
    [
      "malformed: ignored",
      "gzip;q=-1, gz ip, @, g\x00, =, ;, br;q=x",
      "gzip br identity",
      "identity",
    ],
    ["malformed: ignored", 'gzip;q="0.5', "gzip", undefined],
    ["weights that some send", "gzip;q=.5, br;q=0.33333", "br gzip", "gzip"],
    ["weights that some send", "gzip;q=1.00000", "gzip", "gzip"],
    ["nothing offered", "gzip", "", undefined],
    ["nothing offered", undefined, "", undefined],
  ]);
});

Deno.test("preferredType() chooses as RFC 9110 12.5.1 says", () => {
  const prefer = (accepted: string | null | undefined, offers: string[]) =>
    preferredType(accepted, offers);
  const example = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, " +
    "text/plain;format=fixed;q=0.4, */*;q=0.5";
  check(prefer, [
    ["12.5.1: no header: anything", undefined, "text/html image/png", "text/html"],
    ["nothing valid: anything", "", "text/html", "text/html"],
    ["nothing valid: anything", "html, ;, @/@", "text/html", "text/html"],
    ["12.5.1: ranges", "image/*", "text/html image/png", "image/png"],
    ["12.5.1: ranges", "*/*", "text/html image/png", "text/html"],
    ["12.5.1: ranges", "audio/*; q=0.2, audio/basic", "audio/mpeg audio/basic", "audio/basic"],
    ["12.5.1: none", "audio/*", "text/html", undefined],
    ["12.5.1: q=0", "text/*, text/html;q=0", "text/html text/plain", "text/plain"],
    ["12.5.1: q=0", "*/*, text/*;q=0, text/css", "text/html text/css", "text/css"],
    ["12.5.1: the most specific, 1", example, "text/plain;format=fixed image/jpeg", "image/jpeg"],
    ["12.5.1: the most specific, 0.7", example, "image/jpeg text/plain", "text/plain"],
    ["12.5.1: the most specific, 0.3", example, "text/html image/jpeg", "image/jpeg"],
    [
      "12.5.1: parameters",
      example,
      "text/plain text/plain;format=flowed",
      "text/plain;format=flowed",
    ],
    ["12.5.1: parameters", "a/b;x=1;y=2, a/b;x=1;q=0.1", "a/b;x=1 a/b;y=2;x=1", "a/b;y=2;x=1"],
    ["12.5.1: parameters", "a/b;x=1", "a/b", undefined],
    [
      "5.6.6: quoted, any case",
      'a/b;X="1,;\\"", c/d;q=0.5',
      'c/d a/b;x="1,;\\""',
      'a/b;x="1,;\\""',
    ],
    ["8.3.1: any case", "TEXT/Html", "text/HTML", "text/HTML"],
    ["12.5.1: q anywhere", "a/b;q=0.1;x=1, c/d;q=0.5", "a/b;x=1 c/d", "c/d"],
    [
      "ties: the better fit",
      "application/json, text/plain, */*",
      "text/html application/json",
      "application/json",
    ],
    ["ties: the order of offers", "a/b, c/d", "c/d a/b", "c/d"],
    ["what some send", "text/html, *; q=.2, */*; q=.2", "application/json", "application/json"],
    [
      "malformed: ignored",
      "text/html;q=7, a/b/c, image/png;q=0.1",
      "text/html image/png",
      "image/png",
    ],
  ]);
});

Deno.test("preferredLanguage() chooses as RFC 9110 12.5.4 says", () => {
  check(preferredLanguage, [
    ["12.5.4: no header: anything", undefined, "en de", "en"],
    ["12.5.4: the example", "da, en-gb;q=0.8, en;q=0.7", "en-US en-GB", "en-GB"],
    ["12.5.4: the example", "da, en-gb;q=0.8, en;q=0.7", "en-US fr", "en-US"],
    ["4647 3.3.1: more special", "en", "de en-GB", "en-GB"],
    ["4647 3.3.1: whole subtags", "en", "enm", undefined],
    ["4647 3.4: more general", "zh-Hant-CN", "en zh-Hant zh", "zh-Hant"],
    ["4647 3.4: more general", "de-CH-1996, en;q=0.5", "en de", "de"],
    ["4647 3.4: not another region", "en-US", "de en-GB", undefined],
    ["4647 3.4: refused is the special one", "de-CH;q=0, *", "de-CH de", "de"],
    ["the longer range", "en;q=0.1, en-GB", "en-US en-GB", "en-GB"],
    ["the longer range", "en, en-GB;q=0", "en-GB", undefined],
    ["* is any other", "*;q=0.1, en", "de en", "en"],
    ["* is any other", "*, de;q=0", "de en", "en"],
    ["any case", "EN-gb", "en-GB", "en-GB"],
    ["none", "fr", "en de", undefined],
    ["malformed: ignored", "f r, de;q=3, en;q=0.1", "de en", "en"],
  ]);
});

/** Weights that differ, so that ties do not matter, on which RFC 9110 says nothing. */
const weights = fc.shuffledSubarray([1, 0.9, 0.85, 0.8, 0.5, 0.333, 0.25, 0.1, 0.01, 0.001], {
  minLength: 10,
});

function listOf(values: string[], weights: number[], spaces: string): string {
  return values.map((value, i) => weights[i] === 1 ? value : `${value};${spaces}q=${weights[i]}`)
    .join(`,${spaces}`);
}

function compare(
  name: string,
  values: readonly string[],
  offers: readonly string[],
  prefer: (accepted: string, offers: string[]) => string | undefined,
  other: (request: Pick<Request, "headers">, ...offers: string[]) => string | undefined,
  header: string,
  zeros = true,
): void {
  Deno.test(`${name}() prefers what @std/http/negotiation does`, () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...values], { minLength: 1, maxLength: 6 }),
        weights,
        fc.array(fc.nat(5), { maxLength: zeros ? 2 : 0 }),
        fc.shuffledSubarray([...offers], { minLength: 1 }),
        fc.constantFrom("", " "),
        (values, weights, zeros, offers, spaces) => {
          for (const at of zeros) weights[at] = 0;
          const accepted = listOf(values, weights, spaces);
          const request = { headers: new Headers({ [header]: accepted }) };
          const expected = other(request, ...offers);
          const actual = prefer(accepted, offers);
          if (actual === expected) return;
          // Only where two offers got their weight from the same element.
          const without = offers.filter((offer) => offer !== expected);
          assert(expected !== undefined && actual !== undefined, `${accepted} of ${offers}`);
          const alone = [expected, actual].map((offer) => prefer(accepted, [offer]));
          assertEquals(alone, [expected, actual], `${accepted} of ${offers}`);
          assertEquals(other(request, ...without), actual);
        },
      ),
      { seed: 9110, numRuns: 1000 },
    );
  });
}

compare(
  "preferredEncoding",
  ["gzip", "br", "zstd", "deflate", "identity", "*", "compress"],
  ["gzip", "br", "zstd", "identity"],
  preferredEncoding,
  acceptsEncodings,
  "accept-encoding",
);
compare(
  "preferredType",
  ["text/html", "text/plain", "text/*", "*/*", "image/png", "image/*", "text/plain;format=flowed"],
  ["text/html", "text/plain", "text/plain;format=flowed", "image/png", "application/json"],
  preferredType,
  accepts,
  "accept",
);
// Without en-US, which fits en-GB there, but not here: RFC 4647 3.4 goes from special to general only.
compare(
  "preferredLanguage",
  ["en", "en-GB", "de", "de-CH", "fr", "*"],
  ["en", "en-GB", "de", "pt"],
  preferredLanguage,
  acceptsLanguages,
  "accept-language",
  false,
);

Deno.test("preferring takes linear time, and whatever comes", () => {
  const offers = ["a", "b"];
  for (const piece of [",", ";", '"', "a;", "a,", " ", "\\", 'a;b="', "a;q=0.", "/"]) {
    const list = piece.repeat(100_000);
    for (const prefer of [preferredEncoding, preferredType, preferredLanguage]) {
      prefer(list, offers); // in quadratic time it would take minutes
    }
  }
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (list) => {
      for (const prefer of [preferredEncoding, preferredType, preferredLanguage]) {
        const found = prefer(list, offers);
        assert(found === undefined || offers.includes(found));
      }
    }),
    { seed: 5, numRuns: 1000 },
  );
});
