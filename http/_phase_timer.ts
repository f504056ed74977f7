/**
 * Watches how long the phases of a connection take. There is one timer for each connection. It is
 * set anew when it is due, and not at each phase, so a phase costs one look at the clock.
 */
import { EndOfStream } from "../compose/mod.ts";
import type { Driver } from "../gio/_driver.ts";
import type { Timer } from "../reactor/mod.ts";
import type { HttpTimeouts } from "./http_timeouts.ts";

/** A client that moves fewer bytes than this in the time of a phase makes no progress. */
export const MIN_PROGRESS = 1024;

/** Thrown at the `yield` where the connection waits for a client that takes too long. */
export class Overdue extends Error {
  override name = "Overdue";
}

export abstract class PhaseTimer {
  readonly driver: Driver;
  readonly #connection: { readonly current: HttpTimeouts };
  /** How long the phase may take. */
  #ms = 0;
  /** When it is over; Infinity if it is not limited. */
  #at = Infinity;
  #timer: Timer | undefined;
  /** When the timer is due, if there is one. */
  #dueAt = 0;
  /** How much it had taken when the client last made progress, and when that was. */
  #taken = 0;
  #progressAt: number | undefined;

  // It is made when it is needed, because 10,000 connections may be idle.
  #onTime: (() => void) | undefined = undefined;

  constructor(driver: Driver, connection: { readonly current: HttpTimeouts }) {
    this.driver = driver;
    this.#connection = connection;
  }

  // What goes to the client, which must take it in time:

  /** How many bytes it has taken. */
  protected abstract get taken(): number;
  /** Whether there is more for it to take. */
  protected abstract get isSending(): boolean;
  /** It does not take it. */
  protected abstract giveUp(error: EndOfStream): void;

  /** How much of the time of the phase is left. */
  get left(): number {
    return this.#at - this.driver.reactor.now;
  }

  /** A phase begins. `Infinity` means that it is not the client for which the connection waits. */
  begin(ms: number): void {
    if (ms === Infinity) return void (this.#at = Infinity);
    this.#ms = ms;
    const now = this.driver.reactor.now;
    this.#at = now + ms;
    if (this.#timer === undefined || this.#at < this.#dueAt) this.#set(now);
  }

  /** The time for writing has changed. */
  retime(): void {
    this.#set(this.driver.reactor.clock.now());
  }

  /** The connection has ended. */
  stop(): void {
    if (this.#timer !== undefined) this.driver.reactor.removeTimer(this.#timer);
    this.#timer = undefined;
  }

  #set(now: number): void {
    this.stop();
    const { writeMs } = this.#connection.current;
    const dueAt = Math.min(this.#at, (this.#progressAt ?? now) + writeMs);
    if (dueAt === Infinity) return;
    this.#dueAt = dueAt;
    this.#timer = this.driver.reactor.addTimer(
      Math.max(0, dueAt - now),
      this.#onTime ??= this.#clientTimeout.bind(this),
    );
  }

  #clientTimeout(): void {
    this.#timer = undefined;
    const now = this.driver.reactor.now;
    const { taken, isSending } = this;
    if (!isSending) this.#progressAt = undefined;
    else if (this.#progressAt === undefined || Math.abs(taken - this.#taken) >= MIN_PROGRESS) {
      this.#taken = taken;
      this.#progressAt = now;
    } else if (now >= this.#progressAt + this.#connection.current.writeMs) return this.#cut();
    // While output waits, the client need not send anything.
    if (isSending && this.#at !== Infinity) this.#at = now + this.#ms;
    if (now < this.#at) return this.#set(now);
    this.#at = Infinity;
    this.#set(now);
    this.driver.throw(new Overdue(`The client took longer than ${this.#ms} ms`));
  }

  /** The client does not read. A handler that waits for something else is told at its next yield. */
  #cut(): void {
    const { writeMs } = this.#connection.current;
    const error = new EndOfStream(`The client has taken nothing for ${writeMs} ms`);
    this.#progressAt = undefined;
    this.giveUp(error);
    if (this.#at !== Infinity) this.driver.throw(error);
  }
}
