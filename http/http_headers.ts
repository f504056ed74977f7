import { COLON, CR, latin1, LF, SPACE, TAB } from "./_characters.ts";

/**
 * Header lines as they were received: a view on the bytes, from which text is made only when it is asked for.
 *
 * Names are compared without regard to case (RFC 9110 5.1). Bytes beyond ASCII are given as ISO-8859-1, one character for
 * each byte (RFC 9110 5.5), as `Headers` does.
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
 */
export class HttpHeaders implements Iterable<[string, string]> {
  readonly #bytes: Uint8Array;
  readonly #from: number;
  readonly #to: number;

  /** Takes lines that have been checked, each with its CR LF, between `from` and `to`. */
  constructor(bytes: Uint8Array, from = 0, to: number = bytes.length) {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  /** The value of `name`; if there are several, they are joined by `", "` (RFC 9110 5.3). */
  get(name: string): string | undefined {
    const lowerCase = name.toLowerCase();
    let at = this.#find(lowerCase, this.#from);
    if (at < 0) return undefined;
    let value = this.#value(at);
    while ((at = this.#find(lowerCase, this.#lineAfter(at))) >= 0) value += `, ${this.#value(at)}`;
    return value;
  }

  /** All values of `name`, one for each line. */
  getAll(name: string): string[] {
    const lowerCase = name.toLowerCase();
    const values: string[] = [];
    for (
      let at = this.#find(lowerCase, this.#from);
      at >= 0;
      at = this.#find(lowerCase, this.#lineAfter(at))
    ) values.push(this.#value(at));
    return values;
  }

  /** Whether there is a line of that name. */
  has(name: string): boolean {
    return this.#find(name.toLowerCase(), this.#from) >= 0;
  }

  /** Names, in lower case, and values of all lines, in the order of their arrival. */
  *[Symbol.iterator](): Generator<[string, string], void, undefined> {
    for (let at = this.#from; at < this.#to; at = this.#lineAfter(at)) {
      const colon = this.#bytes.indexOf(COLON, at);
      yield [latin1(this.#bytes, at, colon).toLowerCase(), this.#value(colon)];
    }
  }

  /** The same as an object of the Web platform. */
  toHeaders(): Headers {
    return new Headers([...this]);
  }

  /** Where the colon is of the first line of that name from `at` on; -1 if there is none. */
  #find(lowerCase: string, at: number): number {
    const bytes = this.#bytes;
    const { length } = lowerCase;
    for (; at < this.#to; at = this.#lineAfter(at)) {
      if (bytes[at + length] !== COLON) continue;
      let i = 0;
      while (i < length && lower(bytes[at + i]!) === lowerCase.charCodeAt(i)) i++;
      if (i === length) return at + length;
    }
    return -1;
  }

  #lineAfter(at: number): number {
    return this.#bytes.indexOf(LF, at) + 1;
  }

  #value(colon: number): string {
    const bytes = this.#bytes;
    let from = colon + 1;
    let to = bytes.indexOf(CR, from);
    while (bytes[from] === SPACE || bytes[from] === TAB) from++;
    while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to--;
    return latin1(bytes, from, to);
  }
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
