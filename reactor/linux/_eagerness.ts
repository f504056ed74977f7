/** How long epoll waits for the next request of a busy client while it blocks the program. */
export const MOMENT_MS = 0.1;
/** If a thread comes back earlier than this, it was not worth its cost. */
const QUICK_MS = 2 * MOMENT_MS;
const MAX_ENOUGH = 64;

/**
 * Decides whether to block for a moment before a thread waits.
 *
 * 1. A thread costs 50 µs. If it comes back at once, blocking would have been cheaper.
 * 2. After that, each wait begins with such a moment, as long as each moment brings something, as
 *    with a busy client.
 * 3. Each moment that brings nothing doubles how often a thread must come back at once before the
 *    next moment, so that moments do not delay Deno's own work.
 */
export class Eagerness {
  /** How many more times a thread must come back at once before the next moment. */
  #missing = 1;
  /** How many times it had to before the last moment. */
  #enough = 1;

  get isEager(): boolean {
    return this.#missing === 0;
  }

  /**
   * A moment has passed.
   *
   * @param something Whether it brought something.
   */
  hasWaited(something: boolean): void {
    this.#enough = something ? 1 : Math.min(2 * this.#enough, MAX_ENOUGH);
    this.#missing = something ? 0 : this.#enough;
  }

  /** A thread has come back. */
  cameBack(afterMs: number): void {
    if (afterMs < QUICK_MS && this.#missing > 0) this.#missing--;
  }

  /** Epoll was asked because there was no thread. If that brings something, no thread is needed. */
  hasLooked(something: boolean): void {
    this.#missing = something ? 0 : Math.max(1, this.#missing);
  }
}
