import { refuseUnknown } from "../../reactor/_known.ts";
import { toBytes, unexpected } from "../../compose/_chunks.ts";
import { codecOf, levelOf } from "./_codecs.ts";
import { plain } from "./_plain.ts";
import type { CompressOptions } from "./compress.ts";
import type { ContentCoding } from "./content_coding.ts";

/**
 * Encodes a body that is known whole, at once. {@linkcode compress} is for one that comes in
 * pieces.
 *
 * @param coding The content coding.
 * @param body Bytes, or text, which is made UTF-8.
 * @param options How hard to try.
 * @returns The encoded body.
 * @throws {TypeError} If the coding is unknown, or the body is neither bytes nor text.
 * @throws {RangeError} If the coding has no such level.
 *
 * @example Less to send
 * ```ts
 * import { decodeWhole, encodeWhole } from "@weightless/io/http";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const body = new TextEncoder().encode("All work and no play. ".repeat(100));
 * const encoded = encodeWhole("gzip", body);
 * assert(encoded.length < body.length / 10);
 * assertEquals(decodeWhole("gzip", encoded), body);
 * ```
 *
 * @category Compression
 */
export function encodeWhole(
  coding: ContentCoding,
  body: Uint8Array | string,
  options: Pick<CompressOptions, "level"> = {},
): Uint8Array {
  refuseUnknown("encode", options, ["level"]);
  const { level } = options;
  const codec = codecOf(coding);
  if (typeof body !== "string" && !(body instanceof Uint8Array)) {
    throw unexpected("encode a body", "text or bytes", body);
  }
  return plain(codec.encode(toBytes(body), levelOf(codec, level)));
}
