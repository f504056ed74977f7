import type { Request } from "../compose/mod.ts";
import { type Branch, type BranchResult, together } from "./_together.ts";

export type { Branch, BranchResult } from "./_together.ts";

/**
 * Runs coroutines, or requests such as `wait(promise)`, beside each other and waits for all of
 * them: `const [a, b] = yield* all(one(), two())`.
 *
 * When one fails, the others are cancelled. When their cleanup is over, the error is thrown here.
 * If none fails, what the coroutines have opened or spawned, and not closed, belongs to the caller,
 * as if it had called them.
 *
 * @typeParam T The coroutines and requests.
 * @param branches What to run.
 * @returns The request to `yield*`, which gives their results, in their order.
 * @throws {TypeError} If one of them is neither a coroutine nor a request.
 *
 * @example Two at once
 * ```ts
 * import { all, asProcess, sleep } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * function* after(ms: number, value: string) {
 *   yield* sleep(ms);
 *   return value;
 * }
 *
 * const results = await asProcess(function* () {
 *   return yield* all(after(2, "slow"), after(1, "fast"));
 * }());
 * assertEquals(results, ["slow", "fast"]);
 * ```
 *
 * @category Tasks
 */
export function all<T extends readonly Branch[]>(
  ...branches: T
): Request<{ -readonly [K in keyof T]: BranchResult<T[K]> }> {
  return together("all()", branches, (results) => results as never);
}
