/**
 * The opening handshake (RFC 6455 4, RFC 8441 5), of both roles:
 *
 *                    HTTP/1.1                            HTTP/2
 *     request        GET, Upgrade: websocket             CONNECT, :protocol websocket
 *                    Sec-WebSocket-Key
 *     answer         101, Upgrade: websocket             200
 *                    Sec-WebSocket-Accept
 *
 * Sec-WebSocket-Version, -Protocol and -Extensions, and Origin, are the same for both. Connection is
 * written by HTTP/1.1.
 */
import { createHash, randomBytes } from "node:crypto";
import { shown } from "../../reactor/_describe.ts";
import { type Head, headOf, listed } from "../_head.ts";
import { isToken } from "../_header_lines.ts";
import { listOf } from "../h1/_field_values.ts";
import type { HeadersToSend, HeaderValue } from "../headers_to_send.ts";
import type { HttpHeaders } from "../http_headers.ts";
import type { HttpRequest } from "../http_request.ts";
import { LocalProtocolError } from "../local_protocol_error.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import {
  acceptOffer,
  type Agreed,
  checkAnswer,
  type CompressionSettings,
  offerOf,
} from "./_extension.ts";
import { HeaderText } from "./_header_text.ts";
import { Refused } from "./_refused.ts";

/** What one side can do. */
export interface HandshakeOptions {
  /** The subprotocols: those that a client offers, its favourite first, or those that a server knows. */
  readonly protocols?: readonly string[] | undefined;
  /** How messages are compressed; undefined if they are not. */
  readonly compression?: CompressionSettings | undefined;
}

/** What a server decides besides. */
export interface ServerHandshakeOptions extends HandshakeOptions {
  /** The only origins whose pages may open a WebSocket. Programs that tell none may do so as well. */
  readonly origins?: readonly string[] | undefined;
  /** More headers of the answer. */
  readonly headers?: HeadersToSend | undefined;
}

/** What both sides have agreed on. */
export interface Opened {
  /** The subprotocol; undefined if there is none. */
  readonly protocol: string | undefined;
  /** How messages are compressed; undefined if they are not. */
  readonly compression: Agreed | undefined;
}

const VERSION = "13";
const MADE = "leave it out, the handshake has its own (RFC 6455 4)";
const BODILESS = "leave it out, the handshake has no body (RFC 6455 4)";
/** The headers that are not the user's, and what to do instead. */
const OWN: Readonly<Record<string, string>> = {
  connection: MADE,
  upgrade: MADE,
  "sec-websocket-key": MADE,
  "sec-websocket-version": MADE,
  "sec-websocket-accept": MADE,
  "sec-websocket-protocol": "use the option `protocols`",
  "sec-websocket-extensions": "use the option `compression`",
  "content-length": BODILESS,
  "transfer-encoding": BODILESS,
  expect: BODILESS,
};
/** RFC 6455 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_BYTES = 16;
/** 16 bytes in base64. */
const KEY = /^[A-Za-z\d+/]{22}==$/;

/** The answer to a key (RFC 6455 4.2.2). */
export function acceptKey(key: string): string {
  return createHash("sha1").update(key + GUID).digest("base64");
}

/**
 * Checks that the names of subprotocols can be sent.
 *
 * @throws {LocalProtocolError} If one is no token, or comes twice.
 */
export function checkProtocols(protocols: readonly string[]): void {
  // RFC 6455 4.1: the elements are tokens, and MUST all be unique.
  const isList = Array.isArray(protocols) &&
    protocols.every((name) => typeof name === "string" && isToken(name));
  if (isList && new Set(protocols).size === protocols.length) return;
  throw new LocalProtocolError(
    `Cannot speak the subprotocols ${
      shown(protocols)
    }: give a list of different names, without spaces, as in ["chat"] (RFC 6455 4.1)`,
  );
}

/** What the default headers of a client say of these, for its other requests, does not count. */
export const NONE_OF_OWN: readonly (readonly [string, undefined])[] = Object.keys(OWN).map((
  name,
) => [
  name,
  undefined,
]);

/** As browsers send it (RFC 6454 6.2): in lower case, without a slash at the end. */
const ORIGIN = /^(?:null|[a-z][a-z\d+.\-]*:\/\/[a-z\d.\-_[\]:]+)$/;

/**
 * Checks that origins are such as browsers send.
 *
 * @throws {TypeError} If one would never match, or it is no list: a text would match by a part of it.
 */
