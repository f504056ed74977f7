/**
 * Makes a request of the fields of its head (RFC 9113 8.3.1).
 *
 * In: the fields. Out: the target, and the header lines as HTTP/1.1 has them, in bytes of their own. Only
 * the target changes with the path, so a head with another path is made of the last one.
 * What is malformed is a StreamError. What is well-formed and cannot be answered has a `refusal`: the
 * error whose status is the answer.
 */
import { portOf } from "../_authority.ts";
import { latin1, PATH, QUERY } from "../_characters.ts";
import { isToken } from "../_header_lines.ts";
import { tooLargeBody, tooLargeHead, tooLongLine } from "../_faults.ts";
import type { HttpLimits } from "../http_limits.ts";
import type { HttpRequestParts } from "../http_request.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { copy } from "./_copy.ts";
import type { FieldList } from "./_field_list.ts";
import {
  checkField,
  checkValue,
  isNamed,
  lengthOf,
  malformed,
  NONE,
  textOf,
} from "./_field_rules.ts";

const COLON = 0x3a, SLASH = 0x2f, ASTERISK = 0x2a, QUESTION_MARK = 0x3f;
const HOST = "host: ", COOKIE = "cookie: ";
const PSEUDO = [":method", ":scheme", ":path", ":authority", ":protocol"];
const METHOD = 0, SCHEME = 1, PATH_FIELD = 2, AUTHORITY = 3, PROTOCOL = 4;
/** As in HTTP/1.1. */
const MAX_METHOD_LENGTH = 32;

/** Which pseudo-fields have come: their numbers in the list, or -1. Scratch. */
const pseudo = new Int32Array(PSEUDO.length);

/** What the fields of a head tell, but for the path. */
class HeadFields {
  /** The header lines. */
  readonly bytes: Uint8Array;
  readonly method: string;
  readonly scheme: "http" | "https";
  readonly contentLength: number;
  readonly expectContinue: boolean;
  readonly priority: string | undefined;
  readonly protocol: string | undefined;
  /** The target that has come with them. */
  readonly target: string;
  readonly refusal: RemoteProtocolError | undefined;

  constructor(list: FieldList, limits: HttpLimits, scheme: "http" | "https") {
    this.scheme = scheme;
    const { at } = list;
    const end = 3 * list.count;
    let field = readPseudo(list);
    let contentLength = NONE;
    let host = NONE;
    let cookies = 0;
    let expects: string | undefined;
    let priority: string | undefined;
    const first = field;
    for (; field < end; field += 3) {
      checkField(list, field);
      switch (at[field + 1]! - 2 - at[field]!) {
        case 4:
          if (!isNamed(list, field, "host")) break;
          if (host !== NONE) throw malformed("more than one Host (RFC 9110 7.2)");
          host = field;
          break;
        case 6:
          if (isNamed(list, field, "cookie")) cookies++;
          else if (isNamed(list, field, "expect")) expects = textOf(list, field);
          break;
        case 8:
          if (isNamed(list, field, "priority")) {
            priority = (priority === undefined ? "" : `${priority},`) + textOf(list, field);
          }
          break;
        case 14:
          if (isNamed(list, field, "content-length")) {
            contentLength = lengthOf(list, field, contentLength);
          }
      }
    }
    this.method = textOf(list, pseudo[METHOD]!);
    if (!isToken(this.method)) throw malformed("a :method that is no token (RFC 9110 9.1)");
    this.priority = priority;
    this.contentLength = contentLength;
    this.expectContinue = expects !== undefined && contentLength !== 0;
    this.protocol = pseudo[PROTOCOL]! < 0 ? undefined : textOf(list, pseudo[PROTOCOL]!);
    // RFC 9113 8.3.1: it is generated from :authority where there is no Host.
    const authority = pseudo[AUTHORITY]! >= 0 ? pseudo[AUTHORITY]! : host;
    if (authority >= 0) checkAuthority(list, authority, host);
    const target = pseudo[PATH_FIELD]! >= 0 ? pseudo[PATH_FIELD]! : authority;
    this.target = latin1(list.bytes, at[target + 1]!, at[target + 2]!);
    this.bytes = new Lines(list, first, authority, host, cookies).bytes;
    this.refusal = list.isTooLarge || (end - first) / 3 > limits.maxHeaders
      ? tooLargeHead()
      : this.method.length > MAX_METHOD_LENGTH
      ? refused(501, "Cannot answer the request: its method is unknown")
      : expects !== undefined && expects.toLowerCase() !== "100-continue"
      ? refused(417, "Cannot meet an expectation other than 100-continue (RFC 9110 10.1.1)")
      : contentLength > limits.maxBodyBytes
      ? tooLargeBody(limits)
      : undefined;
  }
}

