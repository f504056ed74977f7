import { refuseUnknown } from "../reactor/_known.ts";
import { checkReactor } from "../reactor/_options.ts";
import type { Coroutine } from "../compose/mod.ts";
import { Observable } from "../pipeline/mod.ts";
import type { Reactor } from "../reactor/mod.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import { Listener, SERVER } from "./_serve.ts";
import type { ServerOptions, ServerStatistics, ShutdownOptions } from "./server_options.ts";

/**
 * The messages of {@linkcode Server}.
 *
 * @category Components
 */
export interface ServerMessages {
  /**
   * Speaks a protocol on a connection, as {@linkcode HttpProtocol} does.
   *
   * @param info What is known of the connection: its addresses, TLS, and whether the server shuts
   * down.
   * @returns The coroutine for the connection. Its bare `yield`s read bytes, and what it yields is
   * sent. The connection is closed when it ends.
   */
  processConnection(info: ConnectionInfo): Coroutine;
}

/**
 * A server as a component: it accepts connections, and its observers speak on them.
 *
 * Each connection is a message `processConnection(info)`, sent with `any`. While it runs you may read
 * and set `server.maxConnections`.
 *
 * @example A line of welcome
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { Server } from "@weightless/io/http";
 * import { be } from "@weightless/io/pipeline";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * class Welcome {
 *   *processConnection(): Coroutine {
 *     yield "Welcome!";
 *   }
 * }
 *
 * using reactor = new Reactor();
 * const server = be([new Server(reactor, { hostname: "127.0.0.1", port: 0 }), [new Welcome()]]);
 * const running = reactor.run();
 * using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
 * const buffer = new Uint8Array(100);
 * const length = await conn.read(buffer);
 * assertEquals(new TextDecoder().decode(buffer.subarray(0, length!)), "Welcome!");
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category Components
 */
export class Server extends Observable<ServerMessages> implements Disposable {
  readonly #listener: Listener;

  /**
   * Begins to listen.
   *
   * @param reactor The reactor that runs the connections.
   * @param options Where to listen, and how many connections may be open.
   * @throws {TypeError} If an option is unknown or has no effect.
   * @throws {RangeError} If a number is out of its range.
   * @throws {Deno.errors.AddrInUse} If the port is taken; and whatever else `Deno.listen` throws.
   */
  constructor(reactor: Reactor, options: ServerOptions) {
    checkReactor(reactor, "listen", "new Server(reactor, options)");
    refuseUnknown("listen", options, SERVER);
    super();
    this.#listener = new Listener(
      reactor,
      options,
      (info) => this.any.processConnection(info),
    );
  }

  /** The address on which it listens. */
  get addr(): Deno.Addr {
    return this.#listener.addr;
  }

  /** The port on which it listens. */
  get port(): number {
    return this.#listener.port;
  }

  /**
   * A URL that reaches it if it speaks HTTP, for example `http://127.0.0.1:8000/`.
   *
   * No URL names a Unix socket. There it is `http://localhost/`, for a client that is told the path
   * beside it: `curl --unix-socket /run/app.sock http://localhost/`, or
   * `Deno.createHttpClient({ proxy: { transport: "unix", path } })`.
   */
  get url(): string {
    return this.#listener.url;
  }

  /**
   * How many connections may be open. If there are more when you change it, they stay open.
   *
   * @throws {RangeError} If it is set to what is not a whole number of at least 1, or Infinity.
   */
  get maxConnections(): number {
    return this.#listener.maxConnections;
  }

  set maxConnections(max: number) {
    this.#listener.maxConnections = max;
  }

  /**
   * Counts connections.
   *
   * @returns The numbers of this moment, which do not change any more.
   */
  statistics(): ServerStatistics {
    return this.#listener.statistics();
  }

  /**
   * Stops listening, and waits until the connections have come to their end. Those that speak HTTP
   * end as those of {@linkcode HttpServer.shutdown}, others are told by
   * {@linkcode ConnectionInfo.closing}. What is left at the deadline is aborted.
   *
   * @param options The deadline.
   * @returns A promise that resolves when no connection is left. The reactor must run meanwhile.
   * @throws {RangeError} If the deadline is not a number of milliseconds of at least 0.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    return this.#listener.shutdown(options);
  }

  /** Stops listening. Open connections go on. */
  close(): void {
    this.#listener.close();
  }

  /** As {@linkcode Server.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
