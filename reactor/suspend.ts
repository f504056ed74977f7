import { markAsRequest, type ReactorWaiter } from "./_request.ts";
import type { Timer } from "./timer.ts";

/** Options of {@linkcode Suspend}. */
export interface SuspendOptions {
  /** Throws a `TimeoutError` (a DOMException) in the coroutine when it is not resumed within so many milliseconds. */
  timeoutMs?: number;
  /** Called when that happens, before the coroutine goes on. */
  onTimeout?: () => void;
}

type Outcome<T> = { value: T } | { error: unknown };

/**
 * What a coroutine that is a process of a {@linkcode Reactor} yields to be left alone until somebody calls
 * {@linkcode Suspend.resume} or {@linkcode Suspend.throw}. It settles once: whoever comes later is ignored.
 *
 * `const value = yield* suspend` gives, or throws, what it was settled with.
 *
 * @typeParam T What it is resumed with.
 *
 * @example Waiting for an answer
 * ```ts
 * import { Reactor, Suspend } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const seen: unknown[] = [];
 * const answer = new Suspend<number>();
 * reactor.addProcess(function* () {
 *   seen.push(yield* answer);
 * }());
 * reactor.step();
 * assertEquals(reactor.step(), 0);
 * answer.resume(42);
 * reactor.step();
 * assertEquals(seen, [42]);
 * ```
 */
export class Suspend<T = void> {
  static {
    markAsRequest(this.prototype);
  }

  #start: ((suspend: Suspend<T>) => void) | undefined;
  #options: SuspendOptions;
  #outcome: Outcome<T> | undefined;
  #whenSettled: ((outcome: Outcome<T>) => void) | undefined;

  /** `start` is called once, when the coroutine has been suspended, to begin what will resume it. */
  constructor(start?: (suspend: Suspend<T>) => void, options: SuspendOptions = {}) {
    this.#start = start;
    this.#options = options;
  }

  /** Whether it was resumed, thrown into, or timed out. */
  get settled(): boolean {
    return this.#outcome !== undefined;
  }

  /** Lets the coroutine go on with `value`. Ignored when it is settled. */
  resume(value: T): void {
    this.#settle({ value });
  }

  /** Lets the coroutine go on with an error thrown at its `yield`. Ignored when it is settled. */
  throw(error: unknown): void {
    this.#settle({ error });
  }

  /**
   * What it was resumed with.
   *
   * @throws what was given to {@linkcode Suspend.throw}
   * @throws {TypeError} when it is not settled
   */
  result(): T {
    const outcome = this.#outcome;
    if (outcome === undefined) throw new TypeError("Cannot give a result: it is not resumed yet");
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /**
   * For who drives coroutines: begins, and tells the waiter when it is settled, perhaps at once. Gives what to call when the
   * coroutine does not wait for it any more: then there is no timeout, and another may wait.
   *
   * @throws {TypeError} when another coroutine waits for it already
   */
  begin(waiter: ReactorWaiter<T>): () => void {
    if (this.#whenSettled !== undefined) {
      throw new TypeError("Cannot suspend: another coroutine waits for this already");
    }
    const { reactor } = waiter;
    let timer: Timer | undefined;
    const end = () => {
      if (timer !== undefined) reactor.removeTimer(timer);
      if (this.#whenSettled === tell) this.#whenSettled = undefined;
    };
    const tell = (outcome: Outcome<T>) => {
      end();
      if ("error" in outcome) waiter.fail(outcome.error);
      else waiter.resume(outcome.value);
    };
    if (this.#outcome !== undefined) {
      tell(this.#outcome);
      return end;
    }
    const { timeoutMs, onTimeout } = this.#options;
    if (timeoutMs !== undefined) {
      timer = reactor.addTimer(timeoutMs, () => {
        try {
          onTimeout?.();
        } finally {
          this.throw(new DOMException(`Not resumed within ${timeoutMs} ms`, "TimeoutError"));
        }
      });
    }
    this.#whenSettled = tell;
    const start = this.#start;
    this.#start = undefined;
    try {
      start?.(this);
    } catch (error) {
      end();
      throw error;
    }
    return end;
  }

  /** Yields itself once, and gives what it was settled with: for `yield*`. */
  *[Symbol.iterator](): Generator<Suspend<T>, T, T> {
    return this.settled ? this.result() : yield this;
  }

  #settle(outcome: Outcome<T>): void {
    if (this.settled) return;
    this.#outcome = outcome;
    this.#whenSettled?.(outcome);
  }
}
