/** So long epoll waits for the next request of a busy client without letting go. */
export const MOMENT_MS = 0.1;
/** A thread that comes back before this was not worth it. */
const QUICK_MS = 2 * MOMENT_MS;
const MOST_TO_BE_EAGER = 64;

/**
 * Whether to wait for a moment without letting go, before a thread waits.
 *
 * 1. A thread costs 50 µs. When it comes back at once, it was not worth it: then it is time to be eager.
 * 2. Eager is for as long as each moment brings something, as with a busy client.
 * 3. Each moment that brings nothing doubles how often a thread has to come back at once for the next one, lest it get in
 *    the way of what Deno has to do.
 */
export class Eagerness {
  /** So often a thread has still to come back at once. */
  #missing = 1;
  /** So often it had to for the last moment. */
  #enough = 1;

  get isEager(): boolean {
    return this.#missing === 0;
  }

  /** A moment has passed, and brought something or not. */
  hasWaited(something: boolean): void {
    this.#enough = something ? 1 : Math.min(2 * this.#enough, MOST_TO_BE_EAGER);
    this.#missing = something ? 0 : this.#enough;
  }

  /** A thread came back. */
  cameBack(afterMs: number): void {
    if (afterMs < QUICK_MS && this.#missing > 0) this.#missing--;
  }

  /** Epoll was asked because there was no thread: whoever finds something that way need not wait for one. */
  hasLooked(something: boolean): void {
    this.#missing = something ? 0 : Math.max(1, this.#missing);
  }
}
