import { REACTOR } from "../reactor/_all_options.ts";
import { refuseUnknown } from "../reactor/_known.ts";
import type { Coroutine } from "../compose/mod.ts";
import { Reactor, type ReactorOptions } from "../reactor/mod.ts";
import { Waiters } from "../reactor/_waiters.ts";
import type { Context } from "./context.ts";
import { gio } from "./gio.ts";

/**
 * Options of {@linkcode iterate}.
 *
 * @category Running
 */
export interface IterateOptions extends ReactorOptions {
  /** Cancels the coroutine when it aborts. */
  signal?: AbortSignal;
}

const OPTIONS = [...REACTOR, "signal"];

/**
 * Holds one value at a time: what the coroutine has yielded and the loop is busy with, or has not
 * taken.
 */
class Slot implements Context {
  readonly readable = true;
  #value: unknown;
  readonly #waiters = new Waiters();
  #notify: (() => void) | undefined;
  #ended = false;
  #full = false;
  #taken = false;

  get writable(): boolean {
    return !this.#full;
  }

  recv(): null {
    return null;
  }

  send(): number {
    return 0;
  }

  put(value: unknown): boolean {
    if (this.#full) return false;
    this.#full = true;
    this.#value = value;
    this.#notify?.();
    return true;
  }

  /** No more values come. */
  end(): void {
    this.#ended = true;
    this.#notify?.();
  }

  /**
   * Lets go of the value taken last. Resolves to whether there is another, once there is one or
   * there will be none.
   */
  async filled(): Promise<boolean> {
    if (this.#taken) {
      this.#taken = this.#full = false;
      this.#waiters.write?.();
    }
    if (!this.#full && !this.#ended) await new Promise<void>((resolve) => this.#notify = resolve);
    return this.#full;
  }

  take(): unknown {
    const value = this.#value;
    this.#value = undefined;
    this.#taken = true;
    return value;
  }

  close(): void {}

  watch(interest: "read" | "write", notify: () => void): void {
    this.#waiters.add(this, interest, notify);
  }

  unwatch(interest: "read" | "write"): void {
    this.#waiters[interest] = undefined;
  }
}

/**
 * Runs a coroutine on a reactor of its own and gives what it yields, of whatever type, to a
 * `for await` loop.
 *
 * The coroutine stands still while the loop is busy with a value. Leaving the loop cancels it,
 * through its `finally`s. There is nothing to read: a bare `yield` throws `EndOfStream`, unless it
 * enters a context of its own.
 *
 * @typeParam T What it yields.
 * @typeParam R What it returns.
 * @param coroutine What to run.
 * @param options A signal, and the options of the reactor.
 * @returns The values; its return value is that of the coroutine.
 * @throws {TypeError} In the loop, if it is not a coroutine or an option is not known.
 * @throws In the loop, what the coroutine throws.
 *
 * @example Ticks
 * ```ts
 * import { iterate, sleep } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * function* ticks() {
 *   for (let i = 0;; i++) {
 *     yield* sleep(1);
 *     yield { tick: i };
 *   }
 * }
 *
 * const seen: number[] = [];
 * for await (const { tick } of iterate<{ tick: number }>(ticks())) {
 *   seen.push(tick);
 *   if (tick === 2) break;
 * }
 * assertEquals(seen, [0, 1, 2]);
 * ```
 *
 * @category Running
 */
export async function* iterate<T = unknown, R = unknown>(
  coroutine: Coroutine<R>,
  options: IterateOptions = {},
): AsyncGenerator<T, R> {
  refuseUnknown("iterate", options, OPTIONS);
  const { signal, ...ofReactor } = options;
  using reactor = new Reactor(ofReactor);
  const slot = new Slot();
  const task = gio(
    reactor,
    slot,
    coroutine,
    signal === undefined ? {} : { signal },
  );
  const end = () => slot.end();
  const ended = task.result.then(end, end);
  const running = reactor.run();
  running.catch(() => {}); // it is awaited below, but perhaps not before the loop is over
  try {
    while (await slot.filled()) yield slot.take() as T;
    return await task.result;
  } finally {
    task.cancel();
    await ended;
    reactor.requestShutdown();
    await running;
  }
}
