import { Head, listed } from "./_head.ts";
import { statusLine } from "./_status.ts";
import type { HeadersToSend } from "./headers_to_send.ts";
import { LocalProtocolError } from "./local_protocol_error.ts";

/**
 * RFC 9110 6.5.1: a sender MUST NOT generate a trailer field unless its definition permits that. It
 * never does if the field is needed before the body: for framing, routing, authentication, control
 * of the answer, or the format of the body.
 */
const NEVER = new Set(
  [
    "age authorization cache-control connection content-encoding content-length content-range",
    "content-type date expires host keep-alive location max-forwards pragma proxy-authenticate",
    "proxy-authorization retry-after set-cookie te trailer transfer-encoding upgrade vary",
    "www-authenticate",
  ].join(" ").split(" "),
);

/** The trailers of an answer: checked, and written. */
export class Trailers {
  readonly text: string;
  readonly ascii: boolean;

  constructor(fields: HeadersToSend) {
    const pairs = listed(fields);
    for (const [name] of pairs) {
      if (!NEVER.has(String(name).toLowerCase())) continue;
      throw new LocalProtocolError(
        `Cannot send ${name} as a trailer: it is needed before the body (RFC 9110 6.5.1)`,
      );
    }
    const { text, ascii } = new Head(200, pairs);
    this.text = text.slice(statusLine(200).length);
    this.ascii = ascii;
  }
}
