import { notACoroutine } from "../compose/_not_a_coroutine.ts";
import { allBindings, detach } from "../compose/compose.ts";
import { compose, type Coroutine, EndOfStream, isCoroutine, type Waiter } from "../compose/mod.ts";
import { describe } from "../reactor/_describe.ts";
import { duration } from "../reactor/_whole.ts";
import { type Forgettable, type Maker, makersAre } from "../reactor/transfer/_maker.ts";
import type { Inspected, Reactor } from "../reactor/mod.ts";
import { CannotWait } from "./_cannot_wait.ts";
import type { Channel, User } from "./_channel.ts";
import type { Context } from "./context.ts";
import { Ending, type EndingOwner } from "./_ending.ts";
import { Gio, type GioOptions } from "./_gio.ts";
import { Lending } from "./_lending.ts";
import { Linger } from "./_linger.ts";
import { Nesting } from "./_nesting.ts";
import { Output } from "./_output.ts";
import type { Inner, Place, Told } from "./_places.ts";
import { report } from "./_report.ts";
import { type Outcome, Result } from "./_result.ts";
import { Runner } from "./_runner.ts";
import { type Owned, Scope } from "./_scope.ts";
import { type How, Later, Offering, type Paused, Reading, Standing, Writing } from "./_state.ts";
import { Turns } from "./_turns.ts";
import { endOfOther, isCut, isFault } from "./_verdict.ts";
import { type Answer, Waiting } from "./_waiting.ts";
import { Yields } from "./_yields.ts";

/*
 * The rules of a driver, which runs one coroutine:
 *
 *  1. It runs its coroutine at once, until the coroutine must wait. If that takes longer than a
 *     millisecond, or less beside many others, the reactor makes a step first (see Turns).
 *  2. `yield data` goes to the channel of the innermost context. A channel sends when the coroutine
 *     wants input, begins a request or ends, or when 64 KiB have gathered.
 *  3. Back-pressure: the coroutine stands still while some of its output has not been accepted,
 *     when it wants input or when 64 KiB have gathered. It may wait for the answer to a request
 *     meanwhile, but not before its output to contexts that it has left has gone out.
 *  4. After the end of the stream each bare `yield` throws EndOfStream. A broken connection throws
 *     its own error at the `yield`. If the coroutine does not catch these, it ends quietly. But the
 *     end of another context is an error for a coroutine that has a connection.
 *  5. An error that is thrown in from outside (timeout, cancel) first undoes what the coroutine
 *     waits for.
 *  6. What was pushed back belongs to the context from which it was read. It is read when that
 *     context is the innermost again.
 *  7. When the coroutine ends, its output is sent and its connection is closed. After an error the
 *     connection is aborted instead, so that nobody takes a part for the whole. A cancel is like an
 *     error, unless the coroutine waited for its peer, or wrote something in its cleanup.
 *  8. What belongs to the coroutine's scope ends with it. Its result waits for that.
 */

const nesting = new Nesting<Driver | Undriven>();
makersAre(runningDriver);

/** The state of a driver that has not begun. */
const FRESH = new Later("next", undefined);

/**
 * A coroutine that runs within another driver's run, and has a driver of its own only if it needs
 * one: it waits, or something must belong to it.
 */
export interface Undriven {
  /** Makes its driver, a deferred one, or returns the one that was made before. */
  promote(): Driver;
}

/**
 * A coroutine without a driver begins to run. Returns what {@linkcode leaveUndriven} needs when it
 * stands still or has ended.
 */
export function enterUndriven(undriven: Undriven): Driver | Undriven | undefined {
  return nesting.enter(undriven);
}

export function leaveUndriven(outer: Driver | Undriven | undefined): void {
  nesting.leave(outer);
}

/**
 * The driver whose coroutine is running now.
 *
 * @param what Who asks, for the message.
 * @throws {TypeError} If there is none.
 */
export function currentDriver(what: string): Driver {
  const driver = runningDriver();
  if (driver === undefined) {
    throw new TypeError(`Cannot use ${what} here: call it in a coroutine that gio() is running`);
  }
  return driver;
}

/** As {@linkcode currentDriver}, or undefined. */
export function runningDriver(): Driver | undefined {
  const { current } = nesting;
  if (current === undefined || current instanceof Driver) return current;
  return nesting.current = current.promote();
}

