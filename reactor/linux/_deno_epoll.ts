import { type Libc, O_CLOEXEC, POLLIN, pollNow } from "./_libc.ts";

const CTL_ADD = 1, CTL_DEL = 2;
/** Room for one `struct epoll_event` that watches for nothing. */
const nothing = new Int32Array(4);

/**
 * The epoll instance by which Deno itself waits, in this thread. It is readable while there is something that Deno has
 * not looked at.
 *
 * Deno does not tell its descriptor. But it is the one epoll instance that does not accept a descriptor that Deno has given it
 * already, and accepts another. What accepts both does not notice: it is taken back at once, and watched for nothing.
 */
export class DenoEpoll {
  readonly #libc: Libc;
  #fd: number | undefined;
  /** How many of our connections Deno waits for as well, since it may get them back. */
  shared = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Whether Deno has something to look at; `undefined` if that is not known, or may be ours. */
  get isReady(): boolean | undefined {
    if (this.#fd === undefined || this.shared > 0) return undefined;
    return pollNow(this.#libc, this.#fd, POLLIN) !== 0;
  }

  /** Has Deno not wait for a descriptor any more. */
  take(fd: number): void {
    this.#fd ??= this.#find(fd);
    if (this.#fd !== undefined) this.#libc.epoll_ctl(this.#fd, CTL_DEL, fd, nothing);
  }

  #find(registered: number): number | undefined {
    const probe = this.#libc.eventfd(0, O_CLOEXEC);
    if (probe < 0) return undefined;
    try {
      // Descriptors are given out from the lowest, and this is one of the first.
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
