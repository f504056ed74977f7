/** What the server and the components share: the protocol on a connection of a reactor. */
import type { Coroutine } from "../compose/mod.ts";
import { currentGio } from "../gio/mod.ts";
import type { Reactor, Socket } from "../reactor/mod.ts";
import { wasReported } from "./_reported.ts";
import type { HttpProtocolOptions } from "./http_protocol.ts";

/** With the defaults of a reactor: it is told of errors, and a handler may enter contexts of its own, or transfer. */
export function protocolOptions(
  reactor: Reactor,
  options: HttpProtocolOptions,
): HttpProtocolOptions {
  return {
    onError: (error, { method, target }) =>
      reactor.onError(error, `handler of ${method} ${target}`),
    ...options,
    isElsewhere: () => currentGio().isElsewhere,
    onStart: (handler) => currentGio().inner = handler,
    unread: (bytes) => {
      const gio = currentGio();
      gio.pushBack(gio.innermost, [bytes]);
    },
  };
}

/** Runs a protocol on its socket, which is aborted when an answer was cut off; who is to know why has been told. */
export function* served(socket: Socket, protocol: Coroutine<unknown>): Coroutine<void> {
  try {
    yield protocol;
  } catch (error) {
    if (!wasReported(error)) throw error;
    socket.abort();
  }
}

export function urlOf(scheme: string, addr: Deno.Addr): string {
  if (!("hostname" in addr)) return `${scheme}://localhost/`;
  const { hostname, port } = addr;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${scheme}://${host}:${port}/`;
}
