import { type Coroutine, EndOfStream, Request, type Waiter } from "../../compose/mod.ts";
import { Driver, enterUndriven, leaveUndriven, type Undriven } from "../../gio/_driver.ts";
import { ignore } from "../../reactor/_ignore.ts";
import type { Interest } from "../../reactor/mod.ts";
import type { Conversation } from "../_conversation.ts";
import { Exchange, type Phase } from "../_exchange.ts";
import type { Patience } from "../_framed.ts";
import { type Base, DriverHost, type Framed, type Host, type Use } from "../_host.ts";
import type { Settings } from "../_settings.ts";
import { Speaking } from "../_speaking.ts";
import type { ConnectionInfo } from "../connection_info.ts";
import { HttpHeaders } from "../http_headers.ts";
import type { HttpHandler } from "../http_handler.ts";
import type { HttpLimits } from "../http_limits.ts";
import { ReceivedRequest } from "../http_request.ts";
import { CLOSED } from "./_stream.ts";
import { CANCEL, INTERNAL_ERROR } from "./_codes.ts";
import { FramedInput, FramedOutput } from "./_framed_stream.ts";
import type { RequestHead } from "./_request_head.ts";
import type { H2Stream, StreamUser } from "./_stream.ts";
import { StreamAnswer } from "./_stream_answer.ts";
import { StreamBody } from "./_stream_body.ts";
import { StreamContext } from "./_stream_context.ts";

/*
 * A stream of a server: one exchange on a stream of HTTP/2.
 *
 *  1. The handler begins in the coroutine of the connection. If it ends there, that is all. A driver is
 *     made when something needs one, at the latest when the handler waits or when its answer does not go
 *     out at once; then it goes on in a coroutine of its own, whose context is this.
 *  2. The coroutine does not read and write this context by yields. It takes what has come, and puts into
 *     the queue of the stream what is to go, and waits by requests for more to come and for room.
 *  3. The coroutine ends when the answer has been sent, so the time for that is limited as all others are.
 */

/** What a stream needs of its connection. */
export interface Streams {
  readonly handler: HttpHandler;
  readonly settings: Settings;
  readonly limits: HttpLimits;
  readonly info: ConnectionInfo;
  readonly isFinishing: boolean;
  readonly driver: Driver;
  readonly locals: ReadonlyMap<object, unknown>;
  /** The handler waits, or its answer does not go out at once. */
  goesOn(stream: ServerStream): void;
  /** The handler has ended, and its answer has been sent. */
  ended(stream: ServerStream): void;
}

export class ServerStream extends Speaking implements StreamUser, Undriven {
  readonly #streams: Streams;
  readonly #stream: H2Stream;
  readonly body: StreamBody;
  readonly answer: StreamAnswer;
  #driver: Driver | undefined = undefined;
  #host: StreamHost | undefined = undefined;
  #phase: Phase = "head";
  /** Why the stream cannot be used any more. */
  #lost: unknown = undefined;
  /** Who waits for more of the body, or for room. */
  #waiting: { for: Interest | "sent"; waiter: Waiter<void> } | undefined = undefined;
  #context: StreamContext | undefined = undefined;
  /** What has taken the place of HTTP. */
  #conversation: Conversation | undefined = undefined;

  constructor(streams: Streams, stream: H2Stream) {
    super(streams.settings, streams.info);
    this.#streams = streams;
    this.#stream = stream;
    this.body = new StreamBody(stream, streams.limits);
    this.answer = new StreamAnswer(stream, streams.settings.date);
    stream.user = this;
  }

