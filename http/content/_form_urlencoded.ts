/**
 * Reads forms of type application/x-www-form-urlencoded (URL Standard 5.1): `name=value&name=value`.
 * Each field is a part with one piece.
 */
import { HEX, SPACE } from "../_characters.ts";
import { HttpHeaders } from "../http_headers.ts";
import { tooMuch } from "./_form_limits.ts";
import type { FormSource, PartHead } from "./_form_source.ts";
import { Gathered } from "./_gathered.ts";

const PERCENT = 0x25, AMPERSAND = 0x26, PLUS = 0x2b, EQUALS = 0x3d;
const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class UrlencodedSource implements FormSource {
  readonly #maxFieldBytes: number;
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  #ended = false;
  readonly #field = new Gathered();
  /** The value of the current field, which has not been read. */
  #value: Uint8Array | null = null;

  constructor(maxFieldBytes: number) {
    this.#maxFieldBytes = maxFieldBytes;
  }

  receive(chunk: Uint8Array): void {
    this.#bytes = chunk;
    this.#at = 0;
  }

  end(): void {
    this.#ended = true;
  }

  part(): PartHead | null | undefined {
    this.#value = null;
    const bytes = this.#bytes;
    for (;;) {
      const from = this.#at;
      const end = bytes.indexOf(AMPERSAND, from);
      const to = end < 0 ? bytes.length : end;
      this.#at = end < 0 ? to : to + 1;
      if (this.#field.length + to - from > this.#maxFieldBytes) {
        throw tooMuch(`a field of it has more than ${this.#maxFieldBytes} bytes`);
      }
      this.#field.add(bytes.subarray(from, to));
      if (end < 0 && !this.#ended) return undefined;
      if (this.#field.length > 0) return this.#part(this.#field.take());
      if (end < 0) return null;
    }
  }

  piece(): Uint8Array | null {
    const value = this.#value;
    this.#value = null;
    return value;
  }

  #part(field: Uint8Array): PartHead {
    const equals = field.indexOf(EQUALS);
    const name = decoder.decode(decoded(equals < 0 ? field : field.subarray(0, equals)));
    const value = equals < 0 ? NOTHING : decoded(field.subarray(equals + 1));
    this.#value = value.length > 0 ? value : null;
    return { name, headers: new HttpHeaders(NOTHING), disposition: new Map([["name", name]]) };
  }
}

/** Decodes in place. What is no escape stays as it is. */
function decoded(bytes: Uint8Array): Uint8Array {
  let to = 0;
  for (let at = 0; at < bytes.length; at++) {
    let byte = bytes[at]!;
    if (byte === PLUS) byte = SPACE;
    else if (byte === PERCENT && at + 2 < bytes.length) {
      const high = HEX[bytes[at + 1]!]!, low = HEX[bytes[at + 2]!]!;
      if (high < 16 && low < 16) {
        byte = 16 * high + low;
        at += 2;
      }
    }
    bytes[to++] = byte;
  }
  return bytes.subarray(0, to);
}
