import { Request, type Waiter } from "../compose/mod.ts";
import { currentDriver } from "../gio/_driver.ts";
import type { Context } from "../gio/mod.ts";
import { describe } from "../reactor/_describe.ts";
import type { Reactor } from "../reactor/mod.ts";
import type { Head } from "./_head.ts";
import { LocalProtocolError } from "./local_protocol_error.ts";

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
 * Yielded by a handler that takes its connection over by this answer, and goes on in the context that this
 * makes. Its exchange is over then, see _conversation.ts. Where no answer can be given, nobody takes it but
 * the driver, to which it is a request that fails.
 */
export class Switching<S extends Switched = Switched> extends Request<void> {
  /** The answer. */
  readonly head: Head;
  readonly #make: (raw: Context, reactor: Reactor) => S;
  /** What is spoken, when it has begun. */
  switched: S | undefined = undefined;
  /** Leaves the context for the handler. */
  leave: () => void = () => {};

  constructor(head: Head, make: (raw: Context, reactor: Reactor) => S) {
    super();
    this.head = head;
    this.#make = make;
  }

  make(raw: Context, reactor: Reactor): S {
    return this.switched = this.#make(raw, reactor);
  }

  override begin(waiter: Waiter<void>): void {
    const { innermost } = currentDriver("accept()").lending;
    waiter.fail(
      new LocalProtocolError(
        innermost === undefined
          ? "Cannot accept the request here: this task is not its handler; accept it there, and give the task what comes of it"
          : `Cannot accept the request here: the handler is in ${
            describe(innermost)
          } already, by a first accept() or because it has entered that; accept it once, and before you enter anything ` +
            "else: `const far = yield* (yield* spawn(client.webSocket(url)))` opens a WebSocket without entering it",
      ),
    );
  }
}
