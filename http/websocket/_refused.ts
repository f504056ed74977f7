import type { HeaderValue } from "../headers_to_send.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";

/** A request cannot open a WebSocket. */
export class Refused extends RemoteProtocolError {
  /** What the answer has to say besides: what could be accepted. */
  readonly headers: readonly (readonly [string, HeaderValue])[];

  constructor(
    status: number,
    why: string,
    headers: readonly (readonly [string, HeaderValue])[] = [],
  ) {
    super(`Cannot open a WebSocket: ${why}`, { status });
    this.headers = headers;
  }
}
