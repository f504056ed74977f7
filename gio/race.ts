import { type Call, call, type Coroutine } from "../compose/mod.ts";
import type { Operation } from "./operation.ts";
import { together } from "./_together.ts";

/** What any of the coroutines returns. */
export type RaceResult<T extends readonly (Coroutine | Operation<unknown>)[]> = {
  [K in keyof T]: T[K] extends Operation<infer R> ? R : T[K] extends Coroutine<infer R> ? R : never;
}[number];

/**
 * Runs coroutines, or operations such as `sleep(ms)`, beside each other until the first ends:
 * `const first = yield* race(one(), two())`.
 *
 * The others are cancelled and their cleanup is waited for. If the first to end fails, its error is thrown here.
 *
 * @typeParam T The coroutines and operations.
 * @param coroutines What to run, each as a task of its own.
 * @returns What is to be given to `yield*`: a call that gives the result of the first.
 * @throws {RangeError} If there are none: nothing would ever end.
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
 */
export function race<T extends readonly (Coroutine | Operation<unknown>)[]>(
  ...coroutines: T
): Call<RaceResult<T>> {
  if (coroutines.length === 0) throw new RangeError("Cannot race nothing: give coroutines");
  return call(
    together("race()", coroutines, (results) => Promise.race(results) as Promise<RaceResult<T>>),
  );
}
