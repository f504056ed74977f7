/**
 * A client of HTTP/2 that sends what it is told to, right or wrong.
 *
 * It shares nothing with http/h2 that writes frames or header blocks. Answers are decoded with the
 * decoder of http/h2, which has tests of its own against other implementations.
 */
import { HpackDecoder } from "../../http/h2/_hpack_decoder.ts";
import { FieldList } from "../../http/h2/_field_list.ts";
import { PATIENCE_MS } from "../_leaks.ts";
import { hostname } from "../_sockets.ts";
import { bytes, text } from "./_drive.ts";
import { type Field, fieldsOf } from "./_hpack.ts";

/** RFC 9113 6 */
export const DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PUSH_PROMISE = 5;
export const PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8, CONTINUATION = 9, PRIORITY_UPDATE = 16;

export const END_STREAM = 0x1, ACK = 0x1, END_HEADERS = 0x4, PADDED = 0x8, WITH_PRIORITY = 0x20;

/** RFC 9113 6.5.2, RFC 8441 3 and RFC 9218 2.1 */
export const HEADER_TABLE_SIZE = 1, ENABLE_PUSH = 2, MAX_CONCURRENT_STREAMS = 3;
export const INITIAL_WINDOW_SIZE = 4, MAX_FRAME_SIZE = 5, MAX_HEADER_LIST_SIZE = 6;
export const ENABLE_CONNECT_PROTOCOL = 8, NO_RFC7540_PRIORITIES = 9;

/** RFC 9113 7: the number of an error is its place. */
const ERRORS = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
] as const;
export type ErrorName = (typeof ERRORS)[number];

export const PREFACE: Uint8Array = bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Bytes, one after the other: numbers are single bytes, and characters too. */
export function join(...parts: (number | string | Uint8Array)[]): Uint8Array {
  const all = parts.map((part) =>
    typeof part === "number" ? [part] : typeof part === "string" ? bytes(part) : part
  );
  return Uint8Array.from(all.flatMap((part) => [...part]));
}

export function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** RFC 9113 4.1. The length may be a lie. */
export function frame(
  type: number,
  flags: number,
  id: number,
  payload: string | Uint8Array = "",
  length: number = payload.length,
): Uint8Array {
  return join(length >>> 16, uint16(length), type, flags, uint32(id), payload);
}

export function settings(...pairs: [name: number, value: number][]): Uint8Array {
  const payload = pairs.map(([name, value]) => join(uint16(name), uint32(value)));
  return frame(SETTINGS, 0, 0, join(...payload));
}

/** RFC 7541 5.1, behind the bits of `first`. */
export function integer(first: number, mask: number, value: number): Uint8Array {
  if (value < mask) return Uint8Array.of(first | value);
  const octets = [first | mask];
  for (value -= mask; value >= 0x80; value = Math.floor(value / 0x80)) {
    octets.push(value % 0x80 | 0x80);
  }
  return Uint8Array.from([...octets, value]);
}

/** RFC 7541 5.2, without Huffman. */
export function string(value: string): Uint8Array {
  return join(integer(0, 0x7f, value.length), value);
}

/** RFC 7541 6.2.2: fields, each as `name: value`, that are not added to the table. */
export function block(...fields: string[]): Uint8Array {
  return join(...fields.map((field) => {
    const end = field.indexOf(": ", 1);
    return join(0, string(field.slice(0, end)), string(field.slice(end + 2)));
  }));
}

/** The block of a request. */
export function request(method: string, path: string, ...fields: string[]): Uint8Array {
  const pseudo = [`:method: ${method}`, ":scheme: http", `:path: ${path}`, ":authority: x"];
  return block(...pseudo, ...fields);
}

/** A frame that was received. */
export interface Received {
  type: number;
  flags: number;
  id: number;
  payload: Uint8Array;
  /** What a frame of HEADERS means. */
  fields: Field[];
}

/** What was answered on a stream. */
export interface Answer {
  status: string;
  fields: Field[];
  /** As text in UTF-8. */
  body: string;
  trailers: Field[] | undefined;
}

