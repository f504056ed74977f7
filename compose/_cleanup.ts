import type { Coroutine } from "./coroutine.ts";
import { PROBE } from "./_frame.ts";
import { next } from "./_generator.ts";
import { linesOf } from "./_traceback.ts";

/** The line where a coroutine stands in `yield*`, and those of its callers by native `yield*`; the innermost first. */
export function standing(coroutine: Coroutine): string[] {
  next.call(coroutine, PROBE);
  return linesOf(PROBE);
}

/**
 * Watches a coroutine that is being closed while it stands upon others by native `yield*`. JavaScript lets a caller go on,
 * as if nothing had been, when the callee has waited in its `finally` (ECMA-262, 14.4.14 `yield*`, received a return
 * completion). As long as the cleanup lasts, the callers stand where they stood. This is known only of who stands in
 * `yield* request`.
 */
export class Cleanup {
  /** Where all stood when the close began. */
  readonly #before: string[];
  /** Those callers that had not begun their own cleanup when the first wait did. */
  #callers: string[] | undefined;

  constructor(before: string[]) {
    this.#before = before;
  }

  /** Whether a caller has gone on, so that it must be closed itself; by where all stand now. */
  hasGoneOn(now: string[]): boolean {
    if (now.join() === this.#before.join()) return true; // It has called the same again.
    if (this.#callers === undefined) {
      this.#callers = commonEnd(this.#before, now);
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
 * Thrown into a coroutine that was closed and has gone on, for an error is not lost by native `yield*` as a close is. It
 * ends there.
 */
export class GoneOn extends Error {
  override readonly name = "GoneOn";

  constructor() {
    super(
      "Cannot go on: the coroutine was closed; write yield* call(sub()), not yield* sub(), for what waits in its finally",
    );
  }
}
