/**
 * One request and its answer, from the first byte of the head to the last byte of the answer. It is
 * the same for every wire.
 *
 * The wire gives it a source, from which it reads the body, and a sink, which frames the answer. It
 * runs the handler until that waits for something which the wire has to do. What the handler waits
 * for is the phase of the exchange:
 *
 *     head → body, output, driver, elsewhere: in the order that the handler wants
 *          → done, or first drain if some of the body is left
 *          → switched: the handler goes on in another protocol
 *          → cut, or broken
 *
 * What happens to the answer when a handler ends is decided here and nowhere else. Every failure is
 * told once: the client gets an error as the answer, or the error is reported. A failure because
 * the client has gone, is too slow or sends a faulty body is told to nobody else: anybody could fill
 * the log by it.
 *
 *     the handler               if nothing was sent       if part was sent, or it took over
 *     returns, or lets the end
 *       of the body out         answered                  answered
 *       with no head, or bytes
 *       missing                 500, reported             cut, reported
 *     another EndOfStream
 *       if only the handler
 *       knows the length        500, reported             cut, reported
 *       else                    answered                  answered
 *     RemoteProtocolError       its status, closed        cut, reported
 *       for the client's body   its status, closed        cut
 *     EndOfStream, AbortError or
 *       no head, and the client
 *       has gone                broken                    broken
 *     what broke the connection broken                    broken
 *     anything else             500, reported             cut, reported
 *     anything, elsewhere       cut, reported             cut, reported
 *
 * A handler is closed when the head of its answer to HEAD has been sent, and with its connection.
 * "Nothing was sent" means that the wire has not yielded anything of the answer yet, so it can be
 * taken back.
 */
import { Thrown } from "../compose/_thrown.ts";
import { throwInto } from "../compose/compose.ts";
import {
  compose,
  type Composed,
  type Coroutine,
  EndOfStream,
  isCoroutine,
  trace,
} from "../compose/mod.ts";
import { shown } from "../reactor/_describe.ts";
import { ignoreRejection } from "../reactor/_ignore.ts";
import { BodyBeside } from "./_body_beside.ts";
import { coded } from "./_coded.ts";
import { variedHead } from "./_coded_head.ts";
import type { Codings } from "./_codings.ts";
import { END_OF_BODY, isGoodEnd, SHUT_DOWN, SHUT_DOWN_READING } from "./_good_end.ts";
import { errorAnswer } from "./_error_answer.ts";
import { bad } from "./_faults.ts";
import { Head } from "./_head.ts";
import type { Receiver } from "../reactor/mod.ts";
import type { TransferRequest } from "../reactor/transfer/transfer.ts";
import { causeOfCut, isForDriver, isTransfer, transfersHere } from "./_host.ts";
import { allTimeouts } from "./_limits.ts";
import { Switching } from "./_switching.ts";
import { reasonOf } from "./_status.ts";
import { takesOver } from "./_takes_over.ts";
import { Trailers } from "./_trailers.ts";
import type { Watcher } from "./_watcher.ts";
import type { Wire } from "./_wire.ts";
import { type CompressionOptions, isAnyAccepted } from "./content/compression_for.ts";
import type { HttpHandler } from "./http_handler.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { HttpRequest, ReceivedRequest, RequestContext } from "./http_request.ts";
import type { HttpTimeouts } from "./http_timeouts.ts";
import { LocalProtocolError } from "./local_protocol_error.ts";
import { raw } from "./raw.ts";
import { RemoteProtocolError } from "./remote_protocol_error.ts";

/** What an exchange waits for, or how it has ended. */
export type Phase =
  /** The end of the head. */
  | "head"
  /** More of the body, or of what arrives when the connection was taken over. */
  | "body"
  /** The gathered output is sent. */
  | "output"
  /** The driver has answered the request that was yielded, which is the value. */
  | "driver"
  /** The same, while the handler is in a context that it has entered. */
  | "elsewhere"
  /** The handler has ended before the body. The rest of the body is read and dropped. */
  | "drain"
  /** The handler goes on in another protocol. The value is what begins it. */
  | "switched"
  /** The body was read and the answer is complete. */
  | "done"
  /** The connection must be cut because of the error that is the value. */
  | "cut"
  /** The connection is broken. The error is the value. */
  | "broken";

