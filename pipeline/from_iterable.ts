import { closeNow, fail, feed, isData, proceed } from "./_bridge.ts";
import { readAhead } from "./_read_ahead.ts";
import { pipe, type Stage } from "./pipe.ts";

/**
 * What a stage yields when it reads the items of an iterable, as an iterable.
 *
 * An item is taken from the source when the stage wants one, and the stage runs when somebody wants what it yields; of a
 * stream the next chunk is read meanwhile. Leaving the loop closes the stage and the source; an error of the source is
 * thrown at the stage's `yield`.
 *
 * @typeParam T What the stage yields.
 * @param source What the stage reads: an array, a generator, a stream, …
 * @param stage A coroutine (a pipe, say), or a function that makes one.
 * @returns An iterable, asynchronous if the source is; at its end it returns what the stage returned.
 * @throws {TypeError} If the stage yields a Request, which only gio can carry out.
 *
 * @example In a loop
 * ```ts
 * import { fromIterable, lines } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const response = new Response("one\ntwo\n");
 * const read: string[] = [];
 * for await (const line of fromIterable<string>(response.body!, lines())) read.push(line);
 * assertEquals(read, ["one", "two"]);
 * ```
 */
// deno-lint-ignore no-explicit-any
export function fromIterable<T = any>(source: Iterable<unknown>, stage: Stage): Generator<T>;
/** The same for an asynchronous source. */
// deno-lint-ignore no-explicit-any
export function fromIterable<T = any>(
  source: AsyncIterable<unknown>,
  stage: Stage,
): AsyncGenerator<T>;
export function fromIterable<T>(
  source: Iterable<unknown> | AsyncIterable<unknown>,
  stage: Stage,
): Generator<T> | AsyncGenerator<T> {
  return isAsync(source) ? fromAsync(source, stage) : fromSync(source, stage);
}

/** A text is an iterable as well, of its characters. */
function isAsync(
  source: Iterable<unknown> | AsyncIterable<unknown>,
): source is AsyncIterable<unknown> {
  return typeof source !== "string" && Symbol.asyncIterator in source;
}

function* fromSync<T>(source: Iterable<unknown>, stage: Stage): Generator<T> {
  const pipeline = pipe(stage);
  const items = source[Symbol.iterator]();
  let over = false; // it needs no closing then
  let trouble: { error: unknown } | undefined;
  try {
    let result = pipeline.next();
    while (!result.done) {
      if (result.value === undefined) {
        let item: IteratorResult<unknown>;
        try {
          item = items.next();
          over = item.done === true;
        } catch (error) {
          over = true;
          result = pipeline.throw(error);
          continue;
        }
        result = feed(pipeline, item);
      } else {
        if (isData(result.value)) yield result.value as T;
        result = proceed(pipeline, result.value);
      }
    }
    return result.value;
  } catch (error) {
    trouble = { error };
  } finally {
    try {
      closeNow(pipeline);
    } catch (error) {
      trouble ??= { error };
    }
    try {
      if (!over) items.return?.();
    } catch (error) {
      trouble ??= { error };
    }
    fail(trouble);
  }
}

async function* fromAsync<T>(source: AsyncIterable<unknown>, stage: Stage): AsyncGenerator<T> {
  const pipeline = pipe(stage);
  const items = source instanceof ReadableStream
    ? readAhead(source)
    : source[Symbol.asyncIterator]();
  let over = false;
  let trouble: { error: unknown } | undefined;
  try {
    let result = pipeline.next();
    while (!result.done) {
      if (result.value === undefined) {
        let item: IteratorResult<unknown>;
        try {
          item = await items.next();
          over = item.done === true;
        } catch (error) {
          over = true;
          result = pipeline.throw(error);
          continue;
        }
        result = feed(pipeline, item);
      } else {
        if (isData(result.value)) yield result.value as T;
        result = proceed(pipeline, result.value);
      }
    }
    return result.value;
  } catch (error) {
    trouble = { error };
  } finally {
    try {
      closeNow(pipeline);
    } catch (error) {
      trouble ??= { error };
    }
    try {
      if (!over) await items.return?.();
    } catch (error) {
      trouble ??= { error };
    }
    fail(trouble);
  }
}
