/**
 * What somebody waits for: that reading or that writing will not block.
 *
 * @category Reactor
 */
export type Interest = "read" | "write";

/**
 * What a {@linkcode Reactor} can wait for. A selectable tells whether it is ready, and calls back
 * when it may have become ready.
 *
 * 1. `readable` and `writable` are levels, not edges: they stay `true` for as long as the operation
 *    will not block.
 * 2. `watch(interest, notify)` begins a watch. Call `notify()` when the selectable may have become
 *    ready. Once is enough, because the reactor calls `watch` again after each callback that left
 *    it not ready. If it is ready already, call `notify()` at once. A new watch of the same
 *    interest replaces the one before.
 * 3. `unwatch(interest)` ends the watch. `notify` is not called any more.
 * 4. If `closed` is `true`, the selectable will never be ready again. Call `notify()` when it
 *    closes. The reactor then calls the callback once more and forgets it, so that nobody waits for
 *    ever.
 *
 * @example A mailbox that is readable when there is mail
 * ```ts
 * import { Reactor, type Selectable } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * class Mailbox implements Selectable {
 *   mail: string[] = [];
 *   writable = false;
 *   #notify?: (() => void) | undefined;
 *   get readable() {
 *     return this.mail.length > 0;
 *   }
 *   post(letter: string) {
 *     this.mail.push(letter);
 *     this.#notify?.();
 *   }
 *   watch(_: "read" | "write", notify: () => void) {
 *     this.#notify = notify;
 *     if (this.readable) notify();
 *   }
 *   unwatch() {
 *     this.#notify = undefined;
 *   }
 * }
 *
 * using reactor = new Reactor();
 * const box = new Mailbox();
 * const seen: unknown[] = [];
 * reactor.addReader(box, () => seen.push(box.mail.shift()));
 * reactor.step();
 * assertEquals(seen, []);
 * box.post("hello");
 * reactor.step();
 * assertEquals(seen, ["hello"]);
 * reactor.removeReader(box);
 * ```
 *
 * @category Reactor
 */
export interface Selectable {
  /** Whether reading will not block: there is data, the end of the stream, or an error to throw. */
  readonly readable: boolean;
  /** Whether writing will not block: there is room, or an error to throw. */
  readonly writable: boolean;
  /** Whether it is closed. It will never be ready again. */
  readonly closed?: boolean;
  /**
   * Begins to watch (rule 2).
   *
   * @param interest What somebody waits for.
   * @param notify What to call when that may have become ready.
   */
  watch(interest: Interest, notify: () => void): void;
  /**
   * Ends what {@linkcode Selectable.watch} began (rule 3).
   *
   * @param interest What nobody waits for any more.
   */
  unwatch(interest: Interest): void;
  /**
   * Its name in messages and in `reactor.inspect()`.
   *
   * @returns Its kind and its addresses, for example `tcp 127.0.0.1:80 <- 127.0.0.1:5000`.
   */
  describe?(): string;
}
