import { Alarm, startAlarm } from "./_alarm.ts";
import type { ByteStream } from "./byte_stream.ts";
import type { Clock } from "./clock.ts";
import { DenoSelector } from "./deno_selector.ts";
import { describe } from "./_describe.ts";
import { EpollSelector } from "./linux/epoll_selector.ts";
import type { ReactorEvents } from "./events.ts";
import { owners } from "./_owners.ts";
import { EventLoop } from "./_event_loop.ts";
import { Handler } from "./_handler.ts";
import type {
  CallContext,
  Handle,
  Inspected,
  ListeningOptions,
  Process,
  ReactorOptions,
  RegistrationOptions,
  SelectorName,
  ShutdownHook,
} from "./reactor_options.ts";
import type { Selectable } from "./selectable.ts";
import type { Selector } from "./selector.ts";
import type { Draining, Listening, Socket, SocketOwner } from "./socket.ts";
import { Suspend } from "./suspend.ts";
import { isTaken } from "./transfer/_taken.ts";
import { type HeapTimer, TimerHeap } from "./_timer_heap.ts";
import type { Timer } from "./timer.ts";

const PRIORITIES = 10;
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
  #selector: Selector<Handler>;
  #options: ReactorOptions;
  #events: ReactorEvents;
  #readers = new Map<Handle, Handler>();
  #writers = new Map<Handle, Handler>();
  #processes = new Map<Handle, Handler>();
  #suspended: Record<CallContext["kind"], Map<Handle, Handler>> = {
    reader: new Map(),
    writer: new Map(),
    process: new Map(),
  };
  #timers = new TimerHeap();
  #open = new Set<Socket>();
  #draining = new Set<Draining>();
  #shutdownHooks = new Set<ShutdownHook>();
  #owner: SocketOwner;

  /** Only what has a priority of at most this is called. */
  #turn = -1;
  #released: void | Promise<void> = undefined;
  /** What `onError` threw during a shutdown. */
  #thrown: { error: unknown } | undefined;
  #steps = 0;
  #stepping = false;
  #current: Handler | undefined;
  #currentTimer: Timer | undefined;
  #state: "alive" | "stopping" | "stopped" | "shut down" = "alive";
  #shutdownRequested = false;
  #onDrained: (() => void) | undefined;

  #alarm: Alarm;
  #eventLoop = new EventLoop();

  /**
   * A reactor with nothing registered.
   *
   * @throws {TypeError} when `selector` names no back end
   * @throws {Deno.errors.NotSupported} when that back end cannot be used here
   */
  constructor(options: ReactorOptions = {}) {
    const { selector = "auto", clock = realClock, events, lingerMs = 5000 } = options;
    this.#options = options;
    this.#events = events === undefined ? NO_EVENTS : this.#guarded(events);
    this.#clock = clock;
    this.#selector = createSelector(selector);
    this.#alarm = new Alarm(clock, this.#timers, () => this.#selector.wake());
    this.#owner = {
      lingerMs,
      noDelay: true,
      ...(events && { events: this.#events }),
      opened: (socket) => this.#open.add(socket),
      released: (socket) => {
        this.#open.delete(socket);
        this.#events.closed?.(socket);
        this.#checkDrained();
      },
      draining: this.#draining,
      drained: () => this.#checkDrained(),
      addTimer: (ms, callback) => this.addTimer(ms, callback),
      removeTimer: (timer) => this.removeTimer(timer),
    };
    owners.set(this, this.#owner);
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
    return this.#open;
  }

  /** What the running callback was registered for: the selectable, process or timer. `undefined` outside callbacks. */
  get currentHandle(): Handle | undefined {
    return this.#current?.handle ?? this.#currentTimer;
  }

  /** How the running reader, writer or process was registered. `undefined` outside these. */
  get currentContext(): CallContext | undefined {
    return this.#current;
  }

  /**
   * Calls `callback` in every step from the next on in which `selectable` is readable.
   *
   * @throws {TypeError} when it has a reader already, or has a reader that is suspended, or a transfer reads it
   * @throws {RangeError} when the priority is not 0 to 9
   */
  addReader(selectable: Selectable, callback: () => void, options?: RegistrationOptions): void {
    this.#addSelectable("reader", selectable, callback, options);
  }

  /**
   * Calls `callback` in every step from the next on in which `selectable` is writable.
   *
   * @throws {TypeError} when it has a writer already, or has a writer that is suspended, or a transfer writes it
   * @throws {RangeError} when the priority is not 0 to 9
   */
  addWriter(selectable: Selectable, callback: () => void, options?: RegistrationOptions): void {
    this.#addSelectable("writer", selectable, callback, options);
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
    else if (typeof process?.next === "function") callback = () => this.#resume(process);
    else {
      throw new TypeError(
        `Cannot add a process: it must be a function or a coroutine, not ${typeof process}`,
      );
    }
    const handler = this.#add("process", process, callback, options);
    handler.active = true;
    this.#selector.wake();
  }

  /** Ends what {@linkcode Reactor.addReader} began, at once. */
  removeReader(selectable: Selectable): void {
    this.#remove("reader", selectable);
  }

  /** Ends what {@linkcode Reactor.addWriter} began, at once. */
  removeWriter(selectable: Selectable): void {
    this.#remove("writer", selectable);
  }

  /** Ends what {@linkcode Reactor.addProcess} began, at once. */
  removeProcess(process: Process): void {
    this.#remove("process", process);
  }

  /** Forgets all that is registered for a selectable or process, suspended or not. */
  cleanup(handle: Selectable | Process): void {
    for (const kind of KINDS) this.#remove(kind, handle);
  }

  /**
   * Calls `callback` once, in the first step that begins `ms` milliseconds from now or later.
   *
   * @throws {RangeError} when `ms` is negative or not a number
   */
  addTimer(ms: number, callback: () => void): Timer {
    if (!(ms >= 0)) throw new RangeError(`Cannot add a timer of ${ms} ms: it must be at least 0`);
    const timer = this.#timers.add(this.#clock.now() + ms, callback);
    // Who waits now waits for a later one, or for none.
    if (this.#selector.waiting) this.#alarm.set();
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
    const handler = this.#current;
    if (handler === undefined || !handler.active) {
      throw new TypeError("Cannot suspend: call it from a reader, writer or process");
    }
    this.#remove(handler.kind, handler.handle);
    this.#suspended[handler.kind].set(handler.handle, handler);
    return handler.handle as Selectable | Process;
  }

  /** Whether a reader, writer or process of `handle` is suspended. */
  isSuspended(handle: Selectable | Process): boolean {
    return KINDS.some((kind) => this.#suspended[kind].has(handle));
  }

  /**
   * Lets a suspended reader be called again, from the next step on.
   *
   * @throws {TypeError} when `handle` has no suspended reader, or a transfer reads it
   */
  resumeReader(handle: Selectable | Process): void {
    this.#unsuspend("reader", handle);
  }

  /**
   * Lets a suspended writer be called again, from the next step on.
   *
   * @throws {TypeError} when `handle` has no suspended writer, or a transfer writes it
   */
  resumeWriter(handle: Selectable | Process): void {
    this.#unsuspend("writer", handle);
  }

  /**
   * Lets a suspended process be called again, from the next step on.
   *
   * @throws {TypeError} when `handle` is no suspended process
   */
  resumeProcess(handle: Selectable | Process): void {
    this.#unsuspend("process", handle);
  }

  /**
   * Makes a socket that belongs to this reactor of an open connection, file or stream. Do not use that itself any more.
   *
   * @throws {TypeError} when the reactor is shut down
   */
  adopt(
    stream: Deno.Conn | ByteStream,
    { noDelay = true }: Pick<ListeningOptions, "noDelay"> = {},
  ): Socket {
    this.#checkAlive("adopt a connection");
    return this.#selector.socket(stream, noDelay ? this.#owner : { ...this.#owner, noDelay });
  }

  /**
   * Makes of a listener something that a reader can be added to. Do not use the listener itself any more.
   *
   * @throws {TypeError} when the reactor is shut down
   */
  listening(listener: Deno.Listener, options: ListeningOptions = {}): Listening {
    this.#checkAlive("listen");
    const { noDelay = true, onReleased } = options;
    const owner = this.#owner;
    return this.#selector.listening(listener, {
      ...owner,
      noDelay,
      opened(socket) {
        owner.opened(socket);
        owner.events?.accepted?.(socket);
      },
      released(socket) {
        owner.released(socket);
        onReleased?.(socket);
      },
    });
  }

  /**
   * Reports an error that nobody waits for to {@linkcode ReactorOptions.onError}; `where` tells what threw it.
   *
   * @throws `error` itself, if it is an AssertionError
   */
  onError(error: unknown, where: string): void {
    if (isAssertionError(error)) throw error;
    this.#events.error?.(error, where);
    this.#report(error, where);
  }

  /** Lists what is registered, suspended and open. */
  inspect(): Inspected[] {
    const now = this.#clock.now();
    const handlers = KINDS.flatMap((kind) => [
      ...this.#registered(kind).values(),
      ...this.#suspended[kind].values(),
    ]);
    const seen = new Set(handlers.map((handler) => handler.handle));
    return [
      ...handlers.map((handler) => handler.inspect(now)),
      ...this.#timers.live().map((timer): Inspected => ({
        kind: "timer",
        what: timer.callback!.name || "anonymous",
        dueMs: timer.at - now,
      })),
      ...[...this.#open].filter((socket) => !seen.has(socket)).map((socket): Inspected => ({
        kind: "connection",
        what: describe(socket),
      })),
    ];
  }

  /**
   * Calls the callbacks of what is ready now, and gives the number of them. Never blocks, and never waits.
   *
   * @throws an AssertionError thrown by a callback, and any error of a process
   * @throws {TypeError} when called from a callback
   */
  step(): number {
    if (this.#stepping) throw new TypeError("Cannot step: the reactor is in a step already");
    const { step: onStep } = this.#events;
    const begin = onStep && performance.now();
    this.#stepping = true;
    this.#steps++;
    this.#turn = (this.#turn + 1) % PRIORITIES;
    const { readers, writers } = this.#selector.select();
    let count = 0;
    try {
      count += this.#callTimers();
      if (readers.length > 0) count += this.#callReady(readers);
      if (writers.length > 0) count += this.#callReady(writers);
      if (this.#processes.size > 0) count += this.#callProcesses();
    } finally {
      this.#stepping = false;
      this.#current = undefined;
      this.#currentTimer = undefined;
      // After an error that goes out of this step: those not called yet are for the next.
      for (const handler of readers) this.#selector.again(handler);
      for (const handler of writers) this.#selector.again(handler);
    }
    onStep?.(performance.now() - begin!, count);
    return count;
  }

  /** Resolves when a step would have something to do, or a shutdown was requested. */
  async wait(): Promise<void> {
    if (this.#eventLoop.isDue) await this.#eventLoop.turn();
    if (this.#selector.ready || this.#processes.size > 0 || this.#shutdownRequested) return;
    const first = this.#timers.first();
    let limitMs = Infinity;
    if (first !== undefined) {
      limitMs = first.at - this.#clock.now();
      if (limitMs <= 0) return;
      this.#alarm.set();
    }
    await this.#eventLoop.wait(this.#selector.wait(limitMs));
  }

  /**
   * Steps until {@linkcode Reactor.requestShutdown} is called or `signal` aborts; then shuts down, after closed sockets
   * have sent what they accepted.
   *
   * @throws what goes out of {@linkcode Reactor.step}, and of {@linkcode Reactor.shutdown}
   * @throws {TypeError} when the reactor is shut down
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#checkAlive("run");
    const stop = () => this.requestShutdown();
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    try {
      while (!this.#shutdownRequested) {
        await this.wait();
        this.step();
      }
      this.#stop();
      await this.#drain();
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
    for (const left of [...this.#open, ...this.#draining]) {
      this.#ending(describe(left), () => left.abort());
    }
    this.#released = this.#selector.close();
    if (this.#thrown !== undefined) throw this.#thrown.error;
  }

  /** As {@linkcode Reactor.shutdown}. */
  [Symbol.dispose](): void {
    this.shutdown();
  }

  #registered(kind: CallContext["kind"]): Map<Handle, Handler> {
    if (kind === "reader") return this.#readers;
    return kind === "writer" ? this.#writers : this.#processes;
  }

  #addSelectable(
    kind: "reader" | "writer",
    selectable: Selectable,
    callback: () => void,
    options: RegistrationOptions | undefined,
  ): void {
    if (typeof selectable?.watch !== "function") {
      throw new TypeError(`Cannot add a ${kind} of ${String(selectable)}: it is no Selectable`);
    }
    checkNotTaken("add", kind, selectable);
    this.#selector.register(this.#add(kind, selectable, callback, options));
  }

  #add(
    kind: CallContext["kind"],
    handle: Selectable | Process,
    callback: () => void,
    { priority = 0, where }: RegistrationOptions = {},
  ): Handler {
    this.#checkAlive(`add a ${kind}`);
    if (!(priority >= 0 && priority < PRIORITIES && Number.isInteger(priority))) {
      throw new RangeError(`Cannot add a ${kind} with priority ${priority}: it must be 0 to 9`);
    }
    const registered = this.#registered(kind);
    if (registered.has(handle)) {
      throw new TypeError(
        `Cannot add a ${kind} of ${describe(handle)}: it has one, remove that first`,
      );
    }
    if (this.#suspended[kind].has(handle)) {
      throw new TypeError(
        `Cannot add a ${kind} of ${describe(handle)}: it is suspended, resume it`,
      );
    }
    const handler = new Handler(kind, handle, callback, priority);
    handler.where = this.#options.trace ? traced(where) : where;
    return this.#register(handler, registered);
  }

  #register(handler: Handler, registered: Map<Handle, Handler>): Handler {
    handler.step = this.#steps;
    handler.since = this.#clock.now();
    registered.set(handler.handle, handler);
    return handler;
  }

  #remove(kind: CallContext["kind"], handle: Handle): void {
    const suspended = this.#suspended[kind];
    if (suspended.size > 0) {
      suspended.get(handle)?.endSuspend?.();
      suspended.delete(handle);
    }
    const registered = this.#registered(kind);
    const handler = registered.get(handle);
    if (handler === undefined) return;
    registered.delete(handle);
    if (kind === "process") handler.active = false;
    else this.#selector.unregister(handler);
  }

  #unsuspend(kind: CallContext["kind"], handle: Handle): void {
    const suspended = this.#suspended[kind];
    const old = suspended.get(handle);
    if (old === undefined) {
      throw new TypeError(`Cannot resume a ${kind} of ${describe(handle)}: it is not suspended`);
    }
    if (kind !== "process") checkNotTaken("resume", kind, old.selectable);
    suspended.delete(handle);
    old.endSuspend?.();
    const handler = this.#register(old.copy(), this.#registered(kind));
    if (kind === "process") {
      handler.active = true;
      this.#selector.wake();
    } else this.#selector.register(handler);
  }

  #callTimers(): number {
    const timers = this.#timers;
    let first = timers.first();
    if (first === undefined) return 0;
    const now = this.#clock.now();
    // What a callback adds, even if it is due at once, is for the next step.
    const limit = timers.nextOrder;
    let count = 0;
    while (first !== undefined && first.at <= now && first.order < limit) {
      const callback = timers.takeFirst();
      this.#currentTimer = first;
      count++;
      try {
        callback();
      } catch (error) {
        this.onError(error, `timer ${callback.name}`);
      }
      first = timers.first();
    }
    this.#currentTimer = undefined;
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
    const { selectable, interest } = handler;
    // Nobody waits for ever for what has closed: one last call.
    if (handler.bad || selectable.closed) this.#remove(handler.kind, selectable);
    else if (!(interest === "read" ? selectable.readable : selectable.writable)) return false;
    this.#current = handler;
    try {
      handler.callback();
    } catch (error) {
      if (handler.active) this.#remove(handler.kind, selectable);
      this.onError(error, handler.toString());
    } finally {
      this.#current = undefined;
    }
    // Who closes what it is called for need not be told that it closed.
    if (handler.active && selectable.closed) this.#remove(handler.kind, selectable);
    return true;
  }

  #callProcesses(): number {
    let count = 0;
    for (const handler of this.#processes.values()) {
      if (handler.step === this.#steps || handler.priority > this.#turn) continue;
      count++;
      this.#current = handler;
      try {
        handler.callback();
      } catch (error) {
        this.#remove("process", handler.handle);
        throw error;
      } finally {
        this.#current = undefined;
      }
    }
    return count;
  }

  #resume(coroutine: Generator<unknown, unknown, unknown>): void {
    const { done, value } = coroutine.next();
    if (done) this.removeProcess(coroutine);
    // It has shut the reactor down itself.
    else if (this.#state !== "alive") coroutine.return(undefined);
    else if (value instanceof Suspend) {
      const end = value.suspend(this, coroutine);
      const handler = this.#suspended.process.get(coroutine);
      // What it began may have resumed or removed the process already.
      if (handler === undefined) end();
      else handler.endSuspend = end;
    }
  }

  /** Everything of {@linkcode Reactor.shutdown} but the end of sockets that are closing already. */
  #stop(): void {
    if (this.#state !== "alive") return;
    this.#state = "stopping";
    this.#shutdownRequested = true;
    const { onShutdown } = this.#options;
    if (onShutdown) {
      this.#ending("onShutdown", () => onShutdown(this.inspect().map(formatInspected)));
    }
    for (const hook of this.#shutdownHooks) {
      this.#ending("shutdown hook", () => typeof hook === "function" ? hook() : hook.abandon());
    }
    this.#state = "stopped";
    for (const kind of KINDS) {
      for (const handle of [...this.#registered(kind).keys(), ...this.#suspended[kind].keys()]) {
        const isRunning = this.#current?.handle === handle;
        this.#remove(kind, handle);
        this.#ending(`${kind} of ${describe(handle)}`, () => {
          if (kind !== "process") (handle as Partial<Socket>).close?.();
          else if (!isRunning) (handle as Partial<Generator>).return?.(undefined);
        });
      }
    }
    for (const socket of this.#open) {
      if (!socket.closed) this.#ending(describe(socket), () => closeAtOnce(socket));
    }
    this.#timers.clear();
    this.#alarm.cancel();
    this.#selector.wake();
  }

  /** Does a part of a shutdown, which goes on whatever that throws. */
  #ending(what: string, act: () => void): void {
    try {
      try {
        act();
      } catch (error) {
        this.#events.error?.(error, what);
        this.#report(error, what);
      }
    } catch (error) {
      this.#thrown ??= { error };
    }
  }

  #report(error: unknown, where: string): void {
    (this.#options.onError ?? reportToConsole)(error, where);
  }

  /** The same events, whose errors do no harm to what they are told of. */
  #guarded(events: ReactorEvents): ReactorEvents {
    const guarded: Record<string, (...args: unknown[]) => void> = {};
    for (const name of EVENTS) {
      if (events[name] === undefined) continue;
      guarded[name] = (...args) => {
        try {
          (events[name] as (...args: unknown[]) => void).apply(events, args);
        } catch (error) {
          if (name === "error") this.#report(error, "event error");
          else this.onError(error, `event ${name}`);
        }
      };
    }
    return guarded;
  }

  #checkDrained(): void {
    if (this.#open.size + this.#draining.size === 0) this.#onDrained?.();
  }

  /** Waits for sockets that were closed with something still to send. */
  async #drain(): Promise<void> {
    if (this.#open.size + this.#draining.size === 0) return;
    let cancel: () => void;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      cancel = startAlarm(this.#clock, this.#owner.lingerMs, resolve);
    });
    cancel!();
  }

  #checkAlive(doing: string): void {
    if (this.#state === "stopped" || this.#state === "shut down") {
      throw new TypeError(`Cannot ${doing}: the reactor is shut down`);
    }
  }
}

