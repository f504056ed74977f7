/** Which responses are compressed, and what becomes of their headers. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type CompressibleResponse,
  compressionFor,
  type CompressionOptions,
  type ContentCoding,
} from "../../http/mod.ts";

const PAGE: CompressibleResponse = { status: 200, contentType: "text/html", contentLength: 5000 };
const ALL = "gzip, deflate, br, zstd";
const VARY = { vary: "accept-encoding" };

const encoded = (coding: string) => ({
  "content-encoding": coding,
  "content-length": undefined,
  "accept-ranges": undefined,
});

Deno.test("compressionFor() decides as RFC 9110 8.4 and 12.5 say", () => {
  const as = (coding: "gzip" | "br" | "zstd" | "deflate", headers: object = VARY) => ({
    coding,
    headers: { ...encoded(coding), ...headers },
  });
  const plain = { coding: undefined, headers: VARY };
  const rows: [
    what: string,
    response: Partial<CompressibleResponse>,
    acceptEncoding: string | null | undefined,
    decided: unknown,
    options?: CompressionOptions,
  ][] = [
    ["what browsers send", {}, ALL, as("zstd")],
    ["12.5.3: weights", {}, "gzip;q=0.5, br;q=0.9, zstd;q=0.1", as("br")],
    ["12.5.3: weights", {}, "identity, gzip;q=0.5", plain],
    ["12.5.3: only what is there", {}, "compress, deflate", as("deflate")],
    ["12.5.3: *", {}, "*, zstd;q=0", as("gzip")],
    ["12.5.5: caches are told all the same", {}, undefined, plain],
    ["12.5.5: caches are told all the same", {}, null, plain],
    ["12.5.5: caches are told all the same", {}, "", plain],
    ["12.5.3: nothing is acceptable", {}, "*;q=0", plain],
    ["the order of codings", {}, ALL, as("br"), { codings: ["br", "gzip"] }],
    ["no codings", {}, ALL, plain, { codings: [] }],

    ["length unknown", { contentLength: undefined }, ALL, as("zstd")],
    ["small", { contentLength: 1023 }, ALL, undefined],
    ["large enough", { contentLength: 1024 }, ALL, as("zstd")],
    ["minBytes", { contentLength: 9 }, ALL, undefined, { minBytes: 10 }],
    ["minBytes", { contentLength: 0 }, ALL, as("zstd"), { minBytes: 0 }],
    ["minBytes", { contentLength: 1e9 }, ALL, undefined, { minBytes: Infinity }],

    ["no body: 204", { status: 204 }, ALL, undefined],
    ["no body: 205", { status: 205 }, ALL, undefined],
    ["no body: 304", { status: 304 }, ALL, undefined],
    ["no body: 103", { status: 103 }, ALL, undefined],
    ["a part: 206", { status: 206 }, ALL, undefined],
    ["a part: Content-Range", { contentRange: "bytes 0-1/2" }, ALL, undefined],
    ["errors", { status: 404 }, ALL, as("zstd")],
    ["errors", { status: 500 }, ALL, as("zstd")],

    ["encoded already", { contentEncoding: "gzip" }, ALL, undefined],
    ["encoded already", { contentEncoding: "identity" }, ALL, undefined],
    ["9111 5.2.2.6", { cacheControl: "max-age=1, No-Transform" }, ALL, undefined],
    ["9111 5.2.2.6", { cacheControl: "no-transformers" }, ALL, as("zstd")],

    ["8.8.1: a strong tag", { etag: '"a"' }, "gzip", as("gzip", { etag: 'W/"a"', ...VARY })],
    ["8.8.1: a weak tag", { etag: 'W/"a"' }, "gzip", as("gzip")],
    ["8.8.1: not encoded", { etag: '"a"' }, "", plain],
    ["12.5.5: more", { vary: "Cookie" }, "gzip", as("gzip", { vary: "Cookie, accept-encoding" })],
    ["12.5.5: said", { vary: "a, Accept-Encoding" }, "gzip", as("gzip", {})],
    ["12.5.5: said", { vary: "a, Accept-Encoding" }, "", undefined],
    ["12.5.5: *", { vary: "*" }, "gzip", as("gzip", {})],
    ["12.5.5: empty", { vary: "" }, "gzip", as("gzip")],

    ["no type", { contentType: undefined }, ALL, undefined],
    ...[
      ...["text/plain", "Text/HTML; charset=utf-8", "text/css ;x=y", "application/json"],
      ...["application/ld+json", "image/svg+xml", "application/wasm", "application/xml"],
    ].map((contentType): [string, object, string, unknown] => [
      contentType,
      { contentType },
      ALL,
      as("zstd"),
    ]),
    ...[
      ...["image/png", "video/mp4", "application/zip", "application/octet-stream", "font/woff2"],
      ...["text/event-stream", "", "json", "constructor"],
    ].map((contentType): [string, object, string, unknown] => [
      contentType,
      { contentType },
      ALL,
      undefined,
    ]),
    ["isCompressible", { contentType: "A/B;c" }, ALL, as("zstd"), {
      isCompressible: (type) => type === "a/b",
    }],
  ];
  for (const [what, response, acceptEncoding, decided, options] of rows) {
    for (let again = 0; again < 2; again++) {
      const actual = compressionFor({ ...PAGE, ...response }, acceptEncoding, options);
      assertEquals<unknown>(actual, decided, `${what}: ${acceptEncoding}`);
    }
  }
});

Deno.test("compressionFor() refuses options that make no sense", () => {
  assertThrows(() => compressionFor(PAGE, ALL, { minBytes: -1 }), RangeError, "minBytes must be");
  assertThrows(() => compressionFor(PAGE, ALL, { minBytes: NaN }), RangeError, "minBytes must be");
  const codings: ContentCoding[] = ["gzip", "lzma" as "br"];
  assertThrows(() => compressionFor(PAGE, ALL, { codings }), TypeError, 'Cannot encode as "lzma"');
});

Deno.test("compressionFor() remembers no more than it needs", () => {
  let asked = 0;
  const options = { isCompressible: () => asked++ >= 0 };
  const ask = (type: string, accepted: string) =>
    compressionFor({ ...PAGE, contentType: type }, accepted, options)?.coding;
  for (let i = 0; i < 1000; i++) assertEquals(ask("a/b", "gzip"), "gzip");
  assertEquals(asked, 1);
  for (let i = 0; i < 1000; i++) {
    assertEquals(ask(`a/${i}`, `gzip, x${i}`), "gzip");
    assertEquals(ask(`a/${i}`, `br, x${i}`), "br");
  }
  assertEquals(asked, 1001);
});
