import { type Libc, O_CLOEXEC } from "./_libc.ts";
import { workerEnds } from "../_worker_end.ts";

/**
 * Events of epoll: something to read or the end, and room to write. A broken connection and one
 * that is shut down in both directions are always reported.
 */
export const EPOLLIN = 1, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 16;
/** Watches for no event. */
const NOTHING = 1 << 30;

const CTL_ADD = 1, CTL_DEL = 2, CTL_MOD = 3;

/**
 * `struct epoll_event` is packed on x86-64: 32 bits of events, then 64 bits of data. The first 32
 * bits of the data hold the descriptor.
 */
const [WORDS, FD] = Deno.build.arch === "x86_64" ? [3, 1] : [4, 2];
/**
 * How many events are read at a time. The rest of the program has its turn before epoll is asked
 * for more.
 */
const MAX_EVENTS = 16;

/**
 * How many instances have a thread of their own. The pool has 32 threads, and Deno needs them for
 * files and names as well.
 */
const MAX_THREADS = 4;
let threads = 0;
/** The instance whose thread waits for all instances that have none. */
let common: Epoll | undefined;

/**
 * How long a thread waits at a time. Nobody can call back the thread of a worker that was
 * terminated, so it must end by itself.
 */
const MAX_PARKED_MS = 10_000;
/** How long an ending worker waits for its thread. */
const MAX_RECALL_MS = 100;

/** Gets the events of a descriptor. */
export interface Watcher {
  /** Called with the events that are true now (EPOLLIN, …), again and again as long as they are. */
  onEvents(events: number): void;
}

/** The error of what waits for a descriptor that the kernel does not watch. */
export function unwatchedError(waiting: { describe(): string }): Error {
  return new Error(
    `Cannot wait for ${waiting.describe()}: the system refuses to watch it (see epoll(7))`,
  );
}

/**
 * An epoll instance, level-triggered.
 *
 * {@linkcode Epoll.collect} reads events and waits for less than a millisecond.
 * {@linkcode Epoll.park} waits for as long as it takes, in a thread. The thread brings no events.
 * It only tells that it is time to collect, so it may stay in its wait while events are collected,
 * and there is never more than one thread. If there are many instances, some have no thread:
 * another instance watches them.
 */
export class Epoll implements Watcher {
  #libc: Libc;
  #fd: number;
  /** An eventfd that is always readable. It is watched only to call the thread back. */
  #recall: number;
  #parked: Promise<void> | undefined;
  /** The instance that watches this one, if this one has no thread. */
  #parent: Epoll | undefined;
  #expected = 0;
  #callback: (() => void) | undefined;
  /** How many instances this one watches. */
  #children = 0;
  #closed = false;
  /** Whether the thread is called back because nobody waits. */
  #isResting = false;
  #watchers: (Watcher | undefined)[] = [];
  #events = new Int32Array(WORDS * MAX_EVENTS);
  #event = new Int32Array(WORDS);
  #parkedEvent = new Int32Array(WORDS);
  /** A `struct timespec`, written by the lower halves of its numbers. */
  #limit = new Int32Array(4);

  /** Returns the instance that waits for those without a thread. */
  static #commonFor(libc: Libc): Epoll {
    if (common === undefined || common.#libc !== libc) common = new Epoll(libc, true);
    return common;
  }

