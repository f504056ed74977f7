/**
 * Timers in the order in which they are due: a binary heap on (time, order of addition).
 *
 * A removed timer is only marked. It is dropped when it comes to the top, or when more than half of
 * the heap is marked. So it takes constant time to remove a timer, and to add one that is later
 * than most. A timeout that is renewed at every request does both.
 */
export class HeapTimer {
  at: number;
  order: number;
  /** Is `undefined` when it has been called or removed. */
  callback: (() => void) | undefined;
  readonly heap: TimerHeap;

  constructor(at: number, order: number, callback: () => void, heap: TimerHeap) {
    this.at = at;
    this.order = order;
    this.callback = callback;
    this.heap = heap;
  }

  get active(): boolean {
    return this.callback !== undefined;
  }
}

const SMALL = 64;

export class TimerHeap {
  #heap: HeapTimer[] = [];
  #order = 0;
  #removed = 0;

  /** The number of live timers. */
  get size(): number {
    return this.#heap.length - this.#removed;
  }

  /** The number of timers in the heap, including removed ones. */
  get capacity(): number {
    return this.#heap.length;
  }

  /** The order number of the next timer. */
  get nextOrder(): number {
    return this.#order;
  }

  add(at: number, callback: () => void): HeapTimer {
    const timer = new HeapTimer(at, this.#order++, callback, this);
    this.#heap.push(timer);
    this.#up(this.#heap.length - 1);
    return timer;
  }

  remove(timer: HeapTimer): void {
    if (timer.callback === undefined) return;
    if (timer.heap !== this) {
      throw new TypeError("Cannot remove a timer of another reactor: remove it from its own");
    }
    timer.callback = undefined;
    if (++this.#removed > SMALL && this.#removed * 2 > this.#heap.length) this.#compact();
  }

  /** The live timer that is due first. */
  first(): HeapTimer | undefined {
    const heap = this.#heap;
    while (heap.length > 0) {
      const top = heap[0]!;
      if (top.callback !== undefined) return top;
      this.#removed--;
      this.#dropTop();
    }
    return undefined;
  }

  /** Removes the timer that {@linkcode first} just returned. Returns its callback. */
  takeFirst(): () => void {
    const timer = this.#heap[0]!;
    const callback = timer.callback!;
    timer.callback = undefined;
    this.#dropTop();
    return callback;
  }

  /** The live timers, in no particular order. */
  live(): HeapTimer[] {
    return this.#heap.filter((timer) => timer.callback !== undefined);
  }

  clear(): void {
    for (const timer of this.#heap) timer.callback = undefined;
    this.#heap = [];
    this.#removed = 0;
  }

  #dropTop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#down(0);
    }
  }

  #compact(): void {
    this.#heap = this.live();
    this.#removed = 0;
    for (let i = (this.#heap.length >> 1) - 1; i >= 0; i--) this.#down(i);
  }

  #up(index: number): void {
    const heap = this.#heap;
    const timer = heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(timer, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = timer;
  }

  #down(index: number): void {
    const heap = this.#heap;
    const timer = heap[index]!;
    const half = heap.length >> 1;
    while (index < half) {
      let child = 2 * index + 1;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, timer)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = timer;
  }
}

function before(a: HeapTimer, b: HeapTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
