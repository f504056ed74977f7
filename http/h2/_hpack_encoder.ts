import type { ByteWriter } from "./_byte_writer.ts";
import { FIELD_OVERHEAD } from "./_field_list.ts";
import { encodeHuffman, huffmanLength } from "./_huffman.ts";
import { SentTable } from "./_sent_table.ts";
import { INITIAL_TABLE_SIZE, STATIC_FIELDS } from "./_static_table.ts";

/** The first byte of a field or update, without the integer that begins in it (RFC 7541 6). */
const INDEXED = 0x80, ADDED = 0x40, UPDATE = 0x20, NEVER_INDEXED = 0x10, NOT_ADDED = 0;

/** Literals of a name: the same three ways as above. */
type Literal = typeof ADDED | typeof NOT_ADDED | typeof NEVER_INDEXED;

/** Up to 6 bytes each for the index, and for the lengths of name and value. */
const MAX_INTEGERS = 18;

/** What is known of a name. */
interface Known {
  /** The index of the name in the static table, 0 if it has none. */
  index: number;
  /** The indices of values in the static table. */
  values: Map<string, number> | undefined;
  literal: Literal;
}

const KNOWN = new Map<string, Known>();
for (const [i, [name, value]] of STATIC_FIELDS.entries()) {
  let known = KNOWN.get(name);
  if (known === undefined) {
    KNOWN.set(name, known = { index: i + 1, values: undefined, literal: ADDED });
  }
  if (value !== "") (known.values ??= new Map()).set(value, i + 1);
}

/** These differ from message to message. In the table they would only evict others. */
const CHANGING = [
  ":path",
  "age",
  "content-digest",
  "content-length",
  "content-location",
  "content-range",
  "etag",
  "expires",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-event-id",
  "last-modified",
  "location",
  "range",
  "referer",
  "repr-digest",
  "retry-after",
  "server-timing",
  "traceparent",
  "tracestate",
  "x-amzn-trace-id",
  "x-correlation-id",
  "x-request-id",
];

/**
 * RFC 7541 7.1: who can send fields on the same connection and sees how much they take learns whether
 * a guess is in the table. RFC 7541 7.1.3: so these are in none, nor in that of an intermediary.
 */
const SECRET = ["authorization", "proxy-authorization", "set-cookie"];

for (const [names, literal] of [[CHANGING, NOT_ADDED], [SECRET, NEVER_INDEXED]] as const) {
  for (const name of names) {
    const { index, values } = KNOWN.get(name) ?? { index: 0, values: undefined };
    KNOWN.set(name, { index, values, literal });
  }
}

/** RFC 7541 7.1.3: what is short is easily guessed. A longer cookie is worth its place in the table. */
const MIN_COOKIE = 20;

/** A field that takes more of the table than this part would evict too many others. */
const MAX_PART = 1 / 4;

/** Encodes the header blocks that are sent on a connection (RFC 7541). */
export class HpackEncoder {
  /** Counts the changes of the dynamic table and of its size. */
  version = 0;
  readonly #table: SentTable;
  readonly #maxTableSize: number;
  /** What the peer allows. */
  #peersMax: number = INITIAL_TABLE_SIZE;
  /** RFC 7541 4.2: the lowest size since the last block, if the peer must be told. */
  #lowest: number | undefined = undefined;

  /** The table has the size given, but at first not more than 4096 bytes: the peer may enlarge it. */
  constructor(maxTableSize: number = INITIAL_TABLE_SIZE) {
    this.#maxTableSize = maxTableSize;
    this.#table = new SentTable(Math.min(maxTableSize, INITIAL_TABLE_SIZE));
  }

  /** Takes the SETTINGS_HEADER_TABLE_SIZE of the peer. */
  setMaxTableSize(size: number): void {
    const capacity = Math.min(size, this.#maxTableSize);
    if (size < this.#peersMax || capacity !== this.#table.capacity) {
      this.#lowest = Math.min(capacity, this.#lowest ?? Infinity);
      this.#table.resize(capacity);
      this.version++;
    }
    this.#peersMax = size;
  }

  /** Begins a header block. Its fields follow, all of them before another block. */
  begin(out: ByteWriter): void {
    if (this.#lowest === undefined) return;
    out.reserve(MAX_INTEGERS);
    const { capacity } = this.#table;
    if (this.#lowest < capacity) writeInteger(out, UPDATE, 0x1f, this.#lowest);
    writeInteger(out, UPDATE, 0x1f, capacity);
    this.#lowest = undefined;
    this.version++;
  }

  /** Encodes a field: a name in lower case and a value, of which each character is a byte. */
  field(out: ByteWriter, name: string, value: string): void {
    out.reserve(name.length + value.length + MAX_INTEGERS);
    const known = KNOWN.get(name);
    const index = known?.values?.get(value) ?? dynamic(this.#table.find(name, value));
    if (index > 0) return writeInteger(out, INDEXED, 0x7f, index);
    const literal = this.#literal(name, value, known);
    const nameIndex = known?.index || dynamic(this.#table.findName(name));
    writeInteger(out, literal, literal === ADDED ? 0x3f : 0x0f, nameIndex);
    if (nameIndex === 0) writeString(out, name);
    writeString(out, value);
    if (literal !== ADDED) return;
    this.#table.insert(name, value);
    this.version++;
  }

  /** How a field is sent that is in no table. */
  #literal(name: string, value: string, known: Known | undefined): Literal {
    if (known !== undefined && known.literal !== ADDED) return known.literal;
    if (name === "cookie" && value.length < MIN_COOKIE) return NEVER_INDEXED;
    const size = name.length + value.length + FIELD_OVERHEAD;
    return size > MAX_PART * this.#table.capacity ? NOT_ADDED : ADDED;
  }
}

/** RFC 7541 2.3.3: the dynamic table follows the static one. */
function dynamic(index: number): number {
  return index === 0 ? 0 : STATIC_FIELDS.length + index;
}

/** RFC 7541 5.1: `first` has the bits above those of the mask. */
function writeInteger(out: ByteWriter, first: number, mask: number, value: number): void {
  const { bytes } = out;
  if (value < mask) {
    bytes[out.at++] = first | value;
    return;
  }
  bytes[out.at++] = first | mask;
  for (value -= mask; value >= 0x80; value = Math.floor(value / 0x80)) {
    bytes[out.at++] = value & 0x7f | 0x80;
  }
  bytes[out.at++] = value;
}

/** RFC 7541 5.2. */
function writeString(out: ByteWriter, text: string): void {
  const length = huffmanLength(text);
  if (length < text.length) {
    writeInteger(out, 0x80, 0x7f, length);
    out.at = encodeHuffman(text, out.bytes, out.at);
  } else {
    writeInteger(out, 0, 0x7f, text.length);
    for (let i = 0; i < text.length; i++) out.bytes[out.at++] = text.charCodeAt(i);
  }
}
