import { shown } from "../reactor/_describe.ts";
import { TOKEN } from "./_characters.ts";
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
export class Head {
  readonly status: number;
  /** The status line and the header lines. */
  text: string;
  /** Whether the text is ASCII. If not, it is sent as ISO-8859-1. */
  ascii = true;
  /** The Content-Length that was given. */
  contentLength: number | undefined = undefined;
  /** Whether the connection is to be closed after the answer. */
  close = false;
  /** Whether a Date was given. */
  dated = false;
  /** The protocols of the Upgrade headers; empty if there are none. */
  upgrade = "";
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
    this.status = status;
    this.text = statusLine(status);
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
    this.#add(name, value);
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

  #add(name: string, value: HeaderValue | undefined): void {
    if (value === undefined) return;
    if (Array.isArray(value)) {
      for (const one of value) this.#add(name, one);
      return;
    }
    if (typeof value !== "string" && !Number.isFinite(value)) {
      throw new LocalProtocolError(
        `Cannot send header ${
          String(name)
        }: its value is neither text, nor a number, nor a list of these, as in ` +
          `ok({ "content-type": "text/plain" })`,
      );
    }
    const text = typeof value === "string" ? value : String(value);
    if (!isToken(name)) {
      throw new LocalProtocolError(
        `Cannot send a header named ${
          typeof name === "string" ? JSON.stringify(name) : shown(name)
        }: a name has letters, digits and hyphens (RFC 9110 5.1)`,
      );
    }
    if (!isVisible(text)) {
      this.ascii = false;
      // RFC 9110 5.5: CR, LF and NUL are dangerous: whoever chooses the value could add headers, or
      // another response.
      if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) {
        throw new LocalProtocolError(
          `Cannot send header ${name}: its value has a line break, a control character or one beyond ISO-8859-1 ` +
            "(RFC 9110 5.5); encode it",
        );
      }
    }
    if (!isOurs(name) || this.#isData(name.toLowerCase(), text)) {
      this.text += `${name}: ${text}\r\n`;
    }
  }

  /**
   * Notes what a line says of framing and connection. Returns whether the line is sent as it is.
   */
  #isData(name: string, value: string): boolean {
    switch (name) {
      case "content-length":
        return this.#setContentLength(value);
      case "transfer-encoding":
        // RFC 9112 6.1: the framing is chosen later, when the length of the body and the version of
        // the client are known.
        if (value.toLowerCase() === "chunked") return false;
        throw new LocalProtocolError(
          `Cannot send Transfer-Encoding: ${value}: leave it out, chunked is used where it is needed`,
        );
      case "connection": {
        const options = value.toLowerCase().split(",").map((option) => option.trim());
        if (options.includes("close")) this.close = true;
        return options.some((option) =>
          option !== "close" && option !== "keep-alive" && option !== "upgrade"
        );
      }
      case "upgrade":
        this.upgrade += this.upgrade === "" ? value : `,${value}`;
        return true;
      case "date":
        this.dated = true;
        return true;
      default:
        return true;
    }
  }

  #setContentLength(value: string): boolean {
    if (!/^\d{1,15}$/.test(value)) {
      throw new LocalProtocolError(
        `Cannot send Content-Length: ${value}: it must be a number of bytes`,
      );
    }
    // RFC 9110 8.6: a server MUST NOT send a Content-Length in a response with status 1xx or 204.
    if (this.status < 200 || this.status === 204) {
      throw new LocalProtocolError(
        `Cannot send a Content-Length with status ${this.status}: it has no body (RFC 9110 8.6)`,
      );
    }
    if (this.contentLength !== undefined && this.contentLength !== Number(value)) {
      throw new LocalProtocolError("Cannot send more than one Content-Length (RFC 9110 8.6)");
    }
    this.contentLength = Number(value);
    return false;
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

/** Whether a name may concern framing or connection, judged by its length. */
function isOurs({ length }: string): boolean {
  return length === 4 || length === 7 || length === 10 || length === 14 || length === 17;
}

function isToken(name: string): boolean {
  if (typeof name !== "string") return false;
  for (let i = 0; i < name.length; i++) if (TOKEN[name.charCodeAt(i)] !== 1) return false;
  return name !== "";
}

function isVisible(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}
