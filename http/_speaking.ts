import type { Coroutine } from "../compose/mod.ts";
import type { Codings } from "./_codings.ts";
import { Conversation } from "./_conversation.ts";
import type { Exchange, Phase } from "./_exchange.ts";
import { ended, tooSlow } from "./_faults.ts";
import type { Patience } from "./_framed.ts";
import {
  type Base,
  type Framed,
  type Host,
  type Inner,
  isTransfer,
  transfersHere,
  type Use,
} from "./_host.ts";
import { LogEntry, type RequestLine } from "./_log_entry.ts";
import { MIN_PROGRESS, Overdue } from "./_phase_timer.ts";
import { report } from "./_report.ts";
import type { Settings } from "./_settings.ts";
import { tellAll } from "./_watcher.ts";
import type { AnswerSink, BodySource, Wire } from "./_wire.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { ErrorHandler } from "./error_handler.ts";
import type { HttpRequest } from "./http_request.ts";
import type { HttpTimeouts } from "./http_timeouts.ts";

const UNLIMITED: HttpTimeouts = Object.freeze({
  headMs: Infinity,
  idleMs: Infinity,
  bodyMs: Infinity,
  writeMs: Infinity,
});

/*
 * What speaks HTTP for a handler, whatever the wire: the connection of HTTP/1.1, a stream of HTTP/2.
 *
 *  1. It runs one exchange at a time. While the handler of that has not ended, it does what the
 *     exchange waits for: it reads, sends, or yields to its driver.
 *  2. While the handler is in a context of its own ("elsewhere"), it yields nothing of its own.
 *  3. What a handler leaves behind ends with it.
 *  4. Each time that it waits for the client is a phase with a limit (HttpTimeouts). How long a
 *     handler runs is not limited.
 */
export abstract class Speaking implements Wire, Inner, Patience {
  readonly info: ConnectionInfo;
  protected readonly settings: Settings;
  protected exchange: Exchange | undefined = undefined;
  /** Whether the server shuts down. */
  protected isFinishing = false;
  /** How many bytes of the body have come since the client last made progress. */
  #arrived = 0;
  /** How much of the time for that is left. */
  #bodyMs = 0;
  /** Whether it waits for more of the body, within that time. */
  #awaitsBody = false;
  /**
   * What the handler waits for: the client, a transfer that uses the connection without framing, or
   * something else. A function ends looking meanwhile whether the client has gone.
   */
  #waits: "for the client" | "for a tunnel" | "for something else" | (() => void) =
    "for the client";
  /** Whether another coroutine reads the body. */
  #isLent = false;
  abstract readonly body: BodySource;
  abstract readonly answer: AnswerSink;
  abstract readonly host: Host | undefined;
  // What gio and this know of the handler:
  isRunning = false;
  isElsewhere = false;
  own: Inner["own"] = undefined;

  constructor(settings: Settings, info: ConnectionInfo) {
    this.settings = settings;
    this.info = info;
  }

  // What the wire does:

  /** Sends what has gathered. If the handler waits for that only, waits until there is room. */
  protected abstract sendOut(isOutput: boolean): Coroutine<void>;
  /** The same at once, although the handler is elsewhere. */
  protected abstract sendBeside(): void;
  /** Waits until more of the body has come. Returns how many bytes. */
  protected abstract receive(): Coroutine<number>;
  /**
   * Finds out whether an error means that the connection is broken, and returns what broke it. Nothing
   * more is sent then.
   */
  protected abstract brokenBy(error: unknown): Coroutine<unknown>;
  abstract frame(use: Use, base: Base): Framed | undefined;
  /** The body, for a transfer in another coroutine. */
  protected abstract bodyBeside(patience: Patience): Framed;
  /** The error of a transfer that the handler has made and not yielded. */
  abstract forgotten(): TypeError | undefined;

  /** It is not the client for which it waits now. */
  protected waitForOthers(): void {
    this.host?.begin(Infinity);
  }

  /** What the handler has pushed back. */
  get rest(): unknown[] {
    return this.exchange?.rest ?? [];
  }

  set rest(values: unknown[]) {
    if (this.exchange !== undefined) this.exchange.rest = values;
  }

  get hasTakenOver(): boolean {
    return this.exchange?.hasTakenOver ?? false;
  }

  get codings(): Codings | undefined {
    return this.settings.codings;
  }

  get errorHandler(): ErrorHandler | undefined {
    return this.settings.errorHandler;
  }

  get timeouts(): HttpTimeouts {
    return this.settings.timeouts;
  }

  /** The timeouts of the request, if there is one. A tunnel has limits of its own. */
  get current(): HttpTimeouts {
    return this.#waits === "for a tunnel" ? UNLIMITED : this.exchange?.timeouts ?? this.timeouts;
  }

  inspect(): { what: string; lines: string[] } {
    return this.exchange!.inspect();
  }

  reporter(): (error: unknown) => void {
    const { request } = this.exchange!;
    return (error) => this.report(error, request);
  }

  report(error: unknown, request: HttpRequest | undefined): void {
    report(this.settings, this.host?.driver.reactor, error, request);
  }

