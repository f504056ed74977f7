import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { nameOf } from "./_codes.ts";

/** An error of HTTP/2 with the code that the peer is told, or has told (RFC 9113 5.4). */
export class H2Error extends RemoteProtocolError {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** RFC 9113 5.4.1: ends the connection. */
export class ConnectionError extends H2Error {}

/** RFC 9113 5.4.2: ends one stream. */
export class StreamError extends H2Error {}

/** The peer has sent something that ends the connection: the end of a sentence. */
export function connectionError(code: number, what: string): ConnectionError {
  return new ConnectionError(code, `Cannot go on with HTTP/2: the peer has sent ${what}`);
}

/** The peer has sent something that ends the stream: the end of a sentence. */
export function streamError(code: number, what: string): StreamError {
  return new StreamError(code, `Cannot go on with the stream: the peer has sent ${what}`);
}

/** The peer has ended a stream with an error code. */
export function wasReset(code: number): StreamError {
  return new StreamError(code, `The peer has reset the stream: ${nameOf(code)}`);
}
