import { duration } from "../reactor/_whole.ts";
import type { Timer } from "../reactor/mod.ts";
import { currentDriver, type Driver } from "./_driver.ts";
import type { Owned, Scope } from "./_scope.ts";
import { TimeoutError } from "./timeout_error.ts";

class Timeout implements Disposable, Owned {
  scope: Scope | undefined;
  readonly #driver: Driver;
  readonly #ms: number;
  readonly #at: number;
  #timer: Timer | undefined;

  constructor(driver: Driver, ms: number) {
    this.#driver = driver;
    this.#ms = ms;
    this.#at = driver.reactor.clock.now() + ms;
    this.#timer = driver.reactor.addTimer(ms, this.#onDue);
    driver.timeouts.push(this);
    driver.own.own(this);
  }

  [Symbol.dispose](): void {
    if (this.#timer !== undefined) this.#driver.reactor.removeTimer(this.#timer);
    this.#timer = undefined;
    const { timeouts } = this.#driver;
    const at = timeouts.lastIndexOf(this);
    if (at >= 0) timeouts.splice(at, 1);
    this.scope?.disown(this);
  }

  end(): void {
    this[Symbol.dispose]();
  }

  #onDue = (): void => {
    const { reactor, timeouts } = this.#driver;
    const now = reactor.clock.now();
    const within = timeouts.slice(timeouts.lastIndexOf(this) + 1) as Timeout[];
    // Thrown where one within is due as well, this would be caught in its place, and by nobody who knows of this.
    const isDueWithin = within.some((one) => one.#timer !== undefined && one.#at <= now);
    this.#timer = isDueWithin ? reactor.addTimer(0, this.#onDue) : undefined;
    if (!isDueWithin) this.#driver.throw(new TimeoutError(`Timed out after ${this.#ms} ms`));
  };
}

/**
 * Limits how long the rest of a block may take: `using _ = timeout(ms)`.
 *
 * When the time is over, a {@linkcode TimeoutError} is thrown at the `yield` where the coroutine stands, whatever it
 * waits for. At the end of the block the timer is removed. Timeouts nest: whichever is over first throws, of those that are
 * over at once the innermost. It throws once: a block within that catches every TimeoutError catches this one as well.
 *
 * Without `using` it limits the rest of the coroutine that gio runs, or of the request that an HTTP handler answers.
 *
 * @param ms How long, in milliseconds.
 * @returns What removes the timer when disposed of.
 * @throws {RangeError} If `ms` is no number of at least 0.
 * @throws {TypeError} Outside of a coroutine that gio runs.
 *
 * @example Giving up
 * ```ts
 * import { asProcess, sleep, timeout, TimeoutError } from "@weightless/io/gio";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() =>
 *   asProcess(function* () {
 *     using _ = timeout(1);
 *     yield* sleep(60_000);
 *   }()), TimeoutError);
 * ```
 */
export function timeout(ms: number): Disposable {
  return new Timeout(currentDriver("timeout()"), duration(ms, "limit the time: it"));
}
