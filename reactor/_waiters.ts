import type { Interest, Selectable } from "./selectable.ts";

type Notify = () => void;

/** Who is to be told that a selectable may have become ready: at most one who reads, and one who writes. */
export class Waiters {
  read: Notify | undefined = undefined;
  write: Notify | undefined = undefined;

  /** `notify` takes the place of the one before, and is told at once if `of` is ready. Gives whether it has to wait. */
  add(of: Selectable, interest: Interest, notify: Notify): boolean {
    this[interest] = notify;
    const ready = interest === "read" ? of.readable : of.writable;
    if (ready) notify();
    return !ready;
  }

  /** For what concerns both: that it was closed, that it broke. */
  tellBoth(): void {
    this.read?.();
    this.write?.();
  }
}
