import { checkCallback } from "./_callback.ts";
import type { AcceptorOptions } from "./acceptor_options.ts";
import { ACCEPTOR } from "./_all_options.ts";
import { refuseUnknown } from "./_known.ts";
import { isTls } from "./_deno_listening.ts";
import { aboutAddress } from "./_about_address.ts";
import { describe } from "./_describe.ts";
import { expectAttended } from "./_attended.ts";
import { checkPair, checkPath, checkReactor, refuse } from "./_options.ts";
import type { Reactor } from "./reactor.ts";
import type { Listening, Socket } from "./socket.ts";
import { MAX_INT, MAX_PORT, whole } from "./_whole.ts";

const ONLY_WITH_PORT = [
  "hostname",
  "cert",
  "key",
  "alpnProtocols",
  "reusePort",
  "tcpBacklog",
] as const;
/** How long accepting pauses when it has failed. */
const PAUSE_MS = 100;
/**
 * How many connections are accepted in one step, so that new clients do not keep others waiting.
 */
const MAX_AT_ONCE = 64;

/**
 * Listens (TCP, TLS or Unix) and calls back with a {@linkcode Socket} for each connection.
 *
 * An error thrown by the callback aborts its connection and is reported to the reactor's `onError`.
 * Accepting goes on. If accepting fails, for example because too many files are open, the acceptor
 * pauses, reports that once, and resumes by itself. If nobody runs the reactor for some seconds,
 * that is reported to `onError` as well.
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
 *
 * @category Sockets
 */
export class Acceptor implements Disposable {
  #reactor: Reactor;
  #listening: Listening;
  #onAccept: (socket: Socket) => void;
  #options: AcceptorOptions;
  #max: number;
  #count = 0;
  #paused = false;
  #failing = false;
  #stopExpecting: () => void;

