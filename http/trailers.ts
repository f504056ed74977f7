import { Trailers } from "./_trailers.ts";
import type { HeadersToSend } from "./headers_to_send.ts";

/**
 * What a handler yields to send trailers; made by {@linkcode trailers}.
 *
 * @category Answers
 */
export interface ResponseTrailers {
  /** The lines. */
  readonly text: string;
}

/**
 * Makes the trailers of an answer, which are sent after its body (RFC 9110 6.5). A handler yields
 * them after the head, at any time. They replace trailers that it has yielded before.
 *
 * The answer must have no Content-Length. An HTTP/1.0 client, and one that has asked by HEAD, does
 * not get them.
 *
 * @param fields The fields.
 * @returns What a handler yields.
 * @throws {LocalProtocolError} If a field cannot be sent, or cannot be sent as a trailer.
 *
 * @example A checksum
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { serveHttp, ok, trailers } from "@weightless/io/http";
 * import { assertStringIncludes } from "@std/assert";
 *
 * function* handler(): Coroutine {
 *   yield ok({ trailer: "x-sum" });
 *   yield "abc";
 *   yield trailers({ "x-sum": "294" });
 * }
 *
 * const protocol = serveHttp(handler);
 * protocol.next();
 * const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
 * assertStringIncludes(
 *   String(protocol.next(request).value),
 *   "3\r\nabc\r\n0\r\nx-sum: 294\r\n\r\n",
 * );
 * ```
 *
 * @category Answers
 */
export function trailers(fields: HeadersToSend): ResponseTrailers {
  return new Trailers(fields);
}
