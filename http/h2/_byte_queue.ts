/** A piece that is smaller than this is joined with its neighbours. */
const SMALL = 1024;
/** So many bytes are joined at most. */
const MAX_JOINED = 16384;

const NOTHING: Uint8Array[] = Object.freeze([]) as never;

/**
 * Bytes in their order, in pieces that are views of what was given. Small pieces are copied together, so
 * that many of them do not take many times their size.
 */
export class ByteQueue {
  /** How many bytes there are. */
  length = 0;
  #pieces: Uint8Array[] = NOTHING;
  /** The buffer in which the last piece is, if it was joined; and how much of it is used. */
  #joined: Uint8Array | undefined = undefined;
  #used = 0;

  push(bytes: Uint8Array): void {
    this.length += bytes.length;
    if (this.#pieces === NOTHING) this.#pieces = [];
    const pieces = this.#pieces;
    const last = pieces[pieces.length - 1];
    const all = (last?.length ?? 0) + bytes.length;
    if (last === undefined || bytes.length >= SMALL || all > MAX_JOINED) {
      this.#joined = undefined;
      pieces.push(bytes);
      return;
    }
    if (this.#joined === undefined || this.#used + bytes.length > this.#joined.length) {
      if (this.#joined === undefined && last.length >= SMALL) {
        pieces.push(bytes);
        return;
      }
      this.#joined = new Uint8Array(Math.min(MAX_JOINED, 4 * all));
      this.#joined.set(last);
      this.#used = last.length;
    }
    this.#joined.set(bytes, this.#used);
    const from = this.#used - last.length;
    this.#used += bytes.length;
    pieces[pieces.length - 1] = this.#joined.subarray(from, this.#used);
  }

  /** Takes the first piece. */
  shift(): Uint8Array | undefined {
    if (this.length === 0) return undefined;
    const piece = this.#pieces.shift()!;
    this.length -= piece.length;
    if (this.#pieces.length === 0) this.#joined = undefined;
    return piece;
  }

  /** Puts a piece before the others. */
  unshift(piece: Uint8Array): void {
    if (this.#pieces === NOTHING) this.#pieces = [];
    this.#pieces.unshift(piece);
    this.length += piece.length;
  }

  /** Takes the first `length` bytes out, which must be there. */
  take(length: number, into: Uint8Array[]): void {
    this.length -= length;
    const pieces = this.#pieces;
    let i = 0;
    for (; length > 0; i++) {
      const piece = pieces[i]!;
      if (piece.length > length) {
        into.push(piece.subarray(0, length));
        pieces[i] = piece.subarray(length);
        break;
      }
      into.push(piece);
      length -= piece.length;
    }
    if (i > 0) pieces.splice(0, i);
    if (pieces.length === 0) this.#joined = undefined;
  }

  clear(): void {
    this.length = 0;
    this.#pieces = NOTHING;
    this.#joined = undefined;
  }
}
