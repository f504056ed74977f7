import type { Coroutine } from "./coroutine.ts";

/** The class of all generators, which JavaScript has but does not name; what extends it is a generator as well. */
export const AnyGenerator: { new <R>(): Coroutine<R>; prototype: Coroutine } =
  function () {} as never;
AnyGenerator.prototype = Object.getPrototypeOf(function* () {}).prototype;

/*
 * How to resume a generator. Looking the methods up in each generator would miss V8's caches in any program that has more
 * than a few generator functions, because their generators are of different shapes, and take three times as long.
 */
export const next: Coroutine["next"] = AnyGenerator.prototype.next;
export const raise: Coroutine["throw"] = AnyGenerator.prototype.throw;
export const close: Coroutine["return"] = AnyGenerator.prototype.return;
