import {
  compose,
  type Composed,
  type Coroutine,
  EndOfStream,
  isRequest,
  type Request,
  trace,
  type Waiter,
  Yield,
} from "../compose/mod.ts";
import { here, type Lender, type Reactor, type Timer } from "../reactor/mod.ts";
import { Channel, describe, type User } from "./_channel.ts";
import type { Context } from "./context.ts";
import { Gio, type GioOptions } from "./_gio.ts";
import { type Owned, Scope } from "./_scope.ts";
import { TimeoutError } from "./timeout_error.ts";
import { type Answer, Waiting } from "./_waiting.ts";

/*
 * The rules of a driver, which runs one coroutine:
 *
 *  1. It runs its coroutine at once, until the first thing that must be waited for. When it has run for a millisecond
 *     without that, the reactor makes a step first: others have their turn.
 *  2. `yield data` goes to the channel of the innermost context. Channels send when the coroutine wants input, asks for
 *     something, ends, or 64 KiB have gathered.
 *  3. A coroutine of which something has not been accepted when it wants input, or when 64 KiB have gathered, stands
 *     still until it is (back-pressure). It may wait for the answer to a request meanwhile, but not before that has gone
 *     which it wrote to a context that it left.
 *  4. At the end of the stream each bare `yield` throws EndOfStream; a broken connection throws its own error at the
 *     `yield`. Either ends the coroutine quietly if it does not catch it.
 *  5. An error thrown in from outside (timeout, cancel) undoes what the coroutine was waiting for first.
 *  6. What was pushed back belongs to the context it was read from, and is read when that is the innermost again.
 *  7. At its end what it wrote goes out, and its connection is closed. After an error, and when it was cancelled in the
 *     middle of something, it is aborted, so that nobody takes a part for the whole: a coroutine that waited for the
 *     peer was not in the middle, nor is one whose cleanup had the last word.
 *  8. What belongs to its scope ends with it; its result waits for that.
 */

/** So much output is gathered before it is sent: 64 KiB. */
const HIGH_WATER = 64 * 1024;
/** So long it runs before others have their turn, … */
const LONGEST_RUN_MS = 1;
/** … which is looked at each so many times that it goes on without waiting. */
const LOOK_EACH = 16;
/** So many coroutines may run within each other, each resumed by the one before. */
const DEEPEST = 100;

/** How it goes on; by "yielded" it does what the coroutine has yielded already. */
type How = "next" | "throw" | "return" | "yielded";

/** Stands still until what was written has been accepted. */
class Writing {
  constructor(readonly how: How, readonly value: unknown) {}
}

/** Stands still until a context of values takes another one. */
class Offering {
  constructor(readonly channel: Channel, readonly how: How, readonly value: unknown) {}
}

/** Goes on in the next step. */
class Later {
  constructor(readonly how: How, readonly value: unknown) {}
}

/** What a driver does: it runs, or its coroutine stands still for something, or has ended and something is left to be done. */
type State =
  | "fresh"
  | "running"
  | "reading"
  | Writing
  | Offering
  | Later
  | Waiting
  | "draining"
  | "lingering"
  | "ended";

/** A context that the coroutine is in. */
class Place {
  constructor(readonly channel: Channel, readonly outer: Place | undefined) {}
}

type Outcome<R> = { value: R } | { error: unknown };

/** Instead of what to resume the coroutine with: it stands still. */
const STANDS = Symbol("stands still");
const NONE: readonly Channel[] = Object.freeze([]);
const DETACHED = { detached: true };
const NO_OPTIONS: GioOptions = {};

let current: Driver | undefined;
let depth = 0;

/** The driver whose coroutine is running now, for `what`. */
export function currentDriver(what: string): Driver {
  if (current === undefined) {
    throw new TypeError(`Cannot use ${what} here: call it in a coroutine that gio() is running`);
  }
  return current;
}

/** The same, if there is one. */
export function runningDriver(): Driver | undefined {
  return current;
}

