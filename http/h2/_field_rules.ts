/** What fields may be in HTTP/2 (RFC 9113 8.2). */
import { FIELD, isDigit, SPACE, TAB, TOKEN } from "../_characters.ts";
import { PROTOCOL_ERROR } from "./_codes.ts";
import type { FieldList } from "./_field_list.ts";
import { streamError } from "./_h2_error.ts";

/** A field that has not come; otherwise it is its number, or what it tells. */
export const NONE = -1;

/** The characters of a name: those of a token, but no capitals. */
const NAME: Uint8Array = TOKEN.slice();
for (let i = 0x41; i <= 0x5a; i++) NAME[i] = 0;

export function malformed(what: string): Error {
  return streamError(PROTOCOL_ERROR, what);
}

/** Whether a field has this name. */
export function isNamed(list: FieldList, field: number, name: string): boolean {
  const from = list.at[field]!;
  if (list.at[field + 1]! - 2 - from !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    if (list.bytes[from + i] !== name.charCodeAt(i)) return false;
  }
  return true;
}

/** Checks a field that is not a pseudo-field: the field whose numbers begin at `field`. */
export function checkField(list: FieldList, field: number): void {
  const { bytes, at } = list;
  const from = at[field]!;
  const to = at[field + 1]! - 2;
  if (to === from) throw malformed("a field without a name (RFC 9113 8.2.1)");
  for (let i = from; i < to; i++) {
    if (NAME[bytes[i]!] !== 1) {
      throw malformed("a field name with a capital or an invalid character (RFC 9113 8.2.1)");
    }
  }
  checkValue(list, field);
  switch (to - from) {
    case 2:
      // RFC 9113 8.2.2: TE MUST NOT contain any value other than "trailers".
      if (isNamed(list, field, "te") && textOf(list, field).toLowerCase() !== "trailers") {
        throw malformed("TE with another value than trailers (RFC 9113 8.2.2)");
      }
      break;
    case 7:
    case 10:
    case 16:
    case 17:
      for (const name of OF_CONNECTION) {
        if (isNamed(list, field, name)) throw malformed(`a field ${name} (RFC 9113 8.2.2)`);
      }
  }
}

/** RFC 9113 8.2.2: what is about the connection of HTTP/1.1 makes a message malformed. */
const OF_CONNECTION = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
];

export function checkValue({ bytes, at }: FieldList, field: number): void {
  const from = at[field + 1]!;
  const to = at[field + 2]!;
  for (let i = from; i < to; i++) {
    if (FIELD[bytes[i]!] !== 1) {
      throw malformed("a field value with a control character (RFC 9113 8.2.1)");
    }
  }
  if (to > from && (isBlank(bytes[from]!) || isBlank(bytes[to - 1]!))) {
    throw malformed("a field value with a blank at its end (RFC 9113 8.2.1)");
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/** The value of a field as text. */
export function textOf({ bytes, at }: FieldList, field: number): string {
  let text = "";
  for (let i = at[field + 1]!; i < at[field + 2]!; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/**
 * The number in a Content-Length (RFC 9110 8.6).
 *
 * @param before What another one has told, or NONE.
 */
export function lengthOf(list: FieldList, field: number, before: number): number {
  const { bytes, at } = list;
  const from = at[field + 1]!;
  const to = at[field + 2]!;
  let length = 0;
  for (let i = from; i < to; i++) {
    if (!isDigit(bytes[i]!) || i - from > 14) throw malformed("an invalid Content-Length");
    length = length * 10 + bytes[i]! - 0x30;
  }
  if (from === to) throw malformed("an empty Content-Length");
  if (before !== NONE && before !== length) throw malformed("two Content-Lengths");
  return length;
}

/** The fields of trailers, as header lines. RFC 9113 8.1: pseudo-fields MUST NOT be among them. */
export function trailerLines(list: FieldList): Uint8Array {
  for (let i = 0; i < 3 * list.count; i += 3) checkField(list, i);
  if (list.isTooLarge) throw malformed("trailers that are too large");
  return list.bytes.slice(0, list.length);
}