/** Whether a coroutine is running now. It needs no driver for that. */
export function isInCoroutine(): boolean {
  return nesting.current !== undefined;
}

/** Where a task comes from. */
interface Origin {
  readonly parent: Driver;
  /** Whether it is a branch, of all() say. */
  readonly isBranch: boolean;
  readonly locals: ReadonlyMap<object, unknown>;
  /**
   * Whether something else runs the coroutine already. The driver counts as running then, until
   * {@linkcode Driver.start}.
   */
  readonly isDeferred: boolean;
}

// deno-lint-ignore no-explicit-any
export class Driver<R = any> extends Gio<R> implements User, Owned, EndingOwner, Maker {
  readonly reactor: Reactor;
  /** For tasks: the scope that they end with. */
  scope: Scope | undefined;
  /** For branches: what they have not closed when they have ended. */
  left: Scope | undefined;
  readonly #parent: Driver | undefined;
  readonly #parentScope: Scope | undefined;
  readonly #isBranch: boolean;
  readonly #keepOpen: boolean;
  readonly #places: Output;
  readonly #yields: Yields;
  readonly #runner: Runner<R>;
  readonly #lingerMs: number | undefined;
  #state: "running" | Standing | Ending = FRESH;
  // These are made when they are needed, because 10,000 coroutines may wait.
  #result: Result<R> | undefined;
  #linger: Linger | undefined;
  #timeouts: object[] | undefined;
  #own: Scope | undefined;
  #outcome: Outcome<R> | undefined;
  #forgetSignal: (() => void) | undefined;
  /** For branches: the request whose answer was the last thing that the coroutine got. */
  #last: Standing | undefined;
  /** What was told of it since it stands here. */
  #told: Told | undefined;
  /** The transfers that it has made, until it has had the time to yield them. */
  #made: Forgettable[] | undefined;

  constructor(
    reactor: Reactor,
    connection: Context | undefined,
    coroutine: Coroutine<R>,
    { signal, lingerMs, keepOpen = false }: GioOptions = {},
    { parent, isBranch = false, locals = allBindings(), isDeferred = false }: Partial<Origin> = {},
  ) {
    super();
    if (!isCoroutine(coroutine)) {
      throw notACoroutine("run", coroutine, "give a coroutine, main(), not main");
    }
    if (lingerMs !== undefined) duration(lingerMs, "run a coroutine: lingerMs");
    this.reactor = reactor;
    const composed = compose(coroutine);
    detach(composed, locals);
    this.#keepOpen = keepOpen;
    this.#parent = parent;
    this.#parentScope = parent?.own;
    this.#isBranch = isBranch;
    this.#places = new Output(this, composed, connection);
    this.#yields = new Yields(this, this.#places);
    this.#runner = new Runner(reactor, composed, this.#yields, this.#places);
    this.#lingerMs = lingerMs;
    parent?.own.own(this);
    if (signal !== undefined) {
      const abort = () => this.cancel(signal.reason);
      signal.addEventListener("abort", abort);
      this.#forgetSignal = () => signal.removeEventListener("abort", abort);
    }
    reactor.addShutdownHook(this);
    if (isDeferred) this.#state = "running";
    if (signal?.aborted) this.cancel(signal.reason);
    else if (!isDeferred) this.start();
  }

  /**
   * Runs the coroutine for the first time. A deferred one that was cancelled meanwhile is closed at
   * its first yield.
   */
  start(): void {
    this.#run("next", undefined);
  }

  /** The scope of the coroutine, or of the one for which it speaks a protocol just now. */
  get own(): Scope {
    const { inner } = this.#places;
    return inner?.isRunning ? inner.own ??= new Scope(this) : this.#own ??= new Scope(this);
  }

  /** The timeouts of the coroutine, the innermost last. */
  get timeouts(): object[] {
    return this.#timeouts ??= [];
  }

  /** For transfers. It is not kept, because most coroutines do not transfer. */
  get lending(): Lending {
    const outer = this.#isBranch ? this.#parent!.lending : undefined;
    return new Lending(this.#places, outer);
  }

  get done(): boolean {
    return this.#outcome !== undefined;
  }

  get result(): Promise<R> {
    return this.#asked().promise;
  }

  override begin(waiter: Waiter<R>): () => void {
    return this.#asked().ask(waiter);
  }

  #asked(): Result<R> {
    return this.#result ??= new Result();
  }