// deno-lint-ignore no-explicit-any
export class Driver<R = any> extends Gio<R> implements User, Lender, Owned {
  readonly reactor: Reactor;
  /** What it belongs to, if it is a task. */
  scope: Scope | undefined;
  /** What belongs to it, or to the request that it answers. */
  own: Scope = new Scope();
  /** Those that run, the innermost last. */
  readonly timeouts: object[] = [];
  #inner: { rest: unknown[] } | undefined;
  #innerRest: unknown[] = [];
  /** What a branch has left open at its end, for who runs it. */
  left: Scope | undefined;
  readonly #parent: Driver | undefined;
  readonly #spawnedIn: Scope | undefined;
  readonly #isBranch: boolean;
  readonly #composed: Composed<R>;
  readonly #options: GioOptions;
  readonly #home: Place | undefined;
  #top: Place | undefined;
  /** Where a protocol is spoken: at its connection, but for who composes another coroutine. */
  #base: Place | undefined;
  #state: State = "fresh";
  /** What the coroutine has written to, and has not been accepted. */
  #unsent: readonly Channel[] = NONE;
  /** What it has left, and must have gone out before it goes on. */
  #left: readonly Channel[] = NONE;
  /** A write, or a task, that has failed while the coroutine did something else: told at its next yield. */
  #late: { error: unknown } | undefined;
  /** Why it is to be closed; whether nothing is cut off by that; whether it has begun. */
  #cancelled: { reason: unknown; isClean: boolean; begun: boolean } | undefined;
  /** The reactor is shut down: there is no waiting any more. */
  #abandoned: boolean;
  #linger: Timer | undefined;
  #outcome: Outcome<R> | undefined;
  #result: Promise<R> | undefined;
  #waiters: Waiter<R>[] | undefined;
  #onAbort: (() => void) | undefined;

