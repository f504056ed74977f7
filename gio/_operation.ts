import { Request, type Waiter } from "../compose/mod.ts";
import { ignore } from "../reactor/_ignore.ts";
import { isInCoroutine } from "./_driver.ts";
import type { Getter, Item, Putter, Store } from "./_store.ts";

type Outcome<R> = { value: R } | { error: unknown };

/** What an operation has in addition when it is not only yielded. Most are, and so are small. */
interface Outside<R> {
  /** Its outcome, for a coroutine that waits later for what was begun outside. */
  outcome: Outcome<R> | undefined;
  promise: Promise<R> | undefined;
  /** Whether somebody waits for the promise. */
  isAsked: boolean;
}

/** Those that give something away, and were made while a coroutine ran, in order. */
let given: Operation<unknown>[] = [];
const beginGiven = () => Operation.beginGiven();

/**
 * One `put()` or `get()`. A coroutine does it by `yield*`. Outside of coroutines it is a promise,
 * and is done at once, as one expects of a promise. Plain code that a coroutine has called cannot be
 * told from the coroutine at first: there, what gives something away is done a moment later.
 */
export abstract class Operation<R> extends Request<R> implements Promise<R> {
  #state: "fresh" | "claimed" | "waiting" | "over" = "fresh";
  #waiter: Waiter<R> | undefined = undefined;
  #outside: Outside<R> | undefined = undefined;

  /** Begins it, unless a coroutine is running, which will do so. */
  beginAlone(): this {
    if (!isInCoroutine()) this.#beginOutside();
    return this;
  }

  /** As {@linkcode Operation.beginAlone}, for what must not be lost if it is plain code that has made it. */
  giveAlone(): this {
    if (!isInCoroutine()) this.#beginOutside();
    // Mostly the coroutine has begun the one before already.
    else if (given.at(-1)?.isBegun) given[given.length - 1] = this;
    else if (given.push(this) === 1) queueMicrotask(beginGiven);
    return this;
  }

