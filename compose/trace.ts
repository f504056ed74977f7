import { Composed, positionOf } from "./compose.ts";
import { type Coroutine, isCoroutine } from "./coroutine.ts";
import { standing } from "./_cleanup.ts";
import { describe } from "./_describe.ts";
import { linesOf, runBy } from "./_traceback.ts";

/**
 * Where a coroutine stands: a line for each coroutine on its stack, the topmost first, as in the
 * stack of an error. The coroutines do not notice. For a pipe there are the lines of its stages, the
 * first one first.
 *
 * The line is known of a coroutine that stands at `yield* call()` or `yield* request`. Of others,
 * and of a coroutine that is not composed, only the name is known.
 *
 * @param coroutine What to look at.
 * @returns The lines. There are none if it is composed and has ended, or was called by another
 * coroutine.
 * @throws {TypeError} If it is not a coroutine.
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
 *
 * @category Calling
 */
export function trace(coroutine: Coroutine): string[] {
  if (!isCoroutine(coroutine)) {
    throw new TypeError(
      `Cannot trace ${
        describe(coroutine)
      }: give a coroutine, trace(composed), not the function that makes it`,
    );
  }
  if (!(coroutine instanceof Composed)) return linesOf(coroutine);
  const lines: string[] = [];
  let [frame, waits] = positionOf(coroutine);
  for (; frame !== undefined; frame = frame.caller) {
    for (const other of runBy(frame.coroutine)) lines.push(...trace(other));
    lines.push(...linesOf(waits ? standing(frame.coroutine) : frame.coroutine));
    waits = frame.asked;
  }
  return lines;
}
