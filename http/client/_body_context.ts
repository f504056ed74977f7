import { Channel } from "../../gio/_channel.ts";
import type { Context } from "../../gio/mod.ts";
import { closedError } from "../../reactor/_closed_error.ts";
import type { Reactor, Selectable } from "../../reactor/mod.ts";
import { Framed, Framing } from "../../reactor/transfer/_framed.ts";
import { Waiters } from "../../reactor/_waiters.ts";
import type { HttpHeaders } from "../http_headers.ts";

const NOTHING = new Uint8Array(0);

/** Where a body comes from: a connection of HTTP/1.1, or a stream of HTTP/2. */
export interface BodyOrigin {
  readonly reactor: Reactor;
  /** What a transfer of the body waits for: the socket, or the stream. */
  readonly raw: Selectable;
  /** Whether more of it has arrived, or its end. */
  readonly readable: boolean;
  describe(): string | undefined;
  /** The trailers, when the body is complete. */
  readonly trailers: HttpHeaders | undefined;
  /** How many of the next bytes have no framing. */
  readonly direct: number;
  /** The kernel has moved so many of them. */
  moved(bytes: number): void;
  /** The next piece of the body that has arrived already, if it costs nothing to keep it. */
  arrived(): Uint8Array | undefined;
  /**
   * The next piece of the body: undefined if more must arrive first, null at the end. What it throws
   * ends the connection.
   */
  piece(max: number): Uint8Array | null | undefined;
  /** Calls `notify` when more of the body has arrived. */
  watchBody(notify: () => void): void;
  unwatchBody(): void;
  /** A transfer has begun, or has ended, which is the reader of `raw` meanwhile. */
  isLent: boolean;
  /** Nobody wants the rest of the body. */
  drop(): void;
  /** Ends the exchange with an error. */
  fail(error: unknown): void;
}

/** Where the rest of a body is: it comes from the connection, there is none, or it will not come. */
type Rest = BodyOrigin | "nothing" | { readonly error: unknown };

/**
 * The body of a response, as the context that it is read from. It receives from its origin as
 * long as that is at it. Then all of it is here, or an error.
 */
export class BodyContext extends Framing implements Context {
  readonly writable = false;
  /** For transfers that are awaited. */
  readonly reactor: Reactor;
  readonly #origin: BodyOrigin;
  /** What has arrived and was not read. */
  readonly #pieces: Uint8Array[] = [];
  #rest: Rest;
  readonly #waiters = new Waiters();
  /** Whether a transfer reads it. */
  isLent = false;
  #isClosed = false;
  trailers: HttpHeaders | undefined = undefined;

  constructor(origin: BodyOrigin) {
    super();
    this.#rest = this.#origin = origin;
    this.reactor = origin.reactor;
  }

