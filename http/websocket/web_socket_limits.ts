/**
 * How much a peer may send over a WebSocket. When it sends more, it gets a Close with the code 1009,
 * and nothing more is read.
 *
 * @example Small messages only
 * ```ts
 * import { defaultWebSocketLimits, type WebSocketLimits } from "@weightless/io/http/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const limits: Partial<WebSocketLimits> = { maxMessageBytes: 1000 };
 * assertEquals({ ...defaultWebSocketLimits, ...limits }.maxFragments, 16_384);
 * ```
 *
 * @category WebSocket
 */
export interface WebSocketLimits {
  /**
   * Bytes in a message that is read whole, after decompression. It is gathered in memory, so this is
   * what one connection can take. A few bytes that decompress to gigabytes end here as well.
   *
   * @default {16_777_216}
   */
  maxMessageBytes: number;
  /**
   * Bytes in the payload of one frame, as it is sent. A frame is never gathered, so a large one takes
   * no memory. It holds up the Pings and Pongs behind it, as fragments do not.
   *
   * @default {Infinity}
   */
  maxFrameBytes: number;
  /**
   * Frames of one message that is read whole. A message of empty frames would never end, and its
   * bytes would never exceed a limit.
   *
   * @default {16_384}
   */
  maxFragments: number;
  /**
   * Bytes in a message that is read piece by piece, after decompression. It takes no memory, but may
   * go on for ever.
   *
   * @default {Infinity}
   */
  maxStreamBytes: number;
}

/**
 * The {@linkcode WebSocketLimits} that are used where none are given.
 *
 * @category WebSocket
 */
export const defaultWebSocketLimits: Readonly<WebSocketLimits> = Object.freeze({
  maxMessageBytes: 16 * 1024 * 1024,
  maxFrameBytes: Infinity,
  maxFragments: 16_384,
  maxStreamBytes: Infinity,
});
