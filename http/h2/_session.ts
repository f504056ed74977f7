/**
 * One connection of HTTP/2, for both roles, without I/O (RFC 9113).
 *
 * In: `receive(bytes)`, whatever the peer sends, cut anywhere. Out: bytes that are pushed to the outlet
 * when `gather` is called, and calls of the {@linkcode SessionUser} and of each {@linkcode StreamUser}.
 *
 *  1. A frame that breaks a rule ends its stream (StreamError) or the connection (ConnectionError). The
 *     peer is told by RST_STREAM or GOAWAY, the user by `lost` or `failed`. Nothing is thrown.
 *  2. Frames but DATA are written at once, in their order. DATA wait in their streams until `gather`
 *     takes them, as the windows and the scheduler allow. A small answer goes out at once if nobody else
 *     waits.
 *  3. A stream is forgotten when both sides have ended it. What a peer sends to a stream that was reset
 *     here is ignored, for it may have been under way; on any other stream that was forgotten it is an
 *     error.
 *  4. What costs a peer nothing and us something is counted, and too much of it ends the connection with
 *     ENHANCE_YOUR_CALM: see {@linkcode SessionLimits}.
 */
import { Bucket } from "./_bucket.ts";
import * as c from "./_codes.ts";
import { FieldList } from "./_field_list.ts";
import { FrameReader, type FrameSink, idAt, tooMuchPadding, uint32At } from "./_frame_reader.ts";
import {
  ConnectionError,
  connectionError,
  H2Error,
  StreamError,
  streamError,
  wasReset,
} from "./_h2_error.ts";
import { HeadMemo, type HeadReader } from "./_head_memo.ts";
import { HpackDecoder } from "./_hpack_decoder.ts";
import { Scheduler } from "./_scheduler.ts";
import { CLOSED, H2Stream, LOCAL, LOW_WATER, REMOTE, type Streaming } from "./_stream.ts";
import { type Outlet, Writing } from "./_writing.ts";

/** How much a peer may do. */
export interface SessionLimits {
  /** Bytes of a head, encoded and decoded. */
  readonly maxHeadBytes: number;
  /** Streams that the peer may have open. */
  readonly maxStreams: number;
  /** Bytes of one body, and of all, that are kept until they are read. */
  readonly streamWindow: number;
  readonly connectionWindow: number;
  /** Bytes of a body that are dropped after the end of our side. */
  readonly maxDrainBytes: number;
  /** Streams that are reset, by either side, at once; a thirtieth of it each second. */
  readonly maxResets: number;
  /** Frames that bring nothing, at once; a tenth of it each second. */
  readonly maxIdleFrames: number;
}

/** Who uses a session. `H` is what it makes of a head. */
export interface SessionUser<H extends Headed> extends HeadReader<H> {
  readonly isServer: boolean;
  /**
   * Reads the fields of a head. It must not keep them, but what it gives is kept and given again if the
   * peer sends the same head again.
   *
   * @throws {StreamError} If the head is malformed.
   */
  readHead(fields: FieldList): H;
  /** The fields of trailers, as lines. Throws as `readHead`. */
  readTrailers(fields: FieldList): Uint8Array;
  /** A stream that is not used any more, to be used again. */
  spare?(): H2Stream | undefined;
  /** The peer has opened a stream, and may have ended it already. */
  opened(stream: H2Stream, head: H): void;
  /** A head has come on a stream that was opened here. */
  headed(stream: H2Stream, head: H): void;
  /** Whether others are to have their turn before more is read. It is asked after some frames. */
  isTurnOver?(): boolean;
  /** There is something to gather, and nobody is about to do so. */
  flushSoon(): void;
  /** A stream was forgotten. */
  closed(stream: H2Stream): void;
  /** The peer ends the connection. Our streams after that identifier are lost next. */
  goesAway(lastId: number, error: H2Error): void;
  /** The connection cannot be used any more. The peer is told by the next `gather`. */
  failed(error: H2Error): void;
}

/** What a session must know of a head. */
export interface Headed {
  /** How many bytes the body has; Infinity if that is not told. */
  readonly bodyLength: number;
}

/** How many streams that were reset here, or have a priority before they are opened, are remembered. */
const MAX_REMEMBERED = 1000;
/** Whole answers go out at once up to so many bytes of all streams. */
const MAX_AT_ONCE = 256 * 1024;
/** A head that is so many times as large as allowed is there to do harm. */
const HARMFUL = 8;
/** How many useless frames a useful one pays for. */
const PAID = 4;
/** After frames of so many bytes, each of which counts some more, the user is asked whether to go on. */
const MAX_WORK = 8192, FRAME_WORK = 64;
/** SETTINGS count once more for so many bytes: many values must not be cheaper than many frames. */
const SETTINGS_COUNTED = 64;

/** What stands where the length of a frame would be, if the peer answers in HTTP/1.1: `HTT`. */
const HTTP = 0x485454;

// What there is as long as no stream has been opened, and as long as none has waited.
const NOBODY = new Scheduler();
const NO_STREAMS = new Map<number, H2Stream>();

// Scratch for all sessions: it is used only until the head has been read.
const fields = new FieldList();

