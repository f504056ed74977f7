/*
 * What each content coding is in node:zlib. Its decoders differ. In Deno those of `br` and `zstd`
 * take truncated data for whole ones. So what ends their data is tried out: see `probe`.
 */
import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import { shown } from "../../reactor/_describe.ts";
import { whole } from "../../reactor/_whole.ts";
import type { ContentCoding } from "./content_coding.ts";

/** A stream of node:zlib. */
export type ZlibTransform = Transform & {
  /** How many bytes of its input were used. */
  readonly bytesWritten: number;
};

/** A function of node:zlib. With the option `info` it tells how much of the input it used. */
type Encode = (bytes: Uint8Array, options: object) => Uint8Array;
type Decode = (
  bytes: Uint8Array,
  options: { info: true; maxOutputLength: number; params?: Record<number, number> },
) => { buffer: Uint8Array; engine: { bytesWritten: number } };

/** One content coding. */
export interface Codec {
  readonly name: ContentCoding;
  readonly levels: readonly [min: number, max: number, usual: number];
  /** Encodes a whole body. */
  encode(bytes: Uint8Array, level: number): Uint8Array;
  /** A stream that gives out whatever is written to it at once. */
  encoder(level: number): ZlibTransform;
  readonly decode: Decode;
  decoder(first: number): ZlibTransform;
  /**
   * What is written after the end of the data, to see whether they were whole. Then `makes` bytes
   * come out, and nothing else is left of it.
   */
  readonly probe?: { readonly bytes: Uint8Array; readonly makes: 0 | 1 };
  /** Whether other data may follow the end of the data. */
  readonly goesOn: boolean;
}

const { constants } = zlib;
/** The output of a whole body comes in pieces of this size, which cost a call each. */
const MIN_CHUNK = 1024, MAX_CHUNK = 131_072;
const WHOLE_WINDOW_BITS = 22, MIN_WINDOW_BITS = 17;
/**
 * Streams may be many, so they have small windows and tables: with those of level 3, a stream of
 * `zstd` takes 2 % less bytes on the wire, and over 700 KiB of memory rather than
 * about 200.
 */
const STREAM_WINDOW_BITS = 17, STREAM_HASH_BITS = 15, STREAM_CHAIN_BITS = 14;
/** RFC 9659 3: a decoder has to support a window of 8 MB. */
const MAX_ZSTD_WINDOW_BITS = 23;

function chunkSize(length: number): number {
  return Math.min(Math.max(length >>> 1, MIN_CHUNK), MAX_CHUNK);
}

/** The smallest window that has room for all of it. */
function windowBits(length: number): number {
  const bits = 32 - Math.clz32(length);
  return Math.min(Math.max(bits, MIN_WINDOW_BITS), WHOLE_WINDOW_BITS);
}

function isZlib(first: number): boolean {
  // RFC 1950 2.2: the method is 8. Raw data (RFC 1951), which some send, never begin so.
  return (first & 0x0f) === 8;
}

/** Level 2 makes a third less than 1 in little more time, and level 3 hardly less than 2. */
const GZIP_LEVELS = [1, 9, 2] as const;

const gzip: Codec = {
  name: "gzip",
  levels: GZIP_LEVELS,
  encode: (bytes, level) => zlib.gzipSync(bytes, { level, chunkSize: chunkSize(bytes.length) }),
  encoder: (level) => zlib.createGzip({ level, flush: constants.Z_SYNC_FLUSH }),
  decode: zlib.gunzipSync as unknown as Decode,
  decoder: () => zlib.createGunzip(),
  goesOn: true, // RFC 1952 2.2: members follow each other
};

const deflate: Codec = {
  name: "deflate",
  levels: GZIP_LEVELS,
  encode: (bytes, level) => zlib.deflateSync(bytes, { level, chunkSize: chunkSize(bytes.length) }),
  encoder: (level) => zlib.createDeflate({ level, flush: constants.Z_SYNC_FLUSH }),
  decode: (bytes, options) =>
    ((isZlib(bytes[0]!) ? zlib.inflateSync : zlib.inflateRawSync) as unknown as Decode)(
      bytes,
      options,
    ),
  decoder: (first) => isZlib(first) ? zlib.createInflate() : zlib.createInflateRaw(),
  goesOn: false,
};

