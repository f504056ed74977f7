import { describe } from "./_describe.ts";
import { type Coroutine, isCoroutine } from "./coroutine.ts";

/**
 * The property that marks a coroutine which was started, as nothing else tells it from one that was not. A WeakSet would
 * make a call take three times as long.
 */
export const STARTED: unique symbol = Symbol("started");

/** A coroutine, marked or not. */
export type Markable = Coroutine & { [STARTED]?: true };

/** Marks a coroutine; returns whether it was not marked before. */
export function start(coroutine: Markable): boolean {
  if (coroutine[STARTED] !== undefined) return false;
  coroutine[STARTED] = true;
  return true;
}

/** For functions that wrap a generator function: what that has made, marked. */
export function started<C extends Coroutine>(coroutine: C): C {
  if (!isCoroutine(coroutine)) {
    throw new TypeError(
      `Cannot start ${describe(coroutine)}: give a generator function`,
    );
  }
  start(coroutine);
  return coroutine;
}
