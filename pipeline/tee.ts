import type { Coroutine } from "../compose/mod.ts";
import { machinery } from "../compose/_machinery.ts";
import { runs } from "../compose/_traceback.ts";
import { fail } from "./_bridge.ts";
import { type Pipe, pipe, type Stage } from "./pipe.ts";
import { close } from "./_plumbing.ts";

/**
 * A stage that gives each item to several stages, one after the other, and yields what any of them
 * yields.
 *
 * An item is read when all stages want one. So the slowest one sets the pace, and nothing is
 * buffered. A stage that has ended gets no more items, and what it pushed back is dropped, because
 * the others may have read it. When all have ended, this one ends. An error of one closes the
 * others, from the last to the first.
 *
 * @typeParam S The stages.
 * @param stages Coroutines, or functions that make them.
 * @returns The stage; it returns an array of what the stages returned.
 * @throws {TypeError} At its start, if one of them is not a coroutine or a function that makes one.
 * @throws The first error of a stage, when the others are closed.
 *
 * @example Counting two things at once
 * ```ts
 * import { type Coroutine, EndOfStream } from "@weightless/io/compose";
 * import { filter, fromIterable, pipe, tee } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * function* count(): Coroutine<void> {
 *   let n = 0;
 *   try {
 *     for (;; n++) yield;
 *   } catch {
 *     yield n;
 *   }
 * }
 *
 * const even = filter((n: number) => n % 2 === 0);
 * const counts = fromIterable([1, 2, 3, 4, 5], tee(count(), pipe(even, count())));
 * assertEquals([...counts], [5, 2]);
 * ```
 *
 * @category Pipelines
 */
export function tee<S extends Stage[]>(
  ...stages: S
): Coroutine<{ [I in keyof S]: S[I] extends Stage<infer R> ? R | undefined : never }> {
  const alive = new Set<Pipe>();
  return runs(teeing(stages, alive) as Coroutine<never>, () => alive);
}

/** @param alive Where it keeps those that have not ended. */
function* teeing(stages: Stage[], alive: Set<Pipe>): Coroutine<unknown[]> {
  const branches = stages.map((stage) => pipe(stage));
  const results: unknown[] = branches.map(() => undefined);
  for (const branch of branches) alive.add(branch);
  /** The first error, which is thrown in the end. */
  let trouble: { error: unknown } | undefined;

  /** Runs one of them until it wants data. */
  function* run(branch: Pipe, method: "next" | "throw", message?: unknown): Coroutine<void> {
    for (;;) {
      const { done, value } = branch[method](message);
      if (done) {
        results[branches.indexOf(branch)] = value;
        alive.delete(branch);
        return;
      }
      if (value === undefined) return;
      method = "next";
      try {
        message = yield value;
      } catch (error) {
        method = "throw";
        message = error;
      }
    }
  }

  /** Closes the stages that are left, also if this is cut off by another close. */
  function* closeAll(): Coroutine<void> {
    try {
      for (const branch of [...alive].reverse()) {
        alive.delete(branch);
        try {
          yield* close(branch, false, true);
        } catch (error) {
          trouble ??= { error };
        }
      }
    } finally {
      if (alive.size > 0) yield* closeAll();
    }
  }

  try {
    for (const branch of branches) yield* run(branch, "next");
    while (alive.size > 0) {
      let method: "next" | "throw" = "next";
      let message: unknown;
      try {
        message = yield;
      } catch (error) {
        method = "throw";
        message = error;
      }
      for (const branch of [...alive]) yield* run(branch, method, message);
    }
    return results;
  } catch (error) {
    trouble = { error };
    throw error;
  } finally {
    try {
      yield* closeAll();
    } finally {
      fail(trouble);
    }
  }
}

machinery(import.meta.url, teeing);
