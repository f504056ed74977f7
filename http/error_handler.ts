import type { HeadersToSend } from "./headers_to_send.ts";
import type { HttpRequest } from "./http_request.ts";

/**
 * What a server answers by itself, for an {@linkcode ErrorHandler}.
 *
 * @category Server
 */
export interface ErrorToAnswer {
  /** The status of the answer. */
  readonly status: number;
  /** What is the matter, as the client may be told. */
  readonly message: string;
  /** The request. It is undefined if the server has refused it while it read the head. */
  readonly request: HttpRequest | undefined;
}

/**
 * What an {@linkcode ErrorHandler} gives.
 *
 * @category Server
 */
export interface ErrorAnswer {
  /**
   * The headers.
   *
   * @default {text/plain in UTF-8}
   */
  headers?: HeadersToSend;
  /**
   * The body.
   *
   * @default {none}
   */
  body?: string | Uint8Array;
}

/**
 * Makes the answers that the server gives by itself: to a request that is malformed (400 and others),
 * too large (413, 414, 431) or too slow (408), to one whose handler fails (500), to one that nobody
 * answers (404 of {@linkcode HttpProtocol}), and to one too many (503). The status stays as it is.
 *
 * What a handler answers of its own is not passed through it, such as `response(404)`,
 * {@linkcode methodNotAllowed} or the 404 of `files()`. Where all errors of an application are to look
 * alike, let nobody answer, in a DNA of components, or let the handler make its bodies by the same
 * function.
 *
 * It must be quick. If it throws, or gives nothing, the answer is the one without it; the error is
 * reported.
 *
 * @example Problem details (RFC 9457)
 * ```ts
 * import { type ErrorHandler, serveHttp } from "@weightless/io/http";
 * import { assertMatch } from "@std/assert";
 *
 * const errorHandler: ErrorHandler = ({ status, message }) => ({
 *   headers: { "content-type": "application/problem+json" },
 *   body: JSON.stringify({ status, title: message }),
 * });
 *
 * const protocol = serveHttp(function* () {}, { errorHandler });
 * protocol.next();
 * const answer = String(protocol.next(new TextEncoder().encode("GET bad\r\n")).value);
 * assertMatch(answer, /^HTTP\/1.1 400 [^]*\r\n\r\n{"status":400,"title":"Cannot read the request: /);
 * ```
 *
 * @category Server
 */
export type ErrorHandler = (error: ErrorToAnswer) => ErrorAnswer | undefined;
