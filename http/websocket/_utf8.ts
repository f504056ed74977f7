/** Text of messages (RFC 6455 8.1): UTF-8 that is checked as it comes. */
import { isAscii, isUtf8 } from "node:buffer";
import { concat } from "../../compose/_bytes.ts";
import { latin1 } from "../_characters.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Up to this many bytes, a loop is faster than a call. */
const FEW = 64;
const NOTHING = new Uint8Array(0);

/** The same as `subarray`, in less time. */
export function viewOf(bytes: Uint8Array, from: number, to: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset + from, to - from);
}

export function isAsciiIn(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from > FEW) return isAscii(viewOf(bytes, from, to));
  let seen = 0;
  for (let i = from; i < to; i++) seen |= bytes[i]!;
  return seen < 0x80;
}

/** The text that the bytes are; undefined if they are no UTF-8. */
export function decoded(
  bytes: Uint8Array,
  from: number,
  to: number,
  isAscii: boolean = isAsciiIn(bytes, from, to),
): string | undefined {
  if (isAscii) return latin1(bytes, from, to);
  try {
    return decoder.decode(viewOf(bytes, from, to));
  } catch {
    return undefined;
  }
}

export function isUtf8In(bytes: Uint8Array, from: number, to: number): boolean {
  return isAsciiIn(bytes, from, to) || isUtf8(viewOf(bytes, from, to));
}

/**
 * Where the last character begins, if it may go on; otherwise `to`. So what is before it must be UTF-8,
 * however the text goes on.
 */
export function characterEnd(bytes: Uint8Array, from: number, to: number): number {
  for (let i = to - 1; i >= from && i >= to - 3; i--) {
    const byte = bytes[i]!;
    if (byte >> 6 === 0b10) continue;
    const isCut = byte >= 0xc0 && i + lengthOf(byte) > to;
    return isCut && mayBegin(byte, i + 1 < to ? bytes[i + 1]! : undefined) ? i : to;
  }
  return to;
}

/** How many bytes a character has that begins with this byte. */
function lengthOf(byte: number): number {
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/** RFC 3629 4: whether a character may begin with these bytes. */
function mayBegin(first: number, second: number | undefined): boolean {
  if (first < 0xc2 || first > 0xf4) return false;
  if (second === undefined) return true;
  if (first === 0xe0) return second >= 0xa0;
  if (first === 0xed) return second < 0xa0;
  if (first === 0xf0) return second >= 0x90;
  if (first === 0xf4) return second < 0x90;
  return true;
}

/** Text that comes in pieces, which may cut characters. */
export class TextPieces {
  /** The beginning of a character. */
  #rest: Uint8Array = NOTHING;

  /** Whether no character is cut. */
  get isWhole(): boolean {
    return this.#rest.length === 0;
  }

  /** The text up to the last whole character; undefined if it is no UTF-8. */
  push(bytes: Uint8Array): string | undefined {
    if (this.#rest.length > 0) bytes = concat([this.#rest, bytes]);
    const end = characterEnd(bytes, 0, bytes.length);
    this.#rest = end === bytes.length ? NOTHING : bytes.slice(end);
    return decoded(bytes, 0, end);
  }
}
