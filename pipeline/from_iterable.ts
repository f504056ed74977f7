import { closeNow, fail, feed, isData, proceed } from "./_bridge.ts";
import { readAhead } from "./_read_ahead.ts";
import { pipe, type Stage } from "./pipe.ts";

/**
 * Gives the items of an iterable to a stage. What the stage yields is an iterable again.
 *
 * The stage runs when somebody wants what it yields, and an item is taken from the source when the
 * stage wants one. Of a stream, the next chunk is read ahead. Leaving the loop closes the stage and
 * the source. An error of the source is thrown at the stage's `yield`.
 *
 * @typeParam T What the stage yields.
 * @param source What the stage reads: an array, a generator, a stream, …
 * @param stage A coroutine (a pipe, say), or a function that makes one.
 * @returns An iterable, asynchronous if the source is; at its end it returns what the stage
 * returned.
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
 *
 * @category Streams
 */
// deno-lint-ignore no-explicit-any
export function fromIterable<T = any>(source: Iterable<unknown>, stage: Stage): Generator<T>;
/**
 * The same for an asynchronous source.
 *
 * @typeParam T What the stage yields.
 * @param source What the stage reads: a stream, an asynchronous generator, …
 * @param stage A coroutine (a pipe, say), or a function that makes one.
 * @returns An asynchronous iterable; at its end it returns what the stage returned.
 * @throws {TypeError} If the stage yields a Request, which only gio can carry out.
 */
// deno-lint-ignore no-explicit-any
export function fromIterable<T = any>(
  source: AsyncIterable<unknown>,
  stage: Stage,
): AsyncGenerator<T>;
export function fromIterable<T>(
  source: Iterable<unknown> | AsyncIterable<unknown>,
  stage: Stage,
): Generator<T> | AsyncGenerator<T> {
  // A text is an iterable as well, of its characters.
  return typeof source !== "string" && Symbol.asyncIterator in source
    ? fromAsync(source, stage)
    : run<T>(() => source[Symbol.iterator](), stage, false);
}

/** What an asynchronous source has promised. */
class Promised {
  readonly promise: Promise<unknown>;

  constructor(promise: unknown) {
    this.promise = Promise.resolve(promise);
  }
}

/**
 * Yields what the stage yields. If the source is asynchronous, it also yields each promise of the
 * source.
 */
function* run<T>(
  itemsOf: () => Iterator<unknown> | AsyncIterator<unknown>,
  stage: Stage,
  isAsync: boolean,
): Generator<T> {
  const pipeline = pipe(stage);
  const items = itemsOf();
  let over = false; // it needs no closing then
  let trouble: { error: unknown } | undefined;
  try {
    let result = pipeline.next();
    while (!result.done) {
      if (result.value === undefined) {
        let item: IteratorResult<unknown>;
        try {
          const next: unknown = items.next();
          item = (isAsync ? yield new Promised(next) as T : next) as IteratorResult<unknown>;
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
      const closed: unknown = over ? undefined : items.return?.();
      if (isAsync && !over) yield new Promised(closed) as T;
    } catch (error) {
      trouble ??= { error };
    }
    fail(trouble);
  }
}

async function* fromAsync<T>(source: AsyncIterable<unknown>, stage: Stage): AsyncGenerator<T> {
  const itemsOf = () =>
    source instanceof ReadableStream ? readAhead(source) : source[Symbol.asyncIterator]();
  const running = run<T | Promised>(itemsOf, stage, true);
  let step = running.next();
  try {
    while (!step.done) {
      const { value } = step;
      let answer: unknown;
      try {
        answer = value instanceof Promised ? await value.promise : yield value;
      } catch (error) {
        step = running.throw(error);
        continue;
      }
      step = running.next(answer);
    }
    return step.value;
  } finally {
    // If the loop was left at a `yield`, wait until the source is closed.
    step = running.return(undefined);
    if (!step.done) {
      const { promise } = step.value as Promised;
      await promise.then(() => running.next(), (error) => running.throw(error));
    }
  }
}
