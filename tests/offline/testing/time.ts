/** The part of `@std/testing/time` that the tests use, over `@sinonjs/fake-timers`. */
// @ts-types="npm:@types/sinonjs__fake-timers@^15"
import FakeTimers from "npm:@sinonjs/fake-timers@^15";

export interface FakeTime extends Disposable {
  tick(ms?: number): void;
  /** Goes on to the next timer, if there is one. */
  next(): boolean;
}

export const FakeTime: new () => FakeTime = class {
  readonly #clock = FakeTimers.install({
    now: Date.now(),
    toFake: ["Date", "setTimeout", "clearTimeout", "setInterval", "clearInterval"],
  });

  tick(ms = 0): void {
    this.#clock.tick(ms);
  }

  next(): boolean {
    if (this.#clock.countTimers() === 0) return false;
    this.#clock.next();
    return true;
  }

  [Symbol.dispose](): void {
    this.#clock.uninstall();
  }
};
