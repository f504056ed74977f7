/**
 * Writes the frames of one session (RFC 9113 4.1, 6) into a buffer that all sessions share. Whatever one
 * session has written goes to its outlet before another writes.
 */
import { ByteWriter } from "./_byte_writer.ts";
import * as c from "./_codes.ts";
import { HpackEncoder } from "./_hpack_encoder.ts";
import type { H2Stream } from "./_stream.ts";

/** Where the bytes go. */
export interface Outlet {
  readonly size: number;
  push(bytes: Uint8Array): void;
}

/** A piece of this size is sent as it is; a smaller one is copied behind its header. */
const LARGE = 4096;
/** Text of up to this length is copied by a loop, which is faster than a call. */
const SHORT = 64;

const writer = new ByteWriter();
let owner: Writing | undefined;
const encoder = new TextEncoder();
/** The pieces of one frame. */
const pieces: Uint8Array[] = [];

/** A head that was sent, and what it was made of. */
interface SentHead {
  readonly list: readonly string[];
  readonly date: string | undefined;
  readonly length: number | undefined;
  readonly version: number;
  readonly block: Uint8Array;
}

export class Writing {
  readonly #session: { flushSoon(): void };
  readonly #out: Outlet;
  #hpack: HpackEncoder | undefined = undefined;
  /** What the peer allows for the table of the encoder, until that is made. */
  #tableSize: number | undefined = undefined;
  #last: SentHead | undefined = undefined;
  /** How large a frame may be. More than this is nobody's gain, even if the peer allows it. */
  readonly maxFrame: number = c.DEFAULT_FRAME_SIZE;

  constructor(session: { flushSoon(): void }, out: Outlet) {
    this.#session = session;
    this.#out = out;
  }

  /** How many bytes wait to be sent. */
  get size(): number {
    return this.#out.size + (owner === this ? writer.size : 0);
  }

  /** Gives what was written to the outlet. */
  collect(): void {
    if (owner !== this) return;
    owner = undefined;
    const bytes = writer.take();
    if (bytes.length > 0) this.#out.push(bytes);
  }

