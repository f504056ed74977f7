import type { Waiter } from "../compose/mod.ts";

/** How a coroutine has ended. */
export type Outcome<R> = { value: R } | { error: unknown };

/** Tells everybody who asks how a coroutine has ended, when it has. */
export class Result<R> {
  #outcome: Outcome<R> | undefined;
  #waiters: Set<Waiter<R>> | undefined;
  #promise: Promise<R> | undefined;

  get promise(): Promise<R> {
    return this.#promise ??= new Promise((resume, fail) => this.ask({ resume, fail }));
  }

  /** Tells the waiter. Returns what takes that back. */
  ask(waiter: Waiter<R>): () => void {
    const waiters = this.#waiters ??= new Set();
    if (this.#outcome !== undefined) tell(waiter, this.#outcome);
    else waiters.add(waiter);
    return () => void waiters.delete(waiter);
  }

  settle(outcome: Outcome<R>): void {
    this.#outcome = outcome;
    for (const waiter of this.#waiters ?? []) tell(waiter, outcome);
    this.#waiters?.clear();
  }

  /** Calls `act` unless somebody has asked, or asks before the next microtask. */
  whenUnasked(act: () => void): void {
    if (this.#waiters !== undefined) return;
    queueMicrotask(() => {
      if (this.#waiters === undefined) act();
    });
  }
}

function tell<R>(waiter: Waiter<R>, outcome: Outcome<R>): void {
  if ("error" in outcome) waiter.fail(outcome.error);
  else waiter.resume(outcome.value);
}
