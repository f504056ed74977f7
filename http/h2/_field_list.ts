import { copy } from "./_copy.ts";

/** RFC 7541 4.1: what a field counts more than its name and value. */
export const FIELD_OVERHEAD = 32;

/** `: ` and the line break, which do not count. */
const SEPARATORS = 4;

/** Numbers for each field in {@linkcode FieldList.at}. */
export const PLACES = 3;

const INITIAL_FIELDS = 32;
const INITIAL_BYTES = 1024;

/** The size of the field that `length` bytes of a line have, the line break included. */
export function sizeOf(length: number): number {
  return length - SEPARATORS + FIELD_OVERHEAD;
}

/**
 * The fields of one header block, decoded: for each one `name: value\r\n` in one buffer.
 *
 * A list is used for block after block. Whoever wants to keep fields copies them.
 */
export class FieldList {
  /** The lines, one after the other. What is behind `length` is for who writes a field. */
  bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  /** How many bytes are in use. */
  length = 0;
  /** How many fields there are. */
  count = 0;
  /**
   * For each field three numbers: where its name begins, where its value begins, where its value
   * ends. The name ends 2 before the value begins.
   */
  at: Int32Array = new Int32Array(PLACES * INITIAL_FIELDS);
  /**
   * RFC 7541 4.1: name, value and 32 for each field, also for those that are dropped because the list
   * is too large.
   */
  size = 0;
  /** Fields are dropped as soon as the size is beyond this. */
  maxSize: number = Infinity;
  /**
   * Whether the block left the dynamic table as it was: the same bytes mean the same fields until the
   * table changes.
   */
  isStable = true;
  /** Where the block has the string of the path, if that is a literal that is not added; else 0. */
  pathFrom = 0;
  pathTo = 0;

  /** Whether fields were dropped, since there were more than allowed. */
  get isTooLarge(): boolean {
    return this.size > this.maxSize;
  }

  /** Forgets all fields. */
  clear(): void {
    this.length =
      this.count =
      this.size =
      this.pathFrom =
      this.pathTo =
        0;
    this.isStable = true;
  }

  /** Makes room for bytes up to `end`, and keeps all that are there. */
  reserve(end: number): void {
    if (end <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(end, 2 * this.bytes.length));
    bytes.set(this.bytes);
    this.bytes = bytes;
  }

  /** Adds a copy of the line from `name` on, whose value ends at `end`. */
  add(lines: Uint8Array, name: number, value: number, end: number): void {
    this.size += sizeOf(end + 2 - name);
    if (this.isTooLarge) return;
    const { length } = this;
    const moved = length - name;
    this.reserve(end + 2 + moved);
    copy(lines, name, end + 2, this.bytes, length);
    this.#close(value + moved, end + moved);
  }

  /** Adds the field whose name is written at `length`, the rest behind it, all but the line break. */
  addWritten(value: number, end: number): void {
    this.size += sizeOf(end + 2 - this.length);
    if (!this.isTooLarge) this.#close(value, end);
  }

  #close(value: number, end: number): void {
    let place = PLACES * this.count++;
    if (place === this.at.length) {
      const at = new Int32Array(2 * place);
      at.set(this.at);
      this.at = at;
    }
    this.at[place++] = this.length;
    this.at[place++] = value;
    this.at[place] = end;
    this.length = end + 2;
  }
}
