import type { Interest, Selectable } from "./selectable.ts";

type Notify = () => void;

/**
 * The callbacks of a selectable that may become ready: at most one for reading and one for writing.
 */
export class Waiters {
  read: Notify | undefined = undefined;
  write: Notify | undefined = undefined;

  /**
   * Sets the callback and replaces the one before. Calls it at once if `of` is ready.
   *
   * @returns Whether it has to wait.
   */
  add(of: Selectable, interest: Interest, notify: Notify): boolean {
    this[interest] = notify;
    const ready = interest === "read" ? of.readable : of.writable;
    if (ready) notify();
    return !ready;
  }

  /** Calls both after an event that concerns both, such as a close. */
  tellBoth(): void {
    this.read?.();
    this.write?.();
  }
}
