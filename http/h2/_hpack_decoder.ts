import { COLON, CR, LF, SPACE } from "../_characters.ts";
import { copy } from "./_copy.ts";
import { type FieldList, PLACES } from "./_field_list.ts";
import { HpackError } from "./_hpack_error.ts";
import { decodeHuffman, maxDecoded } from "./_huffman.ts";
import { ReceivedTable } from "./_received_table.ts";
import { INITIAL_TABLE_SIZE, STATIC_TABLE } from "./_static_table.ts";

const MAX_INTEGER = 0x7fffffff;

/** The factor of the fifth byte of an integer. More bytes could only be zeros. */
const MAX_FACTOR = 2 ** 28;

/** The bits of a literal that have the index of its name. */
const ADDED = 0x3f, NOT_ADDED = 0x0f;

/** RFC 7541, appendix A: the indices of `:path`. */
const PATH = 4, OTHER_PATH = 5;

/**
 * Decodes the header blocks that are received on a connection (RFC 7541).
 *
 * It does not look at what the names and values are made of.
 */
export class HpackDecoder {
  /** Counts the changes of the dynamic table and of its size. */
  version = 0;
  readonly #table: ReceivedTable;
  #maxTableSize: number;
  /** RFC 7541 4.2: the updates at the beginning of the next block must tell of this size, or less. */
  #mustShrinkTo: number | undefined = undefined;
  /** Where the next byte of the block is, while it is decoded. */
  #at = 0;

  /** The table has the size given, but at first not more than 4096 bytes: the peer may enlarge it. */
  constructor(maxTableSize: number = INITIAL_TABLE_SIZE) {
    this.#maxTableSize = maxTableSize;
    this.#table = new ReceivedTable(Math.min(maxTableSize, INITIAL_TABLE_SIZE));
  }

  /** Sets what was sent as SETTINGS_HEADER_TABLE_SIZE, now that the peer has acknowledged it. */
  setMaxTableSize(size: number): void {
    this.#maxTableSize = size;
    this.version++;
    // RFC 7541 4.2: the peer tells of the lowest size, and of the last.
    if (size < Math.min(this.#mustShrinkTo ?? Infinity, this.#table.capacity)) {
      this.#mustShrinkTo = size;
    }
  }

  /**
   * Decodes a whole header block: the bytes from `from` to before `to`.
   *
   * Once the fields are larger than `maxSize` (RFC 9113 10.5.1), they are decoded for the sake of the
   * table only.
   *
   * @throws {HpackError} If the block is malformed. What the list has then has no meaning, and the
   * decoder cannot be used any more.
   */
  decode(block: Uint8Array, from: number, to: number, into: FieldList, maxSize: number): void {
    const { version } = this;
    into.clear();
    into.maxSize = maxSize;
    this.#at = from;
    while (this.#at < to && (block[this.#at]! & 0xe0) === 0x20) this.#updateSize(block, to);
    if (this.#mustShrinkTo !== undefined) {
      throw new HpackError(
        "Cannot decode a block without the size update that a smaller table needs (RFC 7541 4.2)",
      );
    }
    while (this.#at < to) {
      const byte = block[this.#at]!;
      if (byte >= 0x80) {
        // RFC 7541 6.1: an indexed field.
        const index = this.#integer(block, to, 0x7f);
        const place = this.#placeOf(index);
        const { bytes, at } = this.#tableOf(index);
        into.add(bytes, at[place]!, at[place + 1]!, at[place + 2]!);
      } else if (byte >= 0x40) {
        // RFC 7541 6.2.1: a literal that is added to the table.
        this.#literal(block, to, ADDED, into);
      } else if (byte < 0x20) {
        // RFC 7541 6.2.2, 6.2.3: a literal that is not, perhaps never by anybody.
        this.#literal(block, to, NOT_ADDED, into);
      } else {
        throw new HpackError(
          "Cannot decode a size update behind a field: it is at the beginning (RFC 7541 4.2)",
        );
      }
    }
    into.isStable = this.version === version;
  }

  /** Decodes one string into an empty list. Returns false unless it ends at `to` and is well-formed. */
  decodeString(block: Uint8Array, from: number, to: number, into: FieldList): boolean {
    into.clear();
    this.#at = from;
    try {
      into.length = this.#string(block, to, into, 0);
    } catch (error) {
      if (error instanceof HpackError) return false;
      throw error;
    }
    return this.#at === to;
  }

  #updateSize(block: Uint8Array, to: number): void {
    const size = this.#integer(block, to, 0x1f);
    if (size > this.#maxTableSize) {
      throw new HpackError(
        `Cannot decode an update to size ${size}: the most is ${this.#maxTableSize} (RFC 7541 6.3)`,
      );
    }
    if (this.#mustShrinkTo !== undefined && size <= this.#mustShrinkTo) {
      this.#mustShrinkTo = undefined;
    }
    this.#table.resize(size);
    this.version++;
  }

  /** Decodes a literal behind the last field of the list. `mask` has the bits of the name's index. */
  #literal(block: Uint8Array, to: number, mask: number, into: FieldList): void {
    const isAdded = mask === ADDED;
    const index = this.#integer(block, to, mask);
    let at: number;
    if (index === 0) {
      at = this.#string(block, to, into, into.length);
    } else {
      const place = this.#placeOf(index);
      const { bytes, at: places } = this.#tableOf(index);
      const name = places[place]!;
      const end = places[place + 1]! - 2;
      at = into.length + end - name;
      into.reserve(at + 2);
      // A field that is dropped must not cost more than its bytes in the block.
      if (isAdded || !into.isTooLarge) copy(bytes, name, end, into.bytes, into.length);
    }
    into.bytes[at++] = COLON;
    into.bytes[at++] = SPACE;
    const valueFrom = this.#at;
    const end = this.#string(block, to, into, at);
    if (!isAdded && (index === PATH || index === OTHER_PATH)) {
      into.pathFrom = valueFrom;
      into.pathTo = this.#at;
    }
    into.bytes[end] = CR;
    into.bytes[end + 1] = LF;
    if (isAdded) {
      this.#table.insert(into, at, end);
      this.version++;
    }
    into.addWritten(at, end);
  }

  /** The table that has a field. */
  #tableOf(index: number): FieldList | ReceivedTable {
    return index <= STATIC_TABLE.count ? STATIC_TABLE : this.#table;
  }

