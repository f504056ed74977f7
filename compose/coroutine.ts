/**
 * A coroutine: a generator that asks for data with a bare `yield` and hands out data with `yield data`.
 *
 * `R` is the type of what it returns. What it yields is `unknown` to whoever drives it, and what its
 * `yield`s give is `any`, because TypeScript knows one type for all of a generator's `yield`s.
 */
// deno-lint-ignore no-explicit-any
export type Coroutine<R = unknown> = Generator<unknown, R, any>;
