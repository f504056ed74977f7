/** The part of `@std/testing/time` that the tests use, over `@sinonjs/fake-timers`. */
// @ts-types="npm:@types/sinonjs__fake-timers@^15"
import FakeTimers from "npm:@sinonjs/fake-timers@^15";

export class FakeTime implements Disposable {
  readonly #clock = FakeTimers.install({
    now: Date.now(),
    toFake: ["Date", "setTimeout", "clearTimeout", "setInterval", "clearInterval"],
  });

  tick(ms = 0): void {
    this.#clock.tick(ms);
  }

  /** Whether there was one. */
  next(): boolean {
    if (this.#clock.countTimers() === 0) return false;
    this.#clock.next();
    return true;
  }

  [Symbol.dispose](): void {
    this.#clock.uninstall();
  }
}
