/**
 * Writes one answer: takes what the handler yields and decides how the body is framed (RFC 9112 6).
 *
 *  1. The head and the first piece of the body are held back until more comes. If the handler ends
 *     first, the length is known and the whole answer is one text. `flush` sends what is held back.
 *  2. If the handler gives a Content-Length, the body must have that length.
 *  3. Otherwise a body of several pieces is sent in chunks. To an HTTP/1.0 client it ends with the
 *     connection.
 *  4. The answer to HEAD, and 204, 205 and 304, have no body.
 */
import { latin1Bytes, utf8Length } from "./_characters.ts";
import type { DateLine } from "./_date.ts";
import type { Head } from "./_head.ts";
import type { Trailers } from "./_trailers.ts";
import type { AnswerSink } from "./_wire.ts";
import { LocalProtocolError } from "./local_protocol_error.ts";

/** How much gathers, in bytes, before it is sent although the handler does not wait. */
const HIGH_WATER = 16 * 1024;

/** The longest answer, in characters, that is kept with its head. */
const MAX_MEMO = 2048;

/** What the connection is to yield. Text is gathered, bytes are kept as they are. */
export class Output {
  #chunks: (string | Uint8Array)[] = [];
  /**
   * The index of the first chunk that was not taken. Shifting the list would move all others each
   * time.
   */
  #first = 0;
  #text = "";
  /** Where the answer begins, as long as nothing has been taken. */
  #mark: { chunks: number; text: number; size: number } | undefined;
  /** Roughly how much has gathered: bytes, and characters of text. */
  size = 0;

  write(data: string | Uint8Array): void {
    this.size += data.length;
    if (typeof data === "string") {
      this.#text += data;
      return;
    }
    if (this.#text !== "") {
      this.#chunks.push(this.#text);
      this.#text = "";
    }
    this.#chunks.push(data);
  }

  /** RFC 9112 7.1: chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF */
  chunk(data: string | Uint8Array, length: number): void {
    this.write(`${length.toString(16)}\r\n`);
    this.write(data);
    this.write("\r\n");
  }

  /** Notes that an answer begins here. */
  mark(): void {
    this.#mark = { chunks: this.#chunks.length, text: this.#text.length, size: this.size };
  }

  /** Takes back what was written since `mark`. Returns false if anything has been taken since. */
  revert(): boolean {
    const mark = this.#mark;
    if (mark === undefined) return false;
    // The text at the mark may be in the chunks now, if bytes came after it.
    const text = this.#chunks[mark.chunks] ?? this.#text;
    this.#text = mark.text === 0 ? "" : (text as string).slice(0, mark.text);
    this.#chunks.length = mark.chunks;
    this.size = mark.size;
    this.#mark = undefined;
    return true;
  }

  /** Takes the next piece, or undefined if nothing is left. */
  take(): string | Uint8Array | undefined {
    this.#mark = undefined;
    let chunk = this.#chunks[this.#first];
    if (chunk !== undefined) {
      this.#first++;
    } else {
      if (this.#first > 0) {
        this.#first = 0;
        this.#chunks = [];
      }
      if (this.#text === "") return undefined;
      chunk = this.#text;
      this.#text = "";
    }
    this.size -= chunk.length;
    return chunk;
  }
}

const encoder = new TextEncoder();

const WAITING = 0, HELD = 1, BY_LENGTH = 2, BY_CHUNKS = 3, BY_CLOSE = 4, NO_BODY = 5, RAW = 6;

const NO_TRAILERS = { text: "", ascii: true };

/** Gives one answer after the other. {@linkcode AnswerSink} tells what its members do. */
export class Answer implements AnswerSink {
  readonly #output: Output;
  readonly #date: DateLine;
  #state = WAITING;
  #head: Head | undefined;
  #piece: string | Uint8Array | undefined;
  #trailers: Trailers | undefined;
  #left = 0;
  /** The answer is for HEAD. */
  #headOnly = false;
  /** The answer is for HTTP/1.0. */
  #old = false;
  #keepAlive = false;
  /** The header lines of an answer after which the connection stays open. */
  #keepAliveLine = "";
  /** Whether a raw answer has no byte yet. */
  #isEmpty = false;
  close = false;
  /** The status of the final answer; 0 as long as there is none. */
  status = 0;
  /** How many bytes of its body were given. */
  bytes = 0;

