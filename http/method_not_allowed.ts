import { response, type ResponseHead } from "./response.ts";

/** RFC 9110 9.3 and RFC 5789: the methods that a server is expected to recognise. */
const KNOWN = new Set("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH".split(" "));

/**
 * Makes the head that refuses a method. It is 405 (Method Not Allowed) with the methods that are
 * allowed, or 501 (Not Implemented) if nobody knows the method (RFC 9110 9.1).
 *
 * @param method The method of the request. Methods are case-sensitive.
 * @param allowed The methods that this resource allows.
 * @returns The head, which a handler yields.
 * @throws {LocalProtocolError} If the methods cannot be sent.
 *
 * @example A handler that only reads
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { serveHttp, type HttpRequest, methodNotAllowed, ok } from "@weightless/io/http";
 * import { assertStringIncludes } from "@std/assert";
 *
 * function* handler({ method }: HttpRequest): Coroutine {
 *   if (method !== "GET" && method !== "HEAD") return yield methodNotAllowed(method, ["GET", "HEAD"]);
 *   yield ok();
 *   yield "Hello!";
 * }
 *
 * const protocol = serveHttp(handler);
 * protocol.next();
 * const request = new TextEncoder().encode("DELETE / HTTP/1.1\r\nHost: example.org\r\n\r\n");
 * assertStringIncludes(
 *   String(protocol.next(request).value),
 *   "HTTP/1.1 405 Method Not Allowed\r\nallow: GET, HEAD\r\n",
 * );
 * ```
 *
 * @category Answers
 */
export function methodNotAllowed(method: string, allowed: readonly string[]): ResponseHead {
  return KNOWN.has(method) ? response(405, { allow: allowed.join(", ") }) : response(501);
}
