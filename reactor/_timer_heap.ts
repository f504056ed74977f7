/**
 * Timers in the order in which they are due: a binary heap on (time, order of addition).
 *
 * A timer knows its index, so it is taken out at once when it is removed. One that is later than most is
 * near the end, where it takes constant time to add it and to remove it. A timeout that is renewed at
 * every request does both.
 */
export class HeapTimer {
  at: number;
  order: number;
  /** Is `undefined` when it has been called or removed. */
  callback: (() => void) | undefined;
  /** Where it is in the heap, as long as it has its callback. */
  index: number;

  constructor(at: number, order: number, callback: () => void, index: number) {
    this.at = at;
    this.order = order;
    this.callback = callback;
    this.index = index;
  }

  get active(): boolean {
    return this.callback !== undefined;
  }
}

export class TimerHeap {
  #heap: HeapTimer[] = [];
  #order = 0;

  /** The number of timers. */
  get size(): number {
    return this.#heap.length;
  }

  /** The order number of the next timer. */
  get nextOrder(): number {
    return this.#order;
  }

  add(at: number, callback: () => void): HeapTimer {
    const index = this.#heap.length;
    const timer = new HeapTimer(at, this.#order++, callback, index);
    this.#heap.push(timer);
    this.#up(timer, index);
    return timer;
  }

  remove(timer: HeapTimer): void {
    if (timer.callback === undefined) return;
    if (this.#heap[timer.index] !== timer) {
      throw new TypeError("Cannot remove a timer of another reactor: remove it from its own");
    }
    this.#take(timer);
  }

  /** The timer that is due first. */
  first(): HeapTimer | undefined {
    return this.#heap[0];
  }

  /** Removes the timer that {@linkcode first} just returned. Returns its callback. */
  takeFirst(): () => void {
    const timer = this.#heap[0]!;
    const callback = timer.callback!;
    this.#take(timer);
    return callback;
  }

  /** The timers, in no particular order. */
  live(): HeapTimer[] {
    return [...this.#heap];
  }

  clear(): void {
    for (const timer of this.#heap) timer.callback = undefined;
    this.#heap = [];
  }

  /** Takes a timer out, and puts the last one in its place. */
  #take(timer: HeapTimer): void {
    timer.callback = undefined;
    const last = this.#heap.pop()!;
    if (last === timer) return;
    this.#up(last, timer.index);
    if (last.index === timer.index) this.#down(last, timer.index);
  }

  /** Puts a timer at an index, or above it where it belongs. */
  #up(timer: HeapTimer, index: number): void {
    const heap = this.#heap;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1]!;
      if (!before(timer, parent)) break;
      const { index: above } = parent;
      set(heap, index, parent);
      index = above;
    }
    set(heap, index, timer);
  }

  /** The same, below it. */
  #down(timer: HeapTimer, index: number): void {
    const heap = this.#heap;
    const half = heap.length >> 1;
    while (index < half) {
      let child = 2 * index + 1;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, timer)) break;
      set(heap, index, heap[child]!);
      index = child;
    }
    set(heap, index, timer);
  }
}

function set(heap: HeapTimer[], index: number, timer: HeapTimer): void {
  heap[index] = timer;
  timer.index = index;
}

function before(a: HeapTimer, b: HeapTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
