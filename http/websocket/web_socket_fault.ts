import { RemoteProtocolError } from "../remote_protocol_error.ts";

/**
 * The peer of a WebSocket sent something that RFC 6455 does not allow, or more than it may. The peer is
 * told by a Close with the {@linkcode WebSocketFault.code}, and nothing more is read.
 *
 * @example What the code says
 * ```ts
 * import { RemoteProtocolError } from "@weightless/io/http";
 * import { WebSocketFault } from "@weightless/io/http/websocket";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const fault = new WebSocketFault(1007, "text that is not UTF-8");
 * assert(fault instanceof RemoteProtocolError);
 * assertEquals(fault.code, 1007);
 * assertEquals(
 *   fault.message,
 *   "Cannot go on with the WebSocket: the peer has sent text that is not UTF-8",
 * );
 * ```
 *
 * @category WebSocket
 */
export class WebSocketFault extends RemoteProtocolError {
  /** `"WebSocketFault"`. */
  override readonly name = "WebSocketFault";
  /**
   * The status code of the Close (RFC 6455 7.4.1): 1002 for what breaks the protocol, 1007 for text
   * that is not UTF-8 or data that cannot be decompressed, 1009 for what is too big.
   */
  readonly code: number;
  /** What the peer has sent, which the Close tells it. */
  readonly reason: string;

  /**
   * Makes an error that says what the peer did.
   *
   * @param code The status code of the Close.
   * @param what What the peer has sent, as the end of a sentence: at most 123 bytes.
   * @param options The cause.
   */
  constructor(code: number, what: string, options: ErrorOptions = {}) {
    super(`Cannot go on with the WebSocket: the peer has sent ${what}`, options);
    this.code = code;
    this.reason = what;
  }
}
