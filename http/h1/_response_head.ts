/**
 * Parses the head of a response in the bytes that were received.
 *
 * In: bytes, and where the head begins. Out: `true`, and the fields of the parser tell where the
 * parts are. Or `false`, if the bytes end before the head; then `resume` is given the same bytes and
 * more, and goes on where it stopped. Or a RemoteProtocolError. Nothing is copied; but where a header
 * goes on in the next line, the end of the line is replaced by spaces in the bytes.
 *
 * A response is refused at the first byte that makes it wrong, however the bytes are cut. Only what is
 * wrong with the framing of its body is told later, by `framing`: a response without a body is complete
 * whatever its headers say.
 *
 *     START → REASON → the field lines
 */
import { CR, FIELD, isDigit, LF, SPACE } from "../_characters.ts";
import { bad, ofResponse, tooLargeBody, tooLongLine } from "../_faults.ts";
import type { BodyLimits } from "../_body.ts";
import {
  badCoding,
  CHUNKED,
  listOf,
  NONE,
  persists,
  TUNNEL,
  UNTIL_CLOSE,
} from "./_field_values.ts";
import { Heads } from "./_heads.ts";
import type { Parser } from "./_pieces.ts";
import { ResponseFields } from "./_response_fields.ts";
import { checkVersion, isVersion1, VERSION_LENGTH } from "./_version.ts";

const DIGIT_0 = 0x30;
const NOTHING = new Uint8Array(0);

const START = 0, REASON = 1, FIELDS = 2;

/** How many bytes "HTTP/1.1 200" has. */
const CODE_END = VERSION_LENGTH + 4;

/** How much a response may be. */
export interface ResponseLimits extends BodyLimits {
  /** Bytes in the status line, without its end. */
  maxStatusLineBytes: number;
}

export class ResponseHeadParser implements Parser {
  readonly #limits: ResponseLimits;
  readonly #fields: ResponseFields;
  readonly #maxLineBytes: number;
  #part = START;
  #start = 0;
  #at = 0;
  bytes: Uint8Array = NOTHING;
  version: "1.0" | "1.1" = "1.1";
  /**
   * RFC 9110 15: 600 to 999 are invalid, but a client SHOULD process them as a 5xx. So they are passed
   * on: they are above 500 for whoever looks.
   */
  status = 0;
  reasonFrom = 0;
  reasonTo = 0;
  headersFrom = 0;
  headersTo = 0;
  /** Where the head ends. */
  end = 0;
  /** Whether the connection persists. It is settled when `framing` has been called. */
  keepAlive = true;
  /** How long the server keeps the connection, if it says so. */
  keepAliveMs: number | undefined = undefined;

  constructor(limits: ResponseLimits) {
    this.#limits = limits;
    this.#fields = new ResponseFields(limits.maxHeaders);
    this.#maxLineBytes = Math.min(limits.maxStatusLineBytes, limits.maxHeadBytes);
  }

  /** The Content-Length, or NONE. */
  get contentLength(): number {
    return this.#fields.contentLength;
  }

  /** How many transfer codings are given, or NONE if there is no Transfer-Encoding. */
  get codings(): number {
    return this.#fields.codings;
  }

  /** Whether the last of them is chunked. */
  get isChunked(): boolean {
    return this.#fields.isChunked;
  }

  /** The options of Connection, as a list. */
  get connection(): string | undefined {
    return this.#fields.connection;
  }

  /** Whether a byte of a response has come. */
  get isBegun(): boolean {
    return this.bytes.length > this.#start;
  }

  /** Drops the last response: the connection is idle. */
  forget(): void {
    this.bytes = NOTHING;
    this.status = 0;
  }

  /** Begins with a head. Returns whether it is complete. */
  parse(bytes: Uint8Array, from: number): boolean {
    this.#part = START;
    this.#start = from;
    return this.resume(bytes);
  }

