import { setImmediate } from "node:timers";
import type { Clock } from "./clock.ts";
import { DenoSelector } from "./deno_selector.ts";
import { describe } from "./_describe.ts";
import type { Interest, Selectable } from "./selectable.ts";
import { Registration, type Selector } from "./selector.ts";
import type { Listening, Socket, SocketOwner } from "./socket.ts";
import { type HeapTimer, TimerHeap } from "./_timer_heap.ts";
import type { Timer } from "./timer.ts";

/** Which back end a {@linkcode Reactor} waits with: `"auto"` takes the best that is allowed here. */
export type SelectorName = "auto" | "deno" | "epoll";

/** Options of {@linkcode Reactor}. */
export interface ReactorOptions {
  /** The back end. @default {"auto"} */
  selector?: SelectorName;
  /** Where time comes from. @default {performance.now} */
  clock?: Clock;
  /**
   * Is told of errors thrown by callbacks, and of what threw them, for example `reader of tcp 127.0.0.1:80`. What it
   * throws itself goes out of `step()` and `run()`. @default {console.error}
   */
  onError?: (error: unknown, where: string) => void;
  /** How long a closed socket may take to send what it accepted, in milliseconds. @default {5000} */
  lingerMs?: number;
}

/** Options of {@linkcode Reactor.addReader}, {@linkcode Reactor.addWriter} and {@linkcode Reactor.addProcess}. */
export interface RegistrationOptions {
  /** 0 (called in every step) to 9 (called in one step of ten). @default {0} */
  priority?: number;
}

/** Options of {@linkcode Reactor.listening}. */
export interface ListeningOptions {
  /** Whether its TCP connections send small pieces at once (TCP_NODELAY). @default {true} */
  noDelay?: boolean;
  /** Called when one of its connections has released what it held. */
  onReleased?: (socket: Socket) => void;
}

const PRIORITIES = 10;
/** A busy reactor lets the rest of the program run this often. */
const TURN_MS = 1;

/**
 * Calls back when something can be done without blocking: read, write, or go on after some time.
 *
 * One step calls, in this order: timers that are due, readers, writers, processes. What is added takes effect at the
 * next step; what is removed is not called any more, even if this step had already seen it ready. Readiness is a level:
 * a reader is called in every step until it has received all there is.
 *
 * An error thrown by a callback removes its registration and is reported to `onError`; the reactor goes on. An
 * `AssertionError` goes out of `step()` and `run()`, so that a test fails where it should.
 *
 * @example A timer
 * ```ts
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const seen: string[] = [];
 * reactor.addTimer(2, () => {
 *   seen.push("later");
 *   reactor.requestShutdown();
 * });
 * reactor.addTimer(1, () => seen.push("sooner"));
 * await reactor.run();
 * assertEquals(seen, ["sooner", "later"]);
 * ```
 */
export class Reactor implements Disposable {
  #onError: (error: unknown, where: string) => void;
  #clock: Clock;
  #selector: Selector;
  #readers = new Map<Selectable, Registration>();
  #writers = new Map<Selectable, Registration>();
  #timers = new TimerHeap();
  #turn = -1;
  #open = new Set<Socket>();
  #shutdownHooks = new Set<() => void>();
  #owner: SocketOwner;
  #shutdownRequested = false;
  #isShutDown = false;
  #alarmAt = Infinity;
  #cancelAlarm: (() => void) | undefined;
  #lastTurn = 0;

