import { type Coroutine, EndOfStream } from "../compose/mod.ts";
import { unexpected } from "../compose/_chunks.ts";

/**
 * A stage that reads text and yields bytes of UTF-8. Characters may begin in one chunk and end in
 * another.
 *
 * @returns The stage.
 * @throws {TypeError} If it reads something else than text, from the stage.
 *
 * @example Text to bytes
 * ```ts
 * import { encode, fromIterable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...fromIterable(["hi"], encode())], [new Uint8Array([104, 105])]);
 * ```
 *
 * @category Stages
 */
export function* encode(): Coroutine<void> {
  const encoder = new TextEncoder();
  /** The first half of a surrogate pair whose second half has not come yet. */
  let half = "";
  try {
    for (;;) {
      const chunk: unknown = yield;
      if (typeof chunk !== "string") throw unexpected("read in encode()", "text", chunk);
      let text = half + chunk;
      half = "";
      const last = text.charCodeAt(text.length - 1);
      if (last >= 0xD800 && last <= 0xDBFF) {
        half = text.slice(-1);
        text = text.slice(0, -1);
      }
      if (text !== "") yield encoder.encode(text);
    }
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
    if (half !== "") yield encoder.encode(half);
  }
}
