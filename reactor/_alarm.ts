import type { Clock } from "./clock.ts";
import type { TimerHeap } from "./_timer_heap.ts";

/** Far more than anybody waits for, and all that `setTimeout` can. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Wakes a reactor up when its first timer is due, by one alarm of the clock. The alarm is not moved when its timer goes:
 * it goes off, and is set again. So re-arming a timeout at every request costs no `setTimeout`.
 */
export class Alarm {
  #clock: Clock;
  #timers: TimerHeap;
  #onDue: () => void;
  #at = Infinity;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, timers: TimerHeap, onDue: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#onDue = onDue;
  }

  /** Sees to it that it goes off in time. */
  set(): void {
    const first = this.#timers.first();
    if (first === undefined || first.at >= this.#at) return;
    this.#cancel?.();
    this.#at = first.at;
    this.#cancel = startAlarm(this.#clock, Math.max(0, first.at - this.#clock.now()), this.#goOff);
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#at = Infinity;
  }

  #goOff = (): void => {
    this.#at = Infinity;
    this.#cancel = undefined;
    const first = this.#timers.first();
    if (first === undefined) return;
    if (first.at <= this.#clock.now()) this.#onDue();
    else this.set();
  };
}

/** Calls back once after `ms` milliseconds of the clock; gives what cancels it. */
export function startAlarm(clock: Clock, ms: number, callback: () => void): () => void {
  if (clock.alarm) return clock.alarm(ms, callback);
  const id = setTimeout(callback, Math.min(ms, LONGEST_MS));
  return () => clearTimeout(id);
}