  /** Tells it that its coroutine speaks a protocol for another one, as that of HTTP does. */
  set inner(inner: Inner) {
    this.#places.inner = inner;
  }

  /** Writes to the base, although its coroutine may be elsewhere. */
  writeToBase(data: string | Uint8Array): void {
    this.#places.write(this.#places.basePlace!, data);
  }

  /** The channel in which the protocol is spoken. */
  get base(): Channel | undefined {
    return this.#places.base;
  }

  /** The base is used by something else for a long time. */
  forgetBase(): void {
    this.#places.basePlace?.forget();
  }

  /** Whether its coroutine is running at this moment, so that nothing can be thrown into it. */
  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** Whether the coroutine was cancelled, and is being closed. */
  get isClosing(): boolean {
    return this.#runner.cancellation?.hasBegun ?? false;
  }

  /** Where the coroutine stands: the lines of its calls, the innermost first. */
  override toString(): string {
    if (this.done) return "ended";
    return this.#state === "running" ? "running" : this.#standing().lines.join(", ");
  }

  /** For `reactor.inspect()`. A protocol that waits for its peer is told of as a reader only. */
  inspected(): Inspected | undefined {
    const state = this.#state;
    const { inner, home } = this.#places;
    if (this.done || inner?.isRunning === false) return undefined;
    const on = home === undefined ? "" : ` on ${describe(home.context)}`;
    if (!(state instanceof Standing)) return { kind: "coroutine", what: `running${on}` };
    const { what, lines } = this.#standing();
    return {
      kind: "coroutine",
      what: what + on,
      waits: state.waits,
      ...(lines.length > 0 && { where: lines.join(", ") }),
    };
  }

