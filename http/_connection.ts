import {
  compose,
  type Composed,
  type Coroutine,
  EndOfStream,
  isRequest,
  Yield,
} from "../compose/mod.ts";
import { cleaned } from "../compose/_traceback.ts";
import { Transfer } from "../reactor/mod.ts";
import { Answer, Output } from "./_answer.ts";
import { Body, Input } from "./_body.ts";
import { type DateLine, dateLineOf } from "./_date.ts";
import { Head } from "./_head.ts";
import { bad, type HeadParser, headParser } from "./_head_parser.ts";
import { allLimits } from "./_limits.ts";
import { PartialHead } from "./_partial_head.ts";
import { asReported } from "./_reported.ts";
import { reasonOf } from "./_status.ts";
import type { HttpLimits } from "./http_limits.ts";
import type { HttpHandler, HttpProtocolOptions } from "./http_protocol.ts";
import { HttpRequest } from "./http_request.ts";
import { LocalProtocolError } from "./local_protocol_error.ts";
import { RemoteProtocolError } from "./remote_protocol_error.ts";

/*
 * One connection, as the coroutine that httpProtocol() makes:
 *
 *  1. It reads bytes by bare yields, and yields what is to be sent, as text or bytes. EndOfStream thrown at a bare yield
 *     means that the client sends no more.
 *  2. A request's head is parsed where it was received. Only what does not arrive in one piece is gathered first.
 *  3. The handler of a request runs until it has ended; then comes the next request, from the same bytes if they have it.
 *     So answers are in the order of the requests, whatever their handlers wait for.
 *  4. A handler's bare yield reads the request's body; the head of a response and data are its answer; a command goes to
 *     the driver, and so does everything while the handler is in a context of its own. So do transfers, once the handler
 *     has taken the connection over; what was received too early for them, or read and pushed back by the handler, is given
 *     back to the driver.
 *  5. What is to be sent is gathered, and yielded before anything is waited for, or when there is enough of it.
 *  6. A malformed request is answered with an error, and is the last one. After each answer the connection goes on only if
 *     both sides want it and the request's body has been read to its end.
 *  7. A handler that fails is answered for by 500, or, if some of its answer was sent, the connection is cut: the error is
 *     thrown, and the driver is to abort the connection so that the client does not take the half for the whole. So is that
 *     of a handler that ends in a context of its own.
 */

/** So much is gathered before it is yielded, if nothing is waited for: 16 KiB. */
const HIGH_WATER = 16 * 1024;

/**
 * Thrown at the end of every body. It ends handlers in the normal course of things, so it must not cost what an error costs:
 * it is always the same, and frozen, so that compose makes no traceback of it.
 */
const END_OF_BODY = Object.freeze(new EndOfStream("The body of the request has ended"));

const NOTHING = new Uint8Array(0);

const NEXT = 0, THROW = 1, RETURN = 2, READ_ON = 3;
type Mode = typeof NEXT | typeof THROW | typeof RETURN | typeof READ_ON;

/** What the handler stands still for. */
const ENDED = 0, READ = 1, PASS = 2, PASS_ELSEWHERE = 3, FLUSH = 4;
type Pause = typeof ENDED | typeof READ | typeof PASS | typeof PASS_ELSEWHERE | typeof FLUSH;

export class Connection {
  readonly #handler: HttpHandler;
  readonly #options: HttpProtocolOptions;
  readonly #limits: HttpLimits;
  readonly #input = new Input();
  readonly #output = new Output();
  readonly #date: DateLine;
  readonly #parser: HeadParser;
  readonly #body: Body;
  readonly #answer: Answer;
  #request: HttpRequest | undefined;
  /** The handler's coroutine, as long as it runs. */
  #running: Composed<unknown> | undefined;
  /** What the handler yielded for the driver. */
  #passed: unknown;
  /** The client waits for a 100 before it sends the body. */
  #expected = false;
  /** The connection belongs to the handler: CONNECT, or an upgrade. */
  #taken = false;
  /** Why no more can be read of the body. */
  #bodyError: unknown;
  /** Why the connection is broken, if the driver said so. */
  #lost: { error: unknown } | undefined;
  /** What the handler did that the connection cannot survive. */
  #fatal: { error: unknown } | undefined;
  #closing = false;

  constructor(handler: HttpHandler, options: HttpProtocolOptions) {
    this.#handler = handler;
    this.#options = options;
    this.#limits = allLimits(options.limits);
    this.#date = dateLineOf(options.clock ?? Date);
    this.#parser = headParser(this.#limits);
    this.#body = new Body(this.#input, this.#limits);
    this.#answer = new Answer(this.#output, this.#date);
  }

