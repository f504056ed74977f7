/**
 * Writes one answer to a stream of HTTP/2: takes what the handler yields.
 *
 *  1. The head and what follows are held back until the handler waits or ends, or much has gathered. So
 *     an answer whose handler has failed by then can be taken back. If the handler has ended by then, the
 *     length is known, and is told.
 *  2. If the handler gives a Content-Length, the body must have that length.
 *  3. The answer to HEAD, and 204, 205 and 304, have no body.
 */
import { byteLength, hasNoBody, missing, tooMany, twoHeads } from "../_answer.ts";
import type { DateLine } from "../_date.ts";
import type { Head } from "../_head.ts";
import type { Trailers } from "../_trailers.ts";
import type { AnswerSink } from "../_wire.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import { listOfHead, listOfTrailers } from "./_field_text.ts";
import { type H2Stream, HIGH_WATER } from "./_stream.ts";

const WAITING = 0, HELD = 1, SENDING = 2, NO_BODY = 3, TUNNEL = 4;

/** {@linkcode AnswerSink} tells what its members do. */
export class StreamAnswer implements AnswerSink {
  readonly #stream: H2Stream;
  readonly #date: DateLine;
  #headOnly = false;
  #state = WAITING;
  #head: Head | undefined = undefined;
  /** The first piece of a body that is held back; the others are in the queue of the stream. */
  #piece: string | Uint8Array | undefined = undefined;
  #trailers: Trailers | undefined = undefined;
  /** A stream is always the last one on itself. */
  close = false;
  status = 0;
  bytes = 0;

  constructor(stream: H2Stream, date: DateLine) {
    this.#stream = stream;
    this.#date = date;
  }

  /** Begins with another answer. */
  start(headOnly: boolean): void {
    this.#headOnly = headOnly;
    this.#state = WAITING;
    this.#head = this.#piece = this.#trailers = undefined;
    this.status = this.bytes = 0;
  }

