import type { Reactor, Timer } from "../reactor/mod.ts";
import { TimeoutError } from "./timeout_error.ts";

/** How long a coroutine that ends waits for its peer: to take what was sent, and to close. */
export class Linger {
  readonly #reactor: Reactor;
  readonly #ms: number;
  #timer: Timer | undefined;

  constructor(reactor: Reactor, ms: number = 2000) {
    this.#reactor = reactor;
    this.#ms = ms;
  }

  /** Calls `whenOver` when the time is over. Does nothing if the time runs already. */
  start(whenOver: () => void): void {
    this.#timer ??= this.#reactor.addTimer(this.#ms, () => {
      this.#timer = undefined;
      whenOver();
    });
  }

  stop(): void {
    if (this.#timer !== undefined) this.#reactor.removeTimer(this.#timer);
    this.#timer = undefined;
  }

  /** The error for output that was not accepted in time. */
  notSent(after: string): TimeoutError {
    return new TimeoutError(
      `Cannot send: what was left was not accepted within ${this.#ms} ms after ${after}`,
    );
  }
}
