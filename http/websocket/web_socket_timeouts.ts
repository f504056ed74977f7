/**
 * How long a WebSocket waits for its peer, in milliseconds. `Infinity` means no limit.
 *
 * @example Peers that vanish are found out within half a minute
 * ```ts
 * import { defaultWebSocketTimeouts, type WebSocketTimeouts } from "@weightless/io/http/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const timeouts: Partial<WebSocketTimeouts> = { pingMs: 20_000, pongMs: 10_000 };
 * assertEquals(defaultWebSocketTimeouts.pingMs, 30_000);
 * ```
 *
 * @category WebSocket
 */
export interface WebSocketTimeouts {
  /**
   * After this time without anything from the peer it is sent a Ping. `Infinity` means that there are
   * no automatic Pings.
   *
   * @default {30000}
   */
  pingMs: number;
  /**
   * So long the peer may be silent after a Ping. Then the connection counts as lost. While more
   * has come than is kept for whoever reads, this time does not count.
   *
   * @default {20000}
   */
  pongMs: number;
  /**
   * So long the end may take: the peer has to say its own Close, and until then to take something of what was
   * sent at least that often.
   *
   * @default {5000}
   */
  closeMs: number;
}

/**
 * The timeouts of a WebSocket that has no others.
 *
 * @category WebSocket
 */
export const defaultWebSocketTimeouts: Readonly<WebSocketTimeouts> = Object.freeze({
  pingMs: 30_000,
  pongMs: 20_000,
  closeMs: 5_000,
});
