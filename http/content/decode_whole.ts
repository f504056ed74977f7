import { refuseUnknown } from "../../reactor/_known.ts";
import { concat } from "../../compose/_bytes.ts";
import { whole } from "../../reactor/_whole.ts";
import { codecsOf, Decoding, faulty, tooLarge } from "./_decoding.ts";
import { type DecompressOptions, DEFAULT_MAX_BYTES } from "./decompress.ts";

/**
 * Decodes a body that is known whole, at once. {@linkcode decompress} is for one that comes in
 * pieces.
 *
 * @param codings The value of Content-Encoding, for example `"gzip"`. Of several codings, the last
 * is decoded first.
 * @param body The encoded body.
 * @param options How large the decoded body may be.
 * @returns The decoded body.
 * @throws {RemoteProtocolError} With status 415 if one of the codings is unknown, or there are more
 * than four; 413 if the body, or what is between two codings, is too large; 400 if the data are
 * faulty, not complete, or followed by others.
 * @throws {RangeError} If `maxBytes` is no number of bytes.
 *
 * @example What was encoded twice
 * ```ts
 * import { decodeWhole, encodeWhole } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const body = new Uint8Array([1, 2, 3]);
 * const encoded = encodeWhole("br", encodeWhole("gzip", body));
 * assertEquals(decodeWhole("gzip, br", encoded), body);
 * ```
 *
 * @category Compression
 */
export function decodeWhole(
  codings: string,
  body: Uint8Array,
  options: DecompressOptions = {},
): Uint8Array {
  refuseUnknown("decode", options, ["maxBytes"]);
  const { maxBytes = DEFAULT_MAX_BYTES } = options;
  whole(maxBytes, "decode: maxBytes");
  const codecs = codecsOf(codings);
  for (const codec of codecs) {
    if (body.length === 0) break; // as decompress() takes it
    const pieces = new Decoding(codec, maxBytes).atOnce(body, Infinity);
    if (pieces === undefined) throw faulty(codec);
    body = pieces.length === 1 ? pieces[0]! : concat(pieces);
  }
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  return body;
}
