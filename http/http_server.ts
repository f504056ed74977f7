import type { AcceptorOptions, Reactor } from "../reactor/mod.ts";
import { allLimits } from "./_limits.ts";
import { Listener } from "./_serve.ts";
import type { HttpHandler, HttpProtocolOptions } from "./http_handler.ts";
import { httpProtocol } from "./http_protocol.ts";

/** Options of {@linkcode HttpServer}: where to listen, as of an `Acceptor`, how to speak, and who answers. */
export type HttpServerOptions = AcceptorOptions & HttpProtocolOptions & {
  /** Answers each request. */
  handler: HttpHandler;
};

/**
 * An HTTP/1.1 server, on a reactor.
 *
 * What a handler does not catch is reported to the reactor's `onError`, unless `onError` is given. A client that goes away
 * ends the handler quietly, through its `finally`s, when it next reads or writes: one that only waits does not notice.
 * Tasks that a handler has spawned, files that it has opened, and timeouts that it has set end with its request: wait for the
 * tasks that are to be finished.
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
   * @throws {RangeError} If one of the limits is no whole number, or Infinity.
   * @throws {Deno.errors.AddrInUse} And whatever else `Deno.listen` throws.
   */
  constructor(reactor: Reactor, options: HttpServerOptions) {
    const { handler, limits, onError, clock, ...listening } = options;
    const protocol = {
      limits: allLimits(limits),
      ...(onError && { onError }),
      ...(clock && { clock }),
    };
    this.#listener = new Listener(reactor, listening, () => httpProtocol(handler, protocol));
  }

  /** The address listened on. */
  get addr(): Deno.Addr {
    return this.#listener.addr;
  }

  /** The port listened on. */
  get port(): number {
    return this.#listener.port;
  }

  /** Where it can be reached, for example `http://127.0.0.1:8000/`. */
  get url(): string {
    return this.#listener.url;
  }

  /** Stops listening. Connections that are open live on. */
  close(): void {
    this.#listener.close();
  }

  /** As {@linkcode HttpServer.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
