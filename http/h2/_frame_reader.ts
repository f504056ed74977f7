/**
 * Cuts what is received into frames (RFC 9113 4.1).
 *
 *  1. The header of each frame is told by `begin` as soon as it has come. It throws if there may not
 *     be such a frame, so nothing is kept of one that is too large.
 *  2. The payload of DATA is given piece by piece as it comes, without padding, and never copied.
 *  3. All other frames are given whole: a view of what was received, or a copy if they came in parts.
 */
import { DATA, FRAME_HEADER, PADDED, PROTOCOL_ERROR } from "./_codes.ts";
import { connectionError } from "./_h2_error.ts";

/** What is told of the frames. */
export interface FrameSink {
  /** Whether no other frame is to be read now. */
  readonly isTurnOver: boolean;
  begin(type: number, flags: number, id: number, length: number): void;
  /** A piece of DATA. */
  data(bytes: Uint8Array): void;
  /** A frame of DATA has ended, with so many bytes of padding. */
  dataEnd(padding: number): void;
  /** The payload of another frame, from `from` to before `to`. */
  frame(type: number, flags: number, id: number, bytes: Uint8Array, from: number, to: number): void;
}

export class FrameReader {
  readonly #sink: FrameSink;
  /** A frame that has come in part, if any; and how much of it. */
  #part: Uint8Array | undefined = undefined;
  #partLength = 0;
  /** Whether its header has been told. */
  #isTold = false;
  /** What is under way of DATA. */
  #data: "none" | "padding's length" | "data" | "padding" = "none";
  #left = 0;
  #padding = 0;
  /** With its length. */
  #allPadding = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Whether a frame has come in part. */
  get isWithin(): boolean {
    return this.#partLength > 0 || this.#data !== "none";
  }

  /** Reads from `at` on. Returns up to where: the end, unless the sink does not want all of it now. */
  receive(bytes: Uint8Array, at = 0): number {
    const end = bytes.length;
    const sink = this.#sink;
    while (at < end && !sink.isTurnOver) {
      if (this.#data !== "none") {
        at = this.#readData(bytes, at);
        continue;
      }
      if (this.#partLength > 0) {
        at = this.#complete(bytes, at);
        continue;
      }
      if (end - at < FRAME_HEADER) {
        this.#keep(bytes, at, end, FRAME_HEADER);
        return end;
      }
      const length = bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
      const type = bytes[at + 3]!;
      const flags = bytes[at + 4]!;
      const id = idAt(bytes, at + 5);
      sink.begin(type, flags, id, length);
      if (type === DATA) {
        at += FRAME_HEADER;
        this.#beginData(flags, length);
        continue;
      }
      const to = at + FRAME_HEADER + length;
      if (to > end) {
        this.#isTold = true;
        this.#keep(bytes, at, end, to - at);
        return end;
      }
      sink.frame(type, flags, id, bytes, at + FRAME_HEADER, to);
      at = to;
    }
    return at;
  }

  #beginData(flags: number, length: number): void {
    this.#left = length;
    this.#padding = this.#allPadding = 0;
    if ((flags & PADDED) !== 0) {
      // RFC 9113 6.1: padding that is as long as the payload is an error.
      if (length === 0) throw tooMuchPadding();
      this.#data = "padding's length";
    } else if (length === 0) this.#sink.dataEnd(0);
    else this.#data = "data";
  }

  #readData(bytes: Uint8Array, at: number): number {
    if (this.#data === "padding's length") {
      this.#padding = bytes[at++]!;
      this.#left -= 1 + this.#padding;
      this.#allPadding = 1 + this.#padding;
      if (this.#left < 0) throw tooMuchPadding();
      this.#data = "data";
    } else if (this.#data === "data") {
      const to = Math.min(at + this.#left, bytes.length);
      this.#left -= to - at;
      const piece = at === 0 && to === bytes.length ? bytes : bytes.subarray(at, to);
      at = to;
      if (piece.length > 0) this.#sink.data(piece);
    } else {
      const to = Math.min(at + this.#padding, bytes.length);
      this.#padding -= to - at;
      at = to;
    }
    if (this.#data === "data" && this.#left === 0) this.#data = "padding";
    if (this.#data === "padding" && this.#padding === 0) {
      this.#data = "none";
      this.#sink.dataEnd(this.#allPadding);
    }
    return at;
  }

  /** Keeps the beginning of a frame, for which `length` bytes are needed. */
  #keep(bytes: Uint8Array, from: number, to: number, length: number): void {
    let part = this.#part;
    const needed = this.#partLength + to - from;
    if (part === undefined || part.length < needed) {
      // It grows with what comes, not with what is announced.
      const larger = new Uint8Array(Math.min(length, Math.max(64, 2 * needed)));
      if (part !== undefined) larger.set(part.subarray(0, this.#partLength));
      this.#part = part = larger;
    }
    for (let i = from; i < to; i++) part[this.#partLength++] = bytes[i]!;
  }

  /** Goes on with the frame that has come in part. */
  #complete(bytes: Uint8Array, at: number): number {
    if (this.#partLength < FRAME_HEADER) {
      const to = Math.min(at + FRAME_HEADER - this.#partLength, bytes.length);
      this.#keep(bytes, at, to, FRAME_HEADER);
      if (this.#partLength < FRAME_HEADER) return to;
      at = to;
    }
    const header = this.#part!;
    const length = header[0]! << 16 | header[1]! << 8 | header[2]!;
    const type = header[3]!;
    const flags = header[4]!;
    const id = idAt(header, 5);
    if (!this.#isTold) {
      this.#isTold = true;
      this.#sink.begin(type, flags, id, length);
    }
    if (type === DATA) {
      this.#forget();
      this.#beginData(flags, length);
      return at;
    }
    const whole = FRAME_HEADER + length;
    const to = Math.min(at + whole - this.#partLength, bytes.length);
    this.#keep(bytes, at, to, whole);
    if (this.#partLength === whole) {
      const frame = this.#part!;
      this.#forget();
      this.#sink.frame(type, flags, id, frame, FRAME_HEADER, whole);
    }
    return to;
  }

  #forget(): void {
    this.#part = undefined;
    this.#partLength = 0;
    this.#isTold = false;
  }
}

/** RFC 9113 4.1: the reserved bit before the identifier MUST be ignored. */
export function idAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! & 0x7f) << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
}

/** An unsigned number of 32 bits. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x1000000 + (bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!);
}

export function tooMuchPadding(): Error {
  return connectionError(PROTOCOL_ERROR, "padding that is longer than its frame (RFC 9113 6.1)");
}
