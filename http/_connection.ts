import { type Coroutine, EndOfStream } from "../compose/mod.ts";
import { AcceptedConnection, type Speaker } from "./_accepted_connection.ts";
import { Answer, Output } from "./_answer.ts";
import { Body, Input } from "./_body.ts";
import { succeededBy } from "../gio/_successor.ts";
import { foundInstead } from "./_check_function.ts";
import { Exchange, type Phase } from "./_exchange.ts";
import { bad, tooSlow } from "./_faults.ts";
import { FramedAnswer, FramedBody, type Patience } from "./_framed.ts";
import {
  type Base,
  causeOfCut,
  type ConnectionHost,
  type Framed,
  hostOf,
  type Use,
} from "./_host.ts";
import { schemeOf } from "./_limits.ts";
import { Overdue } from "./_phase_timer.ts";
import type { Settings } from "./_settings.ts";
import { Speaking } from "./_speaking.ts";
import { Pieces } from "./h1/_pieces.ts";
import { isPreface } from "./h2/_codes.ts";
import { isWholePreface, readPreface } from "./h2/_preface.ts";
import { ServerConnection } from "./h2/_server_connection.ts";
import { MAX_BEHIND } from "./h1/_heads.ts";
import { mostOfHead, RequestHeadParser, requestHeadParser } from "./h1/_request_head.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { HttpHandler } from "./http_handler.ts";
import type { HttpLimits } from "./http_limits.ts";
import { ReceivedRequest } from "./http_request.ts";
import { RemoteProtocolError } from "./remote_protocol_error.ts";

/*
 * The wire of HTTP/1.1 (RFC 9112) for one connection, as the coroutine that serveHttp() makes:
 *
 *  1. It reads bytes by bare yields, and yields the text or bytes to send. EndOfStream at a bare
 *     yield means that the client sends no more.
 *  2. A request's head is parsed in the chunk that was received. It is copied only if it arrives in
 *     pieces.
 *  3. Each request is an exchange (_exchange.ts), which runs its handler to the end. Then comes the
 *     next request, from the same bytes if it is there. So the answers are in the order of the
 *     requests, whatever the handlers wait for.
 *  4. The connection reads, sends, or yields to the driver what an exchange waits for. While the
 *     handler is in a context of its own ("elsewhere"), the connection yields nothing of its own.
 *  5. Output is gathered. It is yielded before the connection waits for anything, or when there is
 *     enough of it.
 *  6. A malformed request is answered with an error, and is the last one. After each answer the
 *     connection goes on only if both sides want it and the body of the request has been read to
 *     its end.
 *  7. When an exchange is cut, the connection is aborted, so that the client does not take a part
 *     for the whole. If the coroutine is fed by hand, it throws the error, and its driver has to
 *     abort the connection.
 *  8. While the connection waits for a request, it keeps nothing of the last one.
 *  9. Each time that it waits for the client is a phase with a limit (HttpTimeouts). How long a
 *     handler runs is not limited.
 */

const NOTHING = new Uint8Array(0);

/** Of a connection that is fed by hand. */
const UNKNOWN: ConnectionInfo = Object.freeze({
  remoteAddr: undefined,
  localAddr: undefined,
  tls: undefined,
});

export class Connection extends Speaking implements Speaker {
  readonly #handler: HttpHandler;
  readonly #limits: HttpLimits;
  readonly #input = new Input();
  readonly #output = new Output();
  /** Parses heads that come whole. Connections share it. */
  readonly #parser: RequestHeadParser;
  /** How many requests have come. */
  #requests = 0;
  /** Whether it waits for the first byte of a request. */
  isIdle = true;
  readonly body: Body;
  readonly answer: Answer;
  host: ConnectionHost | undefined = undefined;

