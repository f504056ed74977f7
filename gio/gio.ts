import type { Coroutine } from "../compose/mod.ts";
import type { Reactor } from "../reactor/mod.ts";
import type { Context } from "./context.ts";
import { checkReactor } from "../reactor/_options.ts";
import { checkContext } from "./_check.ts";
import { currentDriver, Driver } from "./_driver.ts";
import type { Gio, GioOptions } from "./_gio.ts";

export { Gio, type GioOptions } from "./_gio.ts";

/**
 * The Gio whose coroutine is running now.
 *
 * @param what Who asks, for the error message.
 * @returns The running Gio.
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
 */
export function currentGio(what = "currentGio()"): Gio {
  return currentDriver(what);
}
/**
 * Drives a coroutine's yields from a reactor: a bare `yield` reads from the connection, `yield data` writes to it.
 *
 * The coroutine is composed, so it may call others, and it runs at once until it has to wait. When it ends, what it
 * wrote is sent and the connection is closed; if it fails, the connection is aborted and the error goes to whoever
 * asked for {@linkcode Gio.result}, else to the reactor's `onError`. The end of the stream ends it quietly. One that is
 * cancelled in the middle of something is aborted as well, so that its peer does not take a part for the whole; not one that
 * waited for the peer, nor one whose cleanup has written something.
 *
 * What it opened, spawned and armed ends with it. What it returns of that is yours.
 *
 * Consecutive writes are sent together, so do not alter bytes after they were yielded. A peer that does not read stops
 * the coroutine.
 *
 * @typeParam R What the coroutine returns.
 * @param reactor What calls back.
 * @param connection Where the yields go; `undefined` for a coroutine that enters its contexts itself.
 * @param coroutine What to run.
 * @param options A signal to cancel it, and what becomes of the connection.
 * @returns The running coroutine.
 * @throws {RangeError} If `lingerMs` is no number of at least 0.
 * @throws {TypeError} If an argument is of another kind.
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
 */
export function gio<R>(
  reactor: Reactor,
  connection: Context | undefined,
  coroutine: Coroutine<R>,
  options?: GioOptions,
): Gio<R> {
  checkReactor(reactor, "run a coroutine", "gio(reactor, connection, main())");
  if (connection !== undefined) checkContext(connection);
  return new Driver(reactor, connection, coroutine, options);
}
