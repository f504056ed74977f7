import type { HeadersToSend } from "./headers_to_send.ts";
import { response, type ResponseHead } from "./response.ts";

/**
 * Makes the head of a response with status 200; see {@linkcode response}.
 *
 * @param headers The headers to send.
 * @returns The head, which a handler yields before the body.
 * @throws {LocalProtocolError} If a header cannot be sent.
 *
 * @example Answering a request
 * ```ts
 * import { type Coroutine } from "@weightless/io/compose";
 * import { serveHttp, ok } from "@weightless/io/http";
 * import { assertMatch } from "@std/assert";
 *
 * function* handler(): Coroutine {
 *   yield ok({ "content-type": "text/plain" });
 *   yield "Hello!";
 * }
 *
 * const protocol = serveHttp(handler);
 * protocol.next();
 * const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
 * assertMatch(String(protocol.next(request).value), /content-length: 6\r\n\r\nHello!$/);
 * ```
 *
 * @category Answers
 */
export function ok(headers: HeadersToSend = {}): ResponseHead {
  return response(200, headers);
}
