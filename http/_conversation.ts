/**
 * A handler that has taken its connection over, and goes on in a context that speaks another protocol there.
 * HTTP is over, and keeps nothing of it. As a coroutine, it begins that protocol, then it is the handler, and
 * then it ends what the handler has left.
 */
import { type Composed, type Coroutine, Request, trace, type Waiter } from "../compose/mod.ts";
import { Channel } from "../gio/_channel.ts";
import type { Driver } from "../gio/_driver.ts";
import type { Context } from "../gio/mod.ts";
import type { Place } from "../gio/_places.ts";
import { type Scope, ScopeEnd } from "../gio/_scope.ts";
import { Successor } from "../gio/_successor.ts";
import { close } from "../pipeline/_plumbing.ts";
import type { Speaker } from "./_accepted_connection.ts";
import { ignore } from "../reactor/_ignore.ts";
import type { Receiver } from "../reactor/mod.ts";
import { clientGone, type Exchange } from "./_exchange.ts";
import { ended } from "./_faults.ts";
import type { Inner, Told } from "./_host.ts";
import { report } from "./_report.ts";
import type { Settings } from "./_settings.ts";
import { LocalProtocolError } from "./local_protocol_error.ts";
import { type Switched, Switching } from "./_switching.ts";
import { tellAll, type Watcher } from "./_watcher.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { HttpRequest, RequestContext } from "./http_request.ts";
import type { HttpTimeouts } from "./http_timeouts.ts";

/** How the handler has ended. */
type Outcome = "has returned" | "is closed" | { readonly error: unknown };

export class Conversation extends Successor implements Inner, Speaker, RequestContext {
  isRunning = true;
  isElsewhere = false;
  own: Scope | undefined;
  timeouts: HttpTimeouts;
  readonly connection: ConnectionInfo;
  readonly #driver: Driver;
  readonly #settings: Settings;
  readonly #request: HttpRequest;
  readonly #running: Composed<unknown>;
  /** How the other protocol is to begin; then the handler runs; then what is left is ended. */
  #stage: Switching | "handler" | Coroutine<void>;
  /** What is spoken since then. */
  #switched: Switched | undefined = undefined;
  #place: Place | undefined = undefined;
  #whenOver: (() => void) | undefined = undefined;
  #abort: AbortController | undefined;
  #watchers: Watcher[] | undefined;
  #isFinishing = false;
  /** That of the answer which has begun the conversation. */
  readonly #status: number;

  constructor(
    driver: Driver,
    exchange: Exchange,
    own: Scope | undefined,
    settings: Settings,
    info: ConnectionInfo,
    status: number,
  ) {
    super();
    this.#status = status;
    this.#driver = driver;
    this.#settings = settings;
    this.connection = info;
    this.own = own;
    const switching = this.#stage = exchange.value as Switching;
    switching.leave = () => this.leave();
    const { running, request, watchers, abort, timeouts } = exchange.handOver(this);
    this.#running = running;
    this.#request = request;
    this.#watchers = watchers;
    this.#abort = abort;
    this.timeouts = timeouts;
    driver.inner = this;
  }

  get isIdle(): boolean {
    return false;
  }

  get hasTakenOver(): boolean {
    return true;
  }

  // For the request:

  get body(): Receiver {
    throw ended();
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#switched?.isOver) this.#abort.abort(clientGone());
    return this.#abort.signal;
  }

