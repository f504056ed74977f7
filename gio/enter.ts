import type { Context } from "./context.ts";
import { checkContext } from "./_check.ts";
import { currentDriver } from "./_driver.ts";
import { Opened } from "./opened.ts";

/**
 * Makes `context` the innermost one until the end of the block: `using _ = enter(context)`.
 *
 * Inside, bare `yield`s read from it and `yield data` writes to it; after the block the context
 * that was there before is back. Contexts nest, and they alternate when they are entered again. The
 * context is only lent: leaving it does not close it. (`open(path).enter()` hands it over: leaving
 * closes it.) What was written in the block has gone out before the coroutine passes its next
 * `yield`. What was read in it and pushed back is read when it is entered again, and in no other
 * context.
 *
 * @param context What to read from and write to.
 * @returns What leaves it when disposed of.
 * @throws {TypeError} Outside of a coroutine that gio runs, or if it is no context.
 *
 * @example Copying from one context to another
 * ```ts
 * import { asProcess, enter, memory } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const from = memory("some data");
 * const to = memory();
 * await asProcess(function* () {
 *   let data: Uint8Array;
 *   {
 *     using _ = enter(from);
 *     data = yield;
 *   }
 *   using _ = enter(to);
 *   yield data;
 * }());
 * assertEquals(to.text, "some data");
 * ```
 *
 * @category Contexts
 */
export function enter(context: Context | Opened): Disposable {
  const driver = currentDriver("enter()");
  const entered = context instanceof Opened ? context.context : context;
  checkContext(entered);
  return driver.enter(entered);
}
