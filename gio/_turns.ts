import { steppers } from "../reactor/_steps.ts";
import type { Reactor } from "../reactor/mod.ts";

/** So long a coroutine runs at most before others have their turn. */
const MAX_TURN_MS = 1;
/** So long all coroutines of a step go on together. */
const MAX_STEP_MS = 2;

const all = new WeakMap<Reactor, Turns>();

/**
 * Shares the time of each step of a reactor among the coroutines that could go on for ever.
 *
 *  1. A coroutine whose turn is over stands in line, and so does one that could go on to write when
 *     the time of the step is used up. They go on in the next steps, in this order, each at most
 *     once in a step.
 *  2. When the time of the step is used up, a coroutine that is resumed by something else has only
 *     a very short turn. So a step takes about as long with a thousand of them as with two.
 *  3. The more of them stand in line, the shorter is a turn. So each of them has its turn soon.
 */
export class Turns {
  readonly #reactor: Reactor;
  readonly #stepper: { readonly steps: number };
  readonly #line: (() => void)[] = [];
  /** The step that {@linkcode Turns.#end} belongs to. */
  #step = -1;
  #end = 0;

  /** The turns of a reactor. */
  static of(reactor: Reactor): Turns {
    let turns = all.get(reactor);
    if (turns === undefined) all.set(reactor, turns = new Turns(reactor));
    return turns;
  }

  private constructor(reactor: Reactor) {
    this.#reactor = reactor;
    this.#stepper = steppers.get(reactor)!;
  }

  /** Whether the time of this step is used up. */
  get areOver(): boolean {
    const now = performance.now();
    return now >= this.#endOfStep(now);
  }

  /** When a turn ends that begins at `now`. */
  end(now: number): number {
    const turnMs = Math.min(MAX_TURN_MS, MAX_STEP_MS / (this.#line.length + 1));
    return Math.min(now + turnMs, this.#endOfStep(now));
  }

  /** Calls `resume` when it is its turn, not before the next step. */
  wait(resume: () => void): void {
    if (this.#line.push(resume) === 1) this.#goOnLater();
  }

  /** The time of a step begins when somebody asks for it. */
  #endOfStep(now: number): number {
    if (this.#step !== this.#stepper.steps) this.#begin(now);
    return this.#end;
  }

  #begin(now: number): void {
    this.#step = this.#stepper.steps;
    this.#end = now + MAX_STEP_MS;
  }

  #goOnLater(): void {
    this.#reactor.addTimer(0, () => this.#goOn());
  }

  #goOn(): void {
    // Other timers may have used up the time.
    this.#begin(performance.now());
    const count = this.#line.length;
    let i = 0;
    try {
      do this.#line[i++]!(); while (i < count && !this.areOver);
    } finally {
      this.#line.splice(0, i);
      if (this.#line.length > 0) this.#goOnLater();
    }
  }
}
