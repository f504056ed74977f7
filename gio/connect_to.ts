import { connect, type ConnectOptions, type Socket } from "../reactor/mod.ts";
import type { Gio } from "./gio.ts";
import { Opened } from "./opened.ts";
import { Operation } from "./operation.ts";

class ConnectTo extends Operation<Opened<Socket>> {
  readonly #options: ConnectOptions;
  readonly #abort = new AbortController();

  constructor(options: ConnectOptions) {
    super();
    this.#options = options;
  }

  override start(gio: Gio): void {
    const signal = this.#options.signal === undefined
      ? this.#abort.signal
      : AbortSignal.any([this.#options.signal, this.#abort.signal]);
    connect(gio.reactor, { ...this.#options, signal }).then((socket) => {
      if (this.#abort.signal.aborted) socket.abort();
      else gio.resume(this, new Opened(gio, socket));
    }, (error) => gio.fail(this, error));
  }

  override cancel(): void {
    this.#abort.abort();
  }
}

/**
 * Connects from within a coroutine: `using peer = yield* connectTo({ hostname, port })`.
 *
 * All addresses of the name are tried. The connection is a context: `using _ = enter(peer)`.
 *
 * @param options Where to, and how: as for {@linkcode connect} of the reactor.
 * @returns The operation to `yield*`, which gives the opened socket; throws what connecting throws.
 *
 * @example A client
 * ```ts
 * import { asProcess, connectTo, enter } from "@weightless/io/gio";
 * import { assertEquals } from "@std/assert";
 *
 * using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const served = listener.accept().then(async (conn) => {
 *   await conn.write(new TextEncoder().encode("hi"));
 *   conn.close();
 * });
 * const greeting = await asProcess(function* () {
 *   using peer = yield* connectTo({ hostname: "127.0.0.1", port: listener.addr.port });
 *   using _ = enter(peer);
 *   return new TextDecoder().decode(yield);
 * }());
 * assertEquals(greeting, "hi");
 * await served;
 * ```
 */
export function connectTo(options: ConnectOptions): Operation<Opened<Socket>> {
  return new ConnectTo(options);
}