  /** Takes what has arrived together with the head, or with the last piece. */
  gather(): void {
    while (isOrigin(this.#rest)) {
      const piece = this.#rest.arrived();
      if (piece === undefined) return;
      this.#pieces.push(piece);
    }
  }

  /** For the origin, before it ends: a piece that has come. */
  keep(piece: Uint8Array): void {
    this.#pieces.push(piece);
  }

  /** For the origin: there is no more. */
  completed(): void {
    this.trailers = (this.#rest as BodyOrigin).trailers;
    this.#rest = "nothing";
    this.#waiters.read?.();
  }

  /** For the origin, before it ends: there would be more. */
  lose(error: unknown): void {
    this.#rest = { error };
  }

  /** For the origin: it has ended. */
  tell(): void {
    this.#waiters.read?.();
  }

  /** For transfers. */
  override frame(rest: Uint8Array[]): Framed {
    if (this.isBeingRead) {
      throw new TypeError("Cannot transfer the body of a response: somebody else reads it");
    }
    this.#pieces.unshift(...rest);
    return new FramedResponse(this, isOrigin(this.#rest) ? this.#rest : undefined);
  }

  /** For transfers: so many bytes may the kernel move. */
  get direct(): number {
    return this.#pieces.length > 0 || !isOrigin(this.#rest) ? 0 : this.#rest.direct;
  }

  /** The reason why there is no more, if it is an error. */
  get fault(): unknown {
    return typeof this.#rest === "object" && "error" in this.#rest ? this.#rest.error : undefined;
  }

  /** Whether somebody waits for more of it, or moves it. */
  get isBeingRead(): boolean {
    return this.isLent || this.#waiters.read !== undefined;
  }

  /** Whether everything has arrived. */
  get isWhole(): boolean {
    return this.#rest === "nothing";
  }

  /**
   * Takes the rest of the body and closes it, if the rest is here in one piece, is not larger than
   * that, and no coroutine has begun to read it.
   */
  takeWhole(maxBytes: number): Uint8Array | undefined {
    const pieces = this.#pieces;
    if (this.#rest !== "nothing" || this.#isClosed || pieces.length > 1) return undefined;
    const [piece = NOTHING] = pieces;
    if (piece.length > maxBytes || Channel.has(this)) return undefined;
    this.close();
    return piece;
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  get readable(): boolean {
    return this.#pieces.length > 0 || !isOrigin(this.#rest) || this.#rest.readable;
  }

  recv(max: number = Infinity): Uint8Array | null | undefined {
    if (this.#isClosed) throw closedError("receive");
    const rest = this.#rest;
    let piece = this.#pieces.shift();
    if (piece === undefined) {
      if (rest === "nothing") return null;
      if (!isOrigin(rest)) throw rest.error;
      const received = rest.piece(max);
      if (!received) return received;
      piece = received;
      this.gather(); // Nothing else would tell of it.
    }
    if (piece.length <= max) return piece;
    this.#pieces.unshift(piece.subarray(max));
    return piece.subarray(0, max);
  }

  send(): never {
    throw new TypeError("Cannot write to the body of a response: it is only read");
  }

  /** Drops what was not read. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pieces.length = 0;
    if (isOrigin(this.#rest)) {
      const origin = this.#rest;
      this.#rest = "nothing";
      origin.drop();
    }
    this.#waiters.tellBoth();
  }

  /** Ends the connection with an error that whoever reads gets. */
  fail(error: unknown): void {
    if (isOrigin(this.#rest)) this.#rest.fail(error);
  }

  watch(interest: "read" | "write", notify: () => void): void {
    if (!this.#waiters.add(this, interest, notify)) return;
    if (interest === "read" && isOrigin(this.#rest)) this.#rest.watchBody(notify);
  }

  unwatch(interest: "read" | "write"): void {
    this.#waiters[interest] = undefined;
    if (interest === "read" && isOrigin(this.#rest)) this.#rest.unwatchBody();
  }

  describe(): string {
    return `the body of a response from ${this.#origin.describe()}`;
  }
}

/** The body, for a transfer. */
class FramedResponse extends Framed {
  readonly room = Infinity;
  readonly isOut = true;
  readonly raw: Selectable;
  readonly reactor: Reactor;
  readonly #context: BodyContext;
  readonly #origin: BodyOrigin | undefined;

  constructor(context: BodyContext, origin: BodyOrigin | undefined) {
    super();
    this.#context = context;
    this.reactor = context.reactor;
    this.#origin = origin;
    // When all has arrived, the connection may carry another request already.
    this.raw = origin?.raw ?? context;
    context.isLent = true;
    if (origin !== undefined) origin.isLent = true;
  }

  override get direct(): number {
    return this.#context.direct;
  }

  override get fault(): unknown {
    return this.#context.fault;
  }

  recv(max?: number): Uint8Array | null | undefined {
    return this.#context.recv(max);
  }

  override moved(bytes: number): void {
    this.#origin!.moved(bytes);
  }

  override ended(): void {}

  override released(): void {
    this.#context.isLent = false;
    if (this.#origin !== undefined) this.#origin.isLent = false;
  }
}

function isOrigin(rest: Rest): rest is BodyOrigin {
  return typeof rest === "object" && "piece" in rest;
}
