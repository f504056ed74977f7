/**
 * The last head that was received: its block, and what was made of it. Peers often send the same head
 * again, or one in which only the path differs.
 *
 *  1. While the dynamic table is as it was, the same bytes mean the same fields. So a block is kept only
 *     if it leaves the table alone, and it counts only for the version of the table that it had.
 *  2. If the path is a literal that is not added to the table, the fields before and behind its string
 *     do not depend on it. The string of another path must end where the bytes behind it begin.
 */
import type { FieldList } from "./_field_list.ts";
import type { HpackDecoder } from "./_hpack_decoder.ts";

/** Blocks of up to so many bytes are kept. */
const MAX_BYTES = 512;

/** Who makes something of heads. */
export interface HeadReader<H> {
  /** A head that has another path, which is written at the beginning of the list; undefined if it cannot tell. */
  readPath?(head: H, path: FieldList): H | undefined;
}

export class HeadMemo<H> {
  readonly #decoder: HpackDecoder;
  readonly #reader: HeadReader<H>;
  readonly #bytes = new Uint8Array(MAX_BYTES);
  #length = 0;
  #version = -1;
  #head: H | undefined = undefined;
  /** How much larger it may be. */
  #room = 0;
  /** Where the string of the path begins; 0 if there is none that may differ. */
  #pathFrom = 0;
  #pathTo = 0;

  constructor(decoder: HpackDecoder, reader: HeadReader<H>) {
    this.#decoder = decoder;
    this.#reader = reader;
  }

  /** Keeps a block that was decoded. */
  set(block: Uint8Array, from: number, to: number, fields: FieldList, head: H): void {
    if (!fields.isStable || to - from > MAX_BYTES) return;
    this.#version = this.#decoder.version;
    this.#room = fields.maxSize - fields.size;
    const { pathFrom, pathTo } = fields;
    this.#pathFrom = Math.max(0, pathFrom - from);
    this.#keep(block, from, to, head, pathTo - from);
  }

  #keep(block: Uint8Array, from: number, to: number, head: H, pathTo: number): void {
    this.#head = head;
    this.#pathTo = pathTo;
    this.#length = to - from;
    for (let i = 0; from < to;) this.#bytes[i++] = block[from++]!;
  }

  /** What was made of the same block, or is made of it because only the path differs. */
  find(block: Uint8Array, from: number, to: number, scratch: FieldList): H | undefined {
    if (this.#version !== this.#decoder.version) return undefined;
    const bytes = this.#bytes;
    const length = to - from;
    const common = Math.min(this.#length, length);
    let i = 0;
    while (i < common && bytes[i] === block[from + i]) i++;
    if (i === this.#length && i === length) return this.#head;
    const pathTo = length - (this.#length - this.#pathTo);
    if (this.#pathFrom === 0 || i < this.#pathFrom) return undefined;
    if (pathTo <= this.#pathFrom || length > MAX_BYTES) return undefined;
    for (i = pathTo; i < length && bytes[i + this.#length - length] === block[from + i];) i++;
    if (i < length) return undefined;
    if (!this.#decoder.decodeString(block, from + this.#pathFrom, from + pathTo, scratch)) {
      return undefined;
    }
    if (scratch.length > this.#room) return undefined;
    const head = this.#reader.readPath?.(this.#head!, scratch);
    if (head !== undefined) this.#keep(block, from, to, head, pathTo);
    return head;
  }
}
