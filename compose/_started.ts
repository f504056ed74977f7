import type { Coroutine } from "./coroutine.ts";

/** A property, because a WeakSet would make a call take three times as long. */
const STARTED: unique symbol = Symbol("started");

/** Marks a coroutine, which nothing else tells from one that has not been started; returns false if it was marked before. */
export function start(coroutine: Coroutine & { [STARTED]?: true }): boolean {
  if (coroutine[STARTED] === true) return false;
  return coroutine[STARTED] = true;
}
