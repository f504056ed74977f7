import type { Selectable } from "../reactor/mod.ts";

/**
 * Where the yields of a coroutine go: a bare `yield` receives from it, `yield data` sends to it.
 *
 * Every socket of the reactor is one, and so are {@linkcode open} (files), {@linkcode memory} (tests), and
 * anything else that has these methods. None of them blocks: the reactor tells when to call again.
 *
 * @example A context that turns everything around
 * ```ts
 * import { asProcess, type Context } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * class Mirror implements Context {
 *   readonly readable = true;
 *   readonly writable = true;
 *   #bytes: Uint8Array = new Uint8Array(0);
 *   send(bytes: Uint8Array) {
 *     this.#bytes = bytes.toReversed();
 *     return bytes.length;
 *   }
 *   recv() {
 *     return this.#bytes;
 *   }
 *   close() {}
 *   watch(_: "read" | "write", notify: () => void) {
 *     notify();
 *   }
 *   unwatch() {}
 * }
 *
 * const seen = await asProcess(function* () {
 *   yield "abc";
 *   return new TextDecoder().decode(yield);
 * }(), { connection: new Mirror() });
 * assertEquals(seen, "cba");
 * ```
 */
export interface Context extends Selectable {
  /**
   * What has arrived: data (bytes as a rule), `null` at the end of the stream, or `undefined` if it would block.
   *
   * Throws if the connection is broken.
   */
  recv(): unknown;
  /**
   * Sends bytes, which may not be changed, now or afterwards, and returns how many were accepted: 0 if it would block.
   *
   * Throws if the connection is broken.
   */
  send(bytes: Uint8Array): number;
  /** As {@linkcode Context.send} of several chunks, as if they were one, where that is cheaper. */
  sendv?(chunks: readonly Uint8Array[]): number;
  /**
   * For contexts that take values of any type as they are, and not bytes: returns whether the value was accepted. It is
   * used instead of {@linkcode Context.send} where it is present.
   */
  put?(value: unknown): boolean;
  /** Half-close: nothing more will be sent; what was accepted goes out first. */
  shutdown?(): void;
  /** Closes it; what was accepted goes out first. */
  close(): void;
  /** Closes it at once and drops what has not gone out. */
  abort?(): void;
}
