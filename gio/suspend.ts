import type { Suspend } from "../reactor/mod.ts";
import type { Gio } from "./gio.ts";
import { Operation } from "./operation.ts";

/** What {@linkcode suspend} gives its starter: settles the suspended coroutine, once. */
export interface Suspended<T> {
  /** Continues the coroutine with a value. Ignored once it is settled or cancelled. */
  resume(value: T): void;
  /** Throws an error at the coroutine's `yield`. Ignored once it is settled or cancelled. */
  throw(error: unknown): void;
}

class Suspension<T> extends Operation<T> {
  readonly #start: (suspended: Suspended<T>) => (() => void) | void;
  #undo: (() => void) | void = undefined;

  constructor(start: (suspended: Suspended<T>) => (() => void) | void) {
    super();
    this.#start = start;
  }

  override start(gio: Gio): void {
    this.#undo = this.#start({
      resume: (value) => gio.resume(this, value),
      throw: (error) => gio.fail(this, error),
    });
  }

  override cancel(): void {
    this.#undo?.();
  }
}

/**
 * Suspends the coroutine until a callback comes: `const value = yield* suspend((s) => …)`.
 *
 * @typeParam T What the coroutine is resumed with.
 * @param start Starts what is waited for and keeps the handle it is given; may return what undoes it, which is
 * called when the coroutine is cancelled or an error is thrown into it meanwhile.
 * @returns The operation to `yield*`.
 *
 * @example Waiting for a callback
 * ```ts
 * import { asProcess, suspend } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = await asProcess(function* () {
 *   return yield* suspend<number>((suspended) => queueMicrotask(() => suspended.resume(42)));
 * }());
 * assertEquals(answer, 42);
 * ```
 */
export function suspend<T = void>(
  start: (suspended: Suspended<T>) => (() => void) | void,
): Operation<T> {
  return new Suspension(start);
}

class UntilSettled extends Operation {
  readonly #suspend: Suspend<unknown>;
  #end: (() => void) | undefined;

  constructor(suspend: Suspend<unknown>) {
    super();
    this.#suspend = suspend;
  }

  override start(gio: Gio): void {
    this.#end = this.#suspend.begin(gio.reactor, () => gio.resume(this, undefined));
  }

  override cancel(): void {
    this.#end?.();
  }
}

/** Waits for a {@linkcode Suspend} of the reactor, which a coroutine has yielded; it gives the result itself. */
export function untilSettled(suspend: Suspend<unknown>): Operation {
  return new UntilSettled(suspend);
}
