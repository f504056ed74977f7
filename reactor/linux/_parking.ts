import type { Epoll } from "./_epoll.ts";

/** If the thread has not come back after this time, it may not exist. */
const PATIENCE_MS = 20;
/** How often epoll is asked until the thread is known to exist. */
const LOOK_MS = 2;
const NOTHING = new Uint8Array(0);

/** A request for a thread. */
interface Asked {
  readonly at: number;
  /** Whether the thread waits already. "perhaps" means that this is being found out. */
  isThere: "unknown" | "perhaps" | "yes";
}

/** Uses a {@linkcode Parking}. */
export interface Parked {
  /** Whether somebody waits for events. */
  readonly waiting: boolean;
  /**
   * Called when it is time to collect events.
   *
   * @param afterMs After how many milliseconds the thread came back; `undefined` if it may not
   * exist.
   */
  onTime(afterMs?: number): void;
}

/**
 * The thread that waits when there is nothing to do.
 *
 * 1. There is at most one. It only tells that it is time to collect, so it may stay in its wait
 *    while events are collected.
 * 2. Slow work, such as many look-ups of names, may take all threads of Deno, so that none is left
 *    to wait. Threads take their jobs in order. So when a later job is done, the thread exists.
 *    Until then epoll is asked every few milliseconds.
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

  /** Makes the thread wait. */
  park(): void {
    this.#parkedAt = performance.now();
    if (this.#epoll.park(this.#onBack)) this.#asked = { at: this.#parkedAt, isThere: "unknown" };
    if (this.#asked.isThere !== "yes") this.#setGuard();
  }

  /** Stops asking. {@linkcode Epoll.close} calls the thread back. */
  close(): void {
    clearTimeout(this.#guard);
  }

  #onBack = (): void => {
    this.#parked.onTime(performance.now() - this.#parkedAt);
    // The event may have been for somebody who does not wait any more.
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

/** Resolves when a thread of Deno has done a job. Threads take their jobs in order. */
function jobDone(): Promise<unknown> {
  return crypto.subtle.digest("SHA-1", NOTHING);
}
