import type { Context } from "../../gio/mod.ts";
import { Channel } from "../../gio/_channel.ts";
import { Operation } from "../../gio/_operation.ts";
import type { Owned, Scope } from "../../gio/_scope.ts";
import { shown } from "../../reactor/_describe.ts";
import { ignoreRejection } from "../../reactor/_ignore.ts";
import type { Interest, Reactor, Timer } from "../../reactor/mod.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { ABNORMAL, GOING_AWAY, INTERNAL_ERROR, NORMAL } from "./_close_code.ts";
import { type Beating, Heartbeat, type Pinging } from "./_heartbeat.ts";
import { Held, MAX_HELD } from "./_held.ts";
import { checkClose, type Message, type MessageType, type WebSocketWire } from "./_wire.ts";
import { WebSocketEnd } from "./web_socket_end.ts";
import type { WebSocketTimeouts } from "./web_socket_timeouts.ts";

/*
 * One end of a WebSocket on a connection: its messages are read and written as those of a context.
 *
 *  1. It reads its connection also while nobody reads messages, so that it answers each Ping and sees each
 *     Close. It keeps up to 64 KiB meanwhile. Then it stops until somebody reads.
 *  2. A message is read whole, or piece by piece. Who reads decides that: no more than that is gathered
 *     before.
 *  3. What is written gathers, and goes out when the coroutine that has written it waits. While the
 *     connection does not take it, whoever writes waits, first come, first served.
 *  4. open → closing → ending → over. It is closing while this side has said that all was said, and its
 *     Close waits for messages that go out piece by piece. It is ending when one side has sent a Close, or
 *     what has come is faulty. What the peer still sends is dropped. It is over when both have said all,
 *     or after `closeMs`, or when the connection is lost. Whoever waits is told in any case.
 *  5. The server ends the connection first (RFC 6455 7.1.1). A client waits for that.
 */

/** So much may wait before those who write have to wait. */
const HIGH_WATER = 64 * 1024;

/** The Close that goes out when the messages that go out piece by piece have ended. */
interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** What is thrown where somebody writes when this side has ended it, until there is another reason. */
interface Told {
  /** Where somebody goes on with another message. */
  readonly error: LocalProtocolError | WebSocketEnd;
  /** Where a message is cut by that. */
  readonly end: WebSocketEnd;
}

/** Somebody who reads one message piece by piece. */
export interface PieceReader {
  /** More of it has come, or it is lost. */
  notify(): void;
}

/** Somebody who sends one message piece by piece. */
export interface PieceSender {
  readonly type: MessageType;
  /** Whether a piece of it was sent. */
  hasBegun: boolean;
  /** Whether all of it was written, sent or not. */
  readonly isComplete: boolean;
  /** Whether all of it was sent. */
  readonly closed: boolean;
  /** More can be sent, perhaps. */
  notify(): void;
}

export class Endpoint implements Context, Owned, Beating {
  scope: Scope | undefined = undefined;
  readonly reactor: Reactor;
  readonly wire: WebSocketWire;
  readonly #raw: Context;
  readonly #closeMs: number;
  readonly #heartbeat: Heartbeat;
  #state: "open" | Closing | "ending" | "over" = "open";
  /** What is thrown where somebody reads or writes. */
  #reason: unknown = undefined;
  #told: Told | undefined = undefined;
  #isReading = false;
  /** Whether it waits until the connection takes more. */
  #isBlocked = false;
  /** Who reads a message piece by piece, or waits for one. */
  #reader: PieceReader | undefined = undefined;
  /** Whole messages that have come while nobody read. */
  #held: Held | undefined = undefined;
  /** A message that was held and is read piece by piece: it is the only piece, and then null. */
  #piece: Message | null | undefined = undefined;
  /** Whether it will look for control frames behind the message that was taken. */
  #looksAhead = false;
  /** Those who send a message piece by piece. The first one does, and the others wait for their turns. */
  #senders: PieceSender[] | undefined = undefined;
  /** Those who have something to send before anything else is sent. */
  #preceding: { flush(): void } | undefined = undefined;
  /** Who waits for a whole message. */
  #notifyReader: (() => void) | undefined = undefined;
  #notifyWriter: (() => void) | undefined = undefined;
  /** For the end. */
  #timer: Timer | undefined = undefined;
  /** Is told first when it is over. */
  #owner: { over(): void } | undefined = undefined;
  #whenOver: Set<() => void> | undefined = undefined;

