/**
 * A coroutine: a generator that asks for data with a bare `yield` and hands out data with `yield data`.
 *
 * What it yields is `unknown` to whoever drives it, and what its `yield`s give is `any`, because TypeScript knows one
 * type for all of a generator's `yield`s. `R` is the type of what it returns: `any` unless said, so that `Coroutine`
 * alone stands for each of them, and for one that returns nothing.
 */
// deno-lint-ignore no-explicit-any
export type Coroutine<R = any> = Generator<unknown, R, any>;
