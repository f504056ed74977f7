import { Request, type Waiter } from "../compose/mod.ts";
import { connect, type ConnectOptions, type Socket } from "../reactor/mod.ts";
import { currentDriver } from "./_driver.ts";
import { Opened } from "./opened.ts";

class ConnectTo extends Request<Opened<Socket>> {
  readonly #options: ConnectOptions;

  constructor(options: ConnectOptions) {
    super();
    this.#options = options;
  }

  override begin(waiter: Waiter<Opened<Socket>>): () => void {
    const driver = currentDriver("connectTo()");
    const abort = new AbortController();
    const signal = this.#options.signal === undefined
      ? abort.signal
      : AbortSignal.any([this.#options.signal, abort.signal]);
    connect(driver.reactor, { ...this.#options, signal }).then((socket) => {
      if (abort.signal.aborted) socket.abort();
      else waiter.resume(new Opened(driver, socket));
    }, (error) => waiter.fail(error));
    return () => abort.abort();
  }
}

/**
 * Connects from within a coroutine: `using peer = yield* connectTo({ hostname, port })`.
 *
 * All addresses of the name are tried. The connection is a context: `using _ = enter(peer)`.
 *
 * @param options Where to, and how: as for {@linkcode connect} of the reactor.
 * @returns The request to `yield*`, which gives the opened socket.
 * @throws {Deno.errors.ConnectionRefused} At the `yield*`, if nobody listens there; and whatever else
 * connecting throws.
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
 *
 * @category Contexts
 */
export function connectTo(options: ConnectOptions): Request<Opened<Socket>> {
  return new ConnectTo(options);
}
