import type { Epoll } from "./_epoll.ts";

/** A thread that has not come back after this may not be there at all, … */
const PATIENCE_MS = 20;
/** … and until it is, epoll is asked this often. */
const LOOK_MS = 2;
const NOTHING = new Uint8Array(0);

/** A thread that was asked for, … */
interface Asked {
  readonly at: number;
  /** … and whether it waits already: "perhaps" is being found out. */
  isThere: "unknown" | "perhaps" | "yes";
}

/** Who has a thread wait. */
export interface Parked {
  /** Whether somebody waits at all. */
  readonly waiting: boolean;
  /** It is time to collect: the thread came back after so many milliseconds, or may not be there, and then nobody knows. */
  onTime(afterMs?: number): void;
}

/**
 * The thread that waits when there is nothing to do.
 *
 * 1. There is one at most. It only says that it is time to collect, so it may stay where it is while somebody else does.
 * 2. When all of Deno's threads are taken, by slow names, say, there is none to wait. Threads take their jobs in order: one that
 *    is given later, and is done, proves that the thread is there. Until then epoll is asked now and then.
 */
export class Parking {
  #epoll: Epoll;
  #parked: Parked;
  #parkedAt = 0;
  #asked: Asked = { at: 0, isThere: "unknown" };
  #guard: ReturnType<typeof setTimeout> | undefined;

  constructor(epoll: Epoll, parked: Parked) {
    this.#epoll = epoll;
    this.#parked = parked;
  }

  /** Has the thread wait. */
  park(): void {
    this.#parkedAt = performance.now();
    if (this.#epoll.park(this.#onBack)) this.#asked = { at: this.#parkedAt, isThere: "unknown" };
    if (this.#asked.isThere !== "yes") this.#setGuard();
  }

  /** Ends its guard; the thread itself is called back by {@linkcode Epoll.close}. */
  close(): void {
    clearTimeout(this.#guard);
  }

  #onBack = (): void => {
    this.#parked.onTime(performance.now() - this.#parkedAt);
    // What there was, nobody may wait for any more.
    if (this.#parked.waiting) this.park();
  };

  #setGuard(): void {
    this.#guard ??= setTimeout(this.#look, this.#isLate ? LOOK_MS : PATIENCE_MS);
  }

  get #isLate(): boolean {
    return performance.now() - this.#asked.at >= PATIENCE_MS;
  }

  #look = (): void => {
    this.#guard = undefined;
    const asked = this.#asked;
    if (asked.isThere === "yes" || !this.#parked.waiting) return;
    if (this.#isLate) {
      if (asked.isThere === "unknown") {
        asked.isThere = "perhaps";
        jobDone().then(() => asked.isThere = "yes");
      }
      this.#parked.onTime();
    }
    if (this.#parked.waiting) this.#setGuard();
  };
}

/** Resolves when a job has been done on one of Deno's threads. They take their jobs in order. */
function jobDone(): Promise<unknown> {
  return crypto.subtle.digest("SHA-1", NOTHING);
}
