import { byteLength, endsInHalf, missing, tooMany } from "../_answer.ts";
import { latin1 } from "../_characters.ts";
import { bad, ofResponse } from "../_faults.ts";
import { listed } from "../_head.ts";
import { limitsOf, refuseUnknown } from "../_limits.ts";
import { checkUpgrade } from "../_takes_over.ts";
import { RequestHead } from "../client/_request_head.ts";
import { type ClientLimits, defaultClientLimits } from "../client/client_limits.ts";
import { TUNNEL } from "../h1/_field_values.ts";
import type { Heads } from "../h1/_heads.ts";
import { ResponseBody } from "../h1/_response_body.ts";
import { type ResponseHeadParser, responseHeads } from "../h1/_response_head.ts";
import type { HeadersToSend } from "../headers_to_send.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { Bytes, checkData, cut, headersIn } from "./_bytes.ts";
import type { ClientEvent, CloseEvent, ResponseEvent } from "./events.ts";

/**
 * How a {@linkcode ClientWire} reads.
 *
 * @category Wires
 */
export interface ClientWireOptions {
  /** How much a response may be. Those that are missing have their defaults. */
  readonly limits?: Partial<ClientLimits>;
}

/**
 * What a request has besides its method and target.
 *
 * @category Wires
 */
export interface WireRequestOptions {
  /** The headers, with Host. Connection is added where it is needed. */
  readonly headers: HeadersToSend;
  /**
   * Whether to ask for a 100, an `interim` event, before you send the body.
   *
   * @default {false}
   */
  readonly expectContinue?: boolean;
}

const encoder = new TextEncoder();

/** RFC 9112 6.3: the headers by which a request has a body. */
const BODY = /^(?:content-length|transfer-encoding)$/i;

/**
 * The client's side of one connection.
 *
 *  1. `request()`, `write()` and `end()` ask. A body needs a Content-Length, or `transfer-encoding:
 *     chunked`, among the headers.
 *  2. `take()` gives the bytes to send.
 *  3. `receive()` takes bytes, and `nextEvent()` tells what is in them: `interim` responses, then
 *     `response`, `data` and `end`; `close` if the server has closed the connection and was not asked.
 *  4. After the `end` the next request can be sent, unless `closes` is true: then the connection is to
 *     be closed.
 *
 * @example A request with a body
 * ```ts
 * import { ClientWire } from "@weightless/io/http/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const wire = new ClientWire();
 * const headers = { host: "example.org", "transfer-encoding": "chunked" };
 * wire.request("POST", "/tea", { headers });
 * wire.write("Earl Grey");
 * wire.end();
 * let sent = "";
 * for (let bytes; (bytes = wire.take()) !== undefined;) sent += new TextDecoder().decode(bytes);
 * assertEquals(
 *   sent,
 *   "POST /tea HTTP/1.1\r\nhost: example.org\r\ntransfer-encoding: chunked\r\n\r\n" +
 *     "9\r\nEarl Grey\r\n0\r\n\r\n",
 * );
 *
 * wire.receive(new TextEncoder().encode("HTTP/1.1 204 No Content\r\n\r\n"));
 * const event = wire.nextEvent();
 * assertEquals(event?.type === "response" && event.status, 204);
 * assertEquals(wire.nextEvent(), { type: "end", trailers: undefined });
 * assertEquals(wire.closes, false);
 * ```
 *
 * @category Wires
 */
export class ClientWire {
  readonly #limits: ClientLimits;
  readonly #heads: Heads<ResponseHeadParser>;
  readonly #bytes = new Bytes();
  readonly #body: ResponseBody;
  #reading: "nothing" | "head" | "body" | "tunnel" | "closed" = "nothing";
  #method = "";
  /** The protocols that were asked for. */
  #upgrade = "";
  /** How many bytes of the body are missing; "chunks" if it is chunked. */
  #left: number | "chunks" = 0;
  /** Whether the request is complete. */
  #isSent = true;
  #interims = 0;
  #closes = false;
  #fault: unknown = undefined;

  /**
   * Makes the side of a client for a new connection.
   *
   * @param options Limits.
   * @throws {TypeError} If an option is unknown.
   * @throws {RangeError} If a limit is neither a whole number nor Infinity.
   */
  constructor(options: ClientWireOptions = {}) {
    refuseUnknown("speak HTTP", options, ["limits"]);
    this.#limits = limitsOf(options.limits ?? defaultClientLimits, defaultClientLimits);
    this.#heads = responseHeads(this.#limits);
    this.#body = new ResponseBody(this.#bytes.input, this.#limits);
  }

  /** Whether no other request can be sent: the connection is to be closed after this response. */
  get closes(): boolean {
    return this.#closes;
  }

  /**
   * Begins a request.
   *
   * @param method The method, as `GET`.
   * @param target The target: `/path?query`; `example.org:443` for CONNECT.
   * @param options The headers, and whether to wait for a 100.
   * @throws {LocalProtocolError} If it cannot be sent, or not now.
   */
  request(method: string, target: string, options: WireRequestOptions): void {
    refuseUnknown("ask", options, ["headers", "expectContinue"]);
    if (this.#closes || this.#reading !== "nothing" || !this.#isSent) {
      throw new LocalProtocolError(
        this.#closes
          ? "Cannot ask: the connection is to be closed, open another one"
          : "Cannot ask: the last request or its response is not complete",
      );
    }
    if (!/^[!-~]+$/.test(target)) {
      throw new LocalProtocolError(
        `Cannot ask for ${
          JSON.stringify(target)
        }: a target is ASCII without spaces, as /path?query`,
      );
    }
    const headers = listed(options.headers);
    const hasBody = headers.some(([name]) => BODY.test(name));
    const head = new RequestHead({
      method,
      target,
      host: undefined,
      headers,
      made: {},
      content: hasBody ? { length: undefined, type: undefined } : undefined,
      expects: options.expectContinue === true,
    });
    this.#left = head.length ?? "chunks";
    this.#method = method;
    this.#upgrade = head.upgrade;
    this.#isSent = false;
    this.#closes = head.close;
    this.#interims = 0;
    this.#reading = "head";
    this.#bytes.output.write(head.data);
  }