  /** Makes an instance. It has a thread if few others have one. */
  constructor(libc: Libc, hasThread: boolean = threads < MAX_THREADS) {
    this.#libc = libc;
    if (hasThread) threads++;
    else this.#parent = Epoll.#commonFor(libc);
    this.#fd = libc.epoll_create1(O_CLOEXEC);
    this.#recall = libc.eventfd(1, O_CLOEXEC);
    if (this.#parent !== undefined) this.#join(this.#parent);
    if (this.#fd >= 0 && this.#recall >= 0) return;
    this.close();
    throw new Error("Cannot make a selector: there are too many open files");
  }

  /** Changes what is watched of a descriptor; 0 is nothing. Returns whether the kernel accepted. */
  watch(fd: number, watcher: Watcher, before: number, after: number): boolean {
    const watchers = this.#watchers;
    while (watchers.length <= fd) watchers.push(undefined);
    // The descriptor was closed behind our back, and another connection has its number.
    if (after === 0 && watchers[fd] !== watcher) return true;
    watchers[fd] = after === 0 ? undefined : watcher;
    return this.#control(before === 0 ? CTL_ADD : after === 0 ? CTL_DEL : CTL_MOD, fd, after);
  }

  /**
   * Passes all events to their watchers. If there are none, it waits for up to `ms` milliseconds,
   * which must be less than 1.
   */
  collect(ms = 0): void {
    const events = this.#events;
    let count: number;
    if (ms > 0 && this.#libc.epoll_pwait2 !== null) {
      this.#limit[2] = ms * 1e6;
      count = this.#libc.epoll_pwait2(this.#fd, events, MAX_EVENTS, this.#limit, null);
    } else count = this.#libc.epoll_wait(this.#fd, events, MAX_EVENTS, 0);
    for (let i = 0; i < count; i++) {
      this.#watchers[events[i * WORDS + FD]!]?.onEvents(events[i * WORDS]!);
    }
  }

  /**
   * Calls back when it is time to collect. Does nothing if a thread waits already.
   *
   * @returns Whether the thread may not have begun to wait yet.
   */
  park(callback: () => void): boolean {
    if (this.#closed) return false;
    if (this.#parent !== undefined) {
      this.#callback = callback;
      if (this.#expected === EPOLLIN) return false;
      this.#expect(EPOLLIN);
      this.#parent.#parkForOthers();
    } else {
      if (this.#parked !== undefined) return false;
      this.#parked = this.#libc.epoll_park(this.#fd, this.#parkedEvent, 1, MAX_PARKED_MS).then(
        () => {
          this.#parked = undefined;
          if (this.#isResting) this.#control(CTL_DEL, this.#recall, 0);
          this.#isResting = false;
          if (this.#closed) this.#release();
          else callback();
        },
      );
    }
    return true;
  }

  /** Calls the thread back, if there is one: nobody waits. */
  rest(): void {
    if (this.#parked === undefined || this.#closed) return;
    this.#isResting = true;
    this.#control(CTL_ADD, this.#recall, EPOLLIN);
  }

  /** Called by the parent if there is something for this instance. */
  onEvents(): void {
    this.#expect(NOTHING);
    this.#callback?.();
  }

  /** Calls the thread back, if there is one. The descriptors are closed when it has come back. */
  close(): void | Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const parent = this.#parent;
    if (parent !== undefined) {
      this.#expect(0);
      this.#release();
      return --parent.#children > 0 ? undefined : parent.close();
    }
    if (common === this) common = undefined;
    if (this.#parked === undefined) return this.#release();
    this.#control(CTL_ADD, this.#recall, EPOLLIN);
    if (!workerEnds()) return this.#parked;
    this.#awaitThread();
    this.#release();
  }

  /** Blocks until the thread has its event. */
  #awaitThread(): void {
    for (let ms = 0; ms < MAX_RECALL_MS && this.#parkedEvent[FD] !== this.#recall; ms++) {
      this.#libc.poll(null, 0, 1);
    }
  }

  /** Joins while this instance is empty: the kernel inspects everything that it watches. */
  #join(parent: Epoll): void {
    parent.#children++;
    this.#expect(NOTHING);
  }

  /** Changes what the parent watches of this instance. */
  #expect(events: number): void {
    if (events === this.#expected) return;
    this.#parent!.watch(this.#fd, this, this.#expected, events);
    this.#expected = events;
  }

  #parkForOthers(): void {
    this.park(() => {
      this.collect();
      this.#parkForOthers();
    });
  }

  #control(operation: number, fd: number, events: number): boolean {
    this.#event[0] = events;
    this.#event[FD] = fd;
    return this.#libc.epoll_ctl(this.#fd, operation, fd, this.#event) === 0;
  }

  #release(): void {
    if (this.#parent === undefined) threads--;
    this.#libc.close(this.#recall);
    this.#libc.close(this.#fd);
  }
}
