import { type Parser, Pieces, type Received } from "./_pieces.ts";

/** A message is a view of its head. It must not hold more than so many bytes besides it. */
export const MAX_BEHIND = 4096;

/** Parses one head after the other. */
interface HeadParser extends Parser {
  /** Begins with a head. Returns whether it is complete. */
  parse(bytes: Uint8Array, from: number): boolean;
  /** Whether a byte of a head has come. */
  readonly isBegun: boolean;
  /** Drops the last head. */
  forget(): void;
}

/** Reads one head after the other: in place if it comes whole. Its pieces are gathered otherwise. */
export class Heads<P extends HeadParser> {
  /** Connections share it. It keeps nothing between two reads. */
  readonly #whole: P;
  readonly #make: () => P;
  readonly #most: number;
  #part: { parser: P; pieces: Pieces } | undefined = undefined;

  /** The parsers fail if they are given `most` bytes without the end of the head. */
  constructor(whole: P, make: () => P, most: number) {
    this.#whole = whole;
    this.#make = make;
    this.#most = most;
  }

  /** The next head, as long as no other one is read by these parsers; undefined if it is incomplete. */
  read(input: Received): P | undefined {
    const { bytes, at } = input;
    if (at === bytes.length) return undefined;
    const part = this.#part;
    if (part !== undefined) {
      if (!part.pieces.add(input)) return undefined;
      this.#part = undefined;
      return part.parser;
    }
    const whole = this.#whole;
    if (whole.parse(bytes, at)) {
      const { end } = whole;
      input.at = end;
      if (bytes.length - end > MAX_BEHIND) whole.parse(bytes.slice(at, end), 0);
      return whole;
    }
    whole.forget();
    const parser = this.#make();
    const pieces = new Pieces(parser, this.#most);
    this.#part = { parser, pieces };
    pieces.add(input);
    return undefined;
  }

  /** How many bytes of an incomplete head have come. */
  get gathered(): number {
    return this.#part?.pieces.bytes.length ?? 0;
  }

  /** The parser that has read last. */
  get parser(): P {
    return this.#part?.parser ?? this.#whole;
  }

  /** Drops the last head: the connection is idle. */
  forget(): void {
    this.#whole.forget();
  }
}
