/** The alphabets of HTTP as tables of bytes, and text from bytes. */
import { latin1 as joined } from "../compose/_bytes.ts";

export const TAB = 0x09, LF = 0x0a, CR = 0x0d, SPACE = 0x20, COLON = 0x3a;

function table(characters: string, from = 1, to = 0): Uint8Array {
  const bytes = new Uint8Array(256);
  for (const character of characters) bytes[character.charCodeAt(0)] = 1;
  bytes.fill(1, from, Math.max(from, to + 1));
  return bytes;
}

const DIGITS = "0123456789";
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** RFC 9110 5.6.2: tchar. */
export const TOKEN: Uint8Array = table(`!#$%&'*+-.^_\`|~${DIGITS}${LETTERS}`);

/** RFC 9110 5.5: what a field value is made of: visible characters, space, tab and obs-text. */
export const FIELD: Uint8Array = table("\t", SPACE, 0xff);
FIELD[0x7f] = 0;

/**
 * What a query has, and what browsers leave unescaped there: visible ASCII but for `"`, `#`, `<` and
 * `>`.
 */
export const QUERY: Uint8Array = table("", 0x21, 0x7e);
for (const character of '"#<>') QUERY[character.charCodeAt(0)] = 0;

/**
 * What the target has before the query. RFC 9112 3.2: a server SHOULD refuse other characters. Browsers
 * leave `|`, `[` and `]` unescaped.
 */
export const PATH: Uint8Array = QUERY.slice();
for (const character of "?\\^`{}") PATH[character.charCodeAt(0)] = 0;

/** RFC 3986 3.2.2: reg-name, without the percent sign. */
export const REG_NAME: Uint8Array = table(`-._~!$&'()*+,;=${DIGITS}${LETTERS}`);

/** Values of hexadecimal digits, 255 for anything else. */
export const HEX: Uint8Array = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX[i.toString(16).charCodeAt(0)] = HEX[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

/** Up to this many characters, joining is faster than a call of Buffer. */
const FEW = 8;

/** Bytes as text in ISO-8859-1: each byte is a character. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  if (to - from > FEW) return joined(bytes, from, to);
  let text = "";
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Text as bytes in ISO-8859-1. */
export function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/**
 * Whether the bytes at `from` are `lowerCase`, in any case. It has only letters, digits and
 * hyphens.
 */
export function equalsIgnoreCase(bytes: Uint8Array, from: number, lowerCase: string): boolean {
  for (let i = 0; i < lowerCase.length; i++) {
    if ((bytes[from + i]! | 0x20) !== lowerCase.charCodeAt(i)) return false;
  }
  return true;
}

/** How many bytes TextEncoder makes of a text. */
export function utf8Length(text: string): number {
  const { length } = text;
  let bytes = length;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    bytes++;
    if (code < 0x800) continue;
    bytes++;
    // A pair of surrogates is 4 bytes; one alone is replaced by U+FFFD, which is 3.
    if ((code & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
  }
  return bytes;
}