  constructor(
    raw: Context,
    reactor: Reactor,
    wire: WebSocketWire,
    timeouts: WebSocketTimeouts,
  ) {
    this.#raw = raw;
    this.reactor = reactor;
    this.wire = wire;
    this.#closeMs = timeouts.closeMs;
    this.#heartbeat = new Heartbeat(this, timeouts);
  }

  /** Begins, with what has come already. */
  start(arrived: readonly Uint8Array[], owner?: { over(): void }): void {
    this.#owner = owner;
    this.reactor.addShutdownHook(this);
    this.#heartbeat.start();
    this.#read();
    for (const bytes of arrived) this.#receive(bytes);
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  /** Whether no Close was sent or received, so that messages still come. */
  get #isTalking(): boolean {
    return this.#state !== "ending" && this.#state !== "over";
  }

  /** For the scope that it belongs to. */
  get context(): object {
    return this;
  }

  /** Why nothing more can be read, or undefined. */
  get reason(): unknown {
    return this.#reason;
  }

  /** What is told those who had begun to write, or to wait for an answer, when it is not open any more. */
  get ending(): unknown {
    return this.#reason ?? this.#told?.end;
  }

  // A context of whole messages:

  get readable(): boolean {
    return this.#held !== undefined || this.#reason !== undefined;
  }

  get writable(): boolean {
    return !this.isOpen || !this.#isBlocked && this.#senders === undefined;
  }

  get closed(): boolean {
    return this.#state === "over" && this.#held === undefined;
  }

  get unsent(): number {
    return this.wire.size;
  }

