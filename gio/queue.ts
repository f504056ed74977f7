import type { Request } from "../compose/mod.ts";
import { EndOfStream } from "../compose/mod.ts";
import { names, refuseUnknown } from "../reactor/_known.ts";
import { shown } from "../reactor/_describe.ts";
import { Get, Put } from "./_operation.ts";
import { Store } from "./_store.ts";

/**
 * Options of {@linkcode Queue}.
 *
 * @category Tasks
 */
export interface QueueOptions {
  /**
   * How many items it holds at most. With 0 each `put()` waits until a `get()` takes its item.
   * `Infinity` is no limit: then a slow reader costs memory without end.
   *
   * The default lets each side go on for a while without the other, and stops a side that is faster
   * soon.
   *
   * @default {16}
   */
  capacity?: number;
}

const OPTIONS = names<QueueOptions>({ capacity: 1 });

/**
 * Hands items from coroutines to coroutines: `yield* queue.put(item)` waits while it is full,
 * `yield* queue.get()` waits while it is empty.
 *
 * 1. Many may put and many may get. Items leave in the order in which they came. Those who wait are
 *    served in the order in which they came, and nobody overtakes them, by {@linkcode Queue.tryGet}
 *    either.
 * 2. Whoever waits may be cancelled, by `timeout()`, `race()` or a shutdown. No item is lost or
 *    doubled by that: an item goes to somebody else if the coroutine that it was for could not take
 *    it. So there may be more items than `capacity` for a moment.
 * 3. Any value is an item, also `null`, `0`, `false` and `""`, but not `undefined`, which stands for
 *    nothing.
 * 4. Outside of coroutines, `await queue.put(item)`, `await queue.get()` and
 *    `for await (const item of queue)` do the same. They stand in the same lines.
 * 5. Coroutines of several reactors may share it, in one thread. Between workers, use
 *    {@linkcode messages}.
 *
 * @typeParam T The items.
 *
 * @example A limited number of workers
 * ```ts
 * import { all, asProcess, type Coroutine, EndOfStream, Queue, sleep } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const jobs = new Queue<number>({ capacity: 10 });
 * const results: number[] = [];
 *
 * function* produce(): Coroutine {
 *   using _ = jobs; // closes it at the end
 *   for (let job = 1; job <= 4; job++) yield* jobs.put(job);
 * }
 *
 * function* work(): Coroutine {
 *   try {
 *     for (;;) {
 *       const job = yield* jobs.get();
 *       yield* sleep(1);
 *       results.push(job * job);
 *     }
 *   } catch (error) {
 *     if (!(error instanceof EndOfStream)) throw error;
 *   }
 * }
 *
 * await asProcess(function* () {
 *   yield* all(produce(), work(), work());
 * }());
 * assertEquals(results.sort((a, b) => a - b), [1, 4, 9, 16]);
 * ```
 *
 * @category Tasks
 */
export class Queue<T> implements AsyncIterable<T>, Disposable {
  readonly #store: Store<T>;

  /**
   * Makes an empty queue.
   *
   * @param options See {@linkcode QueueOptions}.
   * @throws {RangeError} If `capacity` is not a whole number of at least 0, or `Infinity`.
   */
  constructor(options: QueueOptions = {}) {
    refuseUnknown("make a queue", options, OPTIONS);
    const { capacity = 16 } = options;
    if (!(capacity === Infinity || Number.isSafeInteger(capacity)) || capacity < 0) {
      throw new RangeError(
        `Cannot make a queue of capacity ${
          shown(capacity)
        }: give a whole number of at least 0, or Infinity`,
      );
    }
    this.#store = new Store(capacity);
  }

  /** How many items it holds at most. */
  get capacity(): number {
    return this.#store.capacity;
  }

  /** How many items are in it. Those of coroutines that wait in `put()` are not. */
  get size(): number {
    return this.#store.items.length;
  }

  /** Whether {@linkcode Queue.close} was called. There may still be items to get. */
  get closed(): boolean {
    return this.#store.isClosed;
  }