  /**
   * Begins to listen.
   *
   * @param reactor The reactor that the connections belong to.
   * @param options Where and how to listen.
   * @param onAccept Called with each connection.
   * @throws {TypeError} If there is no port, path, listener or descriptor, if a `cert` has no `key`,
   * if an option has no effect, if the descriptor does not listen, or if the reactor is shut down.
   * @throws {RangeError} If the priority is not 0 to 9, or if `port`, `descriptor`, `tcpBacklog` or
   * `maxConnections` is not a whole number.
   * @throws {Deno.errors.NotSupported} If `noDelay: true` is given with TLS and is not possible, or a
   * `descriptor` is given and the selector is not `"epoll"`.
   * @throws {Deno.errors.AddrInUse} If the address is in use; and whatever else Deno throws.
   */
  constructor(reactor: Reactor, options: AcceptorOptions, onAccept: (socket: Socket) => void) {
    checkReactor(reactor, "listen", "new Acceptor(reactor, options, onAccept)");
    refuseUnknown("listen", options, ACCEPTOR);
    checkCallback(onAccept, "call onAccept with each connection");
    this.#reactor = reactor;
    this.#options = options;
    this.#onAccept = onAccept;
    const { noDelay, maxConnections = Infinity } = options;
    this.#max = checkMax(maxConnections);
    const listener = options.descriptor === undefined ? listenAt(options) : descriptorOf(options);
    try {
      this.#listening = reactor.listening(listener, {
        ...(noDelay !== undefined && { noDelay }),
        onReleased: (socket) => {
          this.#onReleased();
          options.onReleased?.(socket);
        },
      });
    } catch (error) {
      if (typeof listener === "object") listener.close();
      throw error;
    }
    reactor.addShutdownHook(this.#close);
    this.#stopExpecting = expectAttended(
      reactor,
      "no connection is accepted",
      () => describe(this.#listening),
    );
    try {
      this.#resume();
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** The address that it listens on. Its `port` is the real one if 0 was given. */
  get addr(): Deno.Addr {
    return this.#listening.addr;
  }

  /** The port that it listens on, or 0 if there is none. */
  get port(): number {
    return (this.addr as Partial<Deno.NetAddr>).port ?? 0;
  }

  /** How many of its connections are open. */
  get connections(): number {
    return this.#count;
  }

  /**
   * How many of its connections may be open. If there are more when you change it, they stay open.
   *
   * @throws {RangeError} If it is set to what is not a whole number of at least 1, or Infinity.
   */
  get maxConnections(): number {
    return this.#max;
  }

  set maxConnections(max: number) {
    this.#max = checkMax(max);
    if (this.#listening.closed || this.#failing) return;
    if (this.#count >= max && !this.#paused) this.#pause();
    else if (this.#count < max && this.#paused) this.#resume();
  }

  /** Whether its connections use TLS. */
  get tls(): boolean {
    return this.#options.cert !== undefined || isTls(this.#options.listener);
  }

  /** Stops listening. Accepted connections stay open. */
  close(): void {
    this.#close();
  }

  /** The same as {@linkcode Acceptor.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #close = (): void => {
    if (this.#listening.closed) return;
    this.#reactor.removeShutdownHook(this.#close);
    this.#stopExpecting();
    this.#reactor.removeReader(this.#listening);
    this.#listening.close();
    const { path } = this.#options;
    if (path === undefined) return;
    try {
      Deno.removeSync(path);
    } catch {
      // Removing is not permitted, or is done already.
    }
  };

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
    if (this.#paused && !this.#failing && this.#count < this.#max) this.#resume();
  }

  #accept(): void {
    for (let i = 0; i < MAX_AT_ONCE && this.#acceptOne(); i++);
  }

  /** Accepts one connection. Returns whether there may be more. */
  #acceptOne(): boolean {
    if (this.#listening.closed || this.#paused) return false;
    let socket: Socket | undefined;
    try {
      socket = this.#listening.accept();
    } catch (error) {
      this.#onFailure(error);
    }
    if (socket === undefined) return false;
    this.#failing = false;
    if (++this.#count >= this.#max) this.#pause();
    try {
      checkResult(this.#onAccept(socket));
    } catch (error) {
      socket.abort();
      this.#reactor.onError(error, `callback of ${describe(this.#listening)}`);
    }
    return true;
  }

  #onFailure(error: unknown): void {
    this.#pause();
    this.#reactor.addTimer(PAUSE_MS, () => this.#resume());
    if (this.#failing) return;
    this.#failing = true;
    this.#reactor.onError(error, `accept of ${describe(this.#listening)}, which pauses`);
  }
}

function checkMax(max: number): number {
  return whole(max, "listen: maxConnections", 1);
}

function descriptorOf(options: AcceptorOptions): number {
  refuse(options, ["listener", "port", "path", ...ONLY_WITH_PORT], "listen", "with a descriptor");
  return whole(options.descriptor!, "listen: descriptor", 0, MAX_INT);
}

function listenAt(options: AcceptorOptions): Deno.Listener {
  try {
    return listen(options);
  } catch (error) {
    throw aboutAddress(error, "listen on", options.hostname ?? "0.0.0.0", options);
  }
}

function listen(options: AcceptorOptions): Deno.Listener {
  const { port, path, listener, cert, key, hostname, alpnProtocols, reusePort, tcpBacklog } =
    options;
  if (listener !== undefined) {
    refuse(options, ["port", "path", ...ONLY_WITH_PORT], "listen", "with a listener");
    return listener;
  }
  if (path !== undefined) {
    refuse(options, ["port", ...ONLY_WITH_PORT, "noDelay"], "listen", "with a path");
    checkPath("listen", path);
    return Deno.listen({ transport: "unix", path });
  }
  if (port === undefined) {
    throw new TypeError(
      "Cannot listen: give a port (0 is any free port), a path, a listener or a descriptor",
    );
  }
  whole(port, "listen: port", 0, MAX_PORT);
  if (tcpBacklog !== undefined) whole(tcpBacklog, "listen: tcpBacklog", 0, MAX_INT);
  checkPair("listen", cert, key);
  const at = {
    port,
    ...(hostname !== undefined && { hostname }),
    ...(reusePort !== undefined && { reusePort }),
    ...(tcpBacklog !== undefined && { tcpBacklog }),
  };
  if (cert !== undefined && key !== undefined) {
    return Deno.listenTls({ ...at, cert, key, ...(alpnProtocols && { alpnProtocols }) });
  }
  refuse(options, ["alpnProtocols"], "listen", "without TLS");
  return Deno.listen(at);
}

/**
 * A coroutine function only makes a coroutine. Nobody would run it, and its connection would stay
 * open and silent.
 */
function checkResult(result: unknown): void {
  if (typeof (result as Generator | undefined)?.next !== "function") return;
  throw new TypeError(
    "Cannot serve a connection: the callback returned a coroutine, which nobody runs; write (socket) => gio(reactor, socket, main())",
  );
}
