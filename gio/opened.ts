import type { Context } from "./context.ts";
import { currentGio, type Gio } from "./gio.ts";

/**
 * A context that a coroutine has opened itself, with {@linkcode open} or {@linkcode connectTo}, and that must be closed.
 *
 * There are two ways to use one. `using _ = open(path).enter()` hands it over to the block: leaving the block closes it.
 * `using file = open(path)` keeps it, to be entered again and again with `using _ = enter(file)`, and closes it at the end
 * of the scope it was opened in. Either way, it does not outlive the coroutine that opened it.
 *
 * @typeParam C The kind of context.
 *
 * @example Both ways
 * ```ts
 * import { asProcess, enter, open } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * await asProcess(function* () {
 *   {
 *     using _ = open(path, { write: true }).enter();
 *     yield "text";
 *   }
 *   using file = open(path);
 *   {
 *     using _ = enter(file);
 *     assertEquals(new TextDecoder().decode(yield), "text");
 *   }
 * }());
 * await Deno.remove(path);
 * ```
 */
export class Opened<C extends Context = Context> implements Disposable {
  /** The context itself. */
  readonly context: C;
  readonly #gio: Gio;

  /** For operations that open something: `gio` closes it when its coroutine ends, if it is still open then. */
  constructor(gio: Gio, context: C) {
    this.context = context;
    this.#gio = gio;
    gio.own(context);
  }

  /** Enters it until the end of the block, and closes it then, after what was written has gone out. */
  enter(): Disposable {
    return currentGio("enter()").enter(this.context, true);
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.context.closed ?? false;
  }

  /** Closes it, after what was written to it has gone out. */
  close(): void {
    this.#gio.close(this.context);
  }

  /** As {@linkcode Opened.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
