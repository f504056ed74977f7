import { closedError } from "../../reactor/_closed_error.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { byteLength, hasNoBody } from "../_answer.ts";
import { ofResponse, tooLargeBody } from "../_faults.ts";
import { BodyContext, type BodyOrigin } from "../client/_body_context.ts";
import {
  type Attention,
  type Carrier,
  DRAIN_MS,
  type Exchange,
  type Repeatable,
  told,
} from "../client/_carrier.ts";
import type { ClientLimits } from "../client/client_limits.ts";
import { Deadline, lateHead, silentBody } from "../client/_deadline.ts";
import { Upload, type UploadUser } from "../client/_upload.ts";
import type { ConnectionInfo } from "../connection_info.ts";
import { HttpHeaders } from "../http_headers.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { CANCEL, HTTP_1_1_REQUIRED, PROTOCOL_ERROR, REFUSED_STREAM } from "./_codes.ts";
import { listOfRequest } from "./_field_text.ts";
import { H2Error, streamError } from "./_h2_error.ts";
import type { H2ResponseHead } from "./_response_head.ts";
import type { H2Stream, StreamUser } from "./_stream.ts";
import { StreamContext } from "./_stream_context.ts";

/*
 * A stream of a client: one request and its response. Its rules are those of a connection of HTTP/1.1
 * (`http/client/_client_connection.ts`), but:
 *
 *  1. What arrives is kept by the stream, up to its window. When all of a body has arrived, the stream has
 *     ended, whether somebody reads the body or not.
 *  2. What is given up is reset. But a short body that nobody wants is read and dropped, since servers
 *     count the streams that are reset.
 */

const NOTHING = new Uint8Array(0);

/** What a stream needs of its connection. */
export interface ClientStreams extends Attention {
  readonly reactor: Reactor;
  readonly info: ConnectionInfo;
  readonly limits: ClientLimits;
  readonly scheme: "http" | "https";
  /** How often something has come from the server. */
  readonly received: number;
  /** How many requests it has carried. */
  readonly requests: number;
  /** Whether an extended CONNECT may be sent (RFC 8441 3). */
  readonly canConnect: boolean;
  /** Opens a stream for a request. If nobody uses the connection after it, it is kept so long. */
  open(user: ClientStream, idleMs: number): H2Stream;
  /** The head of a response has come; the stream is told when all that came with it has been read. */
  answered(stream: ClientStream): void;
  /** A request is given up, and nothing has come from the server meanwhile. */
  doubt(): void;
}

type State = "head" | "body" | "dropping" | "tunnel" | "over";

export class ClientStream implements Carrier, BodyOrigin, UploadUser, StreamUser {
  readonly reactor: Reactor;
  readonly info: ConnectionInfo;
  readonly isPlain = false;
  readonly isOut = true;
  readonly direct = 0;
  readonly isReused: boolean;
  trailers: HttpHeaders | undefined = undefined;
  readonly #streams: ClientStreams;
  readonly #deadline: Deadline;
  readonly #upload: Upload = new Upload(this);
  #stream!: H2Stream;
  #exchange!: Exchange;
  #state: State = "over";
  #interims = 0;
  /** Whether the response has come, and the exchange has not been told. */
  #isDue = false;
  /** The body that is being read, and how many bytes of it have been. */
  #context: BodyContext | undefined = undefined;
  #bytes = 0;
  /** How much was sent, and how often something had come, when the time for the head began. */
  #sent = 0;
  #received = 0;
  #raw: Tunnel | undefined = undefined;
  /** Why the stream cannot be used any more. */
  fault: unknown = undefined;
  #endHold: (() => void) | undefined = undefined;
  #isLent = false;
  #isWriterLent = false;
  /** The coroutine of the body waits until it can write more. */
  #whenWritable: (() => void) | undefined = undefined;

  constructor(streams: ClientStreams) {
    this.#streams = streams;
    this.reactor = streams.reactor;
    this.info = streams.info;
    this.isReused = streams.requests > 0;
    this.#deadline = new Deadline(this.reactor, () => this.#overdue());
  }

  // As what carries an exchange:

