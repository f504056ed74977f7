import type { Coroutine } from "./coroutine.ts";

class Call<R> implements Iterator<Coroutine<R>, R> {
  value: unknown;
  done = false;
  #asked = false;
  constructor(coroutine: Coroutine<R>) {
    this.value = coroutine;
  }
  [Symbol.iterator](): this {
    return this;
  }
  next(value?: unknown): IteratorResult<Coroutine<R>, R> {
    if (this.#asked) {
      this.done = true;
      this.value = value;
    }
    this.#asked = true;
    return this as unknown as IteratorResult<Coroutine<R>, R>;
  }
}

export function call<R>(
  coroutine: Coroutine<R>,
): { [Symbol.iterator](): Iterator<Coroutine<R>, R> } {
  return new Call(coroutine);
}