  setMaxTableSize(size: number): void {
    if (this.#hpack === undefined) this.#tableSize = Math.min(size, this.#tableSize ?? size);
    this.#hpack?.setMaxTableSize(size);
  }

  raw(bytes: Uint8Array): void {
    this.#claim(bytes.length);
    writer.bytes.set(bytes, writer.at);
    writer.at += bytes.length;
  }

  settings(settings: readonly number[]): void {
    this.#begin(settings.length * 3, c.SETTINGS, 0, 0);
    for (let i = 0; i < settings.length; i += 2) {
      writer.bytes[writer.at++] = 0;
      writer.bytes[writer.at++] = settings[i]!;
      uint32(settings[i + 1]!);
    }
  }

  settingsAck(): void {
    this.#begin(0, c.SETTINGS, c.ACK, 0);
  }

  ping(flags: number, payload: Uint8Array, from: number): void {
    this.#begin(8, c.PING, flags, 0);
    for (let i = 0; i < 8; i++) writer.bytes[writer.at++] = payload[from + i]!;
  }

  reset(id: number, code: number): void {
    this.#begin(4, c.RST_STREAM, 0, id);
    uint32(code);
  }

  windowUpdate(id: number, by: number): void {
    this.#begin(4, c.WINDOW_UPDATE, 0, id);
    uint32(by);
  }

  goAway(lastId: number, code: number): void {
    this.#begin(8, c.GOAWAY, 0, 0);
    uint32(lastId);
    uint32(code);
  }

  /** A frame of DATA with all of a body. */
  data(id: number, data: string | Uint8Array, length: number, flags: number): void {
    this.#begin(length, c.DATA, flags, id);
    const { bytes } = writer;
    let { at } = writer;
    if (typeof data !== "string") bytes.set(data, at);
    else if (length === data.length && length <= SHORT) { // ASCII
      for (let i = 0; i < length; i++) bytes[at++] = data.charCodeAt(i);
    } else encoder.encodeInto(data, bytes.subarray(at));
    writer.at += length;
  }

  /** A frame of DATA with the first `length` bytes that a stream has queued. */
  dataOf(stream: H2Stream, length: number, flags: number): void {
    stream.take(length, pieces);
    this.#begin(length, c.DATA, flags, stream.id);
    for (const piece of pieces) {
      if (piece.length < LARGE) {
        writer.bytes.set(piece, writer.at);
        writer.at += piece.length;
      } else {
        this.collect();
        this.#out.push(piece);
        this.#claim(length);
      }
    }
    pieces.length = 0;
  }

  /** A header list: names and values, alternating. */
  head(id: number, list: readonly string[], isEnd: boolean): void {
    const start = this.#beginBlock();
    for (let i = 0; i < list.length; i += 2) this.#hpack!.field(writer, list[i]!, list[i + 1]!);
    this.#endBlock(start, id, isEnd);
  }

  answer(
    id: number,
    list: readonly string[],
    date: string | undefined,
    length: number | undefined,
    isEnd: boolean,
  ): void {
    const last = this.#last;
    const isSame = last !== undefined && last.list === list && last.date === date &&
      last.length === length && last.version === this.#hpack!.version;
    if (isSame) {
      const { block } = last;
      this.#begin(block.length, c.HEADERS, headFlags(isEnd) | c.END_HEADERS, id);
      const { bytes } = writer;
      let { at } = writer;
      for (let i = 0; i < block.length; i++) bytes[at++] = block[i]!;
      writer.at = at;
      return;
    }
    const version = this.#hpack?.version;
    const start = this.#beginBlock();
    const hpack = this.#hpack!;
    for (let i = 0; i < list.length; i += 2) hpack.field(writer, list[i]!, list[i + 1]!);
    if (date !== undefined) hpack.field(writer, "date", date);
    if (length !== undefined) hpack.field(writer, "content-length", String(length));
    const block = writer.bytes.slice(writer.start + start + c.FRAME_HEADER, writer.at);
    if (version === hpack.version && block.length <= c.DEFAULT_FRAME_SIZE) {
      this.#last = { list, date, length, version, block };
    }
    this.#endBlock(start, id, isEnd);
  }

  /** Leaves room for the header of a frame. Returns where it is, from the start of the piece. */
  #beginBlock(): number {
    this.#claim(c.FRAME_HEADER);
    const start = writer.at - writer.start;
    writer.at += c.FRAME_HEADER;
    if (this.#hpack === undefined) {
      this.#hpack = new HpackEncoder();
      if (this.#tableSize !== undefined) this.#hpack.setMaxTableSize(this.#tableSize);
    }
    this.#hpack.begin(writer);
    return start;
  }

  /** Writes the header of the frame before the block. Cuts the block if it is too long for one. */
  #endBlock(start: number, id: number, isEnd: boolean): void {
    const at = writer.start + start;
    const from = at + c.FRAME_HEADER;
    const length = writer.at - from;
    if (length <= this.maxFrame) {
      return frameHeader(at, length, c.HEADERS, headFlags(isEnd) | c.END_HEADERS, id);
    }
    // RFC 9113 6.10: what follows comes in CONTINUATION frames.
    const block = writer.bytes.slice(from, writer.at);
    writer.at = at;
    for (let i = 0; i < length; i += this.maxFrame) {
      const part = block.subarray(i, i + this.maxFrame);
      const last = i + part.length === length ? c.END_HEADERS : 0;
      const type = i === 0 ? c.HEADERS : c.CONTINUATION;
      this.#begin(part.length, type, (i === 0 ? headFlags(isEnd) : 0) | last, id);
      writer.bytes.set(part, writer.at);
      writer.at += part.length;
    }
  }

  /** Makes room for a frame, and writes its header. */
  #begin(length: number, type: number, flags: number, id: number): void {
    this.#claim(c.FRAME_HEADER + length);
    frameHeader(writer.at, length, type, flags, id);
    writer.at += c.FRAME_HEADER;
  }

  #claim(length: number): void {
    if (owner !== this) {
      owner?.collect();
      owner = this;
    }
    writer.reserve(length);
    this.#session.flushSoon();
  }
}

function headFlags(isEnd: boolean): number {
  return isEnd ? c.END_STREAM : 0;
}

function frameHeader(at: number, length: number, type: number, flags: number, id: number): void {
  const { bytes } = writer;
  bytes[at] = length >> 16;
  bytes[at + 1] = length >> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes[at + 5] = id >> 24;
  bytes[at + 6] = id >> 16;
  bytes[at + 7] = id >> 8;
  bytes[at + 8] = id;
}

function uint32(value: number): void {
  const { bytes } = writer;
  bytes[writer.at++] = value >> 24;
  bytes[writer.at++] = value >> 16;
  bytes[writer.at++] = value >> 8;
  bytes[writer.at++] = value;
}
