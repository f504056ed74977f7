import type { Context } from "../../gio/mod.ts";
import { Channel } from "../../gio/_channel.ts";
import type { Owned, Scope } from "../../gio/_scope.ts";
import { shown } from "../../reactor/_describe.ts";
import { ignoreRejection } from "../../reactor/_ignore.ts";
import type { Interest, Reactor, Timer } from "../../reactor/mod.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { checkClose, type MessageType, type WebSocketWire } from "./_wire.ts";
import { WebSocketEnd } from "./web_socket_end.ts";
import type { WebSocketTimeouts } from "./web_socket_timeouts.ts";

/*
 * One end of a WebSocket on a connection: its messages are read and written as those of a context.
 *
 *  1. It reads its connection also while nobody reads messages, so that it answers each Ping and sees each
 *     Close. It keeps up to 64 KiB of whole messages meanwhile. Then it stops until somebody reads.
 *  2. A message is read whole, or piece by piece. Who reads decides that: what is larger than that is not
 *     gathered before.
 *  3. What is written gathers, and goes out when the coroutine that has written it waits. While the
 *     connection does not take it, whoever writes waits, first come, first served.
 *  4. open → ending → over. It is ending when one side has sent a Close, or what has come is faulty.
 *     What the peer still sends is dropped. It is over when both have said all, or after `closeMs`, or
 *     when the connection is lost. Whoever waits is told in any case.
 *  5. The server ends the connection first (RFC 6455 7.1.1). A client waits for that.
 */

type Message = string | Uint8Array;

/** So much may wait before those who write have to wait. */
const HIGH_WATER = 64 * 1024;
/** So much of whole messages is kept while nobody reads. */
const MAX_HELD = 64 * 1024;

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

/** Somebody who waits for the answer to a Ping. */
export interface Pinging {
  /** Tells the answer from others. */
  readonly payload: Uint8Array;
  answered(): void;
  failed(error: unknown): void;
}

