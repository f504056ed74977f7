import { type Coroutine, EndOfStream } from "../compose/mod.ts";
import { cleaned } from "../compose/_traceback.ts";
import { catchRejection } from "../reactor/_ignore.ts";
import { AcceptedConnection, type Speaker } from "./_accepted_connection.ts";
import { Answer, Output } from "./_answer.ts";
import { Body, Input } from "./_body.ts";
import { foundInstead } from "./_check_function.ts";
import type { Codings } from "./_codings.ts";
import type { DateLine } from "./_date.ts";
import { Exchange, type Phase } from "./_exchange.ts";
import { bad, ended, tooSlow } from "./_faults.ts";
import { FramedAnswer, FramedBody, type Patience } from "./_framed.ts";
import {
  type Base,
  causeOfCut,
  type Framed,
  type Host,
  hostOf,
  type Inner,
  isTransfer,
  transfersHere,
  type Use,
} from "./_host.ts";
import { schemeOf } from "./_limits.ts";
import { LogEntry, type RequestLine } from "./_log_entry.ts";
import { MIN_PROGRESS, Overdue } from "./_phase_timer.ts";
import type { Settings } from "./_settings.ts";
import type { Wire } from "./_wire.ts";
import { Pieces } from "./h1/_pieces.ts";
import { MAX_BEHIND } from "./h1/_heads.ts";
import { mostOfHead, RequestHeadParser, requestHeadParser } from "./h1/_request_head.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { ErrorHandler } from "./error_handler.ts";
import type { HttpHandler } from "./http_handler.ts";
import type { HttpLimits } from "./http_limits.ts";
import { type HttpRequest, ReceivedRequest } from "./http_request.ts";
import type { HttpTimeouts } from "./http_timeouts.ts";
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

const UNLIMITED: HttpTimeouts = Object.freeze({
  headMs: Infinity,
  idleMs: Infinity,
  bodyMs: Infinity,
  writeMs: Infinity,
});

/** Of a connection that is fed by hand. */
const UNKNOWN: ConnectionInfo = Object.freeze({
  remoteAddr: undefined,
  localAddr: undefined,
  tls: undefined,
});

export class Connection implements Wire, Inner, Patience, Speaker {
  readonly #handler: HttpHandler;
  readonly #settings: Settings;
  readonly #limits: HttpLimits;
  readonly info: ConnectionInfo;
  readonly #input = new Input();
  readonly #output = new Output();
  readonly #date: DateLine;
  /** Parses heads that come whole. Connections share it. */
  readonly #parser: RequestHeadParser;
  #exchange: Exchange | undefined = undefined;
  /** How many requests have come. */
  #requests = 0;
  /** Whether the server shuts down. */
  #isFinishing = false;
  /** How many bytes of the body have come since the client last made progress. */
  #arrived = 0;
  /** How much of the time for that is left. */
  #bodyMs = 0;
  /** Whether it waits for more of the body, within that time. */
  #awaitsBody = false;
  /** Whether it waits for the first byte of a request. */
  isIdle = true;
  /**
   * What the handler waits for: the client, a transfer that uses the connection without framing, or
   * something else. A function ends looking meanwhile whether the client has gone.
   */
  #waits: "for the client" | "for a tunnel" | "for something else" | (() => void) =
    "for the client";
  /** Whether another coroutine reads the body. */
  #isLent = false;
  readonly body: Body;
  readonly answer: Answer;
  host: Host | undefined = undefined;
  // What gio and the connection know of the handler:
  isRunning = false;
  isElsewhere = false;
  own: Inner["own"] = undefined;