export class Session<H extends Headed = Headed> implements FrameSink, Streaming {
  readonly #user: SessionUser<H>;
  readonly #limits: SessionLimits;
  readonly #out: Outlet;
  readonly #reader: FrameReader = new FrameReader(this);
  // What is made when it is needed, because 10,000 connections may be idle.
  #decoder: HpackDecoder | undefined = undefined;
  readonly #writing: Writing;
  #scheduler = NOBODY;
  #streams = NO_STREAMS;
  readonly #clock: { readonly now: number };
  #resets: Bucket | undefined = undefined;
  readonly #idle: Bucket;
  /** How much of the preface has come. */
  #preface = 0;
  /** Whether the first SETTINGS of the peer have come. */
  hasSettings = false;
  #isFailed = false;
  /** The highest identifier that the peer has used, and the next one of ours. */
  #lastId = 0;
  #nextId = 1;
  /** From which on the peer has passed over none of its identifiers. */
  #unbrokenId = 1;
  /** How many streams the peer has open. */
  #opened = 0;
  /** The last of the peer's streams that are taken, if GOAWAY was sent. */
  #takenId = c.MAX_WINDOW;
  /** The peer's streams that were reset here, of late. */
  #reset: Set<number> | undefined = undefined;
  /** How many frames may come for our streams that were reset here. */
  #late = 0;
  /** The priorities of streams that have not been opened yet. */
  #priorities: Map<number, string> | undefined = undefined;
  // Windows.
  sent = 0;
  #sendWindow = c.DEFAULT_WINDOW;
  #recvWindow: number;
  #released = 0;
  #initialSend = c.DEFAULT_WINDOW;
  #initialRecv: number;
  // The frame of DATA that is under way.
  #dataStream: H2Stream | undefined = undefined;
  #dataFlags = 0;
  #dataLength = 0;
  // The header block that is under way: the stream, the flags of HEADERS, and what has come.
  #blockId = 0;
  #blockFlags = 0;
  #block: Uint8Array | undefined = undefined;
  #blockLength = 0;
  #memo: HeadMemo<H> | undefined = undefined;
  /** What the peer allows. RFC 9113 6.5.2: until it has told, this is what it should allow at least. */
  maxStreams = 100;
  canConnect = false;
  /** Whether somebody is about to gather. */
  #isFlushDue = true;
  /** Whether no more is to be read in this turn, and how much was since that was asked. */
  isTurnOver = false;
  #work = 0;
  /** Who waits for the answers to PING, in their order. */
  #acked: (() => void)[] | undefined = undefined;

  constructor(
    user: SessionUser<H>,
    out: Outlet,
    limits: SessionLimits,
    clock: { readonly now: number },
  ) {
    this.#user = user;
    this.#out = out;
    this.#limits = limits;
    this.#writing = new Writing(this, out);
    this.#clock = clock;
    this.#idle = new Bucket(limits.maxIdleFrames, 10, clock.now);
    this.#recvWindow = limits.connectionWindow;
    // Until the peer has our settings it may send as much as the RFC allows.
    this.#initialRecv = Math.max(limits.streamWindow, c.DEFAULT_WINDOW);
    const settings = [c.INITIAL_WINDOW_SIZE, limits.streamWindow];
    if (limits.maxHeadBytes < Infinity) settings.push(c.MAX_HEADER_LIST_SIZE, limits.maxHeadBytes);
    if (user.isServer) {
      settings.push(c.ENABLE_CONNECT_PROTOCOL, 1, c.NO_RFC7540_PRIORITIES, 1);
      if (limits.maxStreams < Infinity) settings.push(c.MAX_CONCURRENT_STREAMS, limits.maxStreams);
    } else {
      this.#preface = c.PREFACE.length;
      this.#writing.raw(c.PREFACE);
      settings.push(c.ENABLE_PUSH, 0);
    }
    this.#writing.settings(settings);
    const more = limits.connectionWindow - c.DEFAULT_WINDOW;
    if (more > 0) this.#writing.windowUpdate(0, more);
    else this.#recvWindow = c.DEFAULT_WINDOW;
  }

  // What its users ask and do.

  /** The streams that are open. */
  get streams(): ReadonlyMap<number, H2Stream> {
    return this.#streams;
  }

