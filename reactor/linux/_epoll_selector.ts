import { Arena } from "./_arena.ts";
import type { ByteStream } from "../byte_stream.ts";
import { DenoSelector, type Ready } from "../_deno_selector.ts";
import { DescriptorListening } from "./_descriptor_listening.ts";
import { DescriptorSocket, type Driver, readSizes } from "./_descriptor_socket.ts";
import { Epoll } from "./_epoll.ts";
import { Eagerness, MOMENT_MS } from "./_eagerness.ts";
import { DenoEpoll } from "./_deno_epoll.ts";
import { findDescriptor } from "./_descriptor_of.ts";
import { libc, libcProblem } from "./_libc.ts";
import { type Parked, Parking } from "./_parking.ts";
import { passed } from "./_passed.ts";
import type { Listening, Socket } from "../socket.ts";
import type { SocketOwner } from "../_socket_owner.ts";

/**
 * The {@linkcode DenoSelector} for Linux. Plain TCP and Unix sockets are driven on their
 * descriptors, and epoll tells when they are ready. Everything else (TLS, files, streams, …) works
 * as in DenoSelector, in the same lists.
 *
 * 1. Each select collects the events of epoll. A request needs no other call to epoll.
 * 2. If there is nothing to do, a thread waits, and Deno's own event loop has all the time. There
 *    is no polling.
 * 3. Before a thread waits, epoll itself may block for a moment (see {@linkcode Eagerness}).
 * 4. No wake-up is lost. Everybody who waits for a selectable is registered with a selector. So an
 *    event of epoll either puts a handler in a list and wakes its reactor, or nobody needs it, and
 *    it is not watched any more.
 */
export class EpollSelector extends DenoSelector implements Parked {
  override readonly name = "epoll";
  #driver: Driver;
  #eagerness = new Eagerness();
  #parking: Parking;
  /** Whether epoll was asked since the last select and had events. */
  #collected = false;

  /**
   * Makes a selector with nothing registered.
   *
   * @throws {Deno.errors.NotSupported} If it cannot be used here. The message tells why and what to
   * do.
   */
  constructor() {
    super();
    const library = libc();
    if (library === undefined) {
      throw new Deno.errors.NotSupported(
        `Cannot use the epoll selector: ${libcProblem()}; or use "auto" or "deno"`,
      );
    }
    const epoll = new Epoll(library);
    const [arena, deno, sizes] = [new Arena(), new DenoEpoll(library), readSizes()];
    this.#driver = { libc: library, epoll, arena, deno, sizes };
    this.#parking = new Parking(epoll, this);
  }

  /**
   * Whether it can be used here: this is Linux, and `--allow-ffi` is granted already. Never
   * prompts.
   */
  static get supported(): boolean {
    return libc() !== undefined;
  }

  override get denoIsReady(): boolean | undefined {
    return this.#driver.deno.isReady;
  }

  /** Asks epoll. */
  override look(): boolean {
    this.#collect();
    return this.ready;
  }

  override select(): Ready {
    if (!this.#collected) this.#driver.epoll.collect();
    this.#collected = false;
    return super.select();
  }

  override wait(limitMs: number): Promise<void> {
    if (this.#eagerness.isEager) {
      this.#collect(Math.min(MOMENT_MS, limitMs));
      this.#eagerness.hasWaited(this.#collected);
      if (this.#collected) return DONE;
    }
    this.#parking.park();
    return super.wait(limitMs);
  }

  override rest(): void {
    this.#driver.epoll.rest();
  }

  /** Called by {@linkcode Parking}. */
  onTime(afterMs?: number): void {
    this.#collect();
    if (afterMs === undefined) this.#eagerness.hasLooked(!this.waiting);
    else this.#eagerness.cameBack(afterMs);
  }

  override socket(stream: Deno.Conn | ByteStream, owner: SocketOwner): Socket {
    const { libc } = this.#driver;
    const conn = stream as Deno.Conn;
    const fd = findDescriptor(libc, conn);
    if (fd === undefined) return super.socket(stream, owner);
    if (owner.noDelay && "setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
    return new DescriptorSocket(this.#driver, fd, conn, owner);
  }

  override listening(listener: Deno.Listener | number, owner: SocketOwner): Listening {
    if (typeof listener === "number") {
      const origin = passed(this.#driver.libc, listener);
      return new DescriptorListening(this.#driver, listener, origin, owner);
    }
    const fd = findDescriptor(this.#driver.libc, listener);
    if (fd === undefined) return super.listening(listener, owner);
    this.#driver.deno.take(fd);
    return new DescriptorListening(this.#driver, fd, listener, owner);
  }

  override close(): void | Promise<void> {
    super.close();
    this.#parking.close();
    return this.#driver.epoll.close();
  }

  #collect(ms?: number): void {
    this.#driver.epoll.collect(ms);
    this.#collected = this.ready;
  }
}

const DONE = Promise.resolve();
