/**
 * Thrown by an observer that does not answer this message. The next observer is asked.
 *
 * @example Answering some requests only
 * ```ts
 * import { be, DeclineMessage, Observable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * class Even {
 *   classify(n: number): string {
 *     if (n % 2) throw new DeclineMessage();
 *     return "even";
 *   }
 * }
 * class Odd {
 *   classify(): string {
 *     return "odd";
 *   }
 * }
 *
 * const root = be([new Observable(), [new Even()], [new Odd()]]);
 * assertEquals(root.call.classify(2), "even");
 * assertEquals(root.call.classify(3), "odd");
 * ```
 *
 * @category Components
 */
export class DeclineMessage extends Error {
  /** The name of the class. */
  override readonly name = "DeclineMessage";
}
