/** RFC 6455 4 and RFC 8441 5: the opening handshake of a WebSocket, of both roles. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { serveHttp } from "../../http/serve_http.ts";
import {
  HttpHeaders,
  type HttpRequest,
  LocalProtocolError,
  RemoteProtocolError,
} from "../../http/mod.ts";
import { compressionOf } from "../../http/websocket/_extension.ts";
import {
  acceptKey,
  acceptRequest,
  checkProtocols,
  checkResponse,
  isYes,
  openingOf,
} from "../../http/websocket/_handshake.ts";
import { Refused } from "../../http/websocket/_refused.ts";
import { WebSocketRefused } from "../../http/websocket/web_socket_refused.ts";
import { latin1Bytes } from "../../http/_characters.ts";
import { listOfHead } from "../../http/h2/_field_text.ts";
import {
  ACCEPT,
  connectLines,
  type HandshakeRule,
  requestLines,
  type RequestRule,
  requestRules,
  responseLines,
  responseRules,
} from "./_handshakes.ts";

const nameOf = ({ section, requirement, reaction }: HandshakeRule, role: string) =>
  `RFC ${section}: ${requirement} (${role}: ${reaction})`;

/** The usual lines, with those in place of them that are given. A name alone removes a line. */
function headersOf(usual: string[], lines: string[] = []): HttpHeaders {
  const name = (line: string) => line.split(":")[0]!.toLowerCase();
  const names = lines.map(name);
  const all = [
    ...usual.filter((line) => !names.includes(name(line))),
    ...lines.filter((line) => line.includes(":")),
  ];
  return new HttpHeaders(latin1Bytes(all.map((line) => `${line}\r\n`).join("")));
}

function requestOf(rule: Partial<RequestRule>): HttpRequest {
  const { version = "1.1", lines } = rule;
  const isHttp2 = version === "2";
  const protocol = isHttp2 ? "protocol" in rule ? rule.protocol : "websocket" : undefined;
  return {
    method: rule.method ?? (isHttp2 ? "CONNECT" : "GET"),
    version,
    protocol,
    hasBody: rule.hasBody ?? false,
    headers: headersOf(isHttp2 ? connectLines : requestLines, lines),
  } as HttpRequest;
}

/** The status and the lines of the answer, also of one that refuses. */
function answerTo(rule: RequestRule): [number, string] {
  try {
    const { head } = acceptRequest(requestOf(rule), rule.options);
    if (rule.version !== "2") return [head.status, head.text];
    const [, status, ...fields] = listOfHead(head);
    const lines = fields.map((text, i) => i % 2 === 0 ? `${text}: ` : `${text}\r\n`);
    return [Number(status), lines.join("")];
  } catch (error) {
    if (!(error instanceof RemoteProtocolError)) throw error;
    assertMatch(error.message, /^Cannot open a WebSocket: /);
    const headers = error instanceof Refused ? error.headers : [];
    return [error.status, headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")];
  }
}

for (const rule of requestRules) {
  Deno.test(nameOf(rule, "server"), () => {
    const [status, text] = answerTo(rule);
    assertEquals(status, rule.status);
    for (const line of rule.headers ?? []) {
      if (line.startsWith("!")) assert(!text.includes(`${line.slice(1)}:`), text);
      else assert(text.includes(`${line}\r\n`), text);
    }
  });
}

for (const rule of responseRules) {
  Deno.test(nameOf(rule, "client"), () => {
    const { version = "1.1", protocols, status = 101, lines, result } = rule;
    const opening = openingOf(version, { protocols });
    // The answer of the example belongs to the key of the example.
    const asked = version === "2" ? opening : { ...opening, accept: ACCEPT };
    const headers = headersOf(responseLines, lines);
    const check = () => {
      if (!isYes(status, asked)) throw new WebSocketRefused({ status, headers, body: "" });
      return checkResponse(headers, asked);
    };
    if (result instanceof RegExp) {
      const error = assertThrows(check, RemoteProtocolError);
      assertMatch(error.message, result);
      assertEquals(error.status, 502);
    } else assertEquals(check(), { protocol: result, compression: undefined });
  });
}

Deno.test("acceptKey() gives the answer of RFC 6455 1.3", () => {
  assertEquals(acceptKey("dGhlIHNhbXBsZSBub25jZQ=="), ACCEPT);
});

Deno.test("openingOf() makes a new key of 16 bytes for each connection", () => {
  const keys = Array.from({ length: 10 }, () => {
    const { headers, accept } = openingOf("1.1");
    assertEquals(accept, acceptKey(headers["sec-websocket-key"]!));
    return headers["sec-websocket-key"]!;
  });
  assertEquals(new Set(keys).size, 10);
  for (const key of keys) assertEquals(atob(key).length, 16);
});

Deno.test("openingOf() makes headers without a key for HTTP/2", () => {
  const { headers, accept } = openingOf("2", { protocols: ["b", "a"] });
  assertEquals(headers, { "sec-websocket-version": "13", "sec-websocket-protocol": "b, a" });
  assertEquals(accept, undefined);
});

Deno.test("checkProtocols() refuses what cannot be sent", () => {
  checkProtocols([]);
  checkProtocols(["v1.chat", "v2.chat"]);
  for (const protocols of [["a", "a"], [""], ["a b"], ["a,b"], [1], "chat"]) {
    assertThrows(() => checkProtocols(protocols as string[]), LocalProtocolError, "subprotocols");
    assertThrows(() => openingOf("1.1", { protocols: protocols as string[] }), LocalProtocolError);
  }
});

for (const version of ["1.1", "2"] as const) {
  Deno.test(`A client and a server of ours open a WebSocket, with HTTP/${version}`, () => {
    const compression = compressionOf({ contextTakeover: true });
    const options = { protocols: ["b", "a"], compression };
    const opening = openingOf(version, options);
    const lines = Object.entries(opening.headers).map(([name, value]) => `${name}: ${value}`);
    const request = requestOf({ version, lines });
    const accepted = acceptRequest(request, { protocols: ["a", "b"], compression });
    const [, ...answered] = accepted.head.text.split("\r\n");
    const headers = headersOf(["Connection: upgrade"], answered.filter((line) => line !== ""));
    const opened = checkResponse(headers, opening);
    assertEquals(opened.protocol, "b");
    assertEquals(accepted.protocol, "b");
    assertEquals(opened.compression, {
      sending: { contextTakeover: false, windowBits: 15 },
      receiving: { contextTakeover: false, windowBits: 15 },
    });
    assertEquals(accepted.compression, opened.compression);
  });
}

Deno.test("A handler answers by what acceptRequest() makes", () => {
  const protocol = serveHttp(function* (request) {
    const { head } = acceptRequest(request, { protocols: ["chat"] });
    yield head;
    yield "frames";
  });
  protocol.next();
  const lines = [...requestLines, "Sec-WebSocket-Protocol: chat"];
  const request = `GET /chat HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
  const answer = String(protocol.next(latin1Bytes(request)).value);
  assertMatch(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assertMatch(answer, /\r\nconnection: upgrade\r\n/);
  assertEquals(answer.match(/\r\nsec-websocket-accept: (.*)\r\n/)![1], ACCEPT);
});

Deno.test("A handler that lets the error out answers by its status", () => {
  const protocol = serveHttp(function* (request) {
    yield acceptRequest(request).head;
  });
  protocol.next();
  const answer = String(protocol.next(latin1Bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n")).value);
  assertMatch(answer, /^HTTP\/1\.1 426 Upgrade Required\r\n/);
  assertMatch(answer, /Cannot open a WebSocket: .*Upgrade: websocket/);
});
