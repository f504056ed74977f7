/**
 * Decides which stream sends next (RFC 9218 10).
 *
 *  1. A stream of a lower number of urgency goes first.
 *  2. Streams of the same urgency take turns, a frame each, so that a large answer does not delay small
 *     ones. This is so for streams that are incremental, and for those without a priority.
 *  3. A stream with a priority that is not incremental is sent to its end before those behind it.
 */
import type { H2Stream } from "./_stream.ts";

const LEVELS = 8;

export class Scheduler {
  /** The streams that have something to send, by urgency. It is made when the first has. */
  #lines: H2Stream[][] | undefined = undefined;
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  add(stream: H2Stream): void {
    if (stream.isInLine) return;
    stream.isInLine = true;
    this.#lines ??= Array.from({ length: LEVELS }, () => []);
    this.#lines[stream.urgency]!.push(stream);
    this.#count++;
  }

  remove(stream: H2Stream): void {
    if (!stream.isInLine) return;
    stream.isInLine = false;
    const line = this.#lines![stream.urgency]!;
    line.splice(line.indexOf(stream), 1);
    this.#count--;
  }

  /**
   * The stream that sends next; undefined if none has anything to send. If the window of the connection
   * is shut, it is one that has only its end to send, which needs no window.
   */
  next(isShut: boolean): H2Stream | undefined {
    if (this.#count === 0) return undefined;
    for (const line of this.#lines!) {
      const next = isShut ? line.find(({ queued }) => queued === 0) : line[0];
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /** The first one of its line has sent a frame, and has more to send. */
  turn(stream: H2Stream): void {
    const line = this.#lines![stream.urgency]!;
    if (line.length > 1 && !stream.isSequential) line.push(line.shift()!);
  }
}
