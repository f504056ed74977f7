/**
 * The type of {@linkcode raw}.
 *
 * @category Answers
 */
export interface Raw {
  /** Always `"raw"`. */
  readonly mode: "raw";
}

/**
 * A handler yields this instead of a head, to write the bytes of its answer itself: the status line,
 * the header lines, the empty line and the body. Nothing is added and nothing is checked. The
 * connection is closed after the answer.
 *
 * @example An answer that was stored as it is sent
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { serveHttp, raw } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * function* handler(): Coroutine {
 *   yield raw;
 *   yield "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
 * }
 *
 * const protocol = serveHttp(handler);
 * protocol.next();
 * const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
 * assertEquals(protocol.next(request).value, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
 * ```
 *
 * @category Answers
 */
export const raw: Raw = Object.freeze({ mode: "raw" });
