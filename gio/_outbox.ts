/**
 * What a coroutine has yielded for one context and has not been sent yet.
 *
 * Text and small chunks are joined, so that many small yields become one send; a large chunk is sent as it is.
 * Joined bytes are written into a slab of which no region is used twice, because a back end may still be
 * sending them after `send` has accepted them.
 */

/** Text is encoded straight into the slab, at most 3 bytes for each UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;
const SLAB_SIZE = 64 * 1024;
/** Chunks of at least this many bytes are cheaper to send as they are than to copy. */
const LARGE = 16 * 1024;

const encoder = new TextEncoder();
let slab = new Uint8Array(SLAB_SIZE);
let used = 0;

function room(bytes: number): void {
  if (bytes <= SLAB_SIZE - used) return;
  slab = new Uint8Array(SLAB_SIZE);
  used = 0;
}

function encode(text: string): Uint8Array {
  const most = text.length * MAX_BYTES_PER_UNIT;
  if (most > SLAB_SIZE / 4) return encoder.encode(text);
  room(most);
  const start = used;
  used += encoder.encodeInto(text, slab.subarray(start)).written;
  return slab.subarray(start, used);
}

export class Outbox {
  /** Roughly how many bytes wait: UTF-16 units for text. */
  size = 0;
  #chunks: Uint8Array[] = [];
  #text = "";

  push(data: string | Uint8Array): void {
    this.size += data.length;
    if (typeof data === "string") {
      this.#text += data;
      return;
    }
    if (this.#text !== "") this.#encodeText();
    this.#chunks.push(data);
  }

  clear(): void {
    this.size = 0;
    this.#chunks.length = 0;
    this.#text = "";
  }

  /** Hands everything to `send`; returns whether all of it was accepted. */
  flush(send: { send(bytes: Uint8Array): number }): boolean {
    if (this.#chunks.length === 0) {
      if (this.#text === "") return true;
      const bytes = encode(this.#text);
      this.#text = "";
      const sent = send.send(bytes);
      if (sent === bytes.length) {
        this.size = 0;
        return true;
      }
      this.#chunks.push(bytes.subarray(sent));
      this.size = bytes.length - sent;
      return false;
    }
    if (this.#text !== "") this.#encodeText();
    this.#join();
    const chunks = this.#chunks;
    while (chunks.length > 0) {
      const bytes = chunks[0]!;
      const sent = bytes.length === 0 ? 0 : send.send(bytes);
      this.size -= sent;
      if (sent < bytes.length) {
        chunks[0] = bytes.subarray(sent);
        return false;
      }
      chunks.shift();
    }
    this.size = 0;
    return true;
  }

  #encodeText(): void {
    const bytes = encode(this.#text);
    this.size += bytes.length - this.#text.length;
    this.#text = "";
    this.#chunks.push(bytes);
  }

  /** Makes runs of small chunks one chunk. */
  #join(): void {
    const chunks = this.#chunks;
    if (chunks.length < 2) return;
    const joined: Uint8Array[] = [];
    let run = 0;
    let runBytes = 0;
    for (let i = 0; i <= chunks.length; i++) {
      const chunk = chunks[i];
      if (chunk !== undefined && chunk.length < LARGE && runBytes + chunk.length <= SLAB_SIZE) {
        runBytes += chunk.length;
        continue;
      }
      if (i > run) joined.push(i === run + 1 ? chunks[run]! : concat(chunks, run, i, runBytes));
      run = i;
      runBytes = 0;
      if (chunk !== undefined && chunk.length >= LARGE) {
        joined.push(chunk);
        run = i + 1;
      } else runBytes = chunk?.length ?? 0;
    }
    this.#chunks = joined;
  }
}

function concat(chunks: Uint8Array[], from: number, to: number, bytes: number): Uint8Array {
  room(bytes);
  const start = used;
  for (let i = from; i < to; i++) {
    slab.set(chunks[i]!, used);
    used += chunks[i]!.length;
  }
  return slab.subarray(start, used);
}
