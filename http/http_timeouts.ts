/**
 * How long the phases of a connection may take, in milliseconds. `Infinity` turns a limit off. How
 * long a handler runs, and waits for something else than its client, is not limited: use `timeout()`
 * of gio for that.
 *
 * @example A patient server, and one request that is more so
 * ```ts
 * import { defaultTimeouts, type HttpTimeouts, type HttpRequest, ok } from "@weightless/io/http";
 * import type { Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * const timeouts: Partial<HttpTimeouts> = { bodyMs: 60_000 }; // an option of HttpServer
 *
 * function* handler(request: HttpRequest): Coroutine {
 *   request.timeouts = { bodyMs: Infinity }; // Somebody types what this one reads.
 *   for (;;) yield;
 * }
 *
 * assertEquals(defaultTimeouts.headMs, 10_000);
 * ```
 *
 * @category Server
 */
export interface HttpTimeouts {
  /**
   * From the first byte of a head to its end. If it takes longer, the answer is 408, and the
   * connection is closed.
   *
   * @default {10_000}
   */
  headMs: number;
  /**
   * How long a connection may be silent before the first request, and between requests. It is closed
   * then, about a second later than `Keep-Alive: timeout=` has announced.
   *
   * @default {60_000}
   */
  idleMs: number;
  /**
   * While a handler reads the body: how long it may take until 1 KiB of it has arrived, or the rest.
   * If it takes longer, the handler gets a RemoteProtocolError with status 408 at its `yield`.
   *
   * @default {30_000}
   */
  bodyMs: number;
  /**
   * How long it may take until the client has taken 1 KiB of the answer, or the rest. If it takes
   * longer, the connection is aborted. It may take up to twice as long until that is found out.
   *
   * @default {30_000}
   */
  writeMs: number;
}

/**
 * The {@linkcode HttpTimeouts} that are used where none are given.
 *
 * @category Server
 */
export const defaultTimeouts: Readonly<HttpTimeouts> = Object.freeze({
  headMs: 10_000,
  idleMs: 60_000,
  bodyMs: 30_000,
  writeMs: 30_000,
});
