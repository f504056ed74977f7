import type { Context } from "../../gio/mod.ts";
import { Framed, Framing } from "../../reactor/transfer/_framed.ts";
import type { Socket } from "../../reactor/mod.ts";
import { missing, tooMany } from "../_answer.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import type { Outbox } from "../../gio/_outbox.ts";

/** How much waits to be sent before its coroutine has to wait. */
const HIGH_WATER = 64 * 1024;

/** What sends a request: the connection. */
export interface RequestCarrier {
  readonly socket: Socket;
  /** What waits to be sent. */
  readonly outbox: Outbox;
  /** Whether more can be sent. */
  readonly isWritable: boolean;
  /** A transfer has begun, or has ended, which is the writer of the socket meanwhile. */
  isWriterLent: boolean;
  /** Sends what waits, now and later. Returns whether all of it was accepted. */
  sendWaiting(): boolean;
  /** Sends bytes as they are. Returns how many were accepted. */
  send(bytes: Uint8Array): number;
  /** Throws if nothing more can be sent. */
  checkSending(): void;
  /** The server has taken some of the request. */
  progressed(): void;
  /** Calls `notify` when more can be sent. */
  watchWriting(notify: () => void): void;
  unwatchWriting(): void;
}

/**
 * The body of a request, as the context that its coroutine writes to. With a Content-Length the
 * bytes go to the socket as they are, so that the kernel may move them. Otherwise each piece is a
 * chunk (RFC 9112 7.1).
 */
export class RequestBody extends Framing implements Context {
  readonly readable = true;
  readonly #connection: RequestCarrier;
  /** How many bytes are missing; undefined if it is chunked. */
  #left: number | undefined;
  /** Whether a transfer to it was cut, and nothing came after it. */
  #isPart = false;

  constructor(connection: RequestCarrier, length: number | undefined) {
    super();
    this.#connection = connection;
    this.#left = length;
  }

  /** For transfers. */
  override frame(): Framed {
    return new FramedRequest(this, this.#connection);
  }

  get room(): number {
    return this.#left ?? Infinity;
  }

  /** For transfers: so many bytes may the kernel move. */
  get direct(): number {
    return this.#connection.outbox.size === 0 ? this.#left ?? 0 : 0;
  }

  moved(bytes: number): void {
    if (this.#left !== undefined) this.#left -= bytes;
    this.#connection.progressed();
  }

  transferred(isWhole: boolean): void {
    this.#isPart = !isWhole;
  }

  get writable(): boolean {
    return this.#connection.isWritable;
  }

  get closed(): boolean {
    return this.#connection.socket.closed;
  }

  /** There is nothing to read. */
  recv(): null {
    return null;
  }

  send(bytes: Uint8Array): number {
    const connection = this.#connection;
    const { outbox } = connection;
    connection.checkSending();
    if (outbox.size >= HIGH_WATER && !connection.sendWaiting()) return 0;
    if (bytes.length === 0) return 0;
    this.#isPart = false;
    const left = this.#left;
    if (left === undefined) {
      outbox.push(`${bytes.length.toString(16)}\r\n`);
      outbox.push(bytes);
      outbox.push("\r\n");
    } else {
      if (bytes.length > left) throw tooMany(bytes.length, left, "request");
      if (outbox.size === 0) {
        const sent = connection.send(bytes);
        this.moved(sent);
        return sent;
      }
      outbox.push(bytes); // The head goes out with it.
    }
    connection.sendWaiting();
    this.moved(bytes.length);
    return bytes.length;
  }

  /** The end of the body. Throws if something is missing. */
  end(): void {
    if (this.#isPart && this.#left === undefined) throw isPart();
    if (this.#left !== undefined && this.#left > 0) throw missing(this.#left, "request");
    if (this.#left === undefined) this.#connection.outbox.push("0\r\n\r\n");
  }

  close(): void {}

  watch(interest: "read" | "write", notify: () => void): void {
    if (interest === "write") this.#connection.watchWriting(notify);
    else notify();
  }

  unwatch(interest: "read" | "write"): void {
    if (interest === "write") this.#connection.unwatchWriting();
  }

  describe(): string {
    return `the body of a request to ${this.#connection.socket.describe?.()}`;
  }
}

/** The body, for a transfer. */
class FramedRequest extends Framed {
  readonly fault: unknown = undefined;
  readonly #body: RequestBody;
  readonly #connection: RequestCarrier;

  constructor(body: RequestBody, connection: RequestCarrier) {
    super();
    this.#body = body;
    this.#connection = connection;
    connection.isWriterLent = true;
  }

  override get raw(): Socket {
    return this.#connection.socket;
  }

  override get room(): number {
    return this.#body.room;
  }

  override get direct(): number {
    return this.#body.direct;
  }

  override get isOut(): boolean {
    return this.#connection.outbox.size === 0;
  }

  send(bytes: Uint8Array): number {
    if (!this.#connection.sendWaiting()) return 0;
    return this.#body.send(bytes);
  }

  override moved(bytes: number): void {
    this.#body.moved(bytes);
  }

  override ended(isWhole: boolean): void {
    this.#body.transferred(isWhole);
  }

  override released(): void {
    this.#connection.isWriterLent = false;
  }
}

function isPart(): LocalProtocolError {
  return new LocalProtocolError(
    "Cannot end the request: a transfer to it was cut, and the server would take the part for the whole",
  );
}
