import { describe } from "../_describe.ts";
import type { Interest, Selectable } from "../selectable.ts";

/**
 * Of those who wait for a socket only one is told. So one transfer reads it at a time, and one writes, and meanwhile it has
 * no reader, or writer.
 */
const taken = { read: new WeakSet<object>(), write: new WeakSet<object>() };

/** What can tell whether somebody waits for it, as sockets can. */
interface Watched {
  isWatched?(interest: Interest): boolean;
}

/** Takes a selectable for a transfer. */
export function take(end: Selectable & Watched, interest: Interest): void {
  const who = interest === "read" ? "reader" : "writer";
  const why = taken[interest].has(end)
    ? "another transfer does, wait for that first"
    : end.isWatched?.(interest)
    ? `it has a ${who}, remove that first; in gio, yield* the transfer`
    : undefined;
  if (why !== undefined) {
    const where = `${interest === "read" ? "from" : "to"} ${describe(end)}`;
    throw new TypeError(`Cannot transfer ${where}: ${why}`);
  }
  taken[interest].add(end);
}

/** The transfer is over. */
export function giveBack(end: Selectable, interest: Interest): void {
  taken[interest].delete(end);
}

/** Whether a transfer has it. */
export function isTaken(end: Selectable, interest: Interest): boolean {
  return taken[interest].has(end);
}
