/**
 * Reads the body of a message from the chunks that arrive: by Content-Length, or chunked (RFC 9112
 * 6, 7.1).
 *
 * `read` gives the next piece, a view of what was received. It gives `undefined` at the end, when
 * `done` is true, and when more must arrive first. It throws a RemoteProtocolError if the framing
 * is faulty.
 *
 * A chunked body is read by a state machine that can stop and go on at any byte:
 *
 *     SIZE → (EXTENSION →) SIZE_LF → DATA → DATA_CR → DATA_LF → SIZE …
 *                          SIZE_LF → TRAILERS → done         after a chunk of size 0
 */
import { CR, HEX, LF, SPACE, TAB } from "./_characters.ts";
import { bad, tooLargeBody } from "./_faults.ts";
import type { BodySource } from "./_wire.ts";
import { FieldLines } from "./h1/_field_lines.ts";
import { CHUNKED } from "./h1/_field_values.ts";
import { Pieces } from "./h1/_pieces.ts";
import { HttpHeaders } from "./http_headers.ts";
import type { HttpLimits } from "./http_limits.ts";

const SEMICOLON = 0x3b;
/**
 * RFC 9112 7.1: recipients MUST prevent overflow of large chunk sizes. This many digits give a safe
 * integer.
 */
const MAX_HEX_DIGITS = 12;

