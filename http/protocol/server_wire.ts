import { Answer } from "../_answer.ts";
import { Body } from "../_body.ts";
import { latin1 } from "../_characters.ts";
import { type DateLine, dateLineOf, type WallClock } from "../_date.ts";
import { headOf } from "../_head.ts";
import { allLimits, refuseUnknown, schemeOf } from "../_limits.ts";
import { takesOver } from "../_takes_over.ts";
import { Trailers } from "../_trailers.ts";
import type { Heads } from "../h1/_heads.ts";
import { type RequestHeadParser, requestHeads } from "../h1/_request_head.ts";
import type { HeadersToSend } from "../headers_to_send.ts";
import type { HttpLimits } from "../http_limits.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import { Bytes, checkData, cut, headersIn } from "./_bytes.ts";
import type { CloseEvent, RequestEvent, ServerEvent } from "./events.ts";

/**
 * How a {@linkcode ServerWire} reads and answers.
 *
 * @category Wires
 */
export interface ServerWireOptions {
  /** How much a request may be. Those that are missing have their defaults. */
  readonly limits?: Partial<HttpLimits>;
  /**
   * Whether the connection is secured by TLS.
   *
   * @default {"http"}
   */
  readonly scheme?: "http" | "https";
  /**
   * The clock for the Date header, in milliseconds since 1970.
   *
   * @default {Date}
   */
  readonly clock?: { now(): number };
}

/** What is read: the head of a request, its body, or nothing until it has been answered. */
type Reading = "head" | "body" | "nothing" | "tunnel" | "closed";

/**
 * The server's side of one connection.
 *
 *  1. `receive()` takes bytes, and `nextEvent()` tells what is in them: `request`, `data` and `end`
 *     for each request, then the next one when this one has been answered; `close` at the end.
 *  2. `respond()`, `write()` and `end()` answer. The first piece of the body is held back: if all of
 *     it is known before `take()` is asked, it has a Content-Length, else it is sent in chunks.
 *  3. `take()` gives the bytes to send. When it gives no more and `closes` is true, the connection is
 *     to be closed.
 *  4. A malformed request is a RemoteProtocolError of `nextEvent()`, and is the last one. It can be
 *     answered with the status of the error, if `answering` is `"head"`.
 *
 * @example A request and its answer
 * ```ts
 * import { ServerWire } from "@weightless/io/http/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const wire = new ServerWire({ clock: { now: () => 0 } });
 * wire.receive(new TextEncoder().encode("GET /tea HTTP/1.1\r\nHost: example.org\r\n\r\n"));
 * const event = wire.nextEvent();
 * assertEquals(event?.type === "request" && event.target, "/tea");
 *
 * wire.respond(200);
 * wire.write("Earl Grey");
 * wire.end();
 * assertEquals(
 *   new TextDecoder().decode(wire.take()),
 *   "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: 9\r\n\r\nEarl Grey",
 * );
 * assertEquals(wire.closes, false);
 * ```
 *
 * @example A malformed request
 * ```ts
 * import { RemoteProtocolError, ServerWire } from "@weightless/io/http/protocol";
 * import { assertEquals, assertMatch, assertThrows } from "@std/assert";
 *
 * const wire = new ServerWire();
 * wire.receive(new TextEncoder().encode("GET / HTTP/1.1\r\nContent-Length: +5\r\n"));
 * const error = assertThrows(() => wire.nextEvent(), RemoteProtocolError, "Content-Length");
 * wire.respond(error.status);
 * wire.write(error.message);
 * wire.end();
 * assertMatch(new TextDecoder().decode(wire.take()), /^HTTP\/1\.1 400 Bad Request/);
 * assertEquals(wire.closes, true);
 * ```
 *
 * @category Wires
 */
