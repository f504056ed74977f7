import { type Coroutine, EndOfStream } from "../compose/mod.ts";
import { cleaned } from "../compose/_traceback.ts";
import { shown } from "../reactor/_describe.ts";
import { Answer, Output } from "./_answer.ts";
import { Body, Input } from "./_body.ts";
import { type DateLine, dateLineOf } from "./_date.ts";
import { Exchange, type Phase } from "./_exchange.ts";
import { bad } from "./_faults.ts";
import { type Host, hostOf, type Inner } from "./_host.ts";
import { allLimits, schemeOf } from "./_limits.ts";
import type { Wire } from "./_wire.ts";
import { Pieces } from "./h1/_pieces.ts";
import { RequestHeadParser, requestHeadParser } from "./h1/_request_head.ts";
import type { HttpHandler, HttpProtocolOptions } from "./http_handler.ts";
import type { HttpLimits } from "./http_limits.ts";
import { HttpRequest } from "./http_request.ts";
import { RemoteProtocolError } from "./remote_protocol_error.ts";

/*
 * The wire of HTTP/1.1 (RFC 9112) for one connection, as the coroutine that httpProtocol() makes:
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
 */

const NOTHING = new Uint8Array(0);

export class Connection implements Wire, Inner {
  readonly #handler: HttpHandler;
  readonly #onError: HttpProtocolOptions["onError"];
  readonly #limits: HttpLimits;
  readonly #input = new Input();
  readonly #output = new Output();
  readonly #date: DateLine;
  /** Parses heads that come whole. Connections share it. */
  readonly #parser: RequestHeadParser;
  #exchange: Exchange | undefined = undefined;
  readonly body: Body;
  readonly answer: Answer;
  host: Host | undefined = undefined;
  // What gio and the connection know of the handler:
  isRunning = false;
  isElsewhere = false;
  own: Inner["own"] = undefined;

  constructor(handler: HttpHandler, options: HttpProtocolOptions) {
    checkHandler(handler);
    this.#handler = handler;
    this.#onError = options.onError;
    this.#limits = allLimits(options.limits);
    this.#date = dateLineOf(options.clock ?? Date);
    this.#parser = requestHeadParser(this.#limits, schemeOf(options.scheme, false));
    this.body = new Body(this.#input, this.#limits);
    this.answer = new Answer(this.#output, this.#date);
  }

  /** What the handler has pushed back. */
  get rest(): unknown[] {
    return this.#exchange?.rest ?? [];
  }

  set rest(values: unknown[]) {
    if (this.#exchange !== undefined) this.#exchange.rest = values;
  }

  report(error: unknown, request: HttpRequest): void {
    error = cleaned(error);
    const onError = this.#onError;
    if (onError !== undefined) onError(error, request);
    else if (this.host !== undefined) this.host.report(error, request);
    else console.error(error);
  }

  *run(): Coroutine<void> {
    this.host = hostOf(this);
    const input = this.#input;
    const output = this.#output;
    const whole = this.#parser;
    const { answer } = this;
    try {
      for (;;) {
        if (input.empty) {
          this.#forget();
          for (let data; (data = output.take()) !== undefined;) yield data;
          try {
            input.receive(yield);
          } catch (error) {
            if (error instanceof EndOfStream) return;
            throw error;
          }
          this.#date.stale = true;
          if (input.empty) continue;
        }
        const exchange = this.#exchange = new Exchange(this);
        let parser = whole;
        try {
          if (whole.parse(input.bytes, input.at)) input.at = whole.end;
          else {
            whole.forget();
            parser = new RequestHeadParser(this.#limits, whole.scheme);
            if (!(yield* this.#gatherHead(parser))) return;
          }
        } catch (error) {
          if (!(error instanceof RemoteProtocolError)) throw error;
          answer.start(parser.method === "HEAD", false, false);
          exchange.refuse(error);
          return yield* this.#flush();
        }

        let phase = this.#start(exchange, parser);
        while (exchange.isRunning) phase = yield* this.#goOn(exchange, phase);
        this.isRunning = false;
        const isCut = phase === "cut" || phase === "broken";
        if (isCut || this.own !== undefined) yield* this.#leave(isCut);
        if (isCut) {
          const { host } = this;
          throw host !== undefined && phase === "cut" ? host.cut(exchange.value) : exchange.value;
        }
        if (phase === "drain") yield* this.#drain();
        if (answer.close) return yield* this.#flush();
        if (answer.full) yield* this.#flush();
      }
    } finally {
      if (this.isRunning) yield* this.#close();
    }
  }

  /** Does what the handler waits for, and lets it go on. */
  *#goOn(exchange: Exchange, phase: Phase): Coroutine<Phase> {
    try {
      if (phase !== "elsewhere") {
        for (let data; (data = this.#output.take()) !== undefined;) yield data;
      }
      if (phase === "body") this.#input.receive(yield);
      else if (phase !== "output") exchange.value = yield exchange.value;
    } catch (error) {
      this.#date.stale = true;
      return yield* this.#fail(exchange, error);
    }
    this.#date.stale = true;
    return phase === "body" ? exchange.received() : exchange.next();
  }

  /** Starts the handler of the request that was parsed. */
  #start(exchange: Exchange, parser: RequestHeadParser): Phase {
    const { contentLength, expectContinue } = parser;
    const request = new HttpRequest(parser);
    parser.forget();
    this.body.start(contentLength);
    this.answer.start(request.method === "HEAD", request.version === "1.0", request.keepAlive);
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
    if (exchange.phase !== "elsewhere" && !(error instanceof EndOfStream)) {
      try {
        yield "";
      } catch (again) {
        // Not even an empty text can be sent. So the connection is broken; the error is not one of
        // a promise or a timeout.
        if (again === error) return exchange.break(error);
      }
    }
    return exchange.throw(error);
  }

  *#close(): Coroutine<void> {
    try {
      yield* this.#exchange!.close();
    } finally {
      this.isRunning = false;
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
    // An empty line may come before the head, and one byte more than allowed is an error.
    const head = new Pieces(parser, this.#limits.maxHeadBytes + 3);
    while (!head.add(input)) {
      yield* this.#flush();
      try {
        input.receive(yield);
      } catch (error) {
        if (!(error instanceof EndOfStream)) throw error;
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
    const input = this.#input;
    try {
      for (let left = this.#limits.maxDrainBytes; left >= 0;) {
        const piece = this.body.read();
        if (piece !== undefined) left -= piece.length;
        else if (this.body.done) return;
        else {
          yield* this.#flush();
          input.receive(yield);
          this.#date.stale = true;
        }
      }
    } catch (error) {
      // The answer has been sent, so nobody needs this error.
      if (!(error instanceof EndOfStream || error instanceof RemoteProtocolError)) throw error;
    }
    this.answer.close = true;
  }

  *#flush(): Coroutine<void> {
    for (let data; (data = this.#output.take()) !== undefined;) yield data;
  }
}

/** Refuses a handler that is not a function. */
export function checkHandler(handler: unknown): void {
  if (typeof handler === "function") return;
  throw new TypeError(
    `Cannot serve HTTP with the handler ${shown(handler)}: give a coroutine function, ` +
      "function* (request) { … }",
  );
}
