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

/** How many connections are accepted before somebody takes them. */
const MAX_WAITING = 16;

/**
 * A listener with one outstanding `accept` while somebody waits for a connection. When many clients
 * come at once, it accepts several of them in one turn of Deno's event loop, which may be slow.
 */
export class DenoListening implements Listening {
  readonly addr: Deno.Addr;
  readonly writable = false;
  #listener: Deno.Listener;
  #socket: (conn: Deno.Conn) => Socket;
  readonly #conns: Deno.Conn[] = [];
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
    return this.#conns.length > 0 || this.#failed || this.#closed;
  }

  describe(): string {
    return `listener ${describeAddr(this.addr)}`;
  }

  watch(interest: Interest, notify: () => void): void {
    if (!this.#waiters.add(this, interest, notify) || interest === "write") return;
    this.#accept();
  }

  unwatch(interest: Interest): void {
    this.#waiters[interest] = undefined;
  }

  accept(): Socket | undefined {
    const conn = this.#conns.shift();
    if (conn !== undefined) return this.#socket(conn);
    if (!this.#failed) return undefined;
    this.#failed = false;
    throw this.#error;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const conn of this.#conns.splice(0)) conn.close();
    this.#listener.close();
    this.#waiters.tellBoth();
  }

  #accept(): void {
    if (this.#accepting || this.#failed || this.#conns.length >= MAX_WAITING) return;
    this.#accepting = true;
    this.#listener.accept().then(this.#onAccept, this.#onError);
  }

  #onAccept = (conn: Deno.Conn): void => {
    this.#accepting = false;
    if (this.#closed) return conn.close();
    this.#conns.push(conn);
    if (this.#waiters.read === undefined) return;
    this.#waiters.read();
    this.#accept();
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