/** RFC 9112 7.1.1: chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ) */
const EXTENSIONS =
  /^([ \t]*;[ \t]*[\w!#$%&'*+\-.^`|~]+([ \t]*=[ \t]*([\w!#$%&'*+\-.^`|~]+|"([\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)+$/;

const encoder = new TextEncoder();

const SIZE = 0, EXTENSION = 1, SIZE_LF = 2, DATA = 3, DATA_CR = 4, DATA_LF = 5, TRAILERS = 6;

/** The bytes that arrived last, and how far they have been read. */
export class Input {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;

  get empty(): boolean {
    return this.at === this.bytes.length;
  }

  /** Takes new bytes, when all bytes before have been read. A test may give text. */
  receive(data: Uint8Array | string): void {
    this.bytes = typeof data === "string" ? encoder.encode(data) : data;
    this.at = 0;
  }

  /** Takes new bytes after those that have not been read. */
  append(bytes: Uint8Array): void {
    const rest = this.rest();
    const joined = new Uint8Array(rest.length + bytes.length);
    joined.set(rest);
    joined.set(bytes, rest.length);
    this.receive(joined);
  }

  /** The bytes that have not been read. */
  rest(): Uint8Array {
    const rest = this.at === 0 ? this.bytes : this.bytes.subarray(this.at);
    this.at = this.bytes.length;
    return rest;
  }
}

/** The limits that count for a body. */
export type BodyLimits = Pick<
  HttpLimits,
  "maxHeadBytes" | "maxHeaders" | "maxBodyBytes" | "maxChunkExtensionBytes"
>;

/** Reads one body after the other. {@linkcode BodySource} tells what its members do. */
export class Body implements BodySource {
  readonly #input: Input;
  readonly #limits: BodyLimits;
  readonly #unfolds: boolean;
  #state = DATA;
  /** How many bytes are left of the body, or of the chunk. */
  #left = 0;
  #chunked = false;
  #size = 0;
  #digits = 0;
  #extension = "";
  #extensionBytes = 0;
  #trailers: Pieces | undefined;
  done = true;
  trailers: HttpHeaders | undefined;

  /** `unfolds` tells what {@linkcode FieldLines} does with the trailers. */
  constructor(input: Input, limits: BodyLimits, unfolds = false) {
    this.#input = input;
    this.#limits = limits;
    this.#unfolds = unfolds;
  }

  /** Whether a chunk's size, or another part of the framing, has come in part. */
  get isWithinLine(): boolean {
    if (!this.#chunked || this.#state === DATA) return false;
    return this.#state !== SIZE || this.#digits > 0;
  }

  /** Begins the body of the next request. */
  start(contentLength: number): void {
    this.trailers = undefined;
    this.done = contentLength === 0;
    if (this.done) return;
    this.#chunked = contentLength === CHUNKED;
    this.#left = this.#chunked ? 0 : contentLength;
    this.#state = this.#chunked ? SIZE : DATA;
    this.#size = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
  }

  /** Drops the last request: the connection is idle. */
  forget(): void {
    this.trailers = undefined;
  }

  takeOver(): void {
    this.done = this.#chunked = false;
    this.#left = Infinity;
  }

  get direct(): number {
    const isData = !this.#chunked || this.#state === DATA;
    return !this.done && this.#input.empty && isData ? this.#left : 0;
  }

  moved(length: number): void {
    this.#left -= length;
    if (this.#left > 0) return;
    if (this.#chunked) this.#state = DATA_CR;
    else this.done = true;
  }

  read(): Uint8Array | undefined {
    if (this.done || this.#input.empty) return undefined;
    if (!this.#chunked) return this.#data();
    return this.#advance() ? this.#data() : undefined;
  }

  /** What has arrived of the body, or of the chunk. */
  #data(): Uint8Array {
    const { bytes, at } = this.#input;
    const available = bytes.length - at;
    const length = available < this.#left ? available : this.#left;
    this.#input.at += length;
    this.moved(length);
    return length === bytes.length ? bytes : bytes.subarray(at, at + length);
  }

  /** Goes on to the next data of a chunk. Returns whether there is any. */
  #advance(): boolean {
    const { bytes } = this.#input;
    for (let { at } = this.#input; at < bytes.length; at++) {
      const byte = bytes[at]!;
      switch (this.#state) {
        case SIZE: {
          const digit = HEX[byte]!;
          if (digit !== 255) {
            if (++this.#digits > MAX_HEX_DIGITS) {
              throw bad("a chunk that is too large (RFC 9112 7.1)");
            }
            this.#left = this.#left * 16 + digit;
            break;
          }
          if (this.#digits === 0) throw bad("a chunk without a size (RFC 9112 7.1)");
          if (byte === CR) this.#state = SIZE_LF;
          else if (byte === SEMICOLON || byte === SPACE || byte === TAB) this.#extend(byte);
          else throw bad("a chunk with an invalid size (RFC 9112 7.1)");
          break;
        }
        case EXTENSION:
          if (byte !== CR) {
            this.#extend(byte);
            break;
          }
          // RFC 9112 7.1.1: a recipient MUST ignore unrecognized chunk extensions. But their syntax
          // must be right.
          if (!EXTENSIONS.test(this.#extension)) {
            throw bad("an invalid chunk extension (RFC 9112 7.1.1)");
          }
          this.#extension = "";
          this.#state = SIZE_LF;
          break;
        case SIZE_LF:
          if (byte !== LF) throw bad("a chunk's size that ends without LF (RFC 9112 7.1)");
          this.#size += this.#left;
          if (this.#size > this.#limits.maxBodyBytes) throw tooLargeBody(this.#limits);
          this.#state = this.#left === 0 ? TRAILERS : DATA;
          break;
        case DATA:
          this.#input.at = at;
          return true;
        case DATA_CR:
          if (byte !== CR) throw bad("a chunk that is longer than its size (RFC 9112 7.1)");
          this.#state = DATA_LF;
          break;
        case DATA_LF:
          if (byte !== LF) throw bad("a chunk that ends without LF (RFC 9112 7.1)");
          this.#state = SIZE;
          this.#left = 0;
          this.#digits = 0;
          break;
        case TRAILERS:
          this.#input.at = at;
          this.#readTrailers();
          return false;
      }
    }
    this.#input.at = bytes.length;
    return false;
  }

  /** RFC 9112 7.1.1: a server ought to limit the total length of chunk extensions. */
  #extend(byte: number): void {
    this.#state = EXTENSION;
    this.#extension += String.fromCharCode(byte);
    if (byte === LF || ++this.#extensionBytes > this.#limits.maxChunkExtensionBytes) {
      throw bad("an invalid chunk extension, or too many (RFC 9112 7.1.1)");
    }
  }

  /** Gathers the trailers, up to the empty line at their end. */
  #readTrailers(): void {
    const { maxHeaders, maxHeadBytes } = this.#limits;
    let trailers = this.#trailers;
    if (trailers === undefined) {
      const { bytes, at } = this.#input;
      if (bytes[at] === CR && bytes[at + 1] === LF) { // Most bodies have no trailers.
        this.#input.at += 2;
        this.done = true;
        return;
      }
      const lines = new FieldLines(maxHeaders, this.#unfolds);
      lines.begin(0, maxHeadBytes);
      trailers = this.#trailers = new Pieces(lines, maxHeadBytes + 1);
    }
    if (!trailers.add(this.#input)) return;
    this.done = true;
    this.#trailers = undefined;
    const to = trailers.end - 2;
    if (to > 0) this.trailers = new HttpHeaders(trailers.bytes, 0, to);
  }
}
