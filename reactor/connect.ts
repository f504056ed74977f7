import type { Reactor } from "./reactor.ts";
import type { Socket } from "./socket.ts";

/** Options of {@linkcode connect}. */
export interface ConnectOptions extends Deno.ConnectOptions {
  /** Gives up when it aborts. */
  signal?: AbortSignal;
  /** Sends small pieces at once (TCP_NODELAY). @default {true} */
  noDelay?: boolean;
}

/**
 * Makes a TCP connection whose socket belongs to `reactor`.
 *
 * @throws whatever `Deno.connect` throws, for example `Deno.errors.ConnectionRefused`
 * @throws the reason of `signal` when that aborts first
 *
 * @example
 * ```ts
 * import { connect, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * using socket = await connect(reactor, { hostname: "127.0.0.1", port: listener.addr.port });
 * assertEquals(socket.remoteAddr, listener.addr);
 * ```
 */
export async function connect(reactor: Reactor, options: ConnectOptions): Promise<Socket> {
  const { signal, noDelay = true, ...rest } = options;
  const conn = await Deno.connect({ ...rest, ...(signal && { signal }) });
  return reactor.adopt(conn, { noDelay });
}
