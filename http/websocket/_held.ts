/** Whole messages that have come, and wait until somebody reads them. */
import type { Message } from "./_wire.ts";

/** So much of them is kept, in bytes. */
export const MAX_HELD: number = 64 * 1024;
/** What a message costs besides its content. Without that, empty ones would cost nothing. */
const OVERHEAD = 64;
/** From so many on, it pays to forget those that were taken. */
const MANY = 32;

export class Held {
  #messages: Message[] = [];
  /** Where the first one is. */
  #at = 0;
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#at === this.#messages.length;
  }

  /** How many bytes more are kept. */
  get room(): number {
    return MAX_HELD - this.#bytes;
  }

  push(message: Message): void {
    this.#messages.push(message);
    this.#bytes += OVERHEAD + message.length;
  }

  /** Puts messages before the others. */
  unshift(messages: readonly Message[]): void {
    this.#messages = [...messages, ...this.#messages.slice(this.#at)];
    this.#at = 0;
    for (const { length } of messages) this.#bytes += OVERHEAD + length;
  }

  shift(): Message | undefined {
    if (this.isEmpty) return undefined;
    const message = this.#messages[this.#at]!;
    this.#messages[this.#at++] = "";
    this.#bytes -= OVERHEAD + message.length;
    if (this.#at >= MANY && this.#at * 2 >= this.#messages.length) {
      this.#messages = this.#messages.slice(this.#at);
      this.#at = 0;
    }
    return message;
  }
}
