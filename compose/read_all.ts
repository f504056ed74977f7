import { machinery } from "./_machinery.ts";
import { Chunks } from "./_chunks.ts";
import type { Coroutine } from "./coroutine.ts";
import { EndOfStream } from "./end_of_stream.ts";

/**
 * Reads all there is, until {@linkcode EndOfStream}.
 *
 * @typeParam T What the input consists of: text or bytes.
 * @returns A coroutine that returns all input as one: text if it was text, and bytes if it was bytes or nothing at all.
 *
 * @example Reading what came in pieces
 * ```ts
 * import { readAll, retval } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(retval(readAll<string>(), ["Hello, ", "World!"]), "Hello, World!");
 * ```
 */
export function* readAll<T extends string | Uint8Array = Uint8Array>(): Coroutine<T> {
  const chunks = new Chunks("read all");
  for (;;) {
    let arrived;
    try {
      arrived = yield;
    } catch (error) {
      if (error instanceof EndOfStream) return chunks.take() as T;
      throw error;
    }
    chunks.add(arrived);
  }
}

machinery(import.meta.url, readAll);
