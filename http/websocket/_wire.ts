/**
 * The wire of a WebSocket (RFC 6455) for both roles: bytes to messages and back. It knows no socket and
 * no timer.
 *
 * Receiving:
 *
 *  1. receive() gives the wire what has arrived. The wire changes these bytes, as it unmasks them where
 *     they are, and gives views of them.
 *  2. next() gives the next message whole. begin() gives its type as soon as its first head has come, and
 *     attends to the control frames before that. Then the message can still be read whole, or by piece(),
 *     up to null. Once a piece was read, the rest is dropped by skip(), or by the next next() or begin().
 *  3. They return undefined if more must arrive. More is given to receive() only then. When the peer has
 *     sent Close, {@linkcode WebSocketWire.closed} tells so; nothing is read after it.
 *  4. They throw a WebSocketFault if the peer broke a rule, and again at each later call.
 *
 * Sending:
 *
 *  5. Whatever is sent waits in the wire, up to flush(). Reading adds to it: Pongs, the answer to a
 *     Close, the Close that tells of a fault.
 *  6. While a message goes out by sendPiece(), only control frames may come between. After Close,
 *     nothing may. The call that is wrong throws a LocalProtocolError and sends nothing.
 */
import { shown } from "../../reactor/_describe.ts";
import { utf8Length } from "../_characters.ts";
import { limitsOf } from "../_limits.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import { INVALID_PAYLOAD, isCloseCode, NO_STATUS, NORMAL, TOO_BIG } from "./_close_code.ts";
import type { Compressor, Decompressor } from "./_codec.ts";
import { broken, type ControlSink, FrameReader, int32, int32BigEndian } from "./_frame_reader.ts";
import { utf8Of } from "./_encoded.ts";
import { type FrameSender, FrameWriter } from "./_frame_writer.ts";
import { BinaryGathering, type Gathering, refuseText, TextGathering } from "./_gathering.ts";
import { mask } from "./_mask.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  FIN,
  MAX_CONTROL,
  PING,
  PONG,
  RSV1,
  TEXT,
} from "./_opcodes.ts";
import { decoded, isAsciiIn, TextPieces, viewOf } from "./_utf8.ts";
import { WebSocketFault } from "./web_socket_fault.ts";
import { defaultWebSocketLimits, type WebSocketLimits } from "./web_socket_limits.ts";

export { encoded } from "./_encoded.ts";

/**
 * What a message is (RFC 6455 5.6): text in UTF-8, or bytes.
 *
 * @category WebSocket
 */
export type MessageType = "text" | "binary";

/** A whole message. */
export type Message = string | Uint8Array;

/** What the Close of a peer says. */
export interface Closed {
  /** 1005 if it has none. */
  readonly code: number;
  readonly reason: string;
}

export interface WireOptions {
  limits?: Partial<WebSocketLimits>;
  /** If permessage-deflate was negotiated (RFC 7692). */
  deflate?: { compressor: Compressor; decompressor: Decompressor } | undefined;
}

const NOTHING = new Uint8Array(0);
/** If so many bytes wait, only the last Ping is answered. */
const CROWDED = 16 * 1024;
/** RFC 6455 5.5: what a control frame has, without the code. */
const MAX_REASON = MAX_CONTROL - 2;
/** So many bytes longer may something be that was compressed, apart from one for each 1024. */
const EXPANSION = 1024;
/** The payload of a Ping: its number. */
const PING_BYTES = 4;

/** A message that goes out in fragments. */
interface SentPieces {
  readonly type: MessageType;
  readonly isCompressed: boolean;
  /** The first byte of the next frame. */
  first: number;
  /** For text that comes as bytes. */
  readonly bytes: TextPieces;
  /** The first half of a surrogate pair, which waits for the other. */
  half: string;
}

export class WebSocketWire implements ControlSink {
  readonly #limits: WebSocketLimits;
  readonly compressor: Compressor | undefined;
  readonly #decompressor: Decompressor | undefined;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  /** A frame up to this length is within all limits. */
  readonly #short: number;

