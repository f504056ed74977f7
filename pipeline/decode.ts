import { type Coroutine, EndOfStream } from "../compose/mod.ts";
import { unexpected } from "../compose/_chunks.ts";
import { refuseUnknown } from "../compose/_options.ts";

/**
 * Options of {@linkcode decode}.
 *
 * @category Stages
 */
export interface DecodeOptions extends TextDecoderOptions {
  /**
   * One of the encodings that TextDecoder knows.
   *
   * @default {"utf-8"}
   */
  encoding?: string;
}

/**
 * A stage that reads bytes and yields text. Characters may begin in one chunk and end in another.
 *
 * @param options The encoding, and what TextDecoder offers: `fatal` to refuse what is no text,
 * `ignoreBOM`.
 * @returns The stage.
 * @throws {TypeError} If it reads something else than bytes, or if `fatal` is set and they are no
 * text; from the stage.
 *
 * @example A character in two pieces
 * ```ts
 * import { decode, fromIterable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new TextEncoder().encode("5 €");
 * const chunks = [bytes.subarray(0, 3), bytes.subarray(3)];
 * assertEquals([...fromIterable(chunks, decode())], ["5 ", "€"]);
 * ```
 *
 * @category Stages
 */
export function* decode({ encoding = "utf-8", ...options }: DecodeOptions = {}): Coroutine<void> {
  refuseUnknown("decode", options, ["encoding", "fatal", "ignoreBOM"]);
  const decoder = new TextDecoder(encoding, options);
  try {
    for (;;) {
      const bytes: Uint8Array = yield;
      if (!ArrayBuffer.isView(bytes)) throw unexpected("read in decode()", "bytes", bytes);
      const text = decoder.decode(bytes, { stream: true });
      if (text !== "") yield text;
    }
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
    const rest = decoder.decode();
    if (rest !== "") yield rest;
  }
}
