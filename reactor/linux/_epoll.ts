import { type Libc, O_CLOEXEC } from "./_libc.ts";
import { workerEnds } from "../_worker_end.ts";

/** Something to read, or the end; room to write; and always reported: broken; shut down in both directions. */
export const EPOLLIN = 1, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 16;
/** Watched, but not for anything. */
const NOTHING = 1 << 30;

const CTL_ADD = 1, CTL_DEL = 2, CTL_MOD = 3;

/** `struct epoll_event` is packed on x86-64: 32 bits of events, then 64 bits of ours, of which the first 32 are the descriptor. */
const [WORDS, FD] = Deno.build.arch === "x86_64" ? [3, 1] : [4, 2];
/** So few are told at a time that the rest of the program has its turn in between. Epoll goes on with the others. */
const MAX_EVENTS = 16;

/** So many instances have a thread each. There is a pool of 32, which Deno needs for files and names as well, … */
const MOST_THREADS = 4;
let threads = 0;
/** … so this one waits for all others. */
let common: Epoll | undefined;

/**
 * How long a thread waits at a time. Then that of a worker which was terminated, where nobody can
 * call it back, is free again.
 */
const MAX_PARKED_MS = 10_000;
/** How long a worker that ends waits for its thread. */
const MAX_RECALL_MS = 100;

/** What an {@linkcode Epoll} tells about a descriptor. */
export interface Watcher {
  /** Called with what is so now (EPOLLIN, …), again and again for as long as it is. */
  onEvents(events: number): void;
}

/**
 * An epoll instance, level-triggered.
 *
 * {@linkcode Epoll.collect} asks, and waits for a fraction of a millisecond at most; {@linkcode Epoll.park} waits for as
 * long as it takes, in a thread. The thread brings no events, it only says that it is time to collect: so it may
 * stay where it is while events are collected, and there is never more than one. When there are many instances, some
 * have no thread of their own: they are watched by one that has.
 */
export class Epoll implements Watcher {
  #libc: Libc;
  #fd: number;
  /** Is readable always, and is watched only to call the thread back. */
  #recall: number;
  #parked: Promise<void> | undefined;
  /** What watches this one, for what, and whom to call then. */
  #parent: Epoll | undefined;
  #expected = 0;
  #callback: (() => void) | undefined;
  /** How many this one watches. */
  #children = 0;
  #closed = false;
  #watchers: (Watcher | undefined)[] = [];
  #events = new Int32Array(WORDS * MAX_EVENTS);
  #event = new Int32Array(WORDS);
  #parkedEvent = new Int32Array(WORDS);
  /** A `struct timespec`, by the lower halves of its numbers. */
  #limit = new Int32Array(4);

  /** What waits for those that have no thread. */
  static #commonFor(libc: Libc): Epoll {
    if (common === undefined || common.#libc !== libc) common = new Epoll(libc, true);
    return common;
  }

  /** It has a thread as long as there are few. */
  constructor(libc: Libc, hasThread: boolean = threads < MOST_THREADS) {
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

  /** Changes what is watched of a descriptor; 0 is nothing. Whether the kernel does so. */
  watch(fd: number, watcher: Watcher, before: number, after: number): boolean {
    const watchers = this.#watchers;
    while (watchers.length <= fd) watchers.push(undefined);
    // It was closed behind our back, and another has its number.
    if (after === 0 && watchers[fd] !== watcher) return true;
    watchers[fd] = after === 0 ? undefined : watcher;
    return this.#control(before === 0 ? CTL_ADD : after === 0 ? CTL_DEL : CTL_MOD, fd, after);
  }

  /** Tells all watchers what is so, after waiting for it for at most `ms` milliseconds, below 1. */
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
   * Calls back when it is time to collect, unless it is going to already. Whether it may be that the thread has not begun to
   * wait yet.
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
          if (this.#closed) this.#release();
          else callback();
        },
      );
    }
    return true;
  }

  /** Its parent tells that there is something for this one. */
  onEvents(): void {
    this.#expect(NOTHING);
    this.#callback?.();
  }

  /** Calls the thread back, if there is one; the descriptors are closed when it has come. */
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

  /** Waits, without letting others run, until the thread has its event. */
  #awaitThread(): void {
    for (let ms = 0; ms < MAX_RECALL_MS && this.#parkedEvent[FD] !== this.#recall; ms++) {
      this.#libc.poll(null, 0, 1);
    }
  }

  /** While it is empty, for the kernel looks at all that it watches. */
  #join(parent: Epoll): void {
    parent.#children++;
    this.#expect(NOTHING);
  }

  /** Changes what its parent watches of this one. */
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
