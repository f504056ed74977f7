/*
 * What was written to one context and has not been sent yet.
 *
 * Text and small chunks are joined, so that many small yields become one send. A large chunk is
 * sent as it is. Joined bytes are written into a slab. No region of the slab is used twice, because
 * a back end may still be sending the bytes after `send` has accepted them.
 */

/** UTF-8 has at most this many bytes for each UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;
const SLAB_SIZE = 64 * 1024;
/** To send a chunk of this size as it is costs less than to copy it. */
const LARGE = 16 * 1024;

const encoder = new TextEncoder();
let slab = new Uint8Array(SLAB_SIZE);
let used = 0;

/** Makes sure that the slab has room. */
function makeRoom(bytes: number): void {
  if (bytes <= SLAB_SIZE - used) return;
  slab = new Uint8Array(SLAB_SIZE);
  used = 0;
}

// Servers give the same answer again and again, so the last text is remembered with its bytes.
let lastText = "";
let lastBytes: Uint8Array = slab;

function encode(text: string): Uint8Array {
  if (text === lastText) return lastBytes;
  const most = text.length * MAX_BYTES_PER_UNIT;
  if (most > SLAB_SIZE / 4) return encoder.encode(text);
  makeRoom(most);
  const { written } = encoder.encodeInto(text, viewOf(slab, used, used + most));
  const bytes = viewOf(slab, used, used + written);
  used += written;
  lastText = text;
  return lastBytes = bytes;
}

/** What it needs of a context. */
interface Sender {
  send(bytes: Uint8Array): number;
  sendv?(chunks: readonly Uint8Array[], follows?: boolean): number;
}

const NONE: readonly Uint8Array[] = Object.freeze([]);

export class Outbox {
  /** Roughly how many bytes wait: UTF-16 units for text. */
  size = 0;
  /** How many bytes have been accepted so far. */
  sent = 0;
  /** What is sent before the text. */
  #chunks: readonly Uint8Array[] = NONE;
  #text = "";

  push(data: string | Uint8Array): void {
    this.size += data.length;
    if (typeof data === "string") this.#text += data;
    else {
      this.#encodeText();
      this.#append(data);
    }
  }

  clear(): void {
    this.size = 0;
    this.#chunks = NONE;
    this.#text = "";
  }

  /**
   * Sends everything to the context. Returns whether all of it was accepted.
   *
   * @param follows Whether more is sent to the context at once, not by this.
   */
  flush(context: Sender, follows = false): boolean {
    if (this.#chunks === NONE) return this.#flushOne(context, encode(this.#text), follows);
    this.#encodeText();
    if (this.size < LARGE) {
      return this.#flushOne(
        context,
        concat(this.#chunks, 0, this.#chunks.length, this.size),
        follows,
      );
    }
    let chunks = join(this.#chunks);
    let first = 0;
    if (chunks.length > 1 && context.sendv !== undefined) {
      let sent = context.sendv(chunks, follows);
      this.sent += sent;
      while (first < chunks.length && sent >= chunks[first]!.length) {
        sent -= chunks[first++]!.length;
      }
      if (sent > 0) chunks = chunks.with(first, chunks[first]!.subarray(sent));
    } else {
      for (; first < chunks.length; first++) {
        const bytes = chunks[first]!;
        const sent = context.send(bytes);
        this.sent += sent;
        if (sent === bytes.length) continue;
        chunks = chunks.with(first, bytes.subarray(sent));
        break;
      }
    }
    if (first === chunks.length) {
      this.#chunks = NONE;
      this.size = 0;
      return true;
    }
    this.#chunks = chunks.slice(first);
    this.size = this.#chunks.reduce((size, chunk) => size + chunk.length, 0);
    return false;
  }

  #flushOne(context: Sender, bytes: Uint8Array, follows: boolean): boolean {
    const sent = follows && context.sendv !== undefined
      ? context.sendv([bytes], true)
      : context.send(bytes);
    this.sent += sent;
    this.clear();
    if (sent === bytes.length) return true;
    this.size = bytes.length - sent;
    this.#append(bytes.subarray(sent));
    return false;
  }

  #encodeText(): void {
    if (this.#text === "") return;
    const bytes = encode(this.#text);
    this.size += bytes.length - this.#text.length;
    this.#text = "";
    this.#append(bytes);
  }

  #append(bytes: Uint8Array): void {
    if (this.#chunks === NONE) this.#chunks = [bytes];
    else (this.#chunks as Uint8Array[]).push(bytes);
  }
}

/** The same as `subarray`, in half the time. */
function viewOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from);
}

/** Joins neighbouring small chunks. */
function join(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  const joined: Uint8Array[] = [];
  for (let from = 0; from < chunks.length;) {
    let bytes = chunks[from]!.length;
    let to = from + 1;
    while (
      to < chunks.length && bytes < LARGE && chunks[to]!.length < LARGE &&
      bytes + chunks[to]!.length <= SLAB_SIZE
    ) {
      bytes += chunks[to++]!.length;
    }
    joined.push(concat(chunks, from, to, bytes));
    from = to;
  }
  return joined;
}

/** Joins the chunks from `from` to before `to`, which have `bytes` bytes together. */
function concat(
  chunks: readonly Uint8Array[],
  from: number,
  to: number,
  bytes: number,
): Uint8Array {
  if (to === from + 1) return chunks[from]!;
  makeRoom(bytes);
  const start = used;
  for (let i = from; i < to; i++) {
    slab.set(chunks[i]!, used);
    used += chunks[i]!.length;
  }
  return viewOf(slab, start, used);
}
