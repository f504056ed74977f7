import type { Coroutine } from "../../compose/mod.ts";
import { isInCoroutine } from "../../gio/_driver.ts";
import type { Context } from "../../gio/mod.ts";
import { names, refuseUnknown } from "../../reactor/_known.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { Switching } from "../_switching.ts";
import type { HeadersToSend } from "../headers_to_send.ts";
import type { HttpRequest } from "../http_request.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import { acceptRequest, checkOrigins, ownHeaders } from "./_handshake.ts";
import { endpointOf, settingsOf } from "./_settings.ts";
import { OpenWebSocket, type WebSocketConnection } from "./web_socket_connection.ts";
import type { WebSocketOptions } from "./web_socket_options.ts";

/**
 * The options of {@linkcode accept}.
 *
 * @category WebSocket
 */
export interface AcceptOptions extends WebSocketOptions {
  /**
   * The origins whose pages may open a WebSocket: `"own"` for those of this server, or a list such as
   * `["https://example.org"]`. Others are answered with 403. A program other than a browser may tell any
   * origin, or none, which is accepted.
   *
   * @default {all}
   */
  origins?: "own" | readonly string[];
  /** More headers of the answer, such as cookies, but none that the handshake itself has. */
  headers?: HeadersToSend;
}

const OPTIONS = names<AcceptOptions>({
  protocols: 1,
  compression: 1,
  limits: 1,
  timeouts: 1,
  origins: 1,
  headers: 1,
});

const WHAT = "accept a WebSocket";

/**
 * Answers a request by opening a WebSocket: `const socket = yield* accept(request)`, in a handler.
 *
 * From then on the handler is in it: a bare `yield` gives the next message, a string or bytes, and
 * `yield message` sends one. The same handler serves HTTP/1.1 (RFC 6455) and HTTP/2 (RFC 8441). When it
 * returns, the WebSocket is closed with code 1000; when it fails, with 1011, and the error is reported.
 * When the peer has closed it, {@linkcode WebSocketEnd} is thrown at the `yield`, which may stay
 * uncaught.
 *
 * @param request The request, which must have no body.
 * @param options Subprotocols, compression, limits and timeouts.
 * @returns The WebSocket, for what `yield` cannot do.
 * @throws {TypeError} If an option does not exist, or makes no sense.
 * @throws {RangeError} If a number is out of its range.
 * @throws {RemoteProtocolError} If the request asks for no WebSocket, or in a wrong way. Uncaught, the
 * client gets its status: 426, 400, 403 or 405.
 * @throws {LocalProtocolError} If it was answered already, or the handler is in another context than its
 * request; if a header is one of the handshake itself; or if no reactor runs the handler.
 *
 * @example An echo
 * ```ts
 * import { accept } from "@weightless/io/http/websocket";
 * import { type HttpRequest, HttpServer } from "@weightless/io/http";
 * import type { Coroutine } from "@weightless/io/compose";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * function* echo(request: HttpRequest): Coroutine {
 *   yield* accept(request);
 *   for (;;) {
 *     const message = yield;
 *     yield message;
 *   }
 * }
 *
 * using reactor = new Reactor();
 * const server = new HttpServer(reactor, { hostname: "127.0.0.1", port: 0, handler: echo });
 * const running = reactor.run();
 * const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`);
 * socket.onopen = () => socket.send("hello");
 * const { data } = await new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
 * assertEquals(data, "hello");
 * const closed = new Promise((resolve) => socket.onclose = resolve);
 * socket.close();
 * await closed;
 * await server.shutdown();
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category WebSocket
 */
export function* accept(
  request: HttpRequest,
  options: AcceptOptions = {},
): Coroutine<WebSocketConnection> {
  refuseUnknown(WHAT, options, OPTIONS);
  const headers = ownHeaders(WHAT, options.headers ?? []);
  const origins = options.origins === "own" ? [request.url.origin] : options.origins;
  checkOrigins(origins);
  const settings = settingsOf(options);
  const accepted = acceptRequest(request, { ...settings, origins, headers });
  if (!isInCoroutine()) {
    throw new LocalProtocolError(
      "Cannot accept a WebSocket: run the coroutine by gio() instead of feeding it by hand",
    );
  }
  const switching = new Switching(
    accepted.head,
    (raw: Context, reactor: Reactor) =>
      endpointOf("server", raw, reactor, settings, accepted.compression),
  );
  yield switching;
  return new OpenWebSocket(switching.switched!, accepted, request.connection, switching);
}
