/**
 * Parses the head of a request in the chunk that was received.
 *
 * In: bytes, and where the head begins. Out: `true`, and the fields of the parser tell where the
 * parts are. Or `false`, if the bytes end before the head; then `resume` is given the same bytes and
 * more, and goes on where it stopped. Or a RemoteProtocolError with the status to answer. Nothing is
 * copied, and text is made only of unknown methods and of lists.
 *
 * Each byte is looked at once. A table tells whether it is allowed in the current part. A request is
 * refused at the first byte that makes it wrong, or at the end of the line whose meaning is wrong. So
 * it does not matter how the bytes are cut, and the client need not send more to be told.
 *
 *     START → METHOD → PATH → (QUERY →) VERSION → the field lines
 */
import { portOf } from "../_authority.ts";
import { CR, latin1, LF, PATH, QUERY, SPACE, TOKEN } from "../_characters.ts";
import { bad, tooLongLine } from "../_faults.ts";
import type { RequestLine } from "../_log_entry.ts";
import type { HttpLimits } from "../http_limits.ts";
import type { HttpRequestParts } from "../http_request.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { badCoding, CHUNKED, NONE, persists } from "./_field_values.ts";
import { Heads } from "./_heads.ts";
import { RequestFields } from "./_request_fields.ts";
import { checkVersion, isVersion1, VERSION_LENGTH } from "./_version.ts";

type Scheme = HttpRequestParts["scheme"];

const SLASH = 0x2f, ASTERISK = 0x2a, QUESTION_MARK = 0x3f, DIGIT_0 = 0x30;
/** RFC 9112 3: a server SHOULD answer 501 to a method longer than any it implements. */
const MAX_METHOD_LENGTH = 32;
const NOTHING = new Uint8Array(0);

const START = 0, METHOD = 1, IN_PATH = 2, IN_QUERY = 3, VERSION = 4, FIELDS = 5;

/** Known methods by their length. */
const METHODS: Record<number, string[]> = {
  3: ["GET", "PUT"],
  4: ["POST", "HEAD"],
  5: ["PATCH", "TRACE"],
  6: ["DELETE"],
  7: ["OPTIONS", "CONNECT"],
};

export class RequestHeadParser implements HttpRequestParts {
  readonly #limits: HttpLimits;
  readonly #fields: RequestFields;
  readonly #maxLineBytes: number;
  readonly scheme: Scheme;
  #part = START;
  #start = 0;
  #at = 0;
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
  /** The length of the body, or CHUNKED. */
  contentLength = 0;
  /** Whether the client waits for a 100 before it sends the body. */
  expectContinue = false;

  constructor(limits: HttpLimits, scheme: Scheme) {
    this.#limits = limits;
    this.#fields = new RequestFields(limits);
    this.#maxLineBytes = Math.min(limits.maxRequestLineBytes, limits.maxHeadBytes);
    this.scheme = scheme;
  }

  /** Drops the last request: the connection is idle. */
  forget(): void {
    this.bytes = NOTHING;
    this.method = "";
  }

  /** Whether more than an empty line has come. */
  get isBegun(): boolean {
    return this.#at > this.#start;
  }

  /** What is known of the request line when the head was refused. */
  get line(): RequestLine {
    const { bytes, method, targetFrom, targetTo, version } = this;
    return {
      method: method === "" ? undefined : method,
      target: targetTo > 0 ? latin1(bytes, targetFrom, targetTo) : undefined,
      version: this.#part === FIELDS ? version : undefined,
    };
  }

  /** Begins with a head. Returns whether it is complete. */
  parse(bytes: Uint8Array, from: number): boolean {
    this.#part = START;
    this.#start = this.#at = from;
    this.method = "";
    this.targetTo = 0;
    return this.resume(bytes);
  }

