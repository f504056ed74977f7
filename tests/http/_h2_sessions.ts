/** Two sessions of HTTP/2, a client and a server, that talk through memory. */
import { trailerLines } from "../../http/h2/_field_rules.ts";
import type { FieldList } from "../../http/h2/_field_list.ts";
import type { H2Error } from "../../http/h2/_h2_error.ts";
import {
  type Headed,
  Session,
  type SessionLimits,
  type SessionUser,
} from "../../http/h2/_session.ts";
import type { H2Stream, StreamUser } from "../../http/h2/_stream.ts";

const decoder = new TextDecoder();

export const LIMITS: SessionLimits = {
  maxHeadBytes: 65536,
  maxStreams: 100,
  streamWindow: 65535,
  connectionWindow: 65535,
  maxResets: 100,
  maxIdleFrames: 100,
  maxDrainBytes: 1000,
};

/** A head as text. */
interface Head extends Headed {
  readonly text: string;
}

/** One side. It notes what it is told, as lines of text. */
export class Side implements SessionUser<Head> {
  readonly isServer: boolean;
  readonly session: Session<Head>;
  readonly log: string[] = [];
  readonly streams: H2Stream[] = [];
  readonly #out: Uint8Array[] = [];
  readonly #headOnly = new Set<H2Stream>();
  /** What a server does with a stream that was opened. */
  onOpened: (stream: H2Stream) => void = () => {};
  now = 0;

  constructor(isServer: boolean, limits: Partial<SessionLimits> = {}) {
    this.isServer = isServer;
    const out = this.#out;
    const outlet = {
      get size(): number {
        return out.reduce((size, bytes) => size + bytes.length, 0);
      },
      push: (bytes: Uint8Array) => void out.push(bytes),
    };
    this.session = new Session<Head>(this, outlet, { ...LIMITS, ...limits }, this);
  }

  /** What is to be sent. */
  take(max = 1_000_000): Uint8Array {
    this.session.gather(max);
    const bytes = new Uint8Array(this.#out.reduce((size, { length }) => size + length, 0));
    let at = 0;
    for (const piece of this.#out) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.#out.length = 0;
    return bytes;
  }

  /** A client opens a stream. */
  open(list: readonly string[], isEnd = true): H2Stream {
    const stream = this.session.open();
    this.#use(stream);
    this.session.head(stream, list, isEnd);
    if (list.includes("HEAD")) this.#headOnly.add(stream);
    return stream;
  }

  readHead(fields: FieldList): Head {
    const text = decoder.decode(fields.bytes.subarray(0, fields.length)).replaceAll("\r\n", "|");
    const length = /content-length: (\d+)/.exec(text)?.[1];
    return { text, bodyLength: length === undefined ? Infinity : Number(length) };
  }

  readTrailers(fields: FieldList): Uint8Array {
    return trailerLines(fields);
  }

  opened(stream: H2Stream, head: Head): void {
    this.log.push(`${stream.id} opened ${head.text}`);
    this.#use(stream);
    stream.user?.received();
    this.onOpened(stream);
  }

  headed(stream: H2Stream, head: Head): void {
    this.log.push(`${stream.id} head ${head.text}`);
    if (!/:status: 1/.test(head.text)) stream.awaitsHead = false;
    if (this.#headOnly.has(stream) || /:status: 304/.test(head.text)) stream.expected = Infinity;
  }

  isTurnOver(): boolean {
    return false;
  }

  flushSoon(): void {}

  closed(stream: H2Stream): void {
    this.log.push(`${stream.id} closed`);
  }

  goesAway(lastId: number, error: H2Error): void {
    this.log.push(`goes away after ${lastId}: ${error.message}`);
  }

  failed(error: H2Error): void {
    this.log.push(`failed: ${error.message}`);
  }

  /** Reads all that comes, and joins it, so that it does not matter how it was cut. */
  #use(stream: H2Stream): void {
    this.streams.push(stream);
    let text = "";
    let isOver = false;
    const user: StreamUser = {
      received: () => {
        for (let piece; (piece = stream.read()) !== undefined;) text += decoder.decode(piece);
        if (!stream.isAtEnd || isOver) return;
        isOver = true;
        this.log.push(`${stream.id} body ${text.length > 200 ? text.length : text}`);
      },
      trailed: (lines) => this.log.push(`${stream.id} trailers ${decoder.decode(lines).trim()}`),
      drained: () => {},
      lost: (error) => this.log.push(`${stream.id} lost: ${(error as Error).message}`),
    };
    stream.user = user;
  }
}

/** Lets both sides talk until neither has anything to say; `size` bytes at once. */
export function talk(one: Side, other: Side, size: number = Infinity): void {
  for (let isQuiet = false; !isQuiet;) {
    isQuiet = true;
    for (const [from, to] of [[one, other], [other, one]] as const) {
      const bytes = from.take();
      for (let i = 0; i < bytes.length; i += size) {
        isQuiet = false;
        to.session.receive(bytes.subarray(i, Math.min(i + size, bytes.length)));
      }
    }
  }
}
