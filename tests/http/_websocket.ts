/** Frames of RFC 6455 made and read by hand, and what a wire does with them. */
import { assert } from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import { WebSocketWire, type WireOptions } from "../../http/websocket/_wire.ts";
import { WebSocketFault } from "../../http/websocket/web_socket_fault.ts";
import { bytes as latin1, text } from "./_drive.ts";

export type Role = "client" | "server";
export const roles: readonly Role[] = ["client", "server"];

export const FIN = 0x80, RSV1 = 0x40, RSV2 = 0x20, RSV3 = 0x10;
export const CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;
const NAMES: Record<number, string> = {
  [CONTINUATION]: "Continuation",
  [TEXT]: "Text",
  [BINARY]: "Binary",
  [CLOSE]: "Close",
  [PING]: "Ping",
  [PONG]: "Pong",
};

const encoder = new TextEncoder();
export const utf8 = (text: string): Uint8Array => encoder.encode(text);
/** Bytes from text in ISO-8859-1. */
export const raw: (text: string) => Uint8Array = latin1;

/** The key of frames made by hand. */
const KEY = [0x37, 0xfa, 0x21, 0x3d];

/** How a frame may differ from one that is right. */
export interface Wrong {
  /** Whether it is masked. */
  isMasked?: boolean;
  /** How many bytes the length takes after the second byte. */
  lengthBytes?: 0 | 2 | 8;
  /** The length that it tells. */
  length?: bigint;
  key?: readonly number[];
}

/** Makes frames as one role sends them. */
export class Frames {
  readonly role: Role;

  constructor(role: Role) {
    this.role = role;
  }

  frame(first: number, payload: string | Uint8Array = "", wrong: Wrong = {}): Uint8Array {
    const content = typeof payload === "string" ? utf8(payload) : payload;
    const { isMasked = this.role === "client", length = BigInt(content.length), key = KEY } = wrong;
    const { lengthBytes = length <= 125n ? 0 : length <= 0xffffn ? 2 : 8 } = wrong;
    const mask = isMasked ? 0x80 : 0;
    const head = lengthBytes === 0
      ? [first, mask | Number(length)]
      : [first, mask | (lengthBytes === 2 ? 126 : 127)];
    for (let i = lengthBytes - 1; i >= 0; i--) {
      head.push(Number(length >> BigInt(8 * i) & 0xffn));
    }
    if (!isMasked) return concat([Uint8Array.from(head), content]);
    return concat([
      Uint8Array.from([...head, ...key]),
      content.map((byte, i) => byte ^ key[i & 3]!),
    ]);
  }

  text(payload: string | Uint8Array): Uint8Array {
    return this.frame(FIN | TEXT, payload);
  }

  binary(payload: string | Uint8Array): Uint8Array {
    return this.frame(FIN | BINARY, payload);
  }

  ping(payload: string | Uint8Array = ""): Uint8Array {
    return this.frame(FIN | PING, payload);
  }

  pong(payload: string | Uint8Array = ""): Uint8Array {
    return this.frame(FIN | PONG, payload);
  }

  close(code?: number, reason: string | Uint8Array = ""): Uint8Array {
    if (code === undefined) return this.frame(FIN | CLOSE);
    const text = typeof reason === "string" ? utf8(reason) : reason;
    return this.frame(FIN | CLOSE, concat([Uint8Array.of(code >> 8, code & 0xff), text]));
  }
}

export interface Frame {
  first: number;
  isMasked: boolean;
  key: Uint8Array;
  payload: Uint8Array;
}

/** Reads whole frames, which must be well-formed. */
export function framesOf(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at < bytes.length) {
    const first = view.getUint8(at++);
    const second = view.getUint8(at++);
    let length = second & 0x7f;
    if (length === 126) {
      length = view.getUint16(at);
      at += 2;
      assert(length > 125);
    } else if (length === 127) {
      length = Number(view.getBigUint64(at));
      at += 8;
      assert(length > 0xffff);
    }
    const isMasked = second >= 0x80;
    const key = bytes.slice(at, at += isMasked ? 4 : 0);
    assert(at + length <= bytes.length);
    const payload = bytes.slice(at, at += length);
    if (isMasked) payload.forEach((byte, i) => payload[i] = byte ^ key[i & 3]!);
    frames.push({ first, isMasked, key, payload });
  }
  return frames;
}

