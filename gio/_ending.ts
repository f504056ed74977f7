import type { Reactor } from "../reactor/mod.ts";
import type { Channel, User } from "./_channel.ts";
import type { Linger } from "./_linger.ts";
import type { Output } from "./_output.ts";

/** What an {@linkcode Ending} tells its driver. */
export interface EndingOwner {
  readonly reactor: Reactor;
  /** All output has gone out, or it has not because of an error. */
  allSent(failure?: { error: unknown }): void;
  /** The connection is closed. */
  connectionClosed(): void;
}

/** A peer that goes on to send is read in small pieces, so that this costs next to nothing. */
const MAX_DROPPED = 16 * 1024;

/** What is left to do when a coroutine has ended: send its output and close its connection. */
export class Ending implements User {
  readonly maxRead: number = MAX_DROPPED;
  readonly reactor: Reactor;
  readonly #owner: EndingOwner;
  readonly #output: Output;
  /** What to close. */
  readonly #connection: Channel | undefined;
  readonly #keepOpen: boolean;
  readonly #linger: Linger;
  #state: "sending" | "lingering" | "over" = "sending";

  constructor(
    owner: EndingOwner,
    output: Output,
    connection: Channel | undefined,
    keepOpen: boolean,
    linger: Linger,
  ) {
    this.reactor = owner.reactor;
    this.#owner = owner;
    this.#output = output;
    this.#connection = connection;
    this.#keepOpen = keepOpen;
    this.#linger = linger;
  }

  /** Whether all output has gone out, as far as it ever will. */
  get hasSent(): boolean {
    return this.#state !== "sending";
  }

  /**
   * Sends what was written, then closes the connection.
   *
   * @param isAbandoned Whether the reactor shuts down, so that nothing can be waited for.
   */
  send(isAbandoned: boolean): void {
    if (this.#state !== "sending") return;
    try {
      if (this.#output.send()) return this.close(false, isAbandoned);
    } catch (error) {
      return this.close(true, isAbandoned, { error });
    }
    // The reactor itself waits for what the sockets have accepted.
    if (isAbandoned) return this.close(this.#output.drop(), true);
    this.#linger.start(() => {
      const error = this.#linger.notSent("the coroutine's end");
      this.#output.drop(error);
      this.close(true, false, { error });
    });
  }

  /** Ends at once, because the reactor shuts down. */
  abandon(): void {
    if (this.#state === "lingering") this.#close();
    else this.send(true);
  }

  /**
   * Closes the connection.
   *
   * @param isCut Whether something is missing. The peer must see an error then, and not an end.
   * @param isAbandoned Whether the reactor shuts down.
   * @param failure Why the output has not gone out.
   */
  close(isCut: boolean, isAbandoned: boolean, failure?: { error: unknown }): void {
    this.#linger.stop();
    this.#output.release(this.#connection);
    this.#state = "over";
    try {
      if (this.#isLeftToLinger(isCut, isAbandoned)) return this.#owner.allSent(failure);
    } catch (error) {
      failure ??= { error };
    }
    this.#owner.connectionClosed();
    this.#owner.allSent(failure);
  }

  received(how: "next" | "throw"): void {
    if (how === "throw") this.#close();
    else this.#connection!.read(this);
  }

  sendable(): void {}

  toString(): string {
    return "ended";
  }

  /** Closes the connection, or returns true if the peer is to close its side first. */
  #isLeftToLinger(isCut: boolean, isAbandoned: boolean): boolean {
    const connection = this.#connection;
    if (connection === undefined) return false;
    if (this.#keepOpen) connection.stopIdleReading();
    else if (isCut || connection.isPart || connection.isBroken) connection.abort();
    else {
      const { context } = connection;
      const canWait = connection.ended === undefined && !isAbandoned;
      if (canWait && context.shutdown !== undefined && this.#startLingering(connection)) {
        return true;
      }
      connection.stopReading();
      context.close();
    }
    return false;
  }

  /**
   * Half-closes the connection and waits until the peer closes its side. RFC 9112 9.6: closing
   * while the peer still sends would reset the connection and could destroy what was sent last.
   */
  #startLingering(connection: Channel): boolean {
    try {
      connection.context.shutdown!();
    } catch (error) {
      connection.abort();
      throw error;
    }
    try {
      connection.read(this);
    } catch { // A transfer or another coroutine reads it, and may do so for ever.
      return false;
    }
    this.#state = "lingering";
    this.#linger.start(() => this.#close());
    return true;
  }

  #close(): void {
    this.#linger.stop();
    this.#state = "over";
    try {
      this.#connection!.stopReading();
      this.#connection!.context.close();
    } finally {
      this.#owner.connectionClosed();
    }
  }
}
