import { duration } from "./_whole.ts";
import { names, refuseUnknown } from "./_known.ts";
import { clearImmediate, setImmediate } from "node:timers";
import { shown } from "./_describe.ts";

/**
 * The source of time of a {@linkcode Reactor}.
 *
 * @example A clock that stands still
 * ```ts
 * import { type Clock, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const clock: Clock = { now: () => 1000 };
 * using reactor = new Reactor({ clock });
 * const timer = reactor.addTimer(5, () => {});
 * assertEquals(timer.at, 1005);
 * ```
 *
 * @category Time
 */
export interface Clock {
  /**
   * The time. It never goes back.
   *
   * @returns Milliseconds since any fixed moment.
   */
  now(): number;
  /**
   * Calls back once, when a time has passed. Without it, `setTimeout` does that.
   *
   * @param ms How long, in milliseconds.
   * @param callback What to call.
   * @returns A function that cancels the call.
   */
  alarm?(ms: number, callback: () => void): () => void;
  /**
   * Called whenever a reactor looks for something to do. For a clock that moves by itself, as
   * {@linkcode TestClock} does.
   *
   * @param waiting The reactor that waits; missing if it has something to do.
   */
  onWait?(waiting?: Waiting): void;
}

/**
 * What a {@linkcode Reactor} that has nothing to do tells its {@linkcode Clock}.
 *
 * @category Time
 */
export interface Waiting {
  /** Resolves when it has something to do. */
  readonly until: Promise<void>;
  /**
   * Looks for something that is ready and that the reactor was not told of yet.
   *
   * @returns Whether there is something.
   */
  look(): boolean;
}

/**
 * Options of {@linkcode TestClock}.
 *
 * @category Time
 */
export interface TestClockOptions {
  /**
   * The time at which it begins, in milliseconds.
   *
   * @default {0}
   */
  now?: number;
  /**
   * Whether it moves by itself to the next timer when everything waits.
   *
   * @default {false}
   */
  autojump?: boolean;
  /**
   * For how many real milliseconds nothing may happen before it jumps. Set it, to 10 for example,
   * where something comes from outside the reactors: from files, programs, other threads, or other
   * people's sockets.
   *
   * @default {0}
   */
  quietMs?: number;
}

const OPTIONS = names<TestClockOptions>({ now: 1, autojump: 1, quietMs: 1 });

/** Deno's event loop looks for input and output at the latest after so many turns. */
const TURNS_TO_LOOK = 61;

/**
 * A {@linkcode Clock} that stands still until somebody moves it, so that no test has to sleep. That
 * is the test, by {@linkcode TestClock.advance}; or, with `autojump`, the clock itself: when
 * everything waits, it jumps to the next timer.
 *
 * Everything waits when the following is true:
 *
 * 1. A reactor on this clock waits, in `run()` or `wait()`, and has a timer. A clock never jumps
 *    without a timer.
 * 2. No reactor on this clock has anything to do: nothing is ready, and no process is active.
 * 3. Nothing has changed that for a while, in which Deno has looked for input and output. That is
 *    61 turns of its event loop, or `quietMs`. Each thing that happens to a reactor on this clock
 *    begins the while anew.
 *
 * The while is there because nobody can see what is under way outside the reactors: a file that is
 * being read, a program that computes, a promise, a connection whose other end is not a reactor on
 * this clock. So use it as follows:
 *
 * - With contexts in memory there is nothing of the kind. The default is exact, and an hour takes
 *   less than a millisecond.
 * - Between two plain sockets (TCP, Unix) of reactors on this clock the default is right, too, on
 *   both back ends: what one has sent is ready for the other at once, and a last look before the
 *   jump finds it. To connect them is another matter.
 * - Anywhere else give `quietMs`. It is a guess, as any threshold is: on a busy machine a timeout
 *   may strike although the data would have come. A timer that must not strike in a test is better
 *   not on this clock.
 *
 * A jump moves to the first timer and no further. Reactors that share a clock jump together. A
 * reactor that is driven only by `step()` does not wait, so nothing jumps.
 *
 * @example A timer of one hour
 * ```ts
 * import { Reactor, TestClock } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new TestClock();
 * using reactor = new Reactor({ clock });
 * let fired = 0;
 * reactor.addTimer(3_600_000, () => fired++);
 * clock.advance(3_599_999);
 * reactor.step();
 * assertEquals(fired, 0);
 * clock.advance(1);
 * reactor.step();
 * assertEquals(fired, 1);
 * ```
 *
 * @example A protocol that waits for one hour
 * ```ts
 * import { asProcess, memory, sleep } from "@weightless/io/gio";
 * import { TestClock } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new TestClock({ autojump: true });
 * const connection = memory();
 * await asProcess(function* () {
 *   yield "Wait. ";
 *   yield* sleep(3_600_000);
 *   yield "Thank you.";
 * }(), { clock, connection });
 * assertEquals(connection.text, "Wait. Thank you.");
 * assertEquals(clock.now(), 3_600_000);
 * ```
 *
 * @category Time
 */
