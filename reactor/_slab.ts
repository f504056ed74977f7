/**
 * Memory for reading. A region is handed out once and never used again, so the receiver owns it. A
 * small region is a part of a larger buffer, so that a small message needs no buffer of its own.
 */
export class Slab {
  #buffer = new ArrayBuffer(0);
  #offset = 0;
  #size: number;

  constructor(size: number = 64 * 1024) {
    this.#size = size;
  }

  take(size: number): Uint8Array<ArrayBuffer> {
    if (size * 4 > this.#size) return new Uint8Array(size);
    if (this.#offset + size > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(this.#size);
      this.#offset = 0;
    }
    const region = new Uint8Array(this.#buffer, this.#offset, size);
    this.#offset += size;
    return region;
  }
}
