import { names, refuseUnknown } from "./_known.ts";
import { markAsRequest } from "./_request.ts";
import type { Timer } from "./timer.ts";

/**
 * Options of {@linkcode Suspend}.
 *
 * @category Reactor
 */
export interface SuspendOptions {
  /**
   * Throws a `TimeoutError` (a DOMException) into the coroutine if it is not resumed within this
   * number of milliseconds.
   */
  timeoutMs?: number;
  /** Called when that happens, before the coroutine goes on. */
  onTimeout?: () => void;
}

type Outcome<T> = { value: T } | { error: unknown };

const OPTIONS = names<SuspendOptions>({ timeoutMs: 1, onTimeout: 1 });

/**
 * A coroutine yields this to stand still until somebody calls {@linkcode Suspend.resume} or
 * {@linkcode Suspend.throw}. The first call settles it, and later ones are ignored. The coroutine is
 * a process of a {@linkcode Reactor}, or gio runs it.
 *
 * `const value = yield* new Suspend((suspend) => …)` returns the value, or throws the error.
 *
 * @typeParam T What it is resumed with.
 *
 * @example Waiting for a callback
 * ```ts
 * import { asProcess, Suspend } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = await asProcess(function* () {
 *   return yield* new Suspend<number>((suspend) => queueMicrotask(() => suspend.resume(42)));
 * }());
 * assertEquals(answer, 42);
 * ```
 *
 * @example In a process of a reactor
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
 *
 * @category Reactor
 */
export class Suspend<T = void> {
  static {
    markAsRequest(this.prototype);
  }

  #start: ((suspend: Suspend<T>) => (() => void) | void) | undefined;
  #options: SuspendOptions;
  #outcome: Outcome<T> | undefined;
  #whenSettled: ((outcome: Outcome<T>) => void) | undefined;

  /**
   * Makes a suspend.
   *
   * @param start Called once, when the coroutine is suspended, to begin what will resume it. It may
   * return a function that undoes this, which is called if the coroutine stops waiting before: it
   * was cancelled, or something was thrown into it.
   * @param options A timeout.
   * @throws {TypeError} If an option is not known.
   */
  constructor(
    start?: (suspend: Suspend<T>) => (() => void) | void,
    options: SuspendOptions = {},
  ) {
    refuseUnknown("suspend", options, OPTIONS);
    this.#start = start;
    this.#options = options;
  }

  /** Whether it was resumed, thrown into, or timed out. */
  get settled(): boolean {
    return this.#outcome !== undefined;
  }

  /**
   * Resumes the coroutine. Ignored if it is settled.
   *
   * @param value What its `yield` returns.
   */
  resume(value: T): void {
    this.#settle({ value });
  }

  /**
   * Throws an error at the `yield` of the coroutine. Ignored if it is settled.
   *
   * @param error The error.
   */
  throw(error: unknown): void {
    this.#settle({ error });
  }

  /**
   * What it was resumed with.
   *
   * @returns The value.
   * @throws {TypeError} If it is not settled.
   * @throws The error that was given to {@linkcode Suspend.throw}.
   */
  result(): T {
    const outcome = this.#outcome;
    if (outcome === undefined) throw new TypeError("Cannot give a result: it is not resumed yet");
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /**
   * Called by the driver of a coroutine: begins, and tells the waiter when it is settled, perhaps
   * at once.
   *
   * @param waiter The coroutine that waits.
   * @returns What to call when the coroutine does not wait for it any more. It ends the timeout,
   * and another coroutine may wait.
   * @throws {TypeError} If another coroutine waits for it already.
   */
  begin(waiter: {
    readonly reactor: {
      addTimer(ms: number, callback: () => void): Timer;
      removeTimer(timer: Timer): void;
    };
    resume(value: T): void;
    fail(error: unknown): void;
  }): () => void {
    if (this.#whenSettled !== undefined) {
      throw new TypeError("Cannot suspend: another coroutine waits for this already");
    }
    const { reactor } = waiter;
    let timer: Timer | undefined;
    let undo: (() => void) | void;
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
      undo = start?.(this);
    } catch (error) {
      end();
      throw error;
    }
    return () => {
      end();
      if (!this.settled) undo?.();
    };
  }

  /** Yields itself once and returns what it was settled with, for `yield*`. */
  *[Symbol.iterator](): Generator<Suspend<T>, T, T> {
    return this.settled ? this.result() : yield this;
  }

  #settle(outcome: Outcome<T>): void {
    if (this.settled) return;
    this.#outcome = outcome;
    this.#whenSettled?.(outcome);
  }
}
