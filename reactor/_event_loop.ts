import { setImmediate } from "node:timers";

/** A busy reactor lets Deno's event loop turn this often, in milliseconds. */
const TURN_MS = 1;
/** It lets Deno look for input and output this often, where nobody knows whether there is any. */
const LOOK_MS = 3;
/** Where that can be known, it asks this often. */
const ASK_MS = 0.25;
/** While the reactor waits for so long, Deno looks by itself. */
const LONG_WAIT_MS = 1;
/** Deno's event loop looks when it has nothing else to do, and at the latest after so many turns. */
const TURNS_TO_LOOK = 61;

/**
 * How a reactor that is always busy lets the rest of the program run.
 *
 * A turn of Deno's event loop runs its timers, but it looks for input and output only when it has nothing else to do, or
 * in every 61st turn. So now and then a busy reactor makes that many turns at once. They take about 70 µs together. To
 * wait for a job on another thread instead is not dependable: it may be done before the event loop comes to rest.
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

  /** Resolves after one turn of the event loop, or as many as it needs to look for input and output if that is due. */
  async turn(): Promise<void> {
    const isReady = this.#isReady() ?? performance.now() - this.#lastLook >= LOOK_MS;
    await turns(isReady ? TURNS_TO_LOOK : 1);
    this.#lastAsked = this.#lastTurn = performance.now();
    if (isReady) this.#lastLook = this.#lastTurn;
  }

  /** Waits for a promise, and notes whether that left the event loop time to look. */
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
