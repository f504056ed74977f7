/** Finds out whether the peer is alive: by Pings, those that are asked for and automatic ones. */
import type { Reactor, Timer } from "../../reactor/mod.ts";
import type { WebSocketTimeouts } from "./web_socket_timeouts.ts";
import type { WebSocketWire } from "./_wire.ts";

/** Somebody who waits for the answer to a Ping. */
export interface Pinging {
  answered(): void;
  failed(error: unknown): void;
}

/** One end of a WebSocket, for its heartbeat. */
export interface Beating {
  readonly reactor: Reactor;
  readonly wire: WebSocketWire;
  /** Whether nothing is received just now, as nobody reads what has come. */
  readonly isHolding: boolean;
  /** Sends what waits. If the connection is lost, who reads or writes is told. */
  flushQuietly(): void;
  /** Why it is not open any more. */
  readonly ending: unknown;
  /** The peer is dead. */
  lose(cause: Error): void;
}

export class Heartbeat {
  readonly #of: Beating;
  readonly #timeouts: WebSocketTimeouts;
  #timer: Timer | undefined = undefined;
  /** When the peer has last shown life, in whole milliseconds. */
  #aliveAt = 0;
  /** Whether a Ping was sent since then, because that was long ago. */
  #isDoubted = false;
  #pinging: Map<number, Pinging> | undefined = undefined;

  constructor(of: Beating, timeouts: WebSocketTimeouts) {
    this.#of = of;
    this.#timeouts = timeouts;
  }

  start(): void {
    this.alive();
    this.#wait(this.#timeouts.pingMs);
  }

  /** The peer has sent something, or taken something. */
  alive(): void {
    this.#aliveAt = Math.floor(this.#of.reactor.now);
    this.#isDoubted = false;
  }

  /** Sends a Ping. Returns what makes it of no interest. */
  ping(pinging: Pinging): () => void {
    const { wire } = this.#of;
    const number = wire.ping();
    (this.#pinging ??= new Map()).set(number, pinging);
    this.#of.flushQuietly();
    return () => this.#pinging?.delete(number);
  }

  /** Something was read: tells those whose Pings have been answered. */
  tell(): void {
    const pinging = this.#pinging;
    if (pinging === undefined) return;
    for (const [number, one] of pinging) {
      if (number > this.#of.wire.ponged || this.#pinging !== pinging) break;
      pinging.delete(number);
      one.answered();
    }
  }

  /** No answer is of use any more. */
  stop(): void {
    this.#wait(Infinity);
    const pinging = this.#pinging;
    this.#pinging = undefined;
    for (const one of pinging?.values() ?? []) one.failed(this.#of.ending);
  }

  #wait(ms: number): void {
    const { reactor } = this.#of;
    if (this.#timer !== undefined) reactor.removeTimer(this.#timer);
    this.#timer = ms === Infinity ? undefined : reactor.addTimer(ms, this.#onTime.bind(this));
  }

  #onTime(): void {
    this.#timer = undefined;
    const { pingMs, pongMs } = this.#timeouts;
    const { reactor, wire, isHolding } = this.#of;
    const left = this.#aliveAt + pingMs - reactor.now;
    if (!this.#isDoubted && left > 0) return this.#wait(left);
    // While nothing is received, the answer to a Ping cannot be seen. That the Ping cannot be sent can be.
    const isKnown = !isHolding || wire.size > 0;
    if (this.#isDoubted && pongMs !== Infinity && isKnown) {
      return this.#of.lose(new Error(`The peer was silent for ${pingMs + pongMs} ms`));
    }
    this.#isDoubted = true;
    this.#wait(pongMs === Infinity ? pingMs : pongMs);
    // What waits to be sent shows as well whether the peer takes something.
    if (wire.size > 0) return;
    wire.ping();
    this.#of.flushQuietly();
  }
}
