import {
  compose,
  type Composed,
  type Coroutine,
  EndOfStream,
  isRequest,
  Local,
  type Request,
  trace,
  type Waiter,
  Yield,
} from "../compose/mod.ts";
import { describe, shown } from "../reactor/_describe.ts";
import { duration } from "../reactor/_whole.ts";
import type { Reactor, Timer } from "../reactor/mod.ts";
import { CannotWait } from "./_cannot_wait.ts";
import type { Channel, User } from "./_channel.ts";
import type { Context } from "./context.ts";
import { Gio, type GioOptions } from "./_gio.ts";
import { type Ending, Farewell, lingerMsOf, notSent } from "./_farewell.ts";
import { Lending, noContext } from "./_lending.ts";
import { Output } from "./_output.ts";
import { type Inner, type Place, Places } from "./_places.ts";
import { type Outcome, Result } from "./_result.ts";
import { type Owned, Scope } from "./_scope.ts";
import { type How, Later, Offering, type State, Writing } from "./_state.ts";
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

/** Instead of what to resume the coroutine with: it stands still. */
const STANDS = Symbol("stands still");
const NO_OPTIONS: GioOptions = {};

let current: Driver | undefined;
let depth = 0;
/** What is to be done when those that run have come to rest. */
const later: (() => void)[] = [];

/**
 * Runs, ends and cancels coroutines within each other, but not without end: what would be too deep is done before the
 * outermost returns.
 */
function within(act: () => void): void {
  if (depth >= DEEPEST) return void later.push(act);
  depth++;
  try {
    act();
    if (depth === 1) doLater();
  } finally {
    depth--;
  }
}

function doLater(): void {
  for (let act; (act = later.shift()) !== undefined;) act();
}

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
export class Driver<R = any> extends Gio<R> implements User, Owned, Ending {
  readonly reactor: Reactor;
  /** What it belongs to, if it is a task. */
  scope: Scope | undefined;
  #own: Scope | undefined;
  /** Those that run, the innermost last. */
  readonly timeouts: object[] = [];
  /** What a branch has left open at its end, for who runs it. */
  left: Scope | undefined;
  readonly #parent: Driver | undefined;
  readonly #spawnedIn: Scope | undefined;
  readonly #isBranch: boolean;
  readonly #composed: Composed<R>;
  readonly #options: GioOptions;
  /** For transfers. */
  readonly lending: Lending;
  readonly #places: Places;
  readonly #output: Output;
  #state: State = "fresh";
  /** A write, or a task, that has failed while the coroutine did something else: told at its next yield. */
  #late: { error: unknown } | undefined;
  /** Why it is to be closed; whether nothing is cut off by that; whether it has begun. */
  #cancelled: { reason: unknown; isClean: boolean; begun: boolean } | undefined;
  /** The reactor is shut down: there is no waiting any more. */
  #abandoned: boolean;
  #linger: Timer | undefined;
  #outcome: Outcome<R> | undefined;
  readonly #result = new Result<R>();
  #onAbort: (() => void) | undefined;

