/**
 * Writes frames (RFC 6455 5.2) for one role, and keeps them until they are sent.
 *
 *  1. Small frames are written into a slab that all connections share, one behind the other, so that
 *     many are one chunk. No region of it is used twice, because a socket may still be sending bytes
 *     that it has accepted.
 *  2. A large payload of a server is not copied: it goes out behind its head as it is.
 *  3. A client masks each payload while it copies it, with a key of its own.
 */
import { Outbox } from "../../gio/_outbox.ts";
import { encoder, headLength, utf8Of, writeHead } from "./_encoded.ts";
import { mask, newKey } from "./_mask.ts";
import { MASK, MAX_CONTROL } from "./_opcodes.ts";
import { viewOf } from "./_utf8.ts";

const SLAB_SIZE = 64 * 1024;
/** A payload of this size is not copied. */
const LARGE = 16 * 1024;
/** Text up to this length is written into the slab at once. */
const SHORT = 4096;
/** Up to this length, a loop is faster than a call. */
const FEW = 24;
const MAX_HEAD = 14;
/** UTF-8 has at most this many bytes for each UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

const NOTHING: Uint8Array = new Uint8Array(0);
let slab: Uint8Array = NOTHING;
let used = 0;

/** Where the frames go. A socket and the contexts of gio are such. */
export interface FrameSender {
  /** Sends what it can at once, and returns how many bytes that were. */
  send(bytes: Uint8Array): number;
  sendv?(chunks: readonly Uint8Array[]): number;
}

export class FrameWriter {
  readonly #maskBit: 0 | typeof MASK;
  /** What goes out before the run. */
  #outbox: Outbox | undefined = undefined;
  /** The run: the part of a slab that was written last. */
  #slab: Uint8Array = NOTHING;
  #from = 0;
  #to = 0;

  constructor(isMasking: boolean) {
    this.#maskBit = isMasking ? MASK : 0;
  }

  /** How many bytes wait. */
  get size(): number {
    return this.#to - this.#from + (this.#outbox?.size ?? 0);
  }

  /** A frame of text. `first` is its first byte. */
  text(first: number, text: string): void {
    const units = text.length;
    if (units > SHORT) return this.#payload(first, utf8Of(text), true);
    const most = units * MAX_BYTES_PER_UNIT;
    const at = this.#reserve(MAX_HEAD + most);
    let from = at + headLength(units) + (this.#maskBit === 0 ? 0 : 4);
    let length = 0;
    if (units <= FEW) {
      for (; length < units; length++) {
        const unit = text.charCodeAt(length);
        if (unit >= 0x80) break;
        slab[from + length] = unit;
      }
    }
    if (length < units) {
      length = encoder.encodeInto(text, viewOf(slab, from, from + most)).written;
      if (length > MAX_CONTROL && units <= MAX_CONTROL) {
        slab.copyWithin(from + 2, from, from + length);
        from += 2;
      }
    }
    this.#finish(first, at, from, length);
  }

  /** A frame of bytes, which must not change until they are sent. */
  bytes(first: number, payload: Uint8Array): void {
    this.#payload(first, payload, false);
  }

  /** What was encoded before, as it is. */
  append(frame: Uint8Array): void {
    if (frame.length <= LARGE) {
      const at = this.#reserve(frame.length);
      copy(frame, slab, at);
      used = this.#to = at + frame.length;
    } else this.#pushLarge(frame);
  }

  /** Sends what waits. Returns whether all of it was accepted. */
  flush(sender: FrameSender): boolean {
    if (this.#outbox !== undefined) {
      this.#pushRun();
      if (!this.#outbox.flush(sender)) return false;
      this.#outbox = undefined;
      return true;
    }
    if (this.#from === this.#to) return true;
    this.#from = (this.#from + sender.send(viewOf(this.#slab, this.#from, this.#to))) | 0;
    if (this.#from < this.#to) return false;
    this.#slab = NOTHING;
    this.#from = this.#to = 0;
    return true;
  }

  #payload(first: number, payload: Uint8Array, isOurs: boolean): void {
    const { length } = payload;
    const head = headLength(length) + (this.#maskBit === 0 ? 0 : 4);
    if (length <= LARGE) {
      const at = this.#reserve(head + length);
      copy(payload, slab, at + head);
      this.#finish(first, at, at + head, length);
      return;
    }
    const at = this.#reserve(head);
    writeHead(slab, at, first, this.#maskBit, length);
    used = this.#to = at + head;
    if (this.#maskBit !== 0) {
      if (!isOurs) payload = payload.slice();
      mask(payload, 0, length, this.#writeKey(at + head - 4));
    }
    this.#pushLarge(payload);
  }

  /** Writes the head of a frame before its payload, which is in the slab. */
  #finish(first: number, at: number, from: number, length: number): void {
    writeHead(slab, at, first, this.#maskBit, length);
    if (this.#maskBit !== 0) mask(slab, from, from + length, this.#writeKey(from - 4));
    used = this.#to = from + length;
  }

  #writeKey(at: number): number {
    const key = newKey();
    for (let i = 0; i < 4; i++) slab[at + i] = key >>> 8 * i;
    return key;
  }

  /** Makes room in the slab. Returns where, which goes on with the run if it can. */
  #reserve(bytes: number): number {
    if (bytes > slab.length - used) {
      slab = new Uint8Array(SLAB_SIZE);
      used = 0;
    }
    if (this.#slab !== slab || this.#to !== used) {
      this.#pushRun();
      this.#slab = slab;
      this.#from = this.#to = used;
    }
    return used;
  }

  #pushRun(): void {
    if (this.#from === this.#to) return;
    (this.#outbox ??= new Outbox()).push(viewOf(this.#slab, this.#from, this.#to));
    this.#slab = NOTHING;
    this.#from = this.#to = 0;
  }

  #pushLarge(bytes: Uint8Array): void {
    this.#pushRun();
    (this.#outbox ??= new Outbox()).push(bytes);
  }
}

function copy(bytes: Uint8Array, target: Uint8Array, at: number): void {
  if (bytes.length > FEW) target.set(bytes, at);
  else for (let i = 0; i < bytes.length; i++) target[at + i] = bytes[i]!;
}
