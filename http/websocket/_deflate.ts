/**
 * The payloads of compressed messages (RFC 7692 7.2).
 *
 * 1. A message is a sequence of blocks of DEFLATE (RFC 1951). The last one is empty and without
 *    compression. Its last four bytes, 00 00 ff ff, are left out. They are the tail.
 * 2. A block may refer to what came before, in this message and, with context takeover, in those
 *    before it: as far back as the window reaches.
 * 3. A block may say that it is the final one. Yet another one may follow, at the next byte, which
 *    may refer to what came before as well.
 *
 * Engines are shared by all connections. A connection has one while a message is on the way. What it
 * keeps between two messages is:
 *
 *                     without context takeover     with it
 *     compressor      nothing                      its engine, from the first message on
 *     decompressor    nothing                      the window: as much as has arrived, and fits in it
 */
import { concat } from "../../compose/_bytes.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import type { Compressor, Decompressor } from "./_codec.ts";
import { deflatingOf, type Engine, inflating, PIECE_BYTES, type Pool } from "./_zlib.ts";

/** What is agreed for one direction. */
export interface Direction {
  /** Whether a message may refer to those before it. */
  readonly contextTakeover: boolean;
  /** How far a message may refer back: 2 to the power of this, in bytes. From 8 to 15. */
  readonly windowBits: number;
}

const TAIL_BYTES = 4;
/** RFC 7692 7.2.3.6: an empty block, without the tail. */
const EMPTY_BLOCK = 0x00;
/**
 * What ends a message for the engine: the tail, then a final block that is empty, and one byte more.
 * If that byte alone is left, the message was whole.
 */
const END = new Uint8Array([0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff, 0]);
const NOTHING = new Uint8Array();

export class Deflater implements Compressor {
  readonly #pool: Pool;
  readonly #contextTakeover: boolean;
  readonly #minBytes: number;
  #engine: Engine | undefined;
  readonly encoding: string | undefined;

  constructor({ contextTakeover, windowBits }: Direction, level: number, minBytes: number) {
    this.#pool = deflatingOf(level, windowBits);
    this.#contextTakeover = contextTakeover;
    this.#minBytes = minBytes;
    this.encoding = contextTakeover ? undefined : `${level} ${windowBits} ${minBytes}`;
  }

  isWorth(length: number): boolean {
    return length >= this.#minBytes;
  }

  whole(payload: Uint8Array): Uint8Array {
    return this.piece(payload, true);
  }

  piece(payload: Uint8Array, isLast: boolean): Uint8Array {
    const engine = this.#engine ??= this.#pool.take();
    let made = engine.write(payload, 0);
    if (made.length === PIECE_BYTES) {
      const pieces: Uint8Array[] = [];
      while (made.length === PIECE_BYTES) {
        pieces.push(made.slice());
        made = engine.write(payload, payload.length - engine.left);
      }
      pieces.push(made);
      made = concat(pieces);
    }
    if (!isLast) return made.slice();
    if (!this.#contextTakeover) this.close();
    // Nothing comes out if nothing was given since the last time: the tail is sent already.
    return made.length === 0
      ? Uint8Array.of(EMPTY_BLOCK)
      // RFC 7692 7.2.1: the tail is removed.
      : made.slice(0, -TAIL_BYTES);
  }

  /** Gives back what it has of the system. */
  close(): void {
    if (this.#engine !== undefined) this.#pool.put(this.#engine);
    this.#engine = undefined;
  }
}

export class Inflater implements Decompressor {
  readonly keepsContext: boolean;
  readonly #windowBytes: number;
  /** What was made so far, as far as the peer may refer to it. */
  #window: Window | undefined;
  /** It is there while a message is on the way. */
  #engine: Engine | undefined;
  #input: Uint8Array = NOTHING;
  /** How much of the input was used. */
  #at = 0;
  #isLast = false;
  /** Whether the engine may have more without more input. */
  #hasMore = false;

  constructor({ contextTakeover, windowBits }: Direction) {
    this.keepsContext = contextTakeover;
    this.#windowBytes = 2 ** windowBits;
  }

  feed(payload: Uint8Array, isLast: boolean): void {
    this.#window ??= new Window(this.#windowBytes);
    if (this.#engine === undefined) {
      this.#engine = inflating.take();
      this.#window.giveTo(this.#engine);
    }
    this.#input = payload;
    this.#at = 0;
    this.#isLast = isLast;
  }

  next(): Uint8Array | undefined {
    const engine = this.#engine;
    while (engine !== undefined) {
      if (this.#at === this.#input.length && !this.#hasMore) {
        this.#input = NOTHING;
        this.#at = 0;
        if (!this.#isLast) break;
        // RFC 7692 7.2.2: the tail is appended.
        this.#input = END;
      }
      const made = this.#write(engine);
      this.#at = this.#input.length - engine.left;
      this.#hasMore = made.length === PIECE_BYTES;
      if (made.length > 0) {
        this.#window!.note(made);
        return made.slice();
      }
      if (engine.left === 0) continue;
      if (this.#input === END && engine.left === 1) {
        this.close();
        break;
      }
      // RFC 7692 7.2.1: another block may follow a final one.
      engine.reset();
      this.#window!.giveTo(engine);
    }
    return undefined;
  }

  #write(engine: Engine): Uint8Array {
    try {
      return engine.write(this.#input, this.#at);
    } catch (cause) {
      // It cannot go on, so no other connection must get it.
      engine.close();
      this.#engine = undefined;
      throw new RemoteProtocolError(
        "Cannot decompress a message: its data are malformed, or end too early (RFC 7692 7.2.2)",
        { cause },
      );
    }
  }

  /** Gives back what it has of the system. */
  close(): void {
    if (this.#engine !== undefined) inflating.put(this.#engine);
    this.#engine = undefined;
    this.#input = NOTHING;
    if (!this.keepsContext) this.#window = undefined;
  }
}

/** The last bytes of what was made, as the content of a block without compression (RFC 1951 3.2.4). */
class Window {
  static readonly #HEAD_BYTES = 5;
  readonly #maxBytes: number;
  #block = NOTHING;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  note(bytes: Uint8Array): void {
    const head = Window.#HEAD_BYTES;
    const added = bytes.length > this.#maxBytes ? bytes.subarray(-this.#maxBytes) : bytes;
    const kept = Math.min(this.#length, this.#maxBytes - added.length);
    const before = this.#block;
    if (before.length < head + kept + added.length) {
      // Twice as much, so that many small messages do not copy it each time.
      const length = Math.min(this.#maxBytes, Math.max(2 * this.#length, kept + added.length));
      this.#block = new Uint8Array(head + length);
      this.#block.set(before.subarray(head, head + this.#length), head);
    }
    if (kept < this.#length) {
      this.#block.copyWithin(head, head + this.#length - kept, head + this.#length);
    }
    this.#block.set(added, head + kept);
    this.#length = kept + added.length;
  }

  /** Makes a new engine know it. */
  giveTo(engine: Engine): void {
    const length = this.#length;
    if (length === 0) return;
    const block = this.#block;
    block[1] = length & 0xff;
    block[2] = length >> 8;
    block[3] = ~block[1];
    block[4] = ~block[2];
    engine.write(block.subarray(0, Window.#HEAD_BYTES + length), 0);
  }
}
