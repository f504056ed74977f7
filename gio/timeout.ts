import { duration } from "../reactor/_whole.ts";
import type { Timer } from "../reactor/mod.ts";
import { currentDriver, type Driver } from "./_driver.ts";
import type { Owned, Scope } from "./_scope.ts";
import { TimeoutError } from "./timeout_error.ts";

/**
 * What limits the time of a block; made by {@linkcode timeout}.
 *
 * @category Waiting
 */
export interface Timeout extends Disposable {
  /**
   * Begins to count the time anew. It costs next to nothing, so that it can be called for each
   * piece of data. It does nothing when the block has ended.
   */
  renew(): void;
}

class DriverTimeout implements Timeout, Owned {
  scope: Scope | undefined;
  readonly #driver: Driver;
  readonly #ms: number;
  /** When it is over. */
  #at: number;
  /** It may be due before, and is then set again. */
  #timer: Timer | undefined;
  #isEnded = false;

  constructor(driver: Driver, ms: number) {
    this.#driver = driver;
    this.#ms = ms;
    this.#at = driver.reactor.clock.now() + ms;
    this.#timer = driver.reactor.addTimer(ms, this.#timeout);
    driver.timeouts.push(this);
    driver.own.own(this);
  }

  renew(): void {
    if (this.#isEnded) return;
    const { reactor } = this.#driver;
    this.#at = reactor.now + this.#ms;
    this.#timer ??= reactor.addTimer(this.#ms, this.#timeout);
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
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

  #timeout = (): void => {
    const { reactor, timeouts } = this.#driver;
    const now = reactor.clock.now();
    if (this.#at > now) {
      this.#timer = reactor.addTimer(this.#at - now, this.#timeout);
      return;
    }
    const within = timeouts.slice(timeouts.lastIndexOf(this) + 1) as DriverTimeout[];
    // Thrown where one within is due as well, this would be caught in its place, and by nobody who
    // knows of this.
    const isDueWithin = within.some((one) => one.#timer !== undefined && one.#at <= now);
    this.#timer = isDueWithin ? reactor.addTimer(0, this.#timeout) : undefined;
    if (!isDueWithin) this.#driver.throw(new TimeoutError(`Timed out after ${this.#ms} ms`));
  };
}

/**
 * Limits how long the rest of a block may take: `using _ = timeout(ms)`.
 *
 * When the time is over, a {@linkcode TimeoutError} is thrown at the `yield` where the coroutine
 * stands, whatever it waits for. At the end of the block the timer is removed. Timeouts nest:
 * whichever is over first throws, of those that are over at once the innermost. It throws once: a
 * block within that catches every TimeoutError catches this one as well.
 *
 * `renew()` begins to count anew: so it limits how long nothing may happen, and not how long all
 * may take.
 *
 * Without `using` it limits the rest of the coroutine that gio runs, or of the request that an HTTP
 * handler answers.
 *
 * @param ms How long, in milliseconds.
 * @returns What renews the timer, and removes it when disposed of.
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
 *
 * @example As long as something comes
 * ```ts
 * import { asProcess, type Coroutine, memory, timeout } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * function* receive(size: number): Coroutine<number> {
 *   using t = timeout(1000); // of silence
 *   let received = 0;
 *   while (received < size) {
 *     const chunk: Uint8Array = yield;
 *     received += chunk.length;
 *     t.renew();
 *   }
 *   return received;
 * }
 *
 * assertEquals(await asProcess(receive(9), { connection: memory("some", " data") }), 9);
 * ```
 *
 * @category Waiting
 */
export function timeout(ms: number): Timeout {
  return new DriverTimeout(currentDriver("timeout()"), duration(ms, "limit the time: it"));
}
