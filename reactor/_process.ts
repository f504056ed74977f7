import { type Beginnable, isRequest, type ReactorWaiter } from "./_request.ts";

type Coroutine = Generator<unknown, unknown, unknown>;

/** The part of a reactor that runs a coroutine. */
type Runner = ReactorWaiter["reactor"] & {
  suspend(): void;
  isSuspended(coroutine: Coroutine): boolean;
  resumeProcess(coroutine: Coroutine): void;
  removeProcess(coroutine: Coroutine): void;
};

/**
 * Runs a coroutine as a process. Each step resumes it. While it waits for the answer to a request,
 * it is suspended. If the request fails, the error is thrown into it.
 */
export class CoroutineProcess {
  readonly #reactor: Runner;
  readonly #coroutine: Coroutine;
  #answer: { value: unknown } | { error: unknown } | undefined;

  constructor(reactor: Runner, coroutine: Coroutine) {
    this.#reactor = reactor;
    this.#coroutine = coroutine;
  }

  /**
   * Resumes the coroutine, or closes it if the reactor is not alive any more.
   *
   * @returns What undoes the request that it is suspended for, if it is suspended.
   */
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
    // The coroutine has shut the reactor down.
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
