import { AnyGenerator } from "../compose/_generator.ts";

/**
 * Something that goes on in the place of a coroutine of gio. It is used as a generator, but is an object of
 * its own: a generator, and what composes it, would take 500 bytes more.
 */
export abstract class Successor extends AnyGenerator<void> {
  /** What it has pushed back. */
  abstract rest: unknown[];
}

/**
 * Goes on with something else in the place of the coroutine that returns this, of which nothing is kept then:
 * `return succeededBy(conversation)`. The coroutine must be all that its driver runs.
 *
 * @returns What to return.
 */
export function succeededBy(successor: Successor): void {
  return successor as never;
}
