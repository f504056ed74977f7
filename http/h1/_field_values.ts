/** Reads the values of the header lines that decide about framing and connection. */
import { equalsIgnoreCase, isDigit, latin1, SPACE, TAB } from "../_characters.ts";
import { bad } from "../_faults.ts";
import type { RemoteProtocolError } from "../remote_protocol_error.ts";

/** Stands for a Content-Length that was not given. */
export const NONE = -2;
/** Stands for the length of a body that is chunked. */
export const CHUNKED = -1;
/** Stands for the length of a body that ends with the connection. */
export const UNTIL_CLOSE = -3;
/** Stands for no body: what follows on the connection is not HTTP. */
export const TUNNEL = -4;
const DIGIT_0 = 0x30;
/** A number of this many digits is a safe integer. */
const MAX_DIGITS = 15;

/** Where a value begins, without the whitespace before it. */
export function valueStart(bytes: Uint8Array, from: number, to: number): number {
  while (from < to && (bytes[from] === SPACE || bytes[from] === TAB)) from++;
  return from;
}

/** Where a value ends, without the whitespace after it. */
export function valueEnd(bytes: Uint8Array, from: number, to: number): number {
  while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to--;
  return to;
}

export function isWord(bytes: Uint8Array, from: number, to: number, lowerCase: string): boolean {
  return to - from === lowerCase.length && equalsIgnoreCase(bytes, from, lowerCase);
}

/** RFC 9110 5.3: lines of the same name are one list. */
export function append(
  list: string | undefined,
  bytes: Uint8Array,
  from: number,
  to: number,
): string {
  const value = latin1(bytes, from, valueEnd(bytes, from, to));
  return list === undefined ? value : `${list},${value}`;
}

/** RFC 9110 5.6.1: the elements of a list, in lower case; a recipient MUST ignore empty ones. */
export function listOf(list: string): string[] {
  return elementsOf(list.toLowerCase()).filter((element) => element !== "");
}

function elementsOf(list: string): string[] {
  const elements: string[] = [];
  for (let from = 0; from <= list.length;) {
    let end = list.indexOf(",", from);
    if (end < 0) end = list.length;
    elements.push(trimmed(list, from, end));
    from = end + 1;
  }
  return elements;
}

/**
 * Text without the spaces and tabs around it. A RegExp would need quadratic time if there are many
 * inside.
 */
function trimmed(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/**
 * RFC 9110 8.6: Content-Length = 1*DIGIT; RFC 9112 6.3: a list of the same values counts as one,
 * all else is 400.
 */
export function lengthOf(bytes: Uint8Array, from: number, to: number, before: number): number {
  let length = 0;
  let digits = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (!isDigit(byte) || ++digits > MAX_DIGITS) {
      digits = 0;
      break;
    }
    length = length * 10 + byte - DIGIT_0;
  }
  if (digits === 0) {
    const elements = elementsOf(latin1(bytes, from, to));
    const first = elements[0]!;
    if (elements.length === 1 || first.length > MAX_DIGITS || !/^\d+$/.test(first)) {
      throw bad("an invalid Content-Length (RFC 9112 6.3)");
    }
    if (elements.some((element) => element !== first)) {
      throw bad("more than one Content-Length (RFC 9112 6.3)");
    }
    length = Number(first);
  }
  if (before !== NONE && before !== length) {
    throw bad("more than one Content-Length (RFC 9112 6.3)");
  }
  return length;
}

/** RFC 9112 9.3: whether the connection persists, by the options of Connection. */
export function persists(connection: string, old: boolean): boolean {
  const options = listOf(connection);
  return !options.includes("close") && (!old || options.includes("keep-alive"));
}

export function badCoding(): RemoteProtocolError {
  return bad("a Transfer-Encoding whose last and only last is not chunked (RFC 9112 6.3)");
}
