import { Arena } from "./_arena.ts";
import type { ByteStream } from "./byte_stream.ts";
import { DenoSelector } from "./deno_selector.ts";
import { DescriptorListening } from "./_descriptor_listening.ts";
import { DescriptorSocket, type Driver } from "./_descriptor_socket.ts";
import { Epoll } from "./_epoll.ts";
import { findDescriptor } from "./_find_descriptor.ts";
import { libc, libcProblem } from "./_libc.ts";
import type { Ready, Registration } from "./selector.ts";
import type { Listening, Socket, SocketOwner } from "./socket.ts";

/** So long (100 µs) a reactor that was busy a moment ago waits without letting go, for the next request of a busy client. */
const SHORT_WAIT_NS = 100_000;

/**
 * The {@linkcode Selector} for Linux: plain TCP and Unix sockets are driven on their descriptors, and epoll tells when
 * they are ready. Everything else (TLS, files, streams, …) is as with {@linkcode DenoSelector}, in the same lists.
 *
 * 1. Each select collects what epoll has; nothing is asked of epoll for a request but that.
 * 2. When there is nothing, and epoll had something the time before, it waits for a moment without letting go: that
 *    catches the next request of a busy client, and costs 50 µs less than a thread.
 * 3. Then a thread waits, and Deno's own event loop has all the time. There is no polling: nothing is called until
 *    there is something.
 */
export class EpollSelector<R extends Registration = Registration> extends DenoSelector<R> {
  /** `"epoll"`. */
  override readonly name = "epoll";
  #driver: Driver;
  #busy = false;
  #collected = false;

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
    if (this.#collected) this.#collected = false;
    else if (this.#driver.epoll.collect()) this.#busy = true;
    return super.select();
  }

  /** Resolves when something is ready or {@linkcode EpollSelector.wake} is called; the limit is for the reactor to keep. */
  override wait(limitMs: number): Promise<void> {
    const { epoll } = this.#driver;
    if (this.#busy) {
      this.#busy = epoll.collect(Math.min(SHORT_WAIT_NS, Math.ceil(limitMs * 1e6)));
      this.#collected = this.ready;
      if (this.#collected) return DONE;
    }
    epoll.park(this.#onTime);
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

  /** Wakes up who still waits, and calls the thread back. */
  override close(): void {
    super.close();
    this.#driver.epoll.close();
  }

  #onTime = (): void => {
    if (this.#driver.epoll.collect()) this.#busy = true;
    // What there was, nobody waits for any more.
    if (this.waiting) this.#driver.epoll.park(this.#onTime);
  };
}

const DONE = Promise.resolve();