/** Takes all that waits in a wire. */
export function taken(wire: WebSocketWire): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  const sender = {
    send(bytes: Uint8Array) {
      chunks.push(bytes.slice());
      return bytes.length;
    },
  };
  assert(wire.flush(sender));
  assert(wire.size === 0);
  return concat(chunks);
}

/** One line of text for a message. */
export function told(message: string | Uint8Array): string {
  if (typeof message === "string") return `text ${short(message)}`;
  return `binary ${short(text(message))}`;
}

/** What is long is told by its length, its beginning, and a number that other texts do not have. */
function short(text: string): string {
  const { length } = text;
  if (length <= 40) return JSON.stringify(text);
  let hash = 0;
  for (let i = 0; i < length; i++) hash = Math.imul(hash, 31) + text.charCodeAt(i) | 0;
  return `of ${length}: ${JSON.stringify(text.slice(0, 10))} ${hash}`;
}

/** What the Ping of this number has. */
export function pingPayload(number: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, number);
  return payload;
}

/** One line of text for what answers a Ping. */
export function toldPong(payload: Uint8Array): string {
  return `sends Pong ${short(text(payload))}`;
}

/** One line of text for a frame that a wire sends. */
function toldFrame({ first, payload }: Frame): string {
  const opcode = first & 0xf;
  const name = NAMES[opcode];
  const flags = first & 0xf0 & ~FIN;
  assert(flags === 0 || flags === RSV1);
  if (opcode !== CLOSE || payload.length < 2) {
    return `sends ${name} ${short(text(payload))}`;
  }
  // The reason of a fault is for people.
  return `sends ${name} ${payload[0]! << 8 | payload[1]!}`;
}

export type Reading = "whole" | "in pieces";
export const readings: readonly Reading[] = ["whole", "in pieces"];

/** A wire that is fed, and what it has told. */
export class Fed {
  readonly wire: WebSocketWire;
  readonly #role: Role;
  readonly #reading: Reading;
  /** What the peer did wrong. */
  fault: WebSocketFault | undefined = undefined;
  /** What has been read and sent, in this order. */
  readonly log: string[] = [];
  #pieces: (string | Uint8Array)[] | undefined = undefined;
  #type = "";

  constructor(role: Role, reading: Reading, options: WireOptions = {}) {
    this.wire = new WebSocketWire(role, options);
    this.#role = role;
    this.#reading = reading;
  }

  /** Gives it a copy of the bytes, as the wire changes them. Returns whether it goes on. */
  receive(bytes: Uint8Array): boolean {
    this.wire.receive(bytes.slice());
    try {
      for (;;) {
        const message = this.#reading === "whole" ? this.wire.next() : this.#gathered();
        this.#tellSent();
        if (message === undefined) break;
        this.log.push(told(message));
      }
    } catch (error) {
      assert(error instanceof WebSocketFault);
      this.#tellSent();
      this.fault = error;
      this.log.push(`fault ${error.code}`);
      return false;
    }
    if (this.wire.closed === undefined) return true;
    this.log.push(`closed ${this.wire.closed.code} ${JSON.stringify(this.wire.closed.reason)}`);
    return false;
  }

  #gathered(): string | Uint8Array | undefined {
    if (this.#pieces === undefined) {
      const type = this.wire.begin();
      if (type === undefined) return undefined;
      this.#type = type;
      this.#pieces = [];
    }
    for (;;) {
      const piece = this.wire.piece();
      if (piece === undefined) return undefined;
      if (piece === null) break;
      assert(piece.length > 0);
      this.#pieces.push(piece);
    }
    const pieces = this.#pieces;
    this.#pieces = undefined;
    if (this.#type === "text") {
      assert(pieces.every((piece) => typeof piece === "string" && piece.isWellFormed()));
      return pieces.join("");
    }
    return concat(pieces as Uint8Array[]);
  }

  #tellSent(): void {
    for (const frame of framesOf(taken(this.wire))) {
      assert(frame.isMasked === (this.#role === "client"));
      this.log.push(toldFrame(frame));
    }
  }
}

/** What a wire tells when it gets the bytes cut at these places. */
export function fed(
  role: Role,
  reading: Reading,
  bytes: Uint8Array,
  cuts: readonly number[] = [],
  options: WireOptions = {},
): string[] {
  const one = new Fed(role, reading, options);
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    if (!one.receive(bytes.subarray(from, to))) {
      // Nothing more is read.
      one.wire.receive(bytes.slice(to));
      break;
    }
    from = to;
  }
  return one.log;
}
