import { Composed } from "../compose/mod.ts";
import { runs } from "../compose/_traceback.ts";
import { Plumbing, type Stage } from "./_plumbing.ts";

export type { Stage };

/**
 * Coroutines that are joined to one by {@linkcode pipe}. A pipe can be changed while it runs,
 * between two items.
 *
 * Positions count from 0. A stage that is replaced or removed finishes what it is doing, gets
 * EndOfStream at its next read, and may still yield what it has left. The items that it has not
 * read go to the new stage. So no item is lost or read twice. A stage may change its own pipe.
 *
 * @typeParam R What the last stage returns.
 *
 * @example Changing a pipe while it runs
 * ```ts
 * import { map, pipe } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * const numbers = pipe(map((n: number) => n + 1), map((n: number) => n * 10));
 * numbers.next();
 * assertEquals(numbers.next(1).value, 20);
 * numbers.replace(1, map((n: number) => n * 100));
 * numbers.next();
 * assertEquals(numbers.next(1).value, 200);
 * ```
 *
 * @category Pipelines
 */
export class Pipe<R = unknown> extends Composed<R> {
  readonly #plumbing: Plumbing<R>;

  /**
   * Joins stages; {@linkcode pipe} is the usual way.
   *
   * @param stages The stages, in the order in which data flow.
   * @throws {TypeError} If there are no stages, or one is not a coroutine or a function that makes
   * one.
   */
  constructor(stages: Stage[]) {
    const plumbing = new Plumbing<R>(stages);
    super(runs(plumbing.run(), () => plumbing.stages()));
    this.#plumbing = plumbing;
  }

  /** How many stages there are. */
  get length(): number {
    return this.#plumbing.length;
  }

  /**
   * Puts a stage before the one that is at `index`, or at the end if `index` is the
   * {@linkcode Pipe.length}.
   *
   * @param index Where.
   * @param stage A coroutine, or a function that makes one.
   * @throws {RangeError} If there is no such place.
   */
  insert(index: number, stage: Stage): void {
    this.#plumbing.insert(index, stage);
  }

  /**
   * Puts a stage in the place of the one at `index`.
   *
   * @param index Which stage.
   * @param stage A coroutine, or a function that makes one.
   * @throws {RangeError} If there is no such stage.
   */
  replace(index: number, stage: Stage): void {
    this.#plumbing.replace(index, stage);
  }

  /**
   * Takes out the stage at `index`.
   *
   * @param index Which stage.
   * @throws {RangeError} If there is no such stage, or no other.
   */
  remove(index: number): void {
    this.#plumbing.remove(index);
  }
}

/**
 * Joins coroutines to one. Each reads what the one before it yields.
 *
 * The pipe reads what the first stage reads, yields what the last yields, and returns what the last
 * returns. It is a coroutine like any other: it can be a stage of another pipe, be called by a
 * coroutine, or be run by gio. Stages are composed, so they may call others. A stage may be given
 * as a function that makes it.
 *
 * - **Demand.** A stage runs when the one after it wants data. Nothing is buffered between stages.
 * - **Ends.** When a stage has ended, the next one gets EndOfStream at each of its reads, and ends
 *   quietly if it does not catch it. The stages before are closed. The pipe ends when the last
 *   stage does. What the first stage pushed back is pushed back by the pipe.
 * - **Errors.** An error of a stage, or a `return()`, closes all stages, from the last to the
 *   first. Their `finally`s run to their end. An error that the driver throws in goes to the stage
 *   that waits for the driver.
 * - **Requests** of a stage go to the driver, and its answer to the stage.
 *
 * @typeParam R What the last stage returns.
 * @param stages The coroutines, or functions that make them, in the order in which data flow.
 * @returns The pipe, which is a coroutine.
 * @throws {TypeError} If there are no stages, or one is not a coroutine or a function that makes
 * one.
 *
 * @example Stages of your own
 * ```ts
 * import { pipe } from "@weightless/io/pipeline";
 * import type { Coroutine } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* words(): Coroutine<void> {
 *   for (;;) {
 *     const line: string = yield;
 *     yield* line.split(" ");
 *   }
 * }
 * function* longest(): Coroutine<void> {
 *   for (let length = 0;;) {
 *     const word: string = yield;
 *     if (word.length > length) yield `${word} ${length = word.length}`;
 *   }
 * }
 *
 * const pipeline = pipe(words(), longest());
 * assertEquals(pipeline.next().value, undefined); // wants data
 * assertEquals(pipeline.next("no news is good news").value, "no 2");
 * assertEquals(pipeline.next().value, "news 4");
 * assertEquals(pipeline.next().value, undefined); // wants more
 * ```
 *
 * @category Pipelines
 */
export function pipe<R>(...stages: [...Stage[], Stage<R>]): Pipe<R>;
/**
 * The same for stages in an array, whose types are not known one by one.
 *
 * @param stages The coroutines, or functions that make them, in the order in which data flow.
 * @returns The pipe, which is a coroutine.
 * @throws {TypeError} If there are no stages, or one is not a coroutine or a function that makes
 * one.
 */
export function pipe(...stages: Stage[]): Pipe;
export function pipe(...stages: Stage[]): Pipe {
  return new Pipe(stages);
}