  onAnswered(tell: Watcher["tell"], request: HttpRequest): void {
    (this.#watchers ??= []).push({ tell, request, at: performance.now() });
  }

  // For the driver:

  get rest(): unknown[] {
    return this.#running.rest;
  }

  set rest(values: unknown[]) {
    this.#running.rest = values;
  }

  reporter(): (error: unknown) => void {
    return (error) => this.#report(error);
  }

  inspect(): Told {
    const { method, path } = this.#request;
    return { what: `${method} ${path}`, lines: trace(this.#running).map((line) => line.trim()) };
  }

  /** The server shuts down. */
  finish(): void {
    this.#isFinishing = true;
    this.#switched?.goAway();
  }

  // As a coroutine:

  override next(message?: unknown): IteratorResult<unknown, void> {
    const stage = this.#stage;
    if (stage instanceof Switching) return { done: false, value: new Begin(this, stage) };
    return stage === "handler" ? this.#resume("next", message) : stage.next(message);
  }

  override throw(error: unknown): IteratorResult<unknown, void> {
    const stage = this.#stage;
    if (stage instanceof Switching) return this.#end({ error });
    return stage === "handler" ? this.#resume("throw", error) : stage.throw(error);
  }

  override return(): IteratorResult<unknown, void> {
    const stage = this.#stage;
    const isEnding = stage !== "handler" && !(stage instanceof Switching);
    return isEnding ? stage.return() : this.#end("is closed");
  }

  /** Resumes the handler. */
  #resume(how: "next" | "throw", message: unknown): IteratorResult<unknown, void> {
    try {
      const result = this.#running[how](message);
      if (result.done !== true) return result;
    } catch (error) {
      return this.#end({ error });
    }
    return this.#end("has returned");
  }

  #end(how: Outcome): IteratorResult<unknown, void> {
    return (this.#stage = this.#conclude(how)).next();
  }

  *#conclude(how: Outcome): Coroutine<void> {
    let outcome: Outcome = "is closed";
    try {
      if (how === "has returned") yield new Flushed();
      else yield* close(this.#running, true, true);
      outcome = how;
    } catch (error) {
      outcome = { error };
    } finally {
      try {
        this.#ended(outcome);
        yield* this.#endOwn();
        if (this.#switched?.isOver === false) yield new Over(this);
      } finally {
        this.isRunning = false;
        if (this.#watchers !== undefined) {
          // What was sent in the other protocol does not count.
          tellAll(this.#watchers, { status: this.#status, bytes: 0 }, this.reporter());
        }
      }
    }
  }

  /** What was sent is on its way: the other protocol begins. */
  begin(switching: Switching): void {
    const driver = this.#driver;
    const base = driver.base!;
    base.stopIdleReading();
    const arrived = driver.lending.unread(base.context);
    const switched = this.#switched = switching.make(base.context, driver.reactor);
    this.#place = driver.enterPlace(switched);
    driver.forgetBase();
    switched.start(arrived, this);
    this.#stage = "handler";
    if (this.#isFinishing) switched.goAway();
  }

  /** The handler leaves the context, and cannot go back to the connection. */
  leave(): void {
    const place = this.#place;
    this.#place = undefined;
    if (place !== undefined && this.#driver.leavePlace(place)) this.#driver.enterPlace(ENDED);
  }

  over(): void {
    this.#abort?.abort(clientGone());
    this.#whenOver?.();
  }

  whenOver(tell: () => void): void {
    if (this.#switched!.isOver) tell();
    else this.#whenOver = tell;
  }

  /** The handler has ended, or was closed with its connection. */
  #ended(outcome: Outcome): void {
    const switched = this.#switched;
    let failure = typeof outcome === "object" ? outcome : undefined;
    try {
      this.leave();
    } catch (error) {
      failure = {
        error: new LocalProtocolError(
          "Cannot go on: the handler has ended without leaving the context that it entered; enter it with `using`",
          { cause: failure?.error ?? error },
        ),
      };
    }
    if (failure !== undefined && !this.#isOfPeer(failure.error)) {
      switched?.fail();
      this.#report(failure.error);
    } else if (outcome === "is closed" || this.#driver.isClosing) switched?.goAway();
    else switched?.close();
  }

  /** Whether an error tells only what the peer has done: it has ended, or has broken a rule. */
  #isOfPeer(error: unknown): boolean {
    const switched = this.#switched;
    // The client has gone before the answer was sent.
    if (switched === undefined) return true;
    if (Channel.endedBy(error)?.context === switched) return true;
    if (switched.isOver && isAbort(error)) return true;
    for (; error instanceof Error; error = error.cause) if (switched.isEnd(error)) return true;
    return false;
  }

  /** Ends what the handler has left behind. */
  *#endOwn(): Coroutine<void> {
    const { own } = this;
    if (own === undefined) return;
    this.own = undefined;
    const ending = new ScopeEnd(own, this.#driver.isClosing);
    if (!ending.isOver) yield ending;
  }

  #report(error: unknown): void {
    report(this.#settings, this.#driver.reactor, error, this.#request);
  }
}

/** Waits until what was sent is on its way, and begins the other protocol. */
class Begin extends Request<void> {
  readonly flushes = true;
  readonly #conversation: Conversation;
  readonly #switching: Switching;

  constructor(conversation: Conversation, switching: Switching) {
    super();
    this.#conversation = conversation;
    this.#switching = switching;
  }

  override begin(waiter: Waiter<void>): void {
    this.#conversation.begin(this.#switching);
    waiter.resume();
  }
}

/** Waits until all that was written is on its way. */
class Flushed extends Request<void> {
  readonly flushes = true;

  override begin(waiter: Waiter<void>): void {
    waiter.resume();
  }
}

/** Waits until all has been said. */
class Over extends Request<void> {
  readonly #conversation: Conversation;

  constructor(conversation: Conversation) {
    super();
    this.#conversation = conversation;
  }

  override begin(waiter: Waiter<void>): void {
    this.#conversation.whenOver(() => waiter.resume());
  }
}

/** Where a handler is when it has left the other protocol. The connection itself is of no use. */
const ENDED: Context = {
  readable: true,
  writable: true,
  take: nothingMore,
  recv: nothingMore,
  put: nothingMore,
  send: nothingMore,
  close: ignore,
  watch: (_, notify) => notify(),
  unwatch: ignore,
  describe: () => "a connection whose protocol has ended",
};

function nothingMore(): never {
  throw new LocalProtocolError(
    "Cannot read or write: the handler has left the protocol that it had switched to, and nothing can follow it",
  );
}

/** Whether an AbortSignal has caused it. */
function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