/** Without a reset if all that was accepted has been handed on: it goes out, and is no part of something. */
function closeAtOnce(socket: Socket): void {
  socket.close();
  socket.abort();
}

const KINDS = ["reader", "writer", "process"] as const;
const EVENTS = ["accepted", "closed", "received", "sent", "error", "step"] as const;
const NO_EVENTS: ReactorEvents = {};
const realClock: Clock = { now: () => performance.now() };

function createSelector(name: SelectorName): Selector<Handler> {
  switch (name) {
    case "auto":
      return EpollSelector.supported ? new EpollSelector() : new DenoSelector();
    case "deno":
      return new DenoSelector();
    case "epoll":
      return new EpollSelector();
    default:
      throw new TypeError(
        `Cannot use selector ${JSON.stringify(name)}: it must be "auto", "deno" or "epoll"`,
      );
  }
}

/** Only one who waits for a selectable is told. */
function checkNotTaken(doing: string, kind: "reader" | "writer", selectable: Selectable): void {
  if (!isTaken(selectable, kind === "reader" ? "read" : "write")) return;
  throw new TypeError(
    `Cannot ${doing} a ${kind} of ${describe(selectable)}: a transfer has it, wait for that first`,
  );
}

function reportToConsole(error: unknown, where: string): void {
  console.error(`Error in ${where}:`, error);
}

/** By name, for there are several: of `@std/assert`, of `node:assert`. */
function isAssertionError(error: unknown): boolean {
  return error instanceof Error && error.name === "AssertionError";
}

function formatInspected({ kind, what, suspended, where }: Inspected): string {
  return `${suspended ? "suspended " : ""}${kind} ${what}${where ? ` (${where})` : ""}`;
}

/** The line of the program that registers something, and then what `where` says. */
function traced(where: { toString(): string } | undefined): { toString(): string } {
  const { stack = "" } = new Error();
  return {
    toString() {
      const [, own = "", ...frames] = stack.split("\n");
      // Not import.meta.url, of which Deno may decode what is percent-encoded, such as spaces.
      const file = own.replace(/^.*\(|:\d+:\d+\)$/g, "");
      const line = frames.find((frame) => !frame.includes(file));
      return [line?.trim(), where?.toString()].filter(Boolean).join(", ");
    },
  };
}
