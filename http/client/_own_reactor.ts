import { steppers } from "../../reactor/_steps.ts";
import { type Clock, Reactor } from "../../reactor/mod.ts";

/** So long, in milliseconds, connections are kept when nothing is awaited. */
const KEPT_MS = 250;
/** The longest time that a timer can wait. */
const LONG_MS = 2 ** 31 - 1;

/** Its alarms keep no program alive. */
const quiet: Clock = {
  now: () => performance.now(),
  alarm(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, LONG_MS));
    Deno.unrefTimer(timer);
    return () => clearTimeout(timer);
  },
};

/**
 * The reactor of a client that is used outside of coroutines. It runs only while something is
 * awaited, so that the client keeps no program alive.
 */
export class OwnReactor {
  readonly reactor: Reactor = new Reactor({ clock: quiet });
  readonly #whenUnused: () => void;
  #awaited = 0;
  #isRunning = false;
  /** Keeps the program alive, or tells when connections have been kept for long enough. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param whenUnused Closes the connections that are kept. */
  constructor(whenUnused: () => void) {
    this.#whenUnused = whenUnused;
  }

  get isAwaited(): boolean {
    return this.#awaited > 0;
  }

  /** Runs the reactor until the promise is settled, which needs it. */
  async attend<R>(promise: Promise<R>): Promise<R> {
    const release = this.hold();
    try {
      return await promise;
    } finally {
      release();
    }
  }

  /** Runs the reactor until the function that it returns is called. */
  hold(): () => void {
    if (++this.#awaited === 1) this.#begin();
    return () => {
      if (--this.#awaited === 0) this.#stop();
    };
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = setInterval(() => {}, LONG_MS);
    if (!this.#isRunning) this.#run();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#whenUnused, KEPT_MS);
    Deno.unrefTimer(this.#timer);
    if (!this.reactor.isShutDown) this.reactor.addTimer(0, () => {}); // Wakes it, so that it stops.
  }

  async #run(): Promise<void> {
    const { reactor } = this;
    this.#isRunning = true;
    try {
      while (this.isAwaited && !reactor.isShutDown) {
        await reactor.wait();
        if (!reactor.isShutDown) reactor.step();
      }
    } finally {
      this.#isRunning = false;
      steppers.get(reactor)!.rest();
    }
  }

  /** Nothing is asked any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.reactor.shutdown();
  }
}