  constructor(
    reactor: Reactor,
    connection: Context | undefined,
    coroutine: Coroutine<R>,
    options: GioOptions = NO_OPTIONS,
    parent?: Driver,
    isBranch = false,
    locals: ReadonlyMap<object, unknown> = Local.capture(),
  ) {
    super();
    if (typeof coroutine === "function") {
      throw new TypeError(
        `Cannot run ${Deno.inspect(coroutine)}: give a coroutine, main(), not main`,
      );
    }
    if (options.lingerMs !== undefined) duration(options.lingerMs, "run a coroutine: lingerMs");
    this.reactor = reactor;
    this.#abandoned = reactor.isShutDown;
    this.#composed = compose(coroutine, { locals });
    this.#options = options;
    this.#parent = parent;
    this.#spawnedIn = parent?.own;
    this.#isBranch = isBranch;
    this.#places = new Places(this.#composed, connection);
    this.#output = new Output(this, this.#places);
    this.lending = new Lending(this.#places, isBranch ? parent!.lending : undefined);
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

  /** What belongs to the coroutine, or to that for which it speaks a protocol just now. */
  get own(): Scope {
    const { inner } = this.#places;
    return inner?.isRunning ? inner.own ??= new Scope(this) : this.#own ??= new Scope(this);
  }

  get done(): boolean {
    return this.#outcome !== undefined;
  }

  get result(): Promise<R> {
    return this.#result.promise;
  }

  /** Joins. */
  override begin(waiter: Waiter<R>): () => void {
    return this.#result.ask(waiter);
  }

  /** For who composes a coroutine and speaks a protocol for it here, as HTTP does. */
  set inner(inner: Inner) {
    this.#places.inner = inner;
  }

  /** Where its protocol is spoken, nothing more can be said. */
  abort(): void {
    this.#places.base?.abort();
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
    const isClean = this.#state === "reading" && this.#places.isHome && this.#output.isEmpty;
    this.#cancelled = { reason, isClean, begun: false };
    const state = this.#state;
    if (state === "running" || state instanceof Waiting && state.isShielded) return; // its next yield is its last
    const closing = this.#state = new Later("return", undefined);
    within(() => {
      this.#stopWaiting(state);
      if (this.#state === closing) this.#run("return", undefined);
    });
  }

  throw(error: unknown): void {
    if (this.done) return;
    if (this.#state === "running") {
      throw new Error("Cannot throw into a running coroutine: throw the error in it instead");
    }
    // What it is about to get must not be lost.
    if (this.#state instanceof Later) return void (this.#late ??= { error });
    this.#stopWaiting(this.#state);
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
    if (state instanceof Farewell) return state.abandon();
    if (this.#cancelled === undefined) {
      return this.cancel(new DOMException("The reactor was shut down", "AbortError"));
    }
    if (this.done || state === "running") return;
    this.#stopWaiting(state);
    if (state instanceof Later) this.#run(state.how, state.value);
    else this.#run("throw", new CannotWait());
  }

  /** Runs a coroutine beside this one, which is cancelled when this one ends. */
  spawn<T>(coroutine: Coroutine<T>, locals: ReadonlyMap<object, unknown>): Driver<T> {
    if (this.done) {
      throw new Error("Cannot spawn: the coroutine whose task it would be has ended, use gio()");
    }
    return new Driver(
      this.reactor,
      undefined,
      coroutine,
      NO_OPTIONS,
      this as Driver,
      false,
      locals,
    );
  }

  /** As {@linkcode Driver.spawn}, for who takes over what it leaves open; it lends what this one is in. */
  branch<T>(coroutine: Coroutine<T>, locals: ReadonlyMap<object, unknown>): Driver<T> {
    return new Driver(this.reactor, undefined, coroutine, NO_OPTIONS, this as Driver, true, locals);
  }

  /** Makes `context` the innermost one until the result is disposed of; then `whenLeft` is called. */
  enter(context: Context, whenLeft?: () => void): Disposable {
    const place = this.#places.enter(context);
    return { [Symbol.dispose]: () => this.#leave(place, whenLeft) };
  }

  // For channels and requests:

  received(how: "next" | "throw", value: unknown): void {
    if (this.#state === "reading") this.#run(how, value);
  }

  sendable(channel: Channel): void {
    const state = this.#state;
    if (state instanceof Farewell) return state.drain(this.#abandoned);
    if (state instanceof Offering && state.channel === channel) {
      channel.leave(this);
      return this.#run(state.how, state.value);
    }
    try {
      const isAll = this.#output.send();
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
    if (depth >= DEEPEST) {
      const state = this.#state = new Later(how, value);
      return void later.push(() => {
        if (this.#state === state) this.#run(how, value);
      });
    }
    const outer = current;
    current = this as Driver;
    depth++;
    this.#state = "running";
    try {
      this.#goOn(how, value);
      current = outer;
      if (depth === 1 && later.length > 0) doLater();
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
      if (this.#isToClose()) {
        how = "return";
        continue;
      }
      try {
        if (this.#abandoned) throw new CannotWait();
        value = this.#proceed(value);
        how = "next";
      } catch (error) {
        how = "throw";
        value = error;
      }
      if (value === STANDS) {
        if (!this.#isToClose()) return;
        // What it has begun has cancelled it.
        this.#stopWaiting(this.#state);
        this.#state = "running";
        how = "return";
      } else if (++turns % LOOK_EACH === 0 && !this.#abandoned) {
        const now = performance.now();
        if (turns === LOOK_EACH) until = now + LONGEST_RUN_MS;
        else if (now >= until) return void this.#later(how, value);
      }
    }
  }

  /** Whether it was cancelled while it ran. */
  #isToClose(): boolean {
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
      return this.#output.send() ? this.#read() : this.#block("yielded", undefined);
    }
    if (typeof yielded === "string" || yielded instanceof Uint8Array) return this.#write(yielded);
    if (isRequest(yielded)) {
      return this.#output.send() || this.#mayBegin(yielded)
        ? this.#begin(yielded)
        : this.#block("yielded", yielded);
    }
    if (yielded === Yield) {
      this.#output.send();
      return this.#later("next", undefined);
    }
    const channel = this.#places.innermost;
    if (channel?.context.put !== undefined) return this.#put(channel, yielded);
    throw meaningless(yielded);
  }

  #read(): unknown {
    const channel = this.#places.innermost;
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
    const place = this.#places.top;
    if (place === undefined) throw noContext("write");
    const { channel } = place;
    if (channel.isBroken) throw channel.failed ?? channel.ended;
    if (channel.context.put !== undefined) return this.#put(channel, data);
    if (data.length === 0) return undefined;
    // The cleanup of a coroutine that was cancelled has the last word.
    if (this.#cancelled !== undefined && this.#places.isHome) this.#cancelled.isClean = true;
    this.#output.write(place, data);
    return channel.outbox.size < HIGH_WATER || this.#output.send()
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
    return !this.#output.hasLeft && !(request as { flushes?: boolean }).flushes;
  }

  #block(how: How, value: unknown): typeof STANDS {
    this.#state = new Writing(how, value);
    if (this.isClosing) {
      this.#linger ??= this.reactor.addTimer(lingerMsOf(this.#options), () => this.#giveUp());
    }
    return STANDS;
  }

  #later(how: How, value: unknown): typeof STANDS {
    const later = this.#state = new Later(how, value);
    this.reactor.addTimer(0, () => {
      if (this.#state === later) this.#run(how, value);
    });
    return STANDS;
  }

  #stopWaiting(state: State): void {
    if (state === "reading") this.#places.innermost!.forget(this);
    else if (state instanceof Offering) state.channel.leave(this);
    else if (state instanceof Waiting) {
      try {
        state.end();
      } catch (error) {
        this.report(error); // The coroutine must go on nevertheless.
      }
    }
  }

  /** A coroutine that was cancelled writes, but nobody reads. */
  #giveUp(): void {
    this.#linger = undefined;
    const error = notSent(lingerMsOf(this.#options), "the coroutine was cancelled");
    this.#output.drop(error);
    if (this.#state instanceof Writing) this.#run("throw", error);
  }

  #clearLinger(): void {
    if (this.#linger !== undefined) this.reactor.removeTimer(this.#linger);
    this.#linger = undefined;
  }

  #leave(place: Place, whenLeft?: () => void): void {
    if (!this.#places.leave(place)) return;
    const { channel } = place;
    const same = this.#places.find(channel);
    if (same !== undefined) same.hasUnsent ||= place.hasUnsent;
    else {
      channel.letGo();
      this.#output.leave(channel);
    }
    whenLeft?.();
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
    while (!this.#places.isHome) this.#leave(this.#places.top!);
    const isCut = "error" in outcome &&
      (this.isClosing && outcome.error === cancelled!.reason
        ? !cancelled!.isClean
        : !this.#isQuiet(outcome.error));
    if ("value" in outcome) {
      if (this.#isBranch) this.#own?.give(this.left = new Scope(this));
      else this.#own?.give(this.scope, outcome.value);
    }
    this.#own?.end(isCut, () => this.#finish());
    this.#clearLinger();
    const { connection } = this.#places;
    const farewell = this.#state = new Farewell(
      this.reactor,
      this.#options,
      this.#output,
      connection,
      this,
    );
    if (isCut) return farewell.close(true, this.#abandoned);
    if (connection !== undefined) this.#output.leave(connection);
    farewell.drain(this.#abandoned);
  }

  over(failure?: { error: unknown }): void {
    const outcome = this.#outcome!;
    const isWell = !("error" in outcome) || outcome.error instanceof EndOfStream;
    if (isWell && failure !== undefined) this.#outcome = failure;
    this.#finish();
  }

  closed(): void {
    this.reactor.removeShutdownHook(this);
  }

  /** The peer ended the conversation, or somebody has cancelled it: no error of ours. */
  #isQuiet(error: unknown): boolean {
    const home = this.#places.connection;
    return error instanceof EndOfStream ||
      (error !== undefined && (error === home?.ended || error === home?.failed)) ||
      (this.#cancelled !== undefined && error === this.#cancelled.reason);
  }

  /** Whether the coroutine has ended, with all that belonged to it. */
  #isOver(): boolean {
    return this.#state instanceof Farewell && this.#state.hasSent && (this.#own?.isIdle ?? true);
  }

  #finish(): void {
    if (!this.#isOver()) return;
    const outcome = this.#outcome!;
    within(() => {
      this.scope?.disown(this);
      this.#result.settle(outcome);
    });
    if (!("error" in outcome) || this.#result.isAsked || this.#isQuiet(outcome.error)) return;
    // A cleanup that a shutdown keeps from waiting is no error of the program.
    if (this.#cancelled !== undefined && outcome.error instanceof CannotWait) return;
    queueMicrotask(() => {
      if (!this.#result.isAsked) this.#tell(outcome.error);
    });
  }

  /** An error that nobody has asked for is thrown into the parent of a task; it goes to the reactor where there is none. */
  #tell(error: unknown): void {
    const parent = this.#parent;
    const canTell = parent?.own === this.#spawnedIn && !parent?.done;
    if (parent === undefined || !canTell || parent.#cancelled !== undefined) this.report(error);
    else if (parent.#state === "running") parent.#late ??= { error };
    else parent.throw(error);
  }

  /** Tells the reactor of an error that nobody waits for. */
  report(error: unknown): void {
    const { reactor } = this;
    const home = this.#places.connection?.context;
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

function meaningless(value: unknown): TypeError {
  return new TypeError(
    `Cannot do anything with a yielded ${typeof value} (${
      shown(value)
    }): yield nothing to read, a string or Uint8Array to ` +
      "write, or a request such as wait(promise) with yield*",
  );
}
