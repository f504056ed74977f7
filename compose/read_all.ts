import { machinery } from "./_machinery.ts";
import { onlyToBeCalled } from "./_only_to_be_called.ts";
import { checkSize, Chunks, DEFAULT_MAX } from "./_chunks.ts";
import type { Coroutine } from "./coroutine.ts";
import { EndOfStream } from "./end_of_stream.ts";

/**
 * Reads all input, until {@linkcode EndOfStream}.
 *
 * @typeParam T What the input consists of: text or bytes.
 * @param max How much it may be, in characters (UTF-16 code units) or bytes as the input is; 65,536
 * unless given, `Infinity` for no limit.
 * @returns A coroutine that returns all input as one: text if it was text, and bytes if it was
 * bytes or nothing at all.
 * @throws {RangeError} If `max` is not a size; from the coroutine, if there is more than that. What
 * was read is dropped then.
 *
 * @example Reading what came in pieces
 * ```ts
 * import { readAll, retval } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(retval(readAll<string>(), ["Hello, ", "World!"]), "Hello, World!");
 * ```
 *
 * @category Readers
 */
export function readAll<T extends string | Uint8Array = Uint8Array>(
  max: number = DEFAULT_MAX,
): Coroutine<NoInfer<T>> {
  checkSize("max", max);
  return all(max) as Coroutine<T>;
}

function* all(max: number): Coroutine {
  const chunks = new Chunks("read all", "max of readAll()");
  for (;;) {
    let arrived;
    try {
      arrived = yield;
    } catch (error) {
      if (error instanceof EndOfStream) return chunks.take();
      throw error;
    }
    chunks.add(arrived);
    if (chunks.length > max) throw chunks.tooLong(max);
  }
}

machinery(import.meta.url, onlyToBeCalled(all));
