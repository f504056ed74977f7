import type { Socket } from "../reactor/mod.ts";
import { currentDriver } from "./_driver.ts";
import { isFifo, openFifo } from "./_fifo.ts";
import { Opened } from "./opened.ts";

/**
 * Opens a file as a context: bare `yield`s read it chunk by chunk (at most 64 KiB), `yield data`
 * writes to it. A FIFO is opened meanwhile: its first `yield` waits for the other end.
 *
 * @param path Which file.
 * @param options As for `Deno.open`: by default it is opened for reading.
 * @returns The context, to be entered.
 * @throws {Deno.errors.NotFound} and whatever else `Deno.openSync` throws.
 * @throws {TypeError} Outside of a coroutine that gio runs.
 *
 * @example Copying a file
 * ```ts
 * import { asProcess, EndOfStream, enter, open } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const from = await Deno.makeTempFile(), to = await Deno.makeTempFile();
 * await Deno.writeTextFile(from, "x".repeat(100_000));
 * await asProcess(function* () {
 *   using source = open(from), sink = open(to, { write: true });
 *   try {
 *     for (;;) {
 *       let chunk: Uint8Array;
 *       {
 *         using _ = enter(source);
 *         chunk = yield;
 *       }
 *       using _ = enter(sink);
 *       yield chunk;
 *     }
 *   } catch (error) {
 *     if (!(error instanceof EndOfStream)) throw error;
 *   }
 * }());
 * assertEquals((await Deno.stat(to)).size, 100_000);
 * await Deno.remove(from);
 * await Deno.remove(to);
 * ```
 *
 * @category Contexts
 */
export function open(path: string | URL, options?: Deno.OpenOptions): Opened<Socket> {
  const driver = currentDriver("open()");
  const file = isFifo(path) ? openFifo(path, options) : Deno.openSync(path, options);
  return new Opened(driver, driver.reactor.adopt(file));
}
