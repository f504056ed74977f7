/**
 * Parses the head of a request in the chunk that was received.
 *
 * In: bytes, and where the head begins. Out: `true`, and the fields of the parser tell where the
 * parts are. Or `false`, if the bytes end before the head; then it is called again with more bytes.
 * Or a RemoteProtocolError with the status to answer. Nothing is copied, and text is made only of
 * unknown methods and of lists.
 *
 * There is one pass over the bytes. A table tells for each byte whether it is allowed in the
 * current part. Header lines that decide about framing are recognised by their length and then
 * compared. The others are only checked.
 */
import {
  COLON,
  CR,
  equalsIgnoreCase,
  FIELD,
  latin1,
  LF,
  SPACE,
  TAB,
  TARGET,
  TOKEN,
} from "./_characters.ts";
import { bad, badName, tooLargeBody, tooLargeHead, tooLongLine } from "./_faults.ts";
import {
  append,
  checkCoding,
  checkHost,
  isDigit,
  isWord,
  lengthOf,
  listOf,
  NONE,
  valueEnd,
} from "./_field_values.ts";
import type { HttpLimits } from "./http_limits.ts";
import type { HttpRequestParts } from "./http_request.ts";
import { RemoteProtocolError } from "./remote_protocol_error.ts";

/** What {@linkcode HeadParser.contentLength} is when the body is chunked. */
export const CHUNKED = -1;

const SLASH = 0x2f, ASTERISK = 0x2a, DIGIT_0 = 0x30, DOT = 0x2e;
/** RFC 9112 3: a server SHOULD answer 501 to a method longer than any it implements. */
const MAX_METHOD_LENGTH = 32;
const NOTHING = new Uint8Array(0);

/** Known methods by their length. */
const METHODS: Record<number, string[]> = {
  3: ["GET", "PUT"],
  4: ["POST", "HEAD"],
  5: ["PATCH", "TRACE"],
  6: ["DELETE"],
  7: ["OPTIONS", "CONNECT"],
};

export class HeadParser implements HttpRequestParts {
  readonly #limits: HttpLimits;
  bytes: Uint8Array = NOTHING;
  method = "";
  targetFrom = 0;
  targetTo = 0;
  version: "1.0" | "1.1" = "1.1";
  headersFrom = 0;
  headersTo = 0;
  keepAlive = true;
  /** Where the head ends and the body begins. */
  end = 0;
  /** The length of the body, or {@linkcode CHUNKED}. */
  contentLength = 0;
  /** Whether the client waits for a 100 before it sends the body. */
  expectContinue = false;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  /** Drops the last request: the connection is idle. */
  forget(): void {
    this.bytes = NOTHING;
    this.method = "";
  }

