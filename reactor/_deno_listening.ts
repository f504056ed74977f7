import { describeAddr } from "./_describe.ts";
import type { Interest } from "./selectable.ts";
import type { Listening, Socket } from "./socket.ts";
import { Waiters } from "./_waiters.ts";

/**
 * The errors of `accept` when a client has gone while it waited. It is nobody's fault, and the next
 * client may be there already.
 */
const GONE = [
  Deno.errors.NotConnected,
  Deno.errors.ConnectionAborted,
  Deno.errors.ConnectionReset,
];

/** Whether a listener accepts TLS connections. Deno has no other mark for that. */
export function isTls(listener: Deno.Listener | undefined): boolean {
  return listener?.constructor?.name === "TlsListener";
}

/** A listener with one outstanding `accept` while somebody waits for a connection. */
export class DenoListening implements Listening {
  readonly addr: Deno.Addr;
  readonly writable = false;
  #listener: Deno.Listener;
  #socket: (conn: Deno.Conn) => Socket;
  #conn: Deno.Conn | undefined;
  #error: unknown;
  #failed = false;
  #accepting = false;
  #closed = false;
  #waiters = new Waiters();

  constructor(listener: Deno.Listener, socket: (conn: Deno.Conn) => Socket) {
    this.#listener = listener;
    this.#socket = socket;
    this.addr = listener.addr;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get readable(): boolean {
    return this.#conn !== undefined || this.#failed || this.#closed;
  }

  describe(): string {
    return `listener ${describeAddr(this.addr)}`;
  }

  watch(interest: Interest, notify: () => void): void {
    if (!this.#waiters.add(this, interest, notify) || interest === "write") return;
    if (!this.#accepting) this.#accept();
  }

  unwatch(interest: Interest): void {
    this.#waiters[interest] = undefined;
  }

  accept(): Socket | undefined {
    if (this.#failed) {
      this.#failed = false;
      throw this.#error;
    }
    const conn = this.#conn;
    this.#conn = undefined;
    return conn && this.#socket(conn);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn?.close();
    this.#conn = undefined;
    this.#listener.close();
    this.#waiters.tellBoth();
  }

  #accept(): void {
    this.#accepting = true;
    this.#listener.accept().then(this.#onAccept, this.#onError);
  }

  #onAccept = (conn: Deno.Conn): void => {
    this.#accepting = false;
    if (this.#closed) return conn.close();
    this.#conn = conn;
    this.#waiters.read?.();
  };

  #onError = (error: unknown): void => {
    this.#accepting = false;
    if (this.#closed) return;
    if (GONE.some((gone) => error instanceof gone)) return this.#accept();
    this.#failed = true;
    this.#error = error;
    this.#waiters.read?.();
  };
}
