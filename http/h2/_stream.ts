import { FLOW_CONTROL_ERROR, MAX_WINDOW, NO_ERROR, PROTOCOL_ERROR } from "./_codes.ts";
import { ByteQueue } from "./_byte_queue.ts";
import { streamError } from "./_h2_error.ts";

/*
 * One stream of HTTP/2 (RFC 9113 5), for both roles. Its state tells which side has ended it:
 *
 *     state                  sent here               received here
 *     open                   all                     all
 *     half-closed (local)    WINDOW_UPDATE, RST      all
 *     half-closed (remote)   all                     WINDOW_UPDATE, PRIORITY, RST
 *     closed                 nothing                 nothing: the session does not know it any more
 *
 *  1. What arrives is kept until somebody reads it, up to the window that the peer was given. Reading
 *     gives the peer a new window. So flow control is the back-pressure of whoever reads.
 *  2. What is to be sent is queued. The session takes frames of it when the windows and the turns of
 *     the other streams allow it.
 *  3. A stream that is lost, by a reset or with its connection, keeps neither.
 */

/** The sides that have ended the stream. */
export const OPEN = 0, LOCAL = 1, REMOTE = 2, CLOSED = 3;

/** Above this, whoever writes must wait; below it he may go on. */
export const HIGH_WATER = 65536, LOW_WATER = 16384;

/** What a stream needs of its session. */
export interface Streaming {
  /** How many bytes of a body are dropped after the end of our side. */
  readonly maxDrainBytes: number;
  /** How much of one body is kept until it is read. */
  readonly streamWindow: number;
  /** How many bytes of bodies have been sent. */
  readonly sent: number;
  /** Whether the window of the connection is shut. */
  readonly isShut: boolean;
  /** Sends a header list: names in lower case and values, alternating. */
  head(stream: H2Stream, list: readonly string[], isEnd: boolean): void;
  /**
   * Sends a head of which most is the same each time.
   *
   * @param list The fields that are the same object each time.
   * @param date The value of the Date field that comes after them, if any.
   * @param length The value of Content-Length, if any.
   */
  answer(
    stream: H2Stream,
    list: readonly string[],
    date: string | undefined,
    length: number | undefined,
    isEnd: boolean,
  ): void;
  /** Sends the whole body of a stream: at once, if that is possible and nobody else waits. */
  body(stream: H2Stream, data: string | Uint8Array, length: number): void;
  /** A stream has something to send. */
  ready(stream: H2Stream): void;
  /** Ends a stream with an error code. */
  reset(stream: H2Stream, code: number, error: unknown): void;
  /** So many bytes of bodies have been read. */
  release(length: number): void;
  /** Gives the peer a window on a stream, or on the connection (0). */
  giveWindow(id: number, by: number): void;
}

/** Why the rest of a request is not read. */
const ANSWERED = new Error("The request has been answered");
/** RFC 9218 4.1 */
const DEFAULT_URGENCY = 3;

/** Who uses a stream. */
export interface StreamUser {
  /** More of the body, or its end, has come. */
  received(): void;
  /** The header list after the body has come. */
  trailed(lines: Uint8Array): void;
  /** There is room in the queue again, or all has been sent. */
  drained(): void;
  /** Nothing more can be sent or received. What has come and is not read now is dropped. */
  lost(error: unknown): void;
}

const encoder = new TextEncoder();
/** A queue into which nothing is put. */
const EMPTY = new ByteQueue();

export class H2Stream {
  readonly session: Streaming;
  id = 0;
  user: StreamUser | undefined = undefined;
  state: number = OPEN;
  /** Whether the next head that comes is not the trailers. */
  awaitsHead = false;
  /** How much the peer lets us send, and how much we let the peer send. */
  sendWindow = 0;
  recvWindow = 0;
  /** RFC 9218 4: 0 is sent first, 7 last. */
  urgency: number = DEFAULT_URGENCY;
  /** Whether it is to be sent at a stretch. */
  isSequential = false;
  /** Whether it is in the line of those that have something to send. */
  isInLine = false;
  /** How many bytes of its body have been sent. */
  sent = 0;
  /** How many bytes of the body must come yet, if that is known. */
  expected: number = Infinity;
  /** Whether the answer ends with what is queued. */
  isEnding = false;
  /** The fields after it. */
  trailers: readonly string[] | undefined = undefined;
  /** Whether the peer has ended its side in good order. */
  #hasEnd = false;
  /** Whether all had been received, read or not, when the stream was lost. */
  wasEnded = false;
  /** Whether what is queued may be sent. */
  #isFlushed = false;
  /** Whether nobody reads what comes. */
  #isDropped = false;
  #drained = 0;
  // They are made when they are needed, because 10,000 streams may wait.
  #queue: ByteQueue = EMPTY;
  #input: ByteQueue = EMPTY;
  /** How many bytes were read since the peer was last given a window. */
  #read = 0;

  constructor(session: Streaming) {
    this.session = session;
  }

  /** Begins, as a new one or once more. */
  begin(id: number, sendWindow: number, recvWindow: number): void {
    this.id = id;
    this.state = OPEN;
    this.sendWindow = sendWindow;
    this.recvWindow = recvWindow;
    this.urgency = DEFAULT_URGENCY;
    this.isSequential =
      this.isEnding =
      this.#hasEnd =
      this.#isFlushed =
      this.#isDropped =
        false;
    this.sent = this.#read = this.#drained = 0;
    this.trailers = undefined;
  }

