import type { Reactor, Timer } from "../reactor/mod.ts";
import type { Channel, User } from "./_channel.ts";
import type { GioOptions } from "./_gio.ts";
import type { Output } from "./_output.ts";
import { TimeoutError } from "./timeout_error.ts";

/** How long what is left to send may take, and the peer to close its side. */
export function lingerMsOf({ lingerMs = 2000 }: GioOptions): number {
  return lingerMs;
}

export function notSent(lingerMs: number, after: string): TimeoutError {
  return new TimeoutError(
    `Cannot send: what was left was not accepted within ${lingerMs} ms after ${after}`,
  );
}

/** What the end of a coroutine leads to. */
export interface Ending {
  /** All has gone out, or has not, because of an error: the coroutine has ended. */
  over(failure?: { error: unknown }): void;
  /** Its connection is closed. */
  closed(): void;
}

/** What is left to be done when a coroutine has ended: its output goes out, and its connection is closed. */
export class Farewell implements User {
  readonly reactor: Reactor;
  readonly #options: GioOptions;
  readonly #output: Output;
  readonly #connection: Channel | undefined;
  readonly #ending: Ending;
  #state: "draining" | "lingering" | "over" = "draining";
  #timer: Timer | undefined;

  constructor(
    reactor: Reactor,
    options: GioOptions,
    output: Output,
    connection: Channel | undefined,
    ending: Ending,
  ) {
    this.reactor = reactor;
    this.#options = options;
    this.#output = output;
    this.#connection = connection;
    this.#ending = ending;
  }

  /** Whether its output has gone out, as far as it ever will. */
  get hasSent(): boolean {
    return this.#state !== "draining";
  }

  /** What was written goes out. */
  drain(isAbandoned: boolean): void {
    if (this.#state !== "draining") return;
    try {
      if (this.#output.send()) return this.close(false, isAbandoned);
    } catch (error) {
      return this.close(true, isAbandoned, { error });
    }
    // What was accepted, the reactor waits for.
    if (isAbandoned) return this.close(this.#output.drop(), true);
    this.#timer ??= this.reactor.addTimer(lingerMsOf(this.#options), () => {
      const error = notSent(lingerMsOf(this.#options), "the coroutine's end");
      this.#output.drop(error);
      this.close(true, false, { error });
    });
  }

  /** The reactor is shut down. */
  abandon(): void {
    if (this.#state === "lingering") this.#closed();
    else this.drain(true);
  }

  /** Closes the connection. What was cut off does not end like what is complete. */
  close(isCut: boolean, isAbandoned: boolean, failure?: { error: unknown }): void {
    this.#removeTimer();
    const connection = this.#connection;
    this.#output.release(connection);
    this.#state = "over";
    try {
      if (this.#close(connection, isCut, isAbandoned)) return this.#ending.over(failure);
    } catch (error) {
      failure ??= { error };
    }
    this.#ending.closed();
    this.#ending.over(failure);
  }

  /** Whether the peer is given time to close its side. */
  #close(connection: Channel | undefined, isCut: boolean, isAbandoned: boolean): boolean {
    if (connection === undefined || this.#options.keepOpen) connection?.letGo();
    else if (isCut || connection.isBroken) connection.abort();
    else {
      const { context } = connection;
      const waits = connection.ended === undefined && !isAbandoned &&
        context.shutdown !== undefined;
      if (waits && this.#linger(connection)) return true;
      connection.stopReading();
      context.close();
    }
    return false;
  }

  received(how: "next" | "throw"): void {
    if (how === "throw") this.#closed();
    else this.#connection!.read(this);
  }

  sendable(): void {}

  toString(): string {
    return "ended";
  }

  /** RFC 9112 9.6: closing while the peer still sends would reset the connection and could destroy what was sent last. */
  #linger(connection: Channel): boolean {
    try {
      connection.context.shutdown!();
    } catch (error) {
      connection.abort();
      throw error;
    }
    try {
      connection.read(this);
    } catch { // A transfer reads it, or another coroutine: who waits for the end of that?
      return false;
    }
    this.#state = "lingering";
    this.#timer = this.reactor.addTimer(lingerMsOf(this.#options), () => this.#closed());
    return true;
  }

  #closed(): void {
    this.#removeTimer();
    this.#state = "over";
    try {
      this.#connection!.stopReading();
      this.#connection!.context.close();
    } finally {
      this.#ending.closed();
    }
  }

  #removeTimer(): void {
    if (this.#timer !== undefined) this.reactor.removeTimer(this.#timer);
    this.#timer = undefined;
  }
}