  ask(exchange: Exchange): void {
    const { content, head, method, timeouts } = exchange;
    if (head.protocol !== undefined && !this.#streams.canConnect) {
      const error = new RemoteProtocolError(
        `Cannot ask ${exchange.what}: the server has no CONNECT for other protocols in HTTP/2 (RFC 8441 3)`,
        { status: 502 },
      );
      return exchange.lost(error, "never");
    }
    const list = listOfRequest(head, this.#streams.scheme);
    const stream = this.#stream = this.#streams.open(this, timeouts.idleMs);
    this.#exchange = exchange;
    this.#state = "head";
    this.#received = this.#streams.received;
    const isEnd = content === undefined && method !== "CONNECT";
    stream.session.answer(stream, list, undefined, undefined, isEnd);
    this.#upload.begin(exchange);
    this.progressed();
  }

  get isClosed(): boolean {
    return this.#state === "over" || this.#state === "tunnel";
  }

  get tunnel(): StreamContext {
    return this.raw;
  }

  close(): void {}

  fail(error: unknown): void {
    const isDue = this.#isDue;
    this.#isDue = false;
    if (this.#state !== "over") {
      if (this.#isSilent) this.#streams.doubt();
      this.fault = error;
      this.#stream.reset(CANCEL, error);
      this.lost(error); // It may have been closed before.
    }
    if (isDue) this.#exchange.lost(error, "never");
  }

  // What the session tells:

  /** Takes a head. Throws if it must not come. */
  headed(head: H2ResponseHead): void {
    if (head.status >= 200) return this.#answer(head);
    const { maxInterimResponses } = this.#streams.limits;
    if (++this.#interims > maxInterimResponses) {
      throw streamError(PROTOCOL_ERROR, `more than ${maxInterimResponses} interim responses`);
    }
    this.#stream.expected = Infinity;
    if (head.status === 100) this.#upload.proceed();
    try {
      this.#exchange.interim(head);
    } catch (error) {
      this.fail(error);
    }
  }

  #answer(head: H2ResponseHead): void {
    const stream = this.#stream;
    const exchange = this.#exchange;
    const { limits } = this.#streams;
    const { status, bodyLength } = head;
    const { method } = exchange;
    stream.awaitsHead = false;
    this.#upload.dropHeld();
    this.#deadline.begin(Infinity);
    if (method === "CONNECT" && status < 300) {
      // RFC 9113 8.5: what follows is that of the tunnel.
      stream.expected = Infinity;
      this.#state = "tunnel";
      exchange.answered(head, NOTHING, this);
      this.#isDue = true;
      return this.#streams.answered(this);
    }
    // RFC 9113 8.1.1: without a body a Content-Length tells nothing of what comes.
    const isHead = method === "HEAD";
    if (isHead) stream.expected = Infinity; // Deno.serve sends a body. It is dropped.
    else if (hasNoBody(status)) stream.expected = 0;
    else if (bodyLength < Infinity && bodyLength > limits.maxBodyBytes) {
      return this.fail(this.#tooLarge());
    }
    this.#state = "body";
    const context = this.#context = new BodyContext(this);
    exchange.answered(head, context, this);
    this.#isDue = true;
    this.#streams.answered(this);
    if (!isHead) return;
    context.completed();
    this.#drop();
  }

  /** All that has come with the head has been received. */
  deliver(): void {
    if (!this.#isDue) return; // It was given up meanwhile.
    this.#isDue = false;
    this.#exchange.deliver();
  }

  received(): void {
    const state = this.#state;
    if (state === "head") { // The session lets no data come before a head.
      return this.fail(this.#told(new Error("The server has ended the stream (RFC 9113 8.1)")));
    }
    if (state === "dropping" && this.#stream.isAtEnd) return this.#settle();
    this.#context?.gather();
    this.#context?.tell();
    this.#raw?.notify("read");
  }

  trailed(lines: Uint8Array): void {
    this.trailers = new HttpHeaders(lines);
  }

  drained(): void {
    this.progressed();
    this.#whenWritable?.();
    this.#raw?.notify("write");
  }

  lost(error: unknown): void {
    const state = this.#state;
    if (state === "over") return;
    const fault = this.fault ??= this.#told(error);
    const exchange = this.#exchange;
    const context = this.#context;
    const isOurs = fault === error;
    this.#leave();
    // What the server has said in a tunnel, up to its end, is whole, also if it wants to hear no more.
    if (state === "tunnel" && this.#stream.wasEnded) this.raw.keep();
    for (let piece; (piece = this.#stream.read()) !== undefined;) context?.keep(piece);
    context?.lose(fault);
    context?.tell();
    this.#raw?.notify("read");
    this.#raw?.notify("write");
    if (state === "head") exchange.lost(fault, isOurs ? "never" : this.#isRepeatable(error));
    else exchange.over(this);
  }

  /** Whether nothing has come from the server since the request was sent. */
  get #isSilent(): boolean {
    return this.#state === "head" && this.#received === this.#streams.received;
  }

  #isRepeatable(error: unknown): Repeatable {
    if (!(error instanceof H2Error)) {
      // The server may have closed the connection before it got the request.
      return this.isReused && this.#interims === 0 ? "if idempotent" : "never";
    }
    // RFC 9113 8.7: the server has not done anything with it.
    if (error.code === REFUSED_STREAM) return "always";
    return error.code === HTTP_1_1_REQUIRED ? "by HTTP/1.1" : "never";
  }

  #tooLarge(): unknown {
    return told(ofResponse(tooLargeBody(this.#streams.limits)), this.#exchange);
  }

  /** What has happened to the response, with the URL. */
  #told(cause: unknown): RemoteProtocolError {
    const came = this.#state !== "head"
      ? `${this.#bytes + this.#stream.inputBytes} bytes of its body have come`
      : this.#interims > 0
      ? "only an interim response has come"
      : "nothing of it has come";
    const why = cause instanceof Error ? cause.message : String(cause);
    return new RemoteProtocolError(
      `Cannot read the response to ${this.#exchange.what} (${came}): ${why}`,
      { status: 502, cause },
    );
  }

  #overdue(): void {
    const exchange = this.#exchange;
    const stream = this.#stream;
    switch (this.#state) {
      case "dropping":
        if (stream.queued > 0 && stream.sent > this.#sent) return this.#patience();
        return this.fail(new Error("Nobody reads the rest"));
      case "body":
        if (!this.readable) this.fail(silentBody(exchange));
        return;
      case "head":
        if (stream.sent > this.#sent) return this.progressed();
        this.fail(lateHead(exchange));
    }
  }

  /** The exchange has nothing to do with the stream any more. */
  #leave(): void {
    this.#state = "over";
    this.#context = undefined;
    this.#deadline.stop();
    this.#release();
    this.#upload.cancel();
  }

  // Where the body comes from:

  get raw(): Tunnel {
    return this.#raw ??= new Tunnel(this.#stream, this, () => this.#drop());
  }

  get readable(): boolean {
    return this.#stream.hasInput || this.#stream.isAtEnd;
  }

  describe(): string {
    return `stream ${this.#stream.id} of HTTP/2`;
  }

  arrived(): Uint8Array | undefined {
    // The stream keeps what has come until all has.
    if (!this.#stream.hasEnd) return undefined;
    try {
      return this.piece() ?? undefined;
    } catch {
      return undefined; // The reader of the body is told.
    }
  }

  piece(): Uint8Array | null | undefined {
    const stream = this.#stream;
    const { limits } = this.#streams;
    const piece = stream.read();
    // Whoever reads it waits for it by watchBody(), but for a transfer.
    const waits = piece === undefined && this.#isLent;
    this.#deadline.begin(waits ? this.#exchange.timeouts.bodyMs : Infinity);
    if (piece !== undefined) {
      this.#bytes += piece.length;
      if (this.#bytes > limits.maxBodyBytes) {
        this.fail(this.#tooLarge());
        throw this.fault;
      }
    }
    if (stream.isAtEnd) this.#complete();
    return piece ?? (stream.isAtEnd ? null : undefined);
  }

  moved(): void {}

  watchBody(): void {
    this.#hold();
    this.#deadline.begin(this.#exchange.timeouts.bodyMs);
  }

  unwatchBody(): void {
    this.#release();
    this.#deadline.begin(Infinity);
  }

  set isLent(isLent: boolean) {
    this.#isLent = isLent;
    if (isLent) this.#hold();
    else this.#release();
    if (!isLent && this.#state === "body" && this.#context === undefined) this.#settle();
  }

  /** Nobody wants the rest. If that is little, it costs less to read it than to reset the stream. */
  drop(): void {
    if (this.#state !== "body") return;
    const { expected } = this.#stream;
    const isLittle = expected === Infinity || expected <= this.#streams.limits.maxDrainBytes;
    const canDrain = this.#upload.isOver && !this.#isLent && this.#streams.canDrain();
    if (isLittle && canDrain) this.#drop();
    else this.fail(new Error("Nobody reads the rest"));
  }

  #drop(): void {
    if (this.#state === "over") return;
    this.#context = undefined;
    this.#state = "dropping";
    this.#patience();
    this.#stream.drop();
    this.#exchange.over(this);
    if (this.#stream.isAtEnd) this.#settle();
  }

  /** The time begins in which the rest comes; or the rest of a tunnel goes. */
  #patience(): void {
    const { queued, sent } = this.#stream;
    this.#sent = sent;
    this.#deadline.begin(queued > 0 ? this.#exchange.timeouts.headMs : DRAIN_MS);
  }

  /** The body is complete. */
  #complete(): void {
    this.#context?.completed();
    this.#context = undefined;
    if (!this.#isLent) this.#settle();
  }

  #settle(): void {
    this.#leave();
    // The server does not want the rest of the request, either (RFC 9113 8.1).
    this.#stream.reset(CANCEL, undefined);
    this.#exchange.over(this);
  }

  /** Somebody waits for the body. */
  #hold(): void {
    this.#endHold ??= this.#streams.hold();
  }

  #release(): void {
    this.#endHold?.();
    this.#endHold = undefined;
  }

  // Where the content goes:

  get isWritable(): boolean {
    return !this.#stream.isFull;
  }

  set isWriterLent(isLent: boolean) {
    this.#isWriterLent = isLent;
    this.progressed();
  }

  sendWhole(data: string | Uint8Array): void {
    this.#stream.session.body(this.#stream, data, byteLength(data));
  }

  sendPiece(bytes: Uint8Array): number {
    if (this.fault !== undefined) throw this.fault;
    return this.raw.send(bytes);
  }

  sendEnd(): void {
    this.#stream.end();
  }

  sendWaiting(): boolean {
    return true;
  }

  uploaded(): void {
    this.progressed();
  }

  uploadFailed(error: unknown): void {
    this.fail(error);
  }

  progressed(): void {
    if (this.#state !== "head") return;
    const isBlocked = this.#stream.queued > 0 || this.#isWriterLent ||
      this.#whenWritable !== undefined;
    const isBusy = this.#upload.isRunning && !isBlocked;
    this.#sent = this.#stream.sent;
    this.#deadline.begin(isBusy ? Infinity : this.#exchange.timeouts.headMs);
  }

  watchWriting(notify: () => void): void {
    this.#whenWritable = notify;
    this.progressed();
    if (this.isWritable) notify();
  }

  unwatchWriting(): void {
    this.#whenWritable = undefined;
  }
}

/** The stream as the context of another protocol (RFC 9113 8.5). */
class Tunnel extends StreamContext {
  readonly #whenClosed: () => void;
  #isClosed = false;
  #isShut = false;

  constructor(stream: H2Stream, of: { readonly fault: unknown }, whenClosed: () => void) {
    super(stream, of);
    this.#whenClosed = whenClosed;
  }

  override get closed(): boolean {
    return this.#isClosed || super.closed;
  }

  override recv(max?: number): Uint8Array | null | undefined {
    if (this.#isClosed) throw closedError("receive");
    return super.recv(max);
  }

  override send(bytes: Uint8Array): number {
    if (this.#isClosed || this.#isShut) throw closedError("send");
    return super.send(bytes);
  }

  /** Ends what is sent. */
  shutdown(): void {
    this.#isShut = true;
    this.stream.end();
  }

  override close(): void {
    this.#end(() => {
      this.stream.end();
      this.#whenClosed();
    });
  }

  override abort(): void {
    this.#end(() => super.abort());
  }

  #end(how: () => void): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    how();
    this.notify("read");
    this.notify("write");
  }
}
