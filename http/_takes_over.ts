/** What comes after a 101, or a 2xx to CONNECT, is not HTTP. */
import type { Head } from "./_head.ts";
import { listOf } from "./h1/_field_values.ts";
import type { HttpHeaders } from "./http_headers.ts";
import type { HttpRequest } from "./http_request.ts";
import { LocalProtocolError } from "./local_protocol_error.ts";
import { RemoteProtocolError } from "./remote_protocol_error.ts";

interface Asked {
  readonly method: string;
  readonly version: HttpRequest["version"];
  readonly headers: HttpHeaders;
  /** What an extended CONNECT asks for. */
  readonly protocol?: string | undefined;
}

/**
 * Whether the connection is not framed any more after this answer.
 *
 * @throws {LocalProtocolError} If it cannot be taken over now, or by this protocol.
 * @throws {RemoteProtocolError} If the handler does not know the protocol that the client wants.
 */
export function takesOver(head: Head, request: Asked, body: { readonly done: boolean }): boolean {
  const switching = head.status === 101;
  const connecting = request.method === "CONNECT" && head.status >= 200 && head.status < 300;
  if (!switching && !connecting) return false;
  if (switching && request.version === "2") {
    throw new LocalProtocolError(
      "Cannot switch protocols: HTTP/2 has no 101 (RFC 9113 8.6); it has CONNECT",
    );
  }
  // RFC 9110 7.8: a server MUST name the protocol to which it switches, and MUST NOT switch to one
  // that the client did not name. It MUST ignore what an HTTP/1.0 client names.
  const named = request.version === "1.1" ? request.headers.get("upgrade") : undefined;
  if (switching && !isAmong(head.upgrade, named)) {
    throw new LocalProtocolError(
      "Cannot switch protocols: the Upgrade header of the response must name what that of the request names " +
        "(RFC 9110 7.8)",
    );
  }
  // A handler that knows nothing of the protocol may answer 2xx, and the client would take that for a yes.
  // RFC 9220 3: a server that does not support the protocol SHOULD respond with 501.
  const { protocol } = request;
  if (protocol !== undefined && !isAmong(head.upgrade, protocol)) {
    throw new RemoteProtocolError(
      `Cannot speak ${protocol} here: the handler answers ${head.status} without \`upgrade: ${protocol}\`` +
        `${protocol === "websocket" ? ", as `yield* accept(request)` does" : ""} (RFC 9220 3)`,
      { status: 501 },
    );
  }
  if (!body.done) {
    throw new LocalProtocolError(
      "Cannot take the connection over: read the body of the request to its end first",
    );
  }
  return true;
}

/**
 * Checks the headers of a 101 against the protocols that the client has named.
 *
 * @throws {RemoteProtocolError} If it switches to another one.
 */
export function checkUpgrade(headers: HttpHeaders, asked: string): void {
  if (isAmong(headers.get("upgrade"), asked)) return;
  throw new RemoteProtocolError(
    "Cannot read the response: it switches to a protocol that was not asked for (RFC 9110 7.8)",
    { status: 502 },
  );
}

/** Whether all protocols of one list are in another. There must be one. */
function isAmong(chosen: string = "", offered: string = ""): boolean {
  const offers = listOf(offered);
  return chosen !== "" && listOf(chosen).every((name) => offers.includes(name));
}
