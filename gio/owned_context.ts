import type { Context } from "./context.ts";
import { currentGio } from "./gio.ts";

/**
 * A context that a coroutine has opened itself, with {@linkcode open} for example, and that has to be closed.
 *
 * There are two ways to use one. `using _ = open(path).enter()` hands it over to the block: leaving the block closes it.
 * `using file = open(path)` keeps it, to be entered again and again with `using _ = enter(file)`, and closes it at the end
 * of the scope it was opened in. Either way, it does not outlive the coroutine that opened it.
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
export class OwnedContext implements Context, Disposable {
  readonly #context: Context;

  /** Wraps a context. */
  constructor(context: Context) {
    this.#context = context;
  }

  /** Enters it until the end of the block, and closes it then, after what was written has gone out. */
  enter(): Disposable {
    return currentGio("enter()").enter(this, true);
  }

  /** Whether it can be read without blocking. */
  get readable(): boolean {
    return this.#context.readable;
  }

  /** Whether it can be written without blocking. */
  get writable(): boolean {
    return this.#context.writable;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#context.closed ?? false;
  }

  /** As {@linkcode Context.recv}. */
  recv(): Uint8Array | string | null | undefined {
    return this.#context.recv();
  }

  /** As {@linkcode Context.send}. */
  send(bytes: Uint8Array): number {
    return this.#context.send(bytes);
  }

  /** Closes it, after what was accepted has gone out. */
  close(): void {
    this.#context.close();
  }

  /** Closes it at once. */
  abort(): void {
    if (this.#context.abort !== undefined) this.#context.abort();
    else this.#context.close();
  }

  /** For the reactor. */
  watch(interest: "read" | "write", notify: () => void): void {
    this.#context.watch(interest, notify);
  }

  /** For the reactor. */
  unwatch(interest: "read" | "write"): void {
    this.#context.unwatch(interest);
  }

  /** For messages. */
  describe(): string {
    return this.#context.describe?.() ?? "context";
  }

  /** As {@linkcode OwnedContext.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
