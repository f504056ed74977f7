import { claimed } from "./_descriptor_of.ts";
import { describeAddr } from "../_describe.ts";
import { Accepted } from "./_accepted.ts";
import { DescriptorSocket, type Driver } from "./_descriptor_socket.ts";
import { EPOLLIN, unwatchedError, type Watcher } from "./_epoll.ts";
import {
  EMFILE,
  IPPROTO_TCP,
  O_CLOEXEC,
  O_NONBLOCK,
  osError,
  POLLIN,
  pollNow,
  setSocketOption,
  TCP_NODELAY,
} from "./_libc.ts";
import { SockAddr } from "./_sockaddr.ts";
import type { Interest } from "../selectable.ts";
import type { Listening, Socket } from "../socket.ts";
import type { SocketOwner } from "../_socket_owner.ts";
import { Waiters } from "../_waiters.ts";

/** How many failures in a row are tried again if the descriptor does not explain them. */
const MAX_FAILURES = 16;

const sockaddr = new SockAddr();

/** What a descriptor that listens belongs to: a listener of Deno, or a supervisor that has passed it. */
export interface ListenOrigin {
  readonly addr: Deno.Addr;
  close(): void;
}

/** A listener that is driven on its descriptor. */
export class DescriptorListening implements Listening, Watcher {
  readonly addr: Deno.Addr;
  readonly writable = false;
  #driver: Driver;
  #fd: number;
  #origin: ListenOrigin;
  #owner: SocketOwner;
  #watched = 0;
  #readable = false;
  #closed = false;
  #failures = 0;
  /** Whether the kernel refused to watch it. The next accept() tells. */
  #refused = false;
  #waiters = new Waiters();

  constructor(driver: Driver, fd: number, origin: ListenOrigin, owner: SocketOwner) {
    this.#driver = driver;
    this.#fd = fd;
    this.#origin = origin;
    this.#owner = owner;
    this.addr = origin.addr;
    claimed.add(fd);
    // Accepted connections inherit this option.
    if (owner.noDelay && this.addr.transport === "tcp") {
      setSocketOption(driver.libc, fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
  }

  /** The descriptor while it is open. */
  get descriptor(): number | undefined {
    return this.#closed ? undefined : this.#fd;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get readable(): boolean {
    return this.#readable || this.#closed;
  }

  describe(): string {
    return `listener ${describeAddr(this.addr)}`;
  }

  watch(interest: Interest, notify: () => void): void {
    if (!this.#waiters.add(this, interest, notify) || interest === "write") return;
    if (this.#watched === 0) this.#watch(EPOLLIN);
  }

  unwatch(interest: Interest): void {
    this.#waiters[interest] = undefined;
  }

  onEvents(): void {
    if (this.#waiters.read === undefined) return this.#watch(0);
    this.#readable = true;
    this.#waiters.read();
  }

  accept(): Socket | undefined {
    if (this.#closed) return undefined;
    this.#readable = false;
    if (this.#refused) {
      this.#refused = false;
      throw unwatchedError(this);
    }
    const { libc } = this.#driver;
    const { bytes, length } = sockaddr.reset();
    const fd = libc.accept4(this.#fd, bytes, length, O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return this.#explain();
    this.#failures = 0;
    const origin = new Accepted(libc, fd, sockaddr.pack(), this.addr);
    return new DescriptorSocket(this.#driver, fd, origin, this.#owner);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#watched !== 0) this.#watch(0);
    claimed.delete(this.#fd);
    this.#origin.close();
    this.#waiters.tellBoth();
  }

  /**
   * Finds out why nothing was accepted: there is no connection, it is gone already, or there is no
   * descriptor left for it.
   */
  #explain(): undefined {
    const { libc } = this.#driver;
    if ((pollNow(libc, this.#fd, POLLIN) & POLLIN) === 0) return;
    const other = libc.eventfd(0, O_CLOEXEC);
    if (other < 0) throw osError(EMFILE);
    libc.close(other);
    if (++this.#failures < MAX_FAILURES) return;
    this.#failures = 0;
    throw new Error(`Cannot accept on ${this.describe()}: the system refuses`);
  }

  #watch(events: number): void {
    const done = this.#driver.epoll.watch(this.#fd, this, this.#watched, events);
    this.#watched = done ? events : 0;
    if (done || events === 0) return;
    this.#readable = this.#refused = true;
    this.#waiters.read?.();
  }
}
