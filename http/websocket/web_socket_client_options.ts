import type { HeadersToSend } from "../headers_to_send.ts";
import type { WebSocketOptions } from "./web_socket_options.ts";

/**
 * The options of `client.webSocket()`.
 *
 * @category WebSocket
 */
export interface WebSocketClientOptions extends WebSocketOptions {
  /** More headers of the request, such as Origin or Authorization, but none that the handshake itself has. */
  headers?: HeadersToSend;
  /**
   * How long the opening may take, in milliseconds.
   *
   * @default {Infinity}
   */
  timeoutMs?: number;
  /**
   * Gives up the opening when it aborts. Later it closes the WebSocket with code 1001, and what waits for
   * a message is told its reason.
   */
  signal?: AbortSignal;
  /**
   * The path of a Unix socket to connect to, instead of the host of the URL.
   *
   * @default {none}
   */
  socketPath?: string;
}