  /** Begins what was given, and what nobody has begun, before something else is done. */
  static beginGiven(next?: Operation<unknown>): void {
    const all = given;
    given = [];
    for (const operation of all) {
      if (operation !== next && operation.#state === "fresh") operation.#beginOutside();
    }
  }

  get isBegun(): boolean {
    return this.#state !== "fresh" && this.#state !== "claimed";
  }

  /** A coroutine has yielded it, and will begin it. */
  claim(): void {
    if (this.#state === "fresh") this.#state = "claimed";
  }

  #beginOutside(): void {
    const outside = this.#outside = { outcome: undefined, promise: undefined, isAsked: false };
    this.#start();
    // No promise is made for what has been done already.
    if (this.#state === "waiting" || hasFailed(outside)) this.#asPromise();
  }

  override begin(waiter: Waiter<R>): () => void {
    const first = given[0];
    if (given.length > 1 || first !== this && first?.isBegun === false) Operation.beginGiven(this);
    const outside = this.#outside;
    if (outside?.isAsked) {
      // What it gives belongs to whoever waits for the promise, also if this coroutine does not wait any more.
      outside.promise!.then((value) => waiter.resume(value), (error) => waiter.fail(error));
      return () => {};
    } else if (outside !== undefined) {
      // It was begun outside, and the coroutine waits for it instead.
      this.#outside = undefined;
      outside.promise?.catch(ignore);
      this.#waiter = waiter;
      if (outside.outcome !== undefined) this.#settle(outside.outcome);
    } else if (!this.isBegun) {
      this.#waiter = waiter;
      this.#start();
    } else {
      throw new TypeError(`Cannot wait twice for one ${this.name}: call ${this.name} again`);
    }
    return () => {
      const state = this.#state;
      this.#state = "over";
      this.#waiter = undefined;
      this.undo(state === "waiting");
    };
  }

  then<A = R, B = never>(
    resolve?: ((value: R) => A | PromiseLike<A>) | null,
    reject?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const promise = this.#asPromise();
    this.#outside!.isAsked = true;
    return promise.then(resolve, reject);
  }

  catch<B = never>(reject?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<R | B> {
    return this.then(undefined, reject);
  }

  finally(act?: (() => void) | null): Promise<R> {
    return this.then().finally(act);
  }

  get [Symbol.toStringTag](): string {
    return this.name;
  }

  override toString(): string {
    return this.name;
  }

  fail(error: unknown): void {
    this.#settle({ error });
  }

  protected succeed(value: R): void {
    if (this.#outside !== undefined) return this.#settle({ value });
    // It may have been undone by whoever was told just before.
    const waiter = this.#waiter;
    this.#state = "over";
    this.#waiter = undefined;
    waiter?.resume(value);
  }

  /** What it is, for messages. */
  protected abstract get name(): string;
  /** Succeeds, or begins to wait. */
  protected abstract try(): void;
  /** It is not waited for any more. */
  protected abstract undo(isWaiting: boolean): void;

  /** Whether it can fail by this without anybody's fault, so that nobody has to handle the rejection. */
  protected isExpected(_error: unknown): boolean {
    return false;
  }

  #start(): void {
    // What it does may make others begin what was given, which must not begin it twice.
    this.#state = "waiting";
    try {
      this.try();
    } catch (error) {
      this.fail(error);
    }
  }

  #settle(outcome: Outcome<R>): void {
    const waiter = this.#waiter;
    this.#state = "over";
    this.#waiter = undefined;
    const outside = this.#outside;
    if (outside !== undefined) outside.outcome = outcome;
    if ("error" in outcome && this.isExpected(outcome.error)) outside?.promise?.catch(ignore);
    if (waiter === undefined) return;
    if ("error" in outcome) waiter.fail(outcome.error);
    else waiter.resume(outcome.value);
  }

  #asPromise(): Promise<R> {
    const outside = this.#outside ??= { outcome: undefined, promise: undefined, isAsked: false };
    if (outside.promise !== undefined) return outside.promise;
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    outside.promise = promise;
    this.#waiter = { resume: resolve, fail: reject };
    if (!this.isBegun) this.#start();
    else if (outside.outcome !== undefined) this.#settle(outside.outcome);
    return promise;
  }
}

function hasFailed({ outcome }: Outside<unknown>): boolean {
  return outcome !== undefined && "error" in outcome;
}

export class Get<T> extends Operation<T> implements Getter<T> {
  before: Getter<T> | undefined = undefined;
  after: Getter<T> | undefined = undefined;
  readonly #store: Store<T>;
  #item: Item<T> | undefined = undefined;

  constructor(store: Store<T>) {
    super();
    this.#store = store;
  }

  got(item: Item<T>): void {
    this.#item = item;
    this.succeed(item.value);
  }

  protected override get name(): string {
    return "get()";
  }

  protected override try(): void {
    const item = this.#store.take();
    if (item === undefined) this.#store.getters.push(this);
    else this.got(item);
  }

  protected override undo(isWaiting: boolean): void {
    const item = this.#item;
    this.#item = undefined;
    if (isWaiting) this.#store.getters.remove(this);
    else if (item !== undefined) this.#store.giveBack(item);
  }
}

export class Put<T> extends Operation<void> implements Putter<T> {
  before: Putter<T> | undefined = undefined;
  after: Putter<T> | undefined = undefined;
  readonly value: T;
  readonly #store: Store<T>;

  constructor(store: Store<T>, value: T) {
    super();
    this.#store = store;
    this.value = value;
  }

  accepted(): void {
    this.succeed(undefined);
  }

  protected override get name(): string {
    return "put()";
  }

  protected override try(): void {
    if (this.#store.offer(this.value)) this.accepted();
    else this.#store.putters.push(this);
  }

  protected override undo(isWaiting: boolean): void {
    if (isWaiting) this.#store.putters.remove(this);
  }
}
