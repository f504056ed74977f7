import { listed } from "../_head.ts";
import type { HttpClientOptions } from "./client_options.ts";
import { SocketPool } from "./socket_pool.ts";

/**
 * A pool that keeps no connections: each request has one of its own, and says `Connection: close`.
 * For servers that do not keep connections well, and for tests.
 *
 * @example A connection for each request
 * ```ts
 * import { call } from "@weightless/io/compose";
 * import { asProcess } from "@weightless/io/gio";
 * import { Client, EmptySocketPool, type HttpRequestMessages } from "@weightless/io/http";
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) =>
 *   new Response(request.headers.get("connection")));
 * using pool = new EmptySocketPool();
 * const top = be([new Observable<HttpRequestMessages>(), [new Client(), [pool]]]);
 * const url = `http://127.0.0.1:${server.addr.port}/`;
 * const said = await asProcess(function* () {
 *   const response = yield* call(top.any.httpRequest({ url }));
 *   return yield* call(response.text());
 * }());
 * assertEquals(said, "close");
 * ```
 *
 * @category Components
 */
export class EmptySocketPool extends SocketPool {
  /**
   * Makes a pool.
   *
   * @param options The options of the client.
   * @throws {TypeError} If an option does not exist, or makes no sense.
   * @throws {RangeError} If a number is out of its range.
   */
  constructor(options: HttpClientOptions = {}) {
    const { headers = [] } = options;
    super({ ...options, headers: [...listed(headers), ["connection", "close"]] });
  }
}
