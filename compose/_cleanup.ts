import type { Coroutine } from "./coroutine.ts";
import { Probe } from "./_frame.ts";
import { next } from "./_generator.ts";
import { linesOf, MAX_FRAMES } from "./_traceback.ts";

/**
 * Captures where a coroutine stands in `yield*`. {@linkcode linesOf} makes lines of it, which costs
 * much more, for each frame.
 */
export function standing(coroutine: Coroutine, depth: number = MAX_FRAMES): Probe {
  const probe = new Probe(depth);
  next.call(coroutine, probe);
  return probe;
}

/**
 * Watches a coroutine that is being closed while it stands in a native `yield*`. When the callee
 * waits in its `finally`, JavaScript forgets the close and lets the caller go on (ECMA-262, 14.4.14
 * `yield*`, received a return completion). As long as the callee cleans up, its callers stand at
 * the same lines; when these change, a caller has gone on. The lines are known only while the
 * callee stands in `yield* request`.
 */
export class Cleanup {
  /** The lines where all stood when the close began, the innermost first. */
  readonly #before: Probe;
  /** The lines of the callers that had not begun to clean up when the callee first waited. */
  #callers: string[] | undefined;

  constructor(before: Probe) {
    this.#before = before;
  }

  /**
   * Whether a caller has gone on and must be closed as well.
   *
   * @param probe Where all stand now.
   */
  hasGoneOn(probe: Probe): boolean {
    const before = linesOf(this.#before);
    if (before.length === 1) return false; // It has no such callers.
    const now = linesOf(probe);
    if (now.join() === before.join()) return true; // It has called the same again.
    if (this.#callers === undefined) {
      this.#callers = commonEnd(before, now);
      return false;
    }
    return commonEnd(this.#callers, now).length < this.#callers.length;
  }
}

function commonEnd(a: string[], b: string[]): string[] {
  let length = 0;
  while (length < a.length && a.at(-1 - length) === b.at(-1 - length)) length++;
  return a.slice(a.length - length);
}

/**
 * Ends a coroutine that was closed and has gone on: native `yield*` does not lose an error, as it
 * does a close.
 */
export class GoneOn extends Error {
  override readonly name = "GoneOn";

  constructor() {
    super(
      "Cannot go on: the coroutine was closed; write yield* call(sub()), not yield* sub(), for what waits in its finally",
    );
  }
}
