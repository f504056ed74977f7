import type { Coroutine, Request } from "../compose/mod.ts";
import { runningDriver } from "./_driver.ts";
import { enter } from "./enter.ts";
import { together } from "./_together.ts";

/**
 * Runs a coroutine to its end, although the one that waits for it is cancelled meanwhile: `yield* shield(cleanup())`.
 *
 * A `finally` that waits is cut off when the coroutine is cancelled while it waits, unless it was cancelled before: nobody
 * can tell from outside that a coroutine stands in a `finally`. What must be done in any case is shielded. The coroutine is
 * closed at its next `yield` after that. A reactor that shuts down waits for nothing, not even for this.
 *
 * @typeParam R What the coroutine returns.
 * @param coroutine What to run, in the context in which this one is.
 * @returns The request to `yield*`, which gives what the coroutine returns.
 *
 * @example A farewell that is always said
 * ```ts
 * import { asProcess, shield, sleep, spawn } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const said: string[] = [];
 * function* farewell() {
 *   yield* sleep(2);
 *   said.push("bye");
 * }
 *
 * await asProcess(function* () {
 *   const task = yield* spawn(function* () {
 *     try {
 *       said.push("hello");
 *     } finally {
 *       yield* shield(farewell());
 *     }
 *   }());
 *   task.cancel();
 * }());
 * assertEquals(said, ["hello", "bye"]);
 * ```
 */
export function shield<R>(coroutine: Coroutine<R>): Request<R> {
  const shielded = together("shield()", [inContext(coroutine)], ([result]) => result as R);
  shielded.isShielded = true;
  return shielded;
}

/** It is run as a branch, which has no context of its own. */
function* inContext<R>(coroutine: Coroutine<R>): Coroutine<R> {
  const { lending } = runningDriver()!;
  using _ = lending.isAnywhere ? enter(lending.innermost) : undefined;
  return yield coroutine;
}