  /** What the handler has pushed back. */
  get rest(): unknown[] {
    return this.#running?.rest ?? [];
  }

  set rest(values: unknown[]) {
    if (this.#running !== undefined) this.#running.rest = values;
  }

  *run(): Coroutine<void> {
    this.#options.onStart?.(this);
    const input = this.#input;
    const output = this.#output;
    const parser = this.#parser;
    try {
      for (;;) {
        if (input.empty) {
          // An idle connection holds on to nothing.
          this.#request = undefined;
          this.#answer.forget();
          input.receive(NOTHING);
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
        let headOnly = false;
        try {
          if (parser.parse(input.bytes, input.at)) input.at = parser.end;
          else {
            headOnly = parser.method === "HEAD";
            if (!(yield* this.#gatherHead())) return;
          }
        } catch (error) {
          if (!(error instanceof RemoteProtocolError)) throw error;
          this.#refuse(error, headOnly || parser.method === "HEAD");
          return yield* this.#flush();
        }

        let pause = this.#start();
        while (pause !== ENDED) {
          let mode: Mode = NEXT;
          let message: unknown;
          try {
            if (pause !== PASS_ELSEWHERE) {
              for (let data; (data = output.take()) !== undefined;) yield data;
            }
            if (pause === READ) {
              input.receive(yield);
              mode = READ_ON;
            } else if (pause !== FLUSH) message = yield this.#passed;
          } catch (error) {
            mode = THROW;
            message = yield* this.#thrownIn(error, pause);
          }
          this.#date.stale = true;
          pause = this.#advance(mode, message);
        }

        if (this.#fatal !== undefined) {
          if (!this.#isElsewhere) yield* this.#flush();
          throw this.#fatal.error;
        }
        if (!this.#body.done && !this.#answer.close) yield* this.#drain();
        if (this.#answer.close) return yield* this.#flush();
        if (output.size >= HIGH_WATER) yield* this.#flush();
      }
    } finally {
      if (this.#running !== undefined) yield* this.#closeHandler(this.#running);
    }
  }

  /** Starts the handler of the request that was parsed. */
  #start(): Pause {
    const parser = this.#parser;
    const request = this.#request = new HttpRequest(parser);
    this.#body.start(parser.contentLength);
    this.#answer.start(request.method === "HEAD", request.version === "1.0", request.keepAlive);
    this.#expected = parser.expectContinue;
    this.#bodyError = undefined;
    this.#closing = false;
    try {
      this.#running = compose(this.#handler(request));
    } catch (error) {
      return this.#failed(error);
    }
    return this.#advance(NEXT, undefined);
  }

  /** Runs the handler until it stands still for something that this connection has not got. */
  #advance(mode: Mode, message: unknown): Pause {
    const running = this.#running!;
    const { isElsewhere } = this.#options;
    for (;;) {
      let value: unknown;
      if (mode !== READ_ON) {
        let result: IteratorResult<unknown, unknown>;
        try {
          result = mode === NEXT
            ? running.next(message)
            : mode === THROW
            ? running.throw(message)
            : running.return(undefined);
        } catch (error) {
          return this.#failed(error);
        }
        if (result.done === true) return this.#finished();
        value = result.value;
        if (isElsewhere !== undefined && isElsewhere()) {
          this.#passed = value;
          return PASS_ELSEWHERE;
        }
      }
      mode = NEXT;
      message = undefined;
      try {
        if (typeof value === "string" || value instanceof Uint8Array) {
          if (this.#taken) this.#output.write(value);
          else {
            this.#noteUnexpected();
            this.#answer.data(value);
            if (this.#answer.complete && !this.#closing) {
              // Nothing more is sent to HEAD: the handler is closed, it might have a body without end.
              this.#closing = true;
              mode = RETURN;
            }
          }
          if (this.#output.size >= HIGH_WATER && mode === NEXT) return FLUSH;
        } else if (value === undefined) {
          message = this.#read();
          if (message === undefined) return READ;
        } else if (value instanceof Head) this.#begin(value);
        else if (value instanceof Transfer) {
          this.#giveBack();
          this.#passed = value;
          return PASS;
        } else if (isForDriver(value)) {
          this.#noteUnexpected();
          this.#answer.flush();
          this.#passed = value;
          return PASS;
        } else throw meaningless(value);
      } catch (error) {
        mode = THROW;
        message = error;
      }
    }
  }

  /** A transfer is about to begin, which reads the connection itself. */
  #giveBack(): void {
    if (!this.#taken) {
      throw new LocalProtocolError(
        "Cannot transfer in the middle of HTTP, whose framing it would break: take the connection over first, by a 101 " +
          "or a 2xx to CONNECT, or enter another context",
      );
    }
    const running = this.#running!;
    const pieces = running.rest;
    if (!this.#input.empty) pieces.push(this.#input.rest());
    if (pieces.length === 0) return;
    const { unread } = this.#options;
    if (unread === undefined) {
      throw new TypeError("Cannot transfer what has come already: give httpProtocol() `unread`");
    }
    running.rest = [];
    for (const piece of pieces.reverse()) unread(piece as Uint8Array);
  }

  /** The next piece of the body; undefined if it must be waited for. */
  #read(): Uint8Array | undefined {
    if (this.#taken) return this.#input.empty ? undefined : this.#input.rest();
    if (this.#bodyError !== undefined) throw this.#bodyError;
    const body = this.#body;
    let piece: Uint8Array | undefined;
    try {
      piece = body.read();
    } catch (error) {
      this.#bodyError = error;
      this.#answer.close = true;
      throw error;
    }
    if (piece !== undefined) {
      // RFC 9110 10.1.1: the 100 MAY be omitted if some of the content has been received already.
      this.#expected = false;
      return piece;
    }
    if (body.done) {
      this.#request!.trailers = body.trailers;
      throw END_OF_BODY;
    }
    if (this.#expected) {
      this.#expected = false;
      if (!this.#answer.begun) this.#output.write("HTTP/1.1 100 Continue\r\n\r\n");
    } else this.#answer.flush(); // the client may want to see it before it sends more
    return undefined;
  }

  #begin(head: Head): void {
    const request = this.#request!;
    const switching = head.status === 101;
    const connecting = request.method === "CONNECT" && head.status >= 200 && head.status < 300;
    if (!switching && !connecting) {
      if (head.status === 100) this.#expected = false;
      return this.#answer.head(head);
    }
    // RFC 9110 7.8: a server MUST NOT switch to a protocol that the client did not name, and MUST name it itself.
    if (
      switching && !(head.upgrade && request.version === "1.1" && request.headers.has("upgrade"))
    ) {
      throw new LocalProtocolError(
        "Cannot switch protocols: both the request and the response must have an Upgrade header (RFC 9110 7.8)",
      );
    }
    if (!this.#body.done) {
      throw new LocalProtocolError(
        "Cannot take the connection over: read the body of the request to its end first",
      );
    }
    this.#answer.takeOver(head);
    this.#taken = true;
  }

  /** A client that waits for a 100 and gets an answer may send the body or not: the connection cannot be used again. */
  #noteUnexpected(): void {
    if (this.#expected && this.#answer.headed) this.#answer.close = true;
  }

  /** What the handler gets of an error that the driver throws in. */
  *#thrownIn(error: unknown, pause: Pause): Coroutine<unknown> {
    if (pause === PASS_ELSEWHERE) return error;
    if (error instanceof EndOfStream) {
      if (this.#taken || pause !== READ) return error;
      this.#answer.close = true;
      return this.#bodyError = bad("an end before its body is complete (RFC 9112 8)");
    }
    try {
      yield "";
    } catch (again) {
      // Even nothing cannot be sent: it is the connection that is broken, and not a promise, or a timeout.
      if (again === error) this.#lost = { error };
    }
    return error;
  }

  #finished(): Pause {
    this.#running = undefined;
    if (this.#isElsewhere) return this.#failed(undefined);
    if (this.#taken) return ENDED;
    this.#noteUnexpected();
    try {
      this.#answer.end();
    } catch (error) {
      return this.#failed(error);
    }
    return ENDED;
  }

  #failed(error: unknown): Pause {
    this.#running = undefined;
    const elsewhere = this.#isElsewhere;
    if (elsewhere) {
      error = new LocalProtocolError(
        "Cannot go on: the handler has ended without leaving the context that it entered, where nothing of this " +
          "connection may go; enter it with `using`",
        { cause: error },
      );
    }
    if (error instanceof EndOfStream) {
      // As everywhere, it ends a coroutine that does not catch it quietly; but a request has to be answered.
      if (this.#taken || this.#answer.headed) return this.#finished();
      error = new LocalProtocolError(
        "Cannot answer the request: its handler has ended at the end of a stream, without a response",
        { cause: error },
      );
    }
    if (this.#lost !== undefined && this.#lost.error === error) {
      // Nobody's fault: there is nobody left to answer.
      this.#fatal = { error };
      return ENDED;
    }
    const remote = error instanceof RemoteProtocolError;
    if (!remote) this.#report(error);
    if (this.#taken || elsewhere || !this.#answer.revert()) {
      this.#fatal = { error: asReported(error) };
      return ENDED;
    }
    const { method, version, keepAlive } = this.#request!;
    this.#answer.start(
      method === "HEAD",
      version === "1.0",
      // What is behind a faulty body is not the next request.
      keepAlive && !remote && !this.#expected && this.#bodyError === undefined,
    );
    if (remote) this.#answerError(error as RemoteProtocolError);
    else this.#answerError({ status: 500, message: reasonOf(500) });
    return ENDED;
  }

  get #isElsewhere(): boolean {
    const { isElsewhere } = this.#options;
    return isElsewhere !== undefined && isElsewhere();
  }

  #report(error: unknown): void {
    const { onError } = this.#options;
    cleaned(error);
    if (onError !== undefined) onError(error, this.#request!);
    else console.error(error);
  }

  #answerError({ status, message }: { status: number; message: string }): void {
    this.#answer.head(new Head(status, { "content-type": "text/plain; charset=utf-8" }));
    this.#answer.data(message);
    this.#answer.end();
  }

  /** Answers what is not a request. RFC 9112 2.2: the server SHOULD respond with 400 and close the connection. */
  #refuse(error: RemoteProtocolError, headOnly: boolean): void {
    this.#answer.start(headOnly, false, false);
    this.#answerError(error);
  }

  /**
   * Reads on until the head of a request is complete; returns whether it is, or there was none.
   *
   * The head is gathered, looking only for its end, and then parsed as a whole: each byte is seen three times at most.
   */
  *#gatherHead(): Coroutine<boolean> {
    const input = this.#input;
    const parser = this.#parser;
    const head = new PartialHead(this.#limits);
    while (!head.add(input)) {
      yield* this.#flush();
      try {
        input.receive(yield);
      } catch (error) {
        if (!(error instanceof EndOfStream)) throw error;
        if (head.empty) return false;
        throw bad("an end before its head is complete (RFC 9112 8)");
      } finally {
        parser.method = ""; // others have used it meanwhile
      }
      this.#date.stale = true;
    }
    if (!parser.parse(head.bytes, 0)) throw bad("an incomplete request line (RFC 9112 3)");
    return true;
  }

  /** Reads what the handler has left of the body, so that the next request can be found; but not too much of it. */
  *#drain(): Coroutine<void> {
    const input = this.#input;
    try {
      for (let left = this.#limits.maxDrainBytes; left >= 0;) {
        const piece = this.#body.read();
        if (piece !== undefined) left -= piece.length;
        else if (this.#body.done) return;
        else {
          yield* this.#flush();
          input.receive(yield);
          this.#date.stale = true;
        }
      }
    } catch (error) {
      // The answer has been given: there is nobody to tell.
      if (!(error instanceof EndOfStream || error instanceof RemoteProtocolError)) throw error;
    }
    this.#answer.close = true;
  }

  *#flush(): Coroutine<void> {
    for (let data; (data = this.#output.take()) !== undefined;) yield data;
  }

  /** The connection is being closed: the handler's `finally`s may still wait for something, but not talk to the client. */
  *#closeHandler(running: Composed<unknown>): Coroutine<void> {
    this.#running = undefined;
    const { isElsewhere } = this.#options;
    let result = running.return(undefined);
    while (result.done !== true) {
      const { value } = result;
      const forDriver = isForDriver(value) && !(value instanceof Transfer);
      if (forDriver || isElsewhere?.()) {
        let answer: unknown;
        try {
          answer = yield value;
        } catch (error) {
          result = running.throw(error);
          continue;
        }
        result = running.next(answer);
      } else if (value === undefined || value instanceof Transfer) {
        result = running.throw(new EndOfStream("The connection is being closed"));
      } else result = running.next();
    }
  }
}

/** What a handler waits for: it is none of the connection's business. */
function isForDriver(value: unknown): boolean {
  return value === Yield || isRequest(value);
}

function meaningless(value: unknown): TypeError {
  return new TypeError(
    `Cannot do anything with a yielded ${
      Deno.inspect(value, { depth: 0 }).replace(/\s+/g, " ").slice(0, 100)
    }: yield a response head such as ok(headers) to begin the answer, a string or Uint8Array for its body, ` +
      "nothing to read the request's body, or a command such as wait(promise) with yield*",
  );
}
