/**
 * You did something that HTTP does not allow: a header value with a line break, a body after a 204,
 * or fewer bytes than promised.
 *
 * It is thrown at the `yield` or by the call that was wrong. Nothing of it has been sent.
 *
 * @example What cannot be sent is refused where it is made
 * ```ts
 * import { LocalProtocolError, ok } from "@weightless/io/http";
 * import { assertThrows } from "@std/assert";
 *
 * const incorrect = "tracking\r\nset-cookie: admin=1";
 * assertThrows(() => ok({ "x-campaign": incorrect }), LocalProtocolError, "x-campaign");
 *
 * const correct = encodeURIComponent(incorrect);
 * ok({ "x-campaign": correct });
 * ```
 *
 * @category Protocol
 */
export class LocalProtocolError extends Error {
  /** `"LocalProtocolError"`. */
  override readonly name = "LocalProtocolError";
}
