import { checkCallback } from "./_callback.ts";
import { names, refuseUnknown } from "./_known.ts";
import { tellAttended } from "./_attended.ts";
import type { ByteStream } from "./byte_stream.ts";
import type { Clock } from "./clock.ts";
import { createSelector } from "./_create_selector.ts";
import type { DenoSelector } from "./_deno_selector.ts";
import { describe, shown } from "./_describe.ts";
import { ignoreRejection } from "./_ignore.ts";
import { sendAtOnce } from "./linux/_tcp.ts";
import { checkReactorOptions } from "./_options.ts";
import { isTls } from "./_deno_listening.ts";
import { owners } from "./_owners.ts";
import { EventLoop } from "./_event_loop.ts";
import { formatInspected, inspect } from "./_inspect.ts";
import { CoroutineProcess } from "./_process.ts";
import type {
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
import { steppers } from "./_steps.ts";
import type { Timer } from "./timer.ts";
import type { HeapTimer } from "./_timer_heap.ts";
import { realClock, Timers } from "./_timers.ts";
import { forget, shutDownWithWorker } from "./_worker_end.ts";

const TO_RUN = ["signal"];
const TO_ADOPT = ["noDelay"];
const TO_LISTEN = names<ListeningOptions>({ noDelay: 1, onReleased: 1 });

/**
 * Calls back when something can be done without blocking: read, write, or go on after some time.
 *
 * 1. A step calls, in this order: timers that are due, readers, writers, processes.
 * 2. An addition takes effect at the next step. A removal takes effect at once, even if this step
 *    has seen that the selectable is ready.
 * 3. Readiness is a level: a reader is called in every step until it has received everything.
 * 4. Priority 0 is called in every step, 9 in one step of ten.
 * 5. An error thrown by a callback removes its registration and is reported to `onError`. The
 *    reactor goes on. An `AssertionError` goes out of `step()` and `run()`, so that a test fails
 *    where it should. So does any error of a process.
 * 6. If a selectable closes while somebody waits for it, its callback is called once more and
 *    forgotten.
 * 7. A worker that calls `close()`, or fails by an error, shuts its reactors down. After
 *    `terminate()` its connections on epoll stay open, because no code runs any more.
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
 *
 * @category Reactor
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
   * Makes a reactor with nothing registered.
   *
   * @param options See {@linkcode ReactorOptions}.
   * @throws {TypeError} If `selector` is not the name of a back end, or a callback is not a
   * function.
   * @throws {RangeError} If `lingerMs` is negative or not a number.
   * @throws {Deno.errors.NotSupported} If that back end cannot be used here.
   */
  constructor(options: ReactorOptions = {}) {
    checkReactorOptions(options);
    const { selector = "auto", clock = realClock, lingerMs = 5000 } = options;
    this.#options = options;
    this.#clock = clock;
    this.#selector = createSelector(selector);
    this.#eventLoop = new EventLoop({ isReady: () => this.#selector.denoIsReady });
    this.#registry = new Registry(this.#selector, clock, options.trace === true);
    this.#timers = new Timers(clock, () => this.#selector.wake());
    this.#reports = new Reports(options);
    this.#stepper = new Stepper(this.#selector, this.#registry, this.#timers, this.#reports, clock);
    this.#sockets = new Sockets(this.#reports, { reactor: this, lingerMs });
    owners.set(this, this.#sockets.owner);
    steppers.set(this, this.#stepper);
    tellAttended(this, () => this.#running || this.#stepper.hasStepped);
    shutDownWithWorker(this);
  }

  /** The name of the back end in use: `"deno"` or `"epoll"`. */
  get selector(): string {
    return this.#selector.name;
  }

  /** The clock of the timers. */
  get clock(): Clock {
    return this.#clock;
  }

  /**
   * The time of the clock in milliseconds. It does not move during a step, so that it costs next to
   * nothing to ask for it at each event.
   */
  get now(): number {
    return this.#stepper.now;
  }

  /** Whether {@linkcode Reactor.shutdown} was called. */
  get isShutDown(): boolean {
    return this.#state === "shut down";
  }

  /** The sockets that belong to this reactor and still hold a connection. */
  get openConnections(): ReadonlySet<Socket> {
    return this.#sockets.open;
  }

  /** The selectable, process or timer whose callback is running. `undefined` outside callbacks. */
  get currentHandle(): Handle | undefined {
    return this.#stepper.current?.handle ?? this.#timers.current;
  }

  /**
   * How the running reader, writer or process was registered. `undefined` outside these. It is no
   * longer `active` after it was removed or suspended, and in the last call after a close.
   */
  get currentContext(): {
    readonly kind: "reader" | "writer" | "process";
    readonly callback: (failure?: unknown) => void;
    readonly priority: number;
    readonly active: boolean;
  } | undefined {
    return this.#stepper.current;
  }

  /**
   * Calls `callback` in every step in which `selectable` is readable, from the next step on.
   *
   * If `watch` of the selectable throws, `callback` is called once with that error, and the reader
   * is removed.
   *
   * @param selectable What to wait for.
   * @param callback Called when it is readable.
   * @param options See {@linkcode RegistrationOptions}.
   * @throws {TypeError} If it has a reader already, suspended or not. A transfer is a reader.
   * @throws {RangeError} If the priority is not 0 to 9.
   */
  addReader(
    selectable: Selectable,
    callback: (failure?: unknown) => void,
    options?: RegistrationOptions,
  ): void {
    this.#registry.add("reader", selectable, callback, options);
  }

  /**
   * Calls `callback` in every step in which `selectable` is writable, from the next step on.
   *
   * If `watch` of the selectable throws, `callback` is called once with that error, and the writer
   * is removed.
   *
   * @param selectable What to wait for.
   * @param callback Called when it is writable.
   * @param options See {@linkcode RegistrationOptions}.
   * @throws {TypeError} If it has a writer already, suspended or not. A transfer is a writer.
   * @throws {RangeError} If the priority is not 0 to 9.
   */
  addWriter(
    selectable: Selectable,
    callback: (failure?: unknown) => void,
    options?: RegistrationOptions,
  ): void {
    this.#registry.add("writer", selectable, callback, options);
  }

  /**
   * Calls a function, or resumes a coroutine, in every step from the next one on. Its errors go out
   * of the step.
   *
   * @param process The function or coroutine.
   * @param options See {@linkcode RegistrationOptions}.
   * @throws {TypeError} If it is a process already, suspended or not.
   * @throws {RangeError} If the priority is not 0 to 9.
   */
  addProcess(process: Process, options?: RegistrationOptions): void {
    let callback: () => void;
    if (typeof process === "function") {
      checkCallback(process, "add a process", "give the coroutine, main(), not main");
      callback = process;
    } else if (typeof process?.next === "function") {
      const coroutine = new CoroutineProcess(this, process);
      // A coroutine that waits for a request is suspended until that is answered.
      callback = () =>
        this.#stepper.current!.endSuspend = coroutine.step(() => this.#state === "alive");
    } else {
      throw new TypeError(
        `Cannot add a process: it must be a function or a coroutine, not ${typeof process}`,
      );
    }
    this.#registry.add("process", process, callback, options);
  }

  /**
   * Removes what {@linkcode Reactor.addReader} added, at once.
   *
   * @param selectable What it was added for.
   */
  removeReader(selectable: Selectable): void {
    this.#registry.remove("reader", selectable);
  }

  /**
   * Removes what {@linkcode Reactor.addWriter} added, at once.
   *
   * @param selectable What it was added for.
   */
  removeWriter(selectable: Selectable): void {
    this.#registry.remove("writer", selectable);
  }

  /**
   * Removes what {@linkcode Reactor.addProcess} added, at once.
   *
   * @param process The function or coroutine.
   */
  removeProcess(process: Process): void {
    this.#registry.remove("process", process);
  }

  /**
   * Removes all that is registered for a selectable or process, suspended or not.
   *
   * @param handle The selectable or process.
   */
  cleanup(handle: Selectable | Process): void {
    for (const kind of KINDS) this.#registry.remove(kind, handle);
  }

  /**
   * Calls `callback` once, in the first step that begins `ms` milliseconds from now or later.
   *
   * @param ms The time in milliseconds.
   * @param callback Called when that has passed.
   * @returns The timer, for {@linkcode Reactor.removeTimer}.
   * @throws {RangeError} If `ms` is negative or not a number.
   */
  addTimer(ms: number, callback: () => void): Timer {
    const timer = this.#timers.add(ms, callback);
    // A waiting reactor must wake up for it.
    if (this.#selector.waiting) this.#timers.setAlarm();
    return timer;
  }

  /**
   * Removes a timer. Does nothing if it was called or removed already.
   *
   * @param timer The timer.
   * @throws {TypeError} If it is a timer of another reactor.
   */
  removeTimer(timer: Timer): void {
    this.#timers.remove(timer as HeapTimer);
  }

  /**
   * Suspends the reader, writer or process that calls this: it is not called again until it is
   * resumed.
   *
   * @returns The handle that resumes it: its selectable or process.
   * @throws {TypeError} If it is called from elsewhere.
   */
  suspend(): Selectable | Process {
    const handler = this.#stepper.current;
    if (handler === undefined || !handler.active) {
      throw new TypeError("Cannot suspend: call it from a reader, writer or process");
    }
    this.#registry.suspend(handler);
    return handler.handle as Selectable | Process;
  }

  /**
   * Whether a reader, writer or process of `handle` is suspended.
   *
   * @param handle The selectable or process.
   * @returns Whether it is.
   */
  isSuspended(handle: Selectable | Process): boolean {
    return this.#registry.isSuspended(handle);
  }

  /**
   * Resumes a suspended reader. It takes effect at the next step.
   *
   * @param handle What {@linkcode Reactor.suspend} returned.
   * @throws {TypeError} If `handle` has no suspended reader.
   */
  resumeReader(handle: Selectable | Process): void {
    this.#registry.resume("reader", handle);
  }

  /**
   * Resumes a suspended writer. It takes effect at the next step.
   *
   * @param handle What {@linkcode Reactor.suspend} returned.
   * @throws {TypeError} If `handle` has no suspended writer.
   */
  resumeWriter(handle: Selectable | Process): void {
    this.#registry.resume("writer", handle);
  }

  /**
   * Resumes a suspended process. It takes effect at the next step.
   *
   * @param handle What {@linkcode Reactor.suspend} returned.
   * @throws {TypeError} If `handle` is not a suspended process.
   */
  resumeProcess(handle: Selectable | Process): void {
    this.#registry.resume("process", handle);
  }

  /**
   * Makes a socket of an open connection, file or stream. Do not use that itself any more.
   *
   * @param stream The connection, file or stream.
   * @param options Whether it sends small pieces at once.
   * @returns The socket. It belongs to this reactor.
   * @throws {TypeError} If the reactor is shut down.
   * @throws {Deno.errors.NotSupported} If `noDelay: true` is given for a TLS connection and is not
   * possible.
   */
  adopt(
    stream: Deno.Conn | ByteStream,
    options: Pick<ListeningOptions, "noDelay"> = {},
  ): Socket {
    this.#checkAlive("adopt a connection");
    refuseUnknown("adopt a connection", options, TO_ADOPT);
    checkStream(stream);
    const { owner } = this.#sockets;
    const { noDelay = true } = options;
    if (noDelay && "handshake" in stream) sendAtOnce(stream as Deno.TlsConn, options);
    return this.#selector.socket(stream, noDelay ? owner : { ...owner, noDelay });
  }

  /**
   * Makes a selectable of a listener. Do not use the listener itself any more.
   *
   * @param listener The listener, or the number of a descriptor that listens; see
   * {@linkcode AcceptorOptions.descriptor}.
   * @param options See {@linkcode ListeningOptions}.
   * @returns What a reader can be added to.
   * @throws {TypeError} If the reactor is shut down, or the descriptor does not listen.
   * @throws {Deno.errors.NotSupported} If `noDelay: true` is given for a TLS listener and is not
   * possible, or a descriptor is given and the selector is not `"epoll"`.
   */
  listening(listener: Deno.Listener | number, options: ListeningOptions = {}): Listening {
    this.#checkAlive("listen");
    refuseUnknown("listen", options, TO_LISTEN);
    // Accepted connections inherit this option.
    if (options.noDelay !== false && typeof listener === "object" && isTls(listener)) {
      sendAtOnce(listener, options);
    }
    return this.#selector.listening(listener, this.#sockets.ownerOfAccepted(options));
  }

  /**
   * Reports an error that nobody waits for to {@linkcode ReactorOptions.onError}.
   *
   * @param error The error.
   * @param where What threw it.
   * @throws The error itself if it is an AssertionError.
   */
  onError(error: unknown, where: string): void {
    this.#reports.report(error, where);
  }

  /**
   * Lists what is registered, suspended and open, and where each coroutine of gio waits.
   *
   * @returns One object for each; {@linkcode inspectedText} makes a text of them.
   */
  inspect(): Inspected[] {
    return inspect({
      handlers: KINDS.flatMap((kind) => this.#registry.all(kind)),
      timers: this.#timers.live(),
      sockets: this.openConnections,
      hooks: this.#shutdownHooks,
    }, this.#clock.now());
  }

  /**
   * Calls the callbacks of everything that is ready now. Never blocks and never waits.
   *
   * @returns How many callbacks were called.
   * @throws {TypeError} If it is called from a callback.
   * @throws An AssertionError of a callback, and any error of a process.
   */
  step(): number {
    return this.#stepper.step();
  }

  /**
   * Waits until there is something to do.
   *
   * @returns A promise that resolves when a step would have something to do, or when a shutdown was
   * requested.
   */
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
   * Steps until {@linkcode Reactor.requestShutdown} is called or `signal` aborts. Then it waits
   * until closed sockets have sent what they accepted, and shuts down.
   *
   * @param options A signal that ends it.
   * @returns A promise that resolves when the reactor is shut down.
   * @throws {TypeError} If the reactor is shut down, or runs already.
   * @throws What {@linkcode Reactor.step} and {@linkcode Reactor.shutdown} throw.
   */
  async run(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#checkAlive("run");
    refuseUnknown("run", options, TO_RUN);
    const { signal } = options;
    if (this.#running) {
      throw new TypeError("Cannot run: the reactor runs already; what you add to it runs as well");
    }
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

  /**
   * Adds what {@linkcode Reactor.shutdown} calls first, while everything still works.
   *
   * @param hook What to call.
   * @throws {TypeError} If it cannot be called.
   */
  addShutdownHook(hook: ShutdownHook): void {
    if (typeof hook !== "function" && typeof hook?.abandon !== "function") {
      throw new TypeError(
        `Cannot add a shutdown hook: give a function, or an object with abandon(), not ${
          shown(hook)
        }`,
      );
    }
    this.#shutdownHooks.add(hook);
  }

  /**
   * Removes what {@linkcode Reactor.addShutdownHook} added.
   *
   * @param hook What was given there.
   */
  removeShutdownHook(hook: ShutdownHook): void {
    this.#shutdownHooks.delete(hook);
  }

  /**
   * Calls the hooks, removes and closes all that is registered, closes all sockets at once, and
   * releases everything. Idempotent. Errors are reported to {@linkcode ReactorOptions.onError}.
   *
   * @throws What `onError` throws, when everything is done.
   */
  shutdown(): void {
    this.#stop();
    if (this.#state !== "stopped") return;
    this.#state = "shut down";
    forget(this);
    this.#sockets.abort();
    this.#released = this.#selector.close();
    this.#reports.rethrow();
  }

  /** The same as {@linkcode Reactor.shutdown}. */
  [Symbol.dispose](): void {
    this.shutdown();
  }

  /**
   * Does all of {@linkcode Reactor.shutdown}, but leaves sockets alone that are closing already.
   */
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

/** What is no stream would be found out at the first read, and then without its name. */
function checkStream(stream: unknown): void {
  const { close, read, pull, write, recv } = (stream ?? {}) as Record<string, unknown>;
  const canMove = [read, pull, write].some((method) => typeof method === "function");
  if (canMove && typeof close === "function" && typeof recv !== "function") return;
  ignoreRejection(stream);
  let instead = "give a connection, adopt(await Deno.connect(…)), or a ByteStream";
  if (typeof recv === "function") instead = "it is a socket of a reactor already, use it as it is";
  else if (stream instanceof Promise) instead = "it is a promise, await it before";
  throw new TypeError(`Cannot adopt ${shown(stream)}: ${instead}`);
}
