import { ask, type OneRequestOptions } from "./_whole_response.ts";
import type { WholeResponse } from "./whole_response.ts";

export type { OneRequestOptions, WholeResponse };

/**
 * Asks a server for a path, and reads the response, in one line: for scripts and tests.
 *
 * It has a connection of its own. A redirection is not followed, but given, unless the option
 * `redirect` says otherwise. Use an {@linkcode HttpClient} for anything larger.
 *
 * @param port The port, of this machine unless `hostname` is given.
 * @param path The path and the query, encoded. It begins with a slash.
 * @param options The host, if it is not this machine, and whatever a request may have.
 * @returns The status, the headers and the body as text.
 * @throws {RemoteProtocolError} If the server breaks the protocol, or the response is cut.
 * @throws {TimeoutError} If a phase takes too long.
 * @throws {TypeError} If the path does not begin with a slash, or an option makes no sense.
 *
 * @example A test of a server
 * ```ts
 * import { getRequest, HttpServer, ok } from "@weightless/io/http";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const running = reactor.run();
 * using server = new HttpServer(reactor, {
 *   hostname: "127.0.0.1",
 *   port: 0,
 *   *handler({ query }) {
 *     yield ok({ "content-type": "text/plain" });
 *     yield `Hello, ${query.get("name")}!`;
 *   },
 * });
 * const { status, headers, body } = await getRequest(server.port, "/?name=World");
 * assertEquals([status, headers.get("content-type"), body], [200, "text/plain", "Hello, World!"]);
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category Client
 */
export function getRequest(
  port: number,
  path: string,
  options: OneRequestOptions = {},
): Promise<WholeResponse> {
  return ask("GET", port, path, options);
}
