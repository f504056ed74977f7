/**
 * What `reactor.addTimer()` returns and `reactor.removeTimer()` takes.
 *
 * @example When it is due
 * ```ts
 * import { Reactor, TestClock } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor({ clock: new TestClock(100) });
 * const timer = reactor.addTimer(20, () => {});
 * assertEquals([timer.at, timer.active], [120, true]);
 * reactor.removeTimer(timer);
 * assertEquals(timer.active, false);
 * ```
 *
 * @category Time
 */
export interface Timer {
  /** When it is due, in milliseconds of the reactor's clock. */
  readonly at: number;
  /** Whether it will still be called. */
  readonly active: boolean;
}
