import type { Clock } from "./clock.ts";
import type { DenoSelector } from "./_deno_selector.ts";
import type { Handler } from "./_handler.ts";
import { PRIORITIES, type Registry } from "./_registry.ts";
import type { Reports } from "./_reports.ts";
import type { Steps } from "./_steps.ts";
import type { Timers } from "./_timers.ts";

/** Makes the steps of a reactor. The rules are those of {@linkcode Reactor}. */
export class Stepper implements Steps {
  /** The handler that is being called. */
  current: Handler | undefined;
  #selector: DenoSelector;
  #registry: Registry;
  #timers: Timers;
  #reports: Reports;
  #clock: Clock;
  /** When the clock was looked at in this step. */
  #now: number | undefined;
  /** How many steps have begun. */
  steps = 0;
  /** Counts the steps from 0 to 9. A handler is called if its priority is not higher than this. */
  #turn = -1;
  #stepping = false;

  constructor(
    selector: DenoSelector,
    registry: Registry,
    timers: Timers,
    reports: Reports,
    clock: Clock,
  ) {
    this.#clock = clock;
    this.#selector = selector;
    this.#registry = registry;
    this.#timers = timers;
    this.#reports = reports;
  }

  /** Whether there has ever been a step. */
  get hasStepped(): boolean {
    return this.steps > 0;
  }

  rest(): void {
    this.#selector.rest();
  }

  /** The time of the clock, which is looked at once in a step. */
  get now(): number {
    return this.#stepping ? this.#now ??= this.#clock.now() : this.#clock.now();
  }

  step(): number {
    if (this.#stepping) throw new TypeError("Cannot step: the reactor is in a step already");
    const { step: onStep } = this.#reports.events;
    const begin = onStep && performance.now();
    this.#stepping = true;
    this.#now = undefined;
    this.#turn = this.steps++ % PRIORITIES;
    // What a callback adds is for the next step.
    const { readers, writers } = this.#selector.select();
    const processes = this.#registry.activeProcesses();
    let count = 0;
    try {
      count += this.#timers.callDue(this.#reports);
      if (readers.length > 0) count += this.#callReady(readers);
      if (writers.length > 0) count += this.#callReady(writers);
      if (processes.length > 0) count += this.#callProcesses(processes);
    } finally {
      this.#stepping = false;
      this.current = undefined;
      // An error went out of this step. The next step calls the others.
      for (const handler of readers) this.#selector.again(handler);
      for (const handler of writers) this.#selector.again(handler);
    }
    onStep?.(performance.now() - begin!, count);
    return count;
  }

  /** Calls the handlers in `ready`. Those that an error has prevented stay in the list. */
  #callReady(ready: Handler[]): number {
    let count = 0;
    let i = 0;
    try {
      for (; i < ready.length; i++) {
        const handler = ready[i]!;
        if (handler.active && handler.priority <= this.#turn && this.#callOne(handler)) count++;
        this.#selector.again(handler);
      }
    } finally {
      if (i === ready.length) ready.length = 0;
      else ready.splice(0, i);
    }
    return count;
  }

  /**
   * Calls a handler if it is ready. After a false alarm it is watched again.
   *
   * @returns Whether it was ready.
   */
  #callOne(handler: Handler): boolean {
    const { kind, selectable } = handler;
    // The last call, so that nobody waits for ever for what is closed.
    if (handler.bad || selectable.closed) this.#registry.remove(kind, selectable);
    else if (!handler.isReady) return false;
    this.current = handler;
    try {
      handler.callback(handler.failure);
    } catch (error) {
      if (handler.active) this.#registry.remove(kind, selectable);
      this.#reports.report(error, handler.toString());
    } finally {
      this.current = undefined;
    }
    // The callback closed its own selectable. It need not be told.
    if (handler.active && selectable.closed) this.#registry.remove(kind, selectable);
    return true;
  }

  #callProcesses(processes: readonly Handler[]): number {
    let count = 0;
    for (const handler of processes) {
      if (!handler.active || handler.priority > this.#turn) continue;
      count++;
      this.current = handler;
      try {
        handler.callback();
      } catch (error) {
        this.#registry.remove("process", handler.handle);
        throw error;
      } finally {
        this.current = undefined;
      }
    }
    return count;
  }
}
