import {
  compose,
  type Composed,
  type Coroutine,
  EndOfStream,
  trace,
  Yield,
} from "../compose/mod.ts";
import { type Reactor, Suspend, type Timer, Transfer } from "../reactor/mod.ts";
import type { Context } from "./context.ts";
import { Operation } from "./operation.ts";
import { Outbox } from "./_outbox.ts";
import { sleep } from "./sleep.ts";
import { untilSettled } from "./suspend.ts";
import { TimeoutError } from "./timeout_error.ts";
import { transferring } from "./_transferring.ts";
import { wait } from "./wait.ts";

/*
 * The rules of a Gio:
 *
 *  1. It runs its coroutine at once, until the first thing that must be waited for.
 *  2. `yield data` goes to the outbox of the innermost context. Outboxes are flushed when the coroutine wants
 *     input, waits, enters its end, or 64 KiB have gathered.
 *  3. A coroutine whose outbox is not empty when it wants input, or when 64 KiB have gathered, stands still until it
 *     is (back-pressure). It may wait for something else meanwhile.
 *  4. A bare `yield` waits until the innermost context is readable. The reader stays registered afterwards and is
 *     dropped only when something arrives that the coroutine does not want yet, or when another coroutine or a transfer
 *     reads that context. Who writes to one that others write to waits until it is its turn.
 *  5. At the end of the stream each bare `yield` throws EndOfStream; a broken connection throws its own error at the
 *     `yield`. Either ends the coroutine quietly if it does not catch it.
 *  6. An error thrown in from outside (timeout, cancel) undoes what the coroutine was waiting for first.
 *  7. What was pushed back belongs to the context it was read from, and is read when that is the innermost again.
 *  8. At its end the connection is flushed and closed; after an error it is aborted. Tasks it spawned and did
 *     not await are cancelled, and its result waits for their cleanup.
 */

/** So much output is gathered before it is sent: 64 KiB. */
const HIGH_WATER = 64 * 1024;

/** Options of {@linkcode gio}. */
export interface GioOptions {
  /** Cancels the coroutine when it aborts, with its reason. */
  signal?: AbortSignal;
  /**
   * How long, in milliseconds, what is left to send may take after the coroutine's end, and how long the peer is
   * given to close its side before the connection is closed under it (RFC 9112 9.6).
   *
   * @default {2000}
   */
  lingerMs?: number;
  /**
   * Leaves the connection open at the end of the coroutine.
   *
   * @default {false}
   */
  keepOpen?: boolean;
}

/** What a coroutine waits for whose turn comes in the next step. */
class Pause extends Operation {
  override start(): void {}
}

let current: Gio | undefined;
/** How many coroutines run now, each within one that has resumed it. */
let running = 0;
/** So many of them do not exhaust the stack. */
const DEEPEST = 100;

/**
 * The Gio whose coroutine is running now.
 *
 * @param what Who asks, for the error message.
 * @returns The running Gio.
 * @throws {TypeError} If no coroutine is being run by gio at the moment.
 *
 * @example Reaching the reactor from within a coroutine
 * ```ts
 * import { asProcess, currentGio } from "@weightless/io/gio";
 * import { assertThrows } from "@std/assert";
 *
 * await asProcess(function* () {
 *   currentGio().reactor.addTimer(0, () => {});
 * }());
 * assertThrows(() => currentGio("example()"), TypeError, "example()");
 * ```
 */
export function currentGio(what = "currentGio()"): Gio {
  if (current === undefined) {
    throw new TypeError(`Cannot use ${what} here: call it in a coroutine that gio() is running`);
  }
  return current;
}

/** One context on the stack of a Gio: what waits to be sent to it, and whether it is being read. */
class Channel {
  readonly context: Context;
  readonly outer: Channel | undefined;
  readonly outbox = new Outbox();
  /** What is registered with the reactor: made when it is needed, for 10,000 of these may be idle. */
  onReadable: (() => void) | undefined = undefined;
  onWritable: (() => void) | undefined = undefined;
  /** For messages of the reactor: the coroutine. */
  readonly where: Gio;
  /** Why nothing more can be read, or written: the end of the stream or what broke it. */
  ended: unknown = undefined;
  reading = false;
  writing = false;
  /** Whether anything was written. */
  written = false;
  /** Left by the coroutine, which waits until everything has really been written. */
  left = false;
  /** Close the context once it was left. */
  owned = false;

  constructor(context: Context, outer: Channel | undefined, gio: Gio) {
    this.context = context;
    this.outer = outer;
    this.where = gio;
  }
}

