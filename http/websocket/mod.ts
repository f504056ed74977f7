/**
 * WebSocket (RFC 6455) as coroutines, over HTTP/1.1 and HTTP/2: a bare `yield` is a message, and
 * `yield message` sends one.
 *
 * Start with:
 *
 * - {@linkcode accept}: opens one in a handler of a server. A client does so by `client.webSocket(url)`
 * - {@linkcode WebSocketConnection}: what both have then, for coroutines and for plain async code
 * - {@linkcode Broadcast}: sends to many, and waits for none
 *
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { asProcess } from "@weightless/io/gio";
 * import { HttpClient, type HttpRequest, HttpServer } from "@weightless/io/http";
 * import { accept } from "@weightless/io/http/websocket";
 * import { Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * function* shout(request: HttpRequest): Coroutine {
 *   yield* accept(request);
 *   for (;;) {
 *     const message = yield; // WebSocketEnd is thrown here when the client closes
 *     yield message.toUpperCase();
 *   }
 * }
 *
 * using reactor = new Reactor();
 * const server = new HttpServer(reactor, { hostname: "127.0.0.1", port: 0, handler: shout });
 * const running = reactor.run();
 * const answer = await asProcess(function* () {
 *   using client = new HttpClient();
 *   yield* client.webSocket(server.url);
 *   yield "hello";
 *   return yield;
 * }());
 * assertEquals(answer, "HELLO");
 * await server.shutdown();
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * Whoever writes waits while the peer does not read, and what is received stops while nobody reads it.
 * A message may be read and written piece by piece, so that it need not fit into memory:
 * {@linkcode IncomingMessage}, {@linkcode OutgoingMessage}.
 *
 * @module
 */
import "../_machinery.ts";

export * from "./accept.ts";
export * from "./broadcast.ts";
export type { ClientWebSocket } from "./client_web_socket.ts";
export * from "./incoming_message.ts";
export * from "./outgoing_message.ts";
export type { WebSocketCompression } from "./web_socket_compression.ts";
export type { WebSocketClientOptions } from "./web_socket_client_options.ts";
export type { WebSocketConnection } from "./web_socket_connection.ts";
export * from "./web_socket_end.ts";
export * from "./web_socket_fault.ts";
export * from "./web_socket_limits.ts";
export * from "./web_socket_refused.ts";
export type { WebSocketOptions } from "./web_socket_options.ts";
export * from "./web_socket_timeouts.ts";
export type { MessageType } from "./_wire.ts";
