import { Outbox } from "../../gio/_outbox.ts";
import type { Reactor, Socket } from "../../reactor/mod.ts";
import { Input } from "../_body.ts";
import type { ConnectionInfo } from "../connection_info.ts";
import { checkUpgrade } from "../_takes_over.ts";
import { TUNNEL } from "../h1/_field_values.ts";
import type { Heads } from "../h1/_heads.ts";
import { ResponseBody } from "../h1/_response_body.ts";
import { type ResponseHeadParser, responseHeads } from "../h1/_response_head.ts";
import { HttpHeaders } from "../http_headers.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { BodyContext, type BodyOrigin } from "./_body_context.ts";
import type { ClientLimits } from "./client_limits.ts";
import {
  type Attention,
  type Carrier,
  DRAIN_MS,
  type Exchange,
  infoOf,
  type Repeatable,
  told,
} from "./_carrier.ts";
import { Deadline, lateHead, silentBody } from "./_deadline.ts";
import { Upload, type UploadUser } from "./_upload.ts";

/*
 * The wire of HTTP/1.1 (RFC 9112) for one connection of a client:
 *
 *  1. It has one exchange at a time: a request, and its response. When the response is complete, the
 *     connection is free for the next one, if both sides want that and nothing came behind it.
 *  2. In each state but "body" it is the reader of its socket. In "body" whoever reads the body is,
 *     so that nothing is received that nobody wants, and the kernel may move it.
 *  3. A response's head is parsed in the chunk that was received. It is copied only if it comes in
 *     pieces, or before a large part of its body.
 *  4. A response may come before the request has been sent. What is left of the request is sent until
 *     the response is complete; then the connection is closed.
 *  5. What comes while nobody has asked is no response, and closes the connection.
 *  6. When sending fails, a response may be there all the same. So the end of what comes decides.
 */

/** How much waits to be sent before the coroutine of a body has to wait. */
const HIGH_WATER = 64 * 1024;

/** What a connection tells the pool. */
export interface ConnectionOwner extends Attention {
  /** It is free for the next request. */
  free(connection: ClientConnection, idleMs: number): void;
  /** It is closed. */
  gone(connection: ClientConnection): void;
}

type State = "idle" | "head" | "body" | "dropping" | "closed";

export class ClientConnection implements Carrier, BodyOrigin, UploadUser {
  readonly reactor: Reactor;
  readonly socket: Socket;
  readonly info: ConnectionInfo;
  readonly isPlain = true;
  readonly #outbox = new Outbox();
  /** How many requests it has carried. */
  #requests = 0;
  /** For how long the server keeps it when it is idle, if it has said so. */
  keepAliveMs: number = Infinity;
  readonly #owner: ConnectionOwner;
  readonly #limits: ClientLimits;
  readonly #input = new Input();
  readonly #body: ResponseBody;
  readonly #heads: Heads<ResponseHeadParser>;
  readonly #deadline: Deadline;
  #state: State = "idle";
  #exchange: Exchange | undefined = undefined;
  /** The body that is being read. */
  #context: BodyContext | undefined = undefined;
  /** How many interim responses came before the final one. */
  #interims = 0;
  /** Whether it can be used again after this response, as far as both sides have said. */
  #keeps = true;
  readonly #upload: Upload = new Upload(this);
  /** Why nothing more can be sent. */
  #sendFailure: unknown = undefined;
  #endHold: (() => void) | undefined = undefined;
  #isReading = false;
  #isLent = false;
  #isWriting = false;
  #isWriterLent = false;
  /** Whether the coroutine of the body waits until it can write more. */
  #isAwaited = false;
  /** Is called when what waits has been sent. */
  #whenSent: (() => void) | undefined = undefined;

  constructor(
    reactor: Reactor,
    socket: Socket,
    limits: ClientLimits,
    owner: ConnectionOwner,
    isSecure: boolean,
  ) {
    this.reactor = reactor;
    this.socket = socket;
    this.info = infoOf(socket, isSecure);
    this.#limits = limits;
    this.#owner = owner;
    this.#body = new ResponseBody(this.#input, limits);
    this.#heads = responseHeads(limits);
    this.#deadline = new Deadline(reactor, () => this.#overdue());
    this.#read();
  }

  /** Whether somebody waits for it. */
  get isUsed(): boolean {
    return this.#state === "head" || this.#state === "body";
  }

  get isClosed(): boolean {
    return this.#state === "closed" || this.socket.closed;
  }

  get isReused(): boolean {
    return this.#requests > 1;
  }

  get tunnel(): Socket {
    return this.socket;
  }

  get raw(): Socket {
    return this.socket;
  }

  get readable(): boolean {
    return this.socket.readable;
  }

  describe(): string | undefined {
    return this.socket.describe?.();
  }

