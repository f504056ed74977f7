/** The packets of MQTT 3.1.1: a reader and a writer for both sides, and how topics match. */
import { call, type Coroutine, readExactly } from "@weightless/io/compose";

/** MQTT 3.1.1, 2.2.1. */
export const CONNECT = 1, CONNACK = 2, PUBLISH = 3, PUBACK = 4, SUBSCRIBE = 8, SUBACK = 9;
export const UNSUBSCRIBE = 10, UNSUBACK = 11, PINGREQ = 12, PINGRESP = 13, DISCONNECT = 14;

/** The peer breaks the protocol. The only answer is to end the connection. */
export class Malformed extends Error {}

/** Reads a packet of at most so many bytes. */
export function* readPacket(max: number): Coroutine<Packet> {
  const [first] = yield* call(readExactly(1));
  let length = 0;
  for (let digit = 0, more = true; more; digit++) { // 2.2.3: seven bits in each byte, four at most
    if (digit === 4) throw new Malformed("The length of a packet has more than four bytes");
    const [byte] = yield* call(readExactly(1));
    length += (byte! & 0x7f) << (7 * digit);
    more = byte! > 0x7f;
  }
  if (length > max) throw new Malformed(`A packet of ${length} bytes is too large`);
  return new Packet(first! >> 4, first! & 0xf, yield* call(readExactly(length, max)));
}

/** A packet whose fields are taken one after the other. */
export class Packet {
  #at = 0;

  constructor(readonly type: number, readonly flags: number, readonly body: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.#at === this.body.length;
  }

  bytes(length: number): Uint8Array {
    if (length > this.body.length - this.#at) throw new Malformed("A packet is too short");
    return this.body.subarray(this.#at, this.#at += length);
  }

  /** What is left. It is a copy, because it may be kept for long. */
  rest(): Uint8Array {
    return this.bytes(this.body.length - this.#at).slice();
  }

  byte(): number {
    return this.bytes(1)[0]!;
  }

  number(): number {
    return this.byte() << 8 | this.byte();
  }

  /** 1.5.3: UTF-8 after its length, without U+0000. */
  text(): string {
    try {
      const text = decoder.decode(this.bytes(this.number()));
      if (!text.includes("\0")) return text;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    throw new Malformed("A text is not in UTF-8, or has the character U+0000");
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** A packet as it is sent: its parts are bytes, or numbers of one byte. */
export function encodePacket(
  type: number,
  flags: number,
  ...parts: (Uint8Array | number)[]
): Uint8Array {
  const body = parts.flatMap((part) => typeof part === "number" ? [Uint8Array.of(part)] : [part]);
  const length: number[] = [];
  let left = body.reduce((sum, part) => sum + part.length, 0);
  do {
    length.push(left > 0x7f ? left & 0x7f | 0x80 : left);
    left >>= 7;
  } while (left > 0);
  const bytes = new Uint8Array(body.reduce((sum, { length }) => sum + length, 1 + length.length));
  bytes.set([type << 4 | flags, ...length]);
  let at = 1 + length.length;
  for (const part of body) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A number of two bytes. */
export function two(n: number): Uint8Array {
  return Uint8Array.of(n >> 8, n & 0xff);
}

/** A text after its length. */
export function lengthAndText(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  return Uint8Array.from([...two(bytes.length), ...bytes]);
}

/** 4.7: whether a filter may be subscribed to. `+` and `#` stand for whole levels, and `#` is the last one. */
export function isFilter(filter: string): boolean {
  const levels = filter.split("/");
  return filter !== "" &&
    levels.every((level, i) =>
      !/[+#]/.test(level) || level === "+" || level === "#" && i === levels.length - 1
    );
}

/** 4.7.2: whether a topic has what a filter wants. Wildcards do not stand for names of the server, which begin with `$`. */
export function matches(filter: string, topic: string): boolean {
  if (topic.startsWith("$") && !filter.startsWith("$")) return false;
  const wanted = filter.split("/"), levels = topic.split("/");
  for (const [i, level] of wanted.entries()) {
    if (level === "#") return true;
    if (i >= levels.length || level !== "+" && level !== levels[i]) return false;
  }
  return wanted.length === levels.length;
}
