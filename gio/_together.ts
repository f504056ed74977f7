import {
  type Coroutine,
  isCoroutine,
  isRequest,
  Local,
  Request,
  type Waiter,
} from "../compose/mod.ts";
import { shown } from "../reactor/_describe.ts";
import { CannotWait } from "./_cannot_wait.ts";
import { currentDriver, type Driver } from "./_driver.ts";

/** What can be run beside others: a coroutine, or a request. */
export type Branch<R = unknown> = Coroutine<R> | {
  // deno-lint-ignore no-explicit-any
  begin(waiter: any): unknown;
  // deno-lint-ignore no-explicit-any
  [Symbol.iterator](): Iterator<unknown, R, any>;
};

/** What a branch gives. */
export type BranchResult<B> = B extends // deno-lint-ignore no-explicit-any
{ [Symbol.iterator](): Iterator<unknown, infer R, any> } ? R
  : never;

/** How the whole ends: by the results of all, or by what the first to end has given. */
type Settle<R> = ((results: unknown[]) => R) | undefined;

class Together<R> extends Request<R> {
  /** Whether it is waited for although the coroutine is cancelled. */
  isShielded = false;
  readonly #what: string;
  readonly #branches: readonly Branch[];
  readonly #settle: Settle<R>;
  readonly #locals = Local.capture();

  constructor(what: string, branches: readonly Branch[], settle: Settle<R>) {
    super();
    for (const branch of branches) {
      if (isCoroutine(branch) || isRequest(branch)) continue;
      throw new TypeError(
        `Cannot run ${shown(branch)} in ${what}: give coroutines, main() and not main, or requests`,
      );
    }
    this.#what = what;
    this.#branches = branches;
    this.#settle = settle;
  }

  override begin(waiter: Waiter<R>): () => void {
    return new Run(this.#what, this.#branches, this.#settle, this.#locals, waiter).end;
  }
}

/** The branches while they run. */
class Run<R> {
  readonly #driver: Driver;
  readonly #what: string;
  readonly #settle: Settle<R>;
  readonly #waiter: Waiter<R>;
  readonly #over: DOMException;
  readonly #running = new Set<Driver>();
  readonly #ended: Driver[] = [];
  readonly #results: unknown[] = [];
  #outcome: { value: R; of: readonly Driver[] } | { error: unknown } | undefined;
  #begun = false;

  constructor(
    what: string,
    branches: readonly Branch[],
    settle: Settle<R>,
    locals: ReadonlyMap<object, unknown>,
    waiter: Waiter<R>,
  ) {
    this.#driver = currentDriver(what);
    this.#what = what;
    this.#settle = settle;
    this.#waiter = waiter;
    this.#over = new DOMException(`${what} is over`, "AbortError");
    for (const [at, branch] of branches.entries()) {
      if (this.#outcome === undefined) this.#begin(branch, at, locals);
    }
    this.#begun = true;
    this.#finish();
  }

  /** Nobody waits any more. */
  readonly end = (): void => this.#decide({ error: this.#over });

  #begin(branch: Branch, at: number, locals: ReadonlyMap<object, unknown>): void {
    try {
      const task = this.#driver.spawn(isCoroutine(branch) ? branch : waitFor(branch), locals, true);
      this.#running.add(task);
      task.begin({
        resume: (value) => this.#resumed(task, at, value),
        fail: (error) => this.#failed(task, error),
      });
    } catch (error) {
      this.#decide({ error });
    }
  }

  #resumed(task: Driver, at: number, value: unknown): void {
    this.#running.delete(task);
    this.#ended.push(task);
    this.#results[at] = value;
    if (this.#settle === undefined) this.#decide({ value: value as R, of: [task] });
    else this.#finish();
  }

  #failed(task: Driver, error: unknown): void {
    this.#running.delete(task);
    if (this.#outcome === undefined) return this.#decide({ error });
    // What is not thrown here, the error of a cleanup say, goes to the reactor; but not the same again.
    const isTold = error === this.#over || error instanceof CannotWait;
    if (!isTold && !isSame(error, this.#outcome)) {
      this.#driver.reactor.onError(error, `a task of ${this.#what}`);
    }
    this.#finish();
  }

  #decide(outcome: { value: R; of: readonly Driver[] } | { error: unknown }): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    for (const task of this.#running) task.cancel(this.#over);
    this.#finish();
  }

  /** Tells how it ended, when all have, and what becomes of that which they have left open. */
  #finish(): void {
    if (!this.#begun || this.#running.size > 0) return;
    const outcome = this.#outcome ??
      { value: this.#settle!(this.#results), of: this.#ended };
    for (const task of this.#ended) {
      if ("of" in outcome && outcome.of.includes(task)) task.left?.give(this.#driver.own);
      else task.left?.end(true, () => {});
    }
    if ("error" in outcome) this.#waiter.fail(outcome.error);
    else this.#waiter.resume(outcome.value);
  }
}

function* waitFor(request: Exclude<Branch, Coroutine>): Coroutine {
  return yield* request;
}

/** Whether two errors have one reason, as when one signal ends several. */
function isSame(error: unknown, outcome: { value: unknown } | { error: unknown }): boolean {
  if (!("error" in outcome)) return false;
  return reasonOf(error) === reasonOf(outcome.error);
}

function reasonOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

/** Runs branches beside each other, until all have ended, or one if there is no `settle`. */
export function together<R>(
  what: string,
  branches: readonly Branch[],
  settle: Settle<R>,
): Together<R> {
  return new Together(what, branches, settle);
}