  constructor(output: Output, date: DateLine) {
    this.#output = output;
    this.#date = date;
  }

  /** Begins with another answer. */
  start(headOnly: boolean, old: boolean, keepAlive: boolean, keepAliveLine = ""): void {
    this.#state = WAITING;
    this.#head = this.#piece = this.#trailers = undefined;
    this.#headOnly = headOnly;
    this.#old = old;
    this.#keepAlive = keepAlive;
    this.#keepAliveLine = keepAliveLine;
    this.close = !keepAlive;
    this.#isEmpty = false;
    this.status = this.bytes = 0;
  }

  /** The connection ends after this answer, also if the answer is taken back. */
  finish(): void {
    this.#keepAlive = false;
    this.close = true;
  }

  /** Drops the last answer: the connection is idle. */
  forget(): void {
    this.#head = this.#piece = this.#trailers = undefined;
  }

  /** Whether a part of the answer has been written. */
  get begun(): boolean {
    return this.#state > HELD;
  }

  revert(): boolean {
    if (this.begun && !this.#output.revert()) return false;
    this.start(this.#headOnly, this.#old, this.#keepAlive, this.#keepAliveLine);
    return true;
  }

  get headed(): boolean {
    return this.#state !== WAITING;
  }

  get complete(): boolean {
    return this.#headOnly && this.#state === NO_BODY;
  }

  get isOpen(): boolean {
    const head = this.#head;
    return this.#state === BY_CHUNKS || this.#state === BY_CLOSE || this.#state === RAW ||
      this.#state === HELD && !this.#headOnly && head!.contentLength === undefined &&
        !hasNoBody(head!.status);
  }

  get full(): boolean {
    return this.#output.size >= HIGH_WATER;
  }

  proceed(): void {
    // After an answer there is no need.
    if (!this.begun) this.#output.write("HTTP/1.1 100 Continue\r\n\r\n");
  }

  head(head: Head): void {
    if (this.#state !== WAITING) {
      throw twoHeads(head.status);
    }
    if (head.status < 200) {
      // RFC 9110 15.2: a server MUST NOT send a 1xx response to an HTTP/1.0 client.
      if (!this.#old) this.#write(`${head.text}\r\n`, head);
      return;
    }
    this.#head = head;
    this.status = head.status;
    this.#state = HELD;
  }

  takeOver(head: Head): void {
    if (this.#state !== WAITING) return this.head(head);
    this.#state = RAW;
    this.status = head.status;
    this.close = true;
    // RFC 9110 6.6.1: a server with a clock MUST generate a Date in all 2xx responses; in 1xx it
    // may.
    const date = head.status < 200 || head.dated ? "" : this.#date.line;
    this.#write(`${head.text}${date}${head.upgrade ? "connection: upgrade\r\n" : ""}\r\n`, head);
  }

  raw(): void {
    if (this.#state !== WAITING) {
      throw new LocalProtocolError(
        "Cannot answer with raw bytes: the head of the response has been yielded before",
      );
    }
    this.#state = RAW;
    this.#isEmpty = this.close = true;
    this.#output.mark();
  }

  trailers(trailers: Trailers): void {
    if (this.#state === WAITING) {
      throw new LocalProtocolError(
        "Cannot send trailers before the head of the response: yield ok(headers) first",
      );
    }
    if (this.#state === RAW) {
      throw new LocalProtocolError(
        "Cannot send trailers here: nothing is framed after a raw answer or a takeover has begun",
      );
    }
    if (this.#state === BY_LENGTH || this.#head?.contentLength !== undefined) {
      throw new LocalProtocolError(
        "Cannot send trailers with a Content-Length: leave it out (RFC 9112 7.1.2)",
      );
    }
    this.flush();
    this.#trailers = trailers;
  }

  data(data: string | Uint8Array): void {
    if (this.#state === RAW) {
      this.#isEmpty &&= data.length === 0;
      return this.#output.write(data);
    }
    const head = this.#head;
    if (data.length === 0 && head !== undefined) return;
    this.expectBody();
    if (this.#state === HELD) {
      if (head!.contentLength === undefined && this.#piece === undefined) {
        this.#piece = data;
        return;
      }
      this.flush();
    }
    this.#send(data);
  }

  expectBody(): void {
    const head = this.#head;
    if (head === undefined) {
      throw new LocalProtocolError(
        "Cannot send a body before the head of the response: yield ok(headers) first",
      );
    }
    if (hasNoBody(head.status)) {
      throw new LocalProtocolError(
        `Cannot send a body with status ${head.status}: the response ends with its head (RFC 9110 15)`,
      );
    }
  }

  get room(): number {
    return this.#state === BY_LENGTH ? this.#left : Infinity;
  }

  get isDirect(): boolean {
    return this.#state === BY_LENGTH || this.#state === BY_CLOSE;
  }

  get isEventStream(): boolean {
    return this.#head?.isEventStream ?? false;
  }

  moved(length: number): void {
    this.bytes += length;
    if (this.#state === BY_LENGTH) this.#left -= length;
  }

  flush(): void {
    if (this.#state !== HELD) return;
    const head = this.#head!;
    const piece = this.#piece;
    this.#output.mark();
    if (hasNoBody(head.status)) {
      this.#state = NO_BODY;
      this.#writeHead(lengthLine(head.status === 205 ? 0 : head.contentLength));
    } else if (head.contentLength !== undefined) {
      this.#state = BY_LENGTH;
      this.#left = head.contentLength;
      this.#writeHead(lengthLine(head.contentLength));
    } else if (this.#old) {
      this.#state = BY_CLOSE;
      this.close = true;
      this.#writeHead("");
    } else {
      this.#state = BY_CHUNKS;
      this.#writeHead("transfer-encoding: chunked\r\n");
    }
    if (this.#headOnly) this.#state = NO_BODY;
    if (piece !== undefined) this.#send(piece);
  }

  end(): void {
    switch (this.#state) {
      case WAITING:
        throw new LocalProtocolError(
          "Cannot answer the request: its handler has ended without a response; yield ok(headers), then the body",
        );
      case HELD:
        return this.#whole();
      case BY_LENGTH:
        if (this.#left > 0) throw missing(this.#left);
        return;
      case BY_CHUNKS:
        return this.#writeLast();
      case RAW:
        if (this.#isEmpty) {
          throw new LocalProtocolError(
            "Cannot answer the request: its handler has ended after `yield raw`, without a byte of the answer",
          );
        }
    }
  }

  /** RFC 9112 7.1: last-chunk trailer-section CRLF */
  #writeLast(): void {
    const { text, ascii } = this.#trailers ?? NO_TRAILERS;
    const last = `0\r\n${text}\r\n`;
    this.#output.write(ascii ? last : latin1Bytes(last));
  }

  /** Writes an answer that is complete. */
  #whole(): void {
    const head = this.#head!;
    const piece = this.#piece;
    this.#left = 0;
    if (piece !== undefined && !this.close && !this.#old && !this.#headOnly && head.ordinary) {
      this.#state = BY_LENGTH;
      return this.#ordinary(head, piece);
    }
    const isDropped = hasNoBody(head.status) || this.#headOnly && head.contentLength !== undefined;
    if (piece === undefined && isDropped) return this.flush();
    const length = piece === undefined ? 0 : byteLength(piece);
    if (piece === undefined && (head.contentLength ?? 0) > 0) {
      throw missing(head.contentLength!);
    }
    this.#state = BY_LENGTH;
    // RFC 9110 9.3.2: without a body, nobody knows how long that of the answer to GET would be.
    this.#writeHead(piece === undefined && this.#headOnly ? "" : lengthLine(length));
    if (piece === undefined || this.#headOnly) return;
    this.bytes = length;
    this.#output.write(piece);
  }

  /**
   * Writes a common answer. A head that is yielded again mostly has the same text, or as many
   * bytes, as the last time.
   */
  #ordinary(head: Head, piece: string | Uint8Array): void {
    const date = this.#date.line;
    const isText = typeof piece === "string";
    const body = isText ? piece : piece.length;
    const keepAlive = this.#keepAliveLine;
    let { memo } = head;
    if (
      memo === undefined || memo.body !== body || memo.date !== date || memo.keepAlive !== keepAlive
    ) {
      const length = byteLength(piece);
      const framing = `${lengthLine(length)}${keepAlive}`;
      const text = `${head.text}${date}${framing}\r\n${isText ? piece : ""}`;
      memo = { body, date, keepAlive, length, text };
      if (text.length <= MAX_MEMO) head.memo = memo;
    }
    this.bytes = memo.length;
    this.#output.write(memo.text);
    if (!isText) this.#output.write(piece);
  }

  #writeHead(framing: string): void {
    const head = this.#head!;
    if (head.close) this.close = true;
    const connection = this.close
      ? "connection: close\r\n"
      // RFC 9112 C.2.2: a server that keeps the connection of an HTTP/1.0 client open says so.
      : this.#old && this.#keepAliveLine === ""
      ? "connection: keep-alive\r\n"
      : this.#keepAliveLine;
    const upgrade = head.upgrade ? "connection: upgrade\r\n" : "";
    const date = head.dated ? "" : this.#date.line;
    this.#write(`${head.text}${date}${framing}${connection}${upgrade}\r\n`, head);
  }

  #write(text: string, head: Head): void {
    this.#output.write(head.ascii ? text : latin1Bytes(text));
  }

  #send(data: string | Uint8Array): void {
    if (this.#headOnly) return;
    const output = this.#output;
    const length = byteLength(data);
    this.bytes += length;
    switch (this.#state) {
      case BY_LENGTH:
        if (length > this.#left) throw tooMany(length, this.#left);
        this.#left -= length;
        return output.write(endsInHalf(data) ? encoder.encode(data) : data);
      case BY_CHUNKS:
        return output.chunk(data, length);
      case BY_CLOSE:
        return output.write(data);
    }
  }
}

export function twoHeads(status: number): LocalProtocolError {
  return new LocalProtocolError(
    `Cannot answer with status ${status}: the head of the response has been yielded before; ` +
      "yield one head, then the body",
  );
}

export function missing(bytes: number, message = "response"): LocalProtocolError {
  return new LocalProtocolError(
    `Cannot end the ${message}: ${bytes} bytes of its Content-Length are missing`,
  );
}

export function tooMany(length: number, left: number, message = "response"): LocalProtocolError {
  return new LocalProtocolError(
    `Cannot send ${length} bytes: only ${left} are left of the ${message}'s Content-Length`,
  );
}

/** RFC 9112 6.3, RFC 9110 15.3.5, 15.3.6, 15.4.5: 204, 205 and 304 have no body. */
export function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

function lengthLine(length: number | undefined): string {
  return length === undefined ? "" : `content-length: ${length}\r\n`;
}

/**
 * Whether text ends with the first half of a surrogate pair. If the next text began with the second
 * half, both together would be fewer bytes than were counted.
 */
export function endsInHalf(data: string | Uint8Array): data is string {
  return typeof data === "string" && (data.charCodeAt(data.length - 1) & 0xfc00) === 0xd800;
}

export function byteLength(data: string | Uint8Array): number {
  return typeof data === "string" ? utf8Length(data) : data.length;
}
