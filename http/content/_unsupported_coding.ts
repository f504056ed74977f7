import { RemoteProtocolError } from "../remote_protocol_error.ts";

/** The body is in a content coding that is unknown (RFC 9110 15.5.16). */
export class UnsupportedCoding extends RemoteProtocolError {
  /** The codings that are known, for Accept-Encoding. */
  readonly accepted: string;

  constructor(why: string, known: readonly string[]) {
    super(`Cannot decode the body: ${why}`, { status: 415 });
    this.accepted = known.join(", ");
  }
}