  /**
   * Puts an item: `yield* queue.put(item)` in a coroutine, `await queue.put(item)` elsewhere, where
   * it is done at once. Waits while the queue is full. In plain code that a coroutine has called it is
   * done a moment later.
   *
   * @param item Anything but `undefined`.
   * @returns What to `yield*`, or to `await`.
   * @throws {TypeError} If the item is `undefined`.
   * @throws {Deno.errors.BadResource} When it is awaited, if the queue is closed, before or meanwhile.
   * Then the item is not in it.
   */
  put(item: T): Request & Promise<void> {
    checkItem(item);
    return new Put(this.#store, item).giveAlone();
  }

  /**
   * Gets the next item: `yield* queue.get()` in a coroutine, `await queue.get()` elsewhere. Waits
   * while the queue is empty.
   *
   * @returns What to `yield*`, or to `await`. After {@linkcode Queue.close} it throws, when there
   * are no items any more.
   */
  get(): Request<T> & Promise<T> {
    return new Get(this.#store).beginAlone();
  }

  /**
   * Puts an item if there is room, or somebody who waits for it. For callbacks, which cannot wait.
   *
   * @param item Anything but `undefined`.
   * @returns Whether there was room.
   * @throws {TypeError} If the item is `undefined`.
   * @throws {Deno.errors.BadResource} If the queue is closed.
   *
   * @example A reader that is too slow misses something
   * ```ts
   * import { Queue } from "@weightless/io/gio";
   * import { assertEquals } from "@std/assert";
   *
   * const news = new Queue<string>({ capacity: 2 });
   * assertEquals(["a", "b", "c"].map((item) => news.tryPut(item)), [true, true, false]);
   * assertEquals([news.tryGet(), news.tryGet(), news.tryGet()], ["a", "b", undefined]);
   * ```
   */
  tryPut(item: T): boolean {
    checkItem(item);
    return this.#store.offer(item);
  }

  /**
   * Gets the next item if there is one. For callbacks, which cannot wait.
   *
   * @returns The item, or `undefined` if the queue is empty.
   * @throws What {@linkcode Queue.get} throws if it is closed as well.
   */
  tryGet(): T | undefined {
    return this.#store.take()?.value;
  }

  /**
   * Closes it for `put()`. The items in it can still be got. After them, each `get()` throws
   * {@linkcode EndOfStream}, as a bare `yield` does at the end of a stream, or the error. Whoever
   * waits in a `put()` is told by an error, and the item is not in the queue.
   *
   * Only the first call counts.
   *
   * @param error What went wrong, if something did.
   *
   * @example A producer that fails
   * ```ts
   * import { asProcess, Queue } from "@weightless/io/gio";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * const queue = new Queue<string>();
   * await queue.put("all that there is");
   * queue.close(new Error("The disk is full"));
   * assertEquals(await asProcess(function* () {
   *   return yield* queue.get();
   * }()), "all that there is");
   * await assertRejects(() => queue.get(), Error, "The disk is full");
   * ```
   */
  close(error?: unknown): void {
    this.#store.close(error);
  }

  /** The same as {@linkcode Queue.close} without an error. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Gets items outside of coroutines, until it is closed and empty. Leaving the loop does not close
   * it.
   *
   * @returns The items, in order.
   * @throws The error with which it was closed, after the last item.
   *
   * @example From a coroutine to async code
   * ```ts
   * import { asProcess, Queue } from "@weightless/io/gio";
   * import { assertEquals } from "@std/assert";
   *
   * const queue = new Queue<number>({ capacity: 1 });
   * const producing = asProcess(function* () {
   *   using _ = queue;
   *   for (let i = 0; i < 3; i++) yield* queue.put(i);
   * }());
   * const seen: number[] = [];
   * for await (const item of queue) seen.push(item);
   * await producing;
   * assertEquals(seen, [0, 1, 2]);
   * ```
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    for (;;) {
      let item: T;
      try {
        item = await this.get();
      } catch (error) {
        if (error instanceof EndOfStream) return;
        throw error;
      }
      yield item;
    }
  }
}

function checkItem(item: unknown): void {
  if (item !== undefined) return;
  throw new TypeError(
    "Cannot put undefined into a queue: it stands for nothing; put null, or close() the queue",
  );
}
