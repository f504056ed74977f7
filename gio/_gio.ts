import { Request, type Waiter } from "../compose/mod.ts";
import type { Reactor } from "../reactor/mod.ts";

/**
 * Options of {@linkcode gio}.
 *
 * @category Running
 */
export interface GioOptions {
  /** When it aborts, the coroutine is cancelled for the same reason. */
  signal?: AbortSignal;
  /**
   * How many milliseconds the peer has, after the end of the coroutine, to take what is left to
   * send, and then to close its side. The connection is closed after that (RFC 9112 9.6).
   *
   * @default {2000}
   */
  lingerMs?: number;
  /**
   * Leaves the connection open at the end of the coroutine.
   *
   * @default {false}
   */
  keepOpen?: boolean;
}

/**
 * A coroutine that is driven from a reactor; made by {@linkcode gio} or {@linkcode spawn}.
 *
 * `yield* task` waits for its result inside another coroutine, `await task.result` outside.
 *
 * @typeParam R What the coroutine returns.
 *
 * @example Awaiting the result
 * ```ts
 * import { call, readLine } from "@weightless/io/compose";
 * import { type Gio, gio, memory } from "@weightless/io/gio";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const task: Gio<string> = gio(reactor, memory("World\n"), function* () {
 *   const name = yield* call(readLine());
 *   return `Hello, ${name}!`;
 * }());
 * reactor.step();
 * assertEquals(await task.result, "Hello, World!");
 * ```
 *
 * @category Running
 */
export abstract class Gio<R = unknown> extends Request<R> {
  /** The reactor that calls back. */
  abstract readonly reactor: Reactor;

  /** Whether the coroutine has ended. */
  abstract readonly done: boolean;

  /**
   * What the coroutine returned. It resolves when all that the coroutine wrote is on its way and
   * its tasks have ended. It rejects with what the coroutine threw, with {@linkcode EndOfStream} if
   * the peer ended it, with the reason if it was cancelled, or with an error if its last output
   * could not be sent.
   */
  abstract readonly result: Promise<R>;

  /**
   * Closes the coroutine at the `yield` where it stands. Its `finally`s run to their end, even if
   * they wait for something. If it stands in a `finally` already, that `finally` ends there,
   * because JavaScript does not tell: see {@linkcode shield}.
   *
   * @param reason What {@linkcode Gio.result} rejects with; an AbortError unless given.
   */
  abstract cancel(reason?: unknown): void;

  /**
   * Throws an error at the `yield` where the coroutine stands.
   *
   * @param error What to throw.
   * @throws {Error} If the coroutine is running at this moment.
   */
  abstract throw(error: unknown): void;

  /**
   * For `yield*`: waits for the end of the coroutine.
   *
   * @param waiter Who waits. It gets the result, or the error.
   * @returns What ends the waiting. The coroutine itself goes on.
   */
  abstract override begin(waiter: Waiter<R>): () => void;
}
