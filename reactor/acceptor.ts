import { describe } from "./_describe.ts";
import type { Reactor } from "./reactor.ts";
import type { Listening, Socket } from "./socket.ts";

/** Options of {@linkcode Acceptor}. */
export interface AcceptorOptions extends Deno.TcpListenOptions {
  /** Accepts no more while so many of its connections are open; others wait in the kernel. @default {Infinity} */
  maxConnections?: number;
  /** Sends small pieces at once (TCP_NODELAY). @default {true} */
  noDelay?: boolean;
  /** Priority of accepting, 0 to 9. @default {0} */
  priority?: number;
}

/** How long accepting pauses when the system has no descriptors left. */
const PAUSE_MS = 100;

/**
 * Listens, and calls back with a {@linkcode Socket} for each connection.
 *
 * An error thrown by the callback aborts its connection and is reported to the reactor's `onError`; accepting goes on.
 * When accepting fails (too many open files, say), it pauses, says so once, and resumes by itself.
 *
 * @example Greets everybody
 * ```ts
 * import { Acceptor, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * using acceptor = new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, (socket) => {
 *   socket.send(new TextEncoder().encode("Hello!"));
 *   socket.close();
 * });
 * const running = reactor.run();
 * using conn = await Deno.connect({ hostname: "127.0.0.1", port: acceptor.port });
 * const buffer = new Uint8Array(10);
 * const length = await conn.read(buffer);
 * assertEquals(new TextDecoder().decode(buffer.subarray(0, length!)), "Hello!");
 * reactor.requestShutdown();
 * await running;
 * ```
 */
export class Acceptor implements Disposable {
  #reactor: Reactor;
  #listening: Listening;
  #onAccept: (socket: Socket) => void;
  #options: AcceptorOptions;
  #count = 0;
  #paused = false;
  #failing = false;

  /**
   * Begins to listen.
   *
   * @throws {Deno.errors.AddrInUse} and whatever else `Deno.listen` throws
   */
  constructor(reactor: Reactor, options: AcceptorOptions, onAccept: (socket: Socket) => void) {
    this.#reactor = reactor;
    this.#options = options;
    this.#onAccept = onAccept;
    const { maxConnections: _, priority: __, noDelay = true, ...rest } = options;
    this.#listening = reactor.listening(Deno.listen(rest), {
      noDelay,
      onReleased: () => this.#onReleased(),
    });
    this.#resume();
  }

  /** The address listened on; its `port` is the real one when 0 was asked for. */
  get addr(): Deno.Addr {
    return this.#listening.addr;
  }

  /** The port listened on, or 0 where there are no ports. */
  get port(): number {
    return (this.addr as Partial<Deno.NetAddr>).port ?? 0;
  }

  /** Stops listening. Connections that were accepted live on. */
  close(): void {
    this.#reactor.removeReader(this.#listening);
    this.#listening.close();
  }

  /** As {@linkcode Acceptor.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #resume(): void {
    if (this.#listening.closed || this.#reactor.isShutDown) return;
    const { priority = 0 } = this.#options;
    this.#paused = false;
    this.#reactor.addReader(this.#listening, () => this.#accept(), { priority });
  }

  #pause(): void {
    this.#paused = true;
    this.#reactor.removeReader(this.#listening);
  }

  #onReleased(): void {
    this.#count--;
    if (this.#paused && !this.#failing) this.#resume();
  }

  #accept(): void {
    if (this.#listening.closed) return;
    let socket: Socket | undefined;
    try {
      socket = this.#listening.accept();
    } catch (error) {
      return this.#onFailure(error);
    }
    if (socket === undefined) return;
    this.#failing = false;
    if (++this.#count >= (this.#options.maxConnections ?? Infinity)) this.#pause();
    try {
      this.#onAccept(socket);
    } catch (error) {
      socket.abort();
      this.#reactor.onError(error, `callback of ${describe(this.#listening)}`);
    }
  }

  #onFailure(error: unknown): void {
    this.#pause();
    this.#reactor.addTimer(PAUSE_MS, () => this.#resume());
    if (this.#failing) return;
    this.#failing = true;
    this.#reactor.onError(error, `accept of ${describe(this.#listening)}, which pauses`);
  }
}
