/**
 * The source of time of a {@linkcode Reactor}.
 *
 * @example A clock that stands still
 * ```ts
 * import { type Clock, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const clock: Clock = { now: () => 1000 };
 * using reactor = new Reactor({ clock });
 * const timer = reactor.addTimer(5, () => {});
 * assertEquals(timer.at, 1005);
 * ```
 */
export interface Clock {
  /** The time in milliseconds since any fixed moment. It never goes back. */
  now(): number;
  /**
   * Calls `callback` once when `ms` milliseconds have passed. Returns a function that cancels the
   * call.
   *
   * @default {setTimeout}
   */
  alarm?(ms: number, callback: () => void): () => void;
}

/**
 * A {@linkcode Clock} that stands still until {@linkcode TestClock.advance} moves it, so that no
 * test has to sleep.
 *
 * @example A timer of one hour
 * ```ts
 * import { Reactor, TestClock } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new TestClock();
 * using reactor = new Reactor({ clock });
 * let fired = 0;
 * reactor.addTimer(3_600_000, () => fired++);
 * clock.advance(3_599_999);
 * reactor.step();
 * assertEquals(fired, 0);
 * clock.advance(1);
 * reactor.step();
 * assertEquals(fired, 1);
 * ```
 */
export class TestClock implements Clock {
  #now: number;
  #alarms: Set<{ at: number; callback: () => void }> = new Set();

  /**
   * Makes a clock.
   *
   * @param now The time that it shows until it is moved, in milliseconds.
   */
  constructor(now = 0) {
    this.#now = now;
  }

  /** The time that it shows, in milliseconds. */
  now(): number {
    return this.#now;
  }

  /**
   * Calls `callback` when the clock is moved past `ms` milliseconds from now.
   *
   * @returns A function that cancels the call.
   */
  alarm(ms: number, callback: () => void): () => void {
    const alarm = { at: this.#now + ms, callback };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /**
   * Moves the clock. A reactor that waits for a timer wakes up when that is due.
   *
   * @param ms How far, in milliseconds.
   */
  advance(ms: number): void {
    this.#now += ms;
    for (const alarm of this.#alarms) {
      if (alarm.at <= this.#now) {
        this.#alarms.delete(alarm);
        alarm.callback();
      }
    }
  }
}