/** Whose reader the reactor has for a context. It gives way to another when its coroutine does not want to read. */
const readers = new WeakMap<Context, Channel>();
/** Who waits to write to a context, in the order in which they do: the reactor has a writer for the first of them. */
const writers = new WeakMap<Context, Channel[]>();
/** How many contexts are in `writers`: mostly none, and then nobody has to look. */
let contended = 0;

/** Whether somebody else's bytes for the same context come first. */
function comesLater(channel: Channel): boolean {
  const waiting = writers.get(channel.context);
  return waiting !== undefined && waiting[0] !== channel;
}

function addWriter(channel: Channel): void {
  const { context, where: { reactor } } = channel;
  const waiting = writers.get(context);
  if (waiting !== undefined) return void waiting.push(channel);
  reactor.addWriter(context, channel.onWritable!, channel);
  writers.set(context, [channel]);
  contended++;
}

function removeWriter(channel: Channel): void {
  const { context, where: { reactor } } = channel;
  const waiting = writers.get(context)!;
  const isFirst = waiting[0] === channel;
  waiting.splice(waiting.indexOf(channel), 1);
  if (!isFirst) return;
  reactor.removeWriter(context);
  const next = waiting[0];
  if (next !== undefined) return reactor.addWriter(context, next.onWritable!, next);
  writers.delete(context);
  contended--;
}

type Outcome<R> = { value: R; error?: never } | { value?: never; error: unknown };

const NOTHING = new Uint8Array(0);
const DEFAULTS: GioOptions = {};
const NONE: readonly Channel[] = Object.freeze([]);

/**
 * A coroutine that is being driven from a reactor; made by {@linkcode gio} or {@linkcode spawn}.
 *
 * `yield* task` waits for its end inside another coroutine, `await task.result` outside.
 *
 * @typeParam R What the coroutine returns.
 *
 * @example Awaiting the result
 * ```ts
 * import { type Gio, gio, memory } from "@weightless/io/gio";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const task: Gio<string> = gio(reactor, memory("World"), function* () {
 *   const name: string = yield;
 *   return `Hello, ${name}!`;
 * }());
 * reactor.step();
 * assertEquals(await task.result, "Hello, World!");
 * ```
 */
export class Gio<R = unknown> {
  /** The reactor that calls back. */
  readonly reactor: Reactor;
  readonly #composed: Composed<R>;
  readonly #options: GioOptions;
  readonly #connection: Channel | undefined;
  #top: Channel | undefined;
  /** Channels that have something to send. */
  #unsent: readonly Channel[] = NONE;
  #state: "waiting" | "running" | "flushing" | "lingering" | "done" = "waiting";
  // What the coroutine stands still for:
  #wanting: Channel | undefined;
  #operation: Operation<unknown> | undefined;
  #blocked: "next" | "read" | Operation<unknown> | undefined;
  /** A value that a context of values has not accepted yet, or after which it accepts nothing for now. */
  #offered: { channel: Channel; value?: unknown } | undefined;
  /** How an operation failed that was settled before its `start` returned. */
  #failure: { error: unknown } | undefined;
  #cancelled: { reason: unknown } | undefined;
  #closing = false;
  #shutdown = false;
  #finished = false;
  #linger: Timer | undefined;
  #outcome: Outcome<R> | undefined;
  // deno-lint-ignore no-explicit-any
  #result: PromiseWithResolvers<any> | undefined;
  #tasks: Set<Gio> | undefined;
  #owned: Set<Context> | undefined;
  /** What was pushed back of contexts that are not the innermost. */
  #rests: WeakMap<object, unknown[]> | undefined;
  #inner: HasRest | undefined;
  #innerRests: WeakMap<object, unknown[]> | undefined;
  #pruneAt = 16;
  readonly #onEnd: (() => void) | undefined;
  readonly #onAbort: (() => void) | undefined;

