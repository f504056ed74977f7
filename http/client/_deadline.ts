import { TimeoutError } from "../../gio/timeout_error.ts";
import type { Reactor, Timer } from "../../reactor/mod.ts";
import type { Exchange } from "./_carrier.ts";

/**
 * A limit of time that is set anew all the time. Its timer is set anew only when it is due too
 * early or too late, so that a phase costs one look at the clock.
 */
export class Deadline {
  readonly #reactor: Reactor;
  readonly #whenOver: () => void;
  #at = Infinity;
  #timer: Timer | undefined;
  #dueAt = Infinity;

  constructor(reactor: Reactor, whenOver: () => void) {
    this.#reactor = reactor;
    this.#whenOver = whenOver;
  }

  /** It is over in so many milliseconds; never if that is Infinity. */
  begin(ms: number): void {
    if (ms === Infinity) {
      this.#at = Infinity;
      return;
    }
    const now = this.#reactor.now;
    this.#at = now + ms;
    if (this.#timer === undefined || this.#at < this.#dueAt) this.#set(now);
  }

  /** It is not over any more, and nothing is left of it. */
  stop(): void {
    if (this.#timer !== undefined) this.#reactor.removeTimer(this.#timer);
    this.#timer = undefined;
    this.#at = Infinity;
  }

  #set(now: number): void {
    if (this.#timer !== undefined) this.#reactor.removeTimer(this.#timer);
    this.#dueAt = this.#at;
    this.#timer = this.#reactor.addTimer(Math.max(0, this.#at - now), this.#due);
  }

  #due = (): void => {
    this.#timer = undefined;
    if (this.#at === Infinity) return;
    const now = this.#reactor.now;
    if (now < this.#at) return this.#set(now);
    this.#at = Infinity;
    this.#whenOver();
  };
}

export function lateHead({ what, timeouts: { headMs } }: Exchange): TimeoutError {
  return new TimeoutError(
    `Cannot get a response to ${what}: its head did not come within ${headMs} ms`,
  );
}

export function silentBody({ what, timeouts: { bodyMs } }: Exchange): TimeoutError {
  return new TimeoutError(
    `Cannot read the response to ${what}: the server was silent for ${bodyMs} ms within its body`,
  );
}
