/** Something that is parsed in bytes that arrive in pieces. */
export interface Parser {
  /** Is given all bytes so far. Returns whether it has found its end. */
  resume(bytes: Uint8Array): boolean;
  /** Where it has found its end. */
  readonly end: number;
}

/** The bytes that arrived last, and how far they have been read. */
export interface Received {
  readonly bytes: Uint8Array;
  at: number;
}

/** Gathers the pieces of a head, or of trailers, for a parser which finds their end. */
export class Pieces {
  readonly #parser: Parser;
  readonly #most: number;
  #buffer = new Uint8Array(0);
  #length = 0;

  /** The parser fails if it is given `most` bytes without its end. */
  constructor(parser: Parser, most: number) {
    this.#parser = parser;
    this.#most = most;
  }

  /** Where the end was found. */
  get end(): number {
    return this.#parser.end;
  }

  /** What has been gathered. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Takes the bytes that belong to it. Returns whether it is complete. */
  add(input: Received): boolean {
    const { bytes, at } = input;
    const before = this.#length;
    const length = Math.min(before + bytes.length - at, this.#most);
    if (length > this.#buffer.length) {
      const buffer = new Uint8Array(Math.max(length, 2 * before));
      buffer.set(this.bytes);
      this.#buffer = buffer;
    }
    this.#buffer.set(bytes.subarray(at, at + length - before), before);
    this.#length = length;
    const isComplete = this.#parser.resume(this.bytes);
    input.at = at + (isComplete ? this.#parser.end : length) - before;
    return isComplete;
  }
}
