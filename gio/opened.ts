import type { Reactor } from "../reactor/mod.ts";
import { Channel } from "./_channel.ts";
import type { Context } from "./context.ts";
import { currentDriver, type Driver, runningDriver } from "./_driver.ts";
import type { Gio } from "./_gio.ts";
import type { Owned, Scope } from "./_scope.ts";

/**
 * A context that a coroutine has opened, with {@linkcode open} or {@linkcode connectTo}, and that
 * must be closed.
 *
 * There are two ways to use one. `using _ = open(path).enter()` enters it, and closes it at the end
 * of the block. `using file = open(path)` does not enter it: `using _ = enter(file)` can enter it
 * many times. It is closed at the end of the block in which it was opened. In either case it does
 * not outlive the coroutine that has opened it.
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
 *
 * @category Contexts
 */
export class Opened<C extends Context = Context> implements Disposable {
  /** The context itself. */
  readonly context: C;
  readonly #owned: OwnedContext;

  /**
   * For requests that open something.
   *
   * @param gio The coroutine with which it ends. In HTTP it ends with the request that is handled
   * now.
   * @param context What was opened.
   */
  constructor(gio: Gio, context: C) {
    this.context = context;
    this.#owned = new OwnedContext(context, gio.reactor);
    (gio as Driver).own.own(this.#owned);
  }

  /**
   * Enters it until the end of the block, and closes it then, when all has been sent.
   *
   * @returns What leaves and closes it, for `using`.
   * @throws {TypeError} Outside of a coroutine that gio runs.
   */
  enter(): Disposable {
    return currentDriver("enter()").enter(this.context, () => this.close());
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.context.closed ?? false;
  }

  /**
   * Closes it, after what was written to it has been sent. In a coroutine that was cancelled it is
   * closed at once if anything was written, so that its peer sees an error. So it is after a
   * transfer to it that was cut, unless something was written since.
   */
  close(): void {
    this.#owned.end(runningDriver()?.isClosing ?? false);
  }

  /** As {@linkcode Opened.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A context that is to be closed, and ends with the scope that it belongs to. */
export class OwnedContext implements Owned {
  scope: Scope | undefined;

  constructor(readonly context: Context, readonly reactor: Reactor) {}

  end(isCut: boolean): void {
    this.scope?.disown(this);
    const channel = Channel.of(this.context);
    if (isCut && channel.written || channel.isPart || channel.isBroken) channel.abort();
    else channel.close(this.reactor);
  }
}
