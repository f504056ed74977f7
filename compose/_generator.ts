/** The same type as Coroutine, whose file imports this one. */
// deno-lint-ignore no-explicit-any
type AGenerator<R = unknown> = Generator<unknown, R, any>;

/**
 * The class of all generators. JavaScript has it, but gives it no name. What extends it is a
 * generator as well.
 */
export const AnyGenerator: { new <R>(): AGenerator<R>; prototype: AGenerator } =
  function () {} as never;
AnyGenerator.prototype = Object.getPrototypeOf(function* () {}).prototype;

/*
 * The methods that resume a generator. `generator.next()` would take three times as long:
 * generators of different functions have different shapes, and in a program with more than a few of
 * them the look-up of the method misses V8's caches.
 */
export const next: AGenerator["next"] = AnyGenerator.prototype.next;
export const raise: AGenerator["throw"] = AnyGenerator.prototype.throw;
export const close: AGenerator["return"] = AnyGenerator.prototype.return;
