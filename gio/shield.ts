import { machinery } from "../compose/_machinery.ts";
import type { Coroutine, Request } from "../compose/mod.ts";
import { runningDriver } from "./_driver.ts";
import { enter } from "./enter.ts";
import { together } from "./_together.ts";

/**
 * Runs a coroutine to its end, even if the caller is cancelled meanwhile:
 * `yield* shield(cleanup())`.
 *
 * When a coroutine is cancelled while its `finally` waits, that `finally` is cut off, because
 * nobody can see from outside that a coroutine stands in a `finally`. (If it was cancelled before,
 * the `finally` runs to its end.) Shield what must be done in any case. A caller that was cancelled
 * meanwhile is closed at its next `yield`. A reactor that shuts down does not wait for a shield.
 *
 * @typeParam R What the coroutine returns.
 * @param coroutine What to run. It is in the same context as the caller.
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
 *
 * @category Tasks
 */
export function shield<R>(coroutine: Coroutine<R>): Request<R> {
  const shielded = together("shield()", [inContext(coroutine)], ([result]) => result as R);
  shielded.isShielded = true;
  return shielded;
}

/** Enters the context of the coroutine that waits, because a branch has no context of its own. */
function* inContext<R>(coroutine: Coroutine<R>): Coroutine<R> {
  const { innermost } = runningDriver()!.lending;
  using _ = innermost === undefined ? undefined : enter(innermost);
  return yield coroutine;
}

machinery(import.meta.url, inContext);