/**
 * How often a handler that is being closed may ask for something it cannot have. One that never
 * ends would stop everything.
 */
const MAX_REFUSED = 1000;

/** What an exchange leaves to what comes after it. */
export interface Inheritance {
  readonly running: Composed<unknown>;
  readonly request: HttpRequest;
  /** Those who want to know when the request has been answered. */
  readonly watchers: Watcher[] | undefined;
  /** Tells the handler that the client has gone, if it wants to know. */
  readonly abort: AbortController | undefined;
  readonly timeouts: HttpTimeouts;
}

export class Exchange implements RequestContext {
  readonly #wire: Wire;
  #request: ReceivedRequest | undefined = undefined;
  /** The handler's coroutine, as long as it runs. */
  #running: Composed<unknown> | undefined = undefined;
  /** The same, when it is being closed. */
  #closing: Composed<unknown> | undefined = undefined;
  /** What the handler does; it is closed when nothing more is sent to HEAD. */
  #handler: "answers" | "is closed" | "has taken over" = "answers";
  /**
   * Whether the body can be read. "expected" means that the client waits for a 100; an error tells
   * why it cannot be read.
   */
  #body: "open" | "expected" | { error: unknown } = "open";
  /** The error that tells what is wrong with the body, or with what was encoded in it. */
  #fault: unknown = undefined;
  /** Whether a transfer to the client was cut, and nothing was sent since: a part is there. */
  #isPart = false;
  /** Whether the server has ended an event stream. */
  #isEnded = false;
  /** The error that told the handler that the client has gone or the connection is broken. */
  #gone: unknown = undefined;
  /** The error that told a handler that has taken over that the client sends no more. */
  #end: unknown = undefined;
  /** What the handler belongs to since it goes on in another protocol. */
  #heir: RequestContext | undefined = undefined;
  /** The timeouts of this request, if it has its own. */
  #timeouts: HttpTimeouts | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  watchers: Watcher[] | undefined = undefined;
  phase: Phase = "head";
  /** What belongs to the phase. */
  value: unknown = undefined;

