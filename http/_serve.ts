/** What the server and the components share: the protocol on a connection of a reactor. */
import type { Coroutine } from "../compose/mod.ts";
import { currentDriver } from "../gio/_driver.ts";
import { here, type Reactor, type Socket } from "../reactor/mod.ts";
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
    isElsewhere: () => currentDriver("http").isElsewhere,
    onStart: (handler) => currentDriver("http").inner = handler,
    unread: (bytes) => currentDriver("http").takeBack(currentDriver("http").lend(here), [bytes]),
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