  /** The message that is read whole, if it came in parts. */
  #gathering: Gathering | undefined = undefined;
  /** The message that is read piece by piece. */
  #begun: { readonly text: TextPieces | undefined; length: number } | undefined = undefined;
  /** How much was decompressed of it, and whether the decompressor knows that it has ended. */
  #fedBytes = 0;
  #isFed = false;
  /** Whether nothing is read any more but control frames. */
  #isDropping = false;
  #fault: WebSocketFault | undefined = undefined;
  /** What the Close of the peer said, when it has come. */
  closed: Closed | undefined = undefined;
  /** How many Pings were sent; and how many of these the peer has answered, as it answers the last and all before. */
  #pinged = 0;
  ponged = 0;

  /** What may not be interrupted by another message, or by anything. */
  #sending: SentPieces | "closed" | undefined = undefined;
  /** The payload of a Ping that is answered when there is room. */
  #ping: Uint8Array | undefined = undefined;

  /** @throws {RangeError} If a limit is no whole number, nor Infinity. */
  constructor(role: "client" | "server", options: WireOptions = {}) {
    const { limits = defaultWebSocketLimits, deflate } = options;
    this.#limits = limitsOf(limits, defaultWebSocketLimits);
    const { maxFrameBytes, maxMessageBytes, maxFragments } = this.#limits;
    this.#short = maxFragments === 0 ? -1 : Math.min(MAX_CONTROL, maxFrameBytes, maxMessageBytes);
    this.compressor = deflate?.compressor;
    this.#decompressor = deflate?.decompressor;
    const isMasked = role === "server";
    this.#reader = new FrameReader(this, {
      isMasked,
      isDeflated: deflate !== undefined,
      limits: this.#limits,
    });
    this.#writer = new FrameWriter(role === "client");
  }

  /** Takes what has arrived. */
  receive(bytes: Uint8Array): void {
    this.#reader.receive(bytes);
  }

  /**
   * The next message; undefined if more must arrive, or nothing will.
   *
   * @throws {WebSocketFault} If the peer broke a rule.
   */
  next(): string | Uint8Array<ArrayBuffer> | undefined {
    if (this.#isDropping) return undefined;
    try {
      return this.#nextShort() ?? this.#whole();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** Whether more of the message that was begun has come than anybody has asked for. */
  get hasInput(): boolean {
    const { message, at, bytes, isExhausted } = this.#reader;
    return message !== 0 && !isExhausted && at < bytes.length;
  }

  /** Whether something has come that was not given, and be it a head. */
  get hasBytes(): boolean {
    const { message, at, bytes } = this.#reader;
    return message !== 0 || at < bytes.length;
  }

  /** How many bytes of the message that was begun have been gathered. */
  get gathered(): number {
    return this.#gathering?.length ?? 0;
  }

  /** Whether the message that was begun is too large for next(), by what is known of it. */
  get isExcessive(): boolean {
    return this.#reader.message !== 0 && this.#excess(0) !== undefined;
  }

  /**
   * Gathers the message that was begun, for next() or piece(), until that are `max` bytes.
   *
   * @returns Whether all of it has come.
   * @throws {WebSocketFault} If the peer broke a rule.
   */
  gather(max: number): boolean {
    const { isFinal, isCompressed, left, at, bytes } = this.#reader;
    // It need not be copied.
    if (isFinal && !isCompressed && left <= bytes.length - at) return true;
    try {
      while (this.gathered < max) {
        const part = this.#part();
        if (part === undefined) return false;
        if (part === null) return true;
        this.#gather(part);
      }
      return false;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /**
   * The type of the next message. Its content is read by piece(), or by next().
   *
   * @throws {WebSocketFault} If the peer broke a rule.
   */
  begin(): MessageType | undefined {
    if (this.#isDropping || this.#begun !== undefined && !this.skip()) return undefined;
    try {
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#reader.message === 0 && !this.#reader.readHead()) return undefined;
    } catch (error) {
      throw this.#failed(error);
    }
    return this.#reader.message === TEXT ? "text" : "binary";
  }

  /**
   * The next piece of the message that was begun; null at its end; undefined if more must arrive.
   *
   * @throws {WebSocketFault} If the peer broke a rule.
   */
  piece(): string | Uint8Array<ArrayBuffer> | null | undefined {
    if (this.#isDropping) return undefined;
    try {
      return this.#piece();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /**
   * Drops the rest of the message that was begun. Returns whether all of it has come.
   *
   * @throws {WebSocketFault} If the peer broke a rule.
   */
  skip(): boolean {
    const reader = this.#reader;
    if (reader.isCompressed && this.#decompressor?.keepsContext === false) {
      // Nothing that comes later depends on it, so it is not decompressed.
      this.#decompressor.close();
      this.#isFed = reader.isCompressed = false;
      this.#fedBytes = 0;
      this.#begun = { text: undefined, length: -Infinity };
      this.#gathering = undefined;
    }
    for (let piece; (piece = this.piece()) !== null;) if (piece === undefined) return false;
    return true;
  }

  /**
   * Drops all that comes, but for control frames. Nothing of it is decompressed or checked. No message
   * is given any more, nor the rest of one.
   *
   * @throws {WebSocketFault} If the peer broke a rule.
   */
  drop(): void {
    const reader = this.#reader;
    this.#isDropping = true;
    this.#gathering = undefined;
    try {
      for (;;) {
        while (reader.left > 0) if (reader.payload() === undefined) return;
        if (reader.isFinal) reader.endMessage();
        if (!reader.readHead()) return;
      }
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** A message that has come whole, in one short frame that is not compressed. */
  #nextShort(): string | Uint8Array<ArrayBuffer> | undefined {
    const reader = this.#reader;
    const { bytes, at, maskBit } = reader;
    const from = at + (maskBit === 0 ? 2 : 6);
    if (from > bytes.length || reader.message !== 0) return undefined;
    const opcode = bytes[at]! - FIN;
    const length = bytes[at + 1]! - maskBit;
    const to = from + length;
    const isShort = length >= 0 && length <= this.#short && to <= bytes.length;
    if (!isShort || (opcode !== TEXT && opcode !== BINARY)) return undefined;
    reader.at = to;
    const isAscii = maskBit === 0
      ? opcode === TEXT && isAsciiIn(bytes, from, to)
      : mask(bytes, from, to, int32(bytes, at + 2)) === 0;
    if (opcode === BINARY) return viewOf(bytes, from, to);
    return decoded(bytes, from, to, isAscii) ?? refuseText();
  }

  #whole(): string | Uint8Array<ArrayBuffer> | undefined {
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#begun !== undefined && !this.skip()) return undefined;
    const reader = this.#reader;
    if (reader.message === 0 && !reader.readHead()) return undefined;
    const isText = reader.message === TEXT;
    for (;;) {
      const part = this.#part();
      const excess = this.#excess(part?.length ?? 0);
      if (excess !== undefined) throw new WebSocketFault(TOO_BIG, excess);
      if (part === undefined) return undefined;
      if (part === null) return this.#end()?.whole ?? (isText ? "" : NOTHING);
      const isLast = reader.isFinal && reader.left === 0 && !reader.isCompressed;
      if (isLast && this.gathered === 0) {
        this.#end();
        return isText ? decoded(part, 0, part.length, reader.isAscii) ?? refuseText() : part;
      }
      this.#gather(part);
    }
  }

  #gather(part: Uint8Array): void {
    const { message, isFinal, isCompressed, left } = this.#reader;
    const gathering = this.#gathering ??= message === TEXT
      ? new TextGathering()
      : new BinaryGathering();
    gathering.add(part, isFinal && !isCompressed ? left : Infinity);
  }

  /** The message that is under way has been read. Returns what was gathered of it. */
  #end(): Gathering | undefined {
    const gathering = this.#gathering;
    this.#gathering = undefined;
    this.#fedBytes = 0;
    this.#isFed = false;
    this.#reader.endMessage();
    return gathering;
  }

  #piece(): string | Uint8Array<ArrayBuffer> | null | undefined {
    if (this.#fault !== undefined) throw this.#fault;
    const { message } = this.#reader;
    if (this.#begun === undefined && message === 0) return null;
    const begun = this.#begun ??= {
      text: message === TEXT ? new TextPieces() : undefined,
      length: 0,
    };
    for (;;) {
      // next() may have come first, and read a part.
      const part = this.#gathering?.bytes ?? this.#part();
      this.#gathering = undefined;
      if (part === undefined) return undefined;
      if (part === null) {
        if (begun.text?.isWhole === false) refuseText();
        this.#begun = undefined;
        this.#end();
        return null;
      }
      begun.length += part.length;
      const { maxStreamBytes } = this.#limits;
      if (begun.length > maxStreamBytes) {
        throw new WebSocketFault(TOO_BIG, `a message of more than ${maxStreamBytes} bytes`);
      }
      if (begun.text === undefined) return part;
      const text = begun.text.push(part) ?? refuseText();
      if (text !== "") return text;
    }
  }

  /** The next part of the message that is under way; null when it has none any more. */
  #part(): Uint8Array<ArrayBuffer> | null | undefined {
    const reader = this.#reader;
    for (;;) {
      if (reader.isCompressed) {
        const part = this.#decompressed();
        if (part !== undefined) return part;
      }
      if (reader.left === 0) {
        if (!reader.isFinal) {
          if (!reader.readHead()) return undefined;
        } else if (reader.isCompressed && !this.#isFed) this.#feed(NOTHING);
        else return null;
        continue;
      }
      const part = reader.payload();
      if (part === undefined || !reader.isCompressed) return part;
      this.#feed(part);
    }
  }

  /** Why the message that is under way cannot be read whole, if so much more of it has come. */
  #excess(more: number): string | undefined {
    const { fragments, isCompressed, left } = this.#reader;
    const { maxFragments, maxMessageBytes } = this.#limits;
    if (fragments > maxFragments) return `a message of more than ${maxFragments} fragments`;
    const length = this.gathered + more;
    // What is compressed may be a little larger than what comes of it (RFC 1951 3.2.4).
    const most = isCompressed ? this.#fedBytes + left - EXPANSION - (length >> 10) : length + left;
    return Math.max(length, most) > maxMessageBytes
      ? `a message of more than ${maxMessageBytes} bytes`
      : undefined;
  }

  #feed(payload: Uint8Array): void {
    this.#fedBytes += payload.length;
    this.#isFed = this.#reader.isFinal && this.#reader.left === 0;
    this.#decompressor!.feed(payload, this.#isFed);
  }

  #decompressed(): Uint8Array<ArrayBuffer> | undefined {
    try {
      return this.#decompressor!.next() as Uint8Array<ArrayBuffer> | undefined;
    } catch (cause) {
      throw new WebSocketFault(INVALID_PAYLOAD, "data that cannot be decompressed", { cause });
    }
  }

  /** Only for the reader: a control frame has come. */
  control(opcode: number, payload: Uint8Array): void {
    if (opcode === PING) this.#answer(payload);
    else if (opcode === PONG) this.#pong(payload);
    else {
      const { length } = payload;
      const code = length === 0 ? NO_STATUS : payload[0]! << 8 | payload[1]!;
      if (length > 0 && !isCloseCode(code)) throw broken(`a Close with the code ${code}`);
      const reason = decoded(payload, Math.min(2, length), length) ?? refuseText();
      this.closed = { code, reason };
      this.#reader.stop();
      // RFC 6455 5.5.1: a Close is answered, typically by its code.
      this.#close(payload.subarray(0, 2));
    }
  }

  /**
   * RFC 6455 5.5.2: a Ping is answered as soon as is practical. 5.5.3: of several, only the last needs
   * to be. So a peer that sends many and reads nothing takes no memory.
   */
  #answer(payload: Uint8Array): void {
    if (this.#sending === "closed") return;
    if (this.#writer.size > CROWDED) this.#ping = payload.slice();
    else this.#writer.bytes(FIN | PONG, payload);
  }

  /** RFC 6455 5.5.3: a Pong answers its Ping and all before. One that answers none is a sign of life. */
  #pong(payload: Uint8Array): void {
    if (payload.length !== PING_BYTES) return;
    const ping = int32BigEndian(payload, 0) >>> 0;
    if (ping > this.ponged && ping <= this.#pinged) this.ponged = ping;
  }

  /** RFC 6455 7.1.7: fails the connection. */
  #failed(error: unknown): unknown {
    if (error instanceof WebSocketFault && this.#fault === undefined) {
      this.#fault = error;
      this.#gathering = undefined;
      this.#reader.stop();
      this.#close(closePayload(error.code, error.reason));
    }
    return error;
  }

  /** Whether this is a server. */
  get isServer(): boolean {
    return this.#reader.maskBit !== 0;
  }

  /** Lets go of what the codecs have of the system. Nothing is given or sent any more. */
  dispose(): void {
    this.#isDropping = true;
    this.#sending = "closed";
    this.compressor?.close();
    this.#decompressor?.close();
  }

  /** How many bytes wait to be sent. */
  get size(): number {
    return this.#writer.size;
  }

  /**
   * Sends what waits.
   *
   * @returns Whether all of it was accepted.
   */
  flush(sender: FrameSender): boolean {
    if (!this.#writer.flush(sender)) return false;
    const ping = this.#ping;
    if (ping === undefined) return true;
    this.#ping = undefined;
    this.#answer(ping);
    return this.#writer.flush(sender);
  }

  /**
   * Sends a whole message.
   *
   * @param data Text or bytes, which must not change until they are sent.
   * @throws {LocalProtocolError} Within another message, or after Close.
   */
  send(data: string | Uint8Array): void {
    this.#checkIdle("send a message");
    const isText = typeof data === "string";
    const first = FIN | (isText ? TEXT : BINARY);
    if (this.compressor?.isWorth(data.length)) {
      const payload = this.compressor.whole(isText ? utf8Of(data) : data);
      this.#writer.bytes(first | RSV1, payload);
    } else if (isText) this.#writer.text(first, data);
    else this.#writer.bytes(first, data);
  }

  /**
   * Sends a piece of a message as a fragment, and begins it if none is being sent.
   *
   * @param type What the message is, in each of its pieces.
   * @param data Text, or bytes, which must not change until they are sent. Characters may be cut.
   * @throws {LocalProtocolError} If the message is of the other type, or after Close; or if bytes of
   * text are no UTF-8.
   */
  sendPiece(type: MessageType, data: string | Uint8Array): void {
    this.#checkOpen("send a piece of a message");
    const pieces = this.#sending as SentPieces | undefined ??
      (this.#sending = begunPieces(type, this.compressor !== undefined));
    if (pieces.type !== type) {
      throw new LocalProtocolError(
        `Cannot send a piece of type ${type}: the message is ${pieces.type}; end it first`,
      );
    }
    if (typeof data !== "string") {
      if (type === "binary") return this.#fragment(pieces, data, false);
      const text = pieces.bytes.push(data);
      if (text === undefined) throw notText();
      data = text;
    } else if (!pieces.bytes.isWhole) throw notText();
    const all = pieces.half + data;
    const isCut = (all.charCodeAt(all.length - 1) & 0xfc00) === 0xd800;
    pieces.half = isCut ? all.slice(-1) : "";
    this.#fragment(pieces, isCut ? all.slice(0, -1) : all, false);
  }

  /**
   * Ends the message that was sent by sendPiece().
   *
   * @throws {LocalProtocolError} If there is none, or it ends within a character, or after Close.
   */
  sendEnd(): void {
    this.#checkOpen("end a message");
    const pieces = this.#sending as SentPieces | undefined;
    if (pieces === undefined) {
      throw new LocalProtocolError("Cannot end a message: none is being sent in pieces");
    }
    if (!pieces.bytes.isWhole) throw notText();
    this.#fragment(pieces, pieces.half, true);
    this.#sending = undefined;
  }

  #fragment(pieces: SentPieces, data: string | Uint8Array, isLast: boolean): void {
    if (pieces.isCompressed) {
      data = this.compressor!.piece(typeof data === "string" ? utf8Of(data) : data, isLast);
    }
    if (data.length === 0 && !isLast) return;
    const first = pieces.first | (isLast ? FIN : 0);
    pieces.first = CONTINUATION;
    if (typeof data === "string") this.#writer.text(first, data);
    else this.#writer.bytes(first, data);
  }

  /**
   * Sends a Ping. It is answered when {@linkcode WebSocketWire.ponged} has reached its number.
   *
   * @returns The number of it, from 1 on. That is its payload as well, so that the answers differ.
   * @throws {LocalProtocolError} After Close.
   */
  ping(): number {
    this.#checkOpen("send a Ping");
    const number = ++this.#pinged;
    this.#writer.bytes(FIN | PING, bigEndian(number));
    return number;
  }

  /**
   * Sends Close. What the peer has sent before it knows is still read.
   *
   * @param code Why; 1000, which is normal, unless given.
   * @param reason For people to read, at most 123 bytes.
   * @throws {RangeError} If the code may not be sent, or the reason is longer.
   * @throws {LocalProtocolError} After Close.
   */
  close(code: number = NORMAL, reason: string = ""): void {
    this.#checkOpen("send Close");
    checkClose(code, reason);
    this.#close(closePayload(code, reason));
  }

  #close(payload: Uint8Array): void {
    if (this.#sending === "closed") return;
    this.#sending = "closed";
    this.#writer.bytes(FIN | CLOSE, payload);
  }

  /**
   * Sends a message that was encoded before, as it is.
   *
   * @param frame What encoded() gave; it must not change until it is sent.
   * @throws {LocalProtocolError} If this is a client, which masks each message with another key; within
   * another message, or after Close.
   */
  append(frame: Uint8Array): void {
    this.#checkIdle("send a message");
    if (this.#reader.maskBit === 0) {
      throw new LocalProtocolError(
        "Cannot send an encoded message: a client masks each one with another key; use send()",
      );
    }
    this.#writer.append(frame);
  }

  /**
   * How its messages are encoded for a broadcast: others with the same encoding send the same frames. It is
   * undefined if no other does.
   */
  get encoding(): string | undefined {
    if (this.#reader.maskBit === 0) return undefined;
    return this.compressor === undefined ? "" : this.compressor.encoding;
  }

  #checkOpen(action: string): void {
    if (this.#sending !== "closed") return;
    // RFC 6455 5.5.1: no data frames may follow a Close. Nobody would read control frames.
    throw new LocalProtocolError(`Cannot ${action}: Close has been sent`);
  }

  #checkIdle(action: string): void {
    if (this.#sending === undefined) return;
    this.#checkOpen(action);
    // RFC 6455 5.4: fragments of two messages may not mix.
    throw new LocalProtocolError(`Cannot ${action}: another is being sent in pieces; end it first`);
  }
}

function begunPieces(type: MessageType, isCompressed: boolean): SentPieces {
  const first = (type === "text" ? TEXT : BINARY) | (isCompressed ? RSV1 : 0);
  return { type, isCompressed, first, bytes: new TextPieces(), half: "" };
}

/** @throws {RangeError} If the code may not be sent, or the reason is too long. */
export function checkClose(code: number, reason: string): void {
  if (!Number.isInteger(code) || !isCloseCode(code)) {
    throw new RangeError(
      `Cannot send Close with the code ${
        shown(code)
      }: it must be one of RFC 6455 7.4, such as 1000, ` +
        "or of your own, from 4000 to 4999",
    );
  }
  if (typeof reason !== "string") {
    throw new TypeError(`Cannot send Close with the reason ${shown(reason)}: it is a string`);
  }
  if (utf8Length(reason) > MAX_REASON) {
    throw new RangeError(
      `Cannot send Close with a reason of ${
        utf8Length(reason)
      } bytes: it has at most ${MAX_REASON}`,
    );
  }
}

function closePayload(code: number, reason: string): Uint8Array {
  const text = utf8Of(reason);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >>> 8;
  payload[1] = code;
  payload.set(text, 2);
  return payload;
}

function bigEndian(number: number): Uint8Array {
  return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
}

function notText(): LocalProtocolError {
  return new LocalProtocolError("Cannot send these bytes as text: they are not UTF-8");
}