export class ServerWire {
  readonly #limits: HttpLimits;
  readonly #date: DateLine;
  readonly #heads: Heads<RequestHeadParser>;
  readonly #answer: Answer;
  readonly #bytes = new Bytes();
  readonly #body: Body;
  #reading: Reading = "head";
  /** What is being answered. It is undefined if its head was malformed. */
  #request: RequestEvent | undefined = undefined;
  #answering: "nothing" | "head" | "body" = "nothing";
  /** Whether the client waits for a 100. */
  #isExpecting = false;
  #requests = 0;
  #fault: unknown = undefined;

  /**
   * Makes the side of a server for a new connection.
   *
   * @param options Limits, the scheme and a clock.
   * @throws {TypeError} If an option is unknown, or the scheme neither "http" nor "https".
   * @throws {RangeError} If a limit is neither a whole number nor Infinity.
   */
  constructor(options: ServerWireOptions = {}) {
    refuseUnknown("speak HTTP", options, ["limits", "scheme", "clock"]);
    const clock: WallClock = options.clock ?? Date;
    this.#limits = allLimits(options.limits);
    this.#date = dateLineOf(clock);
    this.#heads = requestHeads(this.#limits, schemeOf(options.scheme, false));
    this.#answer = new Answer(this.#bytes.output, this.#date);
    this.#body = new Body(this.#bytes.input, this.#limits);
  }

  /** Whether the connection is to be closed when all that waits has been sent. */
  get closes(): boolean {
    return this.#answering === "nothing" && this.#answer.close && this.#reading !== "tunnel";
  }

  /**
   * What is missing of the answer: its `"head"`, until {@linkcode ServerWire.respond} has given it, the rest of
   * its `"body"`, until {@linkcode ServerWire.end}, or `"nothing"`: no request waits for an answer.
   */
  get answering(): "nothing" | "head" | "body" {
    return this.#answering;
  }

  /**
   * Takes what has been received.
   *
   * Ask for all events before you give it more: what has not been read is copied then. Do not use the
   * bytes again; the data of events are views of them.
   *
   * @param bytes The bytes; null if the client sends no more.
   * @throws {TypeError} If it is something else.
   */
  receive(bytes: Uint8Array | null): void {
    this.#bytes.receive(bytes);
  }

