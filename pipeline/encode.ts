import { type Coroutine, EndOfStream } from "../compose/mod.ts";

/**
 * A stage that reads text and yields bytes of UTF-8. Characters may begin in one chunk and end in another.
 *
 * @returns The stage.
 *
 * @example Text to bytes
 * ```ts
 * import { encode, fromIterable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([...fromIterable(["hi"], encode())], [new Uint8Array([104, 105])]);
 * ```
 */
export function* encode(): Coroutine<void> {
  const encoder = new TextEncoder();
  /** The first half of a surrogate pair whose second half has not come yet. */
  let half = "";
  try {
    for (;;) {
      let text: string = half + (yield);
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
