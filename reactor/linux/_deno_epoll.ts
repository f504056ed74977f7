import { type Libc, O_CLOEXEC, POLLIN, pollNow } from "./_libc.ts";

const CTL_ADD = 1, CTL_DEL = 2;
/** Room for one `struct epoll_event` that watches for nothing. */
const nothing = new Int32Array(4);

/**
 * The epoll instance that Deno itself uses in this thread. It is readable while there is something
 * that Deno has not looked at.
 *
 * Deno does not tell its descriptor, but it can be found: when a descriptor that Deno watches
 * already is added to each epoll instance, only Deno's instance refuses it, though it accepts
 * another descriptor. An instance that accepts both is not affected: the descriptor watches for
 * nothing there and is removed at once.
 */
export class DenoEpoll {
  readonly #libc: Libc;
  #fd: number | undefined;
  /** How many of our connections Deno still watches, because it may get them back. */
  shared = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /**
   * Whether Deno has something to look at; `undefined` if that is not known, or if it may be
   * something of ours.
   */
  get isReady(): boolean | undefined {
    if (this.#fd === undefined || this.shared > 0) return undefined;
    return pollNow(this.#libc, this.#fd, POLLIN) !== 0;
  }

  /** Makes Deno stop watching a descriptor. */
  take(fd: number): void {
    this.#fd ??= this.#find(fd);
    if (this.#fd !== undefined) this.#libc.epoll_ctl(this.#fd, CTL_DEL, fd, nothing);
  }

  #find(registered: number): number | undefined {
    const probe = this.#libc.eventfd(0, O_CLOEXEC);
    if (probe < 0) return undefined;
    try {
      // The lowest free number is given to a new descriptor, and this one is opened early.
      for (let fd = 0; fd < probe; fd++) {
        if (this.#accepts(fd, probe) && !this.#accepts(fd, registered)) return fd;
      }
    } finally {
      this.#libc.close(probe);
    }
  }

  #accepts(fd: number, other: number): boolean {
    if (this.#libc.epoll_ctl(fd, CTL_ADD, other, nothing) !== 0) return false;
    this.#libc.epoll_ctl(fd, CTL_DEL, other, nothing);
    return true;
  }
}
