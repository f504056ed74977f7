import { type Composed, type Coroutine, trace } from "../compose/mod.ts";
import type { Reactor } from "../reactor/mod.ts";
import { CannotWait } from "./_cannot_wait.ts";
import type { Places } from "./_places.ts";
import type { Outcome } from "./_result.ts";
import { type How, Later, Standing } from "./_state.ts";
import { Successor } from "./_successor.ts";
import { Turns } from "./_turns.ts";
import type { Yields } from "./_yields.ts";

/** The clock is looked at after so many yields, and after each that sends much. */
const YIELDS_PER_LOOK = 16;

/** Tells that a coroutine is to be closed, or is being closed. */
export interface Cancellation {
  readonly reason: unknown;
  /** Whether the coroutine is being closed, so that its `finally`s run. */
  hasBegun: boolean;
  /** Whether nothing is cut off: the coroutine waited for its peer, or its cleanup has written. */
  isClean: boolean;
}

/** Runs a coroutine, each time until it must stand still. */
export class Runner<R> {
  /** If the coroutine was cancelled. */
  cancellation: Cancellation | undefined;
  /** An error that came while the coroutine did something else. It is thrown at the next yield. */
  late: { error: unknown } | undefined;
  /** Whether the reactor shuts down, so that nothing can be waited for. */
  isAbandoned: boolean;
  readonly #reactor: Reactor;
  #coroutine: Coroutine<R>;
  readonly #yields: Yields;
  readonly #places: Places;

  constructor(reactor: Reactor, composed: Composed<R>, yields: Yields, places: Places) {
    this.#reactor = reactor;
    this.#coroutine = composed;
    this.#yields = yields;
    this.#places = places;
    this.isAbandoned = reactor.isShutDown;
  }

  /** Whether the coroutine was cancelled, and is not being closed yet. */
  get isToClose(): boolean {
    return this.cancellation?.hasBegun === false;
  }

  /** Where the coroutine stands: the lines of its calls, the innermost first. */
  lines(): string[] {
    return trace(this.#coroutine).map((line) => line.trim());
  }

  /** Resumes the coroutine. Returns what it stands still for then, or how it has ended. */
  run(how: How, value: unknown): Standing | Outcome<R> {
    let coroutine = this.#coroutine;
    let count = 0;
    let end: number | undefined;
    for (;;) {
      if (how !== "yielded") {
        let result: IteratorResult<unknown, R>;
        try {
          if (how === "next") result = coroutine.next(value);
          else if (how === "throw") result = coroutine.throw(value);
          else {
            this.cancellation!.hasBegun = true;
            result = coroutine.return(undefined as R);
          }
        } catch (error) {
          return { error };
        }
        ({ value } = result);
        if (result.done) {
          if (!(value instanceof Successor)) return { value: result.value };
          this.#places.succeed(value);
          this.#coroutine = coroutine = value as unknown as Coroutine<R>;
          how = "next";
          value = undefined;
          continue;
        }
      }
      if (this.isToClose) {
        how = "return";
        continue;
      }
      const yields = this.#yields;
      yields.answered = undefined;
      try {
        if (this.isAbandoned || this.late !== undefined || this.cancellation !== undefined) {
          this.#disturb(value);
        }
        value = yields.do(value);
        how = "next";
      } catch (error) {
        how = "throw";
        value = error;
      }
      if (value instanceof Standing) return value;
      if (++count < YIELDS_PER_LOOK && !yields.hasSent || this.isAbandoned) continue;
      count = 0;
      yields.hasSent = false;
      const now = performance.now();
      end ??= Turns.of(this.#reactor).end(now);
      if (now >= end) return new Later(how, value, yields.answered);
    }
  }

  /** Throws what is to be thrown instead of doing what was yielded. */
  #disturb(yielded: unknown): void {
    if (this.isAbandoned) throw new CannotWait();
    const { late, cancellation } = this;
    if (late !== undefined) {
      this.late = undefined;
      throw late.error;
    }
    if (cancellation !== undefined && this.#places.isHome && isData(yielded)) {
      cancellation.isClean = true;
    }
  }
}

/** Whether it is something to send. */
function isData(yielded: unknown): boolean {
  return (typeof yielded === "string" || yielded instanceof Uint8Array) && yielded.length > 0;
}
