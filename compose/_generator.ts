import type { Coroutine } from "./coroutine.ts";

/** What all generators inherit from: `next`, `return` and `throw`, and below it the iterator helpers and `using`. */
const GeneratorPrototype: object = Object.getPrototypeOf(function* () {}).prototype;

/** A class of which every generator is an instance; what extends it is a generator as well. */
export const GeneratorBase: { new <R>(): Coroutine<R>; prototype: Coroutine } =
  function () {} as unknown as {
    new <R>(): Coroutine<R>;
    prototype: Coroutine;
  };
GeneratorBase.prototype = GeneratorPrototype as Coroutine;
