/** Messages that come in parts and are wanted whole. */
import { concat } from "../../compose/_bytes.ts";
import { INVALID_PAYLOAD } from "./_close_code.ts";
import { utf8Of } from "./_encoded.ts";
import { characterEnd, decoded, isUtf8In, viewOf } from "./_utf8.ts";
import { WebSocketFault } from "./web_socket_fault.ts";

const MIN_ROOM = 1024;
/** The room grows by this factor, so what has come decides it, not what the peer says will come. */
const GROWTH = 4;
/** So many bytes of text are decoded at once. Fewer would make a string of very many parts. */
const LARGE = 4096;
const NOTHING = new Uint8Array(0);

export interface Gathering {
  /** How many bytes have come. */
  readonly length: number;
  /**
   * Adds the next part.
   *
   * @param more How much comes behind it, or Infinity if that is not known.
   * @throws {WebSocketFault} As soon as text cannot be UTF-8.
   */
  add(bytes: Uint8Array, more: number): void;
  /** What has come so far. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The whole message, after the last part. */
  readonly whole: string | Uint8Array<ArrayBuffer>;
}

export class BinaryGathering implements Gathering {
  #room: Uint8Array<ArrayBuffer> = NOTHING;
  length = 0;

  add(bytes: Uint8Array, more: number): void {
    const length = this.length + bytes.length;
    if (length > this.#room.length) {
      const room = new Uint8Array(Math.min(length + more, Math.max(MIN_ROOM, GROWTH * length)));
      room.set(this.bytes);
      this.#room = room;
    }
    this.#room.set(bytes, this.length);
    this.length = length;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return viewOf(this.#room, 0, this.length);
  }

  get whole(): Uint8Array<ArrayBuffer> {
    return this.length * 2 < this.#room.length ? this.bytes.slice() : this.bytes;
  }
}

export class TextGathering implements Gathering {
  length = 0;
  #text = "";
  /** The bytes behind the text; and up to where they are whole characters. */
  #rest: Uint8Array<ArrayBuffer> = NOTHING;
  #used = 0;
  #checked = 0;

  add(bytes: Uint8Array): void {
    this.length += bytes.length;
    if (this.#used + bytes.length < LARGE) return this.#keep(bytes);
    if (this.#used > 0) bytes = concat([viewOf(this.#rest, 0, this.#used), bytes]);
    this.#used = this.#checked = 0;
    const end = characterEnd(bytes, 0, bytes.length);
    this.#text += decoded(bytes, 0, end) ?? refuseText();
    if (end < bytes.length) this.#keep(viewOf(bytes, end, bytes.length));
  }

  #keep(bytes: Uint8Array): void {
    const used = this.#used + bytes.length;
    if (used > this.#rest.length) {
      const room = new Uint8Array(Math.min(LARGE, GROWTH * used));
      room.set(this.#rest);
      this.#rest = room;
    }
    this.#rest.set(bytes, this.#used);
    this.#used = used;
    const end = characterEnd(this.#rest, this.#checked, used);
    if (!isUtf8In(this.#rest, this.#checked, end)) refuseText();
    this.#checked = end;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return concat([utf8Of(this.#text), viewOf(this.#rest, 0, this.#used)]);
  }

  get whole(): string {
    return this.#text + (decoded(this.#rest, 0, this.#used) ?? refuseText());
  }
}

/** RFC 6455 8.1: fails the connection. */
export function refuseText(): never {
  throw new WebSocketFault(INVALID_PAYLOAD, "text that is not UTF-8");
}
