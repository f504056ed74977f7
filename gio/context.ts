import type { Selectable } from "../reactor/mod.ts";

/**
 * Where the `yield`s of a coroutine go: a bare `yield` receives from it, and `yield data` sends to
 * it.
 *
 * Every socket of the reactor is a context. {@linkcode open} makes one for a file,
 * {@linkcode memory} one for tests. Anything else that has these methods can be one. No method
 * blocks: the reactor tells when to call it again.
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
 *
 * @category Contexts
 */
export interface Context extends Selectable {
  /**
   * Receives what has arrived.
   *
   * @param max About how many bytes are wanted, if not all. It may be ignored.
   * @returns The data, which are bytes as a rule, or `null` at the end of the stream, or
   * `undefined` if it would block.
   * @throws {Error} If the connection is broken.
   */
  recv(max?: number): unknown;
  /**
   * Sends bytes.
   *
   * @param bytes What to send. Nobody may change them, now or afterwards.
   * @returns How many bytes were accepted: 0 if it would block.
   * @throws {Error} If the connection is broken.
   */
  send(bytes: Uint8Array): number;
  /**
   * Sends several chunks as if they were one, if the context can do that at less cost.
   *
   * @param chunks What to send, as for {@linkcode Context.send}.
   * @returns How many bytes were accepted, from the front.
   * @throws {Error} If the connection is broken.
   */
  sendv?(chunks: readonly Uint8Array[]): number;
  /**
   * Sends a value of any type as it is. A context that has this method takes values instead of
   * bytes, and {@linkcode Context.send} is not used.
   *
   * @param value What to send.
   * @returns Whether the value was accepted.
   */
  put?(value: unknown): boolean;
  /**
   * Gives what can be received at once, without a call of the system. A context that has this method
   * is not waited for by the reactor: when there is nothing, {@linkcode Context.watch} is called, and
   * its `notify` goes on with the coroutine at once.
   *
   * @returns The data, or `undefined` if there is nothing yet.
   * @throws {Error} If there will be nothing any more: an EndOfStream, or what has broken it.
   */
  take?(): unknown;
  /**
   * Sends what {@linkcode Context.put} has gathered. It is called when the coroutine that has put it
   * wants input, waits or ends.
   *
   * @returns Whether all of it was accepted.
   * @throws {Error} If the connection is broken.
   */
  flush?(): boolean;
  /** How many bytes were accepted and have not been sent, if it knows. */
  readonly unsent?: number;
  /** Ends sending (half-close), after what was accepted has been sent. */
  shutdown?(): void;
  /** Closes it, after what was accepted has been sent. */
  close(): void;
  /** Closes it at once, and drops what has not been sent. */
  abort?(): void;
}
