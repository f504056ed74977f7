import { type Beginnable, isRequest, type ReactorWaiter } from "./_request.ts";

type Coroutine = Generator<unknown, unknown, unknown>;

/** What runs it: a reactor. */
type Runner = ReactorWaiter["reactor"] & {
  suspend(): void;
  isSuspended(coroutine: Coroutine): boolean;
  resumeProcess(coroutine: Coroutine): void;
  removeProcess(coroutine: Coroutine): void;
};

/**
 * A coroutine as a process: each step resumes it, but while it waits for the answer to a request it is suspended. An
 * error of the request is thrown into it.
 */
export class CoroutineProcess {
  readonly #reactor: Runner;
  readonly #coroutine: Coroutine;
  #answer: { value: unknown } | { error: unknown } | undefined;

  constructor(reactor: Runner, coroutine: Coroutine) {
    this.#reactor = reactor;
    this.#coroutine = coroutine;
  }

  /** Resumes it; gives what undoes the request that it is suspended for, if it is. When nothing is alive, it is closed. */
  step(isAlive: () => boolean): (() => void) | undefined {
    const answer = this.#answer;
    this.#answer = undefined;
    const coroutine = this.#coroutine;
    const { done, value } = answer === undefined
      ? coroutine.next()
      : "error" in answer
      ? coroutine.throw(answer.error)
      : coroutine.next(answer.value);
    const reactor = this.#reactor;
    if (done) reactor.removeProcess(coroutine);
    // It has shut the reactor down itself.
    else if (!isAlive()) coroutine.return(undefined);
    else if (isRequest(value)) return this.#begin(value);
  }

  #begin(request: Beginnable): (() => void) | undefined {
    const reactor = this.#reactor;
    const coroutine = this.#coroutine;
    let waits = true;
    const settle = (answer: { value: unknown } | { error: unknown }) => {
      if (!waits) return;
      waits = false;
      // It may have been removed meanwhile.
      if (!reactor.isSuspended(coroutine)) return;
      this.#answer = answer;
      reactor.resumeProcess(coroutine);
    };
    reactor.suspend();
    try {
      const undo = request.begin({
        reactor,
        resume: (value) => settle({ value }),
        fail: (error) => settle({ error }),
      });
      const end = () => {
        if (waits) undo?.();
        waits = false;
      };
      if (reactor.isSuspended(coroutine)) return end;
      end();
    } catch (error) {
      settle({ error });
    }
  }
}
