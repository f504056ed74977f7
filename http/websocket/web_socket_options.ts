import type { WebSocketCompression } from "./web_socket_compression.ts";
import type { WebSocketLimits } from "./web_socket_limits.ts";
import type { WebSocketTimeouts } from "./web_socket_timeouts.ts";

/**
 * What both sides of a WebSocket can choose.
 *
 * @category WebSocket
 */
export interface WebSocketOptions {
  /**
   * The subprotocols: those that a server speaks, or that a client wants, its favourite first. The first
   * one of the client's that the server speaks is the one that is spoken.
   *
   * @default {none}
   */
  protocols?: readonly string[];
  /**
   * Whether messages may be compressed (RFC 7692), and how. Nobody compresses unless both sides want it.
   *
   * @default {false}
   */
  compression?: boolean | WebSocketCompression;
  /** How much the peer may send. */
  limits?: Partial<WebSocketLimits>;
  /** When Pings are sent, and how long the end may take. */
  timeouts?: Partial<WebSocketTimeouts>;
}
