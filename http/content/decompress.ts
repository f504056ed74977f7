import { refuseUnknown } from "../../reactor/_known.ts";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { unexpected } from "../../compose/_chunks.ts";
import { machinery } from "../../compose/_machinery.ts";
import { pipe } from "../../pipeline/mod.ts";
import { whole } from "../../reactor/_whole.ts";
import type { Codec } from "./_codecs.ts";
import { codecsOf, Decoding, tooLarge } from "./_decoding.ts";

/**
 * Options of {@linkcode decompress} and {@linkcode decodeWhole}.
 *
 * @category Compression
 */
export interface DecompressOptions {
  /**
   * How many bytes the decoded body may have. A few bytes can stand for gigabytes. `Infinity` turns
   * the limit off.
   *
   * @default {16_777_216}
   */
  maxBytes?: number;
}

/** 16 MiB. */
export const DEFAULT_MAX_BYTES = 16_777_216;

/**
 * A stage that reads bytes in content codings (RFC 9110 8.4) and yields them decoded.
 *
 * What can be decoded is yielded at once. A body without any bytes is taken as it is. `gzip` may
 * have several members, `zstd` several frames; `deflate` is the `zlib` format, or what some take
 * for it, raw data. Data that are small and come whole are decoded at once; otherwise the stage
 * waits for node:zlib with requests, which gio carries out.
 *
 * @param codings The value of Content-Encoding, for example `"gzip"`. Of several codings, the last
 * is decoded first.
 * @param options How large the body may be.
 * @returns The stage.
 * @throws {RemoteProtocolError} With status 415 if one of the codings is unknown, or there are more
 * than four. From the stage: with status 413 if the body, or what is between two codings, is too
 * large; with status 400 if the data are faulty, not complete, or followed by others.
 * @throws {TypeError} From the stage, if it reads something else than bytes.
 * @throws {RangeError} If `maxBytes` is no number of bytes.
 *
 * @example A request's body
 * ```ts
 * import { decompress, encodeWhole, RemoteProtocolError } from "@weightless/io/http";
 * import { fromIterable, lines, pipe } from "@weightless/io/pipeline";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const body = encodeWhole("gzip", "one\ntwo\n");
 * assertEquals([...fromIterable([body], pipe(decompress("gzip"), lines()))], ["one", "two"]);
 *
 * const bomb = encodeWhole("gzip", new Uint8Array(1_000_000));
 * const error = assertThrows(
 *   () => [...fromIterable([bomb], decompress("gzip", { maxBytes: 100_000 }))],
 *   RemoteProtocolError,
 * );
 * assertEquals(error.status, 413);
 * ```
 *
 * @category Compression
 */
export function decompress(
  codings: string,
  options: DecompressOptions = {},
): Coroutine<void> {
  refuseUnknown("decompress", options, ["maxBytes"]);
  const { maxBytes = DEFAULT_MAX_BYTES } = options;
  whole(maxBytes, "decompress: maxBytes");
  const stages = codecsOf(codings).map((codec) => decompressing(codec, maxBytes));
  return stages.length > 1 ? pipe(...stages) as Coroutine<void> : stages[0] ?? passing(maxBytes);
}

function* decompressing(codec: Codec, maxBytes: number): Coroutine<void> {
  const decoding = new Decoding(codec, maxBytes);
  try {
    for (let bytes; (bytes = yield* read()) !== undefined;) yield* decoding.write(bytes);
    yield* decoding.end();
  } finally {
    decoding.close();
  }
}

/** Reads bytes, or undefined at the end. */
function* read(): Coroutine<Uint8Array | undefined> {
  let bytes: unknown;
  try {
    bytes = yield;
  } catch (error) {
    if (error instanceof EndOfStream) return undefined;
    throw error;
  }
  if (bytes instanceof Uint8Array) return bytes;
  throw unexpected("read in decompress()", "bytes", bytes);
}

/** There is no coding, but a limit. */
function* passing(maxBytes: number): Coroutine<void> {
  let length = 0;
  for (let bytes; (bytes = yield* read()) !== undefined;) {
    if ((length += bytes.length) > maxBytes) throw tooLarge(maxBytes);
    yield bytes;
  }
}

machinery(import.meta.url, decompressing, passing, read);
