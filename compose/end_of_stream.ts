/**
 * Options of {@linkcode EndOfStream}.
 *
 * @category Coroutines
 */
export interface EndOfStreamOptions extends ErrorOptions {
  /** What was read before the stream ended, in the chunks that it came in. */
  partial?: readonly unknown[];
}

/**
 * Thrown at a bare `yield` when there is no more input and will be none.
 *
 * `readAll()` catches it and returns. The other readers throw another one that says what is
 * missing, with what they have read in `partial`.
 *
 * @example A coroutine that sums until there is no more
 * ```ts
 * import { compose, type Coroutine, EndOfStream } from "@weightless/io/compose";
 * import { assertEquals } from "@std/assert";
 *
 * function* sum(): Coroutine<number> {
 *   let total = 0;
 *   try {
 *     for (;;) total += yield;
 *   } catch (error) {
 *     if (!(error instanceof EndOfStream)) throw error;
 *   }
 *   return total;
 * }
 *
 * const summing = compose(sum());
 * summing.next();
 * summing.next(1);
 * summing.next(2);
 * assertEquals(summing.throw(new EndOfStream()).value, 3);
 * ```
 *
 * @example What a reader had when the stream ended
 * ```ts
 * import { EndOfStream, readLine, retval } from "@weightless/io/compose";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const error = assertThrows(() => retval(readLine(), ["no ", "newline"]), EndOfStream);
 * assertEquals(error.message, "Cannot read a line: the stream ended after 10 characters");
 * assertEquals(error.partial, ["no ", "newline"]);
 * ```
 *
 * @category Coroutines
 */
export class EndOfStream extends Error {
  /** The name of the class. */
  override readonly name: string = "EndOfStream";
  /**
   * What was read before the stream ended, in the chunks that it came in. Nothing is lost.
   */
  readonly partial: readonly unknown[];

  /**
   * Makes one, usually to be thrown into a coroutine.
   *
   * @param message What was being read.
   * @param options What was read, and the cause.
   */
  constructor(message?: string, options?: EndOfStreamOptions) {
    super(message, options);
    this.partial = options?.partial ?? [];
  }
}