  /** How many bytes wait to be sent. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Whether whoever writes must wait. */
  get isFull(): boolean {
    return this.queued >= HIGH_WATER || (this.state & LOCAL) !== 0;
  }

  /** Whether something has been read and not been taken yet. */
  get hasInput(): boolean {
    return this.#input.length > 0;
  }

  /** Whether the peer has ended its side in good order. */
  get hasEnd(): boolean {
    return this.#hasEnd;
  }

  /** Whether the peer has ended its side, and all of it has been read. */
  get isAtEnd(): boolean {
    return this.#hasEnd && this.#input.length === 0;
  }

  /** How many bytes have come and not been taken. */
  get inputBytes(): number {
    return this.#input.length;
  }

  /** Takes the next piece of what has come. */
  read(): Uint8Array | undefined {
    const piece = this.#input.shift();
    if (piece !== undefined) this.release(piece.length);
    return piece;
  }

  #inputQueue(): ByteQueue {
    if (this.#input === EMPTY) this.#input = new ByteQueue();
    return this.#input;
  }

  /** Nobody reads any more. The peer is given the windows for what has come, and for what comes. */
  drop(): void {
    this.#isDropped = true;
    const { length } = this.#input;
    this.#input.clear();
    if (length > 0) this.release(length);
  }

  /** Puts back what was read; it is read first. */
  unread(piece: Uint8Array): void {
    this.#inputQueue().unshift(piece);
    this.#read -= piece.length; // It will be read once more.
    this.session.release(-piece.length);
  }

  /** Puts data into the queue. Nobody may change them. */
  write(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    if (bytes.length === 0 || (this.state & LOCAL) !== 0) return;
    if (this.#queue === EMPTY) this.#queue = new ByteQueue();
    this.#queue.push(bytes);
  }

  /** Drops what was queued, before any of it has been sent. */
  unwrite(): void {
    this.#queue.clear();
  }

  /** What is queued may be sent. */
  flush(): void {
    this.#isFlushed = true;
    if (this.queued > 0 || this.isEnding) this.session.ready(this);
  }

  /** Ends our side with what is queued, and the trailers. */
  end(trailers?: readonly string[]): void {
    if ((this.state & LOCAL) !== 0) return;
    this.isEnding = this.#isFlushed = true;
    this.trailers = trailers;
    this.session.ready(this);
  }

  /** Takes the first `max` bytes out of the queue, at most, as they are to be sent. */
  take(max: number, into: Uint8Array[]): void {
    if (max === 0) return;
    this.sent += max;
    this.#queue.take(max, into);
  }

  /** Ends the stream at once, with an error code (RFC 9113 6.4). */
  reset(code: number, error: unknown): void {
    this.session.reset(this, code, error);
  }

  /** A piece of the body has come. */
  receive(piece: Uint8Array): void {
    this.expected -= piece.length;
    // RFC 9113 8.1.1: a body that is not as long as its Content-Length is malformed.
    if (this.expected < 0) throw wrongLength();
    if (this.#isDropped) return this.#drain(piece.length);
    this.#inputQueue().push(piece);
    this.user?.received();
  }

  /**
   * Drops what nobody reads. A client that has been answered is not told at once by RST_STREAM not to
   * send the rest (RFC 9113 8.1): some take that for an error if the answer has not been read by then.
   */
  #drain(length: number): void {
    this.release(length);
    this.#drained += length;
    if ((this.state & LOCAL) !== 0 && this.#drained > this.session.maxDrainBytes) {
      this.reset(NO_ERROR, ANSWERED);
    }
  }

  /** The peer has ended its side. */
  receiveEnd(): void {
    if (this.expected > 0 && this.expected < Infinity) throw wrongLength();
    this.state |= REMOTE;
    this.#hasEnd = true;
    this.user?.received();
  }

  /** The peer lets us send more. */
  widen(by: number): void {
    this.sendWindow += by;
    if (this.sendWindow > MAX_WINDOW) {
      throw streamError(FLOW_CONTROL_ERROR, "a window that is too large (RFC 9113 6.9.1)");
    }
    if (this.#isFlushed && this.queued > 0 && this.sendWindow > 0) this.session.ready(this);
  }

  /** Nothing more can be sent or received: drops what there is, and tells its user. */
  lose(error: unknown): void {
    this.wasEnded = this.#hasEnd;
    this.state = CLOSED;
    // What has come in part must not look whole.
    if (this.hasInput) this.#hasEnd = false;
    this.unwrite();
    this.isEnding = false;
    const { user } = this;
    this.user = undefined;
    user?.lost(error);
    this.drop();
  }

  /** So many bytes have been read: gives the peer a new window when it is worth it. */
  release(length: number): void {
    this.session.release(length);
    this.#read += length;
    if ((this.state & REMOTE) !== 0) return;
    if (2 * this.#read < this.session.streamWindow) return;
    this.recvWindow += this.#read;
    this.session.giveWindow(this.id, this.#read);
    this.#read = 0;
  }
}

function wrongLength(): Error {
  return streamError(
    PROTOCOL_ERROR,
    "a body that is not as long as its Content-Length (RFC 9113 8.1.1)",
  );
}
