/**
 * Checks field lines, up to the empty line that ends them (RFC 9112 5): those of a head or trailers.
 *
 *     field-line = field-name ":" OWS field-value OWS CRLF
 *
 * It is given the bytes from the beginning each time, and goes on where it stopped. So each byte is
 * looked at once. What is wrong is refused at the byte that makes it wrong, however the bytes are cut.
 */
import { COLON, CR, FIELD, LF, SPACE, TAB, TOKEN } from "../_characters.ts";
import { bad, badName, tooLargeHead } from "../_faults.ts";

const NAME = 0, VALUE = 1, LINE_LF = 2, LAST_LF = 3, FOLD = 4;

export class FieldLines {
  readonly #maxLines: number;
  readonly #unfolds: boolean;
  /** How many more lines are allowed. */
  #left = 0;
  /** Where the limit of the whole is reached. */
  #limit = 0;
  #part = NAME;
  #nameFrom = 0;
  #nameTo = 0;
  /** How far the bytes have been checked; after the empty line if it has come. */
  end = 0;

  /**
   * RFC 9112 5.2: a server MUST refuse a line that goes on in the next one, or replace this by spaces;
   * a client MUST replace it. If it `unfolds`, it does that in the bytes that it is given.
   */
  constructor(maxLines: number, unfolds = false) {
    this.#maxLines = maxLines;
    this.#unfolds = unfolds;
  }

  /** Begins at `from`. The empty line must end at `limit` at the latest. */
  begin(from: number, limit: number): void {
    this.#left = this.#maxLines;
    this.#limit = limit;
    this.#part = NAME;
    this.end = this.#nameFrom = from;
  }

  /** Takes a line that is complete, with the whitespace around its value. */
  protected note(
    _bytes: Uint8Array,
    _nameFrom: number,
    _nameTo: number,
    _valueFrom: number,
    _valueTo: number,
  ): void {}

  /** Goes on. Returns whether the empty line has come. */
  resume(bytes: Uint8Array): boolean {
    const { length } = bytes;
    const to = length < this.#limit ? length : this.#limit;
    let at = this.end;
    let part = this.#part;
    let nameFrom = this.#nameFrom;
    let nameTo = this.#nameTo;
    let left = this.#left;
    for (;;) {
      if (part === NAME) {
        while (at < to && TOKEN[bytes[at]!] === 1) at++;
        if (at === to) break;
        nameTo = at;
        if (bytes[at] === COLON) {
          if (at === nameFrom) throw bad("a header without a name (RFC 9112 5)");
          part = VALUE;
        } else {
          if (bytes[at] !== CR || at > nameFrom) throw badName(bytes[at]!, at - nameFrom);
          part = LAST_LF;
        }
        at++;
      }
      if (part === VALUE) {
        while (at < to && FIELD[bytes[at]!] === 1) at++;
        if (at === to) break;
        // RFC 9110 5.5: CR, LF and NUL in a value: the recipient MUST reject the message or replace
        // them.
        if (bytes[at++] !== CR) throw bad("a control character in a header (RFC 9110 5.5)");
        part = LINE_LF;
      }
      if (part !== FOLD) {
        if (at === to) break;
        if (bytes[at++] !== LF) throw bad("a CR without LF (RFC 9112 2.2)");
        if (part === LAST_LF) {
          this.end = at;
          return true;
        }
      }
      if (this.#unfolds) {
        // Only the next byte tells whether the line is complete.
        part = FOLD;
        if (at === to) break;
        if (bytes[at] === SPACE || bytes[at] === TAB) {
          bytes[at - 2] = bytes[at - 1] = SPACE;
          part = VALUE;
          continue;
        }
      }
      if (left-- === 0) throw tooLargeHead();
      this.note(bytes, nameFrom, nameTo, nameTo + 1, at - 2);
      nameFrom = at;
      part = NAME;
    }
    if (to < length) throw tooLargeHead();
    this.end = at;
    this.#part = part;
    this.#left = left;
    this.#nameFrom = nameFrom;
    this.#nameTo = nameTo;
    return false;
  }
}
