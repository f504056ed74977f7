import { allBindings } from "../../compose/compose.ts";
import { type Coroutine, EndOfStream, Request, type Waiter, Yield } from "../../compose/mod.ts";
import type { Channel, User } from "../../gio/_channel.ts";
import type { Driver } from "../../gio/_driver.ts";
import { Turns } from "../../gio/_turns.ts";
import type { Timer } from "../../reactor/mod.ts";
import { AcceptedConnection, type Speaker } from "../_accepted_connection.ts";
import type { ConnectionHost } from "../_host.ts";
import { schemeOf } from "../_limits.ts";
import { Overdue } from "../_phase_timer.ts";
import type { Settings } from "../_settings.ts";
import type { ConnectionInfo } from "../connection_info.ts";
import type { HttpHandler } from "../http_handler.ts";
import type { HttpLimits } from "../http_limits.ts";
import { ENHANCE_YOUR_CALM, MAX_WINDOW, NO_ERROR, REFUSED_STREAM } from "./_codes.ts";
import type { FieldList } from "./_field_list.ts";
import { trailerLines } from "./_field_rules.ts";
import { streamError } from "./_h2_error.ts";
import { RequestHead } from "./_request_head.ts";
import { ServerStream, type Streams } from "./_server_stream.ts";
import { prioritize, Session, type SessionLimits, type SessionUser } from "./_session.ts";
import type { H2Stream } from "./_stream.ts";

/*
 * The connection of a server that speaks HTTP/2 (RFC 9113):
 *
 *  1. Its coroutine only reads. The session makes streams of what it reads. The handlers of all streams
 *     that have come with one chunk begin when all of the chunk has been read, so that they find their
 *     bodies; then what all of them have answered is sent at once.
 *  2. A chunk that takes long to work off is left after a turn (see Turns), and the rest of it stands in
 *     line with the others that are busy. So no client waits for another one that floods the server.
 *  3. What streams send later is gathered until the next step of the reactor. When the socket does not
 *     take all, the rest waits in the streams, and small answers overtake large ones.
 *  4. It reads on while it sends. But a peer that does not read what it must (PING, SETTINGS, heads) is
 *     not read either.
 *  5. At the end, handlers that are left are told that their client has gone, as those of HTTP/1.1 are.
 */

const NOTHING = new Uint8Array(0);
const NONE: never[] = [];
/** So much is gathered before it goes to the socket. */
const MAX_GATHERED = 128 * 1024;
/** So often the socket is filled before others have their turn. */
const MAX_FILLS = 4;
/** More than that of answers that the peer does not take, and nothing more is read from it. */
const MAX_UNSENT = 1024 * 1024;
/** So long it may take until the client knows that the connection ends. */
const MAX_ROUND_TRIP_MS = 1000;
/** It waits for the client also when requests are under way, to be told if that takes nothing. */
const BUSY_MS = 1e15;
/** Windows of the body of one request, and of all of one connection. */
const STREAM_WINDOW = 256 * 1024, CONNECTION_WINDOW = 1024 * 1024;

export class ServerConnection implements SessionUser<RequestHead>, Streams, Speaker, User {
  readonly handler: HttpHandler;
  readonly settings: Settings;
  readonly limits: HttpLimits;
  readonly info: ConnectionInfo;
  readonly locals: ReadonlyMap<object, unknown> = allBindings();
  readonly #host: ConnectionHost;
  readonly #channel: Channel;
  readonly #session: Session<RequestHead>;
  /** The streams whose handlers have begun and not ended, or whose answers have not been sent. */
  #running: Set<ServerStream> | undefined = undefined;
  /** Those that have come with this chunk and whose bodies may come with it, and their heads. */
  #starting: { stream: ServerStream; head: RequestHead }[] = NONE;
  /** One that has ended, to be used again. */
  #spare: ServerStream | undefined = undefined;
  #requests = 0;
  /** For how many requests the time is running, and what it limits. */
  #timed = -1;
  #phase: "head" | "idle" | "busy" = "head";
  /** Waits until no handler is left. */
  #whenIdle: Waiter<void> | undefined = undefined;
  /** Whether it is closed although the client has not gone. */
  #isToClose = false;
  /** Whether it waits for the client to send something. */
  #isReading = false;
  /** Until when it may go on to work off what it has read, if that takes long. */
  #endOfTurn = 0;
  /** How far it has come to its end: GOAWAY was sent, and the one that tells the last stream. */
  #end: "none" | "announced" | "told" = "none";
  #endTimer: Timer | undefined = undefined;
  #flushNow: (() => void) | undefined = undefined;

