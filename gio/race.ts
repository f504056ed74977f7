import type { Request } from "../compose/mod.ts";
import { type Branch, type BranchResult, together } from "./_together.ts";

/**
 * Runs coroutines, or requests such as `sleep(ms)`, beside each other until the first ends:
 * `const first = yield* race(one(), two())`.
 *
 * The others are cancelled then, and the caller goes on when their cleanup is over. If the first
 * one fails, its error is thrown here. What the first one has opened or spawned, and not closed,
 * belongs to the caller, as if it had called it. What the others have opened is closed.
 *
 * @typeParam T The coroutines and requests.
 * @param branches What to run.
 * @returns The request to `yield*`, which gives the result of the first.
 * @throws {RangeError} If there are none, so that none would ever end.
 * @throws {TypeError} If one of them is neither a coroutine nor a request.
 *
 * @example The faster of two
 * ```ts
 * import { asProcess, race, sleep } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * function* after(ms: number, value: string) {
 *   yield* sleep(ms);
 *   return value;
 * }
 *
 * const first = await asProcess(function* () {
 *   return yield* race(after(1, "fast"), after(60_000, "slow"));
 * }());
 * assertEquals(first, "fast");
 * ```
 *
 * @category Tasks
 */
export function race<T extends readonly Branch[]>(
  ...branches: T
): Request<BranchResult<T[number]>> {
  if (branches.length === 0) throw new RangeError("Cannot race nothing: give coroutines");
  return together("race()", branches, undefined);
}
