/**
 * Thrown at the `yield` where a coroutine stands when its `timeout()` is over.
 *
 * @example Doing something else then
 * ```ts
 * import { asProcess, sleep, timeout, TimeoutError } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const result = await asProcess(function* () {
 *   try {
 *     using _ = timeout(1);
 *     yield* sleep(60_000);
 *     return "awake";
 *   } catch (error) {
 *     if (!(error instanceof TimeoutError)) throw error;
 *     return "too late";
 *   }
 * }());
 * assertEquals(result, "too late");
 * ```
 *
 * @category Waiting
 */
export class TimeoutError extends Error {
  /** The name of the class. */
  override readonly name = "TimeoutError";
}