  constructor(handler: HttpHandler, settings: Settings, info: ConnectionInfo = UNKNOWN) {
    checkHandler(handler);
    this.#handler = handler;
    this.#settings = settings;
    this.#limits = settings.limits;
    this.#date = settings.date;
    this.info = info;
    this.#parser = requestHeadParser(
      this.#limits,
      schemeOf(settings.scheme, info.tls !== undefined),
    );
    this.body = new Body(this.#input, this.#limits);
    this.answer = new Answer(this.#output, this.#date);
    if (info instanceof AcceptedConnection) info.speaker = this;
  }

  /** What the handler has pushed back. */
  get rest(): unknown[] {
    return this.#exchange?.rest ?? [];
  }

  set rest(values: unknown[]) {
    if (this.#exchange !== undefined) this.#exchange.rest = values;
  }

  get hasTakenOver(): boolean {
    return this.#exchange?.hasTakenOver ?? false;
  }

  /** For a transfer in the middle of HTTP. */
  frame(use: Use, base: Base): Framed | undefined {
    const exchange = this.#exchange!;
    if (exchange.hasTakenOver) return undefined;
    return use === "from"
      ? new FramedBody(base, exchange, this.body, this.#input, this)
      : new FramedAnswer(base, exchange, this.answer, this.#output);
  }

  lend(exchange: unknown): Framed {
    const { host } = this;
    const current = this.#exchange;
    if (current === undefined || current !== exchange || !this.isRunning || host === undefined) {
      throw ended();
    }
    this.#isLent = true;
    if (typeof this.#waits === "function") {
      this.#waits();
      this.#waits = "for something else";
    }
    return new FramedBody(host.base, current, this.body, this.#input, {
      awaitBody: () => {
        // The client may wait for a 100.
        for (let data; (data = this.#output.take()) !== undefined;) host.write(data);
        this.awaitBody();
      },
      bodyCame: (length) => this.bodyCame(length),
      released: () => {
        this.#isLent = false;
        if (current !== this.#exchange || !this.isRunning) return;
        if (this.#awaitsBody) this.bodyCame(0);
        if (current.hasSignal) this.watch();
      },
    });
  }

  inspect(): { what: string; lines: string[] } {
    return this.#exchange!.inspect();
  }

  reporter(): (error: unknown) => void {
    const { request } = this.#exchange!;
    return (error) => this.report(error, request);
  }

  report(error: unknown, request: HttpRequest | undefined): void {
    error = cleaned(error);
    const { onError } = this.#settings;
    if (onError === undefined || request === undefined) {
      return this.#reportByDefault(error, request);
    }
    catchRejection(
      onError(error, request),
      (failure) => this.#reportByDefault(failure, request),
    );
  }

  #reportByDefault(error: unknown, request: HttpRequest | undefined): void {
    if (this.host !== undefined) this.host.report(error, request);
    else console.error(error);
  }

  get codings(): Codings | undefined {
    return this.#settings.codings;
  }

  get errorHandler(): ErrorHandler | undefined {
    return this.#settings.errorHandler;
  }

  get timeouts(): HttpTimeouts {
    return this.#settings.timeouts;
  }

  /** The timeouts of the request, if there is one. A tunnel has limits of its own. */
  get current(): HttpTimeouts {
    return this.#waits === "for a tunnel" ? UNLIMITED : this.#exchange?.timeouts ?? this.timeouts;
  }

  /** The answer that is under way is the last one. An event stream is at its end. */
  finish(): void {
    this.#isFinishing = true;
    this.answer.finish();
    if (this.isIdle) this.host?.hangUp();
    else if (this.isRunning) {
      const ending = this.#exchange!.ending();
      if (ending !== undefined) this.host?.throw(ending);
    }
  }

  *run(): Coroutine<void> {
    const host = this.host = hostOf(this);
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
          if (this.#isFinishing) return yield* this.#sendAll();
          try {
            input.receive(yield);
          } catch (error) {
            if (error instanceof EndOfStream || error instanceof Overdue) return;
            throw error;
          }
          this.#date.stale = true;
          if (input.empty) continue;
        }
        const exchange = this.#exchange = new Exchange(this);
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
          this.#settings.requests++;
          this.#willLog(exchange, undefined, parser.line);
          this.#tell(exchange);
          return yield* this.#sendAll();
        }

        let phase = this.#start(exchange, parser);
        while (exchange.isRunning) phase = yield* this.#goOn(exchange, phase);
        this.isRunning = false;
        this.#tell(exchange);
        const isCut = phase === "cut" || phase === "broken";
        // deno-lint-ignore weightless/call-coroutine -- after a close it must go on to its throw
        if (isCut || this.own !== undefined) yield* this.#leave(isCut);
        if (isCut) {
          throw host !== undefined && phase === "cut" ? host.cut(exchange.value) : exchange.value;
        }
        if (phase === "drain") yield* this.#drain();
        if (answer.close) return yield* this.#sendAll();
        if (answer.full) yield* this.#flush();
      }
    } finally {
      host?.stop();
      if (this.isRunning) yield* this.#close();
    }
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

  /** Does what the handler waits for, and lets it go on. */
  *#goOn(exchange: Exchange, phase: Phase): Coroutine<Phase> {
    this.host?.begin(Infinity);
    const ending = this.#isFinishing ? exchange.ending() : undefined;
    if (ending !== undefined) return exchange.throw(ending);
    try {
      if (phase === "elsewhere") this.#sendEvents();
      else for (let data; (data = this.#output.take()) !== undefined;) yield data;
      if (phase === "body") {
        yield* this.#receiveBody(exchange.hasTakenOver ? Infinity : exchange.timeouts.bodyMs);
      } else if (phase !== "output") exchange.value = yield* this.#wait(exchange);
    } catch (error) {
      this.#date.stale = true;
      return yield* this.#fail(exchange, error);
    }
    this.#date.stale = true;
    return phase === "body" ? exchange.received() : exchange.next();
  }

  /** The events that a handler has yielded go out, also while it waits elsewhere for the next one. */
  #sendEvents(): void {
    const { answer, host } = this;
    if (host === undefined || !answer.isEventStream) return;
    answer.flush();
    for (let data; (data = this.#output.take()) !== undefined;) host.write(data);
  }

  /** Waits for what the handler waits for, and tells it meanwhile if the client has gone. */
  *#wait(exchange: Exchange): Coroutine<unknown> {
    const { value } = exchange;
    if (isTransfer(value) && exchange.hasTakenOver) this.#waits = "for a tunnel";
    else if (!transfersHere(value, "from")) this.#waits = "for something else";
    if (exchange.hasSignal) this.watch();
    try {
      return yield value;
    } finally {
      if (typeof this.#waits === "function") this.#waits();
      this.#waits = "for the client";
      this.host?.begin(Infinity);
    }
  }

  watch(): void {
    if (this.#waits !== "for something else" || this.#isLent || this.host === undefined) return;
    this.#waits = this.host.watch((reason) => this.#exchange?.lose(reason));
  }

  /** A connection waits for a request. */
  #beginIdle(): void {
    this.isIdle = true;
    this.host?.begin(this.timeouts.idleMs + KEPT_LONGER_MS);
  }

  /** Has the access log told of a request when it has been answered. */
  #willLog(exchange: Exchange, request: HttpRequest | undefined, line: RequestLine): void {
    const { accessLog } = this.#settings;
    if (accessLog === undefined) return;
    exchange.onAnswered(
      (answered) => accessLog(new LogEntry(this.info, request, line, answered)),
      request,
    );
  }

  /** Tells those who wait for it of an answer, once. */
  #tell(exchange: Exchange): void {
    const { watchers } = exchange;
    if (watchers === undefined) return;
    exchange.watchers = undefined;
    const { status, bytes } = this.answer;
    const end = performance.now();
    for (const { tell, request, at } of watchers) {
      const report = (error: unknown) => this.report(error, request);
      try {
        catchRejection(
          tell({ status, bytes, time: performance.timeOrigin + at, ms: end - at }),
          report,
        );
      } catch (error) {
        report(error);
      }
    }
  }

  /** Waits for more of the body. */
  *#receiveBody(ms: number): Coroutine<void> {
    const input = this.#input;
    const { host } = this;
    if (host === undefined) return input.receive(yield);
    this.awaitBody(ms);
    let length = 0;
    try {
      input.receive(yield);
      length = input.bytes.length;
    } finally {
      this.bodyCame(length);
    }
  }

  retime(exchange: unknown, before: HttpTimeouts): void {
    const { host } = this;
    if (host === undefined || exchange !== this.#exchange || !this.isRunning) return;
    const { bodyMs } = this.current;
    if (this.#awaitsBody && host.left !== Infinity) this.#bodyMs = host.left;
    // What has passed of the time counts. Both may be Infinity.
    const isLimited = before.bodyMs !== Infinity && bodyMs !== Infinity;
    this.#bodyMs = isLimited ? Math.max(0, this.#bodyMs + bodyMs - before.bodyMs) : bodyMs;
    if (this.#awaitsBody) host.begin(this.#bodyMs);
    host.retime();
  }

  awaitBody(ms: number = this.#exchange!.timeouts.bodyMs): void {
    if (this.#arrived >= MIN_PROGRESS) {
      this.#arrived = 0;
      this.#bodyMs = ms;
    }
    this.#awaitsBody = !this.#exchange!.hasTakenOver;
    this.host!.begin(Math.min(this.#bodyMs, ms));
  }

  bodyCame(length: number): void {
    const host = this.host!;
    this.#awaitsBody = false;
    if (host.left !== Infinity) this.#bodyMs = host.left;
    host.begin(Infinity);
    this.#arrived += length;
  }

  /** Starts the handler of the request that was parsed. */
  #start(exchange: Exchange, parser: RequestHeadParser): Phase {
    const { contentLength, expectContinue } = parser;
    const request = new ReceivedRequest(parser, exchange);
    parser.forget();
    const settings = this.#settings;
    settings.requests++;
    this.#willLog(exchange, request, request);
    const isLast = ++this.#requests >= this.#limits.maxRequests || this.#isFinishing;
    this.isIdle = false;
    this.body.start(contentLength);
    this.#arrived = MIN_PROGRESS;
    this.answer.start(
      request.method === "HEAD",
      request.version === "1.0",
      request.keepAlive && !isLast,
      this.host === undefined ? "" : settings.keepAlive,
    );
    this.isRunning = true;
    return exchange.start(this.#handler, request, expectContinue);
  }

  /** Drops everything of the last request: the connection is idle. */
  #forget(): void {
    this.#exchange = undefined;
    this.#input.receive(NOTHING);
    this.body.forget();
    this.answer.forget();
  }

  /** Throws an error of the driver into the handler. */
  *#fail(exchange: Exchange, error: unknown): Coroutine<Phase> {
    if (error instanceof Overdue) return exchange.throw(tooSlow("its body"));
    // An EndOfStream as well: it tells that the client has not read for too long.
    if (exchange.phase !== "elsewhere") {
      try {
        yield "";
      } catch (again) {
        // Not even an empty text can be sent. So the connection is broken; the error is not one of
        // a promise or a timeout. A transfer has an error of its own.
        if (again !== error && causeOfCut(error) === undefined) return exchange.throw(error);
        // What is left would fail again, in the `finally`s of the handler.
        while (this.#output.take() !== undefined);
        return exchange.break(again);
      }
    }
    return exchange.throw(error);
  }

  *#close(): Coroutine<void> {
    const exchange = this.#exchange!;
    try {
      yield* exchange.close();
    } finally {
      this.isRunning = false;
      this.#tell(exchange);
      yield* this.#endOwn(true);
    }
  }

  /** Sends what has gathered, and ends what the handler has left behind, whatever happens. */
  *#leave(isCut: boolean): Coroutine<void> {
    let isLost = true;
    try {
      if (!this.isElsewhere && (isCut || !this.own!.isIdle)) yield* this.#flush();
      isLost = isCut;
    } finally {
      yield* this.#endOwn(isLost);
    }
  }

  *#endOwn(isCut: boolean): Coroutine<void> {
    const { own } = this;
    if (own === undefined) return;
    this.own = undefined;
    const ending = this.host!.end(own, isCut);
    if (ending !== undefined) yield ending;
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
      yield* this.#flush();
      try {
        input.receive(yield);
      } catch (error) {
        if (error instanceof Overdue && parser.isBegun) throw tooSlow("its head");
        if (!(error instanceof EndOfStream || error instanceof Overdue)) throw error;
        if (!parser.isBegun) return false;
        throw bad("an end before its head is complete (RFC 9112 8)");
      }
      this.#date.stale = true;
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
          yield* this.#flush();
          yield* this.#receiveBody(this.current.bodyMs);
          this.#date.stale = true;
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
    yield* this.#flush();
    if (this.host !== undefined) yield this.host.sent();
  }

  *#flush(): Coroutine<void> {
    for (let data; (data = this.#output.take()) !== undefined;) yield data;
  }
}

/** How much longer a connection is kept open than is announced, for a request may be under way. */
const KEPT_LONGER_MS = 1000;

/** Refuses a handler that is not a function. */
export function checkHandler(handler: unknown, name = "handler"): void {
  const found = foundInstead(handler);
  if (found === undefined) return;
  throw new TypeError(
    `Cannot serve HTTP with the ${name} ${found}: give a coroutine function, ` +
      "function* (request) { … }, or fetchHandler((request) => new Response(…))",
  );
}