export function checkOrigins(origins: readonly string[] | undefined): void {
  if (origins === undefined) return;
  const isList = Array.isArray(origins) &&
    origins.every((origin) => typeof origin === "string" && ORIGIN.test(origin));
  if (isList) return;
  throw new TypeError(
    `Cannot accept a WebSocket from pages of ${shown(origins)}: origins is "own", or a list of ` +
      'origins as browsers send them, as in ["https://example.org"]',
  );
}

/**
 * Checks that more headers are none that the handshake itself has. Returns them as a list.
 *
 * @throws {LocalProtocolError} If one is.
 */
export function ownHeaders(
  what: string,
  headers: HeadersToSend,
): (readonly [string, HeaderValue | undefined])[] {
  const list = listed(headers);
  for (const [name, value] of list) {
    const instead = value === undefined ? undefined : OWN[String(name).toLowerCase()];
    if (instead === undefined) continue;
    throw new LocalProtocolError(`Cannot ${what} with a header ${name}: ${instead}`);
  }
  return list;
}

/**
 * Checks a request, and makes the head of the answer to it.
 *
 * @throws {Refused} If it is no valid request for a WebSocket, or of another version or origin.
 */
export function acceptRequest(
  request: HttpRequest,
  { protocols = [], origins, compression, headers = {} }: ServerHandshakeOptions = {},
): Opened & { readonly head: Head } {
  const isHttp2 = request.version === "2";
  const key = isHttp2 ? checkConnect(request) : checkUpgrade(request);
  const { headers: received } = request;
  checkVersion(received, isHttp2);
  if (key !== undefined) checkKey(key);
  checkOrigin(received.getAll("origin"), origins);
  // RFC 6455 4.2.2: the server chooses one of the client's, which prefers the earlier ones.
  const offered = offeredProtocols(received.getAll("sec-websocket-protocol"));
  const protocol = [...offered].find((name) => protocols.includes(name));
  const accepted = acceptOffer(received.getAll("sec-websocket-extensions"), compression);
  const head = headOf(isHttp2 ? 200 : 101, [
    ["upgrade", "websocket"], // HTTP/2 sends none. It tells our server that the 2xx is meant so.
    ["sec-websocket-accept", key && acceptKey(key[0]!)],
    ["sec-websocket-protocol", protocol],
    ["sec-websocket-extensions", accepted?.answer],
    ...listed(headers),
  ]);
  return { head, protocol, compression: accepted?.agreed };
}

/** Checks how HTTP/1.1 asks for a WebSocket. Returns the keys. */
function checkUpgrade(request: HttpRequest): string[] {
  const { headers, method } = request;
  // RFC 6455 4.2.1: GET, HTTP/1.1 or higher, Upgrade: websocket, Connection: upgrade.
  if (method !== "GET") {
    throw new Refused(405, `the method is ${method}; ask by GET (RFC 6455 4.2.1)`, [
      ["allow", "GET"],
    ]);
  }
  if (
    request.version !== "1.1" ||
    !listOf(headers.get("upgrade") ?? "").includes("websocket") ||
    !listOf(headers.get("connection") ?? "").includes("upgrade")
  ) {
    // RFC 9110 15.5.22: the server MUST send Upgrade with 426.
    throw new Refused(
      426,
      "the request does not ask for one; send Upgrade: websocket and Connection: upgrade by HTTP/1.1 " +
        "(RFC 6455 4.2.1)",
      [["upgrade", "websocket"]],
    );
  }
  if (request.hasBody) {
    throw new Refused(400, "the request has a body; leave it out, frames follow the headers");
  }
  return headers.getAll("sec-websocket-key");
}

/** Checks how HTTP/2 asks for a WebSocket (RFC 8441 4). It has no key. */
function checkConnect({ protocol }: HttpRequest): undefined {
  if (protocol === "websocket") return;
  if (protocol !== undefined) {
    // RFC 9220 3: a server that does not support the protocol SHOULD respond with 501.
    throw new Refused(501, `the request asks for the protocol ${protocol}`);
  }
  throw new Refused(
    400,
    "the request does not ask for one; HTTP/2 asks by CONNECT with :protocol websocket (RFC 8441 5)",
  );
}

function checkVersion(headers: HttpHeaders, isHttp2: boolean): void {
  const version = headers.get("sec-websocket-version");
  if (version === VERSION) return;
  // RFC 6455 4.4: the answer tells the versions that the server knows. HTTP/2 has no Upgrade, which
  // 426 needs (RFC 9113 8.2.2, RFC 9110 15.5.22).
  throw new Refused(
    isHttp2 ? 400 : 426,
    `Sec-WebSocket-Version is ${
      version === undefined ? "missing" : shown(version)
    }; send ${VERSION} (RFC 6455 4.4)`,
    [["sec-websocket-version", VERSION], ...isHttp2 ? [] : [["upgrade", "websocket"] as const]],
  );
}

