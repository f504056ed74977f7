import type { Context } from "../gio/mod.ts";
import type { Reactor } from "../reactor/mod.ts";

/** What speaks another protocol on a connection, as a context for the handler. */
export interface Switched extends Context {
  /** Begins, with what has come already. `owner` is told when it is over. */
  start(arrived: readonly Uint8Array[], owner: { over(): void }): void;
  /** Whether an error tells only that it has ended, or what the peer has done. */
  isEnd(error: unknown): boolean;
  /** Whether all has been said. */
  readonly isOver: boolean;
  /** The handler has ended. */
  close(): void;
  /** The handler has failed. */
  fail(): void;
  /** The server shuts down. */
  goAway(): void;
}

/**
 * Yielded by a handler that has taken its connection over by its answer: it goes on in the context that
 * this makes. Its exchange is over then, see _conversation.ts.
 */
export class Switching<S extends Switched = Switched> {
  readonly #make: (raw: Context, reactor: Reactor) => S;
  /** What is spoken, when it has begun. */
  switched: S | undefined = undefined;
  /** Leaves the context for the handler. */
  leave: () => void = () => {};

  constructor(make: (raw: Context, reactor: Reactor) => S) {
    this.#make = make;
  }

  make(raw: Context, reactor: Reactor): S {
    return this.switched = this.#make(raw, reactor);
  }
}
