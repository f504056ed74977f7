/**
 * The peer did something that HTTP does not allow, or sent more than it may.
 *
 * A handler gets it at the bare `yield` that reads the request's body. If the handler does not
 * catch it, the client gets its {@linkcode RemoteProtocolError.status} as the answer and the
 * connection is closed. If part of the answer was sent already, it is reported as any other error.
 * A handler may throw it as well.
 *
 * {@linkcode HttpClient} throws it if a response is malformed, too large or cut. Its status is 502 then,
 * which a proxy answers; it is not that of the response.
 *
 * @example A handler that refuses a request
 * ```ts
 * import { serveHttp, RemoteProtocolError } from "@weightless/io/http";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const protocol = serveHttp(function* () {
 *   throw new RemoteProtocolError("Cannot brew coffee: this is a teapot", { status: 418 });
 * });
 * protocol.next();
 * const request = new TextEncoder().encode("BREW /pot HTTP/1.1\r\nHost: example.org\r\n\r\n");
 * assertStringIncludes(String(protocol.next(request).value), "HTTP/1.1 418 ");
 * ```
 *
 * @category Protocol
 */
export class RemoteProtocolError extends Error {
  /** `"RemoteProtocolError"`. */
  override readonly name: string = "RemoteProtocolError";
  /** The status to answer with. */
  readonly status: number;

  /**
   * Makes an error that says what the peer did.
   *
   * @param message What is the matter. The peer gets it.
   * @param options The status to answer with, 400 to 599: 400 unless given; and the cause.
   * @throws {RangeError} If the status is not one of an error: 400 to 599.
   */
  constructor(message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    const { status = 400 } = options;
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`Cannot answer an error with status ${status}: it must be 400 to 599`);
    }
    this.status = status;
  }
}