  constructor(
    handler: HttpHandler,
    settings: Settings,
    info: ConnectionInfo,
    host: ConnectionHost,
  ) {
    this.handler = handler;
    this.settings = settings;
    this.limits = settings.limits;
    this.info = info;
    this.#host = host;
    this.#channel = host.driver.base!;
    const { outbox } = this.#channel;
    this.#session = new Session(this, outbox, sessionLimits(this.limits), this.reactor);
    if (info instanceof AcceptedConnection) info.speaker = this;
  }

  get isServer(): boolean {
    return true;
  }

  get driver(): Driver {
    return this.#host.driver;
  }

  get reactor(): Driver["reactor"] {
    return this.driver.reactor;
  }

  // As a coroutine:

  /** Speaks HTTP/2. The bytes are what has come already. */
  *run(bytes: Uint8Array): Coroutine<void> {
    const session = this.#session;
    this.#host.retime(); // The client must take what it is sent in time, also if it may be idle for ever.
    try {
      try {
        for (let at = 0;;) {
          this.#endOfTurn = 0;
          at = session.receive(bytes, at);
          this.#startAll();
          this.#flush();
          if (session.isFailed || this.#isOver) break;
          this.#time();
          if (this.#channel.outbox.size > MAX_UNSENT) yield this.#host.sent();
          if (at < bytes.length) {
            yield Yield; // Others have their turn.
            continue;
          }
          at = 0;
          bytes = NOTHING; // An idle connection keeps nothing of what it has read.
          this.#isReading = true;
          bytes = yield;
          this.#isReading = false;
          this.settings.date.stale = true;
        }
      } catch (error) {
        this.#lose(error);
      }
      this.#forgetTimer();
      this.#host.begin(Infinity); // But what is left must be taken in time.
      // After an error of the client, handlers are closed with their connection.
      if (this.#runs > 0 && !this.#isToClose) yield new AllEnded(this);
      this.#flush();
      yield this.#host.sent();
    } finally {
      this.#forgetTimer();
      this.#host.stop();
    }
  }

  /** Starts the time that the client has for what it does now. */
  #time(): void {
    const session = this.#session;
    const phase = session.isWithinHead ? "head" : session.isIdle ? "idle" : "busy";
    if (phase === this.#phase && this.#requests === this.#timed) return;
    this.#phase = phase;
    this.#timed = this.#requests;
    const { headMs, idleMs } = this.settings.timeouts;
    this.#host.begin(phase === "head" ? headMs : phase === "idle" ? idleMs : BUSY_MS);
  }

  /** The client sends no more, takes too long, or the connection is broken. */
  #lose(error: unknown): void {
    this.#isReading = false;
    const session = this.#session;
    if (error instanceof EndOfStream) {
      session.endInput(error);
      for (const stream of this.#running ?? []) stream.clientEnded(error);
      return;
    }
    if (error instanceof Overdue) {
      this.#isToClose = true;
      session.goAway(session.lastId, session.isWithinHead ? ENHANCE_YOUR_CALM : NO_ERROR);
    }
    session.lose(error);
    const { ended, failed } = this.#channel;
    if (!(error instanceof Overdue || error === ended || error === failed)) throw error;
  }

  #startAll(): void {
    const starting = this.#starting;
    this.#starting = NONE;
    for (const { stream, head } of starting) stream.start(head);
  }

  // What the session tells:

  readHead(fields: FieldList): RequestHead {
    const scheme = schemeOf(this.settings.scheme, this.info.tls !== undefined);
    return RequestHead.of(fields, this.limits, scheme);
  }

  readPath(head: RequestHead, path: FieldList): RequestHead | undefined {
    return head.withPath(path, this.limits);
  }

  readTrailers(fields: FieldList): Uint8Array {
    return trailerLines(fields);
  }

  opened(stream: H2Stream, head: RequestHead): void {
    // A handler that goes on although its stream was reset counts as well.
    if (this.#runs >= this.limits.maxConcurrentStreams) throw refused();
    if (head.priority !== undefined) prioritize(stream, head.priority);
    if (++this.#requests >= this.limits.maxRequests) this.#finishAfter(stream.id);
    const spare = this.#spare;
    this.#spare = undefined;
    const server = stream.user === undefined ? new ServerStream(this, stream) : spare!;
    if (stream.isAtEnd) server.start(head);
    else if (this.#starting === NONE) this.#starting = [{ stream: server, head }];
    else this.#starting.push({ stream: server, head });
  }

  spare(): H2Stream | undefined {
    return this.#spare?.spare;
  }

  /** A server opens no streams. */
  headed(): void {}

  closed(): void {}

  /** RFC 9113 6.8: a client that goes away opens no more streams; those that are open go on. */
  goesAway(): void {}

  failed(): void {
    this.#isToClose = true;
  }

  isTurnOver(): boolean {
    const now = performance.now();
    this.#endOfTurn ||= Turns.of(this.reactor).end(now);
    return now >= this.#endOfTurn;
  }

  flushSoon(): void {
    this.reactor.addTimer(0, this.#flushNow ??= () => this.#flush());
  }

  /** Sends what has gathered, as much as the socket takes. */
  #flush(): void {
    const channel = this.#channel;
    try {
      for (let i = 0; i < MAX_FILLS; i++) {
        const isAll = this.#session.gather(MAX_GATHERED);
        if (!channel.send()) break;
        if (!isAll) continue;
        channel.leave(this);
        if (this.#isOver) this.#host.hangUp(this);
        // The last answer may have been sent while it waits: it is idle from then on.
        else if (this.#isReading) this.#time();
        return;
      }
      channel.await(this);
    } catch (error) {
      this.#session.lose(error);
      channel.leave(this);
      if (this.#isReading) this.#host.throw(error);
    }
  }

  // What the streams tell:

  /** How many handlers run. */
  get #runs(): number {
    return this.#running?.size ?? 0;
  }

  goesOn(stream: ServerStream): void {
    (this.#running ??= new Set()).add(stream);
  }

  ended(stream: ServerStream): void {
    if (!this.#running?.delete(stream)) {
      this.#spare = stream;
      return;
    }
    if (this.#runs > 0) return;
    const waiter = this.#whenIdle;
    this.#whenIdle = undefined;
    waiter?.resume();
    if (this.#isOver) this.#session.flushSoon();
  }

  // As a user of the channel:

  received(): void {}

  sendable(): void {
    this.#flush();
  }

  toString(): string {
    return "HTTP/2";
  }

  // What the server asks:

  get isIdle(): boolean {
    return this.#runs === 0 && this.#session.isIdle && this.#starting.length === 0;
  }

  /** RFC 9113 6.8: says first that it ends, and which stream was the last when the client knows. */
  finish(): void {
    if (!this.isFinishing) this.#finishAfter(MAX_WINDOW);
  }

  /** Takes no streams after this one. It ends when the client knows. */
  #finishAfter(lastId: number): void {
    this.#session.goAway(lastId);
    if (this.isFinishing) return;
    this.#end = "announced";
    this.#endTimer = this.reactor.addTimer(MAX_ROUND_TRIP_MS, () => this.#tellEnd());
    this.#session.ping(() => this.#tellEnd());
    for (const stream of this.#running ?? []) stream.finish();
  }

  #tellEnd(): void {
    this.#forgetTimer();
    if (this.#session.isFailed || this.#end === "told") return;
    this.#end = "told";
    this.#session.goAway(this.#session.lastId);
  }

  #forgetTimer(): void {
    if (this.#endTimer !== undefined) this.reactor.removeTimer(this.#endTimer);
    this.#endTimer = undefined;
  }

  get isFinishing(): boolean {
    return this.#end !== "none";
  }

  get #isOver(): boolean {
    return this.#end === "told" && this.isIdle;
  }

  /** For {@linkcode AllEnded}. */
  set whenIdle(waiter: Waiter<void> | undefined) {
    this.#whenIdle = waiter;
  }
}

/** The limits of sessions, which connections share. */
const limitsOf = new WeakMap<HttpLimits, SessionLimits>();

function sessionLimits(given: HttpLimits): SessionLimits {
  let limits = limitsOf.get(given);
  if (limits === undefined) {
    const {
      maxHeadBytes,
      maxConcurrentStreams: maxStreams,
      maxResets,
      maxIdleFrames,
      maxDrainBytes,
    } = given;
    const windows = { streamWindow: STREAM_WINDOW, connectionWindow: CONNECTION_WINDOW };
    limits = { maxHeadBytes, maxStreams, maxResets, maxIdleFrames, maxDrainBytes, ...windows };
    limitsOf.set(given, limits);
  }
  return limits;
}

/** Waits until the handlers of all streams have ended. */
class AllEnded extends Request<void> {
  readonly #connection: ServerConnection;

  constructor(connection: ServerConnection) {
    super();
    this.#connection = connection;
  }

  override begin(waiter: Waiter<void>): () => void {
    this.#connection.whenIdle = waiter;
    return () => this.#connection.whenIdle = undefined;
  }
}

function refused(): Error {
  return streamError(REFUSED_STREAM, "more requests than may run at once (RFC 9113 5.1.2)");
}