  lend(exchange: unknown): Framed {
    const current = this.exchange;
    const isOver = current === undefined || current !== exchange || !this.isRunning;
    if (isOver || this.host === undefined) throw ended();
    this.#isLent = true;
    if (typeof this.#waits === "function") {
      this.#waits();
      this.#waits = "for something else";
    }
    return this.bodyBeside({
      awaitBody: () => {
        this.sendBeside(); // The client may wait for a 100.
        this.awaitBody();
      },
      bodyCame: (length) => this.bodyCame(length),
      released: () => {
        this.#isLent = false;
        if (current !== this.exchange || !this.isRunning) return;
        if (this.#awaitsBody) this.bodyCame(0);
        if (current.hasSignal) this.watch();
      },
    });
  }

  watch(): void {
    if (this.#waits !== "for something else" || this.#isLent || this.host === undefined) return;
    this.#waits = this.host.watch((reason) => this.exchange?.lose(reason));
  }

  retime(exchange: unknown, before: HttpTimeouts): void {
    const { host } = this;
    if (host === undefined || exchange !== this.exchange || !this.isRunning) return;
    const { bodyMs } = this.current;
    if (this.#awaitsBody && host.left !== Infinity) this.#bodyMs = host.left;
    // What has passed of the time counts. Both may be Infinity.
    const isLimited = before.bodyMs !== Infinity && bodyMs !== Infinity;
    this.#bodyMs = isLimited ? Math.max(0, this.#bodyMs + bodyMs - before.bodyMs) : bodyMs;
    if (this.#awaitsBody) host.begin(this.#bodyMs);
    host.retime();
  }

  awaitBody(ms: number = this.exchange!.timeouts.bodyMs): void {
    if (this.#arrived >= MIN_PROGRESS) {
      this.#arrived = 0;
      this.#bodyMs = ms;
    }
    this.#awaitsBody = !this.exchange!.hasTakenOver;
    this.host!.begin(Math.min(this.#bodyMs, ms));
  }

  bodyCame(length: number): void {
    const host = this.host!;
    this.#awaitsBody = false;
    if (host.left !== Infinity) this.#bodyMs = host.left;
    host.begin(Infinity);
    this.#arrived += length;
  }

  /** An exchange begins. */
  protected beginWith(exchange: Exchange): void {
    this.exchange = exchange;
    this.#arrived = MIN_PROGRESS;
    this.isRunning = true;
  }

  /** Has the access log told of a request when it has been answered. */
  protected willLog(
    exchange: Exchange,
    request: HttpRequest | undefined,
    line: RequestLine,
  ): void {
    const { accessLog } = this.settings;
    if (accessLog === undefined) return;
    exchange.onAnswered(
      (answered) => accessLog(new LogEntry(this.info, request, line, answered)),
      request,
    );
  }

  /** Tells those who wait for it of an answer, once. */
  protected tell(exchange: Exchange): void {
    const { watchers } = exchange;
    if (watchers === undefined) return;
    exchange.watchers = undefined;
    tellAll(watchers, this.answer, (error, request) => this.report(error, request));
  }

  /**
   * The handler goes on in another protocol, and HTTP keeps nothing of it. Gives the coroutine that runs it to
   * its end.
   */
  protected converse(exchange: Exchange): Conversation {
    const { own, host, settings, info } = this;
    this.own = undefined;
    this.isRunning = false;
    host!.stop();
    return new Conversation(host!.driver, exchange, own, settings, info, this.answer.status);
  }

  /** Does what the handler waits for, and lets it go on. */
  protected *goOn(exchange: Exchange, phase: Phase): Coroutine<Phase> {
    this.waitForOthers();
    const ending = this.isFinishing ? exchange.ending() : undefined;
    if (ending !== undefined) return exchange.throw(ending);
    try {
      if (phase === "elsewhere") {
        if (this.answer.isEventStream) { // What was yielded goes out while the next is waited for.
          this.answer.flush();
          this.sendBeside();
        }
      } else yield* this.sendOut(phase === "output");
      if (phase === "body") {
        yield* this.receiveBody(exchange.hasTakenOver ? Infinity : exchange.timeouts.bodyMs);
      } else if (phase !== "output") {
        this.#willWait(exchange);
        try {
          exchange.value = yield exchange.value;
        } finally {
          this.#hasWaited();
        }
      }
    } catch (error) {
      this.settings.date.stale = true;
      return yield* this.#fail(exchange, error);
    }
    this.settings.date.stale = true;
    return phase === "body" ? exchange.received() : exchange.next();
  }

  /** It waits for what the handler waits for, and tells the handler meanwhile if the client has gone. */
  #willWait(exchange: Exchange): void {
    const { value } = exchange;
    if (isTransfer(value) && exchange.hasTakenOver) this.#waits = "for a tunnel";
    else if (!transfersHere(value, "from")) this.#waits = "for something else";
    if (exchange.hasSignal) this.watch();
  }

  #hasWaited(): void {
    if (typeof this.#waits === "function") this.#waits();
    this.#waits = "for the client";
    this.waitForOthers();
  }

  /** Waits for more of the body. */
  protected *receiveBody(ms: number): Coroutine<void> {
    if (this.host === undefined) return void (yield* this.receive());
    this.awaitBody(ms);
    let length = 0;
    try {
      length = yield* this.receive();
    } finally {
      this.bodyCame(length);
    }
  }

  /** Throws an error of the driver into the handler. */
  *#fail(exchange: Exchange, error: unknown): Coroutine<Phase> {
    if (error instanceof Overdue) return exchange.throw(tooSlow("its body"));
    // An EndOfStream as well: it tells that the client has not read for too long.
    if (exchange.phase !== "elsewhere") {
      const broken = yield* this.brokenBy(error);
      if (broken !== undefined) return exchange.break(broken);
    }
    return exchange.throw(error);
  }

  /** The handler is closed with its connection. */
  protected *closeHandler(): Coroutine<void> {
    const exchange = this.exchange!;
    try {
      yield* exchange.close();
    } finally {
      this.isRunning = false;
      this.tell(exchange);
      yield* this.#endOwn(true);
    }
  }

  /** Sends what has gathered, and ends what the handler has left behind, whatever happens. */
  protected *leave(isCut: boolean): Coroutine<void> {
    let isLost = true;
    try {
      if (!this.isElsewhere && (isCut || !this.own!.isIdle)) yield* this.sendOut(false);
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
}
