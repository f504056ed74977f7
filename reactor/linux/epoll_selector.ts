import { setImmediate } from "node:timers";
import { Arena } from "./_arena.ts";
import type { ByteStream } from "../byte_stream.ts";
import { DenoSelector } from "../deno_selector.ts";
import { DescriptorListening } from "./_descriptor_listening.ts";
import { DescriptorSocket, type Driver } from "./_descriptor_socket.ts";
import { Epoll } from "./_epoll.ts";
import { jobDone } from "../_event_loop.ts";
import { findDescriptor } from "./_descriptor_of.ts";
import { libc, libcProblem } from "./_libc.ts";
import type { Ready, Registration } from "../selector.ts";
import type { Listening, Socket, SocketOwner } from "../socket.ts";

/** So long it waits for the next request of a busy client without letting go. */
const SHORT_WAIT_MS = 0.1;
/** A thread that comes back before this was not worth it. */
const QUICK_MS = 2 * SHORT_WAIT_MS;
const MOST_TO_BE_EAGER = 64;
/** A thread that has not come back after this may not be there at all, … */
const PATIENCE_MS = 20;
/** … and until it is, epoll is asked this often. */
const LOOK_MS = 2;

/**
 * The {@linkcode Selector} for Linux: plain TCP and Unix sockets are driven on their descriptors, and epoll tells when
 * they are ready. Everything else (TLS, files, streams, …) is as with {@linkcode DenoSelector}, in the same lists.
 *
 * 1. Each select collects what epoll has; nothing is asked of epoll for a request but that.
 * 2. When there is nothing, a thread waits, and Deno's own event loop has all the time. There is no polling: nothing is
 *    called until there is something.
 * 3. A thread costs 50 µs. When it comes back at once, it was not worth it: then epoll waits for a moment without
 *    letting go, which catches the next request of a busy client, for as long as there is one. Each time that there is
 *    none it takes twice as much to be tried again, lest it get in the way of what Deno has to do.
 * 4. Who waits for a selectable without being registered, as transfers do, goes on by promises. As long as there is something
 *    for them, nobody waits: they have their turn, and epoll is asked again.
 * 5. When all of Deno's threads are taken, by slow names, say, there is none to wait. Threads take their jobs in order: one that
 *    is given later, and is done, proves that the thread is there. Until then epoll is asked now and then.
 */
export class EpollSelector<R extends Registration = Registration> extends DenoSelector<R> {
  /** `"epoll"`. */
  override readonly name = "epoll";
  #driver: Driver;
  /** Whether to wait for a moment before a thread does. */
  #eager = false;
  /** How often the thread came back at once, and how often that makes eager. */
  #quick = 0;
  #enough = 1;
  #parkedAt = 0;
  /** When the thread was asked for that waits, and whether it is there. */
  #begunAt = 0;
  #isThere = false;
  #proving: Promise<void> | undefined;
  #guard: ReturnType<typeof setTimeout> | undefined;
  /** Whether epoll was asked since the last select. */
  #collected = false;
  /** Whether nobody was told then but who waits without being registered, as a transfer does. */
  #toldOthers = false;

  /**
   * A selector with nothing registered.
   *
   * @throws {Deno.errors.NotSupported} where it cannot be; the message tells why and what to do
   */
  constructor() {
    super();
    const library = libc();
    if (library === undefined) {
      throw new Deno.errors.NotSupported(
        `Cannot use the epoll selector: ${libcProblem()}; or use "auto" or "deno"`,
      );
    }
    this.#driver = { libc: library, epoll: new Epoll(library), arena: new Arena() };
  }

  /** Whether one can be made here: this is Linux, and `--allow-ffi` is granted already. Never prompts. */
  static get supported(): boolean {
    return libc() !== undefined;
  }

  /** What has become ready since the last call. */
  override select(): Ready<R> {
    if (!this.#collected) this.#toldOthers = this.#driver.epoll.collect() && !this.ready;
    this.#collected = false;
    return super.select();
  }

  /** Resolves when something is ready or {@linkcode EpollSelector.wake} is called; the limit is for the reactor to keep. */
  override wait(limitMs: number): Promise<void> {
    if (this.#toldOthers) return this.#nextTurn();
    if (this.#eager) {
      this.#eager = this.#driver.epoll.collect(Math.min(SHORT_WAIT_MS, limitMs));
      this.#quick = 0;
      this.#enough = this.#eager ? 1 : Math.min(2 * this.#enough, MOST_TO_BE_EAGER);
      this.#collected = this.ready;
      if (this.#collected) return DONE;
      if (this.#eager) return this.#nextTurn();
    }
    this.#park();
    return super.wait(limitMs);
  }

  /** A socket on a descriptor if it is plain TCP or Unix, else one over `read` and `write`. */
  override socket(stream: Deno.Conn | ByteStream, owner: SocketOwner): Socket {
    const { libc } = this.#driver;
    const conn = stream as Deno.Conn;
    const fd = findDescriptor(libc, conn);
    if (fd === undefined) return super.socket(stream, owner);
    if (owner.noDelay && "setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
    return new DescriptorSocket(this.#driver, fd, conn, owner);
  }

  /** A selectable on a descriptor if it is plain TCP or Unix, else one over `accept`. */
  override listening(listener: Deno.Listener, owner: SocketOwner): Listening {
    const fd = findDescriptor(this.#driver.libc, listener);
    if (fd === undefined) return super.listening(listener, owner);
    return new DescriptorListening(this.#driver, fd, listener, owner);
  }

  /** Wakes up who still waits, and calls the thread back; resolves when it has come. */
  override close(): void | Promise<void> {
    super.close();
    clearTimeout(this.#guard);
    return this.#driver.epoll.close();
  }

  #park(): void {
    this.#parkedAt = performance.now();
    if (this.#driver.epoll.park(this.#onTime)) {
      this.#begunAt = this.#parkedAt;
      this.#isThere = false;
    }
    if (!this.#isThere) this.#setGuard();
  }

  #setGuard(): void {
    const late = performance.now() - this.#begunAt >= PATIENCE_MS;
    this.#guard ??= setTimeout(this.#look, late ? LOOK_MS : PATIENCE_MS);
  }

  #look = (): void => {
    this.#guard = undefined;
    if (this.#isThere || !this.waiting) return;
    const begunAt = this.#begunAt;
    if (performance.now() - begunAt >= PATIENCE_MS) {
      this.#proving ??= jobDone().then(() => {
        this.#proving = undefined;
        if (begunAt === this.#begunAt) this.#isThere = true;
      });
      this.#eager = this.#collectAndTell();
      if (this.#eager) return;
    }
    this.#setGuard();
  };

  #onTime = (): void => {
    if (performance.now() - this.#parkedAt < QUICK_MS) {
      this.#eager = ++this.#quick >= this.#enough;
    }
    // What there was, nobody may wait for any more.
    if (!this.#collectAndTell()) this.#park();
  };

  /** Whether nobody waits any more, or not for long. */
  #collectAndTell(): boolean {
    const told = this.#driver.epoll.collect();
    this.#collected = this.ready;
    if (told && this.waiting) this.#nextTurn().then(() => this.wake());
    return told || !this.waiting;
  }

  /** Who was told goes on by promises: before there is any waiting again, it gets its turn. */
  #nextTurn(): Promise<void> {
    this.#toldOthers = false;
    return new Promise((resolve) => setImmediate(resolve));
  }
}

const DONE = Promise.resolve();
