import { describe } from "./_describe.ts";
import { Unusable } from "./_unusable.ts";
import { type Coroutine, isCoroutine } from "./coroutine.ts";

/**
 * The property that marks a coroutine that was started; nothing else tells. With a WeakSet a call
 * would take three times as long.
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

class First extends Unusable {
  override get misuse(): string {
    return "Cannot use this as data: it was sent by a call to a coroutine that had been started by hand; call one that has not";
  }
}

/**
 * What a coroutine is sent first. A coroutine that has not been started ignores it, as any
 * generator does. One that was started by hand takes it for data, and fails when it uses them.
 * Nothing else tells the two apart.
 */
export const FIRST: Unusable = new First();

/** Marks what a generator function has made, and returns it; for functions that wrap one. */
export function started<C extends Coroutine>(coroutine: C): C {
  if (!isCoroutine(coroutine)) {
    throw new TypeError(
      `Cannot start ${describe(coroutine)}: give a generator function`,
    );
  }
  start(coroutine);
  return coroutine;
}

/** Gives a function that wraps another one the name of that. */
export function named<F>(wrapper: F, { name }: { readonly name: string }): F {
  return Object.defineProperty(wrapper, "name", { value: name, configurable: true });
}
