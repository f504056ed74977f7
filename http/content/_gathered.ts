/** Bytes that are gathered from pieces. They are copied as they come, so small pieces cost no more. */
export class Gathered {
  #buffer = new Uint8Array(0);
  length = 0;

  add(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > this.#buffer.length) {
      this.#buffer = new Uint8Array(
        this.#buffer.buffer.transfer(Math.max(length, 2 * this.#buffer.length)),
      );
    }
    this.#buffer.set(piece, this.length);
    this.length = length;
  }

  /** Gives what was gathered, and begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const { length } = this;
    const buffer = this.#buffer;
    this.#buffer = new Uint8Array(0);
    this.length = 0;
    return length === buffer.length ? buffer : new Uint8Array(buffer.buffer.transfer(length));
  }
}
