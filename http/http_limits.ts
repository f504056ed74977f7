/**
 * How much a peer may send. When it sends more, it is answered with an error and the connection is
 * closed.
 *
 * @example A server for small requests
 * ```ts
 * import { defaultLimits, serveHttp, type HttpLimits, ok } from "@weightless/io/http";
 * import { assertEquals, assertStringIncludes } from "@std/assert";
 *
 * const limits: Partial<HttpLimits> = { maxRequestLineBytes: 40 };
 * assertEquals(defaultLimits.maxRequestLineBytes, 8192);
 *
 * const protocol = serveHttp(function* () {
 *   yield ok();
 * }, { limits });
 * protocol.next();
 * const request = new TextEncoder().encode(`GET /${"long".repeat(10)} HTTP/1.1\r\n`);
 * assertStringIncludes(String(protocol.next(request).value), "HTTP/1.1 414 ");
 * ```
 *
 * @category Server
 */
export interface HttpLimits {
  /**
   * Bytes in the request line, without its end. More is answered with 414.
   *
   * @default {8192}
   */
  maxRequestLineBytes: number;
  /**
   * Bytes in the whole head, and in the trailers. More is answered with 431.
   *
   * @default {65536}
   */
  maxHeadBytes: number;
  /**
   * Header lines in the head, and in the trailers. More is answered with 431.
   *
   * @default {100}
   */
  maxHeaders: number;
  /**
   * Bytes in the body. More is answered with 413.
   *
   * @default {Infinity}
   */
  maxBodyBytes: number;
  /**
   * Bytes in all chunk extensions of a body, which are ignored. More is answered with 400.
   *
   * @default {16384}
   */
  maxChunkExtensionBytes: number;
  /**
   * Requests on one connection. It is closed after the last one. Those that come behind it are not
   * answered; over HTTP/2 their client is told so, and may send them again.
   *
   * @default {Infinity}
   */
  maxRequests: number;
  /**
   * Bytes of a body that are read and dropped after its handler has ended. If there are more, the
   * connection is closed, or the stream of HTTP/2 is reset.
   *
   * @default {65536}
   */
  maxDrainBytes: number;
  /**
   * Requests that may be under way at once on one connection of HTTP/2, also those that their client
   * has reset while their handlers go on. More are refused, and may be sent again (RFC 9113 5.1.2).
   *
   * @default {100}
   */
  maxConcurrentStreams: number;
  /**
   * Streams of one connection of HTTP/2 that are reset, by the client or because of its faults: so many
   * at once, and a thirtieth of them each second. More end the connection with ENHANCE_YOUR_CALM. That
   * is for the attacks named rapid reset and made-you-reset. A stream that has been answered before it
   * is reset counts as well.
   *
   * @default {1000}
   */
  maxResets: number;
  /**
   * Frames of one connection of HTTP/2 that bring nothing, such as PING, SETTINGS and empty DATA: so
   * many at once, and a tenth of them each second, and some for each frame that brings something.
   * SETTINGS count once more for each 64 bytes. More end the connection with ENHANCE_YOUR_CALM. That
   * is for floods of such frames.
   *
   * @default {1000}
   */
  maxIdleFrames: number;
}

/**
 * The {@linkcode HttpLimits} that are used where none are given.
 *
 * @category Server
 */
export const defaultLimits: Readonly<HttpLimits> = Object.freeze({
  maxRequestLineBytes: 8192,
  maxHeadBytes: 65536,
  maxHeaders: 100,
  maxBodyBytes: Infinity,
  maxChunkExtensionBytes: 16384,
  maxRequests: Infinity,
  maxDrainBytes: 65536,
  maxConcurrentStreams: 100,
  maxResets: 1000,
  maxIdleFrames: 1000,
});
