import { allBindings } from "../compose/compose.ts";
import { type Coroutine, Request, type Waiter } from "../compose/mod.ts";
import { currentDriver } from "./_driver.ts";
import type { Gio } from "./gio.ts";

class Spawn<R> extends Request<Gio<R>> {
  readonly #coroutine: Coroutine<R>;
  readonly #locals = allBindings();

  constructor(coroutine: Coroutine<R>) {
    super();
    this.#coroutine = coroutine;
  }

  override begin(waiter: Waiter<Gio<R>>): void {
    waiter.resume(currentDriver("spawn()").spawn(this.#coroutine, this.#locals));
  }
}

/**
 * Runs a coroutine beside the one that spawns it: `const task = yield* spawn(work())`.
 *
 * `yield* task` waits for its result, `task.cancel()` ends it. The task has no context until it
 * enters one. It does not outlive its parent: when the parent ends, its tasks are cancelled. If the
 * task fails and nobody has asked for its result by then, the error is thrown at the `yield` where
 * the parent stands.
 *
 * The task sees the `Local`s with the values that they have now.
 *
 * @typeParam R What the coroutine returns.
 * @param coroutine What to run.
 * @returns The request to `yield*`, which gives the task.
 * @throws {TypeError} At the `yield*`, if it is not a coroutine.
 *
 * @example Two things at once
 * ```ts
 * import { asProcess, sleep, spawn } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * function* after(ms: number, value: string) {
 *   yield* sleep(ms);
 *   return value;
 * }
 *
 * const result = await asProcess(function* () {
 *   const slow = yield* spawn(after(2, "slow"));
 *   const fast = yield* spawn(after(1, "fast"));
 *   return [yield* slow, yield* fast];
 * }());
 * assertEquals(result, ["slow", "fast"]);
 * ```
 *
 * @category Tasks
 */
export function spawn<R>(coroutine: Coroutine<R>): Request<Gio<R>> {
  return new Spawn(coroutine);
}
