import { allBindings } from "../compose/compose.ts";
import { type Coroutine, isCoroutine, isRequest, Request, type Waiter } from "../compose/mod.ts";
import { notACoroutine } from "../compose/_not_a_coroutine.ts";
import type { Claimable } from "../reactor/transfer/_maker.ts";
import { TransferRequest } from "../reactor/transfer/transfer.ts";
import { CannotWait } from "./_cannot_wait.ts";
import { currentDriver, type Driver } from "./_driver.ts";

/**
 * Something that can be run beside others: a coroutine or a request.
 *
 * @category Tasks
 */
export type Branch<R = unknown> = Coroutine<R> | {
  // deno-lint-ignore no-explicit-any
  begin(waiter: any): unknown;
  // deno-lint-ignore no-explicit-any
  [Symbol.iterator](): Iterator<unknown, R, any>;
};

/**
 * What a branch returns or answers.
 *
 * @category Tasks
 */
export type BranchResult<B> = B extends // deno-lint-ignore no-explicit-any
{ [Symbol.iterator](): Iterator<unknown, infer R, any> } ? R
  : never;

/** Makes the answer of the results of all branches. Without it, the first branch to end answers. */
type Settle<R> = ((results: unknown[]) => R) | undefined;

/** How it ends: by an answer, to which some branches have contributed, or by an error. */
type Decision<R> = { value: R; of: readonly Driver[] } | { error: unknown };

class Together<R> extends Request<R> {
  /** Whether a coroutine that is cancelled waits for it all the same. */
  isShielded = false;
  /** Whether what was written before must be sent first. */
  flushes = false;
  readonly what: string;
  readonly branches: readonly Branch[];
  readonly settle: Settle<R>;
  readonly locals: ReadonlyMap<object, unknown> = allBindings();

  constructor(what: string, branches: readonly Branch[], settle: Settle<R>) {
    super();
    for (const branch of branches) {
      if (branch instanceof TransferRequest) this.flushes = true;
      (branch as Partial<Claimable>).claim?.();
      if (isCoroutine(branch) || isRequest(branch)) continue;
      throw notACoroutine(
        "run",
        branch,
        "give coroutines, main() and not main or call(main()), or requests",
        ` in ${what}`,
      );
    }
    this.what = what;
    this.branches = branches;
    this.settle = settle;
  }

  override begin(waiter: Waiter<R>): () => void {
    const run = new Run(this, waiter);
    return () => run.end();
  }
}

/** The branches of a {@linkcode Together} while they run. */
class Run<R> {
  readonly #driver: Driver;
  readonly #request: Together<R>;
  readonly #waiter: Waiter<R>;
  /** The reason for which branches are cancelled. */
  readonly #over: DOMException;
  readonly #running = new Set<Driver>();
  readonly #ended: Driver[] = [];
  /** The branches that are requests, and no coroutines. */
  readonly #requests = new Set<Driver>();
  readonly #results: unknown[] = [];
  #decision: Decision<R> | undefined;
  #hasBegun = false;

  constructor(request: Together<R>, waiter: Waiter<R>) {
    this.#driver = currentDriver(request.what);
    this.#request = request;
    this.#waiter = waiter;
    this.#over = new DOMException(`${request.what} is over`, "AbortError");
    for (const [at, branch] of request.branches.entries()) {
      if (this.#decision === undefined) this.#begin(branch, at);
    }
    this.#hasBegun = true;
    this.#finish();
  }

  /** The coroutine does not wait any more: cancels the branches, and takes answers back. */
  end(): void {
    this.#decide({ error: this.#over });
    for (const task of this.#ended) this.#takeBack(task);
  }

  /** The answer to a branch that is a request is nobody's. */
  #takeBack(task: Driver): void {
    if (this.#requests.delete(task)) task.takeBack();
  }

  #begin(branch: Branch, at: number): void {
    try {
      const isRequest = !isCoroutine(branch);
      const coroutine = isRequest ? waitFor(branch) : branch;
      const task = this.#driver.spawn(coroutine, this.#request.locals, true);
      if (isRequest) this.#requests.add(task);
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
    if (this.#request.settle === undefined) this.#decide({ value: value as R, of: [task] });
    else this.#finish();
  }

  #failed(task: Driver, error: unknown): void {
    this.#running.delete(task);
    if (this.#decision === undefined) return this.#decide({ error });
    // An error that is not thrown here, of a cleanup say, is reported, but no error twice.
    const isTold = error === this.#over || error instanceof CannotWait ||
      isSame(error, this.#decision);
    if (!isTold) this.#driver.reactor.onError(error, `a task of ${this.#request.what}`);
    this.#finish();
  }

  #decide(decision: Decision<R>): void {
    if (this.#decision !== undefined) return;
    this.#decision = decision;
    for (const task of this.#running) task.cancel(this.#over);
    this.#finish();
  }

  /**
   * Answers, if all branches have ended. What those that contributed have left open belongs to the
   * coroutine then; the rest is closed.
   */
  #finish(): void {
    if (!this.#hasBegun || this.#running.size > 0) return;
    const decision = this.#decision ??
      { value: this.#request.settle!(this.#results), of: this.#ended };
    for (const task of this.#ended) {
      if ("of" in decision && decision.of.includes(task)) task.left?.give(this.#driver.own);
      else {
        task.left?.end(true, () => {});
        this.#takeBack(task);
      }
    }
    if ("error" in decision) this.#waiter.fail(decision.error);
    else this.#waiter.resume(decision.value);
  }
}

function* waitFor(request: Exclude<Branch, Coroutine>): Coroutine {
  return yield* request;
}

/** Whether an error has the reason of the decision, as when one signal ends several branches. */
function isSame(error: unknown, decision: Decision<unknown>): boolean {
  return "error" in decision && reasonOf(error) === reasonOf(decision.error);
}

function reasonOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error;
}

/**
 * Runs branches beside each other.
 *
 * @param what Who asks, for messages.
 * @param branches What to run.
 * @param settle Makes the answer when all branches have ended. Without it, the first to end
 * answers.
 */
export function together<R>(
  what: string,
  branches: readonly Branch[],
  settle: Settle<R>,
): Together<R> {
  return new Together(what, branches, settle);
}
