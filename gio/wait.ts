import { shown } from "../reactor/_describe.ts";
import { ignore } from "../reactor/_ignore.ts";
import { isCoroutine, isRequest, Request, type Waiter } from "../compose/mod.ts";

class Wait<T> extends Request<T> {
  readonly #promise: PromiseLike<T>;

  // It may reject before the coroutine waits for it, which must not be an unhandled rejection.
  constructor(promise: PromiseLike<T>) {
    super();
    this.#promise = promise;
    promise.then(undefined, ignore);
  }

  override begin(waiter: Waiter<T>): void {
    this.#promise.then((value) => waiter.resume(value), (error) => waiter.fail(error));
  }
}

/**
 * Waits for a promise: `const value = yield* wait(promise)`. So every API of Deno and npm can be
 * used in a coroutine.
 *
 * A rejection is thrown at the `yield*`. If the coroutine is cancelled first, the promise is
 * ignored. Give an `AbortSignal` to the API that makes the promise if that should stop as well.
 *
 * @typeParam T What the promise resolves to.
 * @param promise What to wait for.
 * @returns The request to `yield*`, which gives the value.
 * @throws {TypeError} If it is not a promise.
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
 *
 * @category Waiting
 */
export function wait<T>(promise: PromiseLike<T>): Request<T> {
  if (typeof promise?.then !== "function") {
    let instead = "give a promise, wait(f()), not wait(f)";
    if (isCoroutine(promise)) instead = "it is a coroutine, call it by yield* call(sub())";
    else if (isRequest(promise)) instead = "it is a request, give it to yield* without wait()";
    throw new TypeError(`Cannot wait for ${shown(promise)}: ${instead}`);
  }
  return new Wait(promise);
}
