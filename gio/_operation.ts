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

/**
 * One `put()` or `get()`. A coroutine does it by `yield*`. Outside of coroutines it is a promise,
 * and is done at once, as one expects of a promise.
 */
export abstract class Operation<R> extends Request<R> implements Promise<R> {
  #state: "fresh" | "waiting" | "over" = "fresh";
  #waiter: Waiter<R> | undefined = undefined;
  #outside: Outside<R> | undefined = undefined;

  /** Begins it, unless a coroutine is running, which will do so. */
  beginAlone(): this {
    if (isInCoroutine()) return this;
    const outside = this.#outside = { outcome: undefined, promise: undefined, isAsked: false };
    this.#start();
    // No promise is made for what has been done already.
    if (this.#state === "waiting" || hasFailed(outside)) this.#asPromise();
    return this;
  }

  override begin(waiter: Waiter<R>): () => void {
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
    } else if (this.#state === "fresh") {
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
  /** Returns false if it must wait. */
  protected abstract try(): boolean;
  /** It is not waited for any more. */
  protected abstract undo(isWaiting: boolean): void;

  /** Whether it can fail by this without anybody's fault, so that nobody has to handle the rejection. */
  protected isExpected(_error: unknown): boolean {
    return false;
  }

  #start(): void {
    try {
      if (!this.try()) this.#state = "waiting";
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
    if (this.#state === "fresh") this.#start();
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

  protected override try(): boolean {
    const item = this.#store.take();
    if (item === undefined) this.#store.getters.push(this);
    else this.got(item);
    return item !== undefined;
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

  protected override try(): boolean {
    const isAccepted = this.#store.offer(this.value);
    if (isAccepted) this.accepted();
    else this.#store.putters.push(this);
    return isAccepted;
  }

  protected override undo(isWaiting: boolean): void {
    if (isWaiting) this.#store.putters.remove(this);
  }
}
