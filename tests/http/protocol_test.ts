/** The wire of HTTP/1.1 as its users have it: both roles, whole, byte by byte and at every cut. It runs elsewhere too. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type ClientEvent,
  ClientWire,
  LocalProtocolError,
  RemoteProtocolError,
  type ServerEvent,
  ServerWire,
  type ServerWireOptions,
} from "../../http/protocol/mod.ts";
import { corpus, type Seen } from "./_corpus.ts";
import { bytes, text } from "./_drive.ts";
import { limits as requestLimits, malformed } from "./_malformed.ts";
import { limits, malformed as malformedResponses, wellFormed } from "./_responses.ts";

const clock = { now: () => 0 };

/** What is sent, a character for each byte. */
function sent(wire: { take(): Uint8Array | undefined }): string {
  let all = "";
  for (let data; (data = wire.take()) !== undefined;) all += text(data);
  return all;
}

function pass(from: ClientWire | ServerWire, to: ClientWire | ServerWire): void {
  for (let data; (data = from.take()) !== undefined;) to.receive(data);
}

function events<T>(wire: { nextEvent(): T | undefined }): T[] {
  const all: T[] = [];
  for (let event; (event = wire.nextEvent()) !== undefined;) all.push(event);
  return all;
}

/** A server that answers each request when it is complete. */
class Served {
  readonly wire: ServerWire;
  readonly seen: Seen[] = [];
  error: unknown;
  #current: Seen | undefined;

  constructor(options: ServerWireOptions = {}) {
    this.wire = new ServerWire({ clock, ...options });
  }

  feed(piece: string): void {
    if (this.error !== undefined) return;
    this.wire.receive(bytes(piece));
    try {
      for (const event of this.#events()) this.#see(event);
    } catch (error) {
      this.error = error;
    }
  }

  *#events(): Generator<ServerEvent> {
    for (let event; (event = this.wire.nextEvent()) !== undefined;) yield event;
  }

