import { copy } from "./_copy.ts";
import { type FieldList, PLACES, sizeOf } from "./_field_list.ts";

const NO_BYTES = new Uint8Array();
const NO_PLACES = new Int32Array();

const INITIAL_FIELDS = 8;
const INITIAL_BYTES = 512;

/**
 * The dynamic table of a decoder (RFC 7541 2.3.2): the lines of its fields, the oldest first.
 *
 * Fields are added behind the others and evicted in front. At the end of the buffer, they move to its
 * beginning if that frees half of it; else the buffer grows. So it has at most twice the bytes that
 * the table may have, and there is none before the first field.
 */
export class ReceivedTable {
  /** The lines. */
  bytes: Uint8Array = NO_BYTES;
  /** For each field three numbers: see {@linkcode FieldList.at}. */
  at: Int32Array = NO_PLACES;
  /** Where the next line is written. */
  #end = 0;
  #first = 0;
  #count = 0;
  #size = 0;
  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many fields there are. */
  get count(): number {
    return this.#count;
  }

  /** RFC 7541 4.1: what all fields may have together. */
  get capacity(): number {
    return this.#capacity;
  }

  /** RFC 7541 4.3: evicts what does not fit any more. */
  resize(capacity: number): void {
    this.#capacity = capacity;
    this.#evict(capacity);
  }

  /** Where `at` tells of a field: the first of three numbers. The newest one is field 0. */
  place(index: number): number {
    return PLACES * (this.#first + this.#count - 1 - index);
  }

  /** Adds a copy of the line that is written at the end of a list; its value ends at `end`. */
  insert({ bytes, length }: FieldList, value: number, end: number): void {
    const size = sizeOf(end + 2 - length);
    // RFC 7541 4.4: a field that is larger than the table empties it.
    this.#evict(this.#capacity - size);
    if (size > this.#capacity) return;
    this.#makeRoom(end + 2 - length);
    const moved = this.#end - length;
    copy(bytes, length, end + 2, this.bytes, this.#end);
    let place = PLACES * (this.#first + this.#count++);
    this.at[place++] = this.#end;
    this.at[place++] = value + moved;
    this.at[place] = end + moved;
    this.#end = end + 2 + moved;
    this.#size += size;
  }

  /** Removes the oldest fields until the others have at most `size`. */
  #evict(size: number): void {
    while (this.#size > size && this.#count > 0) {
      const place = PLACES * this.#first++;
      this.#size -= sizeOf(this.at[place + 2]! + 2 - this.at[place]!);
      this.#count--;
    }
    if (this.#count === 0) this.#first = this.#end = 0;
  }

  /** Makes room for one more field, whose line has `length` bytes. */
  #makeRoom(length: number): void {
    if (PLACES * (this.#first + this.#count) === this.at.length) {
      const from = PLACES * this.#first;
      const places = this.at.subarray(from, from + PLACES * this.#count);
      if (2 * places.length > this.at.length || places.length === 0) {
        this.at = new Int32Array(Math.max(PLACES * INITIAL_FIELDS, 2 * this.at.length));
      }
      this.at.set(places);
      this.#first = 0;
    }
    if (this.#end + length > this.bytes.length) {
      const begin = this.#count === 0 ? 0 : this.at[PLACES * this.#first]!;
      const lines = this.bytes.subarray(begin, this.#end);
      const needed = 2 * (lines.length + length);
      if (needed > this.bytes.length) {
        this.bytes = new Uint8Array(Math.max(INITIAL_BYTES, needed));
      }
      this.bytes.set(lines);
      this.#end = lines.length;
      const from = PLACES * this.#first;
      for (let i = from; i < from + PLACES * this.#count; i++) this.at[i]! -= begin;
    }
  }
}