  /**
   * What comes next in the bytes that were received.
   *
   * @returns The event; undefined if more must be received first, or the request be answered.
   * @throws {RemoteProtocolError} If it is malformed, exceeds the limits, or was cut.
   */
  nextEvent(): ServerEvent | undefined {
    if (this.#fault !== undefined) throw this.#fault;
    try {
      return this.#next();
    } catch (error) {
      this.#fault = error;
      // What is wrong in a body that was answered early cannot be answered once more.
      if (this.#reading === "head") this.#begin(this.#heads.parser.method === "HEAD", false, false);
      this.#answer.close = true;
      throw error;
    }
  }

  #next(): ServerEvent | undefined {
    switch (this.#reading) {
      case "nothing":
        if (this.#answering !== "nothing" || this.#answer.close) return undefined;
        this.#reading = "head";
        return this.#next();
      case "head": {
        const head = this.#heads.read(this.#bytes.input);
        if (head !== undefined) return this.#asked(head);
        if (this.#bytes.hasEnded && this.#heads.gathered > 0 && this.#heads.parser.isBegun) {
          throw cut("head");
        }
        return this.#close();
      }
      case "body": {
        const data = this.#body.read();
        if (data !== undefined || this.#body.done) this.#isExpecting = false;
        if (data !== undefined) return { type: "data", data };
        if (!this.#body.done) return this.#awaitMore();
        this.#reading = "nothing";
        return { type: "end", trailers: this.#body.trailers };
      }
      case "tunnel": {
        const data = this.#body.read();
        if (data !== undefined) return { type: "data", data };
        return this.#close();
      }
      case "closed":
        return undefined;
    }
  }

  #awaitMore(): undefined {
    if (this.#bytes.hasEnded) throw cut("body");
  }

  /** Tells once that the client sends no more. */
  #close(): CloseEvent | undefined {
    if (!this.#bytes.hasEnded) return undefined;
    this.#reading = "closed";
    return { type: "close" };
  }

  #asked(head: RequestHeadParser): RequestEvent {
    const { bytes, method, version, targetFrom, targetTo, headersFrom, headersTo } = head;
    const request: RequestEvent = {
      type: "request",
      method,
      target: latin1(bytes, targetFrom, targetTo),
      version,
      headers: headersIn(bytes, headersFrom, headersTo),
      expectsContinue: head.expectContinue,
    };
    const keepAlive = head.keepAlive && ++this.#requests < this.#limits.maxRequests;
    this.#body.start(head.contentLength);
    head.forget();
    this.#request = request;
    this.#isExpecting = request.expectsContinue;
    this.#reading = "body";
    this.#begin(method === "HEAD", version === "1.0", keepAlive);
    return request;
  }

  #begin(headOnly: boolean, old: boolean, keepAlive: boolean): void {
    this.#answering = "head";
    this.#answer.start(headOnly, old, keepAlive);
  }

  /**
   * Begins the answer. A status below 200 announces the real one. After a 101, or a 2xx to CONNECT,
   * nothing is framed any more: {@linkcode ServerWire.write} sends what it is given, and what comes is `data`.
   *
   * @param status The status code: 100 to 599.
   * @param headers The headers. Date, Connection, and Content-Length or Transfer-Encoding are added.
   * @throws {LocalProtocolError} If it cannot be sent, or there is nothing to be answered.
   */
  respond(status: number, headers: HeadersToSend = {}): void {
    const head = headOf(status, headers);
    const request = this.#request;
    if (this.#answering !== "head") {
      throw new LocalProtocolError(
        `Cannot respond with status ${status}: ${
          this.#answering === "body"
            ? "the answer has begun, write() or end() it"
            : "no request has come that is not answered yet"
        }`,
      );
    }
    this.#date.stale = true;
    if (
      request !== undefined && this.#fault === undefined && takesOver(head, request, this.#body)
    ) {
      this.#answer.takeOver(head);
      this.#body.takeOver();
      this.#reading = "tunnel";
      this.#answering = "body";
      return;
    }
    this.#answer.head(head);
    if (status >= 200) this.#answering = "body";
    if (status === 100) this.#isExpecting = false;
    // The client may send the body or not, so no other request can be read after it.
    else if (status >= 200 && this.#isExpecting) this.#answer.close = true;
  }

  /**
   * Sends a piece of the body.
   *
   * @param data Text, which is sent in UTF-8, or bytes, which must not be changed afterwards.
   * @throws {LocalProtocolError} If no body can be sent, or more than its Content-Length.
   * @throws {TypeError} If it is neither text nor bytes.
   */
  write(data: string | Uint8Array): void {
    this.#checkBegun("send a body");
    this.#answer.data(checkData(data));
  }

  /**
   * Ends the answer.
   *
   * @param trailers Headers to send after the body. It must have no Content-Length then.
   * @throws {LocalProtocolError} If a part of it is missing, or the trailers cannot be sent.
   */
  end(trailers?: HeadersToSend): void {
    this.#checkBegun("end the answer");
    if (trailers !== undefined) this.#answer.trailers(new Trailers(trailers));
    this.#answer.end();
    this.#answering = "nothing";
    this.#request = undefined;
    if (this.#reading === "tunnel") this.#reading = "closed";
  }

  #checkBegun(doing: string): void {
    if (this.#answering === "body") return;
    throw new LocalProtocolError(
      `Cannot ${doing}: ${
        this.#answering === "head"
          ? "respond() gives the head first"
          : "no request has come that is not answered yet"
      }`,
    );
  }

  /**
   * What is to be sent next. What is held back of an answer comes with it.
   *
   * @returns The bytes, or undefined if nothing waits to be sent.
   */
  take(): Uint8Array | undefined {
    if (this.#answering !== "nothing") this.#answer.flush();
    return this.#bytes.take();
  }
}