  /** Goes on with the same bytes and more. Returns whether the head is complete. */
  resume(bytes: Uint8Array): boolean {
    this.bytes = bytes;
    if (this.#part !== FIELDS && !this.#readRequestLine(bytes)) return false;
    const fields = this.#fields;
    if (!fields.resume(bytes)) return false;
    this.headersTo = fields.end - 2;
    this.end = fields.end;

    const { method } = this;
    const old = this.version === "1.0";
    const { codings, connection } = fields;
    const hasCodings = codings !== NONE;
    // RFC 9112 3.2: a server MUST respond with 400 to an HTTP/1.1 request without Host.
    if (!fields.hasHost && !old) throw bad("no Host header (RFC 9112 3.2)");
    this.keepAlive = connection === undefined ? !old : persists(connection, old);
    // RFC 9112 6.3: if chunked is not the final encoding, the server MUST respond with 400.
    // RFC 9112 7: parameters of chunked are an error.
    if (hasCodings && !fields.isChunked) throw badCoding();
    // RFC 9112 6.1: a server SHOULD respond with 501 to a transfer coding it does not understand.
    if (codings > 1) {
      throw new RemoteProtocolError(
        "Cannot read the request: of the transfer codings only chunked is understood (RFC 9112 6.1)",
        { status: 501 },
      );
    }
    // RFC 9112 6.3: without Content-Length and Transfer-Encoding a request has no body.
    let length = hasCodings ? CHUNKED : fields.contentLength === NONE ? 0 : fields.contentLength;
    if (length !== 0 && method === "CONNECT") {
      // RFC 9110 9.3.6: CONNECT has no content. What comes after it is for the tunnel, and no request.
      length = 0;
      this.keepAlive = false;
    }
    this.contentLength = length;
    // RFC 9110 10.1.1: a 100-continue expectation in an HTTP/1.0 request MUST be ignored, and one
    // without content may be.
    this.expectContinue = fields.expects && !old && length !== 0;
    return true;
  }

  /** RFC 9112 3: request-line = method SP request-target SP HTTP-version */
  #readRequestLine(bytes: Uint8Array): boolean {
    const end = bytes.length;
    let at = this.#at;
    let part = this.#part;
    if (part === START) {
      // RFC 9112 2.2: a server SHOULD ignore at least one empty line before the request line.
      if (at < end && bytes[at] === CR) {
        if (at + 1 === end) return false;
        if (bytes[at + 1] !== LF) throw bad("a CR without LF (RFC 9112 2.2)");
        at += 2;
      }
      this.#start = at;
      part = METHOD;
    }
    const start = this.#start;
    // The line has to end here; so much of it may be looked at.
    const limit = start + this.#maxLineBytes;
    const to = end < limit ? end : limit;

    if (part === METHOD) {
      while (at < to && TOKEN[bytes[at]!] === 1) at++;
      if (at - start > MAX_METHOD_LENGTH) {
        throw new RemoteProtocolError("Cannot answer the request: its method is unknown", {
          status: 501,
        });
      }
      if (at === to) return this.#stop(part, at, end > limit);
      if (bytes[at] !== SPACE || at === start) throw bad("no method (RFC 9112 3.1)");
      this.method = methodOf(bytes, start, at);
      this.targetFrom = ++at;
      part = IN_PATH;
    }
    if (part === IN_PATH) {
      while (at < to && PATH[bytes[at]!] === 1) at++;
      if (at === to) return this.#stop(part, at, end > limit);
      part = bytes[at] === QUESTION_MARK ? IN_QUERY : VERSION;
    }
    if (part === IN_QUERY) {
      while (at < to && QUERY[bytes[at]!] === 1) at++;
      if (at === to) return this.#stop(part, at, end > limit);
      part = VERSION;
    }
    if (bytes[at] !== SPACE || at === this.targetFrom) throw bad("no proper target (RFC 9112 3.2)");
    this.targetTo = at;
    const versionFrom = at + 1;
    const lineEnd = versionFrom + VERSION_LENGTH;
    if (to < lineEnd || !isVersion1(bytes, versionFrom)) {
      checkVersion(bytes, versionFrom, to < lineEnd ? to : lineEnd);
      if (to < lineEnd) return this.#stop(part, at, end > limit);
    }
    if (lineEnd === end) return this.#stop(part, at, false);
    if (bytes[lineEnd] !== CR) {
      if (lineEnd === limit) throw tooLongLine();
      throw bad("no CR LF after the request line (RFC 9112 3)");
    }
    if (lineEnd + 1 === end) return this.#stop(part, at, false);
    if (bytes[lineEnd + 1] !== LF) throw bad("a CR without LF (RFC 9112 2.2)");
    const old = bytes[lineEnd - 1] === DIGIT_0;
    this.version = old ? "1.0" : "1.1";
    at = this.#at = this.headersFrom = lineEnd + 2;
    this.#part = FIELDS;
    if (bytes[this.targetFrom] !== SLASH || this.method === "CONNECT") this.#checkTarget();
    this.#fields.start(old, at, start + this.#limits.maxHeadBytes);
    return true;
  }

