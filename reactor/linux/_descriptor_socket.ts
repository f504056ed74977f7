import { Accepted, type Origin } from "./_accepted.ts";
import type { Arena } from "./_arena.ts";
import { claimed, Descriptor } from "./_descriptor_of.ts";
import { closedError } from "../_closed_error.ts";
import type { DenoEpoll } from "./_deno_epoll.ts";
import { describeAddr } from "../_describe.ts";
import {
  type Epoll,
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  unwatchedError,
  type Watcher,
} from "./_epoll.ts";
import {
  ECONNRESET,
  EPIPE,
  type Libc,
  osError,
  POLLERR,
  POLLHUP,
  POLLIN,
  pollNow,
  reset,
  SO_ERROR,
  socketOption,
  SOL_SOCKET,
} from "./_libc.ts";
import { ReadSizes } from "../_read_sizes.ts";
import type { Registrar } from "../_registrar.ts";
import type { Interest } from "../selectable.ts";
import type { Socket } from "../socket.ts";
import type { SocketOwner } from "../_socket_owner.ts";
import { Waiters } from "../_waiters.ts";
import { RECEIVE, whole } from "../_whole.ts";

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_MORE = 0x8000;
const SHUT_WR = 1;
const BROKEN = EPOLLERR | EPOLLHUP;

const MIN_READ = 2 * 1024;
const MAX_READ = 256 * 1024;
/** How much is sent at a time, so that others do not have to wait. */
const MAX_SEND = 256 * 1024;

/** What all descriptors of a selector share. */
export interface Driver {
  readonly libc: Libc;
  readonly epoll: Epoll;
  readonly arena: Arena;
  readonly deno: DenoEpoll;
  readonly sizes: ReadSizes;
}

/** How much memory is offered for one read. */
export function readSizes(): ReadSizes {
  return new ReadSizes(MIN_READ, MAX_READ);
}

/**
 * A {@linkcode Socket} that is driven on its descriptor.
 *
 * 1. Every operation is one call of the kernel, which is done at once or would block. Accepted
 *    bytes are in the kernel, so closing never waits. An idle connection holds no buffer.
 * 2. `readable` is what epoll told last. After something was received, epoll is asked again.
 *    `writable` is true until the kernel does not take all bytes. When sending fails, what the peer
 *    has sent can still be received.
 * 3. The descriptor stays with epoll when nobody waits any more. It is removed at the first event
 *    that nobody waits for.
 * 4. After a call has failed, the descriptor is asked for the reason (see _libc.ts). An error that
 *    epoll announces is read at once. It is thrown when everything that came before has been
 *    received.
 */
