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
/** The rest of the program may do much in each turn. After this time the reactor goes on first. */
const MAX_TURNING_MS = 0.5;

interface EventLoopOptions {
  turnMs?: number;
  maxTurningMs?: number;
  /** Whether there is something for Deno to look at; `undefined` if that is not known now. */
  isReady?: () => boolean | undefined;
}

/**
 * Lets the rest of the program run beside a reactor that is always busy.
 *
 * A turn of Deno's event loop runs its timers, but it looks for input and output only when it has
 * nothing else to do, or in every 61st turn. So now and then a busy reactor makes that many turns.
 * They take about 70 µs together, unless the rest of the program is busy as well: then the reactor
 * steps in between. To wait for a job on another thread instead is not dependable: the job may be
 * done before the event loop comes to rest.
 */
export class EventLoop {
  #turnMs: number;
  #maxTurningMs: number;
  #isReady: () => boolean | undefined;
  #lastTurn = 0;
  #lastAsked = 0;
  #lastLook: number = performance.now();
  /** How many turns are missing until it has looked. */
  #missing = 0;

  constructor(options: EventLoopOptions = {}) {
    const { turnMs = TURN_MS, maxTurningMs = MAX_TURNING_MS, isReady = unknown } = options;
    this.#turnMs = turnMs;
    this.#maxTurningMs = maxTurningMs;
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

  /** Resolves after one turn of the event loop, or after several if it is to look. */
  async turn(): Promise<void> {
    const begin = performance.now();
    const isReady = this.#isReady();
    if (isReady === false) this.#missing = 0;
    else if (this.#missing === 0 && (isReady || begin - this.#lastLook >= LOOK_MS)) {
      this.#missing = TURNS_TO_LOOK;
    }
    const looks = this.#missing > 0;
    await this.#turns(begin + this.#maxTurningMs);
    this.#lastAsked = this.#lastTurn = performance.now();
    if (looks && this.#missing === 0) this.#lastLook = this.#lastTurn;
  }

  /** Waits for a promise. A long wait counts as a look of the event loop. */
  async wait(promise: Promise<void>): Promise<void> {
    const begin = performance.now();
    await promise;
    const end = performance.now();
    if (end - begin < LONG_WAIT_MS) return;
    this.#lastLook = end;
    this.#missing = 0;
  }

  #turns(until: number): Promise<void> {
    return new Promise((resolve) => {
      const turn = () => {
        if (this.#missing > 0 && --this.#missing > 0 && performance.now() < until) {
          setImmediate(turn);
        } else resolve();
      };
      setImmediate(turn);
    });
  }
}

function unknown(): undefined {}