  /** Whether nothing is to be sent on any stream. What comes on others is dropped. */
  get isIdle(): boolean {
    for (const { state } of this.#streams.values()) if ((state & LOCAL) === 0) return false;
    return true;
  }

  get streamWindow(): number {
    return this.#limits.streamWindow;
  }

  get maxDrainBytes(): number {
    return this.#limits.maxDrainBytes;
  }

  /** Whether a part of something that must not take long has come: the preface, a head. */
  get isWithinHead(): boolean {
    return !this.hasSettings || this.#blockId !== 0;
  }

  get isShut(): boolean {
    return this.#sendWindow <= 0;
  }

  get isFailed(): boolean {
    return this.#isFailed;
  }

  /** The last of the peer's streams. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Opens a stream. Only a client does (RFC 9113 8.4: there is no push). */
  open(): H2Stream {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new H2Stream(this);
    stream.begin(id, this.#initialSend, this.#initialRecv);
    stream.awaitsHead = true;
    this.#add(stream);
    this.#idle.give(PAID);
    return stream;
  }

  #add(stream: H2Stream): void {
    if (this.#streams === NO_STREAMS) this.#streams = new Map();
    this.#streams.set(stream.id, stream);
  }

  /** Whether another stream can be opened now. */
  get canOpen(): boolean {
    return this.#streams.size < this.maxStreams && !this.isUsedUp && !this.#isFailed;
  }

  /** Whether no identifier is left for another stream (RFC 9113 5.1.1). */
  get isUsedUp(): boolean {
    return this.#nextId > c.MAX_WINDOW;
  }

  head(stream: H2Stream, list: readonly string[], isEnd: boolean): void {
    if ((stream.state & LOCAL) !== 0) return; // It was lost meanwhile.
    this.#writing.head(stream.id, list, isEnd);
    if (isEnd) this.#endLocal(stream);
  }

  answer(
    stream: H2Stream,
    list: readonly string[],
    date: string | undefined,
    length: number | undefined,
    isEnd: boolean,
  ): void {
    if ((stream.state & LOCAL) !== 0) return;
    this.#writing.answer(stream.id, list, date, length, isEnd);
    if (isEnd) this.#endLocal(stream);
  }

  body(stream: H2Stream, data: string | Uint8Array, length: number): void {
    if ((stream.state & LOCAL) !== 0) return;
    const isNow = length <= c.DEFAULT_FRAME_SIZE && length <= this.#sendWindow &&
      length <= stream.sendWindow && this.#scheduler.isEmpty && this.#writing.size < MAX_AT_ONCE;
    if (!isNow) {
      stream.write(data);
      return stream.end();
    }
    this.#sendWindow -= length;
    this.sent += length;
    stream.sendWindow -= length;
    stream.sent += length;
    this.#writing.data(stream.id, data, length, c.END_STREAM);
    this.#endLocal(stream);
  }

  ready(stream: H2Stream): void {
    if (this.#scheduler === NOBODY) this.#scheduler = new Scheduler();
    this.#scheduler.add(stream);
    this.flushSoon();
  }

  reset(stream: H2Stream, code: number, error: unknown): void {
    if (stream.state === CLOSED) return;
    this.#writing.reset(stream.id, code);
    this.#noteReset(stream.id);
    if (!this.#isOfPeer(stream.id)) this.#late += PAID;
    this.#forget(stream);
    stream.lose(error);
  }

  /** Sends GOAWAY: no stream of the peer after this one is taken (RFC 9113 6.8). */
  goAway(lastId: number, code: number = c.NO_ERROR): void {
    // RFC 9113 6.8: the identifier MUST NOT increase.
    this.#takenId = Math.min(lastId, this.#takenId);
    this.#writing.goAway(this.#takenId, code);
  }

  /** Sends PING, and calls `acked` when the peer has answered. */
  ping(acked: () => void): void {
    (this.#acked ??= []).push(acked);
    this.#writing.ping(0, new Uint8Array(8), 0);
  }

  /** The peer sends no more, but may still read: ends the streams on which more should have come. */
  endInput(error: unknown): void {
    for (const stream of this.#streams.values()) {
      if ((stream.state & REMOTE) !== 0) continue;
      this.#forget(stream);
      stream.lose(error);
    }
  }

  /** Ends all streams because the connection has ended. */
  lose(error: unknown): void {
    this.#isFailed = true;
    for (const stream of this.#streams.values()) {
      this.#forget(stream);
      stream.lose(error);
    }
  }

  release(length: number): void {
    this.#released += length;
    // Bodies that nobody reads may have taken most of it.
    const isEnough = this.#recvWindow > this.#released;
    if (isEnough && 2 * this.#released < this.#limits.connectionWindow) return;
    this.#recvWindow += this.#released;
    this.giveWindow(0, this.#released);
    this.#released = 0;
  }

  giveWindow(id: number, by: number): void {
    if (!this.#isFailed) this.#writing.windowUpdate(id, by);
  }

  /** Has the user gather soon, unless somebody is about to. */
  flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#user.flushSoon();
  }

  /** Pushes what is to be sent to the outlet, about `max` bytes at most. Returns whether that is all. */
  gather(max: number): boolean {
    this.#isFlushDue = true;
    const scheduler = this.#scheduler;
    const writing = this.#writing;
    for (let stream; (stream = scheduler.next(this.isShut)) !== undefined;) {
      if (writing.size >= max) break;
      const most = Math.min(stream.queued, stream.sendWindow, writing.maxFrame);
      const length = Math.max(0, Math.min(most, this.#sendWindow));
      if (length === 0 && stream.queued > 0) { // Its own window is shut.
        scheduler.remove(stream);
        continue;
      }
      this.#sendSome(stream, length);
    }
    writing.collect();
    this.#isFlushDue = false;
    return scheduler.isEmpty || this.#sendWindow <= 0;
  }

  #sendSome(stream: H2Stream, length: number): void {
    const scheduler = this.#scheduler;
    const wasFull = stream.queued > LOW_WATER;
    const isLast = length === stream.queued && stream.isEnding;
    const { trailers } = stream;
    this.#sendWindow -= length;
    this.sent += length;
    stream.sendWindow -= length;
    if (length > 0 || trailers === undefined) {
      const flags = isLast && trailers === undefined ? c.END_STREAM : 0;
      this.#writing.dataOf(stream, length, flags);
    }
    this.#idle.give(PAID + (length >> 10));
    if (isLast) {
      scheduler.remove(stream);
      if (trailers !== undefined) this.#writing.head(stream.id, trailers, true);
      this.#endLocal(stream);
    } else if (stream.queued === 0) scheduler.remove(stream);
    else scheduler.turn(stream);
    if (stream.queued === 0 || wasFull && stream.queued <= LOW_WATER) stream.user?.drained();
  }

  /** Our side of a stream has ended. */
  #endLocal(stream: H2Stream): void {
    stream.state |= LOCAL;
    if (stream.state === CLOSED) this.#forget(stream);
  }

  #forget(stream: H2Stream): void {
    if (!this.#streams.delete(stream.id)) return;
    stream.state = CLOSED;
    this.#scheduler.remove(stream);
    if (this.#isOfPeer(stream.id)) this.#opened--;
    this.#user.closed(stream);
  }

  #noteReset(id: number): void {
    if (!this.#isOfPeer(id)) return;
    const reset = this.#reset ??= new Set();
    reset.add(id);
    if (reset.size > MAX_REMEMBERED) { for (const first of reset) return void reset.delete(first); }
  }

  #isOfPeer(id: number): boolean {
    return (id & 1) === (this.#user.isServer ? 1 : 0);
  }

  // What the peer sends.

  /** Reads from `at` on. Returns up to where it has read, when others are to have their turn first. */
  receive(bytes: Uint8Array, at = 0): number {
    if (this.#isFailed) return bytes.length;
    this.#isFlushDue = true;
    this.isTurnOver = false;
    this.#work = 0;
    try {
      while (this.#preface < c.PREFACE.length && at < bytes.length) {
        // RFC 9113 3.4: an invalid preface MUST be treated as a connection error.
        if (bytes[at++] !== c.PREFACE[this.#preface++]) {
          throw connectionError(c.PROTOCOL_ERROR, "an invalid preface (RFC 9113 3.4)");
        }
      }
      return this.#reader.receive(bytes, at);
    } catch (error) {
      this.#fail(error);
      return bytes.length;
    }
  }

  #fail(error: unknown): void {
    if (!(error instanceof H2Error)) throw error;
    if (this.#isFailed) return;
    this.goAway(this.#lastId, error.code);
    this.lose(error);
    this.#user.failed(error);
  }

  /** Ends the stream if that is enough. */
  #failStream(id: number, error: unknown): void {
    if (!(error instanceof StreamError)) throw error;
    // RFC 9113 6.4: RST_STREAM MUST NOT be sent for a stream that is idle.
    if (this.#isIdleStream(id)) throw new ConnectionError(error.code, error.message);
    this.#countReset();
    const stream = this.#streams.get(id);
    if (stream !== undefined) return this.reset(stream, error.code, error);
    this.#writing.reset(id, error.code);
    this.#noteReset(id);
  }

  /** A stream was reset because of the peer: by it, or by a fault of it. */
  #countReset(): void {
    this.#resets ??= new Bucket(this.#limits.maxResets, 30, this.#clock.now);
    if (this.#resets.take(this.#clock)) return;
    throw connectionError(c.ENHANCE_YOUR_CALM, "too many streams that were reset");
  }

  /** The peer has sent something that brings nothing. */
  #countIdle(count = 1): void {
    if (this.#idle.take(this.#clock, count)) return;
    throw connectionError(c.ENHANCE_YOUR_CALM, "too many frames that bring nothing");
  }

  /**
   * The peer has sent something for a stream that is not open. It cannot know yet that we have reset it:
   * DATA that it was allowed to send, and some other frames of it, are paid for.
   */
  #countLate(id: number, length = 0): void {
    if (!this.#isOfPeer(id) && (length > 0 || this.#late > 0)) {
      if (length === 0) this.#late--;
    } else this.#countIdle();
  }

  begin(type: number, flags: number, id: number, length: number): void {
    if (length > c.DEFAULT_FRAME_SIZE) {
      const what = length === HTTP
        ? "HTTP/1.1 instead"
        : "a frame that is too large (RFC 9113 4.2)";
      throw connectionError(c.FRAME_SIZE_ERROR, what);
    }
    if (!this.hasSettings) {
      if (type !== c.SETTINGS || (flags & c.ACK) !== 0) {
        throw connectionError(c.PROTOCOL_ERROR, "no SETTINGS at first (RFC 9113 3.4)");
      }
      this.hasSettings = true;
      this.maxStreams = Infinity;
    }
    if (this.#blockId !== 0 && (type !== c.CONTINUATION || id !== this.#blockId)) {
      throw connectionError(c.PROTOCOL_ERROR, "another frame within a header block (RFC 9113 4.3)");
    }
    this.#work += FRAME_WORK + length;
    if (this.#work > MAX_WORK) {
      this.#work = 0;
      this.isTurnOver = this.#user.isTurnOver?.() ?? false;
    }
    if (type === c.DATA) this.#beginData(flags, id, length);
  }

  frame(
    type: number,
    flags: number,
    id: number,
    bytes: Uint8Array,
    from: number,
    to: number,
  ): void {
    try {
      switch (type) {
        case c.HEADERS:
          return this.#headers(flags, id, bytes, from, to);
        case c.PRIORITY:
          return this.#priority(id, to - from);
        case c.RST_STREAM:
          return this.#resetStream(id, bytes, from, to);
        case c.SETTINGS:
          return this.#settings(flags, id, bytes, from, to);
        case c.PUSH_PROMISE:
          throw connectionError(c.PROTOCOL_ERROR, "a PUSH_PROMISE (RFC 9113 8.4)");
        case c.PING:
          return this.#ping(flags, id, bytes, from, to);
        case c.GOAWAY:
          return this.#goAwayCame(id, bytes, from, to);
        case c.WINDOW_UPDATE:
          return this.#windowUpdate(id, bytes, from, to);
        case c.CONTINUATION:
          return this.#continuation(flags, bytes, from, to);
        case c.PRIORITY_UPDATE:
          return this.#priorityUpdate(id, bytes, from, to);
        default: // RFC 9113 4.1: an unknown frame MUST be ignored.
          this.#countIdle();
      }
    } catch (error) {
      this.#failStream(id, error);
    }
  }

  /** RFC 9113 6.1. Flow control counts all of the frame. */
  #beginData(flags: number, id: number, length: number): void {
    if (id === 0) throw noStream("DATA");
    const stream = this.#streams.get(id);
    if (stream === undefined) this.#expectLate(id, "DATA");
    this.#recvWindow -= length;
    if (this.#recvWindow < 0) {
      throw connectionError(c.FLOW_CONTROL_ERROR, "more than its window (RFC 9113 6.9.1)");
    }
    this.#dataStream = stream;
    this.#dataFlags = flags;
    this.#dataLength = length;
    if (stream === undefined) return this.#countLate(id, length);
    if (length === 0 && (flags & c.END_STREAM) === 0) this.#countIdle();
    stream.recvWindow -= length;
    try {
      if ((stream.state & REMOTE) !== 0) {
        throw streamError(c.STREAM_CLOSED, "DATA after its end (RFC 9113 5.1)");
      }
      if (stream.awaitsHead) {
        throw streamError(c.PROTOCOL_ERROR, "DATA before a head (RFC 9113 8.1)");
      }
      if (stream.recvWindow < 0) {
        throw streamError(c.FLOW_CONTROL_ERROR, "more than its window (RFC 9113 6.9.1)");
      }
    } catch (error) {
      this.#dataStream = undefined;
      this.#failStream(id, error);
    }
  }

  data(bytes: Uint8Array): void {
    const stream = this.#dataStream;
    // It may have been lost within the frame.
    if (stream === undefined || stream.state === CLOSED) return this.release(bytes.length);
    this.#idle.give(PAID);
    try {
      stream.receive(bytes);
    } catch (error) {
      this.release(bytes.length);
      this.#failStream(stream.id, error);
    }
  }

  dataEnd(padding: number): void {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    if (stream === undefined || stream.state === CLOSED) return this.release(padding);
    if (padding > 0) {
      if (padding === this.#dataLength) this.#countIdle();
      stream.release(padding);
    }
    if ((this.#dataFlags & c.END_STREAM) !== 0) this.#endRemote(stream);
  }

  /** The peer has ended its side of a stream. */
  #endRemote(stream: H2Stream): void {
    try {
      stream.receiveEnd();
    } catch (error) {
      return this.#failStream(stream.id, error);
    }
    if (stream.state === CLOSED) this.#forget(stream);
  }

  /**
   * A frame has come for a stream that is not open.
   *
   * @throws {ConnectionError} Unless it may have been under way when the stream was reset here.
   */
  #expectLate(id: number, what: string, code = c.STREAM_CLOSED): void {
    if (this.#isIdleStream(id)) {
      throw connectionError(c.PROTOCOL_ERROR, `${what} on a stream that is idle (RFC 9113 5.1)`);
    }
    // Whoever opens streams does not remember which of them were reset.
    if (!this.#isOfPeer(id) || this.#reset?.has(id)) return;
    if (id > this.#takenId) return; // What comes after our GOAWAY is ignored (RFC 9113 6.8).
    throw connectionError(code, `${what} on a stream that is closed (RFC 9113 5.1)`);
  }

  #isIdleStream(id: number): boolean {
    return this.#isOfPeer(id) ? id > this.#lastId : id >= this.#nextId;
  }

  /** RFC 9113 6.2 */
  #headers(flags: number, id: number, bytes: Uint8Array, from: number, to: number): void {
    if (id === 0) throw noStream("HEADERS");
    if ((flags & c.PADDED) !== 0) {
      if (to === from) throw tooMuchPadding();
      to -= bytes[from++]!;
      if (to < from) throw tooMuchPadding();
    }
    if ((flags & c.HAS_PRIORITY) !== 0) {
      from += 5; // RFC 9113 5.3.2: the priorities of RFC 7540 are ignored.
      if (to < from) throw connectionError(c.FRAME_SIZE_ERROR, "HEADERS that are too short");
    }
    if ((flags & c.END_HEADERS) !== 0) return this.#headersCame(flags, id, bytes, from, to);
    this.#blockId = id;
    this.#blockFlags = flags;
    this.#blockLength = 0;
    this.#addToBlock(bytes, from, to);
  }

  /** RFC 9113 6.10 */
  #continuation(flags: number, bytes: Uint8Array, from: number, to: number): void {
    const id = this.#blockId;
    if (id === 0) throw connectionError(c.PROTOCOL_ERROR, "CONTINUATION alone (RFC 9113 6.10)");
    if (to === from || to - from < 64 && (flags & c.END_HEADERS) === 0) this.#countIdle();
    this.#addToBlock(bytes, from, to);
    if ((flags & c.END_HEADERS) === 0) return;
    const block = this.#block!;
    this.#blockId = 0;
    this.#block = undefined;
    this.#headersCame(this.#blockFlags, id, block, 0, this.#blockLength);
  }

  #addToBlock(bytes: Uint8Array, from: number, to: number): void {
    const length = this.#blockLength + to - from;
    // The block is not longer than what it means, but for a few bytes.
    if (length > this.#limits.maxHeadBytes + c.DEFAULT_FRAME_SIZE) {
      throw connectionError(c.ENHANCE_YOUR_CALM, "a head that is too large (RFC 9113 10.5.1)");
    }
    if (this.#block === undefined || this.#block.length < length) {
      const larger = new Uint8Array(2 * length);
      if (this.#block !== undefined) larger.set(this.#block.subarray(0, this.#blockLength));
      this.#block = larger;
    }
    this.#block.set(bytes.subarray(from, to), this.#blockLength);
    this.#blockLength = length;
  }

  /** A header block has come whole. */
  #headersCame(flags: number, id: number, block: Uint8Array, from: number, to: number): void {
    const isEnd = (flags & c.END_STREAM) !== 0;
    const stream = this.#streams.get(id);
    if (stream !== undefined) {
      if ((stream.state & REMOTE) !== 0) {
        this.#decode(block, from, to);
        throw streamError(c.STREAM_CLOSED, "HEADERS after its end (RFC 9113 5.1)");
      }
      if (stream.awaitsHead) return this.#headCame(stream, this.#readHead(block, from, to), isEnd);
      this.#decode(block, from, to);
      // RFC 9113 8.1: trailers end the stream.
      if (!isEnd) throw streamError(c.PROTOCOL_ERROR, "trailers that do not end (RFC 9113 8.1)");
      stream.user?.trailed(this.#user.readTrailers(fields));
      return this.#endRemote(stream);
    }
    if (!this.#isIdleStream(id)) {
      this.#decode(block, from, to);
      this.#countLate(id);
      // RFC 9113 5.1.1: it may be a stream that was passed over.
      const code = id < this.#unbrokenId ? c.PROTOCOL_ERROR : c.STREAM_CLOSED;
      return this.#expectLate(id, "HEADERS", code);
    }
    // RFC 9113 5.1.1: a client's streams have odd identifiers, and a server must not open any (8.4).
    if (!this.#user.isServer || !this.#isOfPeer(id)) {
      throw connectionError(
        c.PROTOCOL_ERROR,
        "HEADERS on a stream it must not open (RFC 9113 5.1.1)",
      );
    }
    if (id > this.#lastId + 2) this.#unbrokenId = id;
    this.#lastId = id;
    if (id > this.#takenId) { // RFC 9113 6.8: it is ignored, and the client may send it again.
      this.#countIdle();
      return this.#decode(block, from, to);
    }
    if (this.#opened >= this.#limits.maxStreams) {
      this.#decode(block, from, to);
      throw streamError(c.REFUSED_STREAM, "more streams than allowed (RFC 9113 5.1.2)");
    }
    const head = this.#readHead(block, from, to);
    const opened = this.#user.spare?.() ?? new H2Stream(this);
    opened.begin(id, this.#initialSend, this.#initialRecv);
    this.#opened++;
    this.#add(opened);
    const priority = this.#priorities?.get(id);
    if (priority !== undefined) {
      this.#priorities!.delete(id);
      prioritize(opened, priority);
    }
    this.#idle.give(PAID);
    opened.expected = head.bodyLength;
    if (isEnd) opened.receiveEnd();
    this.#user.opened(opened, head);
  }

  #headCame(stream: H2Stream, head: H, isEnd: boolean): void {
    this.#idle.give(PAID);
    stream.expected = head.bodyLength;
    this.#user.headed(stream, head);
    if (isEnd) this.#endRemote(stream);
  }

  /** A block that cannot be decoded ends the connection: the next one could not be, either. */
  #decode(block: Uint8Array, from: number, to: number): void {
    fields.clear();
    try {
      this.#decoder ??= new HpackDecoder();
      this.#decoder.decode(block, from, to, fields, this.#limits.maxHeadBytes);
    } catch (error) {
      throw connectionError(
        c.COMPRESSION_ERROR,
        `a faulty header block: ${(error as Error).message}`,
      );
    }
    if (fields.size > HARMFUL * this.#limits.maxHeadBytes) {
      throw connectionError(c.ENHANCE_YOUR_CALM, "a head that is far too large (RFC 9113 10.5.1)");
    }
  }

  /** What the user makes of a head. */
  #readHead(block: Uint8Array, from: number, to: number): H {
    const known = this.#memo?.find(block, from, to, fields);
    if (known !== undefined) return known;
    this.#decode(block, from, to);
    const head = this.#user.readHead(fields);
    this.#memo ??= new HeadMemo(this.#decoder!, this.#user);
    this.#memo.set(block, from, to, fields, head);
    return head;
  }

  /** RFC 9113 6.3 */
  #priority(id: number, length: number): void {
    if (id === 0) throw noStream("PRIORITY");
    this.#countIdle();
    if (length !== 5) throw streamError(c.FRAME_SIZE_ERROR, "PRIORITY of another length");
  }

  /** RFC 9113 6.4 */
  #resetStream(id: number, bytes: Uint8Array, from: number, to: number): void {
    if (id === 0) throw noStream("RST_STREAM");
    if (to - from !== 4) throw connectionError(c.FRAME_SIZE_ERROR, "RST_STREAM of another length");
    if (this.#isIdleStream(id)) {
      throw connectionError(c.PROTOCOL_ERROR, "RST_STREAM of a stream that is idle (RFC 9113 6.4)");
    }
    // Also if it has ended: a stream may be answered before its client resets it.
    this.#countReset();
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#forget(stream);
    stream.lose(wasReset(uint32At(bytes, from)));
  }

  /** RFC 9113 6.5 */
  #settings(flags: number, id: number, bytes: Uint8Array, from: number, to: number): void {
    if (id !== 0) throw connectionError(c.PROTOCOL_ERROR, "SETTINGS of a stream (RFC 9113 6.5)");
    this.#countIdle(1 + Math.floor((to - from) / SETTINGS_COUNTED));
    if ((flags & c.ACK) !== 0) {
      if (to !== from) throw connectionError(c.FRAME_SIZE_ERROR, "an answer with SETTINGS");
      return this.#settingsKnown();
    }
    if ((to - from) % 6 !== 0) {
      throw connectionError(c.FRAME_SIZE_ERROR, "SETTINGS of another length (RFC 9113 6.5)");
    }
    const before = this.#initialSend;
    for (; from < to; from += 6) {
      this.#set(bytes[from]! << 8 | bytes[from + 1]!, uint32At(bytes, from + 2));
    }
    if (this.#initialSend !== before) this.#widenAll(this.#initialSend - before);
    this.#writing.settingsAck();
  }

  /** The peer has our settings. */
  #settingsKnown(): void {
    const { streamWindow } = this.#limits;
    const less = this.#initialRecv - streamWindow;
    this.#initialRecv = streamWindow;
    if (less > 0) { for (const stream of this.#streams.values()) stream.recvWindow -= less; }
  }

  /** RFC 9113 6.9.2: the windows of open streams change with INITIAL_WINDOW_SIZE. */
  #widenAll(by: number): void {
    for (const stream of this.#streams.values()) {
      try {
        stream.widen(by);
      } catch {
        throw wrongSetting("INITIAL_WINDOW_SIZE", c.FLOW_CONTROL_ERROR);
      }
    }
  }

  #set(name: number, value: number): void {
    switch (name) {
      case c.HEADER_TABLE_SIZE:
        return this.#writing.setMaxTableSize(value);
      case c.ENABLE_PUSH:
        if (value > 1) throw wrongSetting("ENABLE_PUSH", c.PROTOCOL_ERROR);
        // RFC 9113 6.5.2: a server MUST NOT set it to 1.
        if (value === 1 && !this.#user.isServer) {
          throw wrongSetting("ENABLE_PUSH", c.PROTOCOL_ERROR);
        }
        return;
      case c.MAX_CONCURRENT_STREAMS:
        this.maxStreams = value;
        return;
      case c.INITIAL_WINDOW_SIZE:
        if (value > c.MAX_WINDOW) throw wrongSetting("INITIAL_WINDOW_SIZE", c.FLOW_CONTROL_ERROR);
        this.#initialSend = value;
        return;
      case c.SETTINGS_MAX_FRAME_SIZE:
        if (value < c.DEFAULT_FRAME_SIZE || value > c.MAX_FRAME_SIZE) {
          throw wrongSetting("MAX_FRAME_SIZE", c.PROTOCOL_ERROR);
        }
        return;
      case c.ENABLE_CONNECT_PROTOCOL:
        // RFC 8441 3: it MUST be 0 or 1, and not be taken back.
        if (value > 1 || value === 0 && this.canConnect) {
          throw wrongSetting("ENABLE_CONNECT_PROTOCOL", c.PROTOCOL_ERROR);
        }
        this.canConnect = value === 1;
        return;
      case c.NO_RFC7540_PRIORITIES:
        if (value > 1) throw wrongSetting("NO_RFC7540_PRIORITIES", c.PROTOCOL_ERROR);
    }
  }

  /** RFC 9113 6.7 */
  #ping(flags: number, id: number, bytes: Uint8Array, from: number, to: number): void {
    if (id !== 0) throw connectionError(c.PROTOCOL_ERROR, "PING of a stream (RFC 9113 6.7)");
    if (to - from !== 8) throw connectionError(c.FRAME_SIZE_ERROR, "PING of another length");
    this.#countIdle();
    if ((flags & c.ACK) !== 0) return this.#acked?.shift()?.();
    this.#writing.ping(c.ACK, bytes, from);
  }

  /** RFC 9113 6.8 */
  #goAwayCame(id: number, bytes: Uint8Array, from: number, to: number): void {
    if (id !== 0) throw connectionError(c.PROTOCOL_ERROR, "GOAWAY of a stream (RFC 9113 6.8)");
    if (to - from < 8) throw connectionError(c.FRAME_SIZE_ERROR, "GOAWAY that is too short");
    this.#countIdle();
    const lastId = idAt(bytes, from);
    const code = uint32At(bytes, from + 4);
    const why = `The peer ends the connection: ${c.nameOf(code)}`;
    this.#user.goesAway(lastId, new StreamError(code, why));
    // RFC 9113 6.8: it has done nothing with our streams after the last one.
    const error = new StreamError(c.REFUSED_STREAM, why);
    for (const stream of this.#streams.values()) {
      if (stream.id <= lastId || this.#isOfPeer(stream.id)) continue;
      this.#forget(stream);
      stream.lose(error);
    }
  }

  /** RFC 9113 6.9 */
  #windowUpdate(id: number, bytes: Uint8Array, from: number, to: number): void {
    if (to - from !== 4) {
      throw connectionError(c.FRAME_SIZE_ERROR, "WINDOW_UPDATE of another length");
    }
    const by = idAt(bytes, from);
    const stream = this.#streams.get(id);
    if (id === 0 || stream !== undefined) this.#countIdle();
    else this.#countLate(id);
    if (id === 0) {
      if (by === 0) throw connectionError(c.PROTOCOL_ERROR, "a WINDOW_UPDATE of 0 (RFC 9113 6.9)");
      this.#sendWindow += by;
      if (this.#sendWindow > c.MAX_WINDOW) {
        throw connectionError(c.FLOW_CONTROL_ERROR, "a window that is too large (RFC 9113 6.9.1)");
      }
      return;
    }
    if (this.#isIdleStream(id)) {
      throw connectionError(c.PROTOCOL_ERROR, "WINDOW_UPDATE of an idle stream (RFC 9113 5.1)");
    }
    if (stream === undefined) return; // RFC 9113 5.1: it may come for a short time.
    if (by === 0) throw streamError(c.PROTOCOL_ERROR, "a WINDOW_UPDATE of 0 (RFC 9113 6.9)");
    stream.widen(by);
  }

  /** RFC 9218 7.1 */
  #priorityUpdate(id: number, bytes: Uint8Array, from: number, to: number): void {
    if (id !== 0) {
      throw connectionError(c.PROTOCOL_ERROR, "PRIORITY_UPDATE of a stream (RFC 9218 7.1)");
    }
    if (!this.#user.isServer) {
      throw connectionError(c.PROTOCOL_ERROR, "PRIORITY_UPDATE as a server");
    }
    if (to - from < 4) {
      throw connectionError(c.FRAME_SIZE_ERROR, "PRIORITY_UPDATE that is too short");
    }
    this.#countIdle();
    const of = idAt(bytes, from);
    if (of === 0) throw connectionError(c.PROTOCOL_ERROR, "a priority of no stream (RFC 9218 7.1)");
    const text = String.fromCharCode(...bytes.subarray(from + 4, Math.min(to, from + 132)));
    const stream = this.#streams.get(of);
    if (stream !== undefined) {
      const isInLine = stream.isInLine;
      this.#scheduler.remove(stream);
      prioritize(stream, text);
      if (isInLine) this.#scheduler.add(stream);
    } else if (this.#isIdleStream(of) && this.#isOfPeer(of)) {
      this.#priorities ??= new Map();
      const most = Math.min(this.#limits.maxStreams, MAX_REMEMBERED);
      if (this.#priorities.size < most) this.#priorities.set(of, text);
    }
  }
}

/**
 * Sets the priority of a stream (RFC 9218 4): `u=0` to `u=7`, and `i`. What is malformed is ignored.
 */
export function prioritize(stream: H2Stream, priority: string): void {
  const urgency = /(?:^|,)[ \t]*u=([0-7])[ \t]*(?:[,;]|$)/.exec(priority)?.[1];
  stream.urgency = urgency === undefined ? 3 : Number(urgency);
  stream.isSequential = !/(?:^|,)[ \t]*i(?:=\?1)?[ \t]*(?:[,;]|$)/.test(priority);
}

function noStream(what: string): Error {
  return connectionError(c.PROTOCOL_ERROR, `${what} of no stream (RFC 9113 6)`);
}

function wrongSetting(name: string, code: number): Error {
  return connectionError(code, `a wrong value of ${name} (RFC 9113 6.5.2)`);
}