  /**
   * Sends a piece of the body; after a 101, or a 2xx to CONNECT, what is to be sent then.
   *
   * @param data Text, which is sent in UTF-8, or bytes, which must not be changed afterwards.
   * @throws {LocalProtocolError} If it is more than the Content-Length, or there is no request.
   * @throws {TypeError} If it is neither text nor bytes.
   */
  write(data: string | Uint8Array): void {
    checkData(data);
    if (this.#reading === "tunnel") return this.#bytes.output.write(data);
    if (this.#isSent) {
      throw new LocalProtocolError("Cannot send a body: no request has begun that is not complete");
    }
    if (data.length === 0) return;
    const length = byteLength(data);
    // What follows may be the other half of a character.
    if (endsInHalf(data)) data = encoder.encode(data);
    if (this.#left === "chunks") return this.#bytes.output.chunk(data, length);
    if (length > this.#left) throw tooMany(length, this.#left, "request");
    this.#left -= length;
    this.#bytes.output.write(data);
  }

  /**
   * Ends the request.
   *
   * @throws {LocalProtocolError} If a part of its body is missing.
   */
  end(): void {
    if (this.#isSent) return;
    if (this.#left === "chunks") this.#bytes.output.write("0\r\n\r\n");
    else if (this.#left > 0) throw missing(this.#left, "request");
    this.#isSent = true;
  }

  /**
   * What is to be sent next.
   *
   * @returns The bytes, or undefined if nothing waits to be sent.
   */
  take(): Uint8Array | undefined {
    return this.#bytes.take();
  }

  /**
   * Takes what has been received.
   *
   * Ask for all events before you give it more: what has not been read is copied then. Do not use the
   * bytes again; the data of events are views of them.
   *
   * @param bytes The bytes; null if the server sends no more.
   * @throws {TypeError} If it is something else.
   */
  receive(bytes: Uint8Array | null): void {
    this.#bytes.receive(bytes);
  }

  /**
   * What comes next in the bytes that were received.
   *
   * @returns The event, or undefined if more must be received first.
   * @throws {RemoteProtocolError} If it is malformed, exceeds the limits, was cut, or was not asked for.
   */
  nextEvent(): ClientEvent | undefined {
    if (this.#fault !== undefined) throw this.#fault;
    try {
      return this.#next();
    } catch (error) {
      this.#closes = true;
      throw this.#fault = ofResponse(error);
    }
  }

  #next(): ClientEvent | undefined {
    switch (this.#reading) {
      case "nothing":
        if (!this.#bytes.input.empty) throw bad("bytes that nobody has asked for");
        return this.#close();
      case "head": {
        const head = this.#heads.read(this.#bytes.input);
        if (head !== undefined) return this.#answered(head);
        if (this.#bytes.hasEnded) throw cut("head");
        return undefined;
      }
      case "body": {
        const data = this.#body.read();
        if (data !== undefined) return { type: "data", data };
        if (!this.#body.done && !(this.#bytes.hasEnded && this.#body.end())) {
          if (this.#bytes.hasEnded) throw cut("body");
          return undefined;
        }
        this.#reading = "nothing";
        // What is left of the request would come before the next one.
        this.#closes ||= !this.#isSent;
        this.#isSent = true;
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

  /** Tells once that the server sends no more. */
  #close(): CloseEvent | undefined {
    if (!this.#bytes.hasEnded) return undefined;
    this.#reading = "closed";
    this.#closes = true;
    return { type: "close" };
  }

  #answered(head: ResponseHeadParser): ResponseEvent {
    const { status, version, bytes, reasonFrom, reasonTo, headersFrom, headersTo } = head;
    const framing = head.framing(this.#method);
    this.#closes ||= !head.keepAlive;
    const headers = headersIn(bytes, headersFrom, headersTo);
    const isInterim = status < 200 && status !== 101;
    if (isInterim) {
      if (++this.#interims > this.#limits.maxInterimResponses) {
        throw new RemoteProtocolError(
          `Cannot read the response: more than ${this.#limits.maxInterimResponses} interim responses came before it`,
          { status: 502 },
        );
      }
    } else {
      if (framing === TUNNEL && !this.#isSent) {
        // RFC 9110 7.8: a server MUST NOT switch before it has got the request.
        throw new RemoteProtocolError(
          `Cannot read the response: status ${status} came before the request was complete`,
          { status: 502 },
        );
      }
      if (status === 101) checkUpgrade(headers, this.#upgrade);
      this.#body.start(framing);
      this.#reading = framing === TUNNEL ? "tunnel" : "body";
    }
    head.forget();
    const reason = latin1(bytes, reasonFrom, reasonTo);
    return { type: isInterim ? "interim" : "response", status, reason, version, headers };
  }
}