export class RawPeer implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #late: AbortSignal = AbortSignal.timeout(PATIENCE_MS);
  readonly #decoder = new HpackDecoder();
  #bytes: Uint8Array = new Uint8Array(0);
  #isEnded = false;
  /** All that has come and was not taken. */
  readonly #frames: Received[] = [];

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    this.#late.addEventListener("abort", this.#giveUp);
  }

  static async connect(port: number): Promise<RawPeer> {
    return new RawPeer(await Deno.connect({ hostname, port }));
  }

  readonly #giveUp = (): void => this.#conn.close();

  [Symbol.dispose](): void {
    this.#late.removeEventListener("abort", this.#giveUp);
    if (!this.#late.aborted) this.#conn.close();
  }

  /** A server that has closed does not take it; then there is an end to read. */
  async send(sent: Uint8Array): Promise<void> {
    try {
      while (sent.length > 0) sent = sent.subarray(await this.#conn.write(sent));
    } catch (error) {
      if (!isReset(error)) throw error;
    }
  }

  /** Sends no more. */
  async end(): Promise<void> {
    await this.#conn.closeWrite();
  }

  /** Takes the first frame like that. All others stay. */
  async take(what: string, is: (frame: Received) => boolean): Promise<Received> {
    for (let i = 0;; i++) {
      if (i === this.#frames.length && !(await this.#read())) {
        throw new Error(`There is no ${what}, but ${this}`);
      }
      if (is(this.#frames[i]!)) return this.#frames.splice(i, 1)[0]!;
    }
  }

  /** Takes the first frame of a type and stream. */
  takeOf(type: number, id: number): Promise<Received> {
    return this.take(
      `frame of type ${type} for ${id}`,
      (frame) => frame.type === type && frame.id === id,
    );
  }

  /** Waits for GOAWAY, and gives the name of its error. */
  async goneAway(): Promise<string> {
    const { payload } = await this.takeOf(GOAWAY, 0);
    return nameOf(payload, 4);
  }

  /** Waits for RST_STREAM, and gives the name of its error. */
  async wasReset(id: number): Promise<string> {
    return nameOf((await this.takeOf(RST_STREAM, id)).payload, 0);
  }

  /** Throws if a frame of one of these types has come that nobody has taken. */
  checkNone(...types: number[]): void {
    if (this.#frames.some(({ type }) => types.includes(type))) throw new Error(`There is ${this}`);
  }

  /** Waits until the server has closed the connection. */
  async closed(): Promise<void> {
    while (await this.#read());
  }

  /** Waits until the server has read everything that was sent. */
  async sync(): Promise<void> {
    await this.send(frame(PING, 0, 0, "barrier!"));
    await this.take(
      "answer to PING",
      ({ type, flags, payload }) => type === PING && flags === ACK && text(payload) === "barrier!",
    );
  }

  /** Waits for the whole answer on a stream. */
  async answer(id: number): Promise<Answer> {
    const head = await this.takeOf(HEADERS, id);
    const [[name, status], ...fields] = head.fields as [Field, ...Field[]];
    if (name !== ":status") throw new Error(`The first field of an answer is ${name}`);
    const decoder = new TextDecoder();
    let body = "";
    let trailers: Field[] | undefined;
    for (let last = head; (last.flags & END_STREAM) === 0;) {
      last = await this.take(`end of ${id}`, ({ id: of, type }) => of === id && type <= RST_STREAM);
      if (last.type === DATA) body += decoder.decode(last.payload, { stream: true });
      else if (last.type === HEADERS) trailers = last.fields;
      else throw new Error(`The answer was cut: ${nameOf(last.payload, 0)}`);
    }
    return { status, fields, body, trailers };
  }

  /** What has come and is no whole frame. */
  get rest(): string {
    return text(this.#bytes);
  }

  /** What has come and was not taken. */
  toString(): string {
    const frames = this.#frames.map(({ type, flags, id, payload, fields }) => {
      const what = type === HEADERS ? fields.join() : payload.subarray(0, 16).toHex();
      return `type ${type}, flags ${flags}, stream ${id}: ${what}`;
    });
    return `${frames.join("; ") || "nothing"}${this.#isEnded ? ", then the end" : ""}`;
  }

  /** Reads until one more frame has come. Returns false at the end. */
  async #read(): Promise<boolean> {
    const buffer = new Uint8Array(65536);
    for (;;) {
      if (this.#cut()) return true;
      let length: number | null;
      try {
        length = await this.#conn.read(buffer);
      } catch (error) {
        if (this.#late.aborted) throw new Error(`Waited in vain: there is ${this}`);
        if (!isReset(error)) throw error;
        length = null;
      }
      if (length === null) {
        this.#isEnded = true;
        return false;
      }
      this.#bytes = join(this.#bytes, buffer.subarray(0, length));
    }
  }

  /** Cuts a frame from what was read. */
  #cut(): boolean {
    const bytes = this.#bytes;
    if (bytes.length < 9) return false;
    const end = 9 + (bytes[0]! << 16 | bytes[1]! << 8 | bytes[2]!);
    if (bytes.length < end) return false;
    const [type, flags] = [bytes[3]!, bytes[4]!];
    const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(5);
    const payload = bytes.subarray(9, end);
    const fields = type === HEADERS ? this.#decode(payload) : [];
    this.#frames.push({ type, flags, id, payload, fields });
    this.#bytes = bytes.subarray(end);
    return true;
  }

  #decode(block: Uint8Array): Field[] {
    const list = new FieldList();
    this.#decoder.decode(block, 0, block.length, list, Infinity);
    return fieldsOf(list);
  }
}

function nameOf(payload: Uint8Array, at: number): string {
  const code = new DataView(payload.buffer, payload.byteOffset).getUint32(at);
  return ERRORS[code] ?? String(code);
}

function isReset(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
}