  /** Stops where the bytes end, to go on from there. */
  #stop(part: number, at: number, isTooLong: boolean): false {
    if (isTooLong) throw tooLongLine();
    this.#part = part;
    this.#at = at;
    return false;
  }

  /** The forms of a target that are not a path (RFC 9112 3.2). */
  #checkTarget(): void {
    const { bytes, targetFrom, targetTo, method } = this;
    if (method === "CONNECT") {
      // RFC 9112 3.2.3 and RFC 9110 9.3.6: host and port; a server MUST reject an empty or invalid
      // port number.
      if (portOf(bytes, targetFrom, targetTo) < 1) {
        throw bad("no host and port to connect to (RFC 9112 3.2.3)");
      }
    } else if (bytes[targetFrom] === ASTERISK) {
      // RFC 9112 3.2.4: the asterisk-form is only used for a server-wide OPTIONS request.
      if (targetTo - targetFrom > 1 || method !== "OPTIONS") {
        throw bad("a target in asterisk-form that is not for OPTIONS (RFC 9112 3.2.4)");
      }
    } else {
      // RFC 9112 3.2.2: a server MUST accept the absolute-form.
      // RFC 9110 4.2.4: userinfo SHOULD be treated as an error.
      const target = latin1(bytes, targetFrom, targetTo);
      const [, scheme, authority] = /^(https?):\/\/([^/?]*)/i.exec(target) ?? [];
      if (scheme === undefined) throw bad("no proper target (RFC 9112 3.2)");
      const from = targetFrom + scheme.length + 3;
      portOf(bytes, from, from + authority!.length);
      // RFC 9110 7.4: a request for an https resource MUST be rejected unless it came over a secured
      // connection.
      if (scheme.toLowerCase() === "https" && this.scheme === "http") {
        throw new RemoteProtocolError(
          "Cannot answer for an https resource: the connection is not secured (RFC 9110 7.4)",
          { status: 421 },
        );
      }
    }
  }
}

const parsers = { http: new WeakMap(), https: new WeakMap() } as Record<
  Scheme,
  WeakMap<HttpLimits, RequestHeadParser>
>;

/**
 * The parser for these limits. Connections share it for heads that come whole: it keeps nothing then.
 */
export function requestHeadParser(limits: HttpLimits, scheme: Scheme): RequestHeadParser {
  let parser = parsers[scheme].get(limits);
  if (parser === undefined) {
    parsers[scheme].set(limits, parser = new RequestHeadParser(limits, scheme));
  }
  return parser;
}

/** Reads the heads of requests. */
export function requestHeads(limits: HttpLimits, scheme: Scheme): Heads<RequestHeadParser> {
  const make = () => new RequestHeadParser(limits, scheme);
  return new Heads(requestHeadParser(limits, scheme), make, mostOfHead(limits));
}

/** An empty line may come before the head, and one byte more than allowed is an error. */
export function mostOfHead({ maxHeadBytes }: HttpLimits): number {
  return maxHeadBytes + 3;
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
