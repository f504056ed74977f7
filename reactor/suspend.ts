import { markAsCommand } from "./_command.ts";
import type { Reactor } from "./reactor.ts";
import type { Process } from "./reactor_options.ts";

/** Options of {@linkcode Suspend}. */
export interface SuspendOptions {
  /** Throws a `TimeoutError` (a DOMException) in the coroutine when it is not resumed within so many milliseconds. */
  timeoutMs?: number;
  /** Called when that happens, before the coroutine goes on. */
  onTimeout?: () => void;
}

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
    markAsCommand(this.prototype);
  }

  #start: ((suspend: Suspend<T>) => void) | undefined;
  #options: SuspendOptions;
  #outcome: { value: T } | { error: unknown } | undefined;
  #whenDone: (() => void) | undefined;

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
   * Suspends `process`, which is running in `reactor`. The reactor calls this for what a coroutine yields. Gives what to
   * call when the process is removed: as {@linkcode Suspend.begin}.
   */
  suspend(reactor: Reactor, process: Process): () => void {
    if (this.settled) return ignore;
    this.#checkNotWaitedFor();
    reactor.suspend();
    return this.begin(reactor, () => {
      // It may have been removed meanwhile.
      if (reactor.isSuspended(process)) reactor.resumeProcess(process);
    });
  }

  /**
   * For who drives coroutines: begins, and calls `whenDone` when it is settled, perhaps at once. Gives what to call when
   * the coroutine does not wait for it any more: then there is no timeout, and another may wait.
   *
   * @throws {TypeError} when another coroutine waits for it already
   */
  begin(reactor: Pick<Reactor, "addTimer" | "removeTimer">, whenDone: () => void): () => void {
    if (this.settled) {
      whenDone();
      return ignore;
    }
    this.#checkNotWaitedFor();
    const { timeoutMs, onTimeout } = this.#options;
    const timer = timeoutMs === undefined ? undefined : reactor.addTimer(timeoutMs, () => {
      try {
        onTimeout?.();
      } finally {
        this.throw(new DOMException(`Not resumed within ${timeoutMs} ms`, "TimeoutError"));
      }
    });
    const end = () => {
      if (timer) reactor.removeTimer(timer);
      if (this.#whenDone === done) this.#whenDone = undefined;
    };
    const done = this.#whenDone = () => {
      end();
      whenDone();
    };
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

  /** Yields itself once, and gives {@linkcode Suspend.result}: for `yield*`. */
  *[Symbol.iterator](): Generator<Suspend<T>, T, unknown> {
    if (!this.settled) yield this;
    return this.result();
  }

  #checkNotWaitedFor(): void {
    if (this.#whenDone === undefined) return;
    throw new TypeError("Cannot suspend: another coroutine waits for this already");
  }

  #settle(outcome: { value: T } | { error: unknown }): void {
    if (this.settled) return;
    this.#outcome = outcome;
    this.#whenDone?.();
  }
}

function ignore(): void {}
