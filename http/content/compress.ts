import { refuseUnknown } from "../../reactor/_known.ts";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { concat } from "../../compose/_bytes.ts";
import { toBytes, unexpected } from "../../compose/_chunks.ts";
import { machinery } from "../../compose/_machinery.ts";
import { whole } from "../../reactor/_whole.ts";
import { type Codec, codecOf, levelOf } from "./_codecs.ts";
import { plain } from "./_plain.ts";
import { ZlibStream } from "./_zlib_stream.ts";
import type { ContentCoding } from "./content_coding.ts";

/**
 * Options of {@linkcode compress}.
 *
 * @category Compression
 */
export interface CompressOptions {
  /**
   * How hard to try. More takes more time and often makes less. `gzip` and `deflate` have 1 to 9,
   * `br` has 0 to 11, `zstd` has 1 to 19.
   *
   * @default {2 for gzip and deflate, 5 for br, 3 for zstd}
   */
  level?: number;
  /**
   * How many bytes to gather before they are encoded. With 0, each piece is encoded when it is
   * read. With more, small pieces make less, but they have to be followed by an empty one where
   * they must not wait for more.
   *
   * @default {0}
   */
  gatherBytes?: number;
}

/**
 * A stage that reads bytes or text and yields bytes in a content coding (RFC 9110 8.4).
 *
 * - **Nothing is held back.** What a piece makes can be decoded as soon as it is yielded. This
 *   costs a few bytes for each piece. To gather many small pieces, give `gatherBytes`, and an empty
 *   piece (`""`) whenever the reader must get what there is.
 * - **A small body is encoded at once**, if it ends before anything had to be yielded. Otherwise
 *   the stage waits for node:zlib with requests, which gio carries out.
 *
 * @param coding The content coding.
 * @param options How hard to try, and how much to gather.
 * @returns The stage.
 * @throws {TypeError} If the coding is unknown; from the stage, if it reads something else than
 * bytes or text.
 * @throws {RangeError} If an option makes no sense.
 *
 * @example The second event does not have to wait for the third
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { asProcess, memory } from "@weightless/io/gio";
 * import { compress, decompress } from "@weightless/io/http";
 * import { pipe } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * function* events(): Coroutine {
 *   for (let n = 1; n <= 3; n++) yield `data: ${n}\n\n`;
 * }
 *
 * const sent = memory();
 * await asProcess(pipe(events(), compress("gzip"), decompress("gzip")), { connection: sent });
 * assertEquals(sent.text, "data: 1\n\ndata: 2\n\ndata: 3\n\n");
 * ```
 *
 * @example A body that is small and comes at once
 * ```ts
 * import { compress, decodeWhole } from "@weightless/io/http";
 * import { fromIterable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const stage = compress("deflate", { gatherBytes: 65_536 });
 * const [body] = fromIterable(["Hello, ", "World!"], stage);
 * assertEquals(new TextDecoder().decode(decodeWhole("deflate", body)), "Hello, World!");
 * ```
 *
 * @category Compression
 */
export function compress(coding: ContentCoding, options: CompressOptions = {}): Coroutine<void> {
  refuseUnknown("compress", options, ["level", "gatherBytes"]);
  const codec = codecOf(coding);
  const { gatherBytes = 0 } = options;
  return compressing(
    codec,
    levelOf(codec, options.level),
    whole(gatherBytes, "compress: gatherBytes"),
  );
}

function* compressing(codec: Codec, level: number, gatherBytes: number): Coroutine<void> {
  let stream: ZlibStream | undefined;
  let gathered: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      let piece: unknown;
      try {
        piece = yield;
      } catch (error) {
        if (!(error instanceof EndOfStream)) throw error;
        break;
      }
      if (typeof piece !== "string" && !(piece instanceof Uint8Array)) {
        throw unexpected("read in compress()", "text or bytes", piece);
      }
      if (piece.length > 0) {
        const bytes = toBytes(piece);
        gathered.push(bytes);
        length += bytes.length;
        if (length < gatherBytes) continue;
      }
      if (length === 0) continue;
      stream ??= new ZlibStream(codec.encoder(level));
      yield* stream.write(gathered.length === 1 ? gathered[0]! : concat(gathered, length));
      gathered = [];
      length = 0;
    }
    if (stream === undefined) {
      yield plain(codec.encode(concat(gathered, length), level));
    } else {
      if (length > 0) yield* stream.write(concat(gathered, length));
      yield* stream.end();
    }
  } finally {
    stream?.close();
  }
}

machinery(import.meta.url, compressing);
