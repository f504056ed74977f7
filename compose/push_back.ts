/** What `return pushBack(...)` really returns; compose takes it apart. */
export class PushBack {
  constructor(readonly value: unknown, readonly rest: unknown[]) {}
}

/**
 * Returns a value and puts data back into the input: `return pushBack(value, ...rest)`.
 *
 * The caller gets `value`. The next bare `yield`s, of whichever coroutine, get `rest`, in this order, before anything is
 * asked from outside. What is left when the outermost coroutine ends is in {@linkcode Composed.rest}.
 *
 * It means something only as what a coroutine returns to compose.
 *
 * @typeParam T The type of the value.
 * @param value What the caller gets.
 * @param rest What was read too much.
 * @returns What is to be returned, typed as the value.
 *
 * @example A line and what came after it
 * ```ts
 * import { call, compose, type Coroutine, pushBack } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* readUntilDot(): Coroutine<string> {
 *   const text: string = yield;
 *   const [sentence = "", rest] = text.split(". ");
 *   return pushBack(sentence, rest);
 * }
 * function* main(): Coroutine<string[]> {
 *   return [yield* call(readUntilDot()), yield];
 * }
 *
 * const composed = compose(main());
 * composed.next();
 * assertEquals(composed.next("First. Second").value, ["First", "Second"]);
 * ```
 */
export function pushBack<T>(value: T, ...rest: unknown[]): T {
  return new PushBack(value, rest) as T;
}