  revert(): boolean {
    if (this.#state > HELD) return false;
    this.#stream.unwrite();
    this.start(this.#headOnly);
    return true;
  }

  get headed(): boolean {
    return this.#state !== WAITING;
  }

  get complete(): boolean {
    return this.#headOnly && this.#state === NO_BODY;
  }

  get isOpen(): boolean {
    if (this.#state === TUNNEL) return true;
    const isBody = this.#state === SENDING ||
      this.#state === HELD && !this.#headOnly && !hasNoBody(this.status);
    return isBody && this.#head!.contentLength === undefined;
  }

  get full(): boolean {
    return this.#stream.isFull;
  }

  get room(): number {
    const length = this.#head?.contentLength;
    return length === undefined || this.#state === TUNNEL ? Infinity : length - this.bytes;
  }

  /** The kernel moves nothing: all is in frames. */
  get isDirect(): boolean {
    return false;
  }

  get isEventStream(): boolean {
    return this.#head?.isEventStream ?? false;
  }

  moved(): void {}

  proceed(): void {
    if (this.#state === WAITING) this.#stream.session.head(this.#stream, CONTINUE, false);
  }

  head(head: Head): void {
    if (this.#state !== WAITING) throw twoHeads(head.status);
    if (head.status < 200) {
      // RFC 9113 8.6: there is no 101. `takesOver` has refused it.
      return this.#stream.session.head(this.#stream, listOfHead(head), false);
    }
    this.#head = head;
    this.status = head.status;
    this.#state = HELD;
  }

  takeOver(head: Head): void {
    if (this.#state !== WAITING) return this.head(head);
    this.#state = TUNNEL;
    this.#head = head;
    this.status = head.status;
    this.#sendHead(undefined, false);
  }

  raw(): void {
    throw new LocalProtocolError(
      "Cannot answer with raw bytes: HTTP/2 has none (request.version tells)",
    );
  }

  trailers(trailers: Trailers): void {
    if (this.#state === WAITING) {
      throw new LocalProtocolError(
        "Cannot send trailers before the head of the response: yield ok(headers) first",
      );
    }
    if (this.#state === TUNNEL) {
      throw new LocalProtocolError("Cannot send trailers here: a tunnel has none");
    }
    if (this.#head!.contentLength !== undefined) {
      throw new LocalProtocolError(
        "Cannot send trailers with a Content-Length: leave it out (RFC 9112 7.1.2)",
      );
    }
    this.#trailers = trailers;
  }

  data(data: string | Uint8Array): void {
    const head = this.#head;
    if (data.length === 0 && head !== undefined) return;
    this.expectBody();
    const length = byteLength(data);
    if (this.#state !== TUNNEL && length > this.room) throw tooMany(length, this.room);
    if (this.#headOnly && this.#state !== TUNNEL) {
      // It is not sent, but its length would be told.
      this.bytes += length;
      return;
    }
    this.bytes += length;
    if (this.#state === HELD) {
      if (this.#piece === undefined && this.#stream.queued === 0 && length < HIGH_WATER) {
        this.#piece = data;
        return;
      }
      this.#queuePiece();
    }
    this.#stream.write(data);
    if (this.#state !== HELD) this.#stream.flush();
  }

  expectBody(): void {
    if (this.#head === undefined) {
      throw new LocalProtocolError(
        "Cannot send a body before the head of the response: yield ok(headers) first",
      );
    }
    if (this.#state !== TUNNEL && hasNoBody(this.status)) {
      throw new LocalProtocolError(
        `Cannot send a body with status ${this.status}: the response ends with its head (RFC 9110 15)`,
      );
    }
  }

  flush(): void {
    if (this.#state !== HELD) return;
    const isWithout = hasNoBody(this.status);
    this.#state = isWithout || this.#headOnly ? NO_BODY : SENDING;
    this.#sendHead(this.#head!.contentLength, false);
    if (this.#state === NO_BODY) return;
    this.#queuePiece();
    this.#stream.flush();
  }

  end(): void {
    switch (this.#state) {
      case WAITING:
        throw new LocalProtocolError(
          "Cannot answer the request: its handler has ended without a response; yield ok(headers), then the body",
        );
      case HELD:
        return this.#whole();
      case SENDING:
        if (this.room > 0 && this.room < Infinity) throw missing(this.room);
    }
    const trailers = this.#trailers;
    this.#stream.end(trailers === undefined ? undefined : listOfTrailers(trailers));
  }

  /** Writes an answer that is complete. */
  #whole(): void {
    const stream = this.#stream;
    const head = this.#head!;
    const { contentLength } = head;
    const piece = this.#piece;
    if (this.#headOnly || hasNoBody(head.status)) {
      this.#state = NO_BODY;
      // RFC 9110 9.3.2: without a body, nobody knows how long that of the answer to GET would be.
      const length = contentLength ?? (this.bytes > 0 ? this.bytes : undefined);
      return this.#sendHead(length, true);
    }
    if (contentLength !== undefined && this.bytes < contentLength) {
      throw missing(contentLength - this.bytes);
    }
    this.#state = SENDING;
    const trailers = this.#trailers;
    if (trailers !== undefined) {
      this.#sendHead(undefined, false);
      this.#queuePiece();
      return stream.end(listOfTrailers(trailers));
    }
    this.#sendHead(this.bytes, this.bytes === 0);
    if (this.bytes === 0) return;
    if (piece === undefined) stream.end();
    else stream.session.body(stream, piece, this.bytes);
  }

  #sendHead(length: number | undefined, isEnd: boolean): void {
    const head = this.#head!;
    const date = head.dated ? undefined : this.#date.value;
    this.#stream.session.answer(this.#stream, listOfHead(head), date, length, isEnd);
  }

  #queuePiece(): void {
    if (this.#piece !== undefined) this.#stream.write(this.#piece);
    this.#piece = undefined;
  }
}

const CONTINUE = [":status", "100"];