  /** @param bytes What has come already. */
  constructor(
    handler: HttpHandler,
    settings: Settings,
    info: ConnectionInfo = UNKNOWN,
    bytes: Uint8Array = NOTHING,
  ) {
    super(settings, info);
    checkHandler(handler);
    this.#handler = handler;
    this.#limits = settings.limits;
    this.#parser = requestHeadParser(
      this.#limits,
      schemeOf(settings.scheme, info.tls !== undefined),
    );
    this.#input.receive(bytes);
    this.body = new Body(this.#input, this.#limits);
    this.answer = new Answer(this.#output, settings.date);
    if (info instanceof AcceptedConnection) info.speaker = this;
  }

  /** The answer that is under way is the last one. An event stream is at its end. */
  finish(): void {
    this.isFinishing = true;
    this.answer.finish();
    if (this.isIdle) this.host?.hangUp(this);
    else if (this.isRunning) {
      const ending = this.exchange!.ending();
      if (ending !== undefined) this.host?.throw(ending);
    }
  }

  /**
   * Speaks HTTP/1.1.
   *
   * @param isAlone Whether it is all that its driver runs, so that a conversation can take its place.
   */
  *run(isAlone = false): Coroutine<void> {
    const host = this.host = hostOf(this, this);
    host?.retime(); // The client must take what it is sent in time, also if it may be idle for ever.
    const input = this.#input;
    const output = this.#output;
    const whole = this.#parser;
    const { answer } = this;
    try {
      for (;;) {
        if (input.empty) {
          this.#forget();
          this.#beginIdle();
          for (let data; (data = output.take()) !== undefined;) yield data;
          if (this.isFinishing) return yield* this.#sendAll();
          try {
            input.receive(yield);
          } catch (error) {
            if (error instanceof EndOfStream || error instanceof Overdue) return;
            throw error;
          }
          this.settings.date.stale = true;
          if (input.empty) continue;
          if (
            this.#requests === 0 && this.settings.http2 && host !== undefined &&
            isPreface(input.bytes)
          ) {
            this.isIdle = false;
            host.begin(this.timeouts.headMs);
            input.receive(yield* readPreface(input.bytes));
            if (isWholePreface(input.bytes)) return yield* this.#http2().run(this.#takeInput());
          }
        }
        const exchange = this.exchange = new Exchange(this);
        let parser = whole;
        try {
          if (!this.#parseWhole()) {
            this.#beginIdle();
            whole.forget();
            parser = new RequestHeadParser(this.#limits, whole.scheme);
            if (!(yield* this.#gatherHead(parser))) return;
          }
        } catch (error) {
          if (!(error instanceof RemoteProtocolError)) throw error;
          this.isIdle = false;
          host?.begin(Infinity);
          answer.start(parser.method === "HEAD", false, false);
          exchange.refuse(error);
          this.settings.requests++;
          this.willLog(exchange, undefined, parser.line);
          this.tell(exchange);
          return yield* this.#sendAll();
        }

        let phase = this.#start(exchange, parser);
        while (exchange.isRunning && phase !== "switched") {
          phase = yield* this.goOn(exchange, phase);
        }
        if (phase === "switched") {
          yield* this.sendOut();
          const conversation = this.converse(exchange);
          if (this.info instanceof AcceptedConnection) this.info.speaker = conversation;
          if (this.isFinishing) conversation.finish();
          this.#forget();
          return isAlone ? succeededBy(conversation) : yield* conversation;
        }
        this.isRunning = false;
        this.tell(exchange);
        const isCut = phase === "cut" || phase === "broken";
        // By a native `yield*`: after a close it must go on to its throw
        if (isCut || this.own !== undefined) yield* this.leave(isCut);
        if (isCut) {
          throw host !== undefined && phase === "cut" ? host.cut(exchange.value) : exchange.value;
        }
        if (phase === "drain") yield* this.#drain();
        if (answer.close) return yield* this.#sendAll();
        if (answer.full) yield* this.sendOut();
      }
    } finally {
      host?.stop();
      if (this.isRunning) yield* this.closeHandler();
    }
  }

  protected override *sendOut(): Coroutine<void> {
    for (let data; (data = this.#output.take()) !== undefined;) yield data;
  }

  protected override sendBeside(): void {
    for (let data; (data = this.#output.take()) !== undefined;) this.host!.write(data);
  }

  protected override *receive(): Coroutine<number> {
    const input = this.#input;
    input.receive(yield);
    return input.bytes.length;
  }

  protected override *brokenBy(error: unknown): Coroutine<unknown> {
    try {
      yield "";
    } catch (again) {
      // Not even an empty text can be sent. So the connection is broken, if the error is not one of a
      // promise or a timeout. A transfer has an error of its own.
      if (again !== error && causeOfCut(error) === undefined) return undefined;
      // What is left would fail again, in the `finally`s of the handler.
      while (this.#output.take() !== undefined);
      return again;
    }
  }

  /** For a transfer in the middle of HTTP. */
  override frame(use: Use, base: Base): Framed | undefined {
    const exchange = this.exchange!;
    if (exchange.hasTakenOver) return undefined;
    return use === "from"
      ? new FramedBody(base, exchange, this.body, this.#input, this)
      : new FramedAnswer(base, exchange, this.answer, this.#output);
  }

  protected override bodyBeside(patience: Patience): Framed {
    return new FramedBody(this.host!.base, this.exchange!, this.body, this.#input, patience);
  }

  override forgotten(): TypeError | undefined {
    return this.host?.forgotten();
  }

  /** Parses a head that has come whole. Returns false if it has not. */
  #parseWhole(): boolean {
    const parser = this.#parser;
    const { bytes, at } = this.#input;
    if (!parser.parse(bytes, at)) return false;
    const { end } = parser;
    this.#input.at = end;
    // The request is a view of its head. It must not hold a large part of its body as well.
    if (parser.contentLength !== 0 && bytes.length - end > MAX_BEHIND) {
      parser.parse(bytes.slice(at, end), 0);
    }
    return true;
  }

  #takeInput(): Uint8Array {
    const bytes = this.#input.rest();
    this.#input.receive(NOTHING);
    return bytes;
  }

  #http2(): ServerConnection {
    this.host!.begin(Infinity);
    const host = hostOf(this.settings)!;
    const connection = new ServerConnection(this.#handler, this.settings, this.info, host);
    if (this.isFinishing) connection.finish();
    return connection;
  }

  /** A connection waits for a request. */
  #beginIdle(): void {
    this.isIdle = true;
    this.host?.begin(this.timeouts.idleMs + KEPT_LONGER_MS);
  }

  /** Starts the handler of the request that was parsed. */
  #start(exchange: Exchange, parser: RequestHeadParser): Phase {
    const { contentLength, expectContinue } = parser;
    const request = new ReceivedRequest(parser, exchange);
    parser.forget();
    const settings = this.settings;
    settings.requests++;
    this.willLog(exchange, request, request);
    const isLast = ++this.#requests >= this.#limits.maxRequests || this.isFinishing;
    this.isIdle = false;
    this.body.start(contentLength);
    this.answer.start(
      request.method === "HEAD",
      request.version === "1.0",
      request.keepAlive && !isLast,
      this.host === undefined ? "" : settings.keepAlive,
    );
    this.beginWith(exchange);
    return exchange.start(this.#handler, request, expectContinue);
  }

  /** Drops everything of the last request: the connection is idle. */
  #forget(): void {
    this.exchange = undefined;
    this.#input.receive(NOTHING);
    this.body.forget();
    this.answer.forget();
  }

  /**
   * Reads until the head of a request is complete. Returns false if there is no further request.
   *
   * The pieces are gathered, because the request is a view of them. A parser of its own goes on where
   * it stopped, so a malformed head is refused as soon as it can be.
   */
  *#gatherHead(parser: RequestHeadParser): Coroutine<boolean> {
    const input = this.#input;
    const head = new Pieces(parser, mostOfHead(this.#limits));
    const { host } = this;
    let isTimed = false;
    while (!head.add(input)) {
      if (!isTimed && parser.isBegun) {
        isTimed = true;
        this.isIdle = false;
        host?.begin(this.timeouts.headMs);
      }
      yield* this.sendOut();
      try {
        input.receive(yield);
      } catch (error) {
        if (error instanceof Overdue && parser.isBegun) throw tooSlow("its head");
        if (!(error instanceof EndOfStream || error instanceof Overdue)) throw error;
        if (!parser.isBegun) return false;
        throw bad("an end before its head is complete (RFC 9112 8)");
      }
      this.settings.date.stale = true;
    }
    return true;
  }

  /**
   * Reads and drops what the handler has left of the body, up to a limit, to find the next request.
   */
  *#drain(): Coroutine<void> {
    try {
      for (let left = this.#limits.maxDrainBytes; left >= 0;) {
        const piece = this.body.read();
        if (piece !== undefined) left -= piece.length;
        else if (this.body.done) return;
        else {
          yield* this.sendOut();
          yield* this.receiveBody(this.current.bodyMs);
          this.settings.date.stale = true;
        }
      }
    } catch (error) {
      // The answer has been sent, so nobody needs this error.
      const isClients = error instanceof EndOfStream || error instanceof RemoteProtocolError ||
        error instanceof Overdue;
      if (!isClients) throw error;
    }
    this.answer.close = true;
  }

  /**
   * Sends what has gathered, and waits until the client has taken it. After the end of the coroutine
   * it would have a short time only.
   */
  *#sendAll(): Coroutine<void> {
    yield* this.sendOut();
    if (this.host !== undefined) yield this.host.sent();
  }
}

/** How much longer a connection is kept open than is announced, for a request may be under way. */
export const KEPT_LONGER_MS = 1000;

/** Refuses a handler that is not a function. */
export function checkHandler(handler: unknown, name = "handler"): void {
  const found = foundInstead(handler);
  if (found === undefined) return;
  throw new TypeError(
    `Cannot serve HTTP with the ${name} ${found}: give a coroutine function, ` +
      "function* (request) { … }, or fetchHandler((request) => new Response(…))",
  );
}
