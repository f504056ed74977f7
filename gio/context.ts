import type { Selectable } from "../reactor/mod.ts";

/**
 * Where the yields of a coroutine go: a bare `yield` receives from it, `yield data` sends to it.
 *
 * Every socket of the reactor is one, and so are {@linkcode open} (files), {@linkcode memory} (tests), and
 * anything else that has these methods. None of them blocks: the reactor tells when to call again.
 *
 * @example A context that counts what is sent to it
 * ```ts
 * import { type Context, gio, memory } from "@weightless/io/gio";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const context: Context = memory();
 * gio(reactor, context, function* () {
 *   yield "12345";
 * }());
 * assertEquals(memory.prototype, undefined);
 * ```
 */
export interface Context extends Selectable {
  /**
   * What has arrived: data, `null` at the end of the stream, or `undefined` if it would block.
   *
   * Throws if the connection is broken.
   */
  recv(): Uint8Array | string | null | undefined;
  /**
   * Sends bytes, which may not be changed afterwards, and returns how many were accepted: 0 if it would block.
   *
   * Throws if the connection is broken.
   */
  send(bytes: Uint8Array): number;
  /** Half-close: nothing more will be sent; what was accepted goes out first. */
  shutdown?(): void;
  /** Closes it; what was accepted goes out first. */
  close(): void;
  /** Closes it at once and drops what has not gone out. */
  abort?(): void;
}
