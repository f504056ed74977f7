import type { Coroutine } from "./coroutine.ts";
import { Probe } from "./_frame.ts";
import { next } from "./_generator.ts";
import { linesOf } from "./_traceback.ts";

/** Where a coroutine stands in `yield*`. Its lines cost much more than this: see {@linkcode linesOf}. */
export function standing(coroutine: Coroutine): Probe {
  const probe = new Probe();
  next.call(coroutine, probe);
  return probe;
}

/**
 * Watches a coroutine that is being closed while it stands upon others by native `yield*`. JavaScript lets a caller go on,
 * as if nothing had been, when the callee has waited in its `finally` (ECMA-262, 14.4.14 `yield*`, received a return
 * completion). As long as the cleanup lasts, the callers stand where they stood. This is known only of who stands in
 * `yield* request`.
 */
export class Cleanup {
  /** Where all stood when the close began: the innermost first. */
  readonly #before: Probe;
  /** Those callers that had not begun their own cleanup when the first wait did. */
  #callers: string[] | undefined;

  constructor(before: Probe) {
    this.#before = before;
  }

  /** Whether a caller has gone on, so that it must be closed itself; by where all stand now. */
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