function brotli(level: number, lgwin: number, sizeHint: number): Record<number, number> {
  return {
    [constants.BROTLI_PARAM_QUALITY]: level,
    [constants.BROTLI_PARAM_LGWIN]: lgwin,
    [constants.BROTLI_PARAM_SIZE_HINT]: sizeHint,
  };
}

const br: Codec = {
  name: "br",
  levels: [0, 11, 5],
  encode: (bytes, level) =>
    zlib.brotliCompressSync(bytes, {
      chunkSize: chunkSize(bytes.length),
      params: brotli(level, windowBits(bytes.length), bytes.length),
    }),
  encoder: (level) =>
    zlib.createBrotliCompress({
      flush: constants.BROTLI_OPERATION_FLUSH,
      params: brotli(level, STREAM_WINDOW_BITS, 0),
    }),
  decode: zlib.brotliDecompressSync as unknown as Decode,
  decoder: () => zlib.createBrotliDecompress(),
  probe: { bytes: new Uint8Array(1), makes: 0 }, // which is not read after the end
  goesOn: false,
};

/** What is not in all types and all versions of node:zlib. */
const late = zlib as unknown as {
  zstdCompressSync: Encode;
  zstdDecompressSync: Decode;
  createZstdCompress(options: object): ZlibTransform;
  createZstdDecompress(options: object): ZlibTransform;
  constants: Record<string, number>;
};

const zstd: Codec = {
  name: "zstd",
  levels: [1, 19, 3],
  encode: (bytes, level) =>
    late.zstdCompressSync(bytes, {
      chunkSize: chunkSize(bytes.length),
      params: { [late.constants.ZSTD_c_compressionLevel!]: level },
    }),
  encoder: (level) =>
    late.createZstdCompress({
      flush: late.constants.ZSTD_e_flush,
      params: {
        [late.constants.ZSTD_c_compressionLevel!]: level,
        [late.constants.ZSTD_c_windowLog!]: STREAM_WINDOW_BITS,
        [late.constants.ZSTD_c_hashLog!]: STREAM_HASH_BITS,
        [late.constants.ZSTD_c_chainLog!]: STREAM_CHAIN_BITS,
      },
    }),
  decode: (bytes, options) =>
    late.zstdDecompressSync(bytes, {
      ...options,
      params: { [late.constants.ZSTD_d_windowLogMax!]: MAX_ZSTD_WINDOW_BITS },
    }),
  decoder: () =>
    late.createZstdDecompress({
      params: { [late.constants.ZSTD_d_windowLogMax!]: MAX_ZSTD_WINDOW_BITS },
    }),
  // RFC 8878 3.1.1: a frame of one byte, which comes out if there was no unfinished frame before.
  probe: {
    bytes: new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x01, 0x09, 0, 0, 0x78]),
    makes: 1,
  },
  goesOn: true,
};

/** The codings that node:zlib has, the best choice for a body that is made at the moment first. */
const available: Codec[] = [
  ...typeof late.zstdCompressSync === "function" ? [zstd] : [],
  gzip,
  br,
  deflate,
];

/** The names of all codings that there are here. */
export const AVAILABLE: readonly ContentCoding[] = available.map(({ name }) => name);

const codecs = new Map(available.map((codec) => [codec.name as string, codec]));
// RFC 9110 8.4.1.3: a recipient SHOULD consider "x-gzip" to be equivalent to "gzip".
codecs.set("x-gzip", gzip);

/** Finds a coding by its name, in lower case. */
export function findCodec(name: string): Codec | undefined {
  return codecs.get(name);
}

/** The coding that the program asks for. */
export function codecOf(name: ContentCoding): Codec {
  const codec = codecs.get(name);
  if (codec !== undefined) return codec;
  throw new TypeError(
    `Cannot encode as ${shown(name)}: give one of ${AVAILABLE.join(", ")}`,
  );
}

/** The level that the program asks for. */
export function levelOf({ name, levels: [min, max, usual] }: Codec, level?: number): number {
  return whole(level ?? usual, `encode as ${name}: the level`, min, max);
}