  parse(bytes: Uint8Array, from: number): boolean {
    const end = bytes.length;
    let at = from;
    this.bytes = bytes;
    this.method = "";

    // RFC 9112 2.2: a server SHOULD ignore at least one empty line before the request line.
    if (at < end && bytes[at] === CR) {
      if (at + 1 === end) return false;
      if (bytes[at + 1] !== LF) throw bad("a CR without LF (RFC 9112 2.2)");
      at += 2;
    }
    const start = at;

    // RFC 9112 3: request-line = method SP request-target SP HTTP-version
    while (at < end && TOKEN[bytes[at]!] === 1) at++;
    const methodLength = at - start;
    if (methodLength > MAX_METHOD_LENGTH) {
      throw new RemoteProtocolError("Cannot answer the request: its method is unknown", {
        status: 501,
      });
    }
    if (at === end) return false;
    if (bytes[at] !== SPACE || methodLength === 0) throw bad("no method (RFC 9112 3.1)");
    this.method = methodOf(bytes, start, at);
    const targetFrom = this.targetFrom = ++at;
    while (at < end && TARGET[bytes[at]!] === 1) at++;
    if (at === end) return false;
    this.targetTo = at;
    if (at === targetFrom || bytes[at] !== SPACE) throw bad("no proper target (RFC 9112 3.2)");

    // RFC 9112 2.3: HTTP-version = %s"HTTP/" DIGIT "." DIGIT
    if (at + 10 >= end) return false;
    if (
      bytes[at + 1] !== 0x48 || bytes[at + 2] !== 0x54 || bytes[at + 3] !== 0x54 ||
      bytes[at + 4] !== 0x50 || bytes[at + 5] !== SLASH || !isDigit(bytes[at + 6]!) ||
      bytes[at + 7] !== DOT || !isDigit(bytes[at + 8]!)
    ) throw bad("no HTTP version (RFC 9112 2.3)");
    if (bytes[at + 6] !== 0x31) {
      throw new RemoteProtocolError("Cannot answer the request: its version is not HTTP/1.1", {
        status: 505,
      });
    }
    const old = bytes[at + 8] === DIGIT_0;
    this.version = old ? "1.0" : "1.1";
    at += 9;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) {
      throw bad("no CR LF after the request line (RFC 9112 3)");
    }
    if (at - start > this.#limits.maxRequestLineBytes) throw tooLongLine();
    at += 2;
    if (bytes[targetFrom] !== SLASH || this.method === "CONNECT") this.#checkTarget();

    // RFC 9112 5: field-line = field-name ":" OWS field-value OWS
    this.headersFrom = at;
    let left = this.#limits.maxHeaders;
    let hosts = 0, contentLength = NONE, chunked = false;
    let connection: string | undefined, coding: string | undefined, expect = false;
    this.keepAlive = !old;
    for (;;) {
      const nameFrom = at;
      while (at < end && TOKEN[bytes[at]!] === 1) at++;
      if (at === end) return false;
      const nameLength = at - nameFrom;
      if (bytes[at] !== COLON) {
        if (nameLength === 0 && bytes[at] === CR) break;
        throw badName(bytes[at]!, nameLength);
      }
      if (nameLength === 0) throw bad("a header without a name (RFC 9112 5)");
      at++;
      while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
      const valueFrom = at;
      while (at < end && FIELD[bytes[at]!] === 1) at++;
      if (at + 1 >= end) return false;
      if (bytes[at] !== CR || bytes[at + 1] !== LF) {
        // RFC 9110 5.5: CR, LF and NUL in a value: the recipient MUST reject the message or replace
        // them.
        throw bad("a control character in a header, or one that ends without CR LF (RFC 9110 5.5)");
      }
      if (left-- === 0) throw tooLargeHead();
      switch (nameLength) {
        case 4:
          if (equalsIgnoreCase(bytes, nameFrom, "host")) {
            hosts++;
            checkHost(bytes, valueFrom, valueEnd(bytes, valueFrom, at));
          }
          break;
        case 6:
          if (equalsIgnoreCase(bytes, nameFrom, "expect")) {
            const to = valueEnd(bytes, valueFrom, at);
            // RFC 9110 5.6.1: an empty element counts for nothing.
            if (to === valueFrom) break;
            expect = true;
            // RFC 9110 10.1.1: a server that cannot meet an expectation MAY respond with 417.
            if (!isWord(bytes, valueFrom, to, "100-continue")) {
              throw new RemoteProtocolError(
                "Cannot meet an expectation other than 100-continue (RFC 9110 10.1.1)",
                { status: 417 },
              );
            }
          }
          break;
        case 10:
          if (equalsIgnoreCase(bytes, nameFrom, "connection")) {
            connection = append(connection, bytes, valueFrom, at);
          }
          break;
        case 14:
          if (equalsIgnoreCase(bytes, nameFrom, "content-length")) {
            contentLength = lengthOf(
              bytes,
              valueFrom,
              valueEnd(bytes, valueFrom, at),
              contentLength,
            );
          }
          break;
        case 17:
          if (equalsIgnoreCase(bytes, nameFrom, "transfer-encoding")) {
            coding = append(coding, bytes, valueFrom, at);
          }
          break;
      }
      at += 2;
    }
    if (at + 1 === end) return false;
    if (bytes[at + 1] !== LF) throw bad("a CR without LF (RFC 9112 2.2)");
    this.headersTo = at;
    this.end = at + 2;
    if (this.end - start > this.#limits.maxHeadBytes) throw tooLargeHead();

    // RFC 9112 3.2: a server MUST respond with 400 to an HTTP/1.1 request without Host, and to any
    // with more than one.
    if (hosts !== 1 && (hosts > 1 || !old)) throw bad("not exactly one Host header (RFC 9112 3.2)");
    if (connection !== undefined) this.#decideKeepAlive(connection, old);
    if (coding !== undefined) {
      checkCoding(coding, old, contentLength);
      chunked = true;
    }
    // RFC 9112 6.3: without Content-Length and Transfer-Encoding a request has no body.
    this.contentLength = chunked ? CHUNKED : contentLength === NONE ? 0 : contentLength;
    if (this.contentLength > this.#limits.maxBodyBytes) throw tooLargeBody(this.#limits);
    // RFC 9110 10.1.1: a 100-continue expectation in an HTTP/1.0 request MUST be ignored, and one
    // without content may be.
    this.expectContinue = expect && !old && this.contentLength !== 0;
    return true;
  }

  /** RFC 9112 9.3: whether the connection persists. */
  #decideKeepAlive(connection: string, old: boolean): void {
    const options = listOf(connection);
    if (options.includes("close")) this.keepAlive = false;
    else if (old) this.keepAlive = options.includes("keep-alive");
  }

  /** The forms of a target that are not a path (RFC 9112 3.2). */
  #checkTarget(): void {
    const { bytes, targetFrom, targetTo, method } = this;
    const target = latin1(bytes, targetFrom, targetTo);
    if (method === "CONNECT") {
      // RFC 9112 3.2.3 and RFC 9110 9.3.6: host and port; a server MUST reject an empty or invalid
      // port number.
      const colon = target.lastIndexOf(":");
      const port = target.slice(colon + 1);
      if (colon < 1 || !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
        throw bad("no host and port to connect to (RFC 9112 3.2.3)");
      }
      checkHost(bytes, targetFrom, targetTo);
    } else if (bytes[targetFrom] === ASTERISK) {
      // RFC 9112 3.2.4: the asterisk-form is only used for a server-wide OPTIONS request.
      if (targetTo - targetFrom > 1 || method !== "OPTIONS") {
        throw bad("a target in asterisk-form that is not for OPTIONS (RFC 9112 3.2.4)");
      }
    } else {
      // RFC 9112 3.2.2: a server MUST accept the absolute-form.
      // RFC 9110 4.2.1, 4.2.4: an empty host MUST be rejected, and userinfo SHOULD be treated as an
      // error.
      const scheme = /^https?:\/\/(?=[^/?])/i.exec(target);
      if (scheme === null) throw bad("no proper target (RFC 9112 3.2)");
      const from = targetFrom + scheme[0].length;
      const path = target.slice(scheme[0].length).search(/[/?]/);
      if (bytes[from] === COLON) throw bad("a target without a host (RFC 9110 4.2.1)");
      checkHost(bytes, from, path < 0 ? targetTo : from + path);
    }
  }
}