  /** Starts the coroutine; {@linkcode gio} and {@linkcode spawn} are the usual way. */
  constructor(
    reactor: Reactor,
    connection: Context | undefined,
    coroutine: Coroutine<R>,
    options: GioOptions = DEFAULTS,
    onEnd?: () => void,
  ) {
    if (typeof coroutine === "function") {
      throw new TypeError(
        `Cannot run ${Deno.inspect(coroutine)}: give a coroutine, main(), not main`,
      );
    }
    this.reactor = reactor;
    this.#shutdown = reactor.isShutDown;
    this.#composed = compose(coroutine);
    this.#options = options;
    this.#onEnd = onEnd;
    if (connection !== undefined) {
      this.#connection = this.#top = new Channel(connection, undefined, this as Gio);
    }
    const { signal } = options;
    if (signal !== undefined) {
      this.#onAbort = () => this.cancel(signal.reason);
      signal.addEventListener("abort", this.#onAbort);
    }
    reactor.addShutdownHook(this);
    if (signal?.aborted) this.cancel(signal.reason);
    else this.#run("next", undefined);
  }

  /** Whether the coroutine has ended. */
  get done(): boolean {
    return this.#outcome !== undefined;
  }

  /**
   * What the coroutine returned, once everything it sent is on its way and its tasks have ended; rejects with what it threw, with
   * {@linkcode EndOfStream} if the peer ended it, or with the reason it was cancelled for.
   */
  get result(): Promise<R> {
    if (this.#result === undefined) {
      this.#result = Promise.withResolvers<R>();
      if (this.#finished) this.#settle();
    }
    return this.#result.promise;
  }

  /** Whether the coroutine is in a context of its own, and not at its connection. */
  get isElsewhere(): boolean {
    return this.#top !== this.#connection;
  }

  /** Where the coroutine stands: the lines of its calls, innermost first; for `reactor.inspect()` and messages. */
  toString(): string {
    if (this.done) return "ended";
    if (this.#state === "running") return "running";
    return trace(this.#composed as Composed).map((line) => line.trim()).join(", ");
  }

  /** Joins: `const value = yield* task` waits for the end in another coroutine. */
  [Symbol.iterator](): Iterator<Operation<R>, R> {
    return wait(this.result)[Symbol.iterator]() as Iterator<Operation<R>, R>;
  }

  /**
   * Closes the coroutine: its `finally`s run to their end, also when they wait for something.
   *
   * @param reason What {@linkcode Gio.result} rejects with.
   */
  cancel(reason: unknown = new DOMException("The coroutine was cancelled", "AbortError")): void {
    if (this.done || this.#cancelled !== undefined) return;
    this.#cancelled = { reason };
    if (this.#state === "running") return; // its next yield is its last
    this.#stopWaiting();
    this.#run("return", undefined);
  }

  /**
   * Throws an error into the coroutine, at the `yield` where it stands.
   *
   * @param error What to throw.
   * @throws {Error} If the coroutine is running at this moment.
   */
  throw(error: unknown): void {
    if (this.done) return;
    if (this.#state === "running") {
      throw new Error("Cannot throw into a running coroutine: throw the error in it instead");
    }
    this.#stopWaiting();
    this.#run("throw", error);
  }

  /** For operations: continues the coroutine that waits for `operation`. Ignored if it does not, or no more. */
  resume<T>(operation: Operation<T>, value: T): void {
    if (this.#operation !== operation as Operation<unknown>) return;
    this.#operation = undefined;
    operation.result = value;
    if (this.#state !== "running") this.#runSoon("next", undefined);
  }

  /** For operations: throws into the coroutine that waits for `operation`. Ignored if it does not, or no more. */
  fail<T>(operation: Operation<T>, error: unknown): void {
    if (this.#operation !== operation as Operation<unknown>) return;
    this.#operation = undefined;
    if (this.#state === "running") this.#failure = { error };
    else this.#runSoon("throw", error);
  }

  /** At once, unless too many coroutines that resume each other are running already. */
  #runSoon(how: "next" | "throw", value: unknown): void {
    if (running < DEEPEST) return this.#run(how, value);
    const pause = new Pause();
    this.#operation = pause;
    this.reactor.addTimer(0, () => {
      if (this.#operation !== pause) return;
      this.#operation = undefined;
      this.#run(how, value);
    });
  }

  /** For {@linkcode enter}: makes `context` the innermost one until the result is disposed of. */
  enter(context: Context, owned: boolean): Disposable {
    this.#changeRest(this.#top?.context, context);
    const channel = this.#top = new Channel(context, this.#top, this as Gio);
    channel.owned = owned;
    return { [Symbol.dispose]: () => this.#leave(channel) };
  }

  /** For {@linkcode Opened}: closes it when the coroutine ends, if it is still open then. */
  own(context: Context): void {
    const owned = this.#owned ??= new Set();
    if (owned.size >= this.#pruneAt) {
      for (const one of owned) if (one.closed) owned.delete(one);
      this.#pruneAt = Math.max(16, 2 * owned.size);
    }
    owned.add(context);
  }

  /** Closes a context, after what the coroutine has written to it was sent. */
  close(context: Context): void {
    const unsent = this.#unsent.find((channel) => channel.context === context);
    if (unsent === undefined) context.close();
    else unsent.owned = true;
  }

  /** For transfers: the innermost context. */
  get innermost(): Context {
    if (this.#top === undefined) throw noContext("transfer");
    return this.#top.context;
  }

  /** For who composes a coroutine and passes on all that it yields, as HTTP does: what it pushed back is of a context too. */
  set inner(inner: { rest: unknown[] }) {
    this.#inner = inner;
  }

  /** For transfers, which receive of a context themselves: whoever has read it, and does not want to now, gives way. */
  letGo(context: object): void {
    const reader = readers.get(context as Context);
    if (reader !== undefined && reader.where.#wanting !== reader) reader.where.#stopReading(reader);
  }

  /** For transfers: gives what was pushed back of a context, if it is of this coroutine. */
  takeOver(context: object): unknown[] {
    if (this.#top?.context !== context) {
      const rest = this.#rests?.get(context) ?? [];
      if (rest.length > 0) this.#rests!.set(context, []); // what is left of it comes back
      return rest;
    }
    const rest = [...this.#inner?.rest ?? [], ...this.#composed.rest];
    if (this.#inner !== undefined) this.#inner.rest = [];
    this.#composed.rest = [];
    return rest;
  }

  /** For transfers: pushes back what was received of a context, if it is of this coroutine; tells whether it is. */
  pushBack(context: object, values: unknown[]): boolean {
    if (this.#top?.context === context) {
      this.#composed.rest = [...values, ...this.#composed.rest];
      return true;
    }
    const rest = this.#rests?.get(context);
    if (rest === undefined && !this.#isWithin(context)) return false;
    this.#rests ??= new WeakMap();
    this.#rests.set(context, rest === undefined ? values : [...values, ...rest]);
    return true;
  }

  #isWithin(context: object): boolean {
    for (let channel = this.#top; channel !== undefined; channel = channel.outer) {
      if (channel.context === context) return true;
    }
    return false;
  }

  /** What was read too far of one context and pushed back is not for another: it waits until that is the innermost. */
  #changeRest(from: Context | undefined, to: Context | undefined): void {
    if (from === to) return;
    this.#rests = changed(this.#composed, this.#rests, from ?? this, to ?? this);
    const inner = this.#inner;
    if (inner === undefined) return;
    this.#innerRests = changed(inner, this.#innerRests, from ?? this, to ?? this);
  }

  /** For transfers: a context broke. */
  broken(context: object, error: unknown): void {
    for (let channel = this.#top; channel !== undefined; channel = channel.outer) {
      if (channel.context === context) channel.ended ??= error;
    }
  }

  /**
   * For {@linkcode spawn}: runs a coroutine beside this one, which is cancelled when this one ends.
   *
   * @throws {Error} If this one has ended.
   */
  spawn<T>(coroutine: Coroutine<T>): Gio<T> {
    if (this.done) {
      throw new Error("Cannot spawn: the coroutine whose task it would be has ended, use gio()");
    }
    const tasks = this.#tasks ??= new Set();
    const entry: { task?: Gio<T> } = {}; // it may end before the constructor returns
    const task = entry.task = new Gio(this.reactor, undefined, coroutine, DEFAULTS, () => {
      if (entry.task === undefined) return;
      tasks.delete(entry.task as Gio);
      if (this.#state === "done" || this.#state === "lingering") this.#finish();
    });
    if (!task.#finished) tasks.add(task as Gio);
    return task;
  }

  /** Runs the coroutine until it stands still, or starts by treating `value` as what it yielded. */
  #run(how: "next" | "throw" | "return" | "yielded", value: unknown): void {
    const outer = current;
    current = this as Gio;
    running++;
    this.#state = "running";
    const composed = this.#composed;
    try {
      for (;;) {
        if (how !== "yielded") {
          let result: IteratorResult<unknown, R>;
          try {
            if (how === "next") result = composed.next(value);
            else if (how === "throw") result = composed.throw(value);
            else {
              this.#closing = true;
              result = composed.return(undefined as R);
            }
          } catch (error) {
            return this.#end({ error });
          }
          if (result.done) {
            return this.#end(
              this.#closing ? { error: this.#cancelled!.reason } : result as Outcome<R>,
            );
          }
          value = result.value;
        }
        if (this.#cancelled !== undefined && !this.#closing) {
          how = "return";
          continue;
        }
        try {
          if (this.#shutdown) throw cannotWait();
          if (!this.#proceed(value)) {
            this.#state = "waiting";
            return;
          }
          how = "next";
          value = undefined;
        } catch (error) {
          how = "throw";
          value = error;
        }
      }
    } finally {
      current = outer;
      running--;
    }
  }

  /** Does what was yielded. Returns whether the coroutine can go on; throws what is to be thrown into it. */
  #proceed(yielded: unknown): boolean {
    if (yielded === undefined) return this.#flush("read") && this.#read();
    if (typeof yielded === "string" || yielded instanceof Uint8Array) return this.#write(yielded);
    if (yielded instanceof Operation) {
      if (!yielded.isAsked) throw withoutStar(yielded);
      // What was written to a context that was left must be there; what goes to others may take its time.
      if (!this.#send() && (yielded.flushes || this.#unsent.some(({ left }) => left))) {
        return this.#block(yielded);
      }
      return this.#begin(yielded);
    }
    if (yielded === Yield) return this.#proceed(asked(sleep(0)));
    if (yielded instanceof Suspend) return this.#proceed(asked(untilSettled(yielded)));
    if (yielded instanceof Transfer) return this.#proceed(asked(transferring(yielded)));
    if (this.#top?.context.put !== undefined) return this.#put(this.#top, yielded);
    throw new TypeError(
      `Cannot do anything with a yielded ${
        describe(yielded)
      }: yield nothing to read, a string or Uint8Array to write, ` +
        "or an operation such as wait(promise) with yield*",
    );
  }

  #read(): boolean {
    const channel = this.#top;
    if (channel === undefined) throw noContext("read");
    if (channel.ended !== undefined) throw ending(channel);
    this.#startReading(channel);
    this.#wanting = channel;
    return false;
  }

  #write(data: string | Uint8Array): boolean {
    const channel = this.#top;
    if (channel === undefined) throw noContext("write");
    if (channel.ended !== undefined && !(channel.ended instanceof EndOfStream)) throw channel.ended;
    if (channel.context.put !== undefined) return this.#put(channel, data);
    if (data.length === 0) return true;
    channel.written = true;
    if (channel.outbox.size === 0) this.#addUnsent(channel);
    channel.outbox.push(data);
    return channel.outbox.size < HIGH_WATER || this.#flush("next");
  }

  /** Hands over a value as it is, and stands still until the next one would be accepted. */
  #put(channel: Channel, value: unknown): boolean {
    const { context } = channel;
    const accepted = context.put!(value);
    if (accepted && context.writable) return true;
    this.#offered = accepted ? { channel } : { channel, value };
    this.#startWriting(channel);
    return false;
  }

  #begin(operation: Operation<unknown>): boolean {
    this.#operation = operation;
    try {
      operation.start(this as Gio);
    } catch (error) {
      this.#operation = undefined;
      throw error;
    }
    if (this.#operation !== undefined) return false;
    if (this.#failure !== undefined) {
      const { error } = this.#failure;
      this.#failure = undefined;
      throw error;
    }
    return true;
  }

  /** Sends what waits. If something is left, the coroutine stands still until it is gone, and then does `next`. */
  #flush(next: "next" | "read"): boolean {
    return this.#send() || this.#block(next);
  }

  #block(next: "next" | "read" | Operation<unknown>): false {
    this.#blocked = next;
    if (this.#closing && this.#linger === undefined) this.#setLinger(() => this.#giveUp());
    return false;
  }

  /** Sends what waits, as far as it is accepted; returns whether that is all. */
  #send(): boolean {
    if (this.#unsent === NONE) return true;
    for (const channel of this.#unsent) this.#drain(channel);
    return this.#unsent.length === 0;
  }

  /** A coroutine that was cancelled writes, but nobody reads. */
  #giveUp(): void {
    this.#linger = undefined;
    const error = new TimeoutError(
      `Cannot send: nothing was accepted for ${this.#lingerMs} ms after the coroutine was cancelled`,
    );
    this.#drop(error);
    const blocked = this.#blocked;
    this.#blocked = undefined;
    if (blocked !== undefined) this.#run("throw", error);
  }

  /** Gives up what has not been sent. */
  #drop(reason?: unknown): void {
    for (const channel of this.#unsent) {
      channel.ended ??= reason;
      channel.outbox.clear();
      this.#drained(channel);
    }
  }

  get #lingerMs(): number {
    return this.#options.lingerMs ?? 2000;
  }

  #setLinger(callback: () => void): void {
    this.#clearLinger();
    this.#linger = this.reactor.addTimer(this.#lingerMs, callback);
  }

  #clearLinger(): void {
    if (this.#linger !== undefined) this.reactor.removeTimer(this.#linger);
    this.#linger = undefined;
  }

  #addUnsent(channel: Channel): void {
    this.#unsent = this.#unsent === NONE ? [channel] : [...this.#unsent, channel];
  }

  /** Sends what waits for one channel; returns whether that is all, in which case it is no longer in `#unsent`. */
  #drain(channel: Channel): boolean {
    const { context, outbox } = channel;
    try {
      if (
        contended > 0 && comesLater(channel) || !outbox.flush(context) ||
        (channel.left && !context.writable)
      ) {
        this.#startWriting(channel);
        return false;
      }
      if (channel.left) checkSent(context);
    } catch (error) {
      outbox.clear();
      channel.ended = error;
      this.#drained(channel);
      throw error;
    }
    this.#drained(channel);
    return true;
  }

  #drained(channel: Channel): void {
    this.#unsent = this.#unsent.length === 1 && this.#unsent[0] === channel
      ? NONE
      : this.#unsent.filter((one) => one !== channel);
    this.#stopWriting(channel);
    if (channel.left && channel.owned) channel.context.close();
  }

  #onWritable(channel: Channel): void {
    const offered = this.#offered;
    if (offered?.channel === channel) {
      this.#offered = undefined;
      this.#stopWriting(channel);
      return "value" in offered
        ? this.#run("yielded", offered.value)
        : this.#run("next", undefined);
    }
    let failure: { error: unknown } | undefined;
    try {
      if (!this.#drain(channel)) return;
    } catch (error) {
      failure = { error };
    }
    if (this.#state === "flushing") {
      if (failure !== undefined) this.#failLate(failure.error);
      else if (this.#unsent.length === 0) this.#close(false);
      return;
    }
    const blocked = this.#blocked;
    if (blocked === undefined) return;
    // An operation need not wait for all of them.
    if (failure === undefined && this.#unsent.length > 0 && typeof blocked === "string") return;
    this.#blocked = undefined;
    if (this.#closing) this.#clearLinger();
    if (failure !== undefined) this.#run("throw", failure.error);
    else if (blocked === "next") this.#run("next", undefined);
    else this.#run("yielded", blocked === "read" ? undefined : blocked);
  }

  #onReadable(channel: Channel): void {
    if (this.#wanting !== channel && this.#state !== "lingering") return this.#stopReading(channel);
    let data: unknown;
    try {
      data = channel.context.recv();
      if (data === undefined) return;
      if (data === null) channel.ended = new EndOfStream("The stream has ended");
    } catch (error) {
      if (
        channel.context.put !== undefined && !channel.context.closed && this.#wanting === channel
      ) {
        // A message has failed, and not what carries it.
        this.#wanting = undefined;
        return this.#run("throw", error);
      }
      channel.ended = error;
    }
    if (channel.ended !== undefined) this.#stopReading(channel);
    if (this.#state === "lingering") {
      if (channel.ended !== undefined) this.#lingered();
      return;
    }
    this.#wanting = undefined;
    if (channel.ended === undefined) this.#run("next", data);
    else this.#run("throw", ending(channel));
  }

  #startReading(channel: Channel): void {
    const { context } = channel;
    if (channel.reading) {
      if (!context.closed) return;
      this.#stopReading(channel); // the reactor does not tell who has closed it when it was called
    }
    this.letGo(context);
    channel.onReadable ??= () => this.#onReadable(channel);
    this.reactor.addReader(context, channel.onReadable, channel);
    channel.reading = true;
    readers.set(context, channel);
  }

  #startWriting(channel: Channel): void {
    if (channel.writing) return;
    channel.onWritable ??= () => this.#onWritable(channel);
    addWriter(channel);
    channel.writing = true;
  }

  #stopWriting(channel: Channel): void {
    if (!channel.writing) return;
    channel.writing = false;
    removeWriter(channel);
  }

  #stopReading(channel: Channel): void {
    if (!channel.reading) return;
    channel.reading = false;
    readers.delete(channel.context);
    this.reactor.removeReader(channel.context);
  }

  #stopWaiting(): void {
    const operation = this.#operation;
    this.#wanting = undefined;
    this.#blocked = undefined;
    if (this.#offered !== undefined) this.#stopWriting(this.#offered.channel);
    this.#offered = undefined;
    this.#operation = undefined;
    try {
      operation?.cancel();
    } catch (error) {
      // The coroutine must go on nevertheless.
      this.#report(error);
    }
  }

  #leave(channel: Channel): void {
    if (channel.left) return;
    if (this.#top !== channel) {
      throw new Error(
        "Cannot leave this context before the ones entered after it: use `using` for each",
      );
    }
    this.#top = channel.outer;
    this.#changeRest(channel.context, this.#top?.context);
    this.#stopReading(channel);
    channel.left = true;
    if (this.#unsent.includes(channel)) return;
    const { context } = channel;
    if (!channel.written || context.closed || (context.writable && hasNotFailed(context))) {
      if (channel.owned) context.close();
      return;
    }
    this.#addUnsent(channel); // the next `yield` waits for it, or tells why it failed
  }

  #end(outcome: Outcome<R>): void {
    this.#outcome = outcome;
    if (this.#onAbort !== undefined) {
      this.#options.signal!.removeEventListener("abort", this.#onAbort);
    }
    for (const task of this.#tasks ?? []) task.cancel();
    while (this.#top !== undefined && this.#top !== this.#connection) this.#leave(this.#top);
    this.#state = "flushing";
    if (this.#shutdown || ("error" in outcome && !this.#quiet(outcome.error))) {
      return this.#close(true);
    }
    try {
      if (!this.#send()) return this.#setLinger(() => this.#notSent());
    } catch (error) {
      return this.#failLate(error);
    }
    this.#close(false);
  }

  /** After the end, sending fails. If it was to the connection, the peer has gone, and so has whoever could be told. */
  #failLate(error: unknown): void {
    const outcome = this.#outcome!;
    const isQuiet = !("error" in outcome) || outcome.error instanceof EndOfStream;
    if (isQuiet && error !== this.#connection?.ended) this.#outcome = { error };
    this.#close(true);
  }

  #notSent(): void {
    if (this.#unsent.every((channel) => channel === this.#connection)) return this.#close(true);
    this.#failLate(
      new TimeoutError(
        `Cannot send: what was left was not accepted within ${this.#lingerMs} ms after the coroutine's end`,
      ),
    );
  }

  /** The peer ended the conversation: no error of ours. */
  #quiet(error: unknown): boolean {
    return error instanceof EndOfStream ||
      (error !== undefined && error === this.#connection?.ended) ||
      (this.#cancelled !== undefined && error === this.#cancelled.reason);
  }

  #close(abort: boolean): void {
    this.#clearLinger();
    this.#drop();
    for (const context of this.#owned ?? []) if (!context.closed) context.close();
    this.#state = "done";
    this.#finish();
    const channel = this.#connection;
    if (channel === undefined || this.#options.keepOpen) {
      if (channel !== undefined) this.#stopReading(channel);
      return this.#gone();
    }
    const { context } = channel;
    const reset = abort || (channel.ended !== undefined && !(channel.ended instanceof EndOfStream));
    if (reset || channel.ended !== undefined || context.shutdown === undefined) {
      this.#stopReading(channel);
      // A shutdown is no reason to destroy what was sent last.
      if (!reset || this.#shutdown || context.abort === undefined) context.close();
      if (reset) context.abort?.();
      return this.#gone();
    }
    // RFC 9112 9.6: closing while the peer still sends would reset the connection and could destroy what was sent last.
    this.#state = "lingering";
    context.shutdown();
    try {
      this.#startReading(channel);
    } catch {
      // A transfer reads it, or another coroutine: who waits for the end of that?
      return this.#lingered();
    }
    this.#setLinger(() => this.#lingered());
  }

  #lingered(): void {
    this.#state = "done";
    this.#clearLinger();
    this.#stopReading(this.#connection!);
    this.#connection!.context.close();
    this.#gone();
  }

  #gone(): void {
    this.reactor.removeShutdownHook(this);
  }

  /** Its tasks have their cleanup to do first, which may take time. */
  #finish(): void {
    if (this.#tasks !== undefined && this.#tasks.size > 0) return;
    this.#finished = true;
    this.#settle();
    this.#onEnd?.();
  }

  /** For the reactor, when it shuts down: closes the coroutine, which cannot wait for anything any more. */
  abandon(): void {
    if (this.#state === "lingering") return this.#lingered();
    if (this.#state === "flushing") return this.#close(true);
    this.#shutdown = true;
    if (this.#cancelled === undefined) {
      return this.cancel(new DOMException("The reactor was shut down", "AbortError"));
    }
    if (this.done || this.#state === "running") return;
    this.#stopWaiting();
    this.#run("throw", cannotWait());
  }

  /** Tells the result to who asked for it; an error that nobody asks for goes to the reactor, once. */
  #settle(): void {
    const outcome = this.#outcome!;
    if (!("error" in outcome)) return this.#result?.resolve(outcome.value);
    if (this.#result !== undefined) return this.#result.reject(outcome.error);
    if (this.#quiet(outcome.error)) return;
    queueMicrotask(() => {
      if (this.#result === undefined) this.#report(outcome.error);
    });
  }

  #report(error: unknown): void {
    const { reactor } = this;
    try {
      reactor.onError(error, `coroutine of ${this.#connection?.context.describe?.() ?? "gio"}`);
    } catch (assertion) { // an AssertionError goes out of step() and run()
      if (reactor.isShutDown) throw assertion;
      reactor.addTimer(0, () => {
        throw assertion;
      });
    }
  }
}

/**
 * Drives a coroutine's yields from a reactor: a bare `yield` reads from the connection, `yield data` writes to it.
 *
 * The coroutine is composed, so it may call others, and it runs at once until it has to wait. When it ends, what it
 * wrote is sent and the connection is closed; if it fails, the connection is aborted and the error goes to whoever
 * asked for {@linkcode Gio.result}, else to the reactor's `onError`. The end of the stream ends it quietly.
 *
 * Consecutive writes are sent together, so do not alter bytes after they were yielded. A peer that does not read stops
 * the coroutine.
 *
 * @typeParam R What the coroutine returns.
 * @param reactor What calls back.
 * @param connection Where the yields go; `undefined` for a coroutine that enters its contexts itself.
 * @param coroutine What to run.
 * @param options A signal to cancel it, and what becomes of the connection.
 * @returns The running coroutine.
 *
 * @example A protocol on a connection
 * ```ts
 * import { gio, memory } from "@weightless/io/gio";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const connection = memory("World");
 * gio(reactor, connection, function* () {
 *   const name = yield;
 *   yield `Hello, ${name}!`;
 * }());
 * reactor.step();
 * assertEquals(connection.text, "Hello, World!");
 * ```
 */
export function gio<R>(
  reactor: Reactor,
  connection: Context | undefined,
  coroutine: Coroutine<R>,
  options?: GioOptions,
): Gio<R> {
  return new Gio(reactor, connection, coroutine, options);
}

/** What input can be pushed back to, as a composed coroutine. */
interface HasRest {
  rest: unknown[];
}

/** Keeps what was pushed back of one context, and gives what was kept of another; gives where it is kept. */
function changed(
  of: HasRest,
  kept: WeakMap<object, unknown[]> | undefined,
  from: object,
  to: object,
): WeakMap<object, unknown[]> | undefined {
  const { rest } = of;
  const next = kept?.get(to);
  if (rest.length === 0 && next === undefined) return kept;
  kept ??= new WeakMap();
  if (rest.length > 0) kept.set(from, rest);
  kept.delete(to);
  of.rest = next ?? [];
  return kept;
}

/**
 * A back end that writes later tells only at the next send that it failed. That something was closed or half-closed
 * meanwhile is no failure.
 */
function checkSent(context: Context): void {
  try {
    context.send(NOTHING);
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

function hasNotFailed(context: Context): boolean {
  try {
    checkSent(context);
    return true;
  } catch {
    return false;
  }
}

/** What to throw at a read of a channel that has ended: a fresh EndOfStream each time, or what broke it. */
function ending(channel: Channel): unknown {
  return channel.ended instanceof EndOfStream
    ? new EndOfStream("The stream has ended")
    : channel.ended;
}

function cannotWait(): Error {
  return new Error("Cannot wait: the reactor is shut down");
}

function noContext(verb: string): Error {
  return new Error(
    `Cannot ${verb}: there is no context, enter one first (using _ = enter(context)) or give gio() a connection`,
  );
}

/** As if a `yield*` waited for it: it gives its result itself. */
function asked<R>(operation: Operation<R>): Operation<R> {
  operation.next();
  return operation;
}

function withoutStar(operation: Operation<unknown>): TypeError {
  return new TypeError(
    `Cannot give the result of ${operation.constructor.name} to a yield without a star: write yield* instead`,
  );
}

function describe(value: unknown): string {
  return `${typeof value} (${Deno.inspect(value, { depth: 0, compact: true }).slice(0, 100)})`;
}
