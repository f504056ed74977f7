import { REACTOR } from "../reactor/_all_options.ts";
import { refuseUnknown } from "../reactor/_known.ts";
import type { Coroutine } from "../compose/mod.ts";
import { Reactor, type ReactorOptions } from "../reactor/mod.ts";
import type { Context } from "./context.ts";
import { gio } from "./gio.ts";

/**
 * Options of {@linkcode asProcess}.
 *
 * @category Running
 */
export interface AsProcessOptions extends ReactorOptions {
  /** Where the `yield`s go. Without it, the coroutine enters its contexts itself. */
  connection?: Context;
  /** Cancels the coroutine when it aborts. */
  signal?: AbortSignal;
}

const OPTIONS = [...REACTOR, "connection", "signal"];

/**
 * Runs one coroutine on a reactor of its own and gives its result as a promise, for scripts, tests
 * and async code.
 *
 * @typeParam R What the coroutine returns.
 * @param coroutine What to run.
 * @param options The connection, a signal, and the options of the reactor.
 * @returns A promise of what the coroutine returns. It rejects with what the coroutine throws.
 * @throws {TypeError} By the promise, if it is not a coroutine or an option is not known.
 *
 * @example A script
 * ```ts
 * import { asProcess, sleep } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const result = await asProcess(function* () {
 *   yield* sleep(1);
 *   return 42;
 * }());
 * assertEquals(result, 42);
 * ```
 *
 * @category Running
 */
export async function asProcess<R>(
  coroutine: Coroutine<R>,
  options: AsProcessOptions = {},
): Promise<R> {
  refuseUnknown("run a coroutine", options, OPTIONS);
  const { connection, signal, ...ofReactor } = options;
  using reactor = new Reactor(ofReactor);
  const task = gio(reactor, connection, coroutine, signal === undefined ? {} : { signal });
  const result = task.result;
  const end = () => reactor.requestShutdown();
  result.then(end, end);
  await reactor.run();
  return await result;
}
