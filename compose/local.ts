import { bindingsWith, currentFrame } from "./compose.ts";

/**
 * A variable of the running coroutine and of all that it calls, however deep. It need not be passed
 * on.
 *
 * It is bound in the frame of the coroutine that sets it, and the binding is gone when that
 * coroutine ends. Plain functions that coroutines call see it, too, and so do composed coroutines
 * that these run.
 *
 * @typeParam T What it holds.
 *
 * @example The user of a request
 * ```ts
 * import { call, compose, type Coroutine, Local } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * const user = new Local<string>();
 *
 * function* greet(): Coroutine<string> {
 *   return `Hello, ${user.get()}!`;
 * }
 * function* request(): Coroutine<string> {
 *   user.set("Ada");
 *   return yield* call(greet());
 * }
 *
 * assertEquals(compose(request()).next().value, "Hello, Ada!");
 * ```
 *
 * @category Calling
 */
export class Local<T> {
  /**
   * Binds a value in the coroutine that is running.
   *
   * @param value What to bind.
   * @throws {TypeError} If no composed coroutine is running.
   */
  set(value: T): void {
    const frame = currentFrame();
    if (frame === undefined) {
      throw new TypeError(
        "Cannot set a Local here: no composed coroutine is running; set it in a coroutine that compose() or gio() runs",
      );
    }
    (frame.bindings ??= new Map()).set(this, value);
  }

  /**
   * The value that is bound nearest: by the running coroutine, its caller, and so on.
   *
   * @returns The value.
   * @throws {ReferenceError} If there is none.
   */
  get(): T {
    const bindings = bindingsWith(this);
    if (bindings === undefined) {
      throw new ReferenceError(
        "Cannot get a Local that is not set: set it in this coroutine or one of its callers",
      );
    }
    return bindings.get(this) as T;
  }
}
