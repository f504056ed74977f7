import type { Stage } from "./pipe.ts";
import { toTransformStream } from "./to_transform_stream.ts";

/**
 * Gives the items of an iterable to a stage. What the stage yields is a readable stream.
 *
 * The stage runs on demand. One item of the source is read ahead, as `pipeThrough` does. Cancelling
 * the stream closes the stage and the source. An error of the source is thrown at the stage's
 * `yield`, and goes to the reader.
 *
 * @typeParam T What the stage yields.
 * @param source What the stage reads: a stream, an array, …; an empty array for a stage that reads
 * nothing.
 * @param stage A coroutine (a pipe, say), or a function that makes one.
 * @returns The stream.
 * @throws {TypeError} If the source is not iterable, or the stage is not a coroutine or a function
 * that makes one.
 *
 * @example The body of a response
 * ```ts
 * import { encode, join, pipe, toReadableStream } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const body = toReadableStream(["a", "b"], pipe(join(","), encode()));
 * assertEquals(await new Response(body).text(), "a,b");
 * ```
 *
 * @category Streams
 */
// deno-lint-ignore no-explicit-any
export function toReadableStream<T = any>(
  source: Iterable<unknown> | AsyncIterable<unknown>,
  stage: Stage,
): ReadableStream<T> {
  const readable = source instanceof ReadableStream
    ? source
    : ReadableStream.from(typeof source === "string" ? [...source] : source);
  return readable.pipeThrough(toTransformStream<unknown, T>(stage));
}
