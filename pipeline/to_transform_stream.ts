import { closeNow, feed, isData, proceed, withResolvers } from "./_bridge.ts";
import { pipe, type Stage } from "./pipe.ts";

/**
 * A stage as a transform stream, for `readable.pipeThrough(…)`.
 *
 * The stage runs when the readable side is read, and takes a chunk when it wants one. A write is
 * done when the stage wants the next chunk. Closing the writable side is the end of the stream for
 * the stage. Aborting it throws the reason at the stage's `yield`, and to the reader. Cancelling
 * the readable side closes the stage, and is an error for the writer. When the stage ends, the
 * readable side ends, and the writable side takes no more; the write of a chunk that was not taken
 * fails.
 *
 * @typeParam I What the stage reads.
 * @typeParam O What the stage yields.
 * @param stage A function that makes the coroutine (a pipe, say), or the coroutine.
 * @returns The two sides.
 * @throws {TypeError} If the stage yields a Request, which only gio can carry out; at the readable
 * side.
 *
 * @example In a chain of streams
 * ```ts
 * import { lines, map, pipe, toTransformStream } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const numbers = () => pipe(lines(), map(Number));
 * const stream = new Response("1\n2\n3\n").body!.pipeThrough(toTransformStream(numbers));
 * assertEquals(await Array.fromAsync(stream), [1, 2, 3]);
 * ```
 *
 * @category Streams
 */
// deno-lint-ignore no-explicit-any
export function toTransformStream<I = any, O = any>(stage: Stage): ReadableWritablePair<O, I> {
  const pipeline = pipe(stage);
  let result: IteratorResult<unknown> | undefined;
  let readable!: ReadableStreamDefaultController<O>;
  let writable!: WritableStreamDefaultController;
  /** What was written, until the stage takes it; or the end, if the writable side was closed. */
  let item: IteratorResult<I> | undefined;
  /** Set while the reader wants something, and resolved when the reader has got it. */
  let wanted: PromiseWithResolvers<void> | undefined;
  /** A write, or the closing. It is resolved when the stage wants the next chunk, or has ended. */
  let written: PromiseWithResolvers<void> | undefined;

  /** Runs the stage as far as there is demand and input. */
  function run(): void {
    try {
      while (wanted !== undefined) {
        if (result === undefined) result = pipeline.next();
        else if (result.value !== undefined) result = proceed(pipeline, result.value);
        else if (item !== undefined) {
          const given = item;
          if (!item.done) item = undefined;
          result = feed(pipeline, given);
        } else return;

        if (result.done) {
          const ended = new TypeError("Cannot write: the stage has ended");
          readable.close();
          if (!item?.done) writable.error(ended);
          return settle(ended);
        }
        if (isData(result.value)) {
          readable.enqueue(result.value as O);
          wanted = void wanted.resolve(); // it is asked for each item, having no queue
        } else if (result.value === undefined && item === undefined) written?.resolve();
      }
    } catch (error) {
      readable.error(error);
      writable.error(error);
      settle(error);
    }
  }

  /**
   * It is awaited before the stage is closed. If the stage itself cancels or aborts, it first runs
   * to its next yield.
   */
  const notRunning = undefined;

  /** Ends all waiting. A chunk that the stage has not taken was not written. */
  function settle(reason: unknown): void {
    wanted = void wanted?.resolve();
    if (item === undefined || item.done) written?.resolve();
    else written?.reject(reason);
  }

  function request(next: IteratorResult<I>): Promise<void> {
    item = next;
    written = withResolvers();
    run();
    return written.promise;
  }

  return {
    readable: new ReadableStream<O>({
      start(controller) {
        readable = controller;
      },
      pull() {
        wanted = withResolvers();
        const { promise } = wanted;
        run();
        return promise;
      },
      async cancel(reason) {
        writable.error(reason);
        settle(reason);
        await notRunning;
        closeNow(pipeline);
      },
    }, { highWaterMark: 0 }),
    writable: new WritableStream<I>({
      start(controller) {
        writable = controller;
        // At once, also while a write is not done.
        controller.signal.addEventListener("abort", async () => {
          const { reason } = controller.signal;
          readable.error(reason);
          settle(reason);
          await notRunning;
          try {
            pipeline.throw(reason);
            closeNow(pipeline);
          } catch {
            // As a rule this is the reason, which the reader has got.
          }
        });
      },
      write: (value) => request({ done: false, value }),
      close: () => request({ done: true, value: undefined }),
    }),
  };
}
