/**
 * A request to whoever drives the coroutine, as against data: wait, sleep, suspend.
 */
export abstract class Command<R = void> implements Iterator<Command<R>, R> {
  /** What `yield*` gives; the driver sets it before it resumes the coroutine. */
  result!: R;
  #asked = false;

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Command<R>, R> {
    if (this.#asked) return { done: true, value: this.result };
    this.#asked = true;
    return { done: false, value: this };
  }
}