export class Endpoint implements Context, Owned {
  scope: Scope | undefined = undefined;
  readonly reactor: Reactor;
  readonly wire: WebSocketWire;
  readonly #raw: Context;
  readonly #timeouts: WebSocketTimeouts;
  #state: "open" | "ending" | "over" = "open";
  /** What is thrown where somebody reads or writes. */
  #reason: unknown = undefined;
  /** What is thrown where somebody writes when this side has ended it, until there is a reason. */
  #told: unknown = undefined;
  /** The Close that goes out when the messages that go out piece by piece have ended. */
  #closing: { readonly code: number; readonly reason: string } | undefined = undefined;
  #isReading = false;
  /** Whether it waits until the connection takes more. */
  #isBlocked = false;
  /** Who waits for a message, or reads one piece by piece. */
  #reader: "nobody" | "somebody" | PieceReader = "nobody";
  /** Whole messages that have come while nobody read. */
  #held: Message[] | undefined = undefined;
  #heldBytes = 0;
  /** A message that was held and is read piece by piece: it is the only piece, and then null. */
  #piece: Message | null | undefined = undefined;
  /** Whether it will look for control frames behind the message that was taken. */
  #looksAhead = false;
  /** Those who send a message piece by piece. The first one does, and the others wait for their turns. */
  #senders: PieceSender[] | undefined = undefined;
  /** Those who have something to send before anything else is sent. */
  #preceding: { flush(): void } | undefined = undefined;
  #notifyReader: (() => void) | undefined = undefined;
  #notifyWriter: (() => void) | undefined = undefined;
  /** For the next Ping, or its answer, or the end. */
  #timer: Timer | undefined = undefined;
  /** When the peer has last shown life. */
  #aliveAt: number;
  /** When a Ping was sent because it had not for long. */
  #doubtedAt = -Infinity;
  #pinging: Pinging[] | undefined = undefined;
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
    this.#timeouts = timeouts;
    this.#aliveAt = reactor.now;
  }

  /** Begins, with what has come already. */
  start(arrived: readonly Uint8Array[], owner?: { over(): void }): void {
    this.#owner = owner;
    this.reactor.addShutdownHook(this);
    this.#setTimer(this.#timeouts.pingMs);
    this.#read();
    for (const bytes of arrived) this.#receive(bytes);
  }

  get isOpen(): boolean {
    return this.#state === "open" && this.#closing === undefined;
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  /** For the scope that it belongs to. */
  get context(): object {
    return this;
  }

  /** Why nothing more can be read, or undefined. */
  get reason(): unknown {
    return this.#reason;
  }

  // A context of whole messages:

  get readable(): boolean {
    return this.#heldBytes > 0 || this.#hasHeld || this.#reason !== undefined;
  }

  get writable(): boolean {
    return !this.isOpen || !this.#isBlocked && this.#senders === undefined;
  }

  get closed(): boolean {
    return this.#state === "over" && !this.#hasHeld;
  }

  get unsent(): number {
    return this.wire.size;
  }

  take(): Message | undefined {
    this.#checkReader(undefined);
    const message = this.#hasHeld ? this.#unhold() : this.#next();
    if (message !== undefined) {
      this.#lookAheadSoon();
      return message;
    }
    if (this.#reason !== undefined) throw this.#reason;
    this.#reader = "somebody";
    this.#read();
    return undefined;
  }

  recv(): Message | undefined {
    return this.take();
  }

  put(message: unknown): boolean {
    if (typeof message !== "string" && !(message instanceof Uint8Array)) throw noMessage(message);
    this.#checkOpen();
    if (!this.writable) return false;
    const { wire } = this;
    wire.send(message);
    if (wire.size >= HIGH_WATER) this.flush();
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
    if (!this.isOpen || this.#senders !== undefined) return false;
    for (const message of messages) this.wire.send(message);
    this.#flushQuietly();
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
        this.#lose(error);
        return true;
      }
      if (from === frames.length) return true;
    }
    this.wire.append(frames.subarray(from));
    this.#flushQuietly();
    return true;
  }

  send(): never {
    throw new TypeError("Cannot send bytes to a WebSocket: it takes messages");
  }

  flush(): boolean {
    const { wire } = this;
    if (wire.size === 0) return true;
    // While a message goes out piece by piece, it is its sender who waits. And nobody waits for the end of all.
    if (this.#isBlocked) return this.#state !== "open" || this.#senders !== undefined;
    let isAll: boolean;
    try {
      isAll = wire.flush(this.#raw);
    } catch (error) {
      this.#lose(error);
      throw this.#reason;
    }
    if (!isAll) {
      this.#isBlocked = true;
      this.reactor.addWriter(this.#raw, (failure) => this.#onWritable(failure), { where: this });
    }
    return isAll;
  }

  close(): void {
    this.shut(NORMAL);
  }

  abort(): void {
    this.#lose(new DOMException("The WebSocket was aborted", "AbortError"));
  }

  watch(interest: Interest, notify: () => void): void {
    if (interest === "read") this.#notifyReader = notify;
    else this.#notifyWriter = notify;
    if (interest === "read" ? this.readable : this.writable) notify();
  }

  unwatch(interest: Interest): void {
    if (interest === "write") this.#notifyWriter = undefined;
    else {
      this.#notifyReader = undefined;
      if (this.#reader === "somebody") this.#reader = "nobody";
    }
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
    if (this.#hasHeld) this.#piece = this.#unhold();
    if (this.#piece !== undefined) return typeof this.#piece === "string" ? "text" : "binary";
    const type = this.#begin();
    if (type !== undefined) return type;
    if (this.#reason !== undefined) {
      this.#reader = "nobody";
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
    if (this.#state !== "ending") {
      this.#attending(() => piece = this.wire.piece());
    }
    if (piece !== undefined) return piece;
    if (this.#state !== "open") throw cut(this.#reason ?? this.#told);
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
    this.#reader = "nobody";
    const piece = this.#piece;
    this.#piece = undefined;
    if (piece !== undefined && piece !== null) {
      (this.#held ??= []).unshift(piece);
      this.#heldBytes += piece.length;
    }
  }

  /** `reader` does not read its message any more, whole or not. */
  release(reader: PieceReader, isWhole: boolean): void {
    if (this.#reader !== reader) return;
    this.#reader = "nobody";
    const isHeld = this.#piece !== undefined;
    this.#piece = undefined;
    if (!isWhole && !isHeld && this.#state === "open") this.#attending(() => this.wire.skip());
    this.#readAhead();
  }

  /** Whether `sender` can send a piece of its message now, or would be told what is wrong. */
  canSendPiece(sender: PieceSender): boolean {
    const first = this.#senders?.[0] ?? sender;
    return this.#state !== "open" || first === sender && !this.#isBlocked;
  }

  /** Takes a piece of the message of `sender`, unless it has to wait. From now on it is its turn, or will be. */
  sendPiece(sender: PieceSender, bytes: Uint8Array): number {
    if (this.#senders?.includes(sender) !== true) this.#checkOpen();
    else if (this.#state !== "open") throw this.#reason ?? this.#told;
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
    if (this.#state !== "open") return;
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
    if (this.#state !== "open") return;
    const senders = this.#senders ??= [];
    if (!senders.includes(sender)) senders.push(sender);
  }

  /** Ends the messages that are complete, as far as it is their turn, and tells who is next. */
  #endClosed(): void {
    const senders = this.#senders;
    if (this.#state !== "open" || senders === undefined) return;
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
    this.#flushQuietly();
    const closing = this.#closing;
    if (closing !== undefined && !this.#awaitsSenders) this.#say(closing.code, closing.reason);
    else this.#tellWriters();
  }

  /** Whether a message was written, and not all of its pieces have been sent. */
  get #awaitsSenders(): boolean {
    return this.#senders?.some((sender) => sender.isComplete) ?? false;
  }

  // Pings:

  ping(pinging: Pinging): () => void {
    this.#checkOpen();
    (this.#pinging ??= []).push(pinging);
    this.wire.ping(pinging.payload);
    this.#flushQuietly();
    return () => this.#pinging = this.#pinging?.filter((one) => one !== pinging);
  }

  // The end:

  /**
   * Says that all was said, when what was sent before has gone out. A message of which more is to come is cut.
   * It is over when the peer has said the same.
   *
   * @param told What is told those who go on writing.
   */
  shut(code: number, reason: string = "", told: unknown = endedHere()): void {
    if (!this.isOpen) return;
    if (this.#preceding !== undefined) this.precede(undefined);
    checkClose(code, reason);
    this.#told = told;
    this.#endClosed();
    if (this.#state !== "open") return;
    if (!this.#awaitsSenders) return this.#say(code, reason);
    this.#closing = { code, reason };
    this.#stopPinging();
    this.#setTimer(this.#timeouts.closeMs);
    this.#tellWriters();
  }

  /** The same at once: a message cannot be completed, or the coroutine that has opened it has failed. */
  fail(reason: string = ""): void {
    if (this.#state !== "open") return;
    this.#told ??= endedHere();
    this.#say(INTERNAL_ERROR, reason);
  }

  #say(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.wire.close(code, reason);
    this.#beginEnd(undefined);
  }

  /** Whether an error tells only that the WebSocket has ended, or what the peer has done. */
  isEnd(error: unknown): boolean {
    return error !== undefined &&
      (error === this.#reason || error === this.#told && error instanceof WebSocketEnd);
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
    this.shut(GOING_AWAY, "", new WebSocketEnd(GOING_AWAY, "This side goes away"));
  }

  /** The reactor shuts down. */
  abandon(): void {
    this.#lose(new DOMException("The reactor was shut down", "AbortError"));
  }

  /** The scope of the coroutine that has opened it has ended. */
  end(isCut: boolean): void {
    if (this.#state === "over") return this.scope?.disown(this);
    if (isCut) this.goAway();
    else this.shut(NORMAL, "", new WebSocketEnd(NORMAL));
  }

  /** Calls a function when it is over. Returns what calls that off. */
  whenOver(tell: () => void): () => void {
    if (this.#state === "over") tell();
    else (this.#whenOver ??= new Set()).add(tell);
    return () => this.#whenOver?.delete(tell);
  }

  #beginEnd(reason: unknown): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#reason ??= reason;
    this.#setTimer(this.#timeouts.closeMs);
    this.#stopPinging();
    this.#flushQuietly();
    this.#tell();
    if (this.isOver) return;
    this.#read();
    this.#drop();
  }

  /** Drops what comes, but for a Close. */
  #drop(): void {
    const { wire } = this;
    try {
      wire.drop();
    } catch (fault) {
      this.#reason ??= fault;
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
    this.#flushQuietly();
    // A client waits until the server ends the connection.
    if (this.#isSaid && this.wire.isServer) this.#finish(false);
  }

  get #isSaid(): boolean {
    return this.#state === "ending" && this.#reason !== undefined && this.wire.size === 0;
  }

  /** The connection is lost. What was sent may still arrive, unless it is broken. */
  #lose(cause: unknown, isBroken: boolean = true): void {
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
    this.#stopPinging();
    this.wire.dispose();
    const raw = this.#raw;
    if (isCut && raw.abort !== undefined) raw.abort();
    // A server ends its half, and its connection when the handler has ended.
    else if (this.wire.isServer && raw.shutdown !== undefined) raw.shutdown();
    else raw.close();
    this.#owner?.over();
    this.#tell();
    const tell = this.#whenOver;
    this.#whenOver = undefined;
    for (const one of tell ?? []) one();
    this.scope?.disown(this);
  }

  /** Tells those who read or write that something has changed. */
  #tell(): void {
    const reader = this.#reader;
    if (typeof reader === "object") reader.notify();
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
    this.reactor.addReader(this.#raw, (failure) => this.#onReadable(failure), { where: this });
  }

  #pause(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.reactor.removeReader(this.#raw);
  }

  /** Whether so much waits until somebody reads it that no more is received. */
  get #isHolding(): boolean {
    return this.#state === "open" && (this.#heldBytes >= MAX_HELD || this.wire.hasInput);
  }

  #onReadable(failure: unknown): void {
    if (this.#isHolding) return this.#pause();
    let bytes: unknown;
    try {
      bytes = this.#raw.recv();
    } catch (error) {
      return this.#lose(error);
    }
    if (bytes === null) this.#lose(undefined, false);
    else if (bytes !== undefined) this.#receive(bytes as Uint8Array);
    else if (failure !== undefined) this.#lose(failure);
  }

  #receive(bytes: Uint8Array): void {
    this.#aliveAt = this.reactor.now;
    this.wire.receive(bytes);
    if (this.#state !== "open") return this.#drop();
    const reader = this.#reader;
    if (reader === "nobody") return this.#readAhead();
    if (reader !== "somebody") return reader.notify();
    const message = this.#next();
    if (message === undefined) return;
    this.#reader = "nobody";
    this.#hold(message);
    this.#notifyReader?.();
  }

  get #hasHeld(): boolean {
    return this.#held !== undefined;
  }

  #hold(message: Message): void {
    (this.#held ??= []).push(message);
    this.#heldBytes += message.length;
  }

  #unhold(): Message {
    const held = this.#held!;
    const message = held.shift()!;
    if (held.length === 0) this.#held = undefined;
    this.#heldBytes -= message.length;
    return message;
  }

  #next(): Message | undefined {
    let message: Message | undefined;
    if (this.#state !== "ending") {
      const { wire } = this;
      const { size } = wire;
      try {
        message = wire.next();
      } catch (fault) {
        this.#beginEnd(fault);
      }
      this.#attend(size);
    }
    return message;
  }

  #begin(): MessageType | undefined {
    let type: MessageType | undefined;
    if (this.#state !== "ending") this.#attending(() => type = this.wire.begin());
    return type;
  }

  /** Reads by `act`, and attends to the control frames that come before the next message. */
  #attending(act: () => void): void {
    const { size } = this.wire;
    try {
      act();
    } catch (fault) {
      this.#beginEnd(fault);
    }
    this.#attend(size);
  }

  /** Does what control frames have asked for. So much waited before. */
  #attend(size: number): void {
    const { wire } = this;
    if (wire.closed !== undefined && this.#state === "open") {
      this.#beginEnd(new WebSocketEnd(wire.closed.code, wire.closed.reason));
    } else if (wire.size !== size) this.#flushQuietly();
    if (this.#pinging !== undefined && wire.lastPong !== undefined) this.#answer(wire.lastPong);
  }

  /** Whoever has taken a message mostly takes the next one at once. If not, control frames may be behind it. */
  #lookAheadSoon(): void {
    if (this.#looksAhead || this.#isReading && !this.wire.hasBytes) return;
    this.#looksAhead = true;
    queueMicrotask(() => {
      this.#looksAhead = false;
      if (this.#reader === "nobody") this.#readAhead();
    });
  }

  /** Nobody reads: keeps what has come whole, as far as that is not too much. */
  #readAhead(): void {
    while (this.#state === "open" && this.#heldBytes < MAX_HELD) {
      if (this.#begin() === undefined) break;
      if (!this.wire.isWhole) break;
      const message = this.#next();
      if (message === undefined) break;
      this.#hold(message);
    }
    if (!this.#isHolding) this.#read();
  }

  #flushQuietly(): void {
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
      return this.#lose(error);
    }
    if (wire.size !== size) {
      this.#aliveAt = this.reactor.now;
      // The time for the end begins when all is sent.
      if (!this.isOpen) this.#setTimer(this.#timeouts.closeMs);
    }
    if (!isAll) return;
    this.reactor.removeWriter(this.#raw);
    this.#isBlocked = false;
    this.#tellWriters();
    this.#settle();
  }

  // Time:

  #setTimer(ms: number): void {
    if (this.#timer !== undefined) this.reactor.removeTimer(this.#timer);
    this.#timer = ms === Infinity ? undefined : this.reactor.addTimer(ms, () => this.#onTime());
  }

  #onTime(): void {
    this.#timer = undefined;
    const { pingMs, pongMs, closeMs } = this.#timeouts;
    if (!this.isOpen) {
      return this.#lose(new Error(`The end took longer than ${closeMs} ms`));
    }
    const now = this.reactor.now;
    const isDoubted = this.#doubtedAt > this.#aliveAt;
    if (!isDoubted && now < this.#aliveAt + pingMs) {
      return this.#setTimer(this.#aliveAt + pingMs - now);
    }
    // While nothing is received, the answer to a Ping cannot be seen. That it cannot be sent can be.
    if (isDoubted && pongMs !== Infinity && !this.#isHolding) {
      return this.#lose(new Error(`The peer was silent for ${pingMs + pongMs} ms`));
    }
    this.#doubtedAt = now;
    this.#setTimer(pongMs === Infinity ? pingMs : pongMs);
    this.wire.ping();
    this.#flushQuietly();
  }

  /** RFC 6455 5.5.3: a Pong answers its Ping, and all before. Others answer none. */
  #answer(payload: Uint8Array): void {
    this.wire.lastPong = undefined;
    const waiting = this.#pinging!;
    const last = waiting.findLastIndex((one) => isEqual(one.payload, payload));
    for (const pinging of waiting.splice(0, last + 1)) pinging.answered();
  }

  #stopPinging(): void {
    const waiting = this.#pinging;
    this.#pinging = undefined;
    if (waiting === undefined) return;
    for (const one of waiting) one.failed(this.#reason ?? this.#told);
  }

  // Checks:

  #checkOpen(): void {
    if (this.#preceding !== undefined) this.precede(undefined);
    if (!this.isOpen) throw this.#reason ?? this.#told;
  }

  /** Only one can read at a time. */
  #checkReader(reader: PieceReader | undefined): void {
    if (typeof this.#reader !== "object" || this.#reader === reader) return;
    throw new TypeError(
      "Cannot read the next message: one is being read piece by piece; read it to its end, or close it, first",
    );
  }
}

const NORMAL = 1000, GOING_AWAY = 1001, ABNORMAL = 1006, INTERNAL_ERROR = 1011;
const NOTHING = new Uint8Array(0);

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function endedHere(): LocalProtocolError {
  return new LocalProtocolError("Cannot go on: this side has closed the WebSocket");
}

/** A part of a message must not be taken for the whole. */
function cut(reason: unknown): unknown {
  if (reason instanceof RemoteProtocolError) return reason;
  return new RemoteProtocolError("Cannot read the message: it was cut", { cause: reason });
}

export function noMessage(value: unknown): TypeError {
  ignoreRejection(value);
  return new TypeError(
    `Cannot send ${shown(value)} by a WebSocket: a message is a string, or a Uint8Array`,
  );
}