/** The head of a request. Requests with the same head share it, and those with another path what is the same. */
export class RequestHead implements HttpRequestParts {
  readonly #fields: HeadFields;
  readonly target: string;
  readonly refusal: RemoteProtocolError | undefined;
  readonly targetFrom = 0;
  readonly targetTo = 0;
  readonly headersFrom = 0;
  readonly version = "2";
  readonly keepAlive = true;

  private constructor(fields: HeadFields, target: string, limits: HttpLimits) {
    this.#fields = fields;
    this.target = target;
    this.refusal = fields.refusal === undefined && target.length > limits.maxRequestLineBytes
      ? tooLongLine()
      : fields.refusal;
  }

  static of(list: FieldList, limits: HttpLimits, scheme: "http" | "https"): RequestHead {
    const fields = new HeadFields(list, limits, scheme);
    return new RequestHead(fields, fields.target, limits);
  }

  /** The same with another path; undefined if it must be read as a whole. */
  withPath({ bytes, length }: FieldList, limits: HttpLimits): RequestHead | undefined {
    const canChange = this.refusal === undefined && isPath(bytes, 0, length);
    return canChange ? new RequestHead(this.#fields, latin1(bytes, 0, length), limits) : undefined;
  }

  get bytes(): Uint8Array {
    return this.#fields.bytes;
  }

  get headersTo(): number {
    return this.#fields.bytes.length;
  }

  get method(): string {
    return this.#fields.method;
  }

  get scheme(): "http" | "https" {
    return this.#fields.scheme;
  }

  get contentLength(): number {
    return this.#fields.contentLength;
  }

  get bodyLength(): number {
    const { contentLength } = this;
    return contentLength === NONE ? Infinity : contentLength;
  }

  /** Whether the client waits for a 100 before it sends the body. */
  get expectContinue(): boolean {
    return this.#fields.expectContinue;
  }

  /** The value of `priority`. */
  get priority(): string | undefined {
    return this.#fields.priority;
  }

  /** The protocol that is asked for by an extended CONNECT (RFC 8441 4). */
  get protocol(): string | undefined {
    return this.#fields.protocol;
  }
}

/** Reads the pseudo-fields, which come first. Returns the number of the first field after them. */
function readPseudo(list: FieldList): number {
  pseudo.fill(-1);
  const end = 3 * list.count;
  let field = 0;
  for (; field < end && list.bytes[list.at[field]!] === COLON; field += 3) {
    let i = 0;
    while (i < PSEUDO.length && !isNamed(list, field, PSEUDO[i]!)) i++;
    if (i === PSEUDO.length) throw malformed("an unknown pseudo-field (RFC 9113 8.3)");
    if (pseudo[i]! >= 0) throw malformed(`${PSEUDO[i]} twice (RFC 9113 8.3)`);
    pseudo[i] = field;
    checkValue(list, field);
  }
  const has = (i: number) => pseudo[i]! >= 0;
  if (!has(METHOD)) throw malformed("no :method (RFC 9113 8.3.1)");
  const isConnect = textOf(list, pseudo[METHOD]!) === "CONNECT";
  if (has(PROTOCOL) && !isConnect) throw malformed(":protocol without CONNECT (RFC 8441 4)");
  if (isConnect && !has(PROTOCOL)) {
    // RFC 9113 8.5
    if (has(SCHEME) || has(PATH_FIELD) || !has(AUTHORITY)) {
      throw malformed("CONNECT without an :authority, or with more than that (RFC 9113 8.5)");
    }
    return field;
  }
  if (!has(SCHEME) || !has(PATH_FIELD)) throw malformed("no :scheme or :path (RFC 9113 8.3.1)");
  if (isConnect && !has(AUTHORITY)) throw malformed("no :authority (RFC 8441 4)");
  // RFC 3986 3.1
  if (!/^[a-z][a-z\d+\-.]*$/i.test(textOf(list, pseudo[SCHEME]!))) {
    throw malformed("an invalid :scheme (RFC 9113 8.3.1)");
  }
  checkPath(list, pseudo[PATH_FIELD]!);
  return field;
}

function checkPath(list: FieldList, field: number): void {
  const { bytes, at } = list;
  const from = at[field + 1]!;
  const to = at[field + 2]!;
  const isAsterisk = bytes[from] === ASTERISK && from + 1 === to;
  if (isAsterisk && textOf(list, pseudo[METHOD]!) === "OPTIONS") return;
  if (!isPath(bytes, from, to)) throw malformed("no proper :path (RFC 9113 8.3.1)");
}

/** RFC 9113 8.3.1: it MUST NOT be empty, and starts with a slash. */
function isPath(bytes: Uint8Array, from: number, to: number): boolean {
  if (from === to || bytes[from] !== SLASH) return false;
  while (from < to && PATH[bytes[from]!] === 1) from++;
  if (from < to && bytes[from] === QUESTION_MARK) {
    while (from < to && QUERY[bytes[from]!] === 1) from++;
  }
  return from === to;
}

/** RFC 9113 8.3.1: Host MUST NOT differ from :authority. */
function checkAuthority(list: FieldList, authority: number, host: number): void {
  const { bytes, at } = list;
  const from = at[authority + 1]!;
  const to = at[authority + 2]!;
  const isConnect = pseudo[PATH_FIELD]! < 0;
  if (host >= 0 && authority !== host && textOf(list, host) !== textOf(list, authority)) {
    throw malformed("a Host that differs from :authority (RFC 9113 8.3.1)");
  }
  if (from === to) {
    if (isConnect) throw malformed("an empty :authority (RFC 9113 8.5)");
    return;
  }
  let port: number;
  try {
    port = portOf(bytes, from, to);
  } catch {
    throw malformed("an invalid :authority (RFC 9113 8.3.1)");
  }
  if (isConnect && port < 1) throw malformed("no port to connect to (RFC 9113 8.5)");
}

/** The header lines: those of the list, but Host first and one line of cookies. */
class Lines {
  readonly bytes: Uint8Array;

