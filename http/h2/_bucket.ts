/**
 * Limits how often a peer may do something: so many times at once, and so often in the long run. What
 * is useful may give back what it costs.
 */
export class Bucket {
  readonly #size: number;
  readonly #seconds: number;
  #left: number;
  /** When it was last filled, in milliseconds. */
  #at: number;

  /** It is full at `now`, and would be filled in so many seconds. */
  constructor(size: number, seconds: number, now: number) {
    this.#size = this.#left = size;
    this.#seconds = seconds;
    this.#at = now;
  }

  /** Takes one, or some. Returns false if there are not so many left. */
  take(clock: { readonly now: number }, count = 1): boolean {
    if (this.#left < count) this.#fill(clock.now); // The clock is asked only when it matters.
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }

  give(count: number): void {
    this.#left = Math.min(this.#size, this.#left + count);
  }

  #fill(now: number): void {
    this.give((now - this.#at) * this.#size / (this.#seconds * 1000));
    this.#at = now;
  }
}