  /** Where the table tells of a field. */
  #placeOf(index: number): number {
    if (index <= STATIC_TABLE.count) {
      if (index > 0) return PLACES * (index - 1);
      throw new HpackError("Cannot decode a field with index 0 (RFC 7541 6.1)");
    }
    const count = STATIC_TABLE.count + this.#table.count;
    if (index <= count) return this.#table.place(index - STATIC_TABLE.count - 1);
    throw new HpackError(
      `Cannot decode a field with index ${index}: the tables have ${count} (RFC 7541 2.3.3)`,
    );
  }

  /**
   * Decodes a string into the bytes of the list at `at`, and returns where it ends. There is room for
   * the two bytes that follow it.
   */
  #string(block: Uint8Array, to: number, into: FieldList, at: number): number {
    // RFC 7541 5.2: H.
    const isHuffman = block[this.#at]! >= 0x80;
    const length = this.#integer(block, to, 0x7f);
    const from = this.#at;
    const end = from + length;
    if (end > to) throw cut();
    this.#at = end;
    if (isHuffman) {
      into.reserve(at + maxDecoded(length) + 2);
      return decodeHuffman(block, from, end, into.bytes, at);
    }
    into.reserve(at + length + 2);
    copy(block, from, end, into.bytes, at);
    return at + length;
  }

  /** Decodes the integer in the bits of `mask`, and in the bytes that follow (RFC 7541 5.1). */
  #integer(block: Uint8Array, to: number, mask: number): number {
    let value = block[this.#at++]! & mask;
    if (value < mask) return value;
    for (let factor = 1; factor <= MAX_FACTOR; factor *= 0x80) {
      if (this.#at >= to) throw cut();
      const byte = block[this.#at++]!;
      value += (byte & 0x7f) * factor;
      if (byte >= 0x80) continue;
      if (value > MAX_INTEGER) break;
      return value;
    }
    throw new HpackError("Cannot decode an integer beyond 2^31 - 1 (RFC 7541 5.1)");
  }
}

function cut(): HpackError {
  return new HpackError("Cannot decode a field that goes on behind its block (RFC 7541 5)");
}
