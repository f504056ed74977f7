import { checkCallback } from "./_callback.ts";
import type { Clock } from "./clock.ts";
import { text } from "./_describe.ts";
import { duration } from "./_whole.ts";
import type { Reports } from "./_reports.ts";
import { type HeapTimer, TimerHeap } from "./_timer_heap.ts";

/** The clock of reactors that are given none. */
export const realClock: Clock = { now: () => performance.now() };

/** The longest time that `setTimeout` can wait. */
const MAX_MS = 2 ** 31 - 1;

/**
 * The timers of a reactor. One alarm of the clock wakes the reactor when the first timer is due.
 * The alarm is not moved when that timer is removed; it goes off and is set again. So renewing a
 * timeout at every request costs no `setTimeout`.
 */
export class Timers {
  /** The timer that is being called. */
  current: HeapTimer | undefined;
  #heap = new TimerHeap();
  #clock: Clock;
  #onDue: () => void;
  #alarmAt = Infinity;
  #cancelAlarm: (() => void) | undefined;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  add(ms: number, callback: () => void): HeapTimer {
    duration(ms, "add a timer: its time");
    checkCallback(callback, "add a timer");
    return this.#heap.add(this.#clock.now() + ms, callback);
  }

  remove(timer: HeapTimer): void {
    this.#heap.remove(timer);
    // A clock of the user's own is told exactly which timers are waited for: it may move to the
    // next.
    if (this.#clock.alarm === undefined || timer.at !== this.#alarmAt) return;
    this.#cancelAlarm?.();
    this.#alarmAt = Infinity;
    this.setAlarm();
  }

  live(): HeapTimer[] {
    return this.#heap.live();
  }

  /** How long it takes until the first timer is due. */
  limitMs(): number {
    const first = this.#heap.first();
    return first === undefined ? Infinity : first.at - this.#clock.now();
  }

  /** Makes sure that the alarm goes off when the first timer is due. */
  setAlarm(): void {
    const first = this.#heap.first();
    if (first === undefined || first.at >= this.#alarmAt) return;
    this.#cancelAlarm?.();
    this.#alarmAt = first.at;
    const ms = Math.max(0, first.at - this.#clock.now());
    this.#cancelAlarm = startAlarm(this.#clock, ms, this.#goOff);
  }

  /** Calls the timers that are due. Returns how many. */
  callDue(reports: Reports): number {
    const heap = this.#heap;
    let first = heap.first();
    if (first === undefined) return 0;
    const now = this.#clock.now();
    // What a callback adds is for the next step, even if it is due at once.
    const limit = heap.nextOrder;
    let count = 0;
    while (first !== undefined && first.at <= now && first.order < limit) {
      const callback = heap.takeFirst();
      this.current = first;
      count++;
      try {
        callback();
      } catch (error) {
        reports.report(error, `timer ${text(() => callback.name) || sourceOf(callback)}`);
      } finally {
        this.current = undefined;
      }
      first = heap.first();
    }
    return count;
  }

  clear(): void {
    this.#heap.clear();
    this.#cancelAlarm?.();
    this.#cancelAlarm = undefined;
    this.#alarmAt = Infinity;
  }

  #goOff = (): void => {
    this.#alarmAt = Infinity;
    this.#cancelAlarm = undefined;
    if (this.limitMs() <= 0) this.#onDue();
    else this.setAlarm();
  };
}

/** The beginning of the code of a function that has no name. */
function sourceOf(callback: () => void): string {
  return text(() => String(callback).replace(/\s+/g, " ").slice(0, 60));
}

/**
 * Calls back once after `ms` milliseconds of the clock. Returns a function that cancels the call.
 */
export function startAlarm(clock: Clock, ms: number, callback: () => void): () => void {
  if (clock.alarm) return clock.alarm(ms, callback);
  const id = setTimeout(callback, Math.min(ms, MAX_MS));
  return () => clearTimeout(id);
}