  /**
   * A reactor with nothing registered.
   *
   * @throws {TypeError} when `selector` names no back end
   * @throws {Deno.errors.NotSupported} when that back end cannot be used here
   */
  constructor(options: ReactorOptions = {}) {
    const { selector = "auto", clock = realClock, onError = reportToConsole, lingerMs = 5000 } =
      options;
    this.#clock = clock;
    this.#onError = onError;
    this.#selector = createSelector(selector);
    this.#owner = {
      lingerMs,
      noDelay: true,
      opened: (socket) => this.#open.add(socket),
      released: (socket) => this.#open.delete(socket),
      addTimer: (ms, callback) => this.addTimer(ms, callback),
      removeTimer: (timer) => this.removeTimer(timer),
    };
  }

  /** The name of the back end in use: `"deno"` or `"epoll"`. */
  get selector(): string {
    return this.#selector.name;
  }

  /** Whether {@linkcode Reactor.shutdown} was called. */
  get isShutDown(): boolean {
    return this.#isShutDown;
  }

  /** The sockets that belong to this reactor and still hold a connection. */
  get openConnections(): ReadonlySet<Socket> {
    return this.#open;
  }

  /**
   * Calls `callback` in every step from the next on in which `selectable` is readable.
   *
   * @throws {TypeError} when it has a reader already
   */
  addReader(selectable: Selectable, callback: () => void, options?: RegistrationOptions): void {
    this.#add(this.#readers, selectable, "read", callback, options);
  }

  /**
   * Calls `callback` in every step from the next on in which `selectable` is writable.
   *
   * @throws {TypeError} when it has a writer already
   */
  addWriter(selectable: Selectable, callback: () => void, options?: RegistrationOptions): void {
    this.#add(this.#writers, selectable, "write", callback, options);
  }

  /** Ends what {@linkcode Reactor.addReader} began, at once. */
  removeReader(selectable: Selectable): void {
    this.#remove(this.#readers, selectable);
  }

  /** Ends what {@linkcode Reactor.addWriter} began, at once. */
  removeWriter(selectable: Selectable): void {
    this.#remove(this.#writers, selectable);
  }

  /**
   * Calls `callback` once, in the first step that begins `ms` milliseconds from now or later.
   *
   * @throws {RangeError} when `ms` is negative or not a number
   */
  addTimer(ms: number, callback: () => void): Timer {
    if (!(ms >= 0)) throw new RangeError(`Cannot add a timer of ${ms} ms: it must be at least 0`);
    const timer = this.#timers.add(this.#clock.now() + ms, callback);
    // Who waits now waits for a later one.
    if (timer.at < this.#alarmAt && this.#cancelAlarm !== undefined) this.#arm();
    return timer;
  }

  /** Takes a timer back. One that was called or removed already is left alone. */
  removeTimer(timer: Timer): void {
    this.#timers.remove(timer as HeapTimer);
  }

  /**
   * Reports an error that nobody waits for to {@linkcode ReactorOptions.onError}; `where` tells what threw it.
   *
   * @throws `error` itself, if it is an AssertionError
   */
  onError(error: unknown, where: string): void {
    if (error instanceof Error && error.name === "AssertionError") throw error;
    this.#onError(error, where);
  }

  /** Makes a socket that belongs to this reactor of an open connection. Do not use the connection itself any more. */
  adopt(conn: Deno.Conn, options: Pick<ListeningOptions, "noDelay"> = {}): Socket {
    this.#checkNotShutDown("adopt a connection");
    const { noDelay = true } = options;
    return this.#selector.socket(conn, noDelay ? this.#owner : { ...this.#owner, noDelay });
  }

  /** Makes of a listener what a reader can be added to. Do not use the listener itself any more. */
  listening(listener: Deno.Listener, options: ListeningOptions = {}): Listening {
    this.#checkNotShutDown("listen");
    const { noDelay = true, onReleased } = options;
    const owner = this.#owner;
    return this.#selector.listening(listener, {
      ...owner,
      noDelay,
      released(socket) {
        owner.released(socket);
        onReleased?.(socket);
      },
    });
  }

  /**
   * Calls the callbacks of what is ready now, and gives the number of them. Never blocks, and never waits.
   *
   * @throws an AssertionError thrown by a callback
   */
  step(): number {
    this.#turn = (this.#turn + 1) % PRIORITIES;
    const { readers, writers } = this.#selector.select();
    return this.#callTimers() + this.#call(readers) + this.#call(writers);
  }

  /** Resolves when a step would have something to do, or a shutdown was requested. */
  async wait(): Promise<void> {
    // Let the rest of the program run, even if there is always something to do here.
    if (performance.now() - this.#lastTurn >= TURN_MS) await this.#yield();
    if (this.#selector.ready || this.#shutdownRequested) return;
    const first = this.#timers.first();
    let limitMs = Infinity;
    if (first !== undefined) {
      limitMs = first.at - this.#clock.now();
      if (limitMs <= 0) return;
    }
    if (this.#cancelAlarm === undefined || limitMs < Infinity) this.#arm();
    await this.#selector.wait(limitMs);
  }

  /**
   * Steps until {@linkcode Reactor.requestShutdown} is called or `signal` aborts; then shuts down.
   *
   * @throws what goes out of {@linkcode Reactor.step}
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#checkNotShutDown("run");
    const stop = () => this.requestShutdown();
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    try {
      while (!this.#shutdownRequested) {
        await this.wait();
        this.step();
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      this.shutdown();
    }
  }

  /** Ends {@linkcode Reactor.run} after the current step. */
  requestShutdown(): void {
    this.#shutdownRequested = true;
    this.#selector.wake();
  }

  /** Calls `hook` in {@linkcode Reactor.shutdown}, before anything is closed. */
  addShutdownHook(hook: () => void): void {
    this.#shutdownHooks.add(hook);
  }

  /** Takes back what {@linkcode Reactor.addShutdownHook} was given. */
  removeShutdownHook(hook: () => void): void {
    this.#shutdownHooks.delete(hook);
  }

  /** Forgets all that is registered, closes all sockets at once, and releases everything. Idempotent. */
  shutdown(): void {
    if (this.#isShutDown) return;
    this.#isShutDown = true;
    this.#shutdownRequested = true;
    for (const hook of this.#shutdownHooks) hook();
    this.#shutdownHooks.clear();
    for (const [selectable, registration] of [...this.#readers, ...this.#writers]) {
      this.#selector.unregister(registration);
      (selectable as Partial<Socket>).close?.();
    }
    this.#readers.clear();
    this.#writers.clear();
    for (const socket of this.#open) socket.abort();
    this.#timers.clear();
    this.#cancelAlarm?.();
    this.#cancelAlarm = undefined;
    this.#selector.close();
  }

  /** As {@linkcode Reactor.shutdown}. */
  [Symbol.dispose](): void {
    this.shutdown();
  }

  #add(
    registered: Map<Selectable, Registration>,
    selectable: Selectable,
    interest: Interest,
    callback: () => void,
    { priority = 0 }: RegistrationOptions = {},
  ): void {
    this.#checkNotShutDown(`add a ${kind(interest)}`);
    if (!(Number.isInteger(priority) && priority >= 0 && priority < PRIORITIES)) {
      throw new RangeError(
        `Cannot add a ${kind(interest)} with priority ${priority}: it must be 0 to 9`,
      );
    }
    if (registered.has(selectable)) {
      throw new TypeError(
        `Cannot add a ${kind(interest)} of ${
          describe(selectable)
        }: it has one already, remove that first`,
      );
    }
    const registration = new Registration(selectable, interest, callback, priority);
    registered.set(selectable, registration);
    this.#selector.register(registration);
  }

  #remove(registered: Map<Selectable, Registration>, selectable: Selectable): void {
    const registration = registered.get(selectable);
    if (registration === undefined) return;
    registered.delete(selectable);
    this.#selector.unregister(registration);
  }

  #callTimers(): number {
    const timers = this.#timers;
    let first = timers.first();
    if (first === undefined) return 0;
    const now = this.#clock.now();
    // What a callback adds, if it be due at once, is for the next step.
    const limit = timers.nextOrder;
    let count = 0;
    while (first !== undefined && first.at <= now && first.order < limit) {
      const callback = timers.takeFirst();
      count++;
      try {
        callback();
      } catch (error) {
        this.onError(error, `timer ${callback.name}`);
      }
      first = timers.first();
    }
    return count;
  }

  #call(ready: Registration[]): number {
    let count = 0;
    let i = 0;
    try {
      for (; i < ready.length; i++) {
        const registration = ready[i]!;
        if (registration.active && registration.priority <= this.#turn) {
          if (this.#callOne(registration)) count++;
        }
        this.#selector.again(registration);
      }
    } finally {
      // An error goes out of this step: those not called yet are for the next.
      for (; i < ready.length; i++) this.#selector.again(ready[i]!);
    }
    return count;
  }

  /** Gives whether it was really ready; a false alarm is simply watched again. */
  #callOne(registration: Registration): boolean {
    const { selectable, interest } = registration;
    // Nobody waits for ever for what has closed: one last call.
    const isLast = selectable.closed === true;
    if (isLast) this.#removeRegistration(registration);
    else if (!(interest === "read" ? selectable.readable : selectable.writable)) return false;
    try {
      registration.callback();
    } catch (error) {
      if (registration.active) this.#removeRegistration(registration);
      this.onError(error, `${kind(interest)} of ${describe(selectable)}`);
    }
    // Who closes what it is called for need not be told that it closed.
    if (registration.active && selectable.closed) this.#removeRegistration(registration);
    return true;
  }

  #removeRegistration({ selectable, interest }: Registration): void {
    this.#remove(interest === "read" ? this.#readers : this.#writers, selectable);
  }

  #arm(): void {
    const first = this.#timers.first();
    if (first === undefined || first.at >= this.#alarmAt) return;
    this.#cancelAlarm?.();
    this.#alarmAt = first.at;
    const ms = Math.max(0, first.at - this.#clock.now());
    this.#cancelAlarm = (this.#clock.alarm ?? realAlarm).call(this.#clock, ms, this.#onAlarm);
  }

  /** The timer that the alarm was set for may be gone; the alarm is not moved each time. */
  #onAlarm = (): void => {
    this.#alarmAt = Infinity;
    this.#cancelAlarm = undefined;
    const first = this.#timers.first();
    if (first === undefined) return;
    if (first.at <= this.#clock.now()) this.#selector.wake();
    else this.#arm();
  };

  async #yield(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#lastTurn = performance.now();
  }

  #checkNotShutDown(doing: string): void {
    if (this.#isShutDown) throw new TypeError(`Cannot ${doing}: the reactor is shut down`);
  }
}

function kind(interest: Interest): string {
  return interest === "read" ? "reader" : "writer";
}

function createSelector(name: SelectorName): Selector {
  switch (name) {
    case "auto":
    case "deno":
      return new DenoSelector();
    case "epoll":
      throw new Deno.errors.NotSupported(
        'Cannot use the epoll selector: it is not there yet, use "auto" or "deno"',
      );
    default:
      throw new TypeError(
        `Cannot use selector ${JSON.stringify(name)}: it must be "auto", "deno" or "epoll"`,
      );
  }
}

const realClock: Clock = { now: () => performance.now() };

function realAlarm(ms: number, callback: () => void): () => void {
  const id = setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
  return () => clearTimeout(id);
}

function reportToConsole(error: unknown, where: string): void {
  console.error(`Error in ${where}:`, error);
}
