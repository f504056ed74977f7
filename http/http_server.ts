import type { AcceptorOptions, Reactor } from "../reactor/mod.ts";
import { checkReactor } from "../reactor/_options.ts";
import { checkHandler } from "./_connection.ts";
import { allLimits, schemeOf } from "./_limits.ts";
import { Listener } from "./_serve.ts";
import type { HttpHandler, HttpProtocolOptions } from "./http_handler.ts";
import { httpProtocol } from "./http_protocol.ts";

/**
 * Options of {@linkcode HttpServer}: those of an `Acceptor`, those of `httpProtocol`, and the
 * handler.
 */
export type HttpServerOptions = AcceptorOptions & HttpProtocolOptions & {
  /** Answers each request. */
  handler: HttpHandler;
};

/**
 * An HTTP/1.1 server, on a reactor.
 *
 * Errors that a handler does not catch are reported to the reactor's `onError`, unless `onError` is
 * given. When a client goes away, its handler ends quietly, through its `finally`s, at its next
 * read or write. A handler that only waits does not notice. Tasks, open files and timeouts of a
 * handler end with its request: wait for a task that has to be finished.
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
 */
export class HttpServer implements Disposable {
  readonly #listener: Listener;

  /**
   * Begins to listen.
   *
   * @throws {TypeError} If the handler is not a function, or the scheme neither "http" nor "https".
   * @throws {RangeError} If a limit is neither a whole number nor Infinity.
   * @throws {Deno.errors.AddrInUse} If the port is taken; and whatever else `Deno.listen` throws.
   */
  constructor(reactor: Reactor, options: HttpServerOptions) {
    const { handler, limits, onError, clock, scheme, ...listening } = options;
    checkReactor(reactor, "listen", "new HttpServer(reactor, options)");
    checkHandler(handler);
    schemeOf(scheme, false);
    const protocol = {
      limits: allLimits(limits),
      ...(onError && { onError }),
      ...(clock && { clock }),
    };
    this.#listener = new Listener(
      reactor,
      listening,
      (_socket, tls) => httpProtocol(handler, { ...protocol, scheme: schemeOf(scheme, tls) }),
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

  /** A URL that reaches it, for example `http://127.0.0.1:8000/`. */
  get url(): string {
    return this.#listener.url;
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
