import { Request, type Waiter } from "../compose/mod.ts";
import { currentDriver } from "./_driver.ts";

class CloseWrite extends Request {
  /** What was written before must be sent first. */
  readonly flushes = true;

  override begin(waiter: Waiter<void>): void {
    currentDriver("closeWrite()").lending.shutdown();
    waiter.resume();
  }
}

/**
 * Ends what is sent to the innermost context (half-close): `yield* closeWrite()`. What was written
 * before is sent first. The peer, or the program, gets the end of its input, and can still answer:
 * what it says is read as before.
 *
 * @returns The request to `yield*`.
 * @throws {TypeError} At the `yield*`, if the context has no half to close, and in an HTTP handler,
 * where the protocol says how a message ends.
 *
 * @example A program that answers at the end of its input
 * ```ts
 * import { call, readAll } from "@weightless/io/compose";
 * import { asProcess, closeWrite, currentGio, enter } from "@weightless/io/gio";
 * import { subprocess } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const sorted = await asProcess(function* () {
 *   using program = subprocess(currentGio().reactor, "sort");
 *   using _ = enter(program.io);
 *   yield "b\na\n";
 *   yield* closeWrite();
 *   return new TextDecoder().decode(yield* call(readAll()));
 * }());
 * assertEquals(sorted, "a\nb\n");
 * ```
 * @category Contexts
 */
export function closeWrite(): Request {
  return new CloseWrite();
}
