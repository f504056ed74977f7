/**
 * How much a server may send. When it sends more, the request fails with a RemoteProtocolError and
 * the connection is closed.
 *
 * @example No more than a megabyte
 * ```ts
 * import { type ClientLimits, defaultClientLimits, HttpClient } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const limits: Partial<ClientLimits> = { maxBodyBytes: 1_000_000 };
 * using client = new HttpClient({ limits });
 * assertEquals(defaultClientLimits.maxHeaders, 200);
 * ```
 *
 * @category Client
 */
export interface ClientLimits {
  /**
   * Bytes in the status line, without its end.
   *
   * @default {8192}
   */
  maxStatusLineBytes: number;
  /**
   * Bytes in a whole head, and in the trailers.
   *
   * @default {65536}
   */
  maxHeadBytes: number;
  /**
   * Header lines in a head, and in the trailers.
   *
   * @default {200}
   */
  maxHeaders: number;
  /**
   * Interim responses (1xx) before the final one.
   *
   * @default {32}
   */
  maxInterimResponses: number;
  /**
   * Bytes in the body, as it is sent.
   *
   * @default {Infinity}
   */
  maxBodyBytes: number;
  /**
   * Bytes in the body when it has been decoded.
   *
   * @default {1_073_741_824}
   */
  maxDecodedBytes: number;
  /**
   * Bytes in all chunk extensions of a body, which are ignored.
   *
   * @default {16384}
   */
  maxChunkExtensionBytes: number;
  /**
   * Bytes of a body that nobody wants, which are read and dropped. If there are more, the connection
   * is closed.
   *
   * @default {65536}
   */
  maxDrainBytes: number;
}

/**
 * The {@linkcode ClientLimits} that are used where none are given.
 *
 * @category Client
 */
export const defaultClientLimits: Readonly<ClientLimits> = Object.freeze({
  maxStatusLineBytes: 8192,
  maxHeadBytes: 65536,
  maxHeaders: 200,
  maxInterimResponses: 32,
  maxBodyBytes: Infinity,
  maxDecodedBytes: 2 ** 30,
  maxChunkExtensionBytes: 16384,
  maxDrainBytes: 65536,
});
