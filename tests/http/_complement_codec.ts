/** A codec that is simple enough to be followed by hand, for tests of what uses one. */
import type { Compressor, Decompressor } from "../../http/websocket/_codec.ts";

/** Of output. */
const PIECE = 3;

function complement(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte ^ 0xff);
}

/** Compresses to the complement of each byte. What comes in pieces is a byte late. */
export class ComplementCompressor implements Compressor {
  readonly encoding = undefined;

  close(): void {}

  #late: Uint8Array = new Uint8Array(0);

  isWorth(length: number): boolean {
    return length >= 3;
  }

  whole(payload: Uint8Array): Uint8Array {
    return complement(payload);
  }

  piece(payload: Uint8Array, isLast: boolean): Uint8Array {
    const all = Uint8Array.from([...this.#late, ...complement(payload)]);
    const end = isLast ? all.length : Math.max(all.length - 1, 0);
    this.#late = all.slice(end);
    return all.slice(0, end);
  }
}

/** Decompresses what is the complement of each byte. */
export class ComplementDecompressor implements Decompressor {
  readonly keepsContext: boolean = true;

  close(): void {}

  readonly #malformed: number | undefined;
  #fed: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** How many messages have ended. */
  ended = 0;

  /** @param malformed A byte that may not be. */
  constructor(malformed?: number) {
    this.#malformed = malformed;
  }

  feed(payload: Uint8Array, isLast: boolean): void {
    if (this.#at < this.#fed.length) throw new Error("Cannot feed: output is left");
    this.#fed = payload.slice();
    this.#at = 0;
    if (isLast) this.ended++;
  }

  next(): Uint8Array | undefined {
    if (this.#at === this.#fed.length) return undefined;
    const piece = this.#fed.subarray(this.#at, this.#at + PIECE);
    this.#at += piece.length;
    if (this.#malformed !== undefined && piece.includes(this.#malformed)) {
      throw new Error("Malformed");
    }
    return complement(piece);
  }
}

export function complementDeflate(malformed?: number): {
  compressor: ComplementCompressor;
  decompressor: ComplementDecompressor;
} {
  return {
    compressor: new ComplementCompressor(),
    decompressor: new ComplementDecompressor(malformed),
  };
}