/** RFC 6455 4.2.1, 11.3.1: it comes once, and is 16 bytes in base64. */
function checkKey(keys: readonly string[]): void {
  if (keys.length === 1 && KEY.test(keys[0]!)) return;
  throw new Refused(
    400,
    "Sec-WebSocket-Key is not 16 bytes in base64, given once (RFC 6455 4.2.1)",
  );
}

/** RFC 6455 10.2: a page of another origin could act for its user here. */
function checkOrigin(given: readonly string[], origins: readonly string[] | undefined): void {
  if (origins === undefined || given.length === 0) return;
  if (given.length === 1 && origins.includes(given[0]!)) return;
  throw new Refused(403, `pages of ${given.join(", ")} may not do so (RFC 6455 10.2)`);
}

/** RFC 6455 4.2.1, 11.3.4: what the client offers, in its order; several lines are one list. */
function offeredProtocols(lines: readonly string[]): Set<string> {
  const protocols = new Set<string>();
  for (const line of lines) {
    const text = new HeaderText("Sec-WebSocket-Protocol", line);
    do {
      const name = text.token();
      if (name === undefined) continue;
      // RFC 6455 4.1: the elements MUST all be unique.
      if (protocols.has(name)) text.fail();
      protocols.add(name);
    } while (text.skip(","));
    if (!text.isAtEnd || protocols.size === 0) text.fail();
  }
  return protocols;
}

/** What a client sends, and needs to know for the check of the answer. */
export interface Opening {
  /** The headers of the request. Connection is added by HTTP/1.1. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the server has to answer to the key; undefined for HTTP/2. */
  readonly accept: string | undefined;
  readonly options: HandshakeOptions;
}

/**
 * Makes the headers of a request: for GET in HTTP/1.1, for CONNECT with :protocol in HTTP/2.
 *
 * @throws {LocalProtocolError} If the subprotocols cannot be sent.
 */
export function openingOf(version: "1.1" | "2", options: HandshakeOptions = {}): Opening {
  const { protocols = [], compression } = options;
  checkProtocols(protocols);
  const headers: Record<string, string> = { "sec-websocket-version": VERSION };
  if (protocols.length > 0) headers["sec-websocket-protocol"] = protocols.join(", ");
  if (compression !== undefined) headers["sec-websocket-extensions"] = offerOf(compression);
  if (version === "2") return { headers, accept: undefined, options };
  // RFC 6455 4.1: 16 random bytes, which MUST be chosen anew for each connection.
  const key = randomBytes(KEY_BYTES).toString("base64");
  return {
    headers: { upgrade: "websocket", "sec-websocket-key": key, ...headers },
    accept: acceptKey(key),
    options,
  };
}

/** Whether the status of the answer says that a WebSocket is opened (RFC 6455 4.1). */
export function isYes(status: number, { accept }: Opening): boolean {
  // RFC 8441 5: a 2xx takes the place of the 101.
  return accept === undefined ? status >= 200 && status <= 299 : status === 101;
}

/**
 * Checks the headers of the answer of a server that says so (RFC 6455 4.1).
 *
 * @throws {RemoteProtocolError} If it does not open a WebSocket, or not as it was asked for.
 */
export function checkResponse(headers: HttpHeaders, { accept, options }: Opening): Opened {
  if (accept !== undefined) {
    if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
      throw failed("the answer lacks Upgrade: websocket");
    }
    if (!listOf(headers.get("connection") ?? "").includes("upgrade")) {
      throw failed("the answer lacks Connection: upgrade");
    }
    if (headers.get("sec-websocket-accept") !== accept) {
      throw failed("Sec-WebSocket-Accept of the answer does not fit to the key of the request");
    }
  }
  const [protocol, ...more] = headers.getAll("sec-websocket-protocol");
  if (more.length > 0) throw failed("the answer has more than one Sec-WebSocket-Protocol");
  if (protocol !== undefined && !options.protocols?.includes(protocol)) {
    throw failed(`the server chooses the subprotocol ${protocol}, which was not offered`);
  }
  const lines = headers.getAll("sec-websocket-extensions");
  return { protocol, compression: checkAnswer(lines, options.compression) };
}

function failed(what: string): RemoteProtocolError {
  return new RemoteProtocolError(`Cannot open a WebSocket: ${what} (RFC 6455 4.1)`, {
    status: 502,
  });
}
