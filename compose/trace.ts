import { Composed } from "./compose.ts";

/**
 * Where a composed coroutine stands that is not running now: a line for each coroutine on its stack, innermost first, as
 * in the stack of an error. The coroutines do not notice.
 *
 * @param composed What to look at.
 * @returns The lines; `at <unknown>` for one that does not stand at a `yield* call(...)` or `yield* command`.
 * @throws {TypeError} If it is running.
 *
 * @example
 * ```ts
 * import { call, compose, type Coroutine, trace } from "@weightless/io/compose";
 * import { assertEquals, assertMatch } from "@std/assert";
 *
 * function* read(): Coroutine<string> {
 *   return yield;
 * }
 * function* main(): Coroutine<string> {
 *   return yield* call(read());
 * }
 *
 * const composed = compose(main());
 * composed.next();
 * const [inner, outer] = trace(composed);
 * assertEquals(inner, "    at <unknown>");
 * assertMatch(outer!, /at main .*:\d+:\d+/);
 * ```
 */
export function trace(composed: Composed): string[] {
  return Composed.lines(composed);
}
