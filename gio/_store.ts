import { EndOfStream } from "../compose/mod.ts";
import { type InLine, Line } from "./_line.ts";

/** One item of a queue. */
export class Item<T> implements InLine<Item<T>> {
  before: Item<T> | undefined = undefined;
  after: Item<T> | undefined = undefined;

  constructor(readonly value: T, readonly number: number) {}
}

/** Waits for an item. */
export interface Getter<T> extends InLine<Getter<T>> {
  got(item: Item<T>): void;
  fail(error: unknown): void;
}

/** Waits for room for its value. */
export interface Putter<T> extends InLine<Putter<T>> {
  readonly value: T;
  accepted(): void;
  fail(error: unknown): void;
}

/**
 * What is in a queue, and who waits for it:
 *
 *  1. A getter waits only while there are no items and no putters. A putter waits only while there
 *     is no room. So whoever comes later cannot overtake one that waits.
 *  2. Both lines, and the items, are first come, first served.
 *  3. A coroutine that is told runs at once, and may use the queue. So everything is in order before
 *     anybody is told.
 *  4. An item that a getter was told, and could not take because it was cancelled before its turn,
 *     is given back. It goes to the getter that waits longest, or back to its place.
 */
export class Store<T> {
  readonly capacity: number;
  readonly items: Line<Item<T>> = new Line();
  readonly getters: Line<Getter<T>> = new Line();
  readonly putters: Line<Putter<T>> = new Line();
  #count = 0;
  /** Is set when the queue is closed. */
  #end: { readonly error: unknown } | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  /** Takes the next item, if there is one. Throws if there will be none any more. */
  take(): Item<T> | undefined {
    const { items, putters } = this;
    const item = items.shift();
    if (item === undefined && this.#end !== undefined) throw this.#ending(this.#end);
    const putter = items.length < this.capacity || item === undefined ? putters.shift() : undefined;
    if (putter === undefined) return item;
    const next = this.#made(putter.value);
    if (item !== undefined) items.push(next);
    putter.accepted();
    return item ?? next;
  }

  /** Returns whether there was room. Throws if the queue is closed. */
  offer(value: T): boolean {
    if (this.#end !== undefined) throw closed("it is closed", this.#end);
    const getter = this.getters.shift();
    if (getter !== undefined) getter.got(this.#made(value));
    else if (this.items.length < this.capacity) this.items.push(this.#made(value));
    else return false;
    return true;
  }

  giveBack(item: Item<T>): void {
    const getter = this.getters.shift();
    if (getter !== undefined) return getter.got(item);
    let next = this.items.first;
    while (next !== undefined && next.number < item.number) next = next.after;
    this.items.insert(item, next);
  }

  close(error: unknown): void {
    if (this.#end !== undefined) return;
    const end = this.#end = { error };
    for (let putter; (putter = this.putters.shift()) !== undefined;) {
      putter.fail(closed("it was closed before there was room", end));
    }
    for (let getter; (getter = this.getters.shift()) !== undefined;) {
      getter.fail(this.#ending(end));
    }
  }

  #made(value: T): Item<T> {
    return new Item(value, this.#count++);
  }

  #ending({ error }: { readonly error: unknown }): unknown {
    return error === undefined ? new EndOfStream("The queue is closed, and empty") : error;
  }
}

function closed(why: string, { error }: { readonly error: unknown }): Error {
  return new Deno.errors.BadResource(
    `Cannot put into the queue: ${why}; call close() only after the last put() has returned`,
    error === undefined ? {} : { cause: error },
  );
}
