import { Outbox } from "../../gio/_outbox.ts";
import type { Reactor, Socket, Timer } from "../../reactor/mod.ts";
import { type Attention, infoOf } from "../client/_carrier.ts";
import type { ClientLimits } from "../client/client_limits.ts";
import { Deadline } from "../client/_deadline.ts";
import type { ConnectionInfo } from "../connection_info.ts";
import { defaultLimits } from "../http_limits.ts";
import type { ClientStream, ClientStreams } from "./_client_stream.ts";
import { MAX_WINDOW } from "./_codes.ts";
import type { FieldList } from "./_field_list.ts";
import { malformed, trailerLines } from "./_field_rules.ts";
import type { H2Error } from "./_h2_error.ts";
import { H2ResponseHead } from "./_response_head.ts";
import { Session, type SessionLimits, type SessionUser } from "./_session.ts";
import type { H2Stream } from "./_stream.ts";

/*
 * The connection of a client that speaks HTTP/2 (RFC 9113):
 *
 *  1. It reads all the time, and gives what comes to its streams. Responses are told when all of a chunk
 *     has been read, so that their bodies are there if they have come with it.
 *  2. What its streams send is gathered until the code that asks has ended or waits.
 *  3. A connection that the server ends by GOAWAY gets no new requests. Nor does one whose server has said
 *     nothing until a request was given up, and then does not answer PING. It is closed when the last
 *     stream has ended.
 *  4. When sending fails, a response may be there all the same. So the end of what comes decides.
 */

/** So much is gathered before it goes to the socket. */
const MAX_GATHERED = 128 * 1024;
/** So often the socket is filled before others have their turn. */
const MAX_FILLS = 4;
/** While the server does not take so much that is not of bodies, nothing is read from it. */
const MAX_UNSENT = 1024 * 1024;
/** So long a server may take to answer PING when it is doubted that it is there. */
const ANSWER_MS = 1000;
/**
 * The window of one body. There is none for all of them together: bodies that nobody reads yet would keep
 * the others from coming.
 */
const STREAM_WINDOW = 1024 * 1024;

/** What a connection tells the pool. */
export interface SharedOwner extends Attention {
  /** Nobody uses it any more. */
  free(idleMs: number): void;
  /** Perhaps another stream can be opened. */
  roomy(): void;
  /** No more streams can be opened on it. */
  retired(): void;
  /** It is closed. */
  gone(): void;
}

export class H2Connection implements SessionUser<H2ResponseHead>, ClientStreams {
  readonly isServer = false;
  readonly reactor: Reactor;
  readonly info: ConnectionInfo;
  readonly limits: ClientLimits;
  readonly scheme: "http" | "https";
  received = 0;
  requests = 0;
  readonly #socket: Socket;
  readonly #outbox = new Outbox();
  readonly #owner: SharedOwner;
  readonly #session: Session<H2ResponseHead>;
  readonly #idle: Deadline;
  #state: "open" | "retired" | "closed" = "open";
  /** Responses whose heads have come with this chunk. */
  #answered: ClientStream[] = [];
  /** Whether it is used, as far as the pool knows. */
  #isBusy = false;
  /** How long it is kept when it is not. */
  #idleMs = Infinity;
  /** Why the server ends the connection, if it has said so. */
  #ending: H2Error | undefined = undefined;
  /** Ends the wait for the server to show that it is there. */
  #doubt: Timer | undefined = undefined;
  #isReading = false;
  #isWriting = false;

  constructor(
    reactor: Reactor,
    socket: Socket,
    limits: ClientLimits,
    owner: SharedOwner,
    isSecure: boolean,
  ) {
    this.reactor = reactor;
    this.#socket = socket;
    this.info = infoOf(socket, isSecure);
    this.limits = limits;
    this.#owner = owner;
    this.scheme = isSecure ? "https" : "http";
    this.#session = new Session(this, this.#outbox, sessionLimits(limits), reactor);
    this.#idle = new Deadline(reactor, () => this.close());
    this.#read(true);
    this.flushSoon();
  }

  // What the pool asks:

  get canOpen(): boolean {
    return this.#state === "open" && this.#session.canOpen;
  }

  /** Whether it is known what the server can do. */
  get isSettled(): boolean {
    return this.#session.hasSettings;
  }

  /** Whether an extended CONNECT may be sent (RFC 8441 3). */
  get canConnect(): boolean {
    return this.#session.canConnect;
  }

  get isUsed(): boolean {
    return this.#session.streams.size > 0;
  }

  /** Nobody uses it: it is kept so long. */
  wait(idleMs: number): void {
    this.#idle.begin(idleMs);
  }

