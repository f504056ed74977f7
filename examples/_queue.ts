/** A bounded queue between coroutines. */
import type { Coroutine } from "@weightless/io/compose";
import { Suspend } from "@weightless/io/gio";

export class Queue<T> {
  readonly #capacity: number;
  readonly #values: T[] = [];
  #getters: Suspend<void>[] = [];
  #putters: Suspend<void>[] = [];

  constructor({ capacity }: { capacity: number }) {
    this.#capacity = capacity;
  }

  /** Puts a value if there is room; tells whether there was. */
  tryPut(value: T): boolean {
    if (this.#values.length >= this.#capacity) return false;
    this.#values.push(value);
    this.#getters.shift()?.resume();
    return true;
  }

  *put(value: T): Coroutine<void> {
    while (!this.tryPut(value)) yield* waitIn(this.#putters);
  }

  *get(): Coroutine<T> {
    while (this.#values.length === 0) yield* waitIn(this.#getters);
    this.#putters.shift()?.resume();
    return this.#values.shift()!;
  }
}

function waitIn(line: Suspend<void>[]): Suspend<void> {
  return new Suspend((suspend) => {
    line.push(suspend);
    return () => void line.splice(line.indexOf(suspend), 1);
  });
}
