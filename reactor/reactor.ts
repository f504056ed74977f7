import type { ByteStream } from "./byte_stream.ts";
import type { Clock } from "./clock.ts";
import { createSelector } from "./_create_selector.ts";
import type { DenoSelector } from "./deno_selector.ts";
import { describe } from "./_describe.ts";
import { sendAtOnce } from "./linux/_tcp.ts";
import { checkReactorOptions } from "./_options.ts";
import { isTls } from "./_deno_listening.ts";
import { owners } from "./_owners.ts";
import { EventLoop } from "./_event_loop.ts";
import { formatInspected, inspect } from "./_inspect.ts";
import { CoroutineProcess } from "./_process.ts";
import type {
  CallContext,
  Handle,
  Inspected,
  ListeningOptions,
  Process,
  ReactorOptions,
  RegistrationOptions,
  ShutdownHook,
} from "./reactor_options.ts";
import { KINDS, Registry } from "./_registry.ts";
import { Reports } from "./_reports.ts";
import type { Selectable } from "./selectable.ts";
import type { Listening, Socket } from "./socket.ts";
import { Sockets } from "./_sockets.ts";
import { Stepper } from "./_stepper.ts";
import type { Timer } from "./timer.ts";
import type { HeapTimer } from "./_timer_heap.ts";
import { Timers } from "./_timers.ts";

