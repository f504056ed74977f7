/** As Coroutine, whose file needs this one. */
// deno-lint-ignore no-explicit-any
type AGenerator<R = unknown> = Generator<unknown, R, any>;

/** The class of all generators, which JavaScript has but does not name; what extends it is a generator as well. */
export const AnyGenerator: { new <R>(): AGenerator<R>; prototype: AGenerator } =
  function () {} as never;
AnyGenerator.prototype = Object.getPrototypeOf(function* () {}).prototype;

/*
 * How to resume a generator. Looking the methods up in each generator would miss V8's caches in any program that has more
 * than a few generator functions, because their generators are of different shapes, and take three times as long.
 */
export const next: AGenerator["next"] = AnyGenerator.prototype.next;
export const raise: AGenerator["throw"] = AnyGenerator.prototype.throw;
export const close: AGenerator["return"] = AnyGenerator.prototype.return;