  constructor(
    list: FieldList,
    first: number,
    authority: number,
    host: number,
    cookies: number,
  ) {
    const { at } = list;
    const end = 3 * list.count;
    const from = first < end ? at[first]! : list.length;
    let length = list.length - from;
    if (authority >= 0) length += HOST.length + valueLength(list, authority) + 2;
    // In the worst case a "; " takes the place of a "cookie: " and its end.
    this.bytes = new Uint8Array(length);
    let to = 0;
    if (authority >= 0) {
      to = this.#write(HOST, to);
      to = this.#copy(list.bytes, at[authority + 1]!, at[authority + 2]!, to);
      to = this.#write("\r\n", to);
    }
    const isPlain = cookies < 2;
    if (isPlain && host === NONE) to = this.#copy(list.bytes, from, list.length, to);
    else {
      for (let field = first; field < end; field += 3) {
        if (isNamed(list, field, "host") || !isPlain && isNamed(list, field, "cookie")) continue;
        to = this.#copy(list.bytes, at[field]!, at[field + 2]! + 2, to);
      }
      if (!isPlain) to = this.#joinCookies(list, first, to);
    }
    if (to < length) this.bytes = this.bytes.subarray(0, to);
  }

  /** RFC 9113 8.2.3: they are joined before the fields go to anybody who does not know HTTP/2. */
  #joinCookies(list: FieldList, first: number, to: number): number {
    let separator = COOKIE;
    for (let field = first; field < 3 * list.count; field += 3) {
      if (!isNamed(list, field, "cookie")) continue;
      to = this.#write(separator, to);
      to = this.#copy(list.bytes, list.at[field + 1]!, list.at[field + 2]!, to);
      separator = "; ";
    }
    return this.#write("\r\n", to);
  }

  #copy(bytes: Uint8Array, from: number, to: number, at: number): number {
    copy(bytes, from, to, this.bytes, at);
    return at + to - from;
  }

  #write(text: string, at: number): number {
    for (let i = 0; i < text.length; i++) this.bytes[at++] = text.charCodeAt(i);
    return at;
  }
}

function valueLength({ at }: FieldList, field: number): number {
  return at[field + 2]! - at[field + 1]!;
}

function refused(status: number, message: string): RemoteProtocolError {
  return new RemoteProtocolError(message, { status });
}
