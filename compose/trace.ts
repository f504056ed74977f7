import { Composed, positionOf } from "./compose.ts";
import { type Coroutine, isCoroutine } from "./coroutine.ts";
import { standing } from "./_cleanup.ts";
import { describe } from "./_describe.ts";
import { isWhole, linesOf, runBy } from "./_traceback.ts";

/** How many frames are looked at first, because each takes time. */
const FEW_FRAMES = 4;

/** How many coroutines are shown; of more, only the number is told. */
const MAX_SHOWN = 100;

/**
 * Where a coroutine stands: a line for each coroutine on its stack, the topmost first, as in the
 * stack of an error, of 100 coroutines at most. The coroutines do not notice. For a pipe there are the lines of its stages, the
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
  let shown = 0;
  for (; frame !== undefined; frame = frame.caller, shown++) {
    if (shown >= MAX_SHOWN) continue;
    for (const other of runBy(frame.coroutine)) lines.push(...trace(other));
    lines.push(...waits ? linesWhere(frame.coroutine) : linesOf(frame.coroutine));
    waits = frame.asked;
  }
  return shown > MAX_SHOWN ? [...lines, `    ... ${shown - MAX_SHOWN} more callers`] : lines;
}

/** The lines of a coroutine that stands in `yield*`. */
function linesWhere(coroutine: Coroutine): string[] {
  const few = standing(coroutine, FEW_FRAMES);
  return linesOf(isWhole(few) ? few : standing(coroutine));
}
