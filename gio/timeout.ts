import type { Timer } from "../reactor/mod.ts";
import { currentGio, type Gio } from "./gio.ts";
import { TimeoutError } from "./timeout_error.ts";

/** The innermost of each coroutine. */
const innermost = new WeakMap<Gio, Timeout>();

class Timeout implements Disposable {
  readonly #gio: Gio;
  readonly #ms: number;
  readonly #at: number;
  #timer: Timer | undefined;
  #outer: Timeout | undefined;

  constructor(gio: Gio, ms: number) {
    this.#gio = gio;
    this.#ms = ms;
    this.#at = gio.reactor.clock.now() + ms;
    this.#timer = gio.reactor.addTimer(ms, this.#onDue);
    this.#outer = innermost.get(gio);
    innermost.set(gio, this);
  }

  [Symbol.dispose](): void {
    if (this.#timer !== undefined) this.#gio.reactor.removeTimer(this.#timer);
    this.#timer = undefined;
    let one = innermost.get(this.#gio);
    if (one === this) {
      if (this.#outer === undefined) innermost.delete(this.#gio);
      else innermost.set(this.#gio, this.#outer);
      return;
    }
    // Those within are still there.
    while (one !== undefined && one.#outer !== this) one = one.#outer;
    if (one !== undefined) one.#outer = this.#outer;
  }

  #onDue = (): void => {
    const { reactor } = this.#gio;
    // Thrown where one within is due as well, this would be caught in its place, and by nobody who knows of this.
    if (this.#isDueWithin()) this.#timer = reactor.addTimer(0, this.#onDue);
    else {
      this.#timer = undefined;
      this.#gio.throw(new TimeoutError(`Timed out after ${this.#ms} ms`));
    }
  };

  #isDueWithin(): boolean {
    const now = this.#gio.reactor.clock.now();
    let one = innermost.get(this.#gio);
    while (one !== this && one !== undefined) {
      if (one.#timer !== undefined && one.#at <= now) return true;
      one = one.#outer;
    }
    return false;
  }
}

/**
 * Limits how long the rest of a block may take: `using _ = timeout(ms)`.
 *
 * When the time is over, a {@linkcode TimeoutError} is thrown at the `yield` where the coroutine stands, whatever it
 * waits for. At the end of the block the timer is removed. Timeouts nest: whichever is over first throws, of those that are
 * over at once the innermost. It throws once: a block within that catches every TimeoutError catches this one as well.
 *
 * Without `using` it limits the rest of the coroutine.
 *
 * @param ms How long, in milliseconds.
 * @returns What removes the timer when disposed of.
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
  return new Timeout(currentGio("timeout()"), ms);
}
