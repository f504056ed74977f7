/**
 * Reads multipart bodies (RFC 2046 5.1, RFC 7578).
 *
 *     [preamble CRLF] "--" boundary padding CRLF  head CRLF  data
 *                CRLF "--" boundary padding CRLF  head CRLF  data …
 *                CRLF "--" boundary "--" padding [CRLF epilogue]
 *
 * 1. Parts are separated by the delimiter, CRLF "--" boundary, which may begin at any byte and may be
 *    cut anywhere. Its CRLF may be the one at the end of a head, and the body begins as if a CRLF came
 *    before it: the first line of data may be a boundary.
 * 2. Only the first byte of the delimiter is a CR. So what looks like the beginning of a delimiter
 *    and is none does not contain another beginning. It is enough to count how many bytes of the
 *    delimiter have been seen, and no byte of the data is looked at more than twice.
 * 3. What follows the delimiter in its line must be right: anything else than padding or "--" is an
 *    error. So is a line that ends without CR, and a boundary in a head.
 * 4. Data are views of the chunk that was received.
 *
 * The states:
 *
 *     DATA → DELIMITED → (PADDING →) LF_OF_LINE → HEAD → DATA …      DATA is the preamble at first
 *            DELIMITED → DASH → CLOSED → CLOSED_LF → EPILOGUE
 */
import { COLON, CR, LF, SPACE, TAB, TOKEN } from "../_characters.ts";
import { HttpHeaders } from "../http_headers.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { badForm, tooMuch } from "./_form_limits.ts";
import type { FormSource, PartHead } from "./_form_source.ts";
import { Gathered } from "./_gathered.ts";
import { fromUtf8, parametersOf } from "./_parameters.ts";

const DATA = 0, DELIMITED = 1, PADDING = 2, LF_OF_LINE = 3, HEAD = 4;
const DASH = 5, CLOSED = 6, CLOSED_LF = 7, EPILOGUE = 8;

const HYPHEN = 0x2d;
/** How many bytes these are. */
const CRLF = 2;
const NOTHING = new Uint8Array(0);
const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();
const encoder = new TextEncoder();

export class MultipartSource implements FormSource {
  readonly #delimiter: Uint8Array;
  /** How far the end of the delimiter can be moved if there is this byte at its place. */
  readonly #shift: Uint8Array;
  readonly #isForm: boolean;
  readonly #maxHeadBytes: number;
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  #ended = false;
  #state = DATA;
  /** How many bytes of the delimiter have been seen. */
  #matched = CRLF;
  /** How many of these are not of the data, because they came before. */
  #before = CRLF;
  readonly #head = new Gathered();
  /** How many bytes the current line of the head has, and its last byte. */
  #line = 0;
  #last = 0;

  /** @param isForm Whether each part must have the name of a field. */
  constructor(boundary: string, isForm: boolean, maxHeadBytes: number) {
    const delimiter = encoder.encode(`\r\n--${boundary}`);
    const shift = new Uint8Array(256).fill(delimiter.length);
    delimiter.subarray(0, -1).forEach((byte, i) => shift[byte] = delimiter.length - 1 - i);
    this.#delimiter = delimiter;
    this.#shift = shift;
    this.#isForm = isForm;
    this.#maxHeadBytes = maxHeadBytes;
  }

  receive(chunk: Uint8Array): void {
    this.#bytes = chunk;
    this.#at = 0;
  }

  end(): void {
    this.#ended = true;
    this.#bytes = NOTHING;
    this.#at = 0;
    if (this.#state !== CLOSED && this.#state !== EPILOGUE) {
      throw badForm("it ends before its last boundary (RFC 2046 5.1.1)");
    }
  }