  take(): Message | undefined {
    this.#checkReader(undefined);
    const message = this.#unhold() ?? this.#next();
    if (message !== undefined) this.#lookAheadSoon();
    else if (this.#reason !== undefined) throw this.#reason;
    return message;
  }

  recv(): Message | undefined {
    return this.take();
  }

  put(message: unknown): boolean {
    if (!isMessage(message)) throw noMessage(message);
    this.checkOpen();
    if (!this.writable) return false;
    this.#accept(message);
    if (this.wire.size >= HIGH_WATER) this.flush();
    return true;
  }

  /**
   * Takes a message also while what was sent before waits. Returns false while another goes out piece by
   * piece.
   *
   * @throws {TypeError} If it is no message.
   */
  post(message: unknown): boolean {
    if (!isMessage(message)) throw noMessage(message);
    this.checkOpen();
    return this.#accept(message);
  }

  #accept(message: Message): boolean {
    if (this.#senders !== undefined) return false;
    this.wire.send(message);
    return true;
  }

  /** What others want to send comes before what is sent from now on. */
  precede(others: { flush(): void } | undefined): void {
    const before = this.#preceding;
    if (before === others) return;
    this.#preceding = undefined;
    before?.flush();
    this.#preceding = others;
  }

  /** Sends messages at once, also if they have to wait. Returns false if it cannot. */
  offer(messages: readonly Message[]): boolean {
    if (!this.isOpen || !messages.every((message) => this.#accept(message))) return false;
    this.flushQuietly();
    return true;
  }

  /** The same for frames that were encoded before. They are not copied if they need not wait. */
  append(frames: Uint8Array): boolean {
    if (!this.isOpen || this.#senders !== undefined) return false;
    let from = 0;
    if (this.wire.size === 0 && !this.#isBlocked) {
      try {
        from = this.#raw.send(frames);
      } catch (error) {
        this.lose(error);
        return true;
      }
      if (from === frames.length) return true;
    }
    this.wire.append(frames.subarray(from));
    this.flushQuietly();
    return true;
  }

  send(): never {
    throw new TypeError("Cannot send bytes to a WebSocket: it takes messages");
  }

  flush(): boolean {
    const { wire } = this;
    if (wire.size === 0) return true;
    // While a message goes out piece by piece, it is its sender who waits. And nobody waits for the end of all.
    if (this.#isBlocked) return !this.#isTalking || this.#senders !== undefined;
    let isAll: boolean;
    try {
      isAll = wire.flush(this.#raw);
    } catch (error) {
      this.lose(error);
      throw this.#reason;
    }
    if (!isAll) {
      this.#isBlocked = true;
      this.reactor.addWriter(this.#raw, (failure) => this.#onWritable(failure), { where: this });
    }
    return isAll;
  }

  close(): void {
    this.shut(NORMAL, "", false);
  }

  abort(): void {
    this.lose(new DOMException("The WebSocket was aborted", "AbortError"));
  }

  watch(interest: Interest, notify: () => void): void {
    if (interest === "write") {
      this.#notifyWriter = notify;
      if (this.writable) notify();
      return;
    }
    this.#notifyReader = notify;
    // Something may have come since take() was called, while nobody waited for it.
    if (this.readable) notify();
    else if (this.wire.hasBytes) this.#pull();
    if (this.#notifyReader === notify) this.#read();
  }

  unwatch(interest: Interest): void {
    if (interest === "read") this.#notifyReader = undefined;
    else this.#notifyWriter = undefined;
  }

  describe(): string {
    return `WebSocket on ${this.#raw.describe?.() ?? "a connection"}`;
  }

  /** Who reads and writes it, for messages of the reactor. */
  toString(): string {
    return Channel.has(this) ? String(Channel.of(this)) : "";
  }

  // Messages piece by piece:

  /** The type of the next message, for `reader`. It is undefined if that has to wait. */
  begin(reader: PieceReader): MessageType | undefined {
    this.#checkReader(reader);
    this.#reader = reader;
    this.#piece = this.#unhold();
    if (this.#piece !== undefined) return typeof this.#piece === "string" ? "text" : "binary";
    const type = this.#begin();
    if (type !== undefined) return type;
    if (this.#reason !== undefined) {
      this.#reader = undefined;
      throw this.#reason;
    }
    this.#read();
    return undefined;
  }

  /** The next piece of that message; null at its end, undefined if more must arrive. */
  piece(): Message | null | undefined {
    const held = this.#piece;
    if (held !== undefined) {
      this.#piece = held === null ? undefined : null;
      return held;
    }
    let piece: Message | null | undefined;
    this.#attending(() => piece = this.wire.piece());
    if (piece !== undefined) return piece;
    if (!this.#isTalking) throw cut(this.ending);
    this.#read();
    return undefined;
  }

  /** The message that `reader` has begun is read by another one. */
  handOver(reader: PieceReader, to: PieceReader): void {
    if (this.#reader === reader) this.#reader = to;
  }

  /** `reader` does not wait for a message any more, or does not read the one that it has begun. */
  giveBack(reader: PieceReader): void {
    if (this.#reader !== reader) return;
    const piece = this.#piece;
    if (piece !== undefined && piece !== null) this.unread([piece]);
    this.#leave();
  }

  /** `reader` does not read its message any more, whole or not. */
  release(reader: PieceReader, isWhole: boolean): void {
    if (this.#reader !== reader) return;
    const isHeld = this.#piece !== undefined;
    if (!isWhole && !isHeld && this.#isTalking) this.#attending(() => this.wire.skip());
    this.#leave();
  }

  #leave(): void {
    this.#reader = this.#piece = undefined;
    if (this.isOver && !this.wire.hasBytes) this.wire.dispose();
    else this.#readAhead();
  }

  /**
   * Puts values that were pushed back before all that comes.
   *
   * @throws {TypeError} If one is no message.
   */
  unread(values: readonly unknown[]): void {
    if (values.length === 0) return;
    for (const value of values) if (!isMessage(value)) throw noMessage(value, "receive");
    (this.#held ??= new Held()).unshift(values as readonly Message[]);
  }

  /** Whether `sender` can send a piece of its message now, or would be told what is wrong. */
  canSendPiece(sender: PieceSender): boolean {
    const first = this.#senders?.[0] ?? sender;
    return !this.#isTalking || first === sender && !this.#isBlocked;
  }

  /** Takes a piece of the message of `sender`, unless it has to wait. From now on it is its turn, or will be. */
  sendPiece(sender: PieceSender, bytes: Uint8Array): number {
    this.#precede();
    const isCut = this.#senders?.includes(sender) ? !this.#isTalking : !this.isOpen;
    if (isCut) throw this.ending;
    this.takeTurn(sender);
    if (!this.canSendPiece(sender)) return 0;
    sender.hasBegun = true;
    this.wire.sendPiece(sender.type, bytes);
    this.flush();
    return bytes.length;
  }

  /**
   * All of the message of `sender` has been sent. It ends a moment later: if its coroutine is just about to
   * fail, the WebSocket ends before, and the peer does not take a part for the whole.
   */
  endPieces(sender: PieceSender): void {
    if (!this.#isTalking) return;
    if (!this.isOpen && !this.#senders?.includes(sender)) return;
    this.takeTurn(sender);
    queueMicrotask(() => this.#endClosed());
  }

  /** The message of `sender` will not be whole. There is no way to say that but to end the WebSocket. */
  cutPieces(sender: PieceSender): void {
    if (sender.hasBegun) return this.fail("A message was cut");
    const senders = this.#senders;
    const at = senders?.indexOf(sender) ?? -1;
    if (at < 0) return;
    senders!.splice(at, 1);
    this.#endClosed();
  }

  /** It is the turn of `sender`, or will be. */
  takeTurn(sender: PieceSender): void {
    if (!this.#isTalking) return;
    const senders = this.#senders ??= [];
    if (!senders.includes(sender)) senders.push(sender);
  }

  /** Ends the messages that are complete, as far as it is their turn, and tells who is next. */
  #endClosed(): void {
    const senders = this.#senders;
    if (!this.#isTalking || senders === undefined) return;
    const { wire } = this;
    for (let sender; (sender = senders[0])?.closed;) {
      senders.shift();
      if (!sender.hasBegun) wire.send(sender.type === "text" ? "" : NOTHING);
      else {
        try {
          wire.sendEnd();
        } catch { // It ends within a character.
          return this.fail("A message was cut");
        }
      }
    }
    if (senders.length === 0) this.#senders = undefined;
    this.flushQuietly();
    const state = this.#state;
    if (typeof state === "object" && !this.#awaitsSenders) this.#say(state);
    else this.#tellWriters();
  }

  /** Whether a message was written, and not all of its pieces have been sent. */
  get #awaitsSenders(): boolean {
    return this.#senders?.some((sender) => sender.isComplete) ?? false;
  }

  // Pings:

  ping(pinging: Pinging): () => void {
    this.checkOpen();
    return this.#heartbeat.ping(pinging);
  }

  // The end:

  /**
   * Says that all was said, when what was sent before has gone out. A message of which more is to come is cut.
   * It is over when the peer has said the same.
   *
   * @param isOurs Whether this is the program's own word, so that it is wrong to go on writing.
   */
  shut(code: number, reason: string = "", isOurs: boolean = true): void {
    // What was sent before goes out before.
    Operation.beginGiven();
    if (!this.isOpen) return;
    this.#precede();
    const closing = { code, reason };
    checkClose(code, reason);
    this.#told = toldOf(closing, isOurs);
    this.#endClosed();
    if (!this.isOpen) return;
    if (!this.#awaitsSenders) return this.#say(closing);
    this.#state = closing;
    this.#heartbeat.stop();
    this.#setTimer(this.#closeMs);
    this.#tellWriters();
  }

  /** The same at once: a message cannot be completed, or the coroutine that has opened it has failed. */
  fail(reason: string = ""): void {
    const closing = { code: INTERNAL_ERROR, reason };
    this.#told ??= toldOf(closing, true);
    this.#say(closing);
  }

  #say({ code, reason }: Closing): void {
    if (!this.#isTalking) return;
    this.wire.close(code, reason);
    this.#beginEnd(undefined);
  }

  /** Whether an error tells only that the WebSocket has ended, or what the peer has done. */
  isEnd(error: unknown): boolean {
    const told = this.#told;
    return error !== undefined && (
      error === this.#reason || error === told?.end ||
      error === told?.error && error instanceof WebSocketEnd
    );
  }

  /** Ends it when the signal aborts, with its reason. */
  heed(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const abort = () => {
      this.#reason ??= signal.reason;
      this.shut(GOING_AWAY);
      this.#tell();
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
    this.whenOver(() => signal.removeEventListener("abort", abort));
  }

  /** The server, or the client, ends all that it has. */
  goAway(): void {
    this.shut(GOING_AWAY, "", false);
  }

  /** The reactor shuts down. */
  abandon(): void {
    this.lose(new DOMException("The reactor was shut down", "AbortError"));
  }

  /** The scope of the coroutine that has opened it has ended. */
  end(isCut: boolean): void {
    if (this.#state === "over") return this.scope?.disown(this);
    if (isCut) this.goAway();
    else this.close();
  }

  /** Calls a function when it is over. Returns what calls that off. */
  whenOver(tell: () => void): () => void {
    if (this.#state === "over") tell();
    else (this.#whenOver ??= new Set()).add(tell);
    return () => this.#whenOver?.delete(tell);
  }

  #beginEnd(reason: unknown): void {
    if (!this.#isTalking) return;
    this.#state = "ending";
    this.#reason ??= reason;
    this.#setTimer(this.#closeMs);
    this.#heartbeat.stop();
    this.flushQuietly();
    this.#tell();
    if (this.isOver) return;
    this.#read();
    this.#drop();
  }

  /** Drops what comes, but for a Close. What has come before one can still be read. */
  #drop(): void {
    const { wire } = this;
    if (wire.closed === undefined) {
      try {
        wire.drop();
      } catch (fault) {
        this.#reason ??= fault;
      }
    }
    this.#settle();
  }

  /** Ends the connection when all has been said. */
  #settle(): void {
    const { wire } = this;
    if (this.#state !== "ending") return;
    if (wire.closed !== undefined && this.#reason === undefined) {
      this.#reason = new WebSocketEnd(wire.closed.code, wire.closed.reason);
      this.#tell();
    }
    this.flushQuietly();
    // A client waits until the server ends the connection.
    if (this.#isSaid && this.wire.isServer) this.#finish(false);
  }

  get #isSaid(): boolean {
    return this.#state === "ending" && this.#reason !== undefined && this.wire.size === 0;
  }

  /** The connection is lost. What was sent may still arrive, unless it is broken. */
  lose(cause: unknown, isBroken: boolean = true): void {
    if (this.#state === "over") return;
    const isCut = isBroken && !this.#isSaid;
    this.#reason ??= new WebSocketEnd(ABNORMAL, "", { cause });
    this.#finish(isCut);
  }

  #finish(isCut: boolean): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.reactor.removeShutdownHook(this);
    this.#setTimer(Infinity);
    this.#pause();
    if (this.#isBlocked) this.reactor.removeWriter(this.#raw);
    this.#isBlocked = false;
    this.#heartbeat.stop();
    // What has come of a message can still be read.
    if (this.#reader === undefined && !this.wire.hasBytes) this.wire.dispose();
    try {
      this.#endConnection(isCut);
    } finally {
      this.#owner?.over();
      this.#tell();
      const tell = this.#whenOver;
      this.#whenOver = undefined;
      for (const one of tell ?? []) one();
      this.scope?.disown(this);
    }
  }

  #endConnection(isCut: boolean): void {
    const raw = this.#raw;
    if (isCut && raw.abort !== undefined) raw.abort();
    // A server ends its half, and its connection when the handler has ended.
    else if (this.wire.isServer && raw.shutdown !== undefined) raw.shutdown();
    else raw.close();
  }

  /** Tells those who read or write that something has changed. */
  #tell(): void {
    this.#reader?.notify();
    this.#notifyReader?.();
    this.#tellWriters();
  }

  #tellWriters(): void {
    this.#notifyWriter?.();
    this.#tellSenders();
  }

  #tellSenders(): void {
    for (const sender of [...this.#senders ?? []]) sender.notify();
  }

  // What comes:

  #read(): void {
    if (this.#isReading || this.#state === "over") return;
    this.#isReading = true;
    // A bound method takes less than an arrow function, of which each idle WebSocket would have one.
    this.reactor.addReader(this.#raw, this.#onReadable.bind(this), { where: this });
  }

  #pause(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.reactor.removeReader(this.#raw);
  }

  /** Whether so much waits until somebody reads it that no more is received. */
  get isHolding(): boolean {
    const isAwaited = this.#notifyReader !== undefined;
    return this.#isTalking && (this.wire.hasInput || !isAwaited && this.#room <= 0);
  }

  /** How much more is kept while nobody reads. */
  get #room(): number {
    return (this.#held?.room ?? MAX_HELD) - this.wire.gathered;
  }

  #onReadable(failure: unknown): void {
    if (this.isHolding) return this.#pause();
    let bytes: unknown;
    try {
      bytes = this.#raw.recv();
    } catch (error) {
      return this.lose(error);
    }
    if (bytes === null) this.lose(undefined, false);
    else if (bytes !== undefined) this.#receive(bytes as Uint8Array);
    else if (failure !== undefined) this.lose(failure);
  }

  #receive(bytes: Uint8Array): void {
    this.#heartbeat.alive();
    this.wire.receive(bytes);
    if (!this.#isTalking) this.#drop();
    else if (this.#reader !== undefined) this.#reader.notify();
    else if (this.#notifyReader !== undefined && this.#held === undefined) this.#pull();
    else this.#readAhead();
  }

  /** Tells who waits for a message, if one has come. */
  #pull(): void {
    const message = this.#next();
    if (message === undefined) return;
    this.#hold(message);
    this.#notifyReader?.();
  }

  #hold(message: Message): void {
    (this.#held ??= new Held()).push(message);
  }

  #unhold(): Message | undefined {
    const held = this.#held;
    const message = held?.shift();
    if (held?.isEmpty) this.#held = undefined;
    return message;
  }

  #next(): Message | undefined {
    let message: Message | undefined;
    this.#attending(() => message = this.wire.next());
    return message;
  }

  #begin(): MessageType | undefined {
    let type: MessageType | undefined;
    this.#attending(() => type = this.wire.begin());
    return type;
  }

  /** Reads by `act`, and attends to the control frames on the way. */
  #attending(act: () => void): void {
    const { wire } = this;
    const { size, ponged } = wire;
    try {
      act();
    } catch (fault) {
      this.#beginEnd(fault);
    }
    if (wire.closed !== undefined && this.#isTalking) {
      this.#beginEnd(new WebSocketEnd(wire.closed.code, wire.closed.reason));
    } else if (wire.size !== size || wire.ponged !== ponged) this.#answerSoon();
  }

  /** Others may read or end it then. So what was just read has to be with its reader before. */
  #answerSoon(): void {
    queueMicrotask(() => {
      this.flushQuietly();
      this.#heartbeat.tell();
    });
  }

  /** Whoever has taken a message mostly takes the next one at once. If not, control frames may be behind it. */
  #lookAheadSoon(): void {
    if (this.#looksAhead || this.#isReading && !this.wire.hasBytes) return;
    this.#looksAhead = true;
    queueMicrotask(() => {
      this.#looksAhead = false;
      if (this.#reader === undefined && this.#notifyReader === undefined) this.#readAhead();
    });
  }

  /** Nobody reads: keeps what has come, as far as that is not too much. */
  #readAhead(): void {
    const { wire } = this;
    while (this.#isTalking && this.#room > 0 && this.#begin() !== undefined) {
      let isWhole = false;
      this.#attending(() => isWhole = wire.gather(this.#room + wire.gathered));
      // One that is too large to be read whole may be read piece by piece.
      if (!isWhole || wire.isExcessive) break;
      const message = this.#next();
      if (message === undefined) break;
      this.#hold(message);
    }
    if (!this.isHolding) this.#read();
  }

  flushQuietly(): void {
    try {
      this.flush();
    } catch { // It is lost. Who reads or writes is told.
    }
  }

  #onWritable(failure: unknown): void {
    const { wire } = this;
    const { size } = wire;
    let isAll: boolean;
    try {
      if (failure !== undefined) throw failure;
      isAll = wire.flush(this.#raw);
    } catch (error) {
      return this.lose(error);
    }
    if (wire.size !== size) {
      this.#heartbeat.alive();
      // The time for the end begins when all is sent.
      if (!this.isOpen) this.#setTimer(this.#closeMs);
    }
    if (!isAll) return;
    this.reactor.removeWriter(this.#raw);
    this.#isBlocked = false;
    this.#tellWriters();
    this.#settle();
  }

  #setTimer(ms: number): void {
    if (this.#timer !== undefined) this.reactor.removeTimer(this.#timer);
    this.#timer = ms === Infinity ? undefined : this.reactor.addTimer(ms, () => {
      this.#timer = undefined;
      this.lose(new Error(`The end took longer than ${ms} ms`));
    });
  }

  // Checks:

  /** @throws What is to be told those who write, if it is not open. */
  checkOpen(): void {
    this.#precede();
    if (!this.isOpen) throw this.#reason ?? this.#told?.error;
  }

  #precede(): void {
    if (this.#preceding !== undefined) this.precede(undefined);
  }

  /** Only one can read at a time. */
  #checkReader(reader: PieceReader | undefined): void {
    if (this.#reader === undefined || this.#reader === reader) return;
    throw new TypeError(
      "Cannot read the next message: one is being read piece by piece; read it to its end, or close it, first",
    );
  }
}

const NOTHING = new Uint8Array(0);

function toldOf({ code, reason }: Closing, isOurs: boolean): Told {
  const end = new WebSocketEnd(code, reason);
  const error = isOurs
    ? new LocalProtocolError("Cannot go on: this side has closed the WebSocket")
    : end;
  return { error, end };
}

function isMessage(value: unknown): value is Message {
  return typeof value === "string" || value instanceof Uint8Array;
}

/** A part of a message must not be taken for the whole. */
function cut(reason: unknown): unknown {
  if (reason instanceof RemoteProtocolError) return reason;
  return new RemoteProtocolError("Cannot read the message: it was cut", { cause: reason });
}

export function noMessage(value: unknown, verb: "send" | "receive" = "send"): TypeError {
  ignoreRejection(value);
  return new TypeError(
    `Cannot ${verb} ${shown(value)} by a WebSocket: a message is a string, or a Uint8Array`,
  );
}
