import { type Call, call, type Coroutine } from "../compose/mod.ts";
import type { Operation } from "./operation.ts";
import { together } from "./_together.ts";

/** What coroutines return, in their order. */
export type AllResults<T extends readonly (Coroutine | Operation<unknown>)[]> = {
  -readonly [K in keyof T]: T[K] extends Operation<infer R> ? R
    : T[K] extends Coroutine<infer R> ? R
    : never;
};

/**
 * Runs coroutines, or operations such as `wait(promise)`, beside each other and waits for all of them:
 * `const [a, b] = yield* all(one(), two())`.
 *
 * When one fails, the others are cancelled, their cleanup is waited for, and the error is thrown here.
 *
 * @typeParam T The coroutines and operations.
 * @param coroutines What to run, each as a task of its own.
 * @returns What is to be given to `yield*`: a call that gives their results, in their order.
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
 */
export function all<T extends readonly (Coroutine | Operation<unknown>)[]>(
  ...coroutines: T
): Call<AllResults<T>> {
  return call(
    together("all()", coroutines, (results) => Promise.all(results) as Promise<AllResults<T>>),
  );
}
