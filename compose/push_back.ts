import { Unusable } from "./_unusable.ts";

/**
 * What pushBack() really returns. Compose takes it apart; where nobody has done so, any use of it
 * is an error.
 */
export class PushBack extends Unusable {
  readonly returned: unknown;
  readonly unread: unknown[];

  constructor(value: unknown, rest: unknown[]) {
    super();
    this.returned = value;
    this.unread = rest;
  }

  override get misuse(): string {
    return "Cannot use what pushBack() returned: call the coroutine with yield* call(sub()), not yield* sub()";
  }
}

/**
 * Returns a value from a coroutine, and gives back input that it has read and does not need:
 * `return pushBack(value, ...rest)`.
 *
 * The caller gets `value`. The next bare `yield`s read `rest`, in this order, before anything is
 * asked from outside. What is left when the outermost coroutine has ended is in
 * {@linkcode Composed.rest}.
 *
 * Only compose, a pipe and gio understand it. So call such a coroutine by `yield* call(word())`;
 * all readers of this module are such coroutines. `yield* word()` gives an object that is not the
 * value, and that throws a TypeError when it is used.
 *
 * @typeParam T The type of `value`.
 * @param value What the caller gets.
 * @param rest What goes back into the input.
 * @returns What to return. To TypeScript it is of the type of `value`.
 *
 * @example Reading up to a space
 * ```ts
 * import { call, compose, type Coroutine, pushBack } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* word(): Coroutine<string> {
 *   const text: string = yield;
 *   const space = text.indexOf(" ");
 *   return pushBack(text.slice(0, space), text.slice(space + 1));
 * }
 * function* request(): Coroutine {
 *   const method = yield* call(word());
 *   const path = yield;
 *   return { method, path };
 * }
 *
 * const reading = compose(request());
 * reading.next();
 * assertEquals(reading.next("GET /index.html").value, { method: "GET", path: "/index.html" });
 * ```
 *
 * @category Calling
 */
export function pushBack<T>(value: T, ...rest: unknown[]): T {
  return new PushBack(value, rest) as T;
}
