/** The field lines of a request's head: reads those that decide about framing and connection. */
import { portOf } from "../_authority.ts";
import { equalsIgnoreCase, latin1 } from "../_characters.ts";
import { bad, tooLargeBody } from "../_faults.ts";
import type { HttpLimits } from "../http_limits.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { FieldLines } from "./_field_lines.ts";
import {
  append,
  badCoding,
  isWord,
  lengthOf,
  listOf,
  NONE,
  valueEnd,
  valueStart,
} from "./_field_values.ts";

export class RequestFields extends FieldLines {
  readonly #limits: HttpLimits;
  /** The request is one of HTTP/1.0. */
  #old = false;
  hasHost = false;
  /** The Content-Length, or NONE. */
  contentLength: number = NONE;
  /** How many transfer codings are given, or NONE if there is no Transfer-Encoding. */
  codings: number = NONE;
  /** Whether the last of them is chunked. */
  isChunked = false;
  /** The options of Connection, as a list. */
  connection: string | undefined = undefined;
  /** Whether there is an expectation, which is 100-continue. */
  expects = false;

  constructor(limits: HttpLimits) {
    super(limits.maxHeaders);
    this.#limits = limits;
  }

  /** Begins with those of another request. */
  start(old: boolean, from: number, limit: number): void {
    this.begin(from, limit);
    this.#old = old;
    this.hasHost = this.expects = this.isChunked = false;
    this.contentLength = this.codings = NONE;
    this.connection = undefined;
  }

  /** Recognises a name by its length, and then compares it. */
  protected override note(
    bytes: Uint8Array,
    nameFrom: number,
    nameTo: number,
    from: number,
    to: number,
  ): void {
    switch (nameTo - nameFrom) {
      case 4:
        if (equalsIgnoreCase(bytes, nameFrom, "host")) this.#noteHost(bytes, from, to);
        break;
      case 6:
        if (equalsIgnoreCase(bytes, nameFrom, "expect")) this.#noteExpect(bytes, from, to);
        break;
      case 10:
        if (equalsIgnoreCase(bytes, nameFrom, "connection")) {
          this.connection = append(this.connection, bytes, from, to);
        }
        break;
      case 14:
        if (equalsIgnoreCase(bytes, nameFrom, "content-length")) this.#noteLength(bytes, from, to);
        break;
      case 17:
        if (equalsIgnoreCase(bytes, nameFrom, "transfer-encoding")) {
          this.#noteCodings(bytes, from, to);
        }
        break;
    }
  }

  #noteHost(bytes: Uint8Array, from: number, to: number): void {
    // RFC 9112 3.2: a server MUST respond with 400 to a request with more than one Host.
    if (this.hasHost) throw bad("more than one Host header (RFC 9112 3.2)");
    this.hasHost = true;
    from = valueStart(bytes, from, to);
    to = valueEnd(bytes, from, to);
    // RFC 9112 3.2: it is empty if the target has no authority.
    if (from < to) portOf(bytes, from, to);
  }

  #noteExpect(bytes: Uint8Array, from: number, to: number): void {
    from = valueStart(bytes, from, to);
    to = valueEnd(bytes, from, to);
    // RFC 9110 5.6.1: an empty element counts for nothing.
    if (to === from) return;
    this.expects = true;
    // RFC 9110 10.1.1: a server that cannot meet an expectation MAY respond with 417.
    if (!isWord(bytes, from, to, "100-continue")) {
      throw new RemoteProtocolError(
        "Cannot meet an expectation other than 100-continue (RFC 9110 10.1.1)",
        { status: 417 },
      );
    }
  }

  #noteLength(bytes: Uint8Array, from: number, to: number): void {
    from = valueStart(bytes, from, to);
    this.contentLength = lengthOf(bytes, from, valueEnd(bytes, from, to), this.contentLength);
    this.#checkOneFraming();
    if (this.contentLength > this.#limits.maxBodyBytes) throw tooLargeBody(this.#limits);
  }

  #noteCodings(bytes: Uint8Array, from: number, to: number): void {
    // RFC 9112 6.1: a Transfer-Encoding in an HTTP/1.0 message MUST be treated as faulty framing.
    if (this.#old) throw bad("a Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)");
    if (this.codings === NONE) this.codings = 0;
    this.#checkOneFraming();
    for (const coding of listOf(latin1(bytes, from, to))) {
      // RFC 9112 6.3: chunked must be the last one. RFC 9112 6.1: it MUST NOT be applied twice.
      if (this.isChunked) throw badCoding();
      this.isChunked = coding === "chunked";
      this.codings++;
    }
  }

  #checkOneFraming(): void {
    // RFC 9112 6.3: both ought to be handled as an error, an attempt to smuggle requests perhaps.
    if (this.contentLength !== NONE && this.codings !== NONE) {
      throw bad("both Content-Length and Transfer-Encoding (RFC 9112 6.3)");
    }
  }
}
