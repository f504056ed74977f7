/** What RFC 6455 4, 9 to 11 and RFC 8441 ask of the opening handshake: a row for each rule. */
import type { ServerHandshakeOptions } from "../../http/websocket/_handshake.ts";

export interface HandshakeRule {
  section: string;
  requirement: string;
  reaction: string;
}

/** What a server answers to a request. */
export interface RequestRule extends HandshakeRule {
  /** Lines that are other than in a valid request. A name alone removes it. */
  lines?: string[];
  method?: string;
  version?: "1.0" | "1.1" | "2";
  /** That of an extended CONNECT. */
  protocol?: string | undefined;
  hasBody?: true;
  options?: ServerHandshakeOptions;
  status: number;
  /** What the answer has besides; a `!` begins the name of what it has not. */
  headers?: string[];
}

/** What a client makes of an answer. */
export interface ResponseRule extends HandshakeRule {
  lines?: string[];
  status?: number;
  version?: "1.1" | "2";
  protocols?: string[];
  /** The subprotocol, or what is wrong. */
  result: string | undefined | RegExp;
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const OPENED = "the WebSocket is opened";
const FAILS = "the connection fails";

export const requestLines: string[] = [
  "Host: server.example.com",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Key: ${KEY}`,
  "Sec-WebSocket-Version: 13",
];
export const connectLines: string[] = ["Sec-WebSocket-Version: 13"];

const chat = { protocols: ["superchat", "chat"] };

export const requestRules: RequestRule[] = [
  {
    section: "6455 1.3",
    requirement: "the example of the RFC",
    reaction: OPENED,
    status: 101,
    headers: [
      "upgrade: websocket",
      `sec-websocket-accept: ${ACCEPT}`,
      "!sec-websocket-protocol",
      "!sec-websocket-extensions",
    ],
  },
  {
    section: "6455 4.2.1",
    requirement: "the method is GET",
    reaction: "405",
    method: "POST",
    status: 405,
    headers: ["allow: GET"],
  },
  {
    section: "6455 4.2.1",
    requirement: "the version is HTTP/1.1 or higher",
    reaction: "426",
    version: "1.0",
    status: 426,
    headers: ["upgrade: websocket"],
  },
  {
    section: "6455 4.2.1",
    requirement: "Upgrade has websocket, in capitals or not",
    reaction: OPENED,
    lines: ["Upgrade: x/1, WebSocket"],
    status: 101,
    headers: ["upgrade: websocket"],
  },
  ...["Upgrade", "Upgrade: h2c", "Upgrade: websocket/13"].map((line) => ({
    section: "9110 15.5.22",
    requirement: `MUST send Upgrade with 426, if Upgrade has no websocket: ${line}`,
    reaction: "426",
    lines: [line],
    status: 426,
    headers: ["upgrade: websocket"],
  })),
  {
    section: "6455 4.2.1",
    requirement: "Connection has upgrade, in capitals or not",
    reaction: OPENED,
    lines: ["Connection: keep-alive, UPGRADE"],
    status: 101,
  },
  ...["Connection", "Connection: keep-alive"].map((line) => ({
    section: "6455 4.2.1",
    requirement: `Connection has upgrade, and not only: ${line}`,
    reaction: "426",
    lines: [line],
    status: 426,
  })),
  ...[
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZT0=",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ_==",
    `Sec-WebSocket-Key: ${KEY}${KEY}`,
    "Sec-WebSocket-Key: ",
  ].map((line) => ({
    section: "6455 4.2.1",
    requirement: `the key is 16 bytes in base64, not: ${line}`,
    reaction: "400",
    lines: [line],
    status: 400,
  })),
  {
    section: "6455 11.3.1",
    requirement: "the key MUST NOT appear more than once",
    reaction: "400",
    lines: [`Sec-WebSocket-Key: ${KEY}`, `Sec-WebSocket-Key: ${KEY}`],
    status: 400,
  },
  ...[
    ["Sec-WebSocket-Version"],
    ["Sec-WebSocket-Version: 8"],
    ["Sec-WebSocket-Version: 013"],
    ["Sec-WebSocket-Version: 13, 8"],
    ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13"],
  ].map((lines) => ({
    section: "6455 4.4",
    requirement: `MUST tell the versions that it knows, if asked by: ${lines}`,
    reaction: "426, with 13",
    lines,
    status: 426,
    headers: ["sec-websocket-version: 13", "upgrade: websocket"],
  })),
  {
    section: "6455 4.2.1",
    requirement: "other lines mean nothing",
    reaction: OPENED,
    lines: ["Cookie: a=b", "Content-Type: text/plain"],
    status: 101,
  },
  {
    section: "6455 4.1",
    requirement: "frames follow the head of the request",
    reaction: "400 if it has a body",
    hasBody: true,
    status: 400,
  },
  {
    section: "6455 4.2.2",
    requirement: "the subprotocol is one of those that the client has offered",
    reaction: "the first of them that the server knows",
    lines: ["Sec-WebSocket-Protocol: other, chat, superchat"],
    options: chat,
    status: 101,
    headers: ["sec-websocket-protocol: chat"],
  },
  {
    section: "6455 11.3.4",
    requirement: "Sec-WebSocket-Protocol MAY appear several times in a request",
    reaction: "it is one list",
    lines: ["Sec-WebSocket-Protocol: other", "Sec-WebSocket-Protocol: superchat,chat"],
    options: chat,
    status: 101,
    headers: ["sec-websocket-protocol: superchat"],
  },
  {
    section: "6455 4.2.2",
    requirement: "MUST NOT send Sec-WebSocket-Protocol if it agrees to none",
    reaction: "it is not sent; names are compared with regard to case",
    lines: ["Sec-WebSocket-Protocol: Chat"],
    options: chat,
    status: 101,
    headers: ["!sec-websocket-protocol"],
  },
  {
    section: "6455 4.2.2",
    requirement: "MUST NOT send Sec-WebSocket-Protocol if the client has offered none",
    reaction: "it is not sent",
    options: chat,
    status: 101,
    headers: ["!sec-websocket-protocol"],
  },
  ...["", "a b", "a/b", "a,b,a", '"a"', "a;b=c", "chat\u00a0"].map((list) => ({
    section: "6455 4.1",
    requirement: `Sec-WebSocket-Protocol has tokens, which MUST all be unique: ${
      JSON.stringify(list)
    }`,
    reaction: "400",
    lines: [`Sec-WebSocket-Protocol: ${list}`],
    status: 400,
  })),
  {
    section: "6455 4.1",
    requirement: "a subprotocol comes once in several lines as well",
    reaction: "400",
    lines: ["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a"],
    status: 400,
  },
  {
    section: "6455 9.1",
    requirement: "an extension that is offered may be declined",
    reaction: "it is not answered",
    lines: ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"],
    status: 101,
    headers: ["!sec-websocket-extensions"],
  },
  {
    section: "6455 9.1",
    requirement: "MUST fail if Sec-WebSocket-Extensions is malformed",
    reaction: "400",
    lines: ["Sec-WebSocket-Extensions: permessage-deflate;"],
    status: 400,
  },
  {
    section: "6455 10.2",
    requirement: "the server may verify the origin",
    reaction: "those of `origins` are opened",
    lines: ["Origin: https://example.com"],
    options: { origins: ["https://example.org", "https://example.com"] },
    status: 101,
  },
  ...[
    ["Origin: https://evil.example"],
    ["Origin: null"],
    ["Origin: http://example.com"],
    ["Origin: https://example.com", "Origin: https://example.com"],
    ["Origin: https://example.com, https://evil.example"],
  ].map((lines) => ({
    section: "6455 4.2.2",
    requirement: `the server refuses an origin by 403: ${lines}`,
    reaction: "403 if it is not in `origins`",
    lines,
    options: { origins: ["https://example.com"] },
    status: 403,
  })),
  {
    section: "6455 10.2",
    requirement: "a client that is no browser may send no origin",
    reaction: OPENED,
    options: { origins: ["https://example.com"] },
    status: 101,
  },
  {
    section: "6455 4.2.2",
    requirement: "other fields may be in the answer, such as Set-Cookie",
    reaction: "those of `headers`",
    options: { headers: { "set-cookie": ["a=b", "c=d"] } },
    status: 101,
    headers: ["set-cookie: a=b", "set-cookie: c=d"],
  },
  {
    section: "8441 5",
    requirement: "HTTP/2 asks by CONNECT, and is answered by 200 without Upgrade and Accept",
    reaction: OPENED,
    version: "2",
    lines: ["Sec-WebSocket-Protocol: chat"],
    options: chat,
    status: 200,
    headers: ["sec-websocket-protocol: chat", "!sec-websocket-accept", "!upgrade"],
  },
  {
    section: "8441 5",
    requirement: "the key is not used",
    reaction: "it means nothing",
    version: "2",
    lines: ["Sec-WebSocket-Key: x"],
    status: 200,
    headers: ["!sec-websocket-accept"],
  },
  {
    section: "8441 5",
    requirement: "the version, the origin and the subprotocols count as well",
    reaction: "403",
    version: "2",
    lines: ["Origin: https://evil.example"],
    options: { origins: [] },
    status: 403,
  },
  {
    section: "6455 4.4",
    requirement: "MUST tell the versions that it knows, in HTTP/2 as well",
    reaction: "400, since HTTP/2 has no Upgrade, which 426 needs",
    version: "2",
    lines: ["Sec-WebSocket-Version: 12"],
    status: 400,
    headers: ["sec-websocket-version: 13", "!upgrade"],
  },
  {
    section: "8441 4",
    requirement: "a CONNECT without :protocol asks for a tunnel",
    reaction: "400",
    version: "2",
    protocol: undefined,
    status: 400,
    headers: ["!upgrade"],
  },
  {
    section: "9220 3",
    requirement: "SHOULD answer another :protocol by 501",
    reaction: "501",
    version: "2",
    protocol: "connect-udp",
    status: 501,
  },
];

export const responseLines: string[] = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Accept: ${ACCEPT}`,
];

export const responseRules: ResponseRule[] = [
  {
    section: "6455 1.3",
    requirement: "the example of the RFC",
    reaction: OPENED,
    protocols: ["chat", "superchat"],
    lines: ["Sec-WebSocket-Protocol: chat"],
    result: "chat",
  },
  ...[200, 302, 401, 404, 426].map((status) => ({
    section: "6455 4.1",
    requirement: `a status that is not 101 does not open it: ${status}`,
    reaction: FAILS,
    status,
    result: new RegExp(`answers ${status} `),
  })),
  ...["Upgrade", "Upgrade: h2c", "Upgrade: websocket, h2c"].map((line) => ({
    section: "6455 4.1",
    requirement: `MUST fail if Upgrade is not websocket: ${line}`,
    reaction: FAILS,
    lines: [line],
    result: /lacks Upgrade: websocket/,
  })),
  {
    section: "6455 4.1",
    requirement: "capitals in Upgrade and Connection mean nothing",
    reaction: OPENED,
    lines: ["Upgrade: WebSocket", "Connection: keep-alive, upgrade"],
    result: undefined,
  },
  ...["Connection", "Connection: keep-alive"].map((line) => ({
    section: "6455 4.1",
    requirement: `MUST fail if Connection has no upgrade: ${line}`,
    reaction: FAILS,
    lines: [line],
    result: /lacks Connection: upgrade/,
  })),
  ...[
    ["Sec-WebSocket-Accept"],
    [`Sec-WebSocket-Accept: ${ACCEPT.toLowerCase()}`],
    ["Sec-WebSocket-Accept: "],
    [`Sec-WebSocket-Accept: ${ACCEPT}`, `Sec-WebSocket-Accept: ${ACCEPT}`],
  ].map((lines) => ({
    section: "6455 4.1",
    requirement: `MUST fail if Sec-WebSocket-Accept is not that of the key: ${lines}`,
    reaction: FAILS,
    lines,
    result: /does not fit to the key/,
  })),
  {
    section: "6455 4.1",
    requirement: "MUST ignore whitespace around Sec-WebSocket-Accept",
    reaction: OPENED,
    lines: [`Sec-WebSocket-Accept: \t ${ACCEPT} `],
    result: undefined,
  },
  {
    section: "6455 4.1",
    requirement: "MUST fail if the server uses an extension that was not offered",
    reaction: FAILS,
    lines: ["Sec-WebSocket-Extensions: permessage-deflate"],
    result: /not offered/,
  },
  ...["other", "Chat", "chat, superchat", ""].map((value) => ({
    section: "6455 4.1",
    requirement: `MUST fail if the subprotocol was not offered: ${JSON.stringify(value)}`,
    reaction: FAILS,
    protocols: ["chat", "superchat"],
    lines: [`Sec-WebSocket-Protocol: ${value}`],
    result: /which was not offered/,
  })),
  {
    section: "6455 4.1",
    requirement: "MUST fail if the server chooses a subprotocol, and none was offered",
    reaction: FAILS,
    lines: ["Sec-WebSocket-Protocol: chat"],
    result: /which was not offered/,
  },
  {
    section: "6455 11.3.4",
    requirement: "Sec-WebSocket-Protocol MUST NOT appear more than once in a response",
    reaction: FAILS,
    protocols: ["chat"],
    lines: ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: chat"],
    result: /more than one Sec-WebSocket-Protocol/,
  },
  {
    section: "6455 4.2.2",
    requirement: "a server may agree to none of the subprotocols",
    reaction: OPENED,
    protocols: ["chat"],
    result: undefined,
  },
  {
    section: "8441 5",
    requirement: "HTTP/2 answers by a 2xx, without Upgrade and Accept",
    reaction: OPENED,
    version: "2",
    status: 200,
    protocols: ["chat"],
    lines: ["Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol: chat"],
    result: "chat",
  },
  ...[101, 300, 403, 501].map((status) => ({
    section: "8441 5",
    requirement: `HTTP/2 does not open it by another status: ${status}`,
    reaction: FAILS,
    version: "2" as const,
    status,
    result: new RegExp(`answers ${status} `),
  })),
];