  /** No more streams are opened. It is closed when nobody uses it any more. */
  retire(): void {
    if (this.#state !== "open") return;
    this.#state = "retired";
    this.#owner.retired();
    if (!this.isUsed) this.close();
  }

  close(): void {
    if (this.#state === "closed") return;
    if (!this.#session.isFailed) this.#session.goAway(0);
    this.#send();
    this.#leave();
    this.#socket.close();
  }

  /** Ends all that is under way with an error. */
  fail(error: unknown): void {
    for (const { user } of this.#session.streams.values()) (user as ClientStream).fail(error);
    this.#break(error);
  }

  #break(error: unknown): void {
    if (this.#state === "closed") return;
    this.#leave();
    this.#session.lose(error);
    this.#socket.abort();
  }

  // What the streams ask:

  open(user: ClientStream, idleMs: number): H2Stream {
    const stream = this.#session.open();
    this.#isBusy = true;
    this.#idleMs = idleMs;
    this.requests++;
    this.#idle.begin(Infinity);
    stream.user = user;
    if (this.#session.isUsedUp) this.retire();
    return stream;
  }

  answered(stream: ClientStream): void {
    this.#answered.push(stream);
  }

  doubt(): void {
    if (this.#doubt !== undefined) return;
    this.#doubt = this.reactor.addTimer(ANSWER_MS, () => {
      this.#doubt = undefined;
      this.retire();
    });
    this.#session.ping(() => this.#trust());
  }

  /** The server is there. */
  #trust(): void {
    if (this.#doubt !== undefined) this.reactor.removeTimer(this.#doubt);
    this.#doubt = undefined;
  }

  canDrain(): boolean {
    return this.#owner.canDrain();
  }

  hold(): () => void {
    return this.#owner.hold();
  }

  // What the session tells:

  readHead(fields: FieldList): H2ResponseHead {
    return new H2ResponseHead(fields, this.limits.maxHeaders);
  }

  readTrailers(fields: FieldList): Uint8Array {
    if (fields.count > this.limits.maxHeaders) throw malformed("too many trailers");
    return trailerLines(fields);
  }

  /** A server must not open streams, and the session lets none (RFC 9113 8.4). */
  opened(): void {}

  headed(stream: H2Stream, head: H2ResponseHead): void {
    (stream.user as ClientStream).headed(head);
  }

  closed(): void {}

  /** The streams that the server has not taken are lost by now. */
  goesAway(_lastId: number, error: H2Error): void {
    this.#ending = error;
    this.retire();
  }

  /** The server has broken a rule. It is told so before the connection ends. */
  failed(_error: H2Error): void {
    this.close();
  }

  flushSoon(): void {
    queueMicrotask(this.#flush);
  }

  readonly #receive = (failure?: unknown): void => {
    let data: Uint8Array | null | undefined;
    try {
      data = this.#socket.recv();
      if (data === undefined && failure !== undefined) throw failure;
    } catch (error) {
      return this.#break(error);
    }
    if (data === undefined) return;
    if (data === null) return this.#break(this.#closed());
    this.received++;
    this.#session.receive(data);
    for (let stream; (stream = this.#answered.shift()) !== undefined;) stream.deliver();
    this.#flush();
  };

  #read(isWanted: boolean): void {
    if (isWanted === this.#isReading) return;
    this.#isReading = isWanted;
    if (isWanted) this.reactor.addReader(this.#socket, this.#receive);
    else this.reactor.removeReader(this.#socket);
  }

  #closed(): Error {
    const why = this.#ending === undefined ? "" : `. ${this.#ending.message}`;
    return new Error(`The server has closed the connection${why}`, { cause: this.#ending });
  }

  /** Sends what has gathered, as much as the socket takes. */
  readonly #flush = (): void => {
    if (this.#state === "closed") return;
    this.#send();
    this.#tell();
  };

  #send(): void {
    let isAll = false;
    try {
      for (let i = 0; i < MAX_FILLS; i++) {
        isAll = this.#session.gather(MAX_GATHERED);
        if (this.#outbox.size > 0 && !this.#outbox.flush(this.#socket)) {
          isAll = false;
          break;
        }
        if (isAll) break;
      }
    } catch { // See rule 4.
      this.#outbox.clear();
      isAll = true;
    }
    if (this.#isWriting === isAll) {
      this.#isWriting = !isAll;
      if (isAll) this.reactor.removeWriter(this.#socket);
      else this.reactor.addWriter(this.#socket, this.#flush);
    }
    this.#read(this.#outbox.size <= MAX_UNSENT);
  }

  /** Tells the pool what may have changed: streams have ended, or the server allows more of them. */
  #tell(): void {
    if (this.isUsed || !this.#isBusy) return this.#owner.roomy();
    this.#isBusy = false;
    if (this.#state === "retired") this.close();
    else this.#owner.free(this.#idleMs);
  }

  /** It has nothing to do with its socket any more. */
  #leave(): void {
    this.#state = "closed";
    this.#idle.stop();
    this.#trust();
    this.#read(false);
    if (this.#isWriting) this.reactor.removeWriter(this.#socket);
    this.#owner.gone();
  }
}

/** The limits of sessions, which connections share. */
const limitsOf = new WeakMap<ClientLimits, SessionLimits>();

function sessionLimits(given: ClientLimits): SessionLimits {
  let limits = limitsOf.get(given);
  if (limits === undefined) {
    const { maxHeadBytes, maxDrainBytes } = given;
    const { maxIdleFrames } = defaultLimits;
    limits = {
      maxHeadBytes,
      maxDrainBytes,
      maxIdleFrames,
      // The server resets only what was asked.
      maxResets: Infinity,
      maxStreams: 0,
      streamWindow: STREAM_WINDOW,
      connectionWindow: MAX_WINDOW,
    };
    limitsOf.set(given, limits);
  }
  return limits;
}