  /** Sends a request, and tells `exchange` what comes, also if it cannot be sent. */
  ask(exchange: Exchange): void {
    try {
      this.#ask(exchange);
    } catch (error) {
      this.#fail(error);
    }
  }

  #ask(exchange: Exchange): void {
    const { head } = exchange;
    this.#requests++;
    this.#exchange = exchange;
    this.#state = "head";
    this.#interims = 0;
    // RFC 9112 9.6: a client that sends close MUST NOT send further requests on that connection.
    this.#keeps = !head.close;
    this.#outbox.push(head.data);
    this.#upload.begin(exchange);
    this.sendWaiting();
    this.progressed();
  }

  sendWhole(data: string | Uint8Array): void {
    this.#outbox.push(data);
  }

  sendPiece(bytes: Uint8Array, isCounted: boolean): number {
    const outbox = this.#outbox;
    this.#checkSending();
    if (outbox.size >= HIGH_WATER && !this.sendWaiting()) return 0;
    if (bytes.length === 0) return 0;
    if (isCounted && outbox.size === 0) return this.#send(bytes);
    // RFC 9112 7.1: a chunk. But with a Content-Length the head goes out with it.
    if (!isCounted) outbox.push(`${bytes.length.toString(16)}\r\n`);
    outbox.push(bytes);
    if (!isCounted) outbox.push("\r\n");
    this.sendWaiting();
    return bytes.length;
  }

  sendEnd(isCounted: boolean): void {
    if (!isCounted) this.#outbox.push("0\r\n\r\n");
  }

  uploadFailed(error: unknown): void {
    if (this.#sendFailure === undefined) this.#fail(error); // See rule 6.
  }

  uploaded(): void {
    this.sendWaiting();
    this.progressed();
  }

  /**
   * The server has taken some of the request. While the coroutine that yields the rest is busy with
   * something else, nobody waits for the server.
   */
  progressed(): void {
    if (this.#state !== "head") return;
    const isBusy = this.#upload.isRunning && !this.#isBlocked;
    this.#deadline.begin(isBusy ? Infinity : this.#exchange!.timeouts.headMs);
  }

  /** Whether something waits until the server takes more. */
  get #isBlocked(): boolean {
    return this.#isWriting || this.#isWriterLent || this.#isAwaited;
  }

  /** Sends what waits, now and later. Returns whether all of it was accepted. */
  sendWaiting(): boolean {
    const { socket } = this;
    let isSent = true;
    try {
      isSent = this.isOut || this.#outbox.flush(socket);
    } catch (error) { // See rule 6.
      this.#outbox.clear();
      this.#sendFailure ??= error;
    }
    if (this.#isWriterLent) return isSent;
    if (isSent !== this.#isWriting) return isSent;
    this.#isWriting = !isSent;
    this.progressed();
    if (!isSent) {
      this.reactor.addWriter(socket, () => {
        this.progressed();
        this.sendWaiting();
      });
    } else {
      this.reactor.removeWriter(socket);
      this.#whenSent?.();
    }
    return isSent;
  }

  /** A transfer is the writer of the socket. */
  set isWriterLent(isLent: boolean) {
    if (isLent && this.#isWriting) {
      this.#isWriting = false;
      this.reactor.removeWriter(this.socket);
    }
    this.#isWriterLent = isLent;
    this.progressed();
    if (!isLent && this.#state !== "closed") this.sendWaiting();
  }

  get isOut(): boolean {
    return this.#outbox.size === 0;
  }

  /** Sends bytes as they are. Returns how many were accepted. */
  #send(bytes: Uint8Array): number {
    try {
      return this.socket.send(bytes);
    } catch (error) {
      throw this.#sendFailure ??= error;
    }
  }

  /** Throws if nothing more can be sent. */
  #checkSending(): void {
    if (this.#sendFailure !== undefined) throw this.#sendFailure;
  }

  /** Whether more can be sent. */
  get isWritable(): boolean {
    return !this.#isWriting && this.socket.writable;
  }

  /** Calls `notify` when more can be sent. */
  watchWriting(notify: () => void): void {
    this.#isAwaited = true;
    this.progressed();
    if (this.#isWriting) this.#whenSent = notify;
    else this.socket.watch("write", notify);
  }

  unwatchWriting(): void {
    this.#isAwaited = false;
    this.#whenSent = undefined;
    if (!this.#isWriting) this.socket.unwatch("write");
  }

  /** Somebody waits for the body. */
  #hold(): void {
    this.#endHold ??= this.#owner.hold();
  }

  #release(): void {
    this.#endHold?.();
    this.#endHold = undefined;
  }

  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.reactor.addReader(this.socket, this.#receive);
  }

  #stopReading(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.reactor.removeReader(this.socket);
  }

  #receive = (failure?: unknown): void => {
    let data: Uint8Array | null | undefined;
    try {
      data = this.socket.recv();
      if (data === undefined && failure !== undefined) throw failure;
    } catch (error) {
      return this.#end(error);
    }
    if (data === undefined) return;
    if (data === null) return this.#end(undefined);
    this.#input.receive(data);
    if (this.#state === "head") this.#parse();
    else if (this.#state === "dropping") this.#drop();
    else this.close();
  };

  /** Parses heads, up to the final one. */
  #parse(): void {
    try {
      for (let head; (head = this.#heads.read(this.#input)) !== undefined;) {
        if (head.status >= 200 || head.status === 101) return this.#answer(head);
        // This settles whether the connection may stay open: not if it has a body, which it must not.
        head.framing(this.#exchange!.method);
        this.#keeps &&= head.keepAlive;
        if (++this.#interims > this.#limits.maxInterimResponses) {
          throw new RemoteProtocolError(
            `Cannot read the response: more than ${this.#limits.maxInterimResponses} interim responses came before it`,
            { status: 502 },
          );
        }
        if (head.status === 100) this.#upload.proceed();
        this.#exchange!.interim(head);
        if (this.#state !== "head") return;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The final head has come. */
  #answer(head: ResponseHeadParser): void {
    const exchange = this.#exchange!;
    const framing = head.framing(exchange.method);
    this.#keeps &&= head.keepAlive;
    if (head.keepAliveMs !== undefined) this.keepAliveMs = head.keepAliveMs;
    if (this.#upload.dropHeld()) this.#keeps = false;
    if (framing === TUNNEL) {
      if (head.status === 101) {
        const { bytes, headersFrom, headersTo } = head;
        checkUpgrade(new HttpHeaders(bytes, headersFrom, headersTo), exchange.head.upgrade);
      }
      return this.#handOver(head);
    }
    this.#body.start(framing);
    const context = this.#context = new BodyContext(this);
    this.#state = "body";
    this.#deadline.begin(Infinity);
    exchange.answered(head, context, this);
    context.gather();
    if (this.#state === "body") this.#stopReading();
    exchange.deliver();
  }

  /** The connection belongs to whoever has asked. */
  #handOver(head: ResponseHeadParser): void {
    const exchange = this.#exchange!;
    const rest = this.#input.rest();
    exchange.answered(head, rest, this);
    this.#leave();
    exchange.deliver();
  }

  /**
   * The next piece of the body that is being read: undefined if more must arrive first, null at the
   * end. What it throws ends the connection.
   */
  piece(max: number): Uint8Array | null | undefined {
    let piece: Uint8Array | null | undefined;
    try {
      piece = this.#piece(max);
    } catch (error) {
      throw this.#break(error);
    }
    if (this.#body.done) this.#complete();
    return piece;
  }

  #piece(max: number): Uint8Array | null | undefined {
    const body = this.#body;
    for (;;) {
      const piece = body.read();
      if (piece !== undefined && piece.length > 0) return piece;
      if (body.done) return null;
      let data: Uint8Array | null | undefined;
      try {
        data = this.socket.recv(max);
      } catch (error) {
        throw this.#cut(error);
      }
      // Whoever reads it waits for it by watchBody(), but for a transfer.
      const waits = data === undefined && this.#isLent;
      this.#deadline.begin(waits ? this.#exchange!.timeouts.bodyMs : Infinity);
      if (data === undefined) return undefined;
      if (data !== null) this.#input.receive(data);
      else if (!body.end()) throw this.#cut();
    }
  }

  /** The next piece of the body that has arrived already, if there is any. */
  arrived(): Uint8Array | undefined {
    const body = this.#body;
    let piece: Uint8Array | undefined;
    try {
      piece = body.read();
    } catch (error) {
      this.#break(error); // The reader of the body is told.
      return undefined;
    }
    if (body.done) this.#complete();
    return piece;
  }

  /** Calls `notify` when more of the body has arrived. */
  watchBody(notify: () => void): void {
    this.#hold();
    this.#deadline.begin(this.#exchange!.timeouts.bodyMs);
    this.socket.watch("read", notify);
  }

  unwatchBody(): void {
    this.#release();
    this.#deadline.begin(Infinity);
    this.socket.unwatch("read");
  }

  /** A transfer is the reader of the socket. */
  set isLent(isLent: boolean) {
    this.#isLent = isLent;
    if (isLent) this.#hold();
    else this.#release();
    if (!isLent && this.#state === "body" && this.#body.done) this.#settle();
  }

  /** How many of the next bytes have no framing. */
  get direct(): number {
    return this.#body.direct;
  }

  /** The kernel has moved so many of them. */
  moved(length: number): void {
    this.#deadline.begin(Infinity);
    try {
      this.#body.moved(length);
    } catch (error) {
      throw this.#break(error);
    }
    if (this.#body.done) this.#complete();
  }

  get trailers(): ResponseBody["trailers"] {
    return this.#body.trailers;
  }

  /** Nobody wants the rest of the body. If there is little, the connection can be used again. */
  drop(): void {
    if (this.#state !== "body") return;
    const { expected, received } = this.#body;
    const left = expected === undefined ? 0 : expected - received;
    const { maxDrainBytes } = this.#limits;
    const canDrain = this.#keeps && this.#upload.isOver && left <= maxDrainBytes &&
      !this.#isLent;
    if (!canDrain || !this.#owner.canDrain()) return this.abort();
    this.#state = "dropping";
    this.#context = undefined;
    this.#deadline.begin(DRAIN_MS);
    this.#read();
    this.#drop();
  }

  #drop(): void {
    const body = this.#body;
    try {
      while (body.read() !== undefined);
    } catch {
      return this.abort();
    }
    if (body.done) this.#complete();
    else if (body.received > this.#limits.maxDrainBytes) this.abort();
  }

  /** The response is complete. */
  #complete(): void {
    this.#context?.completed();
    this.#context = undefined;
    if (!this.#isLent) this.#settle();
  }

  /** Becomes free, or ends. */
  #settle(): void {
    const exchange = this.#exchange!;
    const canStay = this.#keeps && this.#upload.isOver && this.isOut &&
      this.#sendFailure === undefined && this.#input.empty && !this.socket.closed;
    this.#exchange = undefined;
    if (!canStay) this.close();
    else {
      this.#state = "idle";
      this.#heads.forget();
      this.#read();
      this.#owner.free(this, exchange.timeouts.idleMs);
    }
    exchange.over(this);
  }

  /** It waits for the next request, for so long. */
  wait(ms: number): void {
    this.#deadline.begin(Math.min(ms, this.keepAliveMs));
  }

  /** Nothing more comes, because of an error or because the server has closed the connection. */
  #end(error: unknown): void {
    if (this.#state !== "head") return this.close();
    const isUnheard = this.#heads.gathered === 0 && this.#interims === 0;
    if (isUnheard) error ??= this.#sendFailure;
    else if (error !== undefined) error = this.#cut(error);
    this.#fail(error ?? this.#cut(), isUnheard && this.isReused ? "if idempotent" : "never");
  }

  /** What it means that the server has closed the connection, or that it broke. */
  #cut(cause?: unknown): RemoteProtocolError {
    const { expected, received } = this.#body;
    const { what } = this.#exchange!;
    const came = this.#state === "head"
      ? this.#heads.gathered > 0
        ? `after ${this.#heads.gathered} bytes of its head`
        : this.#interims > 0
        ? "after an interim response"
        : "before a byte of it came"
      : `after ${received} ${
        expected === undefined ? "bytes" : `of ${expected} bytes`
      } of its body`;
    const why = cause === undefined ? "the server closed the connection" : "the connection broke";
    return new RemoteProtocolError(`Cannot read the response to ${what}: ${why} ${came}`, {
      status: 502,
      ...(cause !== undefined && { cause }),
    });
  }

  #overdue(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || this.#state === "dropping") return this.close();
    // What has arrived was not read yet.
    if (this.#state === "body" && this.socket.readable) return;
    this.#fail(this.#state === "head" ? lateHead(exchange) : silentBody(exchange));
  }

  /** Ends the exchange with an error. */
  fail(error: unknown): void {
    this.#fail(error);
  }

  #fail(error: unknown, isRepeatable: Repeatable = "never"): void {
    const exchange = this.#exchange;
    const isHead = this.#state === "head";
    error = this.#break(error);
    if (isHead) exchange?.lost(error, isRepeatable);
  }

  /** Ends the connection with an error, which the reader of the body gets. Gives it back. */
  #break(fault: unknown): unknown {
    const exchange = this.#exchange;
    const error = told(fault, exchange);
    const context = this.#context;
    const isHead = this.#state === "head";
    this.#context = this.#exchange = undefined;
    // A transfer is told by the socket itself.
    context?.lose(error);
    this.abort();
    context?.tell();
    if (!isHead) exchange?.over(this);
    return error;
  }

  /** Closes it at once: what was asked is not of interest any more. */
  abort(): void {
    if (this.#state === "closed") return;
    this.#leave();
    this.socket.abort();
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#leave();
    this.socket.close();
  }

  /** It has nothing to do with its socket any more. */
  #leave(): void {
    const exchange = this.#exchange;
    const isOver = this.#state === "dropping";
    this.#state = "closed";
    this.#exchange = undefined;
    this.#deadline.stop();
    this.#release();
    this.#stopReading();
    if (this.#isWriting) this.reactor.removeWriter(this.socket);
    this.#isWriting = false;
    this.#outbox.clear();
    this.#upload.cancel();
    this.#owner.gone(this);
    if (isOver) exchange?.over(this);
  }
}
