import { machinery } from "./_machinery.ts";
import { onlyToBeCalled } from "./_only_to_be_called.ts";
import { checkSize, Chunks, counted, DEFAULT_MAX } from "./_chunks.ts";
import type { Coroutine } from "./coroutine.ts";
import { PushBack } from "./push_back.ts";

/**
 * Reads a number of bytes, or of characters if the input is text. What came with them is pushed
 * back.
 *
 * Bytes that came in one chunk are not copied. For more than memory should hold, see
 * {@linkcode copyBytes}.
 *
 * @typeParam T What the input consists of: text or bytes.
 * @param n How many bytes, or characters (UTF-16 code units, as in `length`). For 0 nothing is
 * read, and the result is no bytes.
 * @param max How large `n` may be, which is often what the peer says; 65,536 unless given,
 * `Infinity` for no limit.
 * @returns A coroutine that returns them.
 * @throws {RangeError} If `n` is not a whole number, 0 or more, or is larger than `max`.
 * @throws {EndOfStream} If the stream ends before, from the coroutine. What was read is in its
 * `partial`.
 *
 * @example A length, then as much data
 * ```ts
 * import { call, type Coroutine, readExactly, retval } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* message(): Coroutine<Uint8Array> {
 *   const [length] = yield* call(readExactly(1));
 *   return yield* call(readExactly(length!));
 * }
 *
 * const input = [new Uint8Array([3, 10, 11]), new Uint8Array([12, 13])];
 * assertEquals(retval(message(), input), new Uint8Array([10, 11, 12]));
 * ```
 *
 * @category Readers
 */
export function readExactly<T extends string | Uint8Array = Uint8Array>(
  n: number,
  max: number = DEFAULT_MAX,
): Coroutine<NoInfer<T>> {
  checkSize("n", n);
  checkSize("max", max);
  const chunks = new Chunks(`read ${counted(n, "byte")}`, "max of readExactly()");
  if (n > max) throw chunks.tooLong(max);
  return reading(n, chunks) as Coroutine<T>;
}

function* reading(n: number, chunks: Chunks): Coroutine {
  while (chunks.length < n) {
    let arrived;
    try {
      arrived = yield;
    } catch (error) {
      throw chunks.ended(error);
    }
    chunks.add(arrived);
  }
  return new PushBack(chunks.take(n), chunks.from(n));
}

machinery(import.meta.url, onlyToBeCalled(reading));
