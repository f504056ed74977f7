import { type Composed, positionOf } from "./compose.ts";
import { standing } from "./_cleanup.ts";
import { linesOf } from "./_traceback.ts";

/**
 * Where a composed coroutine stands: a line for each coroutine on its stack, the topmost first, as in the stack of an
 * error. The coroutines do not notice.
 *
 * The line of a coroutine that stands at `yield* call()` or `yield* request` is known; of others the name only.
 *
 * @param composed What to look at.
 * @returns The lines; none if it has ended, or was called by another composed coroutine.
 *
 * @example What waits for what
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
 * assertEquals(inner, "    at read (line unknown)");
 * assertMatch(outer!, /at main .*:\d+:\d+/);
 * ```
 */
export function trace(composed: Composed): string[] {
  const lines: string[] = [];
  let [frame, waits] = positionOf(composed);
  for (; frame !== undefined; frame = frame.caller) {
    const coroutine = frame.coroutine;
    lines.push(...linesOf(waits ? standing(coroutine) : coroutine));
    waits = frame.asked;
  }
  return lines;
}
