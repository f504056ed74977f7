/** What the server and the components share: the protocol on a connection of a reactor. */
import { currentGio, type Gio } from "../gio/mod.ts";
import type { Reactor } from "../reactor/mod.ts";
import type { HttpProtocolOptions } from "./http_protocol.ts";

/** With the defaults of a reactor: it is told of errors, and a handler may enter contexts of its own. */
export function protocolOptions(
  reactor: Reactor,
  options: HttpProtocolOptions,
): HttpProtocolOptions {
  return {
    onError: (error, { method, target }) =>
      reactor.onError(error, `handler of ${method} ${target}`),
    ...options,
    isElsewhere: () => currentGio().isElsewhere,
  };
}

/** A connection that breaks has told `onError` why: its result is nobody's business. */
export function quietly(connection: Gio): void {
  connection.result.catch(() => {});
}

export function urlOf(scheme: string, addr: Deno.Addr): string {
  if (!("hostname" in addr)) return `${scheme}://localhost/`;
  const { hostname, port } = addr;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${scheme}://${host}:${port}/`;
}
