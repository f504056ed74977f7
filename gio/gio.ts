import { names, refuseUnknown } from "../reactor/_known.ts";
import type { Coroutine } from "../compose/mod.ts";
import type { Reactor } from "../reactor/mod.ts";
import type { Context } from "./context.ts";
import { checkReactor } from "../reactor/_options.ts";
import { checkContext } from "./_check.ts";
import { currentDriver, Driver } from "./_driver.ts";
import type { Gio, GioOptions } from "./_gio.ts";

export { Gio, type GioOptions } from "./_gio.ts";

/**
 * Returns the Gio of the coroutine that is running now.
 *
 * @param what Who asks, for the message of the error.
 * @returns The Gio.
 * @throws {TypeError} If no coroutine is being run by gio at the moment.
 *
 * @example Reaching the reactor from within a coroutine
 * ```ts
 * import { asProcess, currentGio } from "@weightless/io/gio";
 * import { assertThrows } from "@std/assert";
 *
 * await asProcess(function* () {
 *   currentGio().reactor.addTimer(0, () => {});
 * }());
 * assertThrows(() => currentGio("example()"), TypeError, "example()");
 * ```
 *
 * @category Running
 */
export function currentGio(what = "currentGio()"): Gio {
  return currentDriver(what);
}

const OPTIONS = names<GioOptions>({ signal: 1, lingerMs: 1, keepOpen: 1 });

/**
 * Drives the `yield`s of a coroutine from a reactor: a bare `yield` reads from the connection, and
 * `yield data` writes to it.
 *
 * The coroutine is composed, so it may call others. It runs at once until it must wait. When it
 * ends, its output is sent and its connection is closed. If it fails, its connection is aborted.
 * The error goes to whoever has asked for {@linkcode Gio.result}, or else to the `onError` of the
 * reactor. The end of the stream ends a coroutine quietly. The end of another context that it has
 * entered does not: if the coroutine does not catch it, that is an error.
 *
 * If a coroutine is cancelled, its connection is aborted as well, so that the peer does not take a
 * part for the whole. But the connection is closed if the coroutine waited for its peer, or if its
 * cleanup has written something.
 *
 * What a coroutine has opened, spawned and armed ends with it, except for what it returns: that
 * belongs to the caller.
 *
 * Consecutive writes are sent together, so do not change bytes after they were yielded. While the
 * peer does not read, the coroutine does not go on.
 *
 * @typeParam R What the coroutine returns.
 * @param reactor The reactor that calls back.
 * @param connection Where the `yield`s go; `undefined` for a coroutine that enters its contexts
 * itself.
 * @param coroutine What to run.
 * @param options A signal to cancel it, and what to do with the connection.
 * @returns The running coroutine.
 * @throws {TypeError} If an argument is of another kind.
 * @throws {RangeError} If `lingerMs` is not a number of at least 0.
 *
 * @example A protocol on a connection
 * ```ts
 * import { call, readLine } from "@weightless/io/compose";
 * import { gio, memory } from "@weightless/io/gio";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const connection = memory("World\n");
 * gio(reactor, connection, function* () {
 *   const name = yield* call(readLine());
 *   yield `Hello, ${name}!`;
 * }());
 * reactor.step();
 * assertEquals(connection.text, "Hello, World!");
 * ```
 *
 * @category Running
 */
export function gio<R>(
  reactor: Reactor,
  connection: Context | undefined,
  coroutine: Coroutine<R>,
  options?: GioOptions,
): Gio<R> {
  checkReactor(reactor, "run a coroutine", "gio(reactor, connection, main())");
  if (connection !== undefined) checkContext(connection);
  if (options !== undefined) refuseUnknown("run a coroutine", options, OPTIONS);
  return new Driver(reactor, connection, coroutine, options);
}
