/** So many may run within each other; more could overflow the stack. */
const MAX_DEPTH = 100;

/**
 * Knows what runs within what: a coroutine that resumes, spawns or cancels another one runs it
 * within itself. What would be too deep is done just before the outermost one returns.
 *
 * @typeParam T What runs.
 */
export class Nesting<T> {
  /** The innermost one. */
  current: T | undefined = undefined;
  #depth = 0;
  readonly #postponed: (() => void)[] = [];

  get isTooDeep(): boolean {
    return this.#depth >= MAX_DEPTH;
  }

  /** Makes `inner` the current one; returns the one before, for {@linkcode Nesting.leave}. */
  enter(inner: T | undefined): T | undefined {
    const outer = this.current;
    this.current = inner;
    this.#depth++;
    return outer;
  }

  leave(outer: T | undefined): void {
    this.current = outer;
    if (--this.#depth === 0 && this.#postponed.length > 0) this.#doPostponed();
  }

  /** Does `act` just before the outermost one returns. */
  postpone(act: () => void): void {
    this.#postponed.push(act);
  }

  /** Does `act` now, or postpones it if that would be too deep. */
  do(act: () => void): void {
    if (this.isTooDeep) return this.postpone(act);
    const outer = this.enter(this.current);
    try {
      act();
    } finally {
      this.leave(outer);
    }
  }

  #doPostponed(): void {
    this.#depth++;
    try {
      for (let act; (act = this.#postponed.shift()) !== undefined;) act();
    } finally {
      this.#depth--;
    }
  }
}
