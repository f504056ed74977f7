import { PROBE } from "./_frame.ts";
import { captured, noteCaller } from "./_traceback.ts";

/**
 * A request to whoever drives the coroutine, as against data: wait for a promise, sleep, suspend.
 *
 * `const r = yield* command` yields the command itself, once, and gives its `result`, which the driver has set before it
 * resumes the coroutine with `undefined`. A driver throws into the coroutine what went wrong. Compose lets commands pass
 * like any value; a pipe passes them outwards, not to the next stage.
 *
 * @typeParam R What `yield*` gives.
 *
 * @example A driver that knows one command
 * ```ts
 * import { Command, compose, type Coroutine } from "@weightless/io/compose";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * class Random extends Command<number> {}
 *
 * function* main(): Coroutine<number> {
 *   return 2 * (yield* new Random());
 * }
 *
 * const composed = compose(main());
 * const { value: command } = composed.next();
 * assertInstanceOf(command, Random);
 * command.result = 21;
 * assertEquals(composed.next().value, 42);
 * ```
 */
export abstract class Command<R = void> implements Iterator<Command<R>, R> {
  /** What `yield*` gives; the driver sets it. */
  declare result: R;
  #asked = false;

  /** Whether a `yield*` waits for it: what is yielded without the star has nobody to give its result to. */
  get isAsked(): boolean {
    return this.#asked;
  }

  /**
   * For `yield*`.
   *
   * @throws {TypeError} If another `yield*` waits for it.
   */
  [Symbol.iterator](): this {
    if (this.#asked) {
      throw new TypeError(
        `Cannot wait for the same ${this.constructor.name} twice at once: make a new one for each yield*`,
      );
    }
    return this;
  }

  /** For `yield*`: yields itself, then ends with the result. */
  next(message?: unknown): IteratorResult<Command<R>, R> {
    if (!this.#asked) this.#asked = true;
    else if (message === PROBE) captured(PROBE, this.next);
    else {
      this.#asked = false;
      return { done: true, value: this.result };
    }
    return { done: false, value: this };
  }

  /** For `yield*`: lets an error of the driver into the coroutine, and adds the line to its traceback. */
  throw(error: unknown): IteratorResult<Command<R>, R> {
    this.#asked = false;
    noteCaller(error, this.throw);
    throw error;
  }

  /** For `yield*`: the coroutine is closed, and waits no more. */
  return(value: R): IteratorResult<Command<R>, R> {
    this.#asked = false;
    return { done: true, value };
  }
}
