/**
 * Cuts what is received into frames (RFC 6455 5.2), for one role.
 *
 *  1. readHead() reads on to the next head of a data frame. Control frames on the way are told when they
 *     are whole. It returns false if more must arrive.
 *  2. The payload of a data frame is then given by payload(): what has come of it, unmasked where it
 *     is, as a view.
 *  3. Only a head or a control frame that has come in part is kept, as a copy.
 *  4. It throws a fault at the first bytes that may not be. What was read before it has been given.
 */
import { concat } from "../../compose/_bytes.ts";
import { PROTOCOL_ERROR, TOO_BIG } from "./_close_code.ts";
import { mask, rotated } from "./_mask.ts";
import { CONTINUATION, FIN, MASK, MAX_CONTROL, PONG, RSV, RSV1 } from "./_opcodes.ts";
import { BINARY, CLOSE, TEXT } from "./_opcodes.ts";
import { isAsciiIn, viewOf } from "./_utf8.ts";
import { WebSocketFault } from "./web_socket_fault.ts";
import type { WebSocketLimits } from "./web_socket_limits.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** What is told of the control frames. */
export interface ControlSink {
  /** A whole control frame; a view of its payload. */
  control(opcode: number, payload: Uint8Array): void;
}

export interface FrameReaderOptions {
  /** RFC 6455 5.1: whether the frames of the peer are masked. */
  isMasked: boolean;
  /** Whether messages may be compressed. */
  isDeflated: boolean;
  limits: Pick<WebSocketLimits, "maxFrameBytes">;
}

export class FrameReader {
  readonly #sink: ControlSink;
  /** RFC 6455 5.1: what the second byte of each frame must have. */
  readonly maskBit: 0 | typeof MASK;
  readonly #allowed: number;
  readonly #limits: Pick<WebSocketLimits, "maxFrameBytes">;
  /** What has come, of which everything before `at` has been read. */
  bytes: Uint8Array = NOTHING;
  at = 0;
  #isStopped = false;

  /** The opcode of the message that is under way, or 0. */
  message = 0;
  /** Whether that message is compressed. */
  isCompressed = false;
  /** How many frames of it have begun. */
  fragments = 0;
  /** Whether the frame that is under way is the last of the message. */
  isFinal = false;
  /** How much of the payload of the frame has not been given. */
  left = 0;
  #key = 0;
  /** Whether the payload that was given last is only ASCII. */
  isAscii = false;
  /** Whether more was asked for than has come. */
  isExhausted = false;

  constructor(sink: ControlSink, options: FrameReaderOptions) {
    this.#sink = sink;
    this.maskBit = options.isMasked ? MASK : 0;
    this.#allowed = options.isDeflated ? RSV1 : 0;
    this.#limits = options.limits;
  }

