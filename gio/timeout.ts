import { currentGio } from "./gio.ts";
import { TimeoutError } from "./timeout_error.ts";

/**
 * Limits how long the rest of a block may take: `using _ = timeout(ms)`.
 *
 * When the time is over, a {@linkcode TimeoutError} is thrown at the `yield` where the coroutine stands, whatever it
 * waits for. At the end of the block the timer is removed. Timeouts nest: whichever is over first throws.
 *
 * @param ms How long, in milliseconds.
 * @returns What removes the timer when disposed of.
 * @throws {TypeError} Outside of a coroutine that gio runs.
 *
 * @example Giving up
 * ```ts
 * import { asProcess, sleep, timeout, TimeoutError } from "@weightless/io/gio";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() =>
 *   asProcess(function* () {
 *     using _ = timeout(1);
 *     yield* sleep(60_000);
 *   }()), TimeoutError);
 * ```
 */
export function timeout(ms: number): Disposable {
  const gio = currentGio("timeout()");
  const timer = gio.reactor.addTimer(
    ms,
    () => gio.throw(new TimeoutError(`Timed out after ${ms} ms`)),
  );
  return { [Symbol.dispose]: () => gio.reactor.removeTimer(timer) };
}
