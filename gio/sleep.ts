import { Request, type Waiter } from "../compose/mod.ts";
import { duration } from "../reactor/_whole.ts";
import type { Reactor } from "../reactor/mod.ts";

class Sleep extends Request {
  readonly #ms: number;

  constructor(ms: number) {
    super();
    this.#ms = duration(ms, "sleep: the time");
  }

  override begin(
    waiter: Waiter<void> & { readonly reactor: Pick<Reactor, "addTimer" | "removeTimer"> },
  ): () => void {
    const { reactor } = waiter;
    const sleep = () => waiter.resume(); // Named for inspect().
    const timer = reactor.addTimer(this.#ms, sleep);
    return () => reactor.removeTimer(timer);
  }
}

/**
 * Lets `ms` milliseconds pass on the reactor's clock: `yield* sleep(100)`. As every request it does
 * nothing without `yield*`: the plugin for `deno lint`, `@weightless/io/lint`, finds where that was
 * forgotten.
 *
 * @param ms How long, in milliseconds.
 * @returns The request to `yield*`.
 * @throws {RangeError} If `ms` is no number of at least 0.
 *
 * @example Sleeping for a millisecond
 * ```ts
 * import { asProcess, sleep } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const result = await asProcess(function* () {
 *   yield* sleep(1);
 *   return "awake";
 * }());
 * assertEquals(result, "awake");
 * ```
 *
 * @category Waiting
 */
export function sleep(ms: number): Request {
  return new Sleep(ms);
}
