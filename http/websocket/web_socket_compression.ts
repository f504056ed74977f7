/**
 * How messages of a WebSocket are compressed (RFC 7692).
 *
 * With context takeover, a message is compressed with what is known from those before it. Many small
 * messages of the same form become much smaller so. It costs memory as long as the connection is
 * open: up to 2 to the power of `peerMaxWindowBits` bytes for what we receive, and about 300 KB for
 * what we send.
 *
 * @category WebSocket
 */
export interface WebSocketCompression {
  /**
   * Whether our messages are compressed with what is known from those before. The peer may refuse it.
   *
   * @default {false}
   */
  contextTakeover?: boolean;
  /**
   * Whether the peer may do so.
   *
   * @default {false}
   */
  peerContextTakeover?: boolean;
  /**
   * How far our messages refer back, in bytes, as an exponent of 2: from 8 to 15. With 8 they are
   * hardly compressed. The peer may ask for less.
   *
   * @default {15}
   */
  maxWindowBits?: number;
  /**
   * How far messages of the peer may refer back. A peer that cannot restrict itself gets no
   * compression. This matters only with its context takeover.
   *
   * @default {15}
   */
  peerMaxWindowBits?: number;
  /**
   * How hard to try, from 1 to 9. More takes more time and often makes less.
   *
   * @default {2}
   */
  level?: number;
  /**
   * Messages of fewer bytes are sent as they are.
   *
   * @default {1024, or 64 with context takeover}
   */
  minBytes?: number;
}
