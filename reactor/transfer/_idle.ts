import type { Clock } from "../clock.ts";
import type { Registrar } from "../_registrar.ts";
import { realClock, startAlarm } from "../_timers.ts";

/**
 * Tells when nothing has moved for some time. A movement costs a look at the clock, and no timer:
 * the timer finds out when it is due.
 */
export class Idle {
  readonly ms: number;
  /** What it tells. */
  onIdle: () => void = () => {};
  #clock: Clock = realClock;
  #since = 0;
  #cancel: (() => void) | undefined;

  constructor(ms: number) {
    this.ms = ms;
  }

  /** By the clock of the reactor, if there is one. It begins once, although two pumps share it. */
  begin(reactor: Registrar | undefined): void {
    if (this.#cancel !== undefined) return;
    if (reactor !== undefined) this.#clock = reactor.clock;
    const wait = (ms: number) => {
      if (reactor === undefined) this.#cancel = startAlarm(this.#clock, ms, look);
      else {
        const timer = reactor.addTimer(ms, look);
        this.#cancel = () => reactor.removeTimer(timer);
      }
    };
    const look = () => {
      const left = this.#since + this.ms - this.#clock.now();
      if (left > 0) wait(left);
      else this.onIdle();
    };
    this.moved();
    wait(this.ms);
  }

  moved(): void {
    this.#since = this.#clock.now();
  }

  end(): void {
    this.#cancel?.();
  }
}
