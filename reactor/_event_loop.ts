import { setImmediate } from "node:timers";

/** How often a busy reactor lets Deno's event loop turn, in milliseconds. */
const TURN_MS = 1;
/** How often it lets Deno look for input and output if nobody can tell whether there is any. */
const LOOK_MS = 3;
/** How often it asks whether there is any, if that can be told. */
const ASK_MS = 0.25;
/** During a wait of this length, Deno looks by itself. */
const LONG_WAIT_MS = 1;
/**
 * Deno's event loop looks after this many turns at the latest. It looks earlier when it is idle.
 */
const TURNS_TO_LOOK = 61;

/**
 * Lets the rest of the program run beside a reactor that is always busy.
 *
 * A turn of Deno's event loop runs its timers, but it looks for input and output only when it has
 * nothing else to do, or in every 61st turn. So a busy reactor makes that many turns at once from
 * time to time. Together they take about 70 µs. Waiting for a job on another thread does not do the
 * same: the job may be done before the event loop comes to rest.
 */
export class EventLoop {
  #turnMs: number;
  #isReady: () => boolean | undefined;
  #lastTurn = 0;
  #lastAsked = 0;
  #lastLook: number = performance.now();

  constructor(
    { turnMs = TURN_MS, isReady = unknown }: {
      turnMs?: number;
      isReady?: () => boolean | undefined;
    } = {},
  ) {
    this.#turnMs = turnMs;
    this.#isReady = isReady;
  }

  /** Whether it is time for a {@linkcode EventLoop.turn}. */
  get isDue(): boolean {
    const now = performance.now();
    if (now - this.#lastTurn >= this.#turnMs) return true;
    if (now - this.#lastAsked < ASK_MS) return false;
    this.#lastAsked = now;
    return this.#isReady() === true;
  }

  /**
   * Resolves after one turn of the event loop, or after as many turns as make it look for input and
   * output, if that is due.
   */
  async turn(): Promise<void> {
    const isReady = this.#isReady() ?? performance.now() - this.#lastLook >= LOOK_MS;
    await turns(isReady ? TURNS_TO_LOOK : 1);
    this.#lastAsked = this.#lastTurn = performance.now();
    if (isReady) this.#lastLook = this.#lastTurn;
  }

  /** Waits for a promise. A long wait counts as a look of the event loop. */
  async wait(promise: Promise<void>): Promise<void> {
    const begin = performance.now();
    await promise;
    const end = performance.now();
    if (end - begin >= LONG_WAIT_MS) this.#lastLook = end;
  }
}

function turns(count: number): Promise<void> {
  return new Promise((resolve) => {
    const turn = () => --count > 0 ? setImmediate(turn) : resolve();
    setImmediate(turn);
  });
}

function unknown(): undefined {}
