import type { Coroutine } from "../compose/mod.ts";
import { Observable } from "../pipeline/mod.ts";
import type { AcceptorOptions, Reactor } from "../reactor/mod.ts";
import { Listener } from "./_serve.ts";

/** What a {@linkcode Server} tells of a connection. */
export interface ConnectionInfo {
  /** The far address. */
  remoteAddr: Deno.Addr | undefined;
  /** The near address. */
  localAddr: Deno.Addr | undefined;
  /** Whether it is secured by TLS. */
  tls: boolean;
}

/** The messages of {@linkcode Server}. */
export interface ServerMessages {
  /** Speaks a protocol on a connection: a coroutine over bytes. */
  processConnection(info: ConnectionInfo): Coroutine;
}

/**
 * A server as a component: it accepts connections, and its observers speak on them.
 *
 * Each connection is a message `processConnection(info)`, sent with `any`.
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
 */
export class Server extends Observable<ServerMessages> implements Disposable {
  readonly #listener: Listener;

  /**
   * Begins to listen.
   *
   * @throws {Deno.errors.AddrInUse} If the port is taken; and whatever else `Deno.listen` throws.
   */
  constructor(reactor: Reactor, options: AcceptorOptions) {
    super();
    this.#listener = new Listener(
      reactor,
      options,
      ({ remoteAddr, localAddr }, tls) =>
        this.any.processConnection({ remoteAddr, localAddr, tls }),
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

  /** A URL that reaches it if it speaks HTTP, for example `http://127.0.0.1:8000/`. */
  get url(): string {
    return this.#listener.url;
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