  constructor(
    reactor: Reactor,
    connection: Context | undefined,
    coroutine: Coroutine<R>,
    options: GioOptions = NO_OPTIONS,
    parent?: Driver,
    isBranch = false,
  ) {
    super();
    if (typeof coroutine === "function") {
      throw new TypeError(
        `Cannot run ${Deno.inspect(coroutine)}: give a coroutine, main(), not main`,
      );
    }
    this.reactor = reactor;
    this.#abandoned = reactor.isShutDown;
    this.#composed = compose(coroutine, DETACHED);
    this.#options = options;
    this.#parent = parent;
    this.#spawnedIn = parent?.own;
    this.#isBranch = isBranch;
    if (connection !== undefined) {
      const channel = Channel.of(connection);
      channel.enter();
      this.#home = this.#base = this.#top = new Place(channel, undefined);
    }
    parent?.own.own(this);
    const { signal } = options;
    if (signal !== undefined) {
      this.#onAbort = () => this.cancel(signal.reason);
      signal.addEventListener("abort", this.#onAbort);
    }
    reactor.addShutdownHook(this);
    if (signal?.aborted) this.cancel(signal.reason);
    else this.#run("next", undefined);
  }

  get done(): boolean {
    return this.#outcome !== undefined;
  }

  get result(): Promise<R> {
    return this.#result ??= new Promise((resume, fail) => this.begin({ resume, fail }));
  }

  /** Joins. */
  override begin(waiter: Waiter<R>): () => void {
    const waiters = this.#waiters ??= [];
    if (this.#isOver) this.#settle(waiter);
    else waiters.push(waiter);
    return () => {
      const at = waiters.indexOf(waiter);
      if (at >= 0) waiters.splice(at, 1);
    };
  }

  /** Whether the coroutine is in a context of its own, and not where its protocol is spoken. */
  get isElsewhere(): boolean {
    return this.#top !== this.#base;
  }

  /** For who composes a coroutine and speaks a protocol for it here, as HTTP does: where that pushes back to. */
  set inner(inner: { rest: unknown[] }) {
    this.#inner = inner;
    this.#base = this.#top;
  }

  /** Where its protocol is spoken, nothing more can be said. */
  abort(): void {
    this.#base?.channel.abort();
  }

  /** Whether it was cancelled, and is being closed. */
  get isClosing(): boolean {
    return this.#cancelled?.begun ?? false;
  }

  /** Where the coroutine stands: the lines of its calls, innermost first; for `reactor.inspect()` and messages. */
  override toString(): string {
    if (this.done) return "ended";
    if (this.#state === "running") return "running";
    return trace(this.#composed as Composed).map((line) => line.trim()).join(", ");
  }

  cancel(reason: unknown = new DOMException("The coroutine was cancelled", "AbortError")): void {
    if (this.done || this.#cancelled !== undefined) return;
    const isClean = this.#state === "reading" && this.#top === this.#home && this.#unsent === NONE;
    this.#cancelled = { reason, isClean, begun: false };
    if (this.#state === "running") return; // its next yield is its last
    this.#stopWaiting();
    this.#run("return", undefined);
  }

  throw(error: unknown): void {
    if (this.done) return;
    if (this.#state === "running") {
      throw new Error("Cannot throw into a running coroutine: throw the error in it instead");
    }
    this.#stopWaiting();
    this.#run("throw", error);
  }

  /** For its scope. */
  end(): void {
    this.cancel();
  }

  /** For the reactor, when it shuts down: closes the coroutine, which cannot wait for anything any more. */
  abandon(): void {
    const state = this.#state;
    this.#abandoned = true;
    if (state === "lingering") return this.#lingered();
    if (state === "draining") return this.#drain();
    if (this.#cancelled === undefined) {
      return this.cancel(new DOMException("The reactor was shut down", "AbortError"));
    }
    if (this.done || state === "running") return;
    this.#stopWaiting();
    if (state instanceof Later) this.#run(state.how, state.value);
    else this.#run("throw", cannotWait());
  }

  /** Runs a coroutine beside this one, which is cancelled when this one ends. */
  spawn<T>(coroutine: Coroutine<T>): Driver<T> {
    if (this.done) {
      throw new Error("Cannot spawn: the coroutine whose task it would be has ended, use gio()");
    }
    return new Driver(this.reactor, undefined, coroutine, NO_OPTIONS, this as Driver);
  }

  /** As {@linkcode Driver.spawn}, for who takes over what it leaves open; it lends what this one is in. */
  branch<T>(coroutine: Coroutine<T>): Driver<T> {
    return new Driver(this.reactor, undefined, coroutine, NO_OPTIONS, this as Driver, true);
  }

  /** Makes `context` the innermost one until the result is disposed of; then `whenLeft` is called. */
  enter(context: Context, whenLeft?: () => void): Disposable {
    const place = new Place(Channel.of(context), this.#top);
    this.#move(place);
    place.channel.enter();
    return { [Symbol.dispose]: () => this.#leave(place, whenLeft) };
  }

  // For transfers:

  get innermost(): Context {
    if (this.#top !== undefined) return this.#top.channel.context;
    if (this.#isBranch) return this.#parent!.innermost;
    throw noContext("transfer");
  }

  lend(end: Parameters<Lender["lend"]>[0]): object {
    const lent: object = end === here ? this.innermost : "context" in end ? end.context : end;
    if (isContext(lent)) Channel.of(lent).letGo();
    return lent;
  }

  unread(end: object): Uint8Array[] {
    if (!isContext(end)) return [];
    if (this.#isBranch) this.takeBack(end, this.#parent!.unread(end));
    if (this.#top?.channel.context === end) this.#keepRest();
    return Channel.of(end).takeRest().map(asBytes);
  }

  takeBack(end: object, unread: Uint8Array[]): void {
    Channel.of(end as Context).unread(unread);
  }

  // For channels and requests:

  received(how: "next" | "throw", value: unknown): void {
    if (this.#state === "reading") this.#run(how, value);
    else if (this.#state === "lingering") {
      if (how === "throw") this.#lingered();
      else this.#home!.channel.read(this);
    }
  }

  sendable(channel: Channel): void {
    const state = this.#state;
    if (state === "draining") return this.#drain();
    if (state instanceof Offering && state.channel === channel) {
      channel.leave(this);
      return this.#run(state.how, state.value);
    }
    try {
      const isAll = this.#send();
      if (!(state instanceof Writing)) return;
      // A request need not wait for all of them.
      if (!isAll && !(isRequest(state.value) && this.#mayBegin(state.value))) return;
    } catch (error) {
      if (state instanceof Writing) this.#run("throw", error);
      else this.#late ??= { error };
      return;
    }
    if (this.isClosing) this.#clearLinger();
    this.#run(state.how, state.value);
  }

  answered(waiting: Waiting, { how, value }: Answer): void {
    if (this.#state === waiting) this.#run(how, value);
  }

  /** Runs the coroutine until it stands still. */
  #run(how: How, value: unknown): void {
    if (depth >= DEEPEST) return void this.#later(how, value);
    const outer = current;
    current = this as Driver;
    depth++;
    this.#state = "running";
    try {
      this.#goOn(how, value);
    } finally {
      current = outer;
      depth--;
    }
  }

  #goOn(how: How, value: unknown): void {
    const composed = this.#composed;
    let turns = 0;
    let until = Infinity;
    for (;;) {
      if (how !== "yielded") {
        let result: IteratorResult<unknown, R>;
        try {
          if (how === "next") result = composed.next(value);
          else if (how === "throw") result = composed.throw(value);
          else {
            this.#cancelled!.begun = true;
            result = composed.return(undefined as R);
          }
        } catch (error) {
          return this.#end({ error });
        }
        if (result.done) return this.#end({ value: result.value });
        value = result.value;
      }
      if (this.#isToClose) {
        how = "return";
        continue;
      }
      try {
        if (this.#abandoned) throw cannotWait();
        value = this.#proceed(value);
        how = "next";
      } catch (error) {
        how = "throw";
        value = error;
      }
      if (value === STANDS) {
        if (!this.#isToClose) return;
        // What it has begun has cancelled it.
        this.#stopWaiting();
        how = "return";
      } else if (++turns % LOOK_EACH === 0 && !this.#abandoned) {
        const now = performance.now();
        if (turns === LOOK_EACH) until = now + LONGEST_RUN_MS;
        else if (now >= until) return void this.#later(how, value);
      }
    }
  }

  /** Whether it was cancelled while it ran. */
  get #isToClose(): boolean {
    return this.#cancelled?.begun === false;
  }

  /** Does what was yielded; gives what to resume the coroutine with, or STANDS; throws what is to be thrown into it. */
  #proceed(yielded: unknown): unknown {
    const late = this.#late;
    if (late !== undefined) {
      this.#late = undefined;
      throw late.error;
    }
    if (yielded === undefined) {
      return this.#send() ? this.#read() : this.#block("yielded", undefined);
    }
    if (typeof yielded === "string" || yielded instanceof Uint8Array) return this.#write(yielded);
    if (isRequest(yielded)) {
      return this.#send() || this.#mayBegin(yielded)
        ? this.#begin(yielded)
        : this.#block("yielded", yielded);
    }
    if (yielded === Yield) {
      this.#send();
      return this.#later("next", undefined);
    }
    if (this.#top?.channel.context.put !== undefined) return this.#put(this.#top.channel, yielded);
    throw meaningless(yielded);
  }

  #read(): unknown {
    const channel = this.#top?.channel;
    if (channel === undefined) throw noContext("read");
    const { rest } = channel;
    if (rest.length > 0) {
      channel.rest = rest.slice(1);
      return rest[0];
    }
    if (channel.ended !== undefined) throw channel.ending();
    channel.read(this);
    this.#state = "reading";
    return STANDS;
  }

  #write(data: string | Uint8Array): unknown {
    const channel = this.#top?.channel;
    if (channel === undefined) throw noContext("write");
    if (channel.isBroken) throw channel.failed ?? channel.ended;
    if (channel.context.put !== undefined) return this.#put(channel, data);
    if (data.length === 0) return undefined;
    channel.written = true;
    // The cleanup of a coroutine that was cancelled has the last word.
    if (this.#cancelled !== undefined && this.#top === this.#home) this.#cancelled.isClean = true;
    if (channel.outbox.size === 0) this.#unsent = including(this.#unsent, channel);
    channel.outbox.push(data);
    return channel.outbox.size < HIGH_WATER || this.#send()
      ? undefined
      : this.#block("next", undefined);
  }

  /** Hands over a value as it is, and stands still until the next one would be accepted. */
  #put(channel: Channel, value: unknown): unknown {
    const { context } = channel;
    const accepted = context.put!(value);
    if (accepted && context.writable) return undefined;
    channel.await(this);
    this.#state = accepted
      ? new Offering(channel, "next", undefined)
      : new Offering(channel, "yielded", value);
    return STANDS;
  }

  #begin(request: Request<unknown>): unknown {
    const waiting = new Waiting(this as Driver);
    const answer = waiting.begin(request);
    if (answer === undefined) {
      this.#state = waiting;
      return STANDS;
    }
    if (answer.how === "throw") throw answer.value;
    return answer.value;
  }

  /** Whether a request can begin although something has not been accepted yet. */
  #mayBegin(request: Request<unknown>): boolean {
    return this.#left === NONE && !(request as { flushes?: boolean }).flushes;
  }

  #block(how: How, value: unknown): typeof STANDS {
    this.#state = new Writing(how, value);
    if (this.isClosing && this.#linger === undefined) this.#setLinger(() => this.#giveUp());
    return STANDS;
  }

  #later(how: How, value: unknown): typeof STANDS {
    const later = this.#state = new Later(how, value);
    this.reactor.addTimer(0, () => {
      if (this.#state === later) this.#run(how, value);
    });
    return STANDS;
  }

  #stopWaiting(): void {
    const state = this.#state;
    this.#state = "running";
    if (state === "reading") this.#top!.channel.forget(this);
    else if (state instanceof Offering) state.channel.leave(this);
    else if (state instanceof Waiting) {
      try {
        state.end();
      } catch (error) {
        this.#report(error); // The coroutine must go on nevertheless.
      }
    }
  }

  /** Hands over what waits, as far as it is accepted; returns whether that is all. */
  #send(): boolean {
    for (const channel of this.#unsent) this.#sendOne(channel, false);
    for (const channel of this.#left) this.#sendOne(channel, true);
    return this.#unsent === NONE && this.#left === NONE;
  }

  #sendOne(channel: Channel, mustBeGone: boolean): void {
    try {
      if (!(mustBeGone ? channel.hasGone() : channel.send())) return channel.await(this);
      this.#forget(channel);
    } catch (error) {
      channel.written = false; // It is told once.
      this.#forget(channel);
      throw error;
    }
  }

  #forget(channel: Channel): void {
    this.#unsent = without(this.#unsent, channel);
    this.#left = without(this.#left, channel);
    channel.leave(this);
  }

  /** A coroutine that was cancelled writes, but nobody reads. */
  #giveUp(): void {
    const error = this.#notSent("the coroutine was cancelled");
    if (this.#state instanceof Writing) this.#run("throw", error);
  }

  #notSent(after: string): TimeoutError {
    this.#linger = undefined;
    const error = new TimeoutError(
      `Cannot send: what was left was not accepted within ${this.#lingerMs} ms after ${after}`,
    );
    for (const channel of [...this.#unsent, ...this.#left]) channel.failed ??= error;
    this.#drop();
    return error;
  }

  /** Gives up what has not been sent. */
  #drop(): void {
    for (const channel of [...this.#unsent, ...this.#left]) {
      channel.outbox.clear();
      this.#forget(channel);
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

  #move(place: Place | undefined): void {
    const inner = this.#inner;
    const isLeavingHome = inner !== undefined && !this.isElsewhere;
    if (isLeavingHome) {
      this.#innerRest = inner.rest;
      inner.rest = [];
    } else this.#keepRest();
    this.#top = place;
    if (inner !== undefined && !this.isElsewhere) inner.rest = this.#innerRest;
  }

  /** What was pushed back is of the innermost context. */
  #keepRest(): void {
    const channel = this.#top?.channel;
    for (const  of of[this.#composed, this.#inner]) {
      if (of === undefined || of.rest.length === 0) continue;
      channel?.unread(of.rest);
      of.rest = [];
    }
  }

  #leave(place: Place, whenLeft?: () => void): void {
    if (!this.#isIn((one) => one === place)) return; // It was left already.
    if (this.#top !== place) {
      throw new Error(
        "Cannot leave this context before the ones entered after it: use `using` for each",
      );
    }
    this.#move(place.outer);
    const { channel } = place;
    if (!this.#isIn((one) => one.channel === channel)) {
      channel.letGo();
      this.#unsent = without(this.#unsent, channel);
      if (channel.written) this.#left = including(this.#left, channel);
    }
    whenLeft?.();
  }

  #isIn(is: (place: Place) => boolean): boolean {
    let place = this.#top;
    while (place !== undefined && !is(place)) place = place.outer;
    return place !== undefined;
  }

  #end(outcome: Outcome<R>): void {
    const cancelled = this.#cancelled;
    if (cancelled?.begun && !("error" in outcome)) outcome = { error: cancelled.reason };
    else if (this.#late !== undefined && !("error" in outcome)) outcome = this.#late;
    this.#late = undefined;
    this.#outcome = outcome;
    if (this.#onAbort !== undefined) {
      this.#options.signal!.removeEventListener("abort", this.#onAbort);
    }
    while (this.#top !== this.#home) this.#leave(this.#top!);
    const isCut = "error" in outcome &&
      (this.isClosing && outcome.error === cancelled!.reason
        ? !cancelled!.isClean
        : !this.#isQuiet(outcome.error));
    if ("value" in outcome) {
      if (this.#isBranch) this.own.give(this.left = new Scope());
      else this.own.give(this.scope, outcome.value);
    }
    this.own.end(isCut, () => this.#finish());
    if (isCut) return this.#close(true);
    const home = this.#home?.channel;
    for (const channel of this.#unsent) this.#left = including(this.#left, channel);
    if (home?.written) this.#left = including(this.#left, home);
    this.#unsent = NONE;
    this.#state = "draining";
    this.#drain();
  }

  /** What was written goes out. */
  #drain(): void {
    try {
      if (this.#send()) return this.#close(false);
    } catch (error) {
      return this.#failLate(error);
    }
    // What was accepted, the reactor waits for.
    if (this.#abandoned) return this.#close(this.#left.some(({ outbox }) => outbox.size > 0));
    if (this.#linger !== undefined) return;
    this.#setLinger(() => this.#failLate(this.#notSent("the coroutine's end")));
  }

  /** What the coroutine has sent last did not arrive. */
  #failLate(error: unknown): void {
    const outcome = this.#outcome!;
    if (!("error" in outcome) || outcome.error instanceof EndOfStream) this.#outcome = { error };
    this.#close(true);
  }

  /** The peer ended the conversation, or somebody has cancelled it: no error of ours. */
  #isQuiet(error: unknown): boolean {
    const home = this.#home?.channel;
    return error instanceof EndOfStream ||
      (error !== undefined && (error === home?.ended || error === home?.failed)) ||
      (this.#cancelled !== undefined && error === this.#cancelled.reason);
  }

  #close(isCut: boolean): void {
    this.#clearLinger();
    this.#drop();
    const home = this.#home?.channel;
    this.#state = "ended";
    if (home === undefined || this.#options.keepOpen) home?.letGo();
    else if (isCut || home.isBroken) home.abort();
    else if (home.ended !== undefined || this.#abandoned || home.context.shutdown === undefined) {
      home.stopReading();
      home.context.close();
    } else this.#startLinger(home);
    if (this.#state === "ended") this.reactor.removeShutdownHook(this);
    this.#finish();
  }

  /** RFC 9112 9.6: closing while the peer still sends would reset the connection and could destroy what was sent last. */
  #startLinger(home: Channel): void {
    home.context.shutdown!();
    try {
      home.read(this);
      this.#state = "lingering";
      this.#setLinger(() => this.#lingered());
    } catch { // A transfer reads it, or another coroutine: who waits for the end of that?
      home.context.close();
    }
  }

  #lingered(): void {
    this.#state = "ended";
    this.#clearLinger();
    this.#home!.channel.stopReading();
    this.#home!.channel.context.close();
    this.reactor.removeShutdownHook(this);
  }

  /** Whether the coroutine has ended, with all that belonged to it. */
  get #isOver(): boolean {
    return (this.#state === "ended" || this.#state === "lingering") && this.own.isIdle;
  }

  #finish(): void {
    if (!this.#isOver) return;
    this.scope?.disown(this);
    const outcome = this.#outcome!;
    for (const waiter of this.#waiters ?? []) this.#settle(waiter);
    if (!("error" in outcome) || this.#waiters !== undefined || this.#isQuiet(outcome.error)) {
      return;
    }
    queueMicrotask(() => {
      if (this.#waiters === undefined) this.#tell(outcome.error);
    });
  }

  #settle(waiter: Waiter<R>): void {
    const outcome = this.#outcome!;
    if ("error" in outcome) waiter.fail(outcome.error);
    else waiter.resume(outcome.value);
  }

  /** An error that nobody has asked for is thrown into the parent of a task; it goes to the reactor where there is none. */
  #tell(error: unknown): void {
    const parent = this.#parent;
    const canTell = parent?.own === this.#spawnedIn && !parent?.done;
    if (parent === undefined || !canTell || parent.#cancelled !== undefined) this.#report(error);
    else if (parent.#state === "running") parent.#late ??= { error };
    else parent.throw(error);
  }

  #report(error: unknown): void {
    const { reactor } = this;
    const home = this.#home?.channel.context;
    try {
      reactor.onError(error, `coroutine of ${home === undefined ? "gio" : describe(home)}`);
    } catch (assertion) { // an AssertionError goes out of step() and run()
      if (reactor.isShutDown) throw assertion;
      reactor.addTimer(0, () => {
        throw assertion;
      });
    }
  }
}

function including(channels: readonly Channel[], channel: Channel): readonly Channel[] {
  if (channels === NONE) return [channel];
  return channels.includes(channel) ? channels : [...channels, channel];
}

function without(channels: readonly Channel[], channel: Channel): readonly Channel[] {
  if (channels === NONE) return NONE;
  const others = channels.filter((one) => one !== channel);
  return others.length === 0 ? NONE : others;
}

function isContext(end: object): end is Context {
  return "recv" in end && "watch" in end;
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return new TextEncoder().encode(value);
  throw new TypeError(`Cannot transfer ${typeof value} that was pushed back: only bytes and text`);
}

function cannotWait(): Error {
  return new Error("Cannot wait: the reactor is shut down");
}

function noContext(verb: string): Error {
  return new Error(
    `Cannot ${verb}: there is no context, enter one first (using _ = enter(context)) or give gio() a connection`,
  );
}

function meaningless(value: unknown): TypeError {
  const shown = Deno.inspect(value, { depth: 0, compact: true }).slice(0, 100);
  return new TypeError(
    `Cannot do anything with a yielded ${typeof value} (${shown}): yield nothing to read, a string or Uint8Array to ` +
      "write, or a request such as wait(promise) with yield*",
  );
}
