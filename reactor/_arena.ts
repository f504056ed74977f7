/**
 * Memory to receive into. What is offered is all that is left of a buffer, and what is taken of it is exactly as much as
 * came; it is never offered again, so a chunk belongs to whom it is given, and who waits holds nothing.
 */
export class Arena {
  #left = new Uint8Array(SIZE);

  /** At least `least` bytes. */
  offer(least: number): Uint8Array<ArrayBuffer> {
    if (this.#left.length >= least) return this.#left;
    return this.#left = new Uint8Array(Math.max(least, SIZE));
  }

  /** The first `length` bytes of what was offered. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const { buffer, byteOffset } = this.#left;
    const chunk = new Uint8Array(buffer, byteOffset, length);
    this.#left = new Uint8Array(buffer, byteOffset + length);
    return chunk;
  }
}

const SIZE = 64 * 1024;
