/**
 * How much a form may have. More is a {@linkcode RemoteProtocolError} with status 413.
 *
 * @example A form without files
 * ```ts
 * import { type Coroutine, call } from "@weightless/io/compose";
 * import { type FormLimits, serveHttp, ok } from "@weightless/io/http";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const limits: Partial<FormLimits> = { maxParts: 20, maxBytes: 10_000 };
 *
 * const protocol = serveHttp(function* (request): Coroutine {
 *   const form = yield* call(request.formData(limits));
 *   yield ok();
 *   yield `Hello ${form.get("name")}`;
 * });
 * protocol.next();
 * const answer = protocol.next(new TextEncoder().encode(
 *   "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 20000\r\n" +
 *     `Content-Type: application/x-www-form-urlencoded\r\n\r\nname=${"x".repeat(19_995)}`,
 * ));
 * assertStringIncludes(String(answer.value), "HTTP/1.1 413 ");
 * ```
 *
 * @category Forms
 */
export interface FormLimits {
  /**
   * Parts of the form.
   *
   * @default {1000}
   */
  maxParts: number;
  /**
   * Bytes of the header lines of a part.
   *
   * @default {8192}
   */
  maxPartHeadBytes: number;
  /**
   * Bytes that `text()` and `bytes()` gather of a part; and bytes of a field's name and value as a
   * form of type application/x-www-form-urlencoded encodes them.
   *
   * @default {1048576}
   */
  maxFieldBytes: number;
  /**
   * Bytes of the whole form, with its boundaries.
   *
   * @default {Infinity, because parts are not gathered; 16 MiB in request.formData()}
   */
  maxBytes: number;
}