  /** How answers are compressed for others, but not for this client. */
  #varies: CompressionOptions | undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  get body(): Receiver {
    return this.#heir?.body ?? new BodyBeside(() => this.#wire.lend(this));
  }

  get connection(): ConnectionInfo {
    return this.#wire.info;
  }

  /** The timeouts that count for this request. */
  get timeouts(): HttpTimeouts {
    return this.#timeouts ?? this.#wire.timeouts;
  }

  set timeouts(given: Partial<HttpTimeouts>) {
    const before = this.timeouts;
    this.#timeouts = allTimeouts(given, before);
    this.#wire.retime(this, before);
  }

  get signal(): AbortSignal {
    if (this.#heir !== undefined) return this.#heir.signal;
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#gone === undefined) this.#wire.watch();
      else this.lose(this.#gone);
    }
    return this.#abort.signal;
  }

  onAnswered(tell: Watcher["tell"], request: HttpRequest | undefined): void {
    if (this.#heir !== undefined) return this.#heir.onAnswered(tell, request!);
    (this.watchers ??= []).push({ tell, request, at: performance.now() });
  }

  /**
   * The error by which a server that shuts down ends the answer where its handler waits now, once. It is
   * undefined unless that is an event stream, which a browser asks for again.
   */
  ending(): Error | undefined {
    const { phase } = this;
    const waits = phase === "driver" || phase === "elsewhere" || phase === "output" ||
      phase === "body";
    if (!waits || this.#isEnded || !this.#wire.answer.isEventStream) return undefined;
    this.#isEnded = true;
    return phase === "body" ? SHUT_DOWN_READING : SHUT_DOWN;
  }

  /** Whether the handler wants to be told when the client has gone. */
  get hasSignal(): boolean {
    return this.#abort !== undefined;
  }

  get request(): HttpRequest | undefined {
    return this.#request;
  }

  /** Whether the handler has not ended, and belongs to this. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** For `reactor.inspect()`: which request, and where its handler stands. */
  inspect(): { what: string; lines: string[] } {
    const { method, path } = this.#request!;
    const running = this.#running ?? this.#closing;
    const lines = running === undefined ? [] : trace(running);
    return { what: `${method} ${path}`, lines: lines.map((line) => line.trim()) };
  }

  /** What the handler has pushed back. */
  get rest(): unknown[] {
    return this.#running?.rest ?? [];
  }

  set rest(values: unknown[]) {
    if (this.#running !== undefined) this.#running.rest = values;
  }

  /** Whether what the handler yields is not framed any more. */
  get hasTakenOver(): boolean {
    return this.#handler === "has taken over";
  }

  /** Starts the handler. */
  start(handler: HttpHandler, request: ReceivedRequest, expectContinue: boolean): Phase {
    this.#request = request;
    if (expectContinue) this.#body = "expected";
    try {
      const given = handler(request);
      if (!isCoroutine(given)) throw noCoroutine(given);
      const running = compose(given);
      const { codings } = this.#wire;
      this.#running = codings === undefined ? running : this.#coded(running, request, codings);
    } catch (error) {
      return this.#failed(error);
    }
    return this.#run("next", undefined);
  }

  #coded(
    running: Composed<unknown>,
    request: HttpRequest,
    { compression, decompression }: Codings,
  ): Composed<unknown> {
    const isPlain = compression !== undefined &&
      !isAnyAccepted(request.headers.get("accept-encoding"), compression);
    this.#varies = isPlain ? compression : undefined;
    return coded(running, request, this.#wire, isPlain ? undefined : compression, decompression, {
      read: () => this.#read(),
      isLost: () => this.#gone !== undefined,
      blame: (error) => this.#fault = error,
    });
  }

  /**
   * Answers what is not a request. RFC 9112 2.2: the server SHOULD respond with 400 and close the
   * connection.
   */
  refuse(error: RemoteProtocolError): Phase {
    this.#wire.answer.close = true;
    return this.#answerError(error);
  }

  /** Goes on with the answer of the driver, which is the value. */
  next(): Phase {
    return this.#run("next", this.value);
  }

  /** Goes on when more of the body has arrived. */
  received(): Phase {
    return this.#run("read on", undefined);
  }

  /** Goes on with an error of the driver. */
  throw(error: unknown): Phase {
    if (this.phase === "body" && error instanceof EndOfStream) {
      if (this.hasTakenOver) this.#end = error;
      else error = this.endEarly();
    } else if (this.#isReading && error instanceof RemoteProtocolError) this.#spoil(error);
    else if (typeof this.#body === "object" && this.#body.error === causeOfCut(error)) {
      error = this.#body.error; // A transfer of a faulty body throws the same as a bare yield.
    }
    return this.#run("throw", error);
  }

  /** Whether the handler waits for the body. */
  get #isReading(): boolean {
    return this.phase === "body" ||
      this.phase === "driver" && transfersHere(this.value, "from") && !this.hasTakenOver;
  }

  /** Returns the error of a client that ends before the body. */
  endEarly(): unknown {
    const error = bad("an end before its body is complete (RFC 9112 8)");
    this.lose(error);
    this.#spoil(error);
    return error;
  }

  /**
   * For a transfer: the next piece of the body, of at most `max` bytes. It is null at the end, and
   * undefined if more must arrive first.
   */
  take(max: number): Uint8Array | null | undefined {
    const [first, ...others] = this.rest;
    let piece: Uint8Array | EndOfStream | undefined;
    if (first === undefined) piece = this.#read();
    else {
      piece = asBytes(first);
      this.rest = others;
    }
    if (piece === undefined) return undefined;
    if (!(piece instanceof Uint8Array)) return null;
    if (piece.length <= max) return piece;
    this.rest = [piece.subarray(max), ...this.rest];
    return piece.subarray(0, max);
  }

  /** A transfer to the client has ended. */
  transferred(isWhole: boolean): void {
    this.#isPart = !isWhole;
  }

  /** Goes on with the error that broke the connection. */
  break(error: unknown): Phase {
    this.lose(error);
    return this.#run("throw", error);
  }

  /** The client has gone. */
  lose(error: unknown): void {
    this.#gone = error;
    this.#abort?.abort(clientGone());
  }

  /**
   * Closes the handler with its connection. Its `finally`s may wait for something, but not talk to
   * the client.
   */
  *close(): Coroutine<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    this.#closing = running;
    this.lose(this.#gone ?? new DOMException("The connection was closed", "AbortError"));
    let result = running.return(undefined);
    for (let refused = 0; result.done !== true;) {
      const { value } = result;
      let error: unknown;
      if (this.#wire.isElsewhere || (isForDriver(value) && !isTransfer(value))) {
        let answer: unknown;
        let failed = false;
        try {
          answer = yield value;
        } catch (failure) {
          failed = true;
          error = failure;
        }
        if (!failed) {
          result = running.next(answer);
          continue;
        }
      } else if (value === undefined || isTransfer(value)) {
        error = new EndOfStream("The connection is being closed");
      }
      refused++;
      if (refused > 2 * MAX_REFUSED) throw goesOn();
      if (refused > MAX_REFUSED) error = goesOn();
      result = error === undefined ? running.next() : running.throw(error);
    }
  }

  /** Gives away the handler, which goes on in another protocol, with all that belongs to it. */
  handOver(heir: RequestContext): Inheritance {
    const running = this.#running!;
    const request = this.#request!;
    const { watchers } = this;
    this.#running = this.#request = this.watchers = undefined;
    this.#heir = heir;
    request.moveTo(heir);
    return { running, request, watchers, abort: this.#abort, timeouts: this.timeouts };
  }

  /** Runs the handler until it has to wait, or has ended. */
  #run(mode: "next" | "throw" | "return" | "read on", message: unknown): Phase {
    const running = this.#running!;
    const wire = this.#wire;
    const { answer } = wire;
    this.value = undefined;
    let refused = 0;
    for (;;) {
      let value: unknown;
      if (mode !== "read on") {
        let result: IteratorResult<unknown, unknown> | Thrown;
        try {
          result = mode === "next"
            ? running.next(message)
            : mode === "throw"
            ? throwInto(running, message)
            : running.return(undefined);
        } catch (error) {
          return this.#failed(error);
        }
        if (result instanceof Thrown) return this.#failed(result.error);
        if (result.done === true) return this.#finished();
        value = result.value;
        if (wire.isElsewhere) return this.#stand("elsewhere", value);
      }
      mode = "next";
      message = undefined;
      try {
        if (typeof value === "string" || value instanceof Uint8Array) {
          this.#noteUnexpected();
          answer.data(value);
          this.#isPart = false;
          if (answer.complete && this.#handler === "answers") {
            // The body of this handler may be endless.
            this.#handler = "is closed";
            mode = "return";
          } else if (this.#handler === "is closed" && ++refused > MAX_REFUSED) throw goesOn();
          else if (answer.full) return this.#stand("output", undefined);
        } else if (value === undefined) {
          message = this.#read();
          if (message === undefined) return this.#stand("body", undefined);
          if (message === END_OF_BODY) mode = "throw";
        } else if (value instanceof Head) this.#begin(value);
        else if (value instanceof Trailers) answer.trailers(value);
        else if (value === raw) answer.raw();
        else if (value instanceof Switching) {
          this.#begin(value.head);
          this.#giveBack();
          return this.#stand("switched", value);
        } else if (isForDriver(value)) {
          if (isTransfer(value)) {
            this.#prepare(value);
            if (answer.isDirect && answer.room > 0 && transfersHere(value, "to")) value.follow();
          }
          this.#noteUnexpected();
          answer.flush();
          if (!answer.complete || !transfersHere(value, "to")) return this.#stand("driver", value);
          mode = "return";
          if (this.#handler === "is closed") {
            if (++refused > MAX_REFUSED) throw goesOn();
            mode = "throw";
            message = new EndOfStream("Nothing more is sent in answer to HEAD");
          }
          this.#handler = "is closed";
        } else throw meaningless(value);
      } catch (error) {
        mode = "throw";
        message = error;
      }
    }
  }

  #stand(phase: Phase, value: unknown): Phase {
    this.value = value;
    return this.phase = phase;
  }

  /** Makes sure that a transfer can begin. What goes from or to the client is framed. */
  #prepare(transfer: TransferRequest<unknown>): void {
    transfer.claim();
    if (this.#handler === "has taken over") return this.#giveBack();
    const reads = transfersHere(transfer, "from");
    const writes = transfersHere(transfer, "to");
    if (!reads && !writes) return;
    if (this.#wire.host === undefined) {
      throw new TypeError(
        "Cannot transfer from or to `here`: run the coroutine by gio() instead of feeding it by hand",
      );
    }
    if (writes) this.#wire.answer.expectBody();
    if (!reads) return;
    const piece = this.#read(); // This also sends the 100 that the client may wait for.
    if (piece instanceof Uint8Array) this.rest = [...this.rest, piece];
  }

  /**
   * Gives back what was received and not read: a transfer begins, which reads the connection by
   * itself.
   */
  #giveBack(): void {
    const { body, host } = this.#wire;
    const pieces = this.rest;
    const piece = body.read();
    if (piece !== undefined) pieces.push(piece);
    if (pieces.length === 0) return;
    if (host === undefined) {
      throw new TypeError(
        "Cannot transfer what has come already: run the coroutine by gio() instead of feeding it by hand",
      );
    }
    this.rest = [];
    for (const piece of pieces.reverse()) host.unread(piece as Uint8Array);
  }

  /** The next piece of the body, or END_OF_BODY. It is undefined if more must arrive first. */
  #read(): Uint8Array | EndOfStream | undefined {
    if (typeof this.#body === "object") throw this.#body.error;
    const { body, answer } = this.#wire;
    let piece: Uint8Array | undefined;
    try {
      piece = body.read();
    } catch (error) {
      this.#spoil(error);
      throw error;
    }
    if (piece !== undefined) {
      // RFC 9110 10.1.1: the 100 MAY be omitted if some of the content has been received already.
      this.#body = "open";
      return piece;
    }
    if (body.done) {
      if (this.#body === "expected") this.#body = "open"; // All of it has come, without a 100.
      this.#request!.trailers = body.trailers;
      return END_OF_BODY;
    }
    if (this.#body === "expected") {
      this.#body = "open";
      answer.proceed();
    } else if (!body.isWithinLine) answer.flush(); // The client may wait for it before it sends more.
    return undefined;
  }

  /** Notes that the body is faulty. What comes after it is no request. */
  #spoil(error: unknown): void {
    this.#fault = error;
    this.#body = { error };
    this.#wire.answer.close = true;
  }

  #begin(head: Head): void {
    const request = this.#request!;
    const { body, answer } = this.#wire;
    if (!takesOver(head, request, body)) {
      if (head.status === 100 && this.#body === "expected") this.#body = "open";
      const isFinal = head.status >= 200;
      return answer.head(
        isFinal && this.#varies !== undefined ? variedHead(head, this.#varies) : head,
      );
    }
    answer.takeOver(head);
    body.takeOver();
    this.#handler = "has taken over";
  }

  /**
   * A client that waits for a 100 and gets an answer may send its body or not. So no other request
   * can be read after it.
   */
  #noteUnexpected(): void {
    const { answer } = this.#wire;
    if (this.#body === "expected" && answer.headed) answer.close = true;
  }

  #finished(): Phase {
    if (this.#wire.isElsewhere) return this.#failed(undefined);
    const forgotten = this.#wire.forgotten();
    if (forgotten !== undefined) return this.#failed(forgotten);
    this.#running = undefined;
    if (this.#handler === "has taken over") return this.#ended();
    this.#noteUnexpected();
    const { answer } = this.#wire;
    try {
      if (this.#isPart && answer.room === Infinity && !this.#isEnded) throw isPart();
      answer.end();
    } catch (error) {
      // The client has gone, and the handler has caught that.
      const isGone = this.#gone !== undefined && !(this.#gone instanceof RemoteProtocolError);
      return isGone ? this.#stand("broken", this.#gone) : this.#failed(error);
    }
    return this.#ended();
  }

  #ended(): Phase {
    const { answer, body } = this.#wire;
    this.#request = undefined; // The registers of a waiting generator may keep `this` alive.
    return this.phase = body.done || answer.close ? "done" : "drain";
  }

  #failed(error: unknown): Phase {
    this.#running = undefined;
    this.#wire.forgotten(); // There is a worse error.
    const request = this.#request!;
    const { answer } = this.#wire;
    const taken = this.#handler === "has taken over";
    if (this.#wire.isElsewhere) {
      error = new LocalProtocolError(
        "Cannot go on: the handler has ended without leaving the context that it entered, where nothing of this " +
          "connection may go; enter it with `using`",
        { cause: error },
      );
      this.#wire.report(error, request);
      return this.#stand("cut", error);
    }
    // A handler that gives up because the client has gone has done nothing wrong.
    if (
      this.#gone !== undefined &&
      (error instanceof EndOfStream || isAbort(error) || isAbort(causeOfCut(error)))
    ) {
      return this.#stand("broken", this.#gone);
    }
    if (error instanceof EndOfStream || error === SHUT_DOWN_READING) {
      // The end of what a coroutine reads ends it quietly, as everywhere. But a request must be
      // answered, and the end of something else must not be taken for the end of the answer.
      const isHeaded = taken || answer.headed;
      if (isHeaded && !(answer.isOpen && !this.#isOwnEnd(error))) return this.#finished();
      error = isHeaded ? otherEnd(error as EndOfStream) : new LocalProtocolError(
        "Cannot answer the request: its handler has ended at the end of a stream, without a response",
        { cause: error },
      );
    }
    const isGone = error !== undefined && error === this.#gone;
    const isRemote = error instanceof RemoteProtocolError;
    if (isGone && !isRemote) return this.#stand("broken", error);
    const canAnswer = !taken && answer.revert();
    const isFault = isRemote && error === this.#fault;
    if (!isFault && !(isRemote && canAnswer)) this.#wire.report(error, request);
    if (!canAnswer) return this.#stand("cut", error);
    // What comes after a faulty body is not the next request.
    if (isRemote || this.#body !== "open") answer.close = true;
    return this.#answerError(
      error instanceof RemoteProtocolError ? error : { status: 500, message: reasonOf(500) },
    );
  }

  /** Whether the end is that of what the client sends, or of the connection. */
  #isOwnEnd(error: unknown): boolean {
    if (this.#isEnded || isGoodEnd(error) || this.#wire.host?.isOwnEnd(error)) return true;
    if (this.#end === undefined) return false;
    while (error instanceof EndOfStream && error !== this.#end) error = error.cause;
    return error === this.#end;
  }

  #answerError(error: { status: number; message: string }): Phase {
    const { status, message } = error;
    const { answer } = this.#wire;
    const request = this.#request;
    const [head, body] = errorAnswer(
      this.#wire.errorHandler,
      { status, message, request },
      error,
      (failure) => this.#wire.report(failure, request),
    );
    answer.head(head);
    answer.data(body);
    answer.end();
    return this.#ended();
  }
}

/** The reason of the signal that tells a handler so. */
export function clientGone(): DOMException {
  return new DOMException("The client has gone", "AbortError");
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return new TextEncoder().encode(value);
  throw new TypeError(`Cannot transfer ${shown(value)} that was pushed back: only bytes and text`);
}

function isPart(): LocalProtocolError {
  return new LocalProtocolError(
    "Cannot end the response: a transfer to it was cut, and the client would take the part for the whole",
  );
}

function otherEnd(cause: EndOfStream): LocalProtocolError {
  return new LocalProtocolError(
    "Cannot end the response: the handler has ended at the end of another stream than the body of its request, and " +
      "the client would take the part for the whole; catch EndOfStream where it means that all was said",
    { cause },
  );
}

function goesOn(): LocalProtocolError {
  return new LocalProtocolError(
    "Cannot close the handler: it goes on reading and writing, although its connection is being closed",
  );
}

/** Whether an AbortSignal has caused it. */
function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

function noCoroutine(given: unknown): TypeError {
  ignoreRejection(given);
  if (given instanceof Response) {
    return new TypeError(
      "Cannot answer the request: the handler gave a Response, and no coroutine; wrap it: " +
        "fetchHandler((request) => new Response(…))",
    );
  }
  return new TypeError(
    `Cannot answer the request: the handler gave ${shown(given)}, and no coroutine; write ` +
      "function* (request) { … }, or fetchHandler((request) => new Response(…))",
  );
}

function meaningless(value: unknown): TypeError {
  ignoreRejection(value);
  return new TypeError(
    `Cannot do anything with a yielded ${shown(value)}: ${instead(value)}`,
  );
}

function instead(value: unknown): string {
  if (value instanceof Promise) return "wait for it, yield* wait(promise)";
  if (value instanceof Response) {
    return "yield ok(headers), then the body; or give fetchHandler() a function that returns it";
  }
  return "yield a response head such as ok(headers) to begin the answer, " +
    "a string or Uint8Array for its body, nothing to read the request's body, or a request such as wait(promise) with yield*";
}
