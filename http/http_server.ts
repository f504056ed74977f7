import type { Reactor } from "../reactor/mod.ts";
import { checkReactor } from "../reactor/_options.ts";
import { checkHandler } from "./_connection.ts";
import { Opening } from "./_opening.ts";
import { refuse } from "./_overloaded.ts";
import { Listener, SERVER } from "./_serve.ts";
import { refuseUnknown } from "./_limits.ts";
import { PROTOCOL, Settings } from "./_settings.ts";
import type { HttpHandler, HttpProtocolOptions } from "./http_handler.ts";
import type { HttpLimits } from "./http_limits.ts";
import type { HttpTimeouts } from "./http_timeouts.ts";
import type { ServerOptions, ServerStatistics, ShutdownOptions } from "./server_options.ts";

/**
 * Options of {@linkcode HttpServer}: where to listen ({@linkcode ServerOptions} and
 * {@linkcode AcceptorOptions}), the protocol ({@linkcode HttpProtocolOptions}), and the handler.
 *
 * @category Server
 */
export interface HttpServerOptions extends ServerOptions, HttpProtocolOptions {
  /** Answers each request. */
  handler: HttpHandler;
  /**
   * What happens to connections beyond `maxConnections`: they wait in the kernel until others have
   * ended, or their requests are answered with 503 (Service Unavailable), see
   * {@linkcode HttpProtocolOptions.errorHandler}, and they are closed after that.
   *
   * @default {"wait"}
   */
  overload?: "wait" | 503;
}

/**
 * What `HttpServer.statistics` tells.
 *
 * @category Server
 */
export interface HttpServerStatistics extends ServerStatistics {
  /** Requests so far, without those on connections that were refused. */
  readonly requests: number;
}

const OF_SERVER = ["handler", "overload"];
const ALL = [...SERVER, ...PROTOCOL, ...OF_SERVER];

/**
 * An HTTP server, on a reactor: of HTTP/1.1, and of HTTP/2 for clients that begin with it.
 *
 * Errors that a handler does not catch are reported to the reactor's `onError`, unless `onError` is
 * given. When a client goes away, its handler ends quietly, through its `finally`s, at its next
 * read or write. A handler that only waits is told by `request.signal`. Tasks, open files and
 * timeouts of a handler end with its request: wait for a task that has to be finished.
 *
 * No client can keep it from serving others for long: all that a client does has a limit, in size
 * ({@linkcode HttpLimits}) and in time ({@linkcode HttpTimeouts}). While it runs you may read and set
 * `server.limits`, `server.timeouts` and `server.maxConnections`.
 *
 * @example Saying hello
 * ```ts
 * import { HttpServer, ok } from "@weightless/io/http";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const server = new HttpServer(reactor, {
 *   hostname: "127.0.0.1",
 *   port: 0,
 *   *handler(request) {
 *     yield ok({ "content-type": "text/plain" });
 *     yield `Hello ${request.path}!`;
 *   },
 * });
 * const running = reactor.run();
 * assertEquals(await (await fetch(new URL("/world", server.url))).text(), "Hello /world!");
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category Server
 */
export class HttpServer implements Disposable {
  readonly #listener: Listener;
  readonly #settings: Settings;

  /**
   * Begins to listen.
   *
   * @param reactor The reactor that runs the connections.
   * @param options Where to listen, the limits, and the handler.
   * @throws {TypeError} If the handler is not a function, or an option is unknown or has no effect.
   * @throws {RangeError} If a limit or a timeout is not a number that makes sense.
   * @throws {Deno.errors.AddrInUse} If the port is taken; and whatever else `Deno.listen` throws.
   */
  constructor(reactor: Reactor, options: HttpServerOptions) {
    checkReactor(reactor, "listen", "new HttpServer(reactor, options)");
    refuseUnknown("serve HTTP", options, ALL);
    const { handler, overload = "wait" } = options;
    checkHandler(handler);
    if (overload !== "wait" && overload !== 503) {
      throw new TypeError(`Cannot serve HTTP: overload must be "wait" or 503`);
    }
    const settings = this.#settings = new Settings(options);
    const refusing = new Settings({
      ...options,
      limits: { ...settings.limits, maxRequests: 1 },
      timeouts: { ...settings.timeouts, idleMs: Math.min(10_000, settings.timeouts.idleMs) },
    });
    this.#listener = new Listener(
      reactor,
      {
        // What the client likes best of these is chosen.
        ...(options.cert !== undefined && settings.http2 && { alpnProtocols: ["h2", "http/1.1"] }),
        ...Object.fromEntries(Object.entries(options).filter(([name]) => SERVER.includes(name))),
      },
      (info) => new Opening(handler, settings, info).run(),
      (info) => new Opening(refuse, refusing, info).run(),
      overload === 503,
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
   * A URL that reaches it, for example `http://127.0.0.1:8000/`.
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
   * How much a client may send. What you change counts for the connections that come later. You may
   * give some of the limits; the others stay as they are.
   *
   * @throws {RangeError} If a limit is neither a whole number nor Infinity.
   */
  get limits(): HttpLimits {
    return this.#settings.limits;
  }

  set limits(limits: Partial<HttpLimits>) {
    this.#settings.limits = { ...this.#settings.limits, ...limits };
  }

  /**
   * How long a client may take. What you change counts from the next phase of each connection on. You
   * may give some of the timeouts; the others stay as they are.
   *
   * @throws {RangeError} If one is not a number of milliseconds above 0.
   */
  get timeouts(): HttpTimeouts {
    return this.#settings.timeouts;
  }

  set timeouts(timeouts: Partial<HttpTimeouts>) {
    this.#settings.timeouts = { ...this.#settings.timeouts, ...timeouts };
  }

  /**
   * Counts connections and requests.
   *
   * @returns The numbers of this moment, which do not change any more.
   */
  statistics(): HttpServerStatistics {
    return { ...this.#listener.statistics(), requests: this.#settings.requests };
  }

  /**
   * Ends in good order: stops listening, closes the connections that wait for a request, and lets the
   * others send their answer, with `connection: close`. Event streams (`text/event-stream`) end at
   * once: their handlers get `EndOfStream` where they wait, or an `AbortError` where they read the body
   * of their request, and browsers connect again. Other handlers
   * are told by {@linkcode ConnectionInfo.closing}. What is left at the deadline is aborted.
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

  /** As {@linkcode HttpServer.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