  receive(bytes: Uint8Array): void {
    if (this.#isStopped) return;
    this.isExhausted = false;
    const isRead = this.at === this.bytes.length;
    this.bytes = isRead ? bytes : concat([this.bytes.subarray(this.at), bytes]);
    this.at = 0;
  }

  /** Reads no more, and forgets what has come. */
  stop(): void {
    this.#isStopped = true;
    this.bytes = NOTHING;
    this.at = this.left = 0;
  }

  /** The message that is under way has been read. */
  endMessage(): void {
    this.message = this.fragments = 0;
    this.isFinal = false;
    if (this.at === this.bytes.length) this.#release();
  }

  /** Reads up to the next head of a data frame. Returns whether it has come. */
  readHead(): boolean {
    for (;;) {
      const { bytes, at } = this;
      const available = bytes.length - at;
      if (available < 2) return this.#wait();
      const first = bytes[at]!;
      const second = bytes[at + 1]!;
      this.#checkHead(first, second);
      let length = second & ~MASK;
      let from = at + 2;
      if (length === 126) from += 2;
      else if (length === 127) from += 8;
      const key = from;
      if (this.maskBit !== 0) from += 4;
      if (from > bytes.length) return this.#wait();
      if (length > MAX_CONTROL) length = longLength(bytes, at + 2, length);
      if (length > this.#limits.maxFrameBytes) {
        throw new WebSocketFault(TOO_BIG, `a frame of ${length} bytes`);
      }
      const opcode = first & 0xf;
      if (opcode >= CLOSE) {
        const to = from + length;
        if (to > bytes.length) return this.#wait();
        if (this.maskBit !== 0) mask(bytes, from, to, int32(bytes, key));
        this.at = to;
        this.#sink.control(opcode, viewOf(bytes, from, to));
        continue;
      }
      if (opcode !== CONTINUATION) {
        this.message = opcode;
        this.isCompressed = (first & RSV1) !== 0;
      }
      this.fragments++;
      this.isFinal = (first & FIN) !== 0;
      this.left = length;
      if (this.maskBit !== 0) this.#key = int32(bytes, key);
      this.at = from;
      return true;
    }
  }

  /** What has come of the payload of the frame; undefined if more must arrive. */
  payload(): Uint8Array<ArrayBuffer> | undefined {
    const { bytes, at } = this;
    const to = Math.min(bytes.length, at + this.left);
    if (to === at) return void this.#wait();
    if (this.maskBit === 0) this.isAscii = this.message === TEXT && isAsciiIn(bytes, at, to);
    else {
      this.isAscii = mask(bytes, at, to, this.#key) === 0;
      this.#key = rotated(this.#key, to - at);
    }
    this.left -= to - at;
    this.at = to;
    return viewOf(bytes, at, to);
  }

  #checkHead(first: number, second: number): void {
    const opcode = first & 0xf;
    const isControl = opcode >= CLOSE;
    if (opcode > PONG || (opcode > BINARY && !isControl)) {
      // RFC 6455 5.2: an unknown opcode fails the connection.
      throw broken(`a frame with the reserved opcode ${opcode}`);
    }
    // RFC 6455 5.2: reserved bits are 0 unless an extension was negotiated that defines them. RFC 7692
    // 6: RSV1 is set only in the first frame of a message.
    const isFirst = opcode === TEXT || opcode === BINARY;
    if ((first & RSV & ~(isFirst ? this.#allowed : 0)) !== 0) {
      throw broken("a frame with a reserved bit set");
    }
    // RFC 6455 5.1: a client masks all frames, a server none.
    if ((second & MASK) !== this.maskBit) {
      throw broken(this.maskBit === 0 ? "a masked frame" : "a frame that is not masked");
    }
    if (isControl) {
      // RFC 6455 5.5.
      if ((first & FIN) === 0) throw broken("a control frame in fragments");
      const length = second & ~MASK;
      if (length > MAX_CONTROL) throw broken("a control frame of more than 125 bytes");
      // RFC 6455 5.5.1: a body begins with a code of 2 bytes.
      if (opcode === CLOSE && length === 1) throw broken("a Close with half a code");
    } else if (isFirst !== (this.message === 0)) {
      // RFC 6455 5.4.
      throw broken(
        isFirst ? "a new message within another" : "a continuation of no message",
      );
    }
  }

  /** Keeps only what has not been read, as the rest of the buffer may be large. */
  #wait(): false {
    this.isExhausted = true;
    if (this.at === this.bytes.length) this.#release();
    else if (this.at > 0 || this.bytes.length < this.bytes.buffer.byteLength) {
      this.bytes = this.bytes.slice(this.at);
      this.at = 0;
    }
    return false;
  }

  #release(): void {
    this.bytes = NOTHING;
    this.at = 0;
  }
}

/** The length at `at`, which has 2 or 8 bytes. */
function longLength(bytes: Uint8Array, at: number, kind: number): number {
  if (kind === 126) {
    const length = bytes[at]! << 8 | bytes[at + 1]!;
    // RFC 6455 5.2: "the minimal number of bytes MUST be used to encode the length".
    if (length < 126) throw broken("a length in more bytes than it needs");
    return length;
  }
  const high = int32BigEndian(bytes, at);
  const low = int32BigEndian(bytes, at + 4) >>> 0;
  // RFC 6455 5.2: "the most significant bit MUST be 0".
  if (high < 0) throw broken("a length of more than 63 bits");
  if (high === 0 && low <= 0xffff) throw broken("a length in more bytes than it needs");
  if (high > 0x1fffff) throw new WebSocketFault(TOO_BIG, "a frame of more than 2^53 - 1 bytes");
  return high * 2 ** 32 + low;
}

export function int32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
}

export function int32BigEndian(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
}

/** RFC 6455 7.4.1: 1002 is for what breaks the protocol. */
export function broken(what: string): WebSocketFault {
  return new WebSocketFault(PROTOCOL_ERROR, what);
}
