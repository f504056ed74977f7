/**
 * Reads a header's value and its parameters (RFC 9110 5.6.6):
 *
 *     token [ "/" token ] *( OWS ";" OWS [ token "=" ( token / quoted-string ) ] )
 *
 * There is one reading of what the RFCs and the browsers do differently:
 *
 * 1. A backslash is an escape only before a quote or a backslash. Elsewhere it is kept: old browsers
 *    send a path of Windows as it is.
 * 2. If the value is malformed by that, no backslash is an escape: browsers do not escape a name
 *    that ends with one.
 * 3. `name*` of RFC 8187 takes the place of `name`. If it cannot be decoded, it counts for nothing.
 * 4. A parameter that comes twice is malformed (RFC 6266 4.1, RFC 6838 4.3).
 */
import { latin1Bytes, SPACE, TAB, TOKEN } from "../_characters.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import type { HeaderParameters } from "./header_parameters.ts";

const QUOTE = 0x22, SLASH = 0x2f, SEMICOLON = 0x3b, EQUALS = 0x3d, BACKSLASH = 0x5c;

/** @throws {RemoteProtocolError} If it is malformed. `name` is that of the header. */
export function parametersOf(name: string, text: string): HeaderParameters {
  const read = parse(text, true) ?? parse(text, false);
  if (read !== undefined) return read;
  throw new RemoteProtocolError(
    `Cannot read the header ${name}: it is not one value with parameters, each given once (RFC 9110 5.6.6)`,
  );
}

function parse(text: string, escapes: boolean): HeaderParameters | undefined {
  let at = tokenEnd(text, 0);
  if (at === 0) return undefined;
  if (text.charCodeAt(at) === SLASH) {
    const from = at + 1;
    at = tokenEnd(text, from);
    if (at === from) return undefined;
  }
  const value = text.slice(0, at).toLowerCase();
  const parameters = new Map<string, string>();
  for (;;) {
    at = blanksEnd(text, at);
    if (at === text.length) break;
    if (text.charCodeAt(at) !== SEMICOLON) return undefined;
    const from = blanksEnd(text, at + 1);
    at = tokenEnd(text, from);
    if (at === from) continue; // RFC 9110 5.6.6: a parameter may be missing.
    const name = text.slice(from, at).toLowerCase();
    if (text.charCodeAt(at++) !== EQUALS || parameters.has(name)) return undefined;
    const valueFrom = at;
    if (text.charCodeAt(at) === QUOTE) {
      at = quotedEnd(text, at, escapes);
      if (at < 0) return undefined;
      const quoted = text.slice(valueFrom + 1, at - 1);
      parameters.set(name, escapes ? quoted.replace(/\\(["\\])/g, "$1") : quoted);
    } else {
      at = tokenEnd(text, at);
      if (at === valueFrom) return undefined;
      parameters.set(name, text.slice(valueFrom, at));
    }
  }
  for (const [name, value] of parameters) {
    if (!name.endsWith("*")) continue;
    parameters.delete(name);
    const decoded = extended(value);
    if (decoded !== undefined) parameters.set(name.slice(0, -1), decoded);
  }
  return { value, parameters };
}

function tokenEnd(text: string, at: number): number {
  while (TOKEN[text.charCodeAt(at)] === 1) at++;
  return at;
}

function blanksEnd(text: string, at: number): number {
  while (text.charCodeAt(at) === SPACE || text.charCodeAt(at) === TAB) at++;
  return at;
}

/** Where a quoted string ends that begins at `at`, or -1. */
function quotedEnd(text: string, at: number, escapes: boolean): number {
  for (at++; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (escapes && code === BACKSLASH) {
      const next = text.charCodeAt(at + 1);
      if (next === QUOTE || next === BACKSLASH) at++;
    }
  }
  return -1;
}

/** RFC 8187 3.2.1: charset "'" [ language ] "'" value-chars. It is undefined if that cannot be decoded. */
function extended(text: string): string | undefined {
  const [, charset, encoded] = /^([^']*)'[^']*'((?:[\w!#$&+\-.^`|~]|%[\da-f]{2})*)$/i.exec(text) ??
    [];
  switch (charset?.toLowerCase()) {
    case "utf-8":
      try {
        return decodeURIComponent(encoded!);
      } catch {
        return undefined;
      }
    case "iso-8859-1":
      return encoded!.replace(
        /%(..)/g,
        (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)),
      );
    default:
      return undefined;
  }
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** The text of bytes in UTF-8 that were read as ISO-8859-1. */
export function fromUtf8(latin1: string): string {
  return utf8.decode(latin1Bytes(latin1));
}
