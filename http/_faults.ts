/**
 * The errors of a malformed or too large request, with the status to answer; and how they are told of
 * a response.
 */
import { LocalProtocolError } from "./local_protocol_error.ts";
import { CR, LF, SPACE, TAB } from "./_characters.ts";
import type { HttpLimits } from "./http_limits.ts";
import { RemoteProtocolError } from "./remote_protocol_error.ts";

/** `what` is wrong with the request: the end of a sentence. */
export function bad(what: string): RemoteProtocolError {
  return new RemoteProtocolError(`Cannot read the request: it has ${what}`);
}

export function tooSlow(what: string): RemoteProtocolError {
  return new RemoteProtocolError(`Cannot read the request: ${what} comes too slowly`, {
    status: 408,
  });
}

export function tooLongLine(): RemoteProtocolError {
  return new RemoteProtocolError("Cannot read the request: its first line is too long", {
    status: 414,
  });
}

export function tooLargeHead(): RemoteProtocolError {
  return new RemoteProtocolError("Cannot read the request: its headers are too large", {
    status: 431,
  });
}

export function tooLargeBody(
  { maxBodyBytes }: Pick<HttpLimits, "maxBodyBytes">,
): RemoteProtocolError {
  return new RemoteProtocolError(
    `Cannot read the request: its body has more than ${maxBodyBytes} bytes`,
    { status: 413 },
  );
}

export function badName(byte: number, nameLength: number): RemoteProtocolError {
  if (byte === SPACE || byte === TAB) {
    return bad(
      nameLength === 0
        // RFC 9112 5.2, 2.2: a server MUST reject line folding or replace it; and a space before
        // the first header.
        ? "a header that begins with a space (RFC 9112 5.2)"
        // RFC 9112 5.1: a server MUST reject whitespace between name and colon with 400.
        : "a space after a header's name, where its colon belongs (RFC 9112 5.1)",
    );
  }
  if (byte === CR || byte === LF) {
    return bad("a line without a colon, or without CR (RFC 9112 2.2)");
  }
  return bad("a header's name with an invalid character (RFC 9110 5.1)");
}

/**
 * The same fault, found in a response. RFC 9110 15.6.3: 502 is what a gateway answers then.
 */
export function ofResponse(fault: unknown): unknown {
  if (!(fault instanceof RemoteProtocolError)) return fault;
  const message = fault.message.replace(/^Cannot \w+ the request/, "Cannot read the response");
  return new RemoteProtocolError(message, { status: 502 });
}

/** Somebody reads the body of a request whose handler has ended. */
export function ended(): LocalProtocolError {
  return new LocalProtocolError(
    "Cannot read the body of this request: its handler has ended; read it in that handler",
  );
}
