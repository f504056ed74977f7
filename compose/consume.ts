import { run } from "./_run.ts";
import type { Coroutine } from "./coroutine.ts";

/**
 * Runs a coroutine to its end. What it yields and returns is dropped.
 *
 * @param coroutine A coroutine; it is composed.
 * @param input What its bare `yield`s read, one value each. After the last one they throw
 * {@linkcode EndOfStream}.
 * @throws {TypeError} If it is not a coroutine.
 * @throws What the coroutine throws; an {@linkcode EndOfStream} is not caught either.
 *
 * @example Running for the effect
 * ```ts
 * import { consume, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 *
 * function* write(): Coroutine {
 *   log.push(yield);
 *   yield "ok";
 * }
 *
 * consume(write(), ["entry"]);
 * assertEquals(log, ["entry"]);
 * ```
 *
 * @category Running
 */
export function consume(coroutine: Coroutine, input: readonly unknown[] = []): void {
  run(coroutine, input, () => {});
}
