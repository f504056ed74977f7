/** So much may all sockets of a reactor read at once, together. */
const BUDGET = 8 * 1024 * 1024;
const MIN_SHARE = 8 * 1024;

/**
 * How much memory the sockets of a reactor offer for one read. It is `min` as long as little
 * arrives, and grows with the data. What was read may be held for long, if its peer does not take
 * the answer. So the more sockets receive much, the less each may read at a time.
 */
export class ReadSizes {
  readonly min: number;
  readonly #max: number;
  /** How many sockets offer more than the minimum. */
  #grown = 0;

  constructor(min: number, max: number) {
    this.min = min;
    this.#max = max;
  }

  /** How much one socket may read at a time. */
  get share(): number {
    return Math.max(MIN_SHARE, Math.min(this.#max, Math.floor(BUDGET / this.#grown)));
  }

  /** What a socket that has offered `size` offers after it has read `length` bytes. */
  next(size: number, length: number): number {
    if (length >= size) {
      if (size === this.min) this.#grown++;
      return Math.min(4 * length, this.share);
    }
    return 4 * length < size ? this.end(size) : size;
  }

  /** A socket that has offered `size` does not read any more. */
  end(size: number): number {
    if (size > this.min) this.#grown--;
    return this.min;
  }
}
