import { shown } from "../reactor/_describe.ts";
import { HeaderLines } from "./_header_lines.ts";
import { statusLine } from "./_status.ts";
import type { HeadersToSend, HeaderValue } from "./headers_to_send.ts";
import { LocalProtocolError } from "./local_protocol_error.ts";

/** The last answer that was made of a head, for a body of this text or of so many bytes. */
export interface Memo {
  body: string | number;
  date: string;
  keepAlive: string;
  /** How many bytes the body has. */
  length: number;
  text: string;
}

/** The head of a response: checked, and written as far as it does not depend on the request. */
export class Head extends HeaderLines {
  readonly status: number;
  /** Whether a Date was given. */
  dated = false;
  memo: Memo | undefined = undefined;
  /**
   * The names and values that were given, alternating; undefined if they come from an iterator, or
   * if a value is an object, which may change.
   */
  #given: unknown[] | undefined = undefined;

  constructor(status: number, headers: HeadersToSend) {
    if (!Number.isInteger(status) || status < 100 || status > 599) {
      throw new LocalProtocolError(
        `Cannot make a response with status ${
          shown(status)
        }: it must be a whole number from 100 to 599`,
      );
    }
    super(statusLine(status));
    this.status = status;
    checkHeaders(headers);
    const given = this.#given = [] as unknown[];
    if (Symbol.iterator in headers) {
      if (!Array.isArray(headers)) this.#given = undefined;
      for (const pair of headers as Iterable<readonly [string, HeaderValue | undefined]>) {
        checkPair(pair);
        this.#give(given, pair[0], pair[1]);
      }
    } else for (const name in headers) this.#give(given, name, headers[name]);
  }

  #give(given: unknown[], name: string, value: HeaderValue | undefined): void {
    this.add(name, value);
    given.push(name, value);
    if (typeof value === "object" || typeof value === "function") this.#given = undefined;
  }

  /** Whether the same status and headers would make this head. */
  isOf(status: number, headers: HeadersToSend): boolean {
    const given = this.#given;
    if (status !== this.status || given === undefined) return false;
    let i = 0;
    if (Array.isArray(headers)) {
      for (const pair of headers) {
        if (!isPair(pair)) return false;
        if (pair[0] !== given[i++] || pair[1] !== given[i++]) return false;
      }
    } else {
      if (typeof headers !== "object" || headers === null) return false;
      if (Symbol.iterator in headers) return false;
      for (const name in headers) {
        if (name !== given[i++] || headers[name] !== given[i++]) return false;
      }
    }
    return i === given.length;
  }

  /** Whether it is ASCII, and says nothing of the date and the connection. */
  get ordinary(): boolean {
    return this.ascii && !this.close && !this.dated && this.upgrade === "";
  }

  /** Whether it begins a stream of server-sent events. */
  get isEventStream(): boolean {
    return /^content-type: *text\/event-stream\b/im.test(this.text);
  }

  protected override isData(name: string, value: string): boolean {
    const isData = super.isData(name, value);
    if (name === "date") this.dated = true;
    // RFC 9110 8.6: a server MUST NOT send a Content-Length in a response with status 1xx or 204.
    if (name === "content-length" && (this.status < 200 || this.status === 204)) {
      throw new LocalProtocolError(
        `Cannot send a Content-Length with status ${this.status}: it has no body (RFC 9110 8.6)`,
      );
    }
    return isData;
  }
}

/**
 * The headers as a list, for more to be added.
 *
 * @throws {LocalProtocolError} If it is nothing that has headers, such as a text.
 */
export function listed(
  headers: HeadersToSend,
): (readonly [string, HeaderValue | undefined])[] {
  checkHeaders(headers);
  if (!(Symbol.iterator in headers)) return Object.entries(headers);
  const pairs = [...headers as Iterable<readonly [string, HeaderValue | undefined]>];
  pairs.forEach(checkPair);
  return pairs;
}

function checkHeaders(headers: HeadersToSend): void {
  if (typeof headers === "object" && headers !== null) return;
  throw new LocalProtocolError(
    `Cannot send the headers ${shown(headers)}: give names and values, as in ` +
      'ok({ "content-type": "text/plain" }), and yield the body after them',
  );
}

function isPair(pair: unknown): boolean {
  return Array.isArray(pair) && pair.length === 2;
}

function checkPair(pair: unknown): void {
  if (isPair(pair)) return;
  throw new LocalProtocolError(
    `Cannot send the header ${shown(pair)}: give pairs of a name and a value, as in ` +
      'ok([["content-type", "text/plain"]])',
  );
}

let last: Head | undefined;

/**
 * Makes a head, or gives the last one if it would be the same: servers often give the same head
 * again.
 */
export function headOf(status: number, headers: HeadersToSend): Head {
  // A getter among the headers may make another head meanwhile.
  let head = last;
  if (head === undefined || !head.isOf(status, headers)) head = new Head(status, headers);
  return last = head;
}
