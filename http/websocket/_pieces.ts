/** The contexts of messages that are read and written piece by piece. */
import type { Context } from "../../gio/mod.ts";
import { closedError } from "../../reactor/_closed_error.ts";
import type { Interest } from "../../reactor/mod.ts";
import { Waiters } from "../../reactor/_waiters.ts";
import type { Endpoint, PieceReader, PieceSender } from "./_endpoint.ts";
import type { Message, MessageType } from "./_wire.ts";

/** A message that comes. Its pieces are text, never cut within a character, or bytes. */
export class IncomingContext implements Context, PieceReader {
  readonly writable = false;
  readonly #endpoint: Endpoint;
  /** What comes next, if it is known: a piece, the end, or what is wrong. */
  #next: { piece: Message | null } | { error: unknown } | undefined = undefined;
  #isClosed = false;
  readonly #waiters = new Waiters();

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  get readable(): boolean {
    return this.#isClosed || this.#next !== undefined;
  }

  recv(max: number = Infinity): Message | null | undefined {
    if (this.#isClosed) throw closedError("receive");
    const next = this.#next;
    if (next === undefined) {
      this.#pull();
      return this.#next === undefined ? undefined : this.recv(max);
    }
    if ("error" in next) throw next.error;
    const { piece } = next;
    if (piece === null) return null;
    if (piece instanceof Uint8Array && piece.length > max) {
      this.#next = { piece: piece.subarray(max) };
      return piece.subarray(0, max);
    }
    this.#next = undefined;
    return piece;
  }

  /** Takes the next piece, if it has come. */
  #pull(): void {
    if (this.#next !== undefined) return;
    try {
      const piece = this.#endpoint.piece();
      if (piece === undefined) return;
      this.#next = { piece };
      if (piece === null) this.#endpoint.release(this, true);
    } catch (error) {
      this.#next = { error };
      this.#endpoint.release(this, true);
    }
  }

  notify(): void {
    // Until somebody waits for it, it can still be given back.
    if (this.#waiters.read === undefined) return;
    this.#pull();
    if (this.readable) this.#waiters.read();
  }

  send(): never {
    throw new TypeError("Cannot write to a message that has come: it is only read");
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endpoint.release(this, false);
    this.#waiters.tellBoth();
  }

  watch(interest: Interest, notify: () => void): void {
    this.#pull();
    this.#waiters.add(this, interest, notify);
  }

  unwatch(interest: Interest): void {
    this.#waiters[interest] = undefined;
  }

  describe(): string {
    return `message of ${this.#endpoint.describe()}`;
  }
}

/** A message that goes out. It ends when it is closed. */
export class OutgoingContext implements Context, PieceSender {
  readonly readable = false;
  readonly type: MessageType;
  hasBegun = false;
  isComplete = false;
  readonly #endpoint: Endpoint;
  #isClosed = false;
  readonly #waiters = new Waiters();

  constructor(endpoint: Endpoint, type: MessageType) {
    this.#endpoint = endpoint;
    this.type = type;
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  get writable(): boolean {
    return this.#isClosed || this.#endpoint.canSendPiece(this);
  }

  recv(): never {
    throw new TypeError("Cannot read from a message that goes out: it is only written");
  }

  send(bytes: Uint8Array): number {
    if (this.#isClosed) throw closedError("send");
    return bytes.length === 0 ? 0 : this.#endpoint.sendPiece(this, bytes);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = this.isComplete = true;
    this.#endpoint.endPieces(this);
    this.notify();
  }

  abort(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endpoint.cutPieces(this);
    this.notify();
  }

  notify(): void {
    if (this.writable) this.#waiters.write?.();
  }

  watch(interest: Interest, notify: () => void): void {
    // Whoever waits for its turn is told when it has come.
    if (interest === "write" && !this.#isClosed) this.#endpoint.takeTurn(this);
    this.#waiters.add(this, interest, notify);
  }

  unwatch(interest: Interest): void {
    this.#waiters[interest] = undefined;
  }

  describe(): string {
    return `message to ${this.#endpoint.describe()}`;
  }
}