  /** Goes on with the same bytes and more. Returns whether the head is complete. */
  resume(bytes: Uint8Array): boolean {
    this.bytes = bytes;
    const fields = this.#fields;
    try {
      if (this.#part !== FIELDS && !this.#readStatusLine(bytes)) return false;
      if (!fields.resume(bytes)) return false;
    } catch (error) {
      throw ofResponse(error);
    }
    this.headersTo = fields.end - 2;
    this.end = fields.end;
    const { connection, keepAlive } = fields;
    const old = this.version === "1.0";
    this.keepAlive = connection === undefined ? !old : persists(connection, old);
    this.keepAliveMs = keepAlive === undefined ? undefined : timeoutOf(keepAlive);
    return true;
  }

  /**
   * RFC 9112 6.3: how the body of this response to a request of `method` is delimited. Gives its
   * length (0 if there is none), CHUNKED, UNTIL_CLOSE, or TUNNEL.
   *
   * @throws {RemoteProtocolError} If that cannot be told, or the body is too large.
   */
  framing(method: string): number {
    const { status } = this;
    const { contentLength, codings, fault } = this.#fields;
    const hasCodings = codings !== NONE;
    // RFC 9110 15.2.2: after a 101 the connection has another protocol. RFC 9112 6.3, 2: and after a
    // 2xx to CONNECT it is a tunnel; Content-Length and Transfer-Encoding MUST be ignored.
    if (status === 101 || (method === "CONNECT" && status >= 200 && status < 300)) {
      this.keepAlive = false;
      return TUNNEL;
    }
    // RFC 9112 6.3, 1: they end with the head, whatever its headers say.
    if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
      // RFC 9110 8.6 and RFC 9112 6.1: a server MUST NOT send either header in a 1xx or 204. If it does
      // so, a body may follow, which would be taken for the next response.
      const isOdd = status <= 204 && method !== "HEAD" && (contentLength > 0 || hasCodings);
      if (isOdd || fault !== undefined) this.keepAlive = false;
      return 0;
    }
    try {
      if (hasCodings) {
        // RFC 9112 6.1: a Transfer-Encoding in an HTTP/1.0 message MUST be treated as faulty framing.
        if (this.version === "1.0") throw bad("a Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)");
        // RFC 9112 6.3, 3: it ought to be handled as an error, an attempt to split responses perhaps.
        if (contentLength !== NONE) {
          throw bad("both Content-Length and Transfer-Encoding (RFC 9112 6.3)");
        }
      }
      if (fault !== undefined) throw fault;
      if (hasCodings) {
        // RFC 9112 6.3, 4: without chunked as the last coding the body ends with the connection. But a
        // coding that is not understood cannot be undone.
        if (!this.isChunked) throw badCoding();
        if (codings > 1) throw bad("a transfer coding other than chunked (RFC 9112 6.1)");
        return CHUNKED;
      }
      // RFC 9112 6.3, 8.
      if (contentLength === NONE) {
        this.keepAlive = false;
        return UNTIL_CLOSE;
      }
      if (contentLength > this.#limits.maxBodyBytes) throw tooLargeBody(this.#limits);
      return contentLength;
    } catch (error) {
      throw ofResponse(error);
    }
  }

  /** RFC 9112 4: status-line = HTTP-version SP status-code SP [ reason-phrase ] */
  #readStatusLine(bytes: Uint8Array): boolean {
    const end = bytes.length;
    const start = this.#start;
    // The line has to end here; so much of it may be looked at.
    const limit = start + this.#maxLineBytes;
    const to = end < limit ? end : limit;
    const codeEnd = start + CODE_END;
    let at = this.#at;
    if (this.#part === START) {
      if (to < codeEnd || !isVersion1(bytes, start)) {
        checkVersion(bytes, start, Math.min(to, start + VERSION_LENGTH));
      }
      checkCode(bytes, start + VERSION_LENGTH, to < codeEnd ? to : codeEnd);
      if (to < codeEnd) {
        if (to < end) throw tooLongLine();
        return false;
      }
      if (codeEnd === end) return false;
      // RFC 9112 4: the space is sent also without a reason. Many servers leave it out then.
      if (bytes[codeEnd] !== CR && bytes[codeEnd] !== SPACE) {
        throw bad("no space after its status (RFC 9112 4)");
      }
      const old = bytes[start + VERSION_LENGTH - 1] === DIGIT_0;
      this.version = old ? "1.0" : "1.1";
      this.status = (bytes[codeEnd - 3]! - DIGIT_0) * 100 + (bytes[codeEnd - 2]! - DIGIT_0) * 10 +
        bytes[codeEnd - 1]! - DIGIT_0;
      at = this.reasonFrom = bytes[codeEnd] === SPACE ? codeEnd + 1 : codeEnd;
      this.#part = REASON;
    }
    while (at < to && FIELD[bytes[at]!] === 1) at++;
    this.#at = at;
    if (at === end) return false;
    if (bytes[at] !== CR || at > limit) {
      if (at >= limit) throw tooLongLine();
      throw bad("a control character in its status line (RFC 9112 4)");
    }
    if (at + 1 === end) return false;
    if (bytes[at + 1] !== LF) throw bad("a CR without LF (RFC 9112 2.2)");
    this.reasonTo = at;
    this.headersFrom = at + 2;
    this.#part = FIELDS;
    this.#fields.start(at + 2, start + this.#limits.maxHeadBytes);
    return true;
  }
}

const parsers = new WeakMap<ResponseLimits, ResponseHeadParser>();

/**
 * The parser for these limits. Connections share it for heads that come whole: it keeps nothing then.
 */
export function responseHeadParser(limits: ResponseLimits): ResponseHeadParser {
  let parser = parsers.get(limits);
  if (parser === undefined) parsers.set(limits, parser = new ResponseHeadParser(limits));
  return parser;
}

/** Reads the heads of responses. */
export function responseHeads(limits: ResponseLimits): Heads<ResponseHeadParser> {
  const make = () => new ResponseHeadParser(limits);
  return new Heads(responseHeadParser(limits), make, limits.maxHeadBytes + 1);
}

/** RFC 9112 4: SP status-code; checks as much of it as there is. RFC 9110 15: it is 100 at least. */
function checkCode(bytes: Uint8Array, from: number, to: number): void {
  if (from < to && bytes[from] !== SPACE) throw bad("no space before its status (RFC 9112 4)");
  for (let at = from + 1; at < to; at++) {
    if (!isDigit(bytes[at]!) || (at === from + 1 && bytes[at] === DIGIT_0)) {
      throw bad("an invalid status (RFC 9112 4)");
    }
  }
}

/** The `timeout` of Keep-Alive, which is in seconds (RFC 2068 19.7.1.1, as servers use it). */
function timeoutOf(keepAlive: string): number | undefined {
  for (const parameter of listOf(keepAlive)) {
    const seconds = /^timeout[ \t]*=[ \t]*(\d{1,9})$/.exec(parameter)?.[1];
    if (seconds !== undefined) return Number(seconds) * 1000;
  }
  return undefined;
}
