import type { Gio } from "./gio.ts";
import { Operation } from "./operation.ts";

class Wait<T> extends Operation<T> {
  readonly #promise: PromiseLike<T>;

  constructor(promise: PromiseLike<T>) {
    super();
    this.#promise = promise;
  }

  override start(gio: Gio): void {
    this.#promise.then((value) => gio.resume(this, value), (error) => gio.fail(this, error));
  }
}

/**
 * Waits for a promise: `const value = yield* wait(promise)`, so every Deno and npm API works in a coroutine.
 *
 * A rejection is thrown at the `yield*`. If the coroutine is cancelled first, what becomes of the promise is
 * ignored; give what makes the promise an `AbortSignal` if it should stop as well.
 *
 * @typeParam T What the promise resolves to.
 * @param promise What to wait for.
 * @returns The operation to `yield*`, which gives the value.
 *
 * @example Hashing in the middle of a protocol
 * ```ts
 * import { asProcess, wait } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * const size = await asProcess(function* () {
 *   const digest = yield* wait(crypto.subtle.digest("SHA-256", new Uint8Array(10)));
 *   return digest.byteLength;
 * }());
 * assertEquals(size, 32);
 * ```
 */
export function wait<T>(promise: PromiseLike<T>): Operation<T> {
  return new Wait(promise);
}