  /** What the coroutine does, or the one for which it speaks a protocol, and where it stands. */
  #standing(): Told {
    return this.#told ??= this.#tellStanding();
  }

  #tellStanding(): Told {
    const { inner } = this.#places;
    if (inner?.isRunning && inner.inspect !== undefined) return inner.inspect();
    const lines = this.#runner.lines();
    const [, name = "anonymous"] = /^at (.+) \(/.exec(lines.at(-1) ?? "") ?? [];
    return { what: name, lines };
  }

  cancel(reason: unknown = new DOMException("The coroutine was cancelled", "AbortError")): void {
    const state = this.#state;
    if (this.done || this.#runner.cancellation !== undefined) return;
    const isClean = state instanceof Reading && this.#places.isHome && this.#places.isAllSent;
    this.#runner.cancellation = { reason, hasBegun: false, isClean };
    // It is closed at its next yield.
    if (state === "running" || state instanceof Waiting && state.isShielded) return;
    const closing = this.#state = new Later("return", undefined);
    nesting.do(() => {
      this.#stop(state);
      if (this.#state === closing) this.#run("return", undefined);
    });
  }

  throw(error: unknown): void {
    const state = this.#state;
    if (this.done) return;
    if (state === "running") {
      throw new Error("Cannot throw into a running coroutine: throw the error in it instead");
    }
    // What it is about to get must not be lost.
    if (state instanceof Later) return void (this.#runner.late ??= { error });
    this.#stop(state);
    this.#run("throw", error);
  }

  /** Its scope has ended. */
  end(): void {
    this.cancel();
  }

  /** It has ended by the answer to a request, which is nobody's: takes the answer back. */
  takeBack(): void {
    this.#last?.stop();
    this.#last = undefined;
  }

  /** The reactor shuts down: closes the coroutine, which cannot wait for anything any more. */
  abandon(): void {
    const state = this.#state;
    this.#runner.isAbandoned = true;
    if (state instanceof Ending) return state.abandon();
    if (this.#runner.cancellation === undefined) {
      return this.cancel(new DOMException("The reactor was shut down", "AbortError"));
    }
    if (state === "running") return;
    if (state instanceof Later) return this.#run(state.how, state.value);
    this.#stop(state);
    this.#run("throw", new CannotWait());
  }

  /**
   * Runs a coroutine beside this one, and cancels it when this one ends.
   *
   * @param coroutine What to run.
   * @param locals The bindings that it sees.
   * @param isBranch Whether it can lend a transfer the context that this one is in, and leaves what
   * it has not closed to whoever runs it.
   * @throws {Error} If this one has ended.
   */
  spawn<T>(
    coroutine: Coroutine<T>,
    locals: ReadonlyMap<object, unknown>,
    isBranch: boolean = false,
  ): Driver<T> {
    if (this.done) {
      throw new Error("Cannot spawn: the coroutine whose task it would be has ended, use gio()");
    }
    const origin = { parent: this as Driver, isBranch, locals };
    return new Driver(this.reactor, undefined, coroutine, undefined, origin);
  }

  /** Makes `context` the innermost one until the result is disposed of; then calls `whenLeft`. */
  enter(context: Context, whenLeft?: () => void): Disposable {
    const place = this.enterPlace(context);
    const leave = () => {
      if (this.leavePlace(place)) whenLeft?.();
    };
    return { [Symbol.dispose]: leave };
  }

  /** The same, with less to keep. */
  enterPlace(context: Context): Place {
    return this.#places.enter(context);
  }

  /** Leaves a place. Returns whether the coroutine was there. */
  leavePlace(place: Place): boolean {
    return this.#places.leave(place);
  }

  made(transfer: Forgettable): void {
    (this.#made ??= []).push(transfer);
  }

  forgot(): void {
    const error = this.forgotten();
    if (error === undefined) return;
    if (this.done) this.report(error);
    else this.throw(error);
  }

  /** The error of a transfer from or to `here` that was made and not yielded. */
  forgotten(): TypeError | undefined {
    const made = this.#made;
    if (made === undefined) return undefined;
    this.#made = undefined;
    let error: TypeError | undefined;
    for (const transfer of made) error = transfer.forget() ?? error;
    return error;
  }

  reporter(): (error: unknown) => void {
    const { inner } = this.#places;
    return inner?.isRunning && inner.reporter?.() || ((error) => this.report(error));
  }

  received(how: "next" | "throw", value: unknown): void {
    if (this.#state instanceof Reading) this.#run(how, value);
  }

  sendable(channel: Channel): void {
    const state = this.#state;
    if (state instanceof Ending) return state.send(this.#runner.isAbandoned);
    const isOffering = state instanceof Offering && state.channel === channel;
    if (!isOffering && !(state instanceof Writing)) return this.#sendMeanwhile();
    // It keeps its place among those that wait.
    if (isOffering && state.how === "yielded" && !channel.isTurnOf(this)) return;
    if (this.#waitsForTurn(state, channel)) return;
    try {
      if (isOffering) state.stop();
      else if (!this.#yields.canGoOn(state.value)) return;
    } catch (error) {
      return this.#run("throw", error);
    }
    this.#linger?.stop();
    this.#run(state.how, state.value);
  }

  /** Whether it is to go on later, because the time of this step is used up. */
  #waitsForTurn(state: Paused, channel: Channel): boolean {
    if (state.isInLine) return true;
    const turns = Turns.of(this.reactor);
    if (!turns.areOver) return false;
    state.isInLine = true;
    turns.wait(() => {
      state.isInLine = false;
      if (this.#state === state) this.sendable(channel);
    });
    return true;
  }

  /** The coroutine waits for something else. */
  #sendMeanwhile(): void {
    try {
      this.#places.send();
    } catch (error) {
      this.#runner.late ??= { error };
    }
    // Its channel may have been left, because what was written before has been accepted.
    if (this.#state instanceof Offering) this.#state.channel.await(this);
  }

  answered(waiting: Waiting, { how, value }: Answer): void {
    if (this.#state === waiting) this.#run(how, value, waiting);
  }

  /** Runs the coroutine until it stands still. */
  #run(how: How, value: unknown, of?: Standing): void {
    if (nesting.isTooDeep) {
      const later = this.#state = new Later(how, value, of);
      return nesting.postpone(() => this.#runLater(later));
    }
    const outer = nesting.enter(this as Driver);
    this.#state = "running";
    this.#told = undefined;
    try {
      const rest = this.#runner.run(how, value);
      if (rest instanceof Standing) this.#stand(rest);
      else {
        if (this.#isBranch) this.#last = this.#yields.answered ?? of;
        this.#end(rest);
      }
    } finally {
      nesting.leave(outer);
    }
  }

  #runLater(later: Later): void {
    if (this.#state === later) this.#run(later.how, later.value, later.of);
  }

  #stand(standing: Standing): void {
    this.#state = standing;
    if (this.#runner.isToClose) { // What it has begun has cancelled it.
      this.#stop(standing);
      this.#run("return", undefined);
    } else if (standing instanceof Later) {
      Turns.of(this.reactor).wait(() => this.#runLater(standing));
    } else if (standing instanceof Writing && this.isClosing) {
      const linger = this.#linger ??= new Linger(this.reactor, this.#lingerMs);
      linger.start(() => this.#giveUp(linger));
    }
  }

  #stop(state: Standing | Ending | "running"): void {
    if (!(state instanceof Standing)) return;
    try {
      state.stop();
    } catch (error) {
      this.report(error); // The coroutine must go on nevertheless.
    }
  }

  /** The coroutine was cancelled and writes, but the peer does not read. */
  #giveUp(linger: Linger): void {
    const error = linger.notSent("the coroutine was cancelled");
    this.#places.drop(error);
    if (this.#state instanceof Writing) this.#run("throw", error);
  }

  #end(outcome: Outcome<R>): void {
    const cancellation = this.#runner.cancellation;
    const forgotten = this.forgotten();
    if (!("error" in outcome)) {
      if (cancellation?.hasBegun) outcome = { error: cancellation.reason };
      else if (this.#runner.late !== undefined) outcome = this.#runner.late;
      else if (forgotten !== undefined) outcome = { error: forgotten };
    }
    this.#runner.late = undefined;
    this.#outcome = outcome;
    this.#forgetSignal?.();
    while (!this.#places.isHome) this.#places.leave(this.#places.top!);
    const { home } = this.#places;
    const connection = home?.channel;
    if ("error" in outcome) outcome = this.#outcome = endOfOther(outcome, connection);
    const cuts = isCut(outcome, connection, cancellation);
    if ("value" in outcome) {
      if (this.#isBranch) this.#own?.give(this.left = new Scope(this));
      else this.#own?.give(this.scope, outcome.value);
    }
    this.#own?.end(cuts, () => this.#settle());
    this.#linger?.stop();
    const linger = this.#linger ?? new Linger(this.reactor, this.#lingerMs);
    const ending = new Ending(this, this.#places, connection, this.#keepOpen, linger);
    this.#state = ending;
    if (cuts) return ending.close(true, this.#runner.isAbandoned);
    if (home !== undefined) this.#places.complete(home);
    ending.send(this.#runner.isAbandoned);
  }

  allSent(failure?: { error: unknown }): void {
    const outcome = this.#outcome!;
    const isWell = !("error" in outcome) || outcome.error instanceof EndOfStream;
    if (isWell && failure !== undefined) this.#outcome = failure;
    this.#settle();
  }

  connectionClosed(): void {
    this.reactor.removeShutdownHook(this);
  }

  /** Tells the result, when all output has been sent and all that belonged to it has ended. */
  #settle(): void {
    const isOver = this.#state instanceof Ending && this.#state.hasSent &&
      (this.#own?.isIdle ?? true);
    if (!isOver) return;
    const outcome = this.#outcome!;
    nesting.do(() => {
      this.scope?.disown(this);
      this.#asked().settle(outcome);
    });
    if (!("error" in outcome)) return;
    const { error } = outcome;
    if (isFault(error, this.#places.home?.channel, this.#runner.cancellation)) {
      this.#asked().whenUnasked(() => this.#tell(error));
    }
  }

  /** Throws an error that nobody has asked for into the parent, or reports it to the reactor. */
  #tell(error: unknown): void {
    const parent = this.#parent;
    const canTell = parent !== undefined && parent.own === this.#parentScope && !parent.done &&
      parent.#runner.cancellation === undefined;
    if (!canTell) this.report(error);
    else if (parent.#state === "running") parent.#runner.late ??= { error };
    else parent.throw(error);
  }

  /** Reports an error that nobody waits for to the reactor. */
  report(error: unknown): void {
    report(this.reactor, error, this.#places.home?.context);
  }
}