  /** Answers the request. */
  start(head: RequestHead): void {
    if (this.#lost !== undefined) return; // by what came with the head
    const stream = this.#stream;
    const exchange = new Exchange(this);
    const isConnect = head.method === "CONNECT";
    const hasBody = !stream.isAtEnd && !isConnect;
    this.isFinishing = this.#streams.isFinishing;
    this.body.start(isConnect);
    this.answer.start(head.method === "HEAD");
    const request = new ReceivedRequest(head, exchange, hasBody);
    this.settings.requests++;
    this.willLog(exchange, head.refusal === undefined ? request : undefined, request);
    this.beginWith(exchange);
    const outer = enterUndriven(this);
    try {
      this.#phase = head.refusal === undefined
        ? exchange.start(this.#streams.handler, request, head.expectContinue && hasBody)
        : exchange.refuse(head.refusal);
    } finally {
      leaveUndriven(outer);
    }
    if (!exchange.isRunning && this.#driver === undefined) {
      this.isRunning = false;
      this.tell(exchange);
      this.#finish(this.#phase);
      // Somebody has to see to it that the rest goes out in time.
      if (stream.queued === 0) return this.#streams.ended(this);
    }
    this.#streams.goesOn(this);
    this.promote().start();
  }

  /** The stream, if nothing can use it any more, so that it can be used for another request. */
  get spare(): H2Stream | undefined {
    this.body.forget();
    return this.#driver === undefined && this.#stream.state === CLOSED ? this.#stream : undefined;
  }

  promote(): Driver {
    if (this.#driver !== undefined) return this.#driver;
    const { driver, locals } = this.#streams;
    this.#context = new StreamContext(this.#stream, this);
    this.#driver = new Driver(driver.reactor, this.#context, this.#run(), {}, {
      parent: driver,
      locals,
      isDeferred: true,
    });
    this.#driver.inner = this;
    return this.#driver;
  }

  /** The server shuts down. */
  finish(): void {
    this.isFinishing = true;
    this.#conversation?.finish();
    const ending = this.isRunning ? this.exchange!.ending() : undefined;
    if (ending !== undefined) this.host.throw(ending);
  }

  /** The client has gone, as far as one can tell: it may still read. So the answer is sent all the same. */
  clientEnded(error: EndOfStream): void {
    if (this.exchange?.isRunning) this.exchange.lose(error);
  }

  /** Why it cannot be used any more. */
  get fault(): unknown {
    return this.#lost;
  }

  /** Without a host there is no time to end. So a handler that waits for something else needs none. */
  protected override waitForOthers(): void {
    this.#host?.begin(Infinity);
  }

  override get host(): StreamHost {
    return this.#host ??= new StreamHost(this.promote(), this, this.#stream);
  }

  override forgotten(): TypeError | undefined {
    return this.#driver?.forgotten();
  }

  *#run(): Coroutine<void> {
    const exchange = this.exchange!;
    try {
      while (exchange.isRunning && this.#phase !== "switched") {
        this.#phase = yield* this.goOn(exchange, this.#phase);
      }
      if (this.#phase === "switched") {
        this.answer.flush();
        const conversation = this.#conversation = this.converse(exchange);
        if (this.isFinishing) conversation.finish();
        yield* conversation;
      }
      if (this.isRunning) {
        this.isRunning = false;
        this.tell(exchange);
      }
      const isCut = this.#phase === "cut" || this.#phase === "broken";
      // By a native `yield*`: after a close it must go on
      if (this.own !== undefined) yield* this.leave(isCut);
      this.#finish(this.#phase);
      while (this.#stream.queued > 0) yield* this.#await("sent");
    } catch (error) {
      if (error !== this.#lost) throw error;
    } finally {
      try {
        this.#host?.stop();
        if (this.isRunning) {
          yield* this.closeHandler();
          this.#stream.reset(CANCEL, this.#lost);
        }
      } finally {
        this.#streams.ended(this);
      }
    }
  }

  /** The handler has ended. */
  #finish(phase: Phase): void {
    if (phase === "cut") this.#stream.reset(INTERNAL_ERROR, this.exchange!.value);
    else if (phase === "broken") this.#stream.reset(CANCEL, this.exchange!.value);
    else if (this.hasTakenOver) this.#stream.end();
    this.#stream.drop();
  }

  // What Speaking asks:

  protected override *sendOut(isOutput: boolean): Coroutine<void> {
    if (!isOutput) return;
    this.answer.flush();
    if (this.#stream.isFull) yield* this.#await("write");
  }

  /** Waits until the client has taken some. */
  *#await(what: "write" | "sent"): Coroutine<void> {
    this.host.retime(); // The time for that begins.
    yield new Waits(this, what);
  }

  protected override sendBeside(): void {}

  protected override *receive(): Coroutine<number> {
    const stream = this.#stream;
    if (!this.#context!.readable) yield new Waits(this, "read");
    if (this.#lost !== undefined) throw this.#lost;
    // The end of a tunnel is that of a stream.
    if (this.hasTakenOver && stream.isAtEnd) throw new EndOfStream("The stream has ended");
    return stream.inputBytes;
  }

  // deno-lint-ignore require-yield
  protected override *brokenBy(): Coroutine<unknown> {
    return this.#lost;
  }

  override frame(use: Use, _base: Base): Framed {
    return use === "from"
      ? new FramedInput(this.#context!, this.exchange!, this)
      : new FramedOutput(this.#context!, this.exchange!, this.answer);
  }

  protected override bodyBeside(patience: Patience): Framed {
    return new FramedInput(this.#context!, this.exchange!, patience);
  }

  // What the session tells:

  received(): void {
    if (this.#waiting?.for === "read") this.#resume();
    else this.#context?.notify("read");
  }

  trailed(lines: Uint8Array): void {
    this.body.trailers = new HttpHeaders(lines);
  }

  drained(): void {
    const waits = this.#waiting?.for;
    if (waits === "write" || waits === "sent" && this.#stream.queued === 0) this.#resume();
    else this.#context?.notify("write");
  }

  lost(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    // No EndOfStream: a body that is cut must not look whole.
    this.#lost = new Deno.errors.ConnectionReset(`The stream has ended: ${why}`, { cause: error });
    // Not by its own answer, after which the rest of the body is not wanted.
    if (this.exchange?.isRunning) this.exchange.lose(this.#lost);
    // What the client has said in a tunnel, up to its end, is whole, also if it wants to hear no more.
    if (this.#conversation !== undefined && this.#stream.wasEnded) this.#context?.keep();
    this.#resume();
    this.#context?.notify("read");
    this.#context?.notify("write");
  }

  #resume(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    if (this.#lost === undefined) waiting.waiter.resume();
    else waiting.waiter.fail(this.#lost);
  }

  /** For {@linkcode Waits}. */
  wait(what: Interest | "sent", waiter: Waiter<void>): () => void {
    const waiting = this.#waiting = { for: what, waiter };
    if (this.#lost !== undefined) this.#resume();
    return () => {
      if (this.#waiting === waiting) this.#waiting = undefined;
    };
  }
}

/** Waits for more of the body, for room, or until all has been sent. */
class Waits extends Request<void> {
  readonly #stream: ServerStream;
  readonly #for: Interest | "sent";

  constructor(stream: ServerStream, what: Interest | "sent") {
    super();
    this.#stream = stream;
    this.#for = what;
  }

  override begin(waiter: Waiter<void>): () => void {
    return this.#stream.wait(this.#for, waiter);
  }
}

/**
 * The host of the handler of a stream. While what goes out waits for its turn only, the client need not do
 * anything. While the window of the connection is shut, all that goes out on it counts.
 */
class StreamHost extends DriverHost implements Host {
  readonly #stream: H2Stream;

  constructor(driver: Driver, of: ServerStream, stream: H2Stream) {
    super(driver, of);
    this.#stream = stream;
  }

  protected override get taken(): number {
    const { sendWindow, session, sent } = this.#stream;
    return sendWindow > 0 ? session.sent : sent;
  }

  protected override get isSending(): boolean {
    const { queued, sendWindow, session } = this.#stream;
    return queued > 0 && (sendWindow <= 0 || session.isShut);
  }

  protected override giveUp(error: EndOfStream): void {
    this.#stream.reset(CANCEL, error);
  }

  /** The session tells when the client has gone. */
  watch(): () => void {
    return ignore;
  }

  unread(bytes: Uint8Array): void {
    this.#stream.unread(bytes);
  }

  /** The end of a tunnel is known, and a stream that was lost has another error. */
  isOwnEnd(): boolean {
    return false;
  }
}