const parsers = new WeakMap<HttpLimits, HeadParser>();

/** The parser for these limits. Connections share it, because it keeps nothing when it returns. */
export function headParser(limits: HttpLimits): HeadParser {
  let parser = parsers.get(limits);
  if (parser === undefined) parsers.set(limits, parser = new HeadParser(limits));
  return parser;
}

/** Checks trailers, which are lines like those of the head (RFC 9112 7.1.2). */
export function checkFields(bytes: Uint8Array, from: number, to: number, maxHeaders: number): void {
  let at = from;
  for (let left = maxHeaders; at < to; left--) {
    if (left === 0) throw tooLargeHead();
    const nameFrom = at;
    while (TOKEN[bytes[at]!] === 1) at++;
    if (bytes[at] !== COLON) throw badName(bytes[at]!, at - nameFrom);
    if (at === nameFrom) throw bad("a header without a name (RFC 9112 5)");
    at++;
    while (FIELD[bytes[at]!] === 1) at++;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) {
      throw bad("a control character in a trailer (RFC 9110 5.5)");
    }
    at += 2;
  }
}

/** The method as text. A known method is always the same string. */
function methodOf(bytes: Uint8Array, from: number, to: number): string {
  const methods = METHODS[to - from];
  if (methods !== undefined) {
    for (const method of methods) {
      let i = 0;
      while (i < method.length && bytes[from + i] === method.charCodeAt(i)) i++;
      if (i === method.length) return method;
    }
  }
  return latin1(bytes, from, to);
}
