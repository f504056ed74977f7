import type { Context } from "../../gio/mod.ts";
import { Framed, Framing } from "../../reactor/transfer/_framed.ts";
import type { Reactor, Selectable } from "../../reactor/mod.ts";
import { missing, tooMany } from "../_answer.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";

/** What sends a request: a connection of HTTP/1.1, or a stream of HTTP/2. */
export interface RequestCarrier {
  readonly reactor: Reactor;
  /** What a transfer of the body waits for: the socket, or the stream. */
  readonly raw: Selectable;
  /** Whether more can be sent. */
  readonly isWritable: boolean;
  /** Whether all that was sent has gone to `raw`. */
  readonly isOut: boolean;
  /** Whether a body with a Content-Length goes to `raw` as it is, so that the kernel may move it. */
  readonly isPlain: boolean;
  /** A transfer has begun, or has ended, which is the writer of `raw` meanwhile. */
  isWriterLent: boolean;
  /** Sends a whole body. */
  sendWhole(data: string | Uint8Array): void;
  /**
   * Sends a piece of a body.
   *
   * @param isCounted Whether the length of the body has been told.
   * @returns How many bytes were accepted: 0 if there is no room.
   * @throws If nothing more can be sent.
   */
  sendPiece(bytes: Uint8Array, isCounted: boolean): number;
  /** The body, which was sent in pieces, is complete. */
  sendEnd(isCounted: boolean): void;
  /** Sends what waits, now and later. Returns whether all of it was accepted. */
  sendWaiting(): boolean;
  /** The server has taken some of the request. */
  progressed(): void;
  /** Calls `notify` when more can be sent. */
  watchWriting(notify: () => void): void;
  unwatchWriting(): void;
}

/**
 * The body of a request, as the context that its coroutine writes to. With a Content-Length it has so
 * many bytes.
 */
export class RequestBody extends Framing implements Context {
  readonly readable = true;
  readonly #carrier: RequestCarrier;
  /** How many bytes are missing; undefined if that is not known. */
  #left: number | undefined;
  /** Whether a transfer to it was cut, and nothing came after it. */
  #isPart = false;

  constructor(carrier: RequestCarrier, length: number | undefined) {
    super();
    this.#carrier = carrier;
    this.#left = length;
  }

  /** For transfers. */
  override frame(): Framed {
    return new FramedRequest(this, this.#carrier);
  }

  get room(): number {
    return this.#left ?? Infinity;
  }

  /** For transfers: so many bytes may the kernel move. */
  get direct(): number {
    return this.#carrier.isPlain && this.#carrier.isOut ? this.#left ?? 0 : 0;
  }

  moved(bytes: number): void {
    if (this.#left !== undefined) this.#left -= bytes;
    this.#carrier.progressed();
  }

  transferred(isWhole: boolean): void {
    this.#isPart = !isWhole;
  }

  get writable(): boolean {
    return this.#carrier.isWritable;
  }

  get closed(): boolean {
    return this.#carrier.raw.closed === true;
  }

  /** There is nothing to read. */
  recv(): null {
    return null;
  }

  send(bytes: Uint8Array): number {
    const left = this.#left;
    if (left !== undefined && bytes.length > left) throw tooMany(bytes.length, left, "request");
    const sent = this.#carrier.sendPiece(bytes, left !== undefined);
    if (sent > 0) {
      this.#isPart = false;
      this.moved(sent);
    }
    return sent;
  }

  /** The end of the body. Throws if something is missing. */
  end(): void {
    if (this.#isPart && this.#left === undefined) throw isPart();
    if (this.#left !== undefined && this.#left > 0) throw missing(this.#left, "request");
    this.#carrier.sendEnd(this.#left !== undefined);
  }

  close(): void {}

  watch(interest: "read" | "write", notify: () => void): void {
    if (interest === "write") this.#carrier.watchWriting(notify);
    else notify();
  }

  unwatch(interest: "read" | "write"): void {
    if (interest === "write") this.#carrier.unwatchWriting();
  }

  describe(): string {
    return `the body of a request to ${this.#carrier.raw.describe?.()}`;
  }
}

/** The body, for a transfer. */
class FramedRequest extends Framed {
  readonly fault: unknown = undefined;
  readonly #body: RequestBody;
  readonly #carrier: RequestCarrier;

  constructor(body: RequestBody, carrier: RequestCarrier) {
    super();
    this.#body = body;
    this.#carrier = carrier;
    carrier.isWriterLent = true;
  }

  override get raw(): Selectable {
    return this.#carrier.raw;
  }

  override get room(): number {
    return this.#body.room;
  }

  override get direct(): number {
    return this.#body.direct;
  }

  override get isOut(): boolean {
    return this.#carrier.isOut;
  }

  send(bytes: Uint8Array): number {
    if (!this.#carrier.sendWaiting()) return 0;
    return this.#body.send(bytes);
  }

  override moved(bytes: number): void {
    this.#body.moved(bytes);
  }

  override ended(isWhole: boolean): void {
    this.#body.transferred(isWhole);
  }

  override released(): void {
    this.#carrier.isWriterLent = false;
  }
}

function isPart(): LocalProtocolError {
  return new LocalProtocolError(
    "Cannot end the request: a transfer to it was cut, and the server would take the part for the whole",
  );
}
