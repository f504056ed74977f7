import type { Reactor } from "../reactor/mod.ts";
import { Channel } from "./_channel.ts";
import type { Context } from "./context.ts";
import { currentDriver, type Driver, runningDriver } from "./_driver.ts";
import type { Gio } from "./_gio.ts";
import type { Owned, Scope } from "./_scope.ts";

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
  readonly #owned: OwnedContext;

  /** For requests that open something: it ends with what `gio` is doing now, if it is still open then. */
  constructor(gio: Gio, context: C) {
    this.context = context;
    this.#owned = new OwnedContext(context, gio.reactor);
    (gio as Driver).own.own(this.#owned);
  }

  /** Enters it until the end of the block, and closes it then, after what was written has gone out. */
  enter(): Disposable {
    return currentDriver("enter()").enter(this.context, () => this.close());
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.context.closed ?? false;
  }

  /**
   * Closes it, after what was written to it has gone out. In a coroutine that was cancelled, what was written to it is cut
   * off.
   */
  close(): void {
    this.#owned.end(runningDriver()?.isClosing ?? false);
  }

  /** As {@linkcode Opened.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

class OwnedContext implements Owned {
  scope: Scope | undefined;

  constructor(readonly context: Context, readonly reactor: Reactor) {}

  end(isCut: boolean): void {
    this.scope?.disown(this);
    const channel = Channel.of(this.context);
    if (isCut && channel.written || channel.isBroken) channel.abort();
    else channel.close(this.reactor);
  }
}