/**
 * Calls back when something can be done without blocking: read, write, or go on after some time.
 *
 * 1. One step calls, in this order: timers that are due, readers, writers, processes.
 * 2. What is added takes effect at the next step. What is removed is not called any more, even if this step had already
 *    seen it ready.
 * 3. Readiness is a level: a reader is called in every step until it has received all there is.
 * 4. Priority 0 is called in every step, 9 in one step of ten.
 * 5. An error thrown by a callback removes its registration and is reported to `onError`; the reactor goes on. An
 *    `AssertionError` goes out of `step()` and `run()`, so that a test fails where it should, and so does any error of
 *    a process.
 * 6. What closes while somebody waits for it is called once more, and forgotten.
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
  #clock: Clock;
  #selector: DenoSelector;
  #options: ReactorOptions;
  #reports: Reports;
  #registry: Registry;
  #timers: Timers;
  #sockets: Sockets;
  #stepper: Stepper;
  #shutdownHooks = new Set<ShutdownHook>();
  #released: void | Promise<void> = undefined;
  #state: "alive" | "stopping" | "stopped" | "shut down" = "alive";
  #running = false;
  #shutdownRequested = false;
  #eventLoop: EventLoop;

  /**
   * A reactor with nothing registered.
   *
   * @throws {TypeError} when `selector` names no back end, or what should be a function is none
   * @throws {RangeError} when `lingerMs` is negative or not a number
   * @throws {Deno.errors.NotSupported} when that back end cannot be used here
   */
  constructor(options: ReactorOptions = {}) {
    const { selector = "auto", clock = realClock, lingerMs = 5000 } = options;
    checkReactorOptions(options);
    this.#options = options;
    this.#clock = clock;
    this.#selector = createSelector(selector);
    this.#eventLoop = new EventLoop({ isReady: () => this.#selector.denoIsReady });
    this.#registry = new Registry(this.#selector, clock, options.trace === true);
    this.#timers = new Timers(clock, () => this.#selector.wake());
    this.#reports = new Reports(options);
    this.#stepper = new Stepper(this.#selector, this.#registry, this.#timers, this.#reports);
    this.#sockets = new Sockets(this.#reports, { reactor: this, lingerMs });
    owners.set(this, this.#sockets.owner);
  }

  /** The name of the back end in use: `"deno"` or `"epoll"`. */
  get selector(): string {
    return this.#selector.name;
  }

  /** The clock that timers go by. */
  get clock(): Clock {
    return this.#clock;
  }

  /** Whether {@linkcode Reactor.shutdown} was called. */
  get isShutDown(): boolean {
    return this.#state === "shut down";
  }

  /** The sockets that belong to this reactor and still hold a connection. */
  get openConnections(): ReadonlySet<Socket> {
    return this.#sockets.open;
  }

  /** What the running callback was registered for: the selectable, process or timer. `undefined` outside callbacks. */
  get currentHandle(): Handle | undefined {
    return this.#stepper.current?.handle ?? this.#timers.current;
  }

  /** How the running reader, writer or process was registered. `undefined` outside these. */
  get currentContext(): CallContext | undefined {
    return this.#stepper.current;
  }

  /**
   * Calls `callback` in every step from the next on in which `selectable` is readable.
   *
   * @throws {TypeError} when it has a reader already, suspended or not: a transfer is one
   * @throws {RangeError} when the priority is not 0 to 9
   */
  addReader(selectable: Selectable, callback: () => void, options?: RegistrationOptions): void {
    this.#registry.add("reader", selectable, callback, options);
  }

  /** As {@linkcode Reactor.addReader}, in every step in which `selectable` is writable. */
  addWriter(selectable: Selectable, callback: () => void, options?: RegistrationOptions): void {
    this.#registry.add("writer", selectable, callback, options);
  }

  /**
   * Calls a function, or resumes a coroutine, in every step from the next on. What it throws goes out of the step.
   *
   * @throws {TypeError} when it is a process already, or is suspended
   * @throws {RangeError} when the priority is not 0 to 9
   */
  addProcess(process: Process, options?: RegistrationOptions): void {
    let callback: () => void;
    if (typeof process === "function") callback = process;
    else if (typeof process?.next === "function") {
      const coroutine = new CoroutineProcess(this, process);
      // While it waits for something, it is the one who is suspended.
      callback = () =>
        this.#stepper.current!.endSuspend = coroutine.step(() => this.#state === "alive");
    } else {
      throw new TypeError(
        `Cannot add a process: it must be a function or a coroutine, not ${typeof process}`,
      );
    }
    this.#registry.add("process", process, callback, options);
  }

  /** Ends what {@linkcode Reactor.addReader} began, at once. */
  removeReader(selectable: Selectable): void {
    this.#registry.remove("reader", selectable);
  }

  /** Ends what {@linkcode Reactor.addWriter} began, at once. */
  removeWriter(selectable: Selectable): void {
    this.#registry.remove("writer", selectable);
  }

  /** Ends what {@linkcode Reactor.addProcess} began, at once. */
  removeProcess(process: Process): void {
    this.#registry.remove("process", process);
  }

  /** Forgets all that is registered for a selectable or process, suspended or not. */
  cleanup(handle: Selectable | Process): void {
    for (const kind of KINDS) this.#registry.remove(kind, handle);
  }

  /**
   * Calls `callback` once, in the first step that begins `ms` milliseconds from now or later.
   *
   * @throws {RangeError} when `ms` is negative or not a number
   */
  addTimer(ms: number, callback: () => void): Timer {
    const timer = this.#timers.add(ms, callback);
    // A reactor that is waiting must not sleep longer than that.
    if (this.#selector.waiting) this.#timers.setAlarm();
    return timer;
  }

  /**
   * Takes a timer back. One that was called or removed already is left alone.
   *
   * @throws {TypeError} when it is a timer of another reactor
   */
  removeTimer(timer: Timer): void {
    this.#timers.remove(timer as HeapTimer);
  }

  /**
   * Called from a reader, writer or process: it is not called again until it is resumed. Gives the handle to resume it
   * with: what it was registered for.
   *
   * @throws {TypeError} when called from elsewhere
   */
  suspend(): Selectable | Process {
    const handler = this.#stepper.current;
    if (handler === undefined || !handler.active) {
      throw new TypeError("Cannot suspend: call it from a reader, writer or process");
    }
    this.#registry.suspend(handler);
    return handler.handle as Selectable | Process;
  }

  /** Whether a reader, writer or process of `handle` is suspended. */
  isSuspended(handle: Selectable | Process): boolean {
    return this.#registry.isSuspended(handle);
  }

  /**
   * Lets a suspended reader be called again, from the next step on.
   *
   * @throws {TypeError} when `handle` has no suspended reader
   */
  resumeReader(handle: Selectable | Process): void {
    this.#registry.resume("reader", handle);
  }

  /** As {@linkcode Reactor.resumeReader}, of a writer. */
  resumeWriter(handle: Selectable | Process): void {
    this.#registry.resume("writer", handle);
  }

  /** As {@linkcode Reactor.resumeReader}, of a process. */
  resumeProcess(handle: Selectable | Process): void {
    this.#registry.resume("process", handle);
  }

  /**
   * Makes a socket that belongs to this reactor of an open connection, file or stream. Do not use that itself any more.
   *
   * @throws {TypeError} when the reactor is shut down
   * @throws {Deno.errors.NotSupported} when `noDelay: true` is given for a TLS connection, and is not possible
   */
  adopt(
    stream: Deno.Conn | ByteStream,
    options: Pick<ListeningOptions, "noDelay"> = {},
  ): Socket {
    this.#checkAlive("adopt a connection");
    const { owner } = this.#sockets;
    const { noDelay = true } = options;
    if (noDelay && "handshake" in stream) sendAtOnce(stream as Deno.TlsConn, options);
    return this.#selector.socket(stream, noDelay ? owner : { ...owner, noDelay });
  }

  /**
   * Makes of a listener something that a reader can be added to. Do not use the listener itself any more.
   *
   * @throws {TypeError} when the reactor is shut down
   * @throws {Deno.errors.NotSupported} when `noDelay: true` is given for a TLS listener, and is not possible
   */
  listening(listener: Deno.Listener, options: ListeningOptions = {}): Listening {
    this.#checkAlive("listen");
    // What it accepts has the options of the listener.
    if (options.noDelay !== false && isTls(listener)) sendAtOnce(listener, options);
    return this.#selector.listening(listener, this.#sockets.ownerOfAccepted(options));
  }

  /**
   * Reports an error that nobody waits for to {@linkcode ReactorOptions.onError}; `where` tells what threw it.
   *
   * @throws `error` itself, if it is an AssertionError
   */
  onError(error: unknown, where: string): void {
    this.#reports.report(error, where);
  }

  /** Lists what is registered, suspended and open. */
  inspect(): Inspected[] {
    return inspect({
      handlers: KINDS.flatMap((kind) => this.#registry.all(kind)),
      timers: this.#timers.live(),
      sockets: this.openConnections,
    }, this.#clock.now());
  }

  /**
   * Calls the callbacks of what is ready now, and gives the number of them. Never blocks, and never waits.
   *
   * @throws an AssertionError thrown by a callback, and any error of a process
   * @throws {TypeError} when called from a callback
   */
  step(): number {
    return this.#stepper.step();
  }

  /** Resolves when a step would have something to do, or a shutdown was requested. */
  async wait(): Promise<void> {
    this.#clock.onWait?.();
    if (this.#eventLoop.isDue) await this.#eventLoop.turn();
    if (this.#selector.ready || this.#registry.hasProcesses) return;
    const limitMs = this.#timers.limitMs();
    if (limitMs <= 0 || this.#shutdownRequested) return;
    this.#timers.setAlarm();
    const until = this.#selector.wait(limitMs);
    this.#clock.onWait?.({ until, look: () => this.#selector.look() });
    await this.#eventLoop.wait(until);
  }

  /**
   * Steps until {@linkcode Reactor.requestShutdown} is called or `signal` aborts; then shuts down, after closed sockets
   * have sent what they accepted.
   *
   * @throws what goes out of {@linkcode Reactor.step}, and of {@linkcode Reactor.shutdown}
   * @throws {TypeError} when the reactor is shut down, or runs already
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#checkAlive("run");
    if (this.#running) throw new TypeError("Cannot run: the reactor runs already");
    this.#running = true;
    const stop = () => this.requestShutdown();
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    try {
      while (!this.#shutdownRequested) {
        await this.wait();
        this.step();
      }
      this.#stop();
      await this.#sockets.drain(this.#clock);
    } finally {
      signal?.removeEventListener("abort", stop);
      try {
        this.shutdown();
      } finally {
        await this.#released;
      }
    }
  }

  /** Ends {@linkcode Reactor.run} after the current step. */
  requestShutdown(): void {
    this.#shutdownRequested = true;
    this.#selector.wake();
  }

  /** Has {@linkcode Reactor.shutdown} call `hook` first, while everything still works. */
  addShutdownHook(hook: ShutdownHook): void {
    this.#shutdownHooks.add(hook);
  }

  /** Takes back what {@linkcode Reactor.addShutdownHook} was given. */
  removeShutdownHook(hook: ShutdownHook): void {
    this.#shutdownHooks.delete(hook);
  }

  /**
   * Calls the hooks, forgets and closes all that is registered, closes all sockets at once, and releases everything.
   * Idempotent. Errors meanwhile are reported to {@linkcode ReactorOptions.onError}; what that throws is thrown at the end.
   */
  shutdown(): void {
    this.#stop();
    if (this.#state !== "stopped") return;
    this.#state = "shut down";
    this.#sockets.abort();
    this.#released = this.#selector.close();
    this.#reports.rethrow();
  }

  /** As {@linkcode Reactor.shutdown}. */
  [Symbol.dispose](): void {
    this.shutdown();
  }

  /** Everything of {@linkcode Reactor.shutdown} but the end of sockets that are closing already. */
  #stop(): void {
    if (this.#state !== "alive") return;
    this.#state = "stopping";
    this.#shutdownRequested = true;
    const { onShutdown } = this.#options;
    const attempt = (what: string, act: () => void) => this.#reports.attempt(what, act);
    if (onShutdown) attempt("onShutdown", () => onShutdown(this.inspect().map(formatInspected)));
    for (const hook of this.#shutdownHooks) {
      attempt("shutdown hook", () => typeof hook === "function" ? hook() : hook.abandon());
    }
    this.#state = "stopped";
    this.#registry.close();
    for (const kind of KINDS) {
      for (const { handle } of this.#registry.all(kind)) {
        const isRunning = this.#stepper.current?.handle === handle;
        const what = `${kind} of ${describe(handle)}`;
        attempt(what, () => this.#registry.remove(kind, handle));
        attempt(what, () => {
          if (kind !== "process") (handle as Partial<Socket>).close?.();
          else if (!isRunning) (handle as Partial<Generator>).return?.(undefined);
        });
      }
    }
    this.#sockets.end();
    this.#timers.clear();
    this.#selector.wake();
  }

  #checkAlive(doing: string): void {
    if (this.#state === "stopped" || this.#state === "shut down") {
      throw new TypeError(`Cannot ${doing}: the reactor is shut down`);
    }
  }
}

const realClock: Clock = { now: () => performance.now() };
