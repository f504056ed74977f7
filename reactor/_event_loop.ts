import { setImmediate } from "node:timers";

/** A busy reactor lets Deno's event loop turn this often, in milliseconds, … */
const TURN_MS = 1;
/** … and lets it look for input and output this often, … */
const IDLE_MS = 4;
/** … unless it had so much time for that anyway. */
const IDLE_ENOUGH_MS = 0.05;
/** When all threads are taken, by slow names, say, it has nothing to do for so long. */
const LONGEST_IDLE_MS = 1;
const NOTHING = new Uint8Array(0);

/** Resolves when a job has been done on one of Deno's threads. They take their jobs in order. */
export function jobDone(): Promise<unknown> {
  return crypto.subtle.digest("SHA-1", NOTHING);
}

/**
 * How a reactor that is always busy lets the rest of the program run.
 *
 * A turn of Deno's event loop runs its timers, but it looks for input and output only when it has nothing else to do,
 * or every 61 turns. So now and then it is given nothing to do, for as long as a job takes on another thread: about
 * 50 µs.
 */
export class EventLoop {
  #turnMs: number;
  #lastTurn = 0;
  #lastIdle: number = performance.now();
  #job: Promise<void> | undefined;

  constructor(turnMs: number = TURN_MS) {
    this.#turnMs = turnMs;
  }

  /** Whether it is time for a {@linkcode EventLoop.turn}. */
  get isDue(): boolean {
    return performance.now() - this.#lastTurn >= this.#turnMs;
  }

  async turn(): Promise<void> {
    const idle = performance.now() - this.#lastIdle >= IDLE_MS;
    if (idle) await this.#idle();
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#lastTurn = performance.now();
    if (idle) this.#lastIdle = this.#lastTurn;
  }

  /** Waits for a promise, and notes whether that left the event loop some time. */
  async wait(promise: Promise<void>): Promise<void> {
    const begin = performance.now();
    await promise;
    const end = performance.now();
    if (end - begin >= IDLE_ENOUGH_MS) this.#lastIdle = end;
  }

  #idle(): Promise<void> {
    this.#job ??= jobDone().then(() => this.#job = undefined);
    const job = this.#job;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LONGEST_IDLE_MS);
      job.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