  #see(event: ServerEvent): void {
    if (event.type === "request") {
      const { method, target, version, headers } = event;
      this.#current = { method, target, version, headers: [...headers], body: "", trailers: [] };
    } else if (event.type === "data") this.#current!.body += text(event.data);
    else if (event.type === "end") {
      this.seen.push({ ...this.#current!, trailers: [...event.trailers ?? []] });
      this.wire.respond(404);
      this.wire.end();
    }
  }
}

function pieces(sample: string): string[][] {
  const cuts = Array.from(sample, (_, at) => [sample.slice(0, at), sample.slice(at)]);
  return [[sample], [...sample], ...cuts];
}

Deno.test("ServerWire reads each request, wherever it is cut", () => {
  for (const { name, text, seen, last = false } of corpus) {
    for (const cut of pieces(text)) {
      const served = new Served();
      for (const piece of cut) served.feed(piece);
      assertEquals([served.error, served.seen[0]], [undefined, seen], name);
      assertEquals(served.wire.closes, last, name);
    }
  }
});

Deno.test("ServerWire refuses each malformed request at the same byte with its status, which it can send", () => {
  for (const [text, status, rule] of malformed) {
    const name = `${rule}: ${JSON.stringify(text)}`;
    const byByte = new Served({ limits: requestLimits });
    let length = 0;
    while (byByte.error === undefined && length < text.length) byByte.feed(text[length++]!);
    const { error } = byByte;
    assert(error instanceof RemoteProtocolError, name);
    assertEquals(error.status, status, name);
    for (let at = 0; at <= text.length; at++) {
      const served = new Served({ limits: requestLimits });
      served.feed(text.slice(0, at));
      assertEquals(served.error !== undefined, at >= length, `${name}, cut at ${at}`);
      served.feed(text.slice(at));
      assertEquals(String(served.error), String(error), `${name}, cut at ${at}`);
    }
    assertThrows(() => byByte.wire.nextEvent(), RemoteProtocolError);
    sent(byByte.wire);
    byByte.wire.respond(status);
    byByte.wire.end();
    assertStringIncludes(sent(byByte.wire), `HTTP/1.1 ${status} `, name);
    assertEquals(byByte.wire.closes, true);
  }
});

/** What a client reads of the response to one request. */
function read(method: string, cut: string[], isEnded: boolean) {
  const wire = new ClientWire({ limits });
  wire.request(method, method === "CONNECT" ? "x:443" : "/", {
    headers: { host: "x", upgrade: "websocket, other, h2c" },
  });
  wire.end();
  let body = "";
  const heads: unknown[] = [];
  let isComplete = false;
  let error: unknown;
  const see = (event: ClientEvent) => {
    if (event.type === "data") body += text(event.data);
    else if (event.type === "end") isComplete = true;
    else if (event.type !== "close") heads.push([event.status, event.reason, [...event.headers]]);
  };
  try {
    for (const piece of cut) {
      wire.receive(bytes(piece));
      events(wire).forEach(see);
    }
    if (isEnded) wire.receive(null);
    events(wire).forEach(see);
  } catch (failure) {
    error = failure;
  }
  return { body, heads, isComplete, error };
}

Deno.test("ClientWire reads each response, wherever it is cut, and takes no part for a whole", () => {
  let whole = 0;
  for (const { name, methods, text, seen, untilClose } of wellFormed) {
    const [method] = methods;
    const isOne = methods.length === 1 && seen.filter(({ status }) => status >= 200).length === 1 &&
      method !== "CONNECT";
    if (!isOne) continue; // These are several requests, or tunnels.
    whole++;
    const heads = seen.map(({ status, reason, headers }) => [status, reason, headers]);
    const { body } = seen.at(-1)!;
    for (const cut of pieces(text)) {
      const expected = { body, heads, isComplete: true, error: undefined };
      assertEquals(read(method!, cut, true), expected, name);
    }
    for (let length = 0; !untilClose && length < text.length; length++) {
      const { isComplete, error } = read(method!, [text.slice(0, length)], true);
      assertEquals(isComplete, false, name);
      assert(error instanceof RemoteProtocolError, name);
      assertEquals(error.status, 502);
    }
  }
  assert(whole > 10);
});

Deno.test("ClientWire refuses each malformed response with what is wrong with it", () => {
  for (const [text, message, rule, method = "GET"] of malformedResponses) {
    for (const cut of [[text], [...text]]) {
      const { error } = read(method, cut, false);
      assert(error instanceof RemoteProtocolError, `${rule}: ${JSON.stringify(text)}`);
      assertStringIncludes(error.message, message);
    }
  }
});

Deno.test("ServerWire frames an answer by its length, in chunks, or by its end, and closes as both want", () => {
  const get = (version: string, ...lines: string[]) =>
    [`GET / HTTP/${version}`, "Host: x", ...lines, "", ""].join("\r\n");
  const head = "HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
  const answered = (request: string, flushes: boolean) => {
    const wire = new ServerWire({ clock });
    wire.receive(bytes(request));
    assertEquals(events(wire).map(({ type }) => type), ["request", "end"]);
    wire.respond(200);
    wire.write("é");
    const first = flushes ? sent(wire) : "";
    wire.write("");
    wire.end();
    return [first + sent(wire), wire.closes];
  };
  const body = "\xc3\xa9";
  assertEquals(answered(get("1.1"), false), [`${head}content-length: 2\r\n\r\n${body}`, false]);
  assertEquals(answered(get("1.1"), true), [
    `${head}transfer-encoding: chunked\r\n\r\n2\r\n${body}\r\n0\r\n\r\n`,
    false,
  ]);
  assertEquals(answered(get("1.0"), true), [`${head}connection: close\r\n\r\n${body}`, true]);
  assertEquals(answered(get("1.1", "Connection: close"), false), [
    `${head}content-length: 2\r\nconnection: close\r\n\r\n${body}`,
    true,
  ]);
  assertEquals(answered(get("1.1").replace("GET", "HEAD"), false), [
    `${head}content-length: 2\r\n\r\n`,
    false,
  ]);
});

Deno.test("ServerWire reads the next request when this one has been read and answered", () => {
  const wire = new ServerWire({ limits: { maxRequests: 2 }, clock });
  const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb";
  wire.receive(bytes(request.repeat(3)));
  assertEquals(events(wire).map(({ type }) => type), ["request", "data", "end"]);
  assertEquals(wire.nextEvent(), undefined);
  wire.respond(200);
  wire.end();
  assertEquals(wire.nextEvent()?.type, "request");
  wire.respond(200);
  wire.end();
  assertEquals(events(wire).map(({ type }) => type), ["data", "end"]);
  assertEquals([wire.closes, wire.nextEvent()], [true, undefined]);
  assertEquals(sent(wire).match(/connection: close/g)?.length, 1);
});

Deno.test("ServerWire tells a client that has gone from one that has said all", () => {
  const ended = (request: string) => {
    const wire = new ServerWire();
    wire.receive(bytes(request));
    events(wire);
    wire.receive(null);
    return wire;
  };
  assertEquals(ended("").nextEvent(), { type: "close" });
  assertEquals(ended("\r\n").nextEvent(), { type: "close" });
  for (const part of ["G", "GET / HTTP/1.1\r\nHost: x\r\n"]) {
    assertThrows(() => ended(part).nextEvent(), RemoteProtocolError, "before its head");
  }
  const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nb";
  assertThrows(() => ended(post).nextEvent(), RemoteProtocolError, "before its body");
});

Deno.test("a 100 is asked for and sent; without it the connection ends with the answer", () => {
  for (const isWanted of [true, false]) {
    const client = new ClientWire(), server = new ServerWire();
    const headers = { host: "x", "content-length": 4 };
    client.request("PUT", "/", { headers, expectContinue: true });
    pass(client, server);
    const event = server.nextEvent();
    assertEquals(event?.type === "request" && event.expectsContinue, true);
    assertEquals(server.nextEvent(), undefined);
    if (isWanted) {
      server.respond(100);
      pass(server, client);
      const interim = client.nextEvent();
      assertEquals(interim?.type === "interim" && interim.status, 100);
      client.write("body");
      client.end();
      pass(client, server);
      assertEquals(events(server).map(({ type }) => type), ["data", "end"]);
    }
    server.respond(isWanted ? 200 : 417);
    server.end();
    pass(server, client);
    assertEquals(events(client).map(({ type }) => type), ["response", "end"]);
    assertEquals([server.closes, client.closes], [!isWanted, !isWanted]);
  }
});

Deno.test("after a 101, or a 2xx to CONNECT, both sides send what they like until the end", () => {
  for (const method of ["GET", "CONNECT"]) {
    const client = new ClientWire(), server = new ServerWire();
    const isConnect = method === "CONNECT";
    const upgrade = isConnect ? {} : { upgrade: "chat" };
    client.request(method, isConnect ? "x:443" : "/", { headers: { host: "x", ...upgrade } });
    client.end();
    pass(client, server);
    assertEquals(events(server).map(({ type }) => type), ["request", "end"]);
    server.respond(isConnect ? 200 : 101, upgrade);
    server.write("hello");
    pass(server, client);
    const [head, data] = events(client);
    assertEquals(head?.type === "response" && head.status, isConnect ? 200 : 101);
    assertEquals(data?.type === "data" && text(data.data), "hello");
    client.write("GET / HTTP/1.1\r\n");
    pass(client, server);
    const answer = server.nextEvent();
    assertEquals(answer?.type === "data" && text(answer.data), "GET / HTTP/1.1\r\n");
    assertEquals(server.closes, false);
    client.receive(null);
    server.receive(null);
    assertEquals([client.nextEvent(), server.nextEvent()], [{ type: "close" }, { type: "close" }]);
    server.end();
    assertEquals([client.closes, server.closes], [true, true]);
  }
});

Deno.test("a switch to what was not asked for is refused by both sides", () => {
  const server = new ServerWire();
  server.receive(bytes("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: chat\r\n\r\n"));
  events(server);
  assertThrows(() => server.respond(101, { upgrade: "other" }), LocalProtocolError, "Upgrade");
  const { error } = read("GET", ["HTTP/1.1 101 x\r\nUpgrade: chat\r\n\r\n"], false);
  assertStringIncludes(String(error), "not asked for");
});

Deno.test("what cannot be sent is refused where it is said", () => {
  const local = (step: () => unknown, message: string) =>
    assertThrows(step, LocalProtocolError, message);
  const headers = { host: "x" };
  const client = new ClientWire();
  local(() => client.request("GET", "/", { headers: {} }), "Host");
  local(() => client.request("GET", "/ HTTP/1.1\r\nA: b", { headers }), "a target is ASCII");
  local(() => client.request("GET", "/é", { headers }), "a target is ASCII");
  local(() => client.request("G T", "/", { headers }), "method");
  local(() => client.request("GET", "/", { headers: { ...headers, a: "b\r\nc: d" } }), "header");
  local(() => client.write("x"), "no request has begun");
  client.request("PUT", "/", { headers: { ...headers, "content-length": 3 } });
  local(() => client.request("GET", "/", { headers }), "not complete");
  client.write("ab");
  local(() => client.write("cd"), "only 1 are left");
  local(() => client.end(), "1 bytes");
  client.write("c");
  client.end();
  assert(sent(client).endsWith("\r\n\r\nabc"));
  local(() => client.write("d"), "no request has begun");

  const server = new ServerWire();
  local(() => server.respond(200), "no request has come");
  server.receive(bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  events(server);
  local(() => server.write("x"), "respond() gives the head first");
  local(() => server.end(), "respond() gives the head first");
  server.respond(204);
  local(() => server.write("x"), "status 204");
  assertThrows(() => new ServerWire({ limit: {} } as ServerWireOptions), TypeError, "limits");
  assertThrows(() => new ServerWire({ limits: { maxHeaders: -1 } }), RangeError, "maxHeaders");
});

Deno.test("ClientWire refuses what comes unasked, and ends when the server does", () => {
  const unasked = new ClientWire();
  unasked.receive(bytes("HTTP/1.1 408 Request Timeout\r\n\r\n"));
  assertThrows(() => unasked.nextEvent(), RemoteProtocolError, "asked for");
  assertEquals(unasked.closes, true);
  const ended = new ClientWire();
  ended.receive(null);
  assertEquals([ended.nextEvent(), ended.closes], [{ type: "close" }, true]);
  assertThrows(() => ended.request("GET", "/", { headers: { host: "x" } }), LocalProtocolError);
});

Deno.test("an early response ends a request that is under way, and the connection", () => {
  const client = new ClientWire();
  client.request("PUT", "/", { headers: { host: "x", "transfer-encoding": "chunked" } });
  client.receive(bytes("HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n"));
  assertEquals(events(client).map(({ type }) => type), ["response", "end"]);
  assertEquals(client.closes, true);
  assertThrows(() => client.write("more"), LocalProtocolError);
});

Deno.test("what one side says, the other hears, for any bodies, framing, trailers and cuts", () => {
  const body = fc.array(fc.string({ unit: "binary", maxLength: 20 }), { maxLength: 4 });
  const message = fc.record({ request: body, response: body, isChunked: fc.boolean() });
  const encoder = new TextEncoder();
  fc.assert(
    fc.property(fc.array(message, { maxLength: 4 }), fc.nat(40), (messages, size) => {
      const client = new ClientWire(), server = new ServerWire();
      const cut = (from: ClientWire | ServerWire, to: ClientWire | ServerWire, on: () => void) => {
        const all = sent(from);
        for (let at = 0; at < all.length; at += size + 1) {
          to.receive(bytes(all.slice(at, at + size + 1)));
          on();
        }
      };
      const utf8 = (strings: string[]) => text(encoder.encode(strings.join("").toWellFormed()));
      for (const { request, response, isChunked } of messages) {
        const parts = request.map((part) => part.toWellFormed());
        const length = encoder.encode(parts.join("")).length;
        const framing = isChunked
          ? { "transfer-encoding": "chunked" }
          : { "content-length": length };
        client.request("POST", "/", { headers: { host: "x", ...framing } });
        for (const part of parts) client.write(part);
        client.end();
        let heard = "", answer = "", trailer: string | undefined;
        cut(client, server, () => {
          for (const event of events(server)) {
            if (event.type === "data") heard += text(event.data);
            if (event.type !== "end") continue;
            server.respond(200);
            for (const part of response) server.write(part.toWellFormed());
            server.end(isChunked ? { a: "b" } : undefined);
          }
        });
        assertEquals(heard, utf8(parts));
        let isComplete = false;
        cut(server, client, () => {
          for (const event of events(client)) {
            if (event.type === "data") answer += text(event.data);
            else if (event.type === "end") {
              isComplete = true;
              trailer = event.trailers?.get("a");
            }
          }
        });
        const expected = response.map((part) => part.toWellFormed()).join("");
        assertEquals([isComplete, trailer], [true, isChunked ? "b" : undefined]);
        assertEquals(answer, text(encoder.encode(expected)));
      }
      assertEquals([client.closes, server.closes], [false, false]);
    }),
    { numRuns: 300 },
  );
});

Deno.test("ServerWire refuses each call that has no answer to belong to, and sends nothing of it", () => {
  const heads = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  const READY: [name: string, answering: string, ready: (wire: ServerWire) => void][] = [
    ["nothing came", "nothing", () => {}],
    ["a request came", "head", (wire) => {
      wire.receive(bytes(heads));
      wire.nextEvent();
    }],
    ["after an interim response", "head", (wire) => wire.respond(103)],
    ["the head was given", "body", (wire) => wire.respond(200)],
    ["a part was sent", "body", (wire) => {
      wire.write("a");
      wire.take();
      wire.write("b");
    }],
    ["the answer is complete", "nothing", (wire) => wire.end()],
  ];
  const wire = new ServerWire();
  for (const [name, answering, ready] of READY) {
    ready(wire);
    while (wire.take() !== undefined);
    assertEquals(wire.answering, answering, name);
    if (answering !== "head") assertThrows(() => wire.respond(200), LocalProtocolError, "", name);
    if (answering !== "body") {
      assertThrows(() => wire.write("x"), LocalProtocolError, "Cannot send a body", name);
      assertThrows(() => wire.end(), LocalProtocolError, "Cannot end the answer", name);
      assertThrows(() => wire.end({ a: "b" }), LocalProtocolError, "Cannot end the answer", name);
    }
    assertEquals(wire.take(), undefined, name);
  }
});

Deno.test("a body that is malformed after its early answer is not answered again: the connection closes", () => {
  const wire = new ServerWire();
  wire.receive(bytes("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
  wire.nextEvent();
  wire.respond(200);
  wire.end();
  while (wire.take() !== undefined);
  wire.receive(bytes("zz\r\n"));
  assertThrows(() => wire.nextEvent(), RemoteProtocolError);
  assertEquals([wire.answering, wire.closes], ["nothing", true]);
  assertThrows(() => wire.respond(400), LocalProtocolError);
  assertEquals(wire.take(), undefined);
});

Deno.test("the wires name what they cannot receive or send", () => {
  const client = new ClientWire(), server = new ServerWire();
  client.request("POST", "/", { headers: { host: "x", "content-length": "3" } });
  for (const wrong of [undefined, 5, {}, new ArrayBuffer(3)] as never[]) {
    assertThrows(() => client.write(wrong), TypeError, "Cannot send");
    assertThrows(() => client.receive(wrong), TypeError, "Cannot receive");
    assertThrows(() => server.receive(wrong), TypeError, "Cannot receive");
  }
  assertThrows(() => server.receive("text" as never), TypeError, 'Cannot receive "text"');
});

Deno.test("the headers of an event do not change when the bytes that came are used again", () => {
  const received = bytes("GET / HTTP/1.1\r\nHost: x\r\nA: one\r\n\r\n");
  const wire = new ServerWire();
  wire.receive(received);
  const event = wire.nextEvent();
  received.fill(0);
  assertEquals(event?.type === "request" && event.headers.get("a"), "one");
});

Deno.test("ClientWire refuses a server that switches before the request is complete", () => {
  const wire = new ClientWire();
  const headers = { host: "x", connection: "upgrade", upgrade: "x", "content-length": 3 };
  wire.request("POST", "/", { headers });
  wire.receive(
    bytes("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
  );
  assertThrows(() => wire.nextEvent(), RemoteProtocolError, "before the request was complete");
});