  part(): PartHead | null | undefined {
    for (;;) {
      if (this.#state === DATA) {
        if (this.piece() === undefined) return undefined;
      } else if (this.#state === HEAD) {
        if (!this.#readHead()) return undefined;
        this.#state = DATA;
        this.#matched = this.#before = CRLF;
        return this.#partHead();
      } else if (this.#at < this.#bytes.length) this.#readLine();
      else return this.#ended ? null : undefined;
    }
  }

  piece(): Uint8Array | null | undefined {
    if (this.#state !== DATA) return null;
    const bytes = this.#bytes;
    const { length } = bytes;
    if (this.#at === length) return undefined;
    const delimiter = this.#delimiter;
    let matched = this.#matched;
    if (matched > 0) {
      let at = this.#at;
      while (at < length && matched < delimiter.length && bytes[at] === delimiter[matched]) {
        at++;
        matched++;
      }
      this.#at = at;
      this.#matched = matched;
      if (matched === delimiter.length) return this.#delimited(at);
      if (at === length) return undefined;
      const data = delimiter.slice(this.#before, matched);
      this.#matched = this.#before = 0;
      if (data.length > 0) return data;
    }
    const from = this.#at;
    let to = this.#find(from);
    if (to >= 0) {
      this.#delimited(to + delimiter.length);
      return to === from ? null : bytes.subarray(from, to);
    }
    to = this.#beginning(from);
    this.#at = length;
    this.#matched = length - to;
    if (to === from) return undefined;
    return to - from === length ? bytes : bytes.subarray(from, to);
  }

  #delimited(at: number): null {
    this.#at = at;
    this.#matched = this.#before = 0;
    this.#state = DELIMITED;
    return null;
  }

  /**
   * Where the delimiter is from `from` on, or -1. It is Horspool's search: it looks at the byte where
   * the delimiter would end, and that byte tells how far it can go on.
   */
  #find(from: number): number {
    const bytes = this.#bytes;
    const delimiter = this.#delimiter;
    const shift = this.#shift;
    const last = delimiter.length - 1;
    const lastByte = delimiter[last];
    for (let end = from + last; end < bytes.length; end += shift[bytes[end]!]!) {
      if (bytes[end] !== lastByte) continue;
      const start = end - last;
      let i = 0;
      while (i < last && bytes[start + i] === delimiter[i]) i++;
      if (i === last) return start;
    }
    return -1;
  }

  /** Where a delimiter begins that the chunk has only the beginning of; else the end of the chunk. */
  #beginning(from: number): number {
    const bytes = this.#bytes;
    const { length } = bytes;
    const delimiter = this.#delimiter;
    const earliest = Math.max(from, length - delimiter.length + 1);
    for (let start = length - 1; start >= earliest; start--) {
      if (bytes[start] !== CR) continue;
      let i = 1;
      while (start + i < length && bytes[start + i] === delimiter[i]) i++;
      return start + i === length ? start : length;
    }
    return length;
  }

  /** Reads what follows a boundary in its line, and the epilogue. */
  #readLine(): void {
    const bytes = this.#bytes;
    while (this.#at < bytes.length && this.#state !== HEAD) {
      const byte = bytes[this.#at++]!;
      const isBlank = byte === SPACE || byte === TAB;
      switch (this.#state) {
        case DELIMITED:
        case PADDING:
          if (byte === CR) this.#state = LF_OF_LINE;
          else if (isBlank) this.#state = PADDING;
          else if (byte === HYPHEN && this.#state === DELIMITED) this.#state = DASH;
          else throw badLine();
          break;
        case LF_OF_LINE:
          if (byte !== LF) throw badLine();
          this.#state = HEAD;
          break;
        case DASH:
          if (byte !== HYPHEN) throw badLine();
          this.#state = CLOSED;
          break;
        case CLOSED:
          if (byte === CR) this.#state = CLOSED_LF;
          else if (!isBlank) throw badLine();
          break;
        case CLOSED_LF:
          if (byte !== LF) throw badLine();
          this.#state = EPILOGUE;
          break;
        case EPILOGUE:
          // RFC 2046 5.1.1: implementations must ignore what comes after the last boundary.
          this.#at = bytes.length;
          break;
      }
    }
  }

  /** Gathers header lines. Returns whether the empty line after them has come. */
  #readHead(): boolean {
    const bytes = this.#bytes;
    const from = this.#at;
    let at = from;
    let complete = false;
    while (at < bytes.length && !complete) {
      const byte = bytes[at++]!;
      if (byte === LF) {
        if (this.#last !== CR) throw badForm("a line of it ends without CR (RFC 2046 4.1.1)");
        complete = this.#line === 1;
        this.#line = 0;
      } else this.#line++;
      this.#last = byte;
    }
    this.#at = at;
    if (this.#head.length + at - from > this.#maxHeadBytes) {
      throw tooMuch(`the header lines of a part have more than ${this.#maxHeadBytes} bytes`);
    }
    this.#head.add(bytes.subarray(from, at));
    return complete;
  }

  #partHead(): PartHead {
    const bytes = this.#head.take();
    this.#checkLines(bytes);
    const headers = new HttpHeaders(bytes, 0, bytes.length - 2);
    const coding = headers.get("content-transfer-encoding");
    // RFC 7578 4.7: the codings of mail are not used. If one is, the data are not what they seem.
    if (coding !== undefined && !/^(7bit|8bit|binary)$/i.test(coding)) {
      throw new RemoteProtocolError(
        "Cannot read the form: a part of it has a Content-Transfer-Encoding (RFC 7578 4.7)",
        { status: 415 },
      );
    }
    const text = headers.get("content-disposition");
    // RFC 7578 5.1: names and file names are sent in UTF-8.
    const { value, parameters } = text === undefined
      ? { value: undefined, parameters: NO_PARAMETERS }
      : parametersOf("Content-Disposition", fromUtf8(text));
    const name = parameters.get("name");
    // RFC 7578 4.2: each part MUST have a Content-Disposition of type form-data, with a name.
    if (this.#isForm && (value !== "form-data" || name === undefined)) {
      throw badForm("a part of it has no name (RFC 7578 4.2)");
    }
    const disposition = this.#isForm ? unescaped(parameters) : parameters;
    return { name: disposition.get("name") ?? "", headers, disposition };
  }

  /** RFC 9112 5, and without line folding: *( field-name ":" OWS field-value OWS CRLF ) CRLF */
  #checkLines(bytes: Uint8Array): void {
    const boundary = this.#delimiter.subarray(CRLF);
    for (let at = 0; at < bytes.length - 2; at += 2) {
      const from = at;
      // RFC 2046 5.1.1: boundary delimiters must not appear within the encapsulated material.
      if (boundary.every((byte, i) => byte === bytes[from + i])) {
        throw badForm("a head of it has a boundary (RFC 2046 5.1.1)");
      }
      while (TOKEN[bytes[at]!] === 1) at++;
      if (at === from || bytes[at] !== COLON) {
        throw badForm("a part of it has a line that is no header (RFC 2046 5.1)");
      }
      while (bytes[at] !== CR && bytes[at] !== 0) at++;
      // RFC 9110 5.5: CR, LF and NUL are dangerous. Other control characters may be kept, and
      // browsers send them in names.
      if (bytes[at] !== CR || bytes[at + 1] !== LF) {
        throw badForm("a header of a part has a CR or NUL (RFC 9110 5.5)");
      }
    }
  }
}

function badLine(): RemoteProtocolError {
  return badForm("a line with a boundary does not end after it, with CR LF (RFC 2046 5.1.1)");
}

/**
 * The parameters as they were before a browser wrote them. HTML 4.10.21.8: CR, LF and `"` in names
 * are written as %0D, %0A and %22, and nothing else is escaped.
 */
function unescaped(parameters: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const all = new Map(parameters);
  for (const name of ["name", "filename"]) {
    const value = all.get(name);
    if (value === undefined) continue;
    all.set(
      name,
      value.replace(
        /%(0A|0D|22)/gi,
        (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)),
      ),
    );
  }
  return all;
}
