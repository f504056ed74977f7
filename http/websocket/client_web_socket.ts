import type { HttpHeaders } from "../http_headers.ts";
import type { WebSocketConnection } from "./web_socket_connection.ts";

/**
 * The client's end of a WebSocket: what `yield* client.webSocket(url)` gives.
 *
 * @example What the server has said when it opened it
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { HttpClient, type HttpRequest, HttpServer } from "@weightless/io/http";
 * import { accept } from "@weightless/io/http/websocket";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * function* handler(request: HttpRequest): Coroutine {
 *   yield* accept(request, { headers: { "set-cookie": "room=tea" } });
 * }
 *
 * using reactor = new Reactor();
 * using server = new HttpServer(reactor, { hostname: "127.0.0.1", port: 0, handler });
 * const running = reactor.run();
 * using client = new HttpClient();
 * const socket = await client.webSocket(server.url);
 * assertEquals(socket.headers.getAll("set-cookie"), ["room=tea"]);
 * await socket.closed;
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category WebSocket
 */
export interface ClientWebSocket extends WebSocketConnection {
  /** The headers of the server's answer. */
  readonly headers: HttpHeaders;
}