export class TestClock implements Clock {
  #now: number;
  #alarms: Set<{ at: number; callback: () => void }> = new Set();
  readonly #autojump: boolean;
  /**
   * For how many looks nothing may happen; a look takes at least a millisecond if `quietMs` is
   * given.
   */
  readonly #quietLooks: number;
  readonly #look: (callback: () => void) => () => void;
  #cancelLook: (() => void) | undefined;
  /** The reactors that wait. */
  readonly #waiting: Set<Waiting> = new Set();
  #looksToJump = 0;

  /**
   * A clock that says `now`, until it is moved or moves itself.
   *
   * @param options The time at which it begins (milliseconds, default 0), or all options.
   * @throws {RangeError} If `now` or `quietMs` is no number, or `quietMs` is negative or endless.
   */
  constructor(options: number | TestClockOptions = {}) {
    if (typeof options !== "number") refuseUnknown("make a clock", options, OPTIONS);
    const { now = 0, autojump = false, quietMs = 0 } = typeof options === "number"
      ? { now: options }
      : options;
    if (!Number.isFinite(now)) {
      throw new RangeError(`Cannot make a clock: now must be a number, not ${shown(now)}`);
    }
    if (!(Number.isFinite(quietMs) && quietMs >= 0)) {
      throw new RangeError(
        `Cannot make a clock: quietMs must be a number of at least 0, not ${shown(quietMs)}`,
      );
    }
    this.#now = now;
    this.#autojump = autojump;
    this.#quietLooks = Math.max(1, Math.ceil(quietMs));
    this.#look = quietMs > 0 ? afterMs : afterTurns;
  }

  /**
   * The time that it shows.
   *
   * @returns The time in milliseconds.
   */
  now(): number {
    return this.#now;
  }

  /**
   * Calls back when the clock has been moved far enough.
   *
   * @param ms How far, in milliseconds from now.
   * @param callback What to call.
   * @returns A function that cancels the call.
   */
  alarm(ms: number, callback: () => void): () => void {
    const alarm = { at: this.#now + ms, callback };
    this.#alarms.add(alarm);
    // What is due already needs nobody to move the clock.
    if (ms <= 0) queueMicrotask(() => this.advance(0));
    else this.#watch();
    return () => this.#alarms.delete(alarm);
  }

  /**
   * Moves the clock. A reactor that waits for a timer wakes up when that is due.
   *
   * @param ms How far, in milliseconds.
   * @throws {RangeError} If it is not a number of at least 0: time does not go back.
   */
  advance(ms: number): void {
    this.#now += duration(ms, "advance the clock: the time");
    for (const alarm of this.#alarms) {
      if (alarm.at <= this.#now) {
        this.#alarms.delete(alarm);
        alarm.callback();
      }
    }
  }

  /**
   * For the reactors: something happens now, or else nothing does until `waiting` ends.
   *
   * @param waiting The reactor that waits; missing if something happens.
   */
  onWait(waiting?: Waiting): void {
    if (!this.#autojump) return;
    this.#looksToJump = this.#quietLooks;
    if (waiting === undefined) return;
    this.#waiting.add(waiting);
    this.#watch();
    waiting.until.then(() => {
      this.#waiting.delete(waiting);
      this.#looksToJump = this.#quietLooks;
      if (this.#waiting.size > 0) return;
      // When no reactor waits, nothing of the clock is left behind.
      this.#cancelLook?.();
      this.#cancelLook = undefined;
    });
  }

  /** Looks again and again, as long as there may be a jump. */
  #watch(): void {
    if (this.#waiting.size === 0 || this.#alarms.size === 0) return;
    this.#cancelLook ??= this.#look(() => {
      this.#cancelLook = undefined;
      if (this.#looksToJump-- <= 0) this.#jump();
      this.#watch();
    });
  }

  #jump(): void {
    this.#looksToJump = this.#quietLooks;
    for (const waiting of this.#waiting) if (waiting.look()) return;
    const next = Math.min(...[...this.#alarms].map((alarm) => alarm.at));
    if (next < Infinity) this.advance(Math.max(0, next - this.#now));
  }
}

/** Calls back when Deno has had the time to look for input and output; gives what cancels it. */
function afterTurns(callback: () => void): () => void {
  let count = 0;
  const turn = () => {
    if (++count < TURNS_TO_LOOK) id = setImmediate(turn);
    else callback();
  };
  let id = setImmediate(turn);
  return () => clearImmediate(id);
}

function afterMs(callback: () => void): () => void {
  const id = setTimeout(callback, 1);
  return () => clearTimeout(id);
}
