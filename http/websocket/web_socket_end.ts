import { EndOfStream } from "../../compose/mod.ts";

/**
 * Thrown at a `yield` when a WebSocket has ended. As any {@linkcode EndOfStream} it ends a coroutine
 * quietly that does not catch it.
 *
 * @example Why it has ended
 * ```ts
 * import { WebSocketEnd } from "@weightless/io/http/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * try {
 *   throw new WebSocketEnd(1001, "The server is restarted"); // as a bare yield does
 * } catch (error) {
 *   if (!(error instanceof WebSocketEnd)) throw error;
 *   assertEquals([error.code, error.reason], [1001, "The server is restarted"]);
 * }
 * ```
 *
 * @category WebSocket
 */
export class WebSocketEnd extends EndOfStream {
  /** `"WebSocketEnd"`. */
  override readonly name = "WebSocketEnd";
  /**
   * The code that the peer gave (RFC 6455 7.4): 1000 if all was said, 1001 if it goes away, 1005 if it
   * gave none, 1006 if the connection was lost before it said anything.
   */
  readonly code: number;
  /** What the peer said, or an empty text. */
  readonly reason: string;

  /**
   * Makes one.
   *
   * @param code The code.
   * @param reason What the peer said.
   * @param options What has caused it, as for every error.
   */
  constructor(code: number, reason: string = "", options?: ErrorOptions) {
    super(`The WebSocket has ended with code ${code}${reason && `: ${reason}`}`, options);
    this.code = code;
    this.reason = reason;
  }
}
