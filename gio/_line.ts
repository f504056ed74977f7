/** What stands in a {@linkcode Line}. It stands in one line at a time. */
export interface InLine<T> {
  before: T | undefined;
  after: T | undefined;
}

/** A line that is joined and left at any place in the same short time. */
export class Line<T extends InLine<T>> {
  /** Who is next. */
  first: T | undefined = undefined;
  #last: T | undefined = undefined;
  length = 0;

  /** Adds one at the end. */
  push(one: T): void {
    one.before = this.#last;
    if (this.#last === undefined) this.first = one;
    else this.#last.after = one;
    this.#last = one;
    this.length++;
  }

  /** Adds one before another one that stands in it, or at the end. */
  insert(one: T, after: T | undefined): void {
    if (after === undefined) return this.push(one);
    const { before } = after;
    one.before = before;
    one.after = after;
    after.before = one;
    if (before === undefined) this.first = one;
    else before.after = one;
    this.length++;
  }

  /** Takes the first out. */
  shift(): T | undefined {
    const { first } = this;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Takes one out that stands in it. */
  remove(one: T): void {
    const { before, after } = one;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    one.before = one.after = undefined;
    this.length--;
  }
}
