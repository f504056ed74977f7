import type { Arena } from "./_arena.ts";
import { claimed } from "./_find_descriptor.ts";
import { describeAddr } from "./_describe.ts";
import { type Epoll, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, type Watcher } from "./_epoll.ts";
import {
  ECONNRESET,
  EPIPE,
  type Libc,
  osError,
  POLLERR,
  POLLHUP,
  POLLIN,
  pollNow,
  SO_ERROR,
  socketOption,
  SOL_SOCKET,
} from "./_libc.ts";
import type { Interest } from "./selectable.ts";
import type { Socket, SocketOwner } from "./socket.ts";

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_MORE = 0x8000;
const SHUT_WR = 1;
const BROKEN = EPOLLERR | EPOLLHUP;

/** So much room is offered for what arrives, at least. */
const SMALLEST_READ = 2 * 1024;
const LARGEST_READ = 256 * 1024;

/** What all descriptors of a selector share. */
export interface Driver {
  readonly libc: Libc;
  readonly epoll: Epoll;
  readonly arena: Arena;
}

/** Where a descriptor is from: a connection of Deno, or of our own accepting. */
export interface Origin {
  readonly localAddr: Deno.Addr | undefined;
  readonly remoteAddr: Deno.Addr | undefined;
  /** Closes the descriptor. */
  close(): void;
}

/**
 * A {@linkcode Socket} that is driven on its descriptor.
 *
 * 1. Every operation is one call of the kernel, which does it at once or says that it would block. What is accepted to
 *    be sent is with the kernel, so closing has nothing to wait for; an idle connection holds no buffer.
 * 2. Readable is what epoll said last, until something is received; then epoll is asked again. Writable is true until
 *    the kernel did not take all.
 * 3. The descriptor stays with epoll when nobody waits any more. Only when there is an event that nobody waits for is
 *    it taken off.
 * 4. Why a call failed is asked of the descriptor (see _libc.ts). An error that epoll announces is taken at once,
 *    and told when everything that came before it has been received.
 */
export class DescriptorSocket implements Socket, Watcher {
  #driver: Driver;
  #fd: number;
  #origin: Origin;
  #owner: SocketOwner;
  /** What epoll watches for: EPOLLIN, EPOLLOUT. */
  #watched = 0;
  #readable = false;
  #writable = true;
  #notifyRead: (() => void) | undefined;
  #notifyWrite: (() => void) | undefined;
  #readSize = SMALLEST_READ;
  /** The end of the stream was received. */
  #ended = false;
  /** Nothing more is to be sent. */
  #ending = false;
  #closed = false;
  #released = false;
  /** The number of an error that was announced. */
  #error = 0;
  #readFailure: Error | undefined;
  #writeFailure: Error | undefined;

  constructor(driver: Driver, fd: number, origin: Origin, owner: SocketOwner) {
    this.#driver = driver;
    this.#fd = fd;
    this.#origin = origin;
    this.#owner = owner;
    claimed.add(fd);
    owner.opened(this);
  }

  /** The descriptor, as long as it is there. */
  get descriptor(): number | undefined {
    return this.#released ? undefined : this.#fd;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get localAddr(): Deno.Addr | undefined {
    return this.#origin.localAddr;
  }

  get remoteAddr(): Deno.Addr | undefined {
    return this.#origin.remoteAddr;
  }

  get readable(): boolean {
    return this.#readable || this.#closed;
  }

  get writable(): boolean {
    return this.#writable || this.#closed;
  }

  describe(): string {
    return describeAddr(this.localAddr, this.remoteAddr);
  }

  watch(interest: Interest, notify: () => void): void {
    if (interest === "read") {
      this.#notifyRead = notify;
      if (this.readable) notify();
      else if ((this.#watched & EPOLLIN) === 0) this.#watch(this.#watched | EPOLLIN);
    } else {
      this.#notifyWrite = notify;
      if (this.writable) notify();
      else if ((this.#watched & EPOLLOUT) === 0) this.#watch(this.#watched | EPOLLOUT);
    }
  }

  unwatch(interest: Interest): void {
    if (interest === "read") this.#notifyRead = undefined;
    else this.#notifyWrite = undefined;
  }

  onEvents(events: number): void {
    if (events & EPOLLERR) this.#error ||= this.#takeError();
    let unwanted = 0;
    if (events & (EPOLLIN | BROKEN)) {
      if (this.#notifyRead === undefined) unwanted |= EPOLLIN;
      else {
        this.#readable = true;
        this.#notifyRead();
      }
    }
    if (events & (EPOLLOUT | BROKEN)) {
      if (this.#notifyWrite === undefined || !this.#writable) 
    }
  }
