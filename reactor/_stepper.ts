import type { DenoSelector } from "./deno_selector.ts";
import type { Handler } from "./_handler.ts";
import { PRIORITIES, type Registry } from "./_registry.ts";
import type { Reports } from "./_reports.ts";
import type { Timers } from "./_timers.ts";

/** What a step does: see the rules of {@linkcode Reactor}. */
export class Stepper {
  /** Who is being called. */
  current: Handler | undefined;
  #selector: DenoSelector;
  #registry: Registry;
  #timers: Timers;
  #reports: Reports;
  /** Only what has a priority of at most this is called. */
  #turn = -1;
  #stepping = false;

  constructor(selector: DenoSelector, registry: Registry, timers: Timers, reports: Reports) {
    this.#selector = selector;
    this.#registry = registry;
    this.#timers = timers;
    this.#reports = reports;
  }

  /** Whether there has ever been a step. */
  get hasStepped(): boolean {
    return this.#turn >= 0;
  }

  step(): number {
    if (this.#stepping) throw new TypeError("Cannot step: the reactor is in a step already");
    const { step: onStep } = this.#reports.events;
    const begin = onStep && performance.now();
    this.#stepping = true;
    this.#turn = (this.#turn + 1) % PRIORITIES;
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
      // After an error that goes out of this step: those not called yet are for the next.
      for (const handler of readers) this.#selector.again(handler);
      for (const handler of writers) this.#selector.again(handler);
    }
    onStep?.(performance.now() - begin!, count);
    return count;
  }

  /** Leaves in `ready` what has not been called because an error goes out. */
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

  /** Gives whether it was really ready; a false alarm is simply watched again. */
  #callOne(handler: Handler): boolean {
    const { kind, selectable } = handler;
    // Nobody waits for ever for what has closed: one last call.
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
    // Who closes what it is called for need not be told that it closed.
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
