/**
 * The common part of HttpServer and Server: it runs a coroutine on each connection that it accepts.
 */
import type { Coroutine } from "../compose/mod.ts";
import { gio } from "../gio/mod.ts";
import { Acceptor, type AcceptorOptions, type Reactor, type Socket } from "../reactor/mod.ts";

export class Listener {
  readonly #acceptor: Acceptor;

  /** `speak` makes the coroutine of a connection, and is told whether it is secured by TLS. */
  constructor(
    reactor: Reactor,
    options: AcceptorOptions,
    speak: (socket: Socket, tls: boolean) => Coroutine,
  ) {
    this.#acceptor = new Acceptor(reactor, options, (socket) => {
      gio(reactor, socket, speak(socket, this.#acceptor.tls));
    });
  }

  get addr(): Deno.Addr {
    return this.#acceptor.addr;
  }

  get port(): number {
    return this.#acceptor.port;
  }

  get url(): string {
    const { addr } = this;
    const scheme = this.#acceptor.tls ? "https" : "http";
    if (!("hostname" in addr)) return `${scheme}://localhost/`;
    const { hostname, port } = addr;
    // A server that listens on all addresses is reached by localhost. The address itself cannot be
    // opened everywhere.
    if (hostname === "0.0.0.0" || hostname === "::") return `${scheme}://localhost:${port}/`;
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    return `${scheme}://${host}:${port}/`;
  }

  close(): void {
    this.#acceptor.close();
  }
}
