import type { WholeResponse } from "../client/whole_response.ts";
import { reasonOf } from "../_status.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";

/**
 * The server has answered the request of `client.webSocket()`, but has not opened a WebSocket: it wants
 * another token (401), knows no such path (404), has moved (302), or is busy (503).
 *
 * @example Asking again with a token
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { HttpClient, type HttpRequest, HttpServer, response } from "@weightless/io/http";
 * import { accept, WebSocketRefused } from "@weightless/io/http/websocket";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assert, assertEquals } from "@std/assert";
 *
 * function* handler(request: HttpRequest): Coroutine {
 *   if (request.headers.get("authorization") !== "Bearer new") {
 *     yield response(401, { "www-authenticate": "Bearer" });
 *     yield "The token has expired";
 *     return;
 *   }
 *   yield* accept(request);
 *   for (;;) yield;
 * }
 *
 * using reactor = new Reactor();
 * using server = new HttpServer(reactor, { hostname: "127.0.0.1", port: 0, handler });
 * const running = reactor.run();
 * using client = new HttpClient();
 * const open = (token: string) =>
 *   client.webSocket(server.url, { headers: { authorization: `Bearer ${token}` } });
 * let socket;
 * try {
 *   socket = await open("old");
 * } catch (error) {
 *   if (!(error instanceof WebSocketRefused) || error.response.status !== 401) throw error;
 *   assertEquals(error.response.headers.get("www-authenticate"), "Bearer");
 *   assertEquals(error.response.body, "The token has expired");
 *   socket = await open("new");
 * }
 * assert(socket.isOpen);
 * socket.close();
 * await socket.closed;
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category WebSocket
 */
export class WebSocketRefused extends RemoteProtocolError {
  /** `"WebSocketRefused"`. */
  override readonly name = "WebSocketRefused";
  /**
   * What the server has answered. Of the body it is the beginning: as much of the first 16 KiB as has come
   * within a second.
   */
  readonly response: WholeResponse;

  /**
   * Makes one. Its own status is 502, which a proxy answers.
   *
   * @param response What the server has answered.
   * @param options The cause.
   */
  constructor(response: WholeResponse, options: ErrorOptions = {}) {
    const { status } = response;
    super(
      `Cannot open a WebSocket: the server answers ${status} ${reasonOf(status)} (RFC 6455 4.1)`,
      { ...options, status: 502 },
    );
    this.response = response;
  }
}
