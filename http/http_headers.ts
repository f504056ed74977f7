import { COLON, CR, latin1, SPACE, TAB } from "./_characters.ts";
import { parametersOf } from "./content/_parameters.ts";
import type { HeaderParameters } from "./content/header_parameters.ts";

/** How many numbers describe a line. */
const LINE = 3;

/**
 * Header lines as they were received: a view of the bytes. Text is made of a line only when it is
 * asked for.
 *
 * Names are compared without regard to case (RFC 9110 5.1). Bytes beyond ASCII are given as
 * ISO-8859-1, one character for each byte (RFC 9110 5.5), as `Headers` does.
 *
 * @example Looking things up
 * ```ts
 * import { HttpHeaders } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const lines = "Host: example.org\r\nAccept: text/html\r\naccept: text/plain\r\n";
 * const headers = new HttpHeaders(new TextEncoder().encode(lines));
 *
 * assertEquals(headers.get("accept"), "text/html, text/plain");
 * assertEquals(headers.getAll("Accept"), ["text/html", "text/plain"]);
 * assertEquals(headers.has("cookie"), false);
 * assertEquals([...headers][0], ["host", "example.org"]);
 * ```
 *
 * @category Requests
 */
export class HttpHeaders implements Iterable<[string, string]> {
  readonly #bytes: Uint8Array;
  readonly #from: number;
  readonly #to: number;
  #lines: number[] | undefined;

  /**
   * Takes lines that have been checked. They are read at the first question: a line without a colon,
   * or without CR LF, is a `SyntaxError` then.
   *
   * @param bytes The bytes in which the lines are, each line with its CR LF. They must not change.
   * @param from Where the first line begins: 0 unless given.
   * @param to Where the last line ends: at the end of the bytes unless given.
   */
  constructor(bytes: Uint8Array, from = 0, to: number = bytes.length) {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  /**
   * Gives the value of a header. Several values are joined by `", "` (RFC 9110 5.3).
   *
   * @param name The name, in capitals or not.
   * @returns The value without blanks around it; undefined if there is no such line.
   */
  get(name: string): string | undefined {
    const lowerCase = name.toLowerCase();
    let line = this.#find(lowerCase, 0);
    if (line < 0) return undefined;
    let value = this.#value(line);
    while ((line = this.#find(lowerCase, line + LINE)) >= 0) value += `, ${this.#value(line)}`;
    return value;
  }

  /**
   * Gives all values of a header, such as Set-Cookie, whose values cannot be joined.
   *
   * @param name The name, in capitals or not.
   * @returns The values, one for each line; none if there is no such line.
   */
  getAll(name: string): string[] {
    const lowerCase = name.toLowerCase();
    const values: string[] = [];
    for (let line = -LINE; (line = this.#find(lowerCase, line + LINE)) >= 0;) {
      values.push(this.#value(line));
    }
    return values;
  }

  /**
   * Tells whether there is a header.
   *
   * @param name The name, in capitals or not.
   * @returns Whether there is a line of that name.
   */
  has(name: string): boolean {
    return this.#find(name.toLowerCase(), 0) >= 0;
  }

  /**
   * Gives the value of a header and its parameters (RFC 9110 5.6.6): of Content-Type,
   * Content-Disposition and the like, not of headers that are lists.
   *
   * A parameter `filename*` (RFC 8187) is decoded and takes the place of `filename`; it counts for
   * nothing if it cannot be decoded. A backslash is an escape only before a quote or a backslash, so
   * a path of Windows stays what it is.
   *
   * @param name The name, in capitals or not.
   * @returns The value and the parameters; undefined if there is no such line.
   * @throws {RemoteProtocolError} If it is malformed, also if a parameter or the line comes twice.
   *
   * @example A media type
   * ```ts
   * import { HttpHeaders } from "@weightless/io/http";
   * import { assertEquals } from "@std/assert";
   *
   * const lines = `Content-Type: Text/HTML; Charset="utf-8"\r\n`;
   * const headers = new HttpHeaders(new TextEncoder().encode(lines));
   * const { value, parameters } = headers.parameters("content-type")!;
   * assertEquals([value, parameters.get("charset")], ["text/html", "utf-8"]);
   * ```
   */
  parameters(name: string): HeaderParameters | undefined {
    const text = this.get(name);
    return text === undefined ? undefined : parametersOf(name, text);
  }

  /** The names, in lower case, and the values of all lines, in the order in which they arrived. */
  *[Symbol.iterator](): Generator<[string, string], void, undefined> {
    const lines = this.#lines ??= this.#index();
    for (let line = 0; line < lines.length; line += LINE) {
      const name = latin1(this.#bytes, lines[line]!, lines[line + 1]!);
      yield [name.toLowerCase(), this.#value(line)];
    }
  }

  /**
   * Makes a copy for functions of the Web platform.
   *
   * @returns The same headers as a `Headers` object.
   */
  toHeaders(): Headers {
    return new Headers([...this]);
  }

  /** Where each line begins, has its colon, and ends. */
  #index(): number[] {
    const bytes = this.#bytes;
    const lines: number[] = [];
    for (let at = this.#from; at < this.#to;) {
      const from = at;
      while (at < this.#to && bytes[at] !== COLON) at++;
      const end = bytes.indexOf(CR, at);
      if (end < 0 || end + 2 > this.#to) {
        throw new SyntaxError(
          "Cannot read headers: a line has no colon, or does not end with CR LF",
        );
      }
      lines.push(from, at, end);
      at = end + 2;
    }
    return lines;
  }

  /** The first line of that name from `line` on, or -1. */
  #find(lowerCase: string, line: number): number {
    const lines = this.#lines ??= this.#index();
    const { length } = lowerCase;
    for (; line < lines.length; line += LINE) {
      const from = lines[line]!;
      if (lines[line + 1]! - from !== length) continue;
      let i = 0;
      while (i < length && lower(this.#bytes[from + i]!) === lowerCase.charCodeAt(i)) i++;
      if (i === length) return line;
    }
    return -1;
  }

  #value(line: number): string {
    const bytes = this.#bytes;
    let from = this.#lines![line + 1]! + 1;
    let to = this.#lines![line + 2]!;
    while (from < to && (bytes[from] === SPACE || bytes[from] === TAB)) from++;
    while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to--;
    return latin1(bytes, from, to);
  }
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
