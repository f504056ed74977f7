import { headOf } from "./_head.ts";
import type { HeadersToSend } from "./headers_to_send.ts";

/**
 * What a handler yields to begin its answer. It is made by {@linkcode response} and {@linkcode ok}.
 *
 * @category Answers
 */
export interface ResponseHead {
  /** The status code. */
  readonly status: number;
}

/**
 * Makes the head of a response, which a handler yields before the body.
 *
 * Content-Length or Transfer-Encoding, Date and Connection are added when it is sent. If you give a
 * Content-Length, the body must have that length. `connection: close` closes the connection after
 * the answer. A head can be yielded any number of times. One that is made once, outside of the
 * handler, is the fastest; the same head as the last one is nearly as fast.
 *
 * @param status The status code: 100 to 599. One below 200 announces the real one (RFC 9110 15.2).
 * @param headers The headers to send.
 * @returns The head, for `yield`.
 * @throws {LocalProtocolError} If the status or a header cannot be sent.
 *
 * @example A redirection
 * ```ts
 * import { type Coroutine } from "@weightless/io/compose";
 * import { serveHttp, response } from "@weightless/io/http";
 * import { assertStringIncludes } from "@std/assert";
 *
 * function* handler(): Coroutine {
 *   yield response(303, { location: "/elsewhere" });
 * }
 *
 * const protocol = serveHttp(handler);
 * protocol.next();
 * const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
 * assertStringIncludes(
 *   String(protocol.next(request).value),
 *   "HTTP/1.1 303 See Other\r\nlocation: /elsewhere\r\n",
 * );
 * ```
 *
 * @category Answers
 */
export function response(status: number, headers: HeadersToSend = {}): ResponseHead {
  return headOf(status, headers);
}
