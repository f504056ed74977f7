import { Request, type Waiter } from "../compose/mod.ts";
import type { Reactor } from "../reactor/mod.ts";

/** Options of {@linkcode gio}. */
export interface GioOptions {
  /** Cancels the coroutine when it aborts, with its reason. */
  signal?: AbortSignal;
  /**
   * How long, in milliseconds, what is left to send may take after the coroutine's end, and how long the peer is
   * given to close its side before the connection is closed under it (RFC 9112 9.6).
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
 * A coroutine that is being driven from a reactor; made by {@linkcode gio} or {@linkcode spawn}.
 *
 * `yield* task` waits for its end inside another coroutine, `await task.result` outside.
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
 */
export abstract class Gio<R = unknown> extends Request<R> {
  /** The reactor that calls back. */
  abstract readonly reactor: Reactor;

  /** Whether the coroutine has ended. */
  abstract readonly done: boolean;

  /**
   * What the coroutine returned, once everything it sent is on its way and its tasks have ended; rejects with what it threw,
   * with {@linkcode EndOfStream} if the peer ended it, with the reason it was cancelled for, or with why what it sent last
   * has not gone out.
   */
  abstract readonly result: Promise<R>;

  /**
   * Closes the coroutine where it stands: its `finally`s run to their end, also when they wait for something. If it stands in
   * a `finally` already, that ends there, for JavaScript does not tell: see {@linkcode shield}.
   *
   * @param reason What {@linkcode Gio.result} rejects with.
   */
  abstract cancel(reason?: unknown): void;

  /**
   * Throws an error into the coroutine, at the `yield` where it stands.
   *
   * @param error What to throw.
   * @throws {Error} If the coroutine is running at this moment.
   */
  abstract throw(error: unknown): void;

  /** For `yield*`: waits for the end, and gives the result. */
  abstract override begin(waiter: Waiter<R>): () => void;
}
