import { ask, type OneRequestOptions } from "./_whole_response.ts";
import type { WholeResponse } from "./whole_response.ts";
import type { RequestContent } from "./client_options.ts";

/**
 * Posts a body to a path of a server, and reads the response, in one line: for scripts and tests. As
 * {@linkcode getRequest} in all else.
 *
 * @param port The port, of this machine unless `hostname` is given.
 * @param path The path and the query, encoded. It begins with a slash.
 * @param body The body: text, bytes, a form, or whatever a request may send.
 * @param options The host, if it is not this machine, and whatever a request may have.
 * @returns The status, the headers and the body as text.
 * @throws {RemoteProtocolError} If the server breaks the protocol, or the response is cut.
 * @throws {TimeoutError} If a phase takes too long.
 * @throws {TypeError} If the path does not begin with a slash, or an option makes no sense.
 *
 * @example An order
 * ```ts
 * import { postRequest } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = Deno.serve(
 *   { hostname: "127.0.0.1", port: 0, onListen() {} },
 *   async (request) => new Response(`${await request.text()} ordered`, { status: 201 }),
 * );
 * const { status, body } = await postRequest(server.addr.port, "/orders", "2 loaves");
 * assertEquals([status, body], [201, "2 loaves ordered"]);
 * ```
 *
 * @category Client
 */
export function postRequest(
  port: number,
  path: string,
  body: RequestContent,
  options: Omit<OneRequestOptions, "body"> = {},
): Promise<WholeResponse> {
  return ask("POST", port, path, { ...options, body });
}
