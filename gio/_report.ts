import { describe } from "../reactor/_describe.ts";
import type { Reactor } from "../reactor/mod.ts";
import type { Context } from "./context.ts";

/**
 * Reports an error that nobody waits for to the reactor.
 *
 * @param reactor Where to.
 * @param error What to report.
 * @param connection That of the coroutine, if it has one.
 */
export function report(reactor: Reactor, error: unknown, connection: Context | undefined): void {
  const what = connection === undefined ? "gio" : describe(connection);
  try {
    reactor.onError(error, `coroutine of ${what}`);
  } catch (assertion) { // An AssertionError must go out of step() and run().
    if (reactor.isShutDown) throw assertion;
    reactor.addTimer(0, () => {
      throw assertion;
    });
  }
}
