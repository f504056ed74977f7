/** What a subscriber has not been sent yet. */
import type { Coroutine } from "@weightless/io/compose";
import { Queue } from "@weightless/io/gio";

const MAX_MESSAGES = 10_000, MAX_BYTES = 8 * 1024 * 1024;

export class Unread<T extends { readonly length: number }> {
  readonly #messages = new Queue<T>({ capacity: MAX_MESSAGES });
  #bytes = 0;

  /** Keeps a message. Tells whether it could: if not, the subscriber reads too slowly. */
  offer(message: T): boolean {
    if (this.#bytes + message.length > MAX_BYTES) return false;
    const isKept = this.#messages.tryPut(message);
    if (isKept) this.#bytes += message.length;
    return isKept;
  }

  /** Waits for the next one. */
  *next(): Coroutine<T> {
    const message = yield* this.#messages.get();
    this.#bytes -= message.length;
    return message;
  }
}
