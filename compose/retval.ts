import { run } from "./_run.ts";
import type { Coroutine } from "./coroutine.ts";

/**
 * Runs a coroutine to its end and returns what it returns. What it yields is dropped.
 *
 * @typeParam R What it returns.
 * @param coroutine A coroutine; it is composed.
 * @param input What its bare `yield`s read, one value each. After the last one they throw
 * {@linkcode EndOfStream}.
 * @returns What it returns.
 * @throws {TypeError} If it is not a coroutine.
 * @throws What the coroutine throws; an {@linkcode EndOfStream} is not caught either.
 *
 * @example What a reader makes of its input
 * ```ts
 * import { readUntil, retval } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(retval(readUntil("."), ["A senten", "ce. And another."]), "A sentence");
 * ```
 *
 * @category Running
 */
export function retval<R>(coroutine: Coroutine<R>, input: readonly unknown[] = []): R {
  return run(coroutine, input, () => {});
}
