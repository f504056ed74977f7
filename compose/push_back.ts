import { Unusable } from "./_unusable.ts";

/** What pushBack() returns in truth; compose takes it apart. Where nobody did, any use of it is an error. */
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
 * Returns from a coroutine with input that it has read but does not want: `return pushBack(value, ...rest)`.
 *
 * The caller gets `value`; what is in `rest` is read, in this order, by the next bare `yield`s, before anything is asked
 * from outside. What is left when the outermost coroutine has ended is in {@linkcode Composed.rest}.
 *
 * It means something to compose, a pipe or gio only, and only as what a coroutine returns. So call such a coroutine, as all
 * readers of this module are, by `yield* call(word())`: `yield* word()` gives an object that is not the value, and that
 * throws a TypeError when it is used.
 *
 * @typeParam T The type of `value`.
 * @param value What the caller gets.
 * @param rest What goes back into the input.
 * @returns `value`, as far as TypeScript is concerned.
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
 */
export function pushBack<T>(value: T, ...rest: unknown[]): T {
  return new PushBack(value, rest) as T;
}
