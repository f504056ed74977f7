import { machinery } from "./_machinery.ts";
import { checkSize, Chunks, counted } from "./_chunks.ts";
import type { Coroutine } from "./coroutine.ts";
import { pushBack } from "./push_back.ts";

/**
 * Reads a number of bytes, or of characters if the input is text. What came with them is pushed back.
 *
 * Bytes that came in one chunk are not copied.
 *
 * @typeParam T What the input consists of: text or bytes.
 * @param n How many bytes, or characters (UTF-16 code units, as in `length`). For 0 nothing is read, and the result is no
 * bytes.
 * @returns A coroutine that returns them.
 * @throws {RangeError} If `n` is not a whole number, 0 or more.
 * @throws {EndOfStream} From the coroutine, if the stream ends before; what was read is in its `partial`.
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
 */
export function readExactly<T extends string | Uint8Array = Uint8Array>(
  n: number,
): Coroutine<T> {
  checkSize("n", n);
  return reading(n) as Coroutine<T>;
}

function* reading(n: number): Coroutine {
  const chunks = new Chunks(`read ${counted(n, "byte")}`);
  while (chunks.length < n) {
    let arrived;
    try {
      arrived = yield;
    } catch (error) {
      throw chunks.ended(error);
    }
    chunks.add(arrived);
  }
  return pushBack(chunks.take(n), ...chunks.from(n));
}

machinery(import.meta.url, reading);