export class DescriptorSocket implements Socket, Watcher {
  #driver: Driver;
  #fd: number;
  #origin: Origin;
  /** The identity of a connection that Deno may close, so that another gets its number. */
  #identity: Descriptor | undefined;
  #owner: SocketOwner;
  /** What epoll watches for: EPOLLIN, EPOLLOUT. */
  #watched = 0;
  #readable = false;
  #writable = true;
  #waiters = new Waiters();
  #readSize = MIN_READ;
  /** Whether the end of the stream was received. */
  #ended = false;
  /** Whether the sending half is shut down. */
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
    const { libc } = driver;
    if (!(origin instanceof Accepted) && libc.fstat) this.#identity = new Descriptor(libc, fd);
    this.#owner = owner;
    claimed.add(fd);
    if (!(origin instanceof Accepted)) driver.deno.shared++;
    owner.opened(this);
  }

  get reactor(): Registrar {
    return this.#owner.reactor;
  }

  /** The descriptor while it is open. */
  get descriptor(): number | undefined {
    return this.#released ? undefined : this.#fd;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get localAddr(): Deno.Addr {
    return this.#origin.localAddr;
  }

  get remoteAddr(): Deno.Addr | undefined {
    return this.#origin.remoteAddr;
  }

  get readable(): boolean {
    return this.#readable || this.#closed;
  }

  get writable(): boolean {
    return this.#writable || this.#ending;
  }

  describe(): string {
    return describeAddr(this.localAddr, this.remoteAddr);
  }

  watch(interest: Interest, notify: () => void): void {
    if (!this.#waiters.add(this, interest, notify)) return;
    const event = interest === "read" ? EPOLLIN : EPOLLOUT;
    if ((this.#watched & event) === 0) this.#watch(this.#watched | event);
  }

  unwatch(interest: Interest): void {
    this.#waiters[interest] = undefined;
  }

  onEvents(events: number): void {
    const waiters = this.#waiters;
    const broken = (events & BROKEN) !== 0;
    if (events & EPOLLERR) this.#takeError();
    if (waiters.read !== undefined && (broken || events & EPOLLIN)) {
      this.#readable = true;
      waiters.read();
    }
    if (waiters.write !== undefined && (broken || events & EPOLLOUT)) {
      this.#writable = true;
      waiters.write();
    }
    const unwanted = this.#watched & (
      (waiters.read === undefined ? EPOLLIN : 0) | (waiters.write === undefined ? EPOLLOUT : 0)
    );
    if (unwanted !== 0 && (broken || events & unwanted)) this.#watch(this.#watched & ~unwanted);
  }

  recv(max: number = MAX_READ): Uint8Array | null | undefined {
    if (this.#closed) throw closedError("receive");
    if (whole(max, RECEIVE) === 0) return new Uint8Array(0);
    if (this.#readFailure !== undefined) throw this.#readFailure;
    if (this.#ended) return null;
    if (!this.#readable) {
      // Nobody has told whether it is readable. A failing recv() would take the error away, and the
      // next one would look like an end.
      const state = pollNow(this.#driver.libc, this.#fd, POLLIN);
      if (state === 0) return;
      if (state & POLLERR) this.#takeError();
    }
    let length = this.#receive(max);
    if (length < 0) {
      this.#readable = false;
      if ((pollNow(this.#driver.libc, this.#fd, POLLIN) & (POLLERR | POLLHUP)) === 0) return;
      // Either it broke just now, or the call that failed has taken the error away.
      this.#takeError();
      length = this.#receive(max);
      if (length < 0) return;
      const isTcp = this.remoteAddr?.transport === "tcp";
      // A TCP connection does not end in both directions by itself if our side is not shut down.
      const isReset = isTcp && !this.#ending && this.#writeFailure === undefined;
      if (length === 0 && isReset) this.#error ||= ECONNRESET;
    }
    if (length > 0) return this.#take(length);
    if (this.#error !== 0) this.#fail();
    this.#ended = this.#readable = true;
    return null;
  }

  send(bytes: Uint8Array): number {
    return this.#send(bytes, 0);
  }

  /**
   * This is as cheap as writev, which needs addresses: with MSG_MORE the kernel joins the pieces.
   *
   * @param follows Whether more is sent at once after the last piece.
   */
  sendv(chunks: readonly Uint8Array[], follows = false): number {
    let sent = 0;
    // Bytes with MSG_MORE wait for more, so the last piece must not be empty.
    const last = chunks.findLastIndex((chunk) => chunk.length > 0);
    for (let i = 0; i <= last; i++) {
      const bytes = chunks[i]!;
      const length = this.#send(bytes, follows || i < last ? MSG_MORE : 0);
      sent += length;
      if (length < bytes.length) break;
    }
    return sent;
  }

  shutdown(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (!this.#released && this.#isOurs) this.#driver.libc.shutdown(this.#fd, SHUT_WR);
    this.#waiters.write?.();
  }

  close(): void {
    if (this.#closed) return;
    this.#ending = this.#closed = true;
    this.#release();
    this.#waiters.tellBoth();
  }

  abort(): void {
    const isTcp = this.remoteAddr?.transport === "tcp";
    if (isTcp && !this.#released && !this.#closed && this.#isOurs) {
      reset(this.#driver.libc, this.#fd);
    }
    this.close();
  }

  /** Returns only a connection that Deno has made. Deno cannot take one that was accepted here. */
  detach(): Deno.Conn {
    if (this.#closed) throw closedError("detach");
    if (this.#readFailure !== undefined) throw this.#readFailure;
    const conn = this.#origin;
    if (conn instanceof Accepted) {
      throw new Deno.errors.NotSupported(
        `Cannot detach ${this.describe()}: it is a bare descriptor, accept it with selector "deno"`,
      );
    }
    const why = pollNow(this.#driver.libc, this.#fd, POLLIN) !== 0
      ? "something was received and not taken"
      : this.#waiters.read !== undefined
      ? "somebody waits to receive, remove the reader in its callback"
      : undefined;
    if (why !== undefined) throw new TypeError(`Cannot detach ${this.describe()}: ${why}`);
    this.#ending = this.#closed = true;
    this.#forget();
    this.#owner.released(this);
    this.#waiters.tellBoth();
    return conn as Deno.Conn;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Whether the descriptor was not closed behind our back. It is too expensive to ask for each
   * `recv` and `send`.
   */
  get #isOurs(): boolean {
    return this.#identity === undefined || this.#identity.current !== undefined;
  }

  /** Receives into the arena. Returns the number of bytes. */
  #receive(max: number): number {
    const { libc, arena, sizes } = this.#driver;
    const room = arena.offer(this.#readSize);
    return libc.recv(this.#fd, room, Math.min(room.length, max, sizes.share), MSG_DONTWAIT);
  }

  #take(length: number): Uint8Array {
    // There may be more. Epoll will tell.
    this.#readable = false;
    this.#readSize = this.#driver.sizes.next(this.#readSize, length);
    this.#owner.events?.received?.(this, length);
    return this.#driver.arena.take(length);
  }

  #send(bytes: Uint8Array, flags: number): number {
    if (this.#ending) throw closedError("send");
    if (this.#writeFailure !== undefined) throw this.#writeFailure;
    const length = Math.min(bytes.length, MAX_SEND);
    if (length === 0) return 0;
    const { libc } = this.#driver;
    const sent = libc.send(this.#fd, bytes as Bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL | flags);
    this.#writable = sent === length;
    if (sent > 0) {
      this.#owner.events?.sent?.(this, sent);
      return sent;
    }
    // Sending nothing never blocks. It fails only if the connection is broken.
    if (libc.send(this.#fd, NOTHING, 0, MSG_DONTWAIT | MSG_NOSIGNAL) === 0) return 0;
    this.#writable = true;
    this.#takeError();
    // If the failed call has taken the error away, nobody can tell whether the peer had ended the
    // stream before. Then it counts as a reset.
    throw this.#writeFailure ??= osError(this.#error ||= EPIPE);
  }

  /** If receiving fails, the whole connection is lost. */
  #fail(): never {
    throw this.#lose(osError(this.#error));
  }

  #lose(failure: Error): Error {
    this.#readable = this.#writable = true;
    this.#readFailure = failure;
    this.#writeFailure ??= failure;
    this.#release();
    return failure;
  }

  #takeError(): void {
    const error = socketOption(this.#driver.libc, this.#fd, SOL_SOCKET, SO_ERROR) ?? 0;
    // The peer had ended the stream before it refused our bytes. To the receiver this is a normal
    // end.
    if (error === EPIPE) this.#writeFailure ??= osError(error);
    else this.#error ||= error;
  }

  #watch(events: number): void {
    const { epoll } = this.#driver;
    const done = (events === 0 || this.#isOurs) &&
      epoll.watch(this.#fd, this, this.#watched, events);
    this.#watched = events;
    if (done || events === 0) return;
    // No event would ever come. So it becomes ready, and broken.
    this.#lose(unwatchedError(this));
    this.#waiters.tellBoth();
  }

  #release(): void {
    if (this.#released) return;
    this.#forget();
    try {
      this.#origin.close();
    } catch {
      // Somebody else closed it.
    }
    this.#owner.released(this);
  }

  #forget(): void {
    this.#released = true;
    this.#readSize = this.#driver.sizes.end(this.#readSize);
    if (this.#watched !== 0) this.#watch(0);
    claimed.delete(this.#fd);
    if (!(this.#origin instanceof Accepted)) this.#driver.deno.shared--;
  }
}

type Bytes = Uint8Array<ArrayBuffer>;
const NOTHING = new Uint8Array(0);
