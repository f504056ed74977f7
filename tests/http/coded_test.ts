/** Servers that compress answers and decode the bodies of requests by themselves. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as zlib from "node:zlib";
import { call, type Coroutine } from "../../compose/mod.ts";
import { sleep, Suspend, wait } from "../../gio/mod.ts";
import {
  type ContentCoding,
  decodeWhole,
  encodeWhole,
  fetchHandler,
  type HttpHandler,
  type HttpProtocolOptions,
  type HttpRequest,
  HttpServer,
  type HttpServerOptions,
  ok,
  response,
  serveHttp,
} from "../../http/mod.ts";
import { here, type Reactor, sendFile } from "../../reactor/mod.ts";
import { turns, turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { bytes, Driver, text } from "./_drive.ts";
import { ANSWERED, answerTo, serverTest } from "./_live.ts";

const CODINGS: readonly ContentCoding[] = ["gzip", "br", "zstd", "deflate"];
const PAGE = "All work and no play makes Jack a dull boy. ä\n".repeat(100);
const MEDIUM = PAGE.repeat(10);
const LARGE = PAGE.repeat(200);
const clock = { now: () => 0 };

function get(headers = "Accept-Encoding: gzip\r\n", method = "GET", version = "1.1"): string {
  return `${method} / HTTP/${version}\r\nHost: x\r\n${headers}\r\n`;
}

function post(coding: string, body: Uint8Array, headers = ""): string {
  return `POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: ${coding}\r\n${headers}` +
    `Content-Length: ${body.length}\r\n\r\n${text(body)}`;
}

/** What a handler answers, fed by hand. */
function answered(
  handler: HttpHandler,
  requests: string | string[],
  options: HttpProtocolOptions = {},
): { output: string; errors: unknown[] } {
  const errors: unknown[] = [];
  const driver = new Driver(serveHttp(handler, {
    compression: true,
    clock,
    onError: (error) => errors.push(error),
    ...options,
  }));
  driver.feed(...[requests].flat());
  return { output: driver.output, errors };
}

interface Parsed {
  status: number;
  headers: Map<string, string>;
  body: string;
}

/** Takes one answer from the beginning of what came. */
function parsed(answer: string, headOnly = false): Parsed & { rest: string } {
  const end = answer.indexOf("\r\n\r\n");
  const [first, ...lines] = answer.slice(0, end).split("\r\n");
  const headers = new Map(lines.map((line) => line.split(": ") as [string, string]));
  let rest = answer.slice(end + 4);
  let body = "";
  const status = Number(first!.split(" ")[1]);
  if (!headOnly && headers.has("content-length")) {
    const length = Number(headers.get("content-length"));
    assert(rest.length >= length);
    body = rest.slice(0, length);
    rest = rest.slice(length);
  } else if (!headOnly && headers.has("transfer-encoding")) {
    for (;;) {
      const [size] = rest.split("\r\n", 1);
      const length = parseInt(size!, 16);
      body += rest.slice(size!.length + 2, size!.length + 2 + length);
      rest = rest.slice(size!.length + length + 4);
      if (length === 0) break;
    }
  } else if (!headOnly && headers.get("connection") === "close") [body, rest] = [rest, ""];
  return { status, headers, body, rest };
}

function decoded({ headers, body }: Parsed): string {
  const coding = headers.get("content-encoding");
  const raw = bytes(body);
  return new TextDecoder().decode(coding === undefined ? raw : decodeWhole(coding, raw));
}

function serve(reactor: Reactor, options: Partial<HttpServerOptions>): number {
  return new HttpServer(reactor, { ...listening, ...options } as HttpServerOptions).port;
}

function* page(): Coroutine {
  yield ok({ "content-type": "text/html" });
  yield PAGE;
}

for (const coding of CODINGS) {
  Deno.test(`a small body is encoded whole, also if it comes in pieces: ${coding}`, () => {
    function* pieces(): Coroutine {
      yield ok({ "content-type": "text/html" });
      for (let i = 0; i < PAGE.length; i += 100) {
        yield i % 300 === 0
          ? new TextEncoder().encode(PAGE.slice(i, i + 100))
          : PAGE.slice(i, i + 100);
      }
    }
    const request = get(`Accept-Encoding: ${coding}\r\n`);
    const { output, errors } = answered(pieces, request);
    const answer = parsed(output);
    assertEquals(errors, []);
    assertEquals(answer.headers.get("content-encoding"), coding);
    assertEquals(answer.headers.get("vary"), "accept-encoding");
    assert(answer.body.length < PAGE.length / 10);
    assertEquals([decoded(answer), answer.rest], [PAGE, ""]);
    assertEquals(answered(page, request).output, output);
    for (let at = 1; at < request.length; at++) {
      assertEquals(answered(page, [request.slice(0, at), request.slice(at)]).output, output);
    }
    assertEquals(answered(page, [...request]).output, output);
  });
}

const LEFT_ALONE: Record<string, [status: number, headers: Record<string, string>, body: string]> =
  {
    "a small body": [200, { "content-type": "text/html" }, "small"],
    "a small body with its length": [
      200,
      { "content-type": "text/html", "content-length": "5" },
      "small",
    ],
    "an encoded body": [200, { "content-type": "text/html", "content-encoding": "x" }, PAGE],
    "no-transform": [200, { "content-type": "text/html", "cache-control": "no-transform" }, PAGE],
    "an image": [200, { "content-type": "image/png" }, PAGE],
    "no type": [200, {}, PAGE],
    "an event stream": [200, { "content-type": "text/event-stream" }, PAGE],
    "a part": [206, { "content-type": "text/html", "content-range": "bytes 0-9/20" }, PAGE],
    "204": [204, { "content-type": "text/html" }, ""],
    "304": [304, { "content-type": "text/html" }, ""],
    "no body": [200, { "content-type": "text/html" }, ""],
  };

for (const [name, [status, headers, body]] of Object.entries(LEFT_ALONE)) {
  Deno.test(`the answer is the same without compression: ${name}`, () => {
    function* handler(): Coroutine {
      yield response(status, headers);
      yield body;
    }
    for (const method of ["GET", "HEAD"]) {
      for (const version of ["1.1", "1.0"]) {
        const request = get(undefined, method, version);
        // HEAD of what may be empty or small does not know it.
        if (method === "HEAD" && name === "no body") continue;
        assertEquals(
          answered(handler, request).output,
          answered(handler, request, { compression: false }).output,
        );
      }
    }
  });
}

Deno.test("a client that does not want it gets the body as it is, and Vary", () => {
  for (const headers of ["", "Accept-Encoding: gzip;q=0, identity\r\n", "Accept-Encoding: x\r\n"]) {
    const { output } = answered(page, get(headers));
    const answer = parsed(output);
    assertEquals(answer.headers.get("vary"), "accept-encoding");
    assertEquals(answer.headers.has("content-encoding"), false);
    assertEquals(decoded(answer), PAGE);
  }
  const { output } = answered(
    page,
    get("Accept-Encoding: br;q=0.5\r\nAccept-Encoding: gzip;q=0.4\r\n"),
  );
  assertEquals(parsed(output).headers.get("content-encoding"), "br");
});

Deno.test("the other headers stay, a strong ETag becomes weak, and Vary grows", () => {
  function* handler(): Coroutine {
    yield ok([
      ["Content-Type", "text/html"],
      ["Set-Cookie", ["a=1", "b=2"]],
      ["ETag", '"1"'],
      ["Vary", "cookie"],
      ["Content-Length", PAGE.length + 100],
      ["Accept-Ranges", "bytes"],
      ["X-Name", "J\xfcrgen"],
      ["Connection", "close"],
      ["Date", "now"],
    ]);
    yield PAGE;
  }
  const { output } = answered(handler, get());
  const [head] = output.split("\r\n\r\n");
  const { body } = parsed(output);
  assertEquals(head!.split("\r\n").slice(1).sort(), [
    "Content-Type: text/html",
    "Date: now",
    "Set-Cookie: a=1",
    "Set-Cookie: b=2",
    "X-Name: J\xfcrgen",
    "connection: close",
    "content-encoding: gzip",
    `content-length: ${body.length}`,
    'etag: W/"1"',
    "vary: cookie, accept-encoding",
  ]);
});

Deno.test("HEAD gets the headers of GET", () => {
  function* known(): Coroutine {
    yield ok({ "content-type": "text/html", "content-length": 5000 });
  }
  for (const handler of [page, fetchHandler(() => new Response(PAGE))]) {
    const [head] = answered(handler, get()).output.split("\r\n\r\n");
    assertEquals(answered(handler, get(undefined, "HEAD")).output, `${head}\r\n\r\n`);
  }
  const { output, errors } = answered(known, get(undefined, "HEAD"));
  const { headers } = parsed(output, true);
  assertEquals(headers.get("content-encoding"), "gzip");
  assertEquals([headers.has("content-length"), errors], [false, []]);
});

Deno.test("a handler that answers HEAD without an end is closed", () => {
  let closed = 0;
  function* endless(): Coroutine {
    try {
      yield ok({ "content-type": "text/html" });
      for (;;) yield PAGE;
    } finally {
      closed++;
    }
  }
  const { output, errors } = answered(endless, get(undefined, "HEAD") + get("", "HEAD"));
  assertEquals([output.split("HTTP/1.1 200 OK").length, closed, errors], [3, 2, []]);
});

const FAILING: Record<string, HttpHandler> = {
  *"an error after the body"() {
    yield* page();
    throw new Error("oops");
  },
  *"an error after the head"() {
    yield ok({ "content-type": "text/html" });
    throw new Error("oops");
  },
  *"two heads"() {
    yield* page();
    yield ok();
  },
  *"an announcement after the head"() {
    yield* page();
    yield response(103);
  },
  *"too many bytes"() {
    yield ok({ "content-type": "text/html", "content-length": 2000 });
    yield PAGE;
  },
  *"missing bytes"() {
    yield ok({ "content-type": "text/html", "content-length": 20_000 });
    yield PAGE;
  },
  *"missing bytes of nothing"() {
    yield ok({ "content-type": "text/html", "content-length": 20_000 });
  },
  *"something else"() {
    yield* page();
    yield 5;
  },
  *"no head"() {
    yield PAGE;
  },
  *"nothing"() {},
  *"the end of a stream, without an answer"() {
    for (;;) yield;
  },
};

for (const [name, handler] of Object.entries(FAILING)) {
  Deno.test(`nothing was sent, so the client gets a 500: ${name}`, () => {
    const { output, errors } = answered(handler, get());
    assertEquals([output.slice(0, 12), errors.length], ["HTTP/1.1 500", 1]);
    assertEquals(output.split("HTTP/1.1").length, 2);
    const plain = answered(handler, get(""), { compression: undefined! });
    assertEquals(String(errors[0]), String(plain.errors[0]));
  });
}

Deno.test("pipelined requests are answered in order", () => {
  const request = get() + get("Accept-Encoding: br\r\n") + get("") + get(undefined, "HEAD") + get();
  let { output } = answered(page, request);
  const seen: unknown[] = [];
  for (let i = 0; i < 5; i++) {
    const answer = parsed(output, i === 3);
    if (i !== 3) assertEquals(decoded(answer), PAGE);
    seen.push(answer.headers.get("content-encoding"));
    output = answer.rest;
  }
  assertEquals([seen, output], [["gzip", "br", undefined, "gzip", "gzip"], ""]);
});

Deno.test("a handler that has read to the end of the body and ended so has answered", () => {
  function* echo(): Coroutine {
    yield ok({ "content-type": "text/html" });
    for (;;) yield yield;
  }
  const request =
    `POST / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nContent-Length: 2000\r\n\r\n` +
    "x".repeat(2000);
  const answer = parsed(answered(echo, request).output);
  assertEquals([decoded(answer), answer.headers.has("content-length")], ["x".repeat(2000), true]);
});

Deno.test("options that make no sense are refused", () => {
  const bad: [HttpProtocolOptions, string][] = [
    [{ compression: 1 as unknown as boolean }, "compression"],
    [{ compression: null as unknown as boolean }, "compression"],
    [{ compression: { minBytes: -1 } }, "minBytes"],
    [{ compression: { minbytes: 1 } as never }, "minbytes"],
    [{ compression: { codings: ["lzma" as ContentCoding] } }, "lzma"],
    [{ decompression: "yes" as unknown as boolean }, "decompression"],
    [{ decompression: { maxBytes: NaN } }, "maxBytes"],
    [{ decompression: { level: 1 } as never }, "level"],
  ];
  for (const [options, name] of bad) {
    assertThrows(() => serveHttp(page, options), Error, name);
  }
});

// The bodies of requests

function* shout(request: HttpRequest): Coroutine {
  const body = yield* call(request.text());
  yield ok();
  yield body.toUpperCase();
}

for (const coding of CODINGS) {
  serverTest(`a request's body is decoded at every split: ${coding}`, async (reactor) => {
    const port = serve(reactor, { handler: shout, decompression: true });
    const body = encodeWhole(coding, "hello, hello, hello");
    const request = post(coding, body, "Connection: close\r\n");
    const from = request.indexOf("\r\n\r\n") + 2;
    for (let at = from; at <= request.length; at++) {
      const answer = await answerTo(port, request.slice(0, at), request.slice(at));
      assertEquals(parsed(answer).body, "HELLO, HELLO, HELLO");
    }
    const answer = await answerTo(port, request.slice(0, from), ...request.slice(from));
    assertEquals(parsed(answer).body, "HELLO, HELLO, HELLO");
  });
}

const REFUSED: [status: number, coding: string, body: Uint8Array][] = [
  [413, "gzip", encodeWhole("gzip", "x".repeat(1001))],
  [413, "br, gzip", encodeWhole("gzip", encodeWhole("br", "x".repeat(1001)))],
  [400, "gzip", encodeWhole("gzip", "hello").slice(0, -1)],
  [400, "zstd", encodeWhole("zstd", "hello").slice(0, -1)],
  [400, "gzip", bytes("hello")],
  [400, "br", bytes(text(encodeWhole("br", "hello")) + "x")],
  [415, "lzma", bytes("hello")],
  [415, "gzip, gzip, gzip, gzip, gzip", bytes("hello")],
];

serverTest("a body that cannot be decoded has one verdict", async (reactor, errors) => {
  const ways: Record<string, (request: HttpRequest) => Coroutine> = {
    *bytes(request) {
      yield* call(request.bytes());
    },
    *json(request) {
      yield* call(request.json());
    },
    *pieces() {
      for (;;) yield;
    },
    *again() {
      try {
        for (;;) yield;
      } catch {
        for (;;) yield;
      }
    },
    *form(request) {
      yield* call(request.formData());
    },
    fetch: fetchHandler(async (request) => new Response(await request.text())),
  };
  for (const [name, handler] of Object.entries(ways)) {
    const port = serve(reactor, { handler, decompression: { maxBytes: 1000 } });
    for (const [status, coding, body] of REFUSED) {
      const request = post(
        coding,
        body,
        "Expect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\n",
      );
      const at = request.indexOf("\r\n\r\n") + 4;
      const splits = [
        [request],
        [request.slice(0, at), request.slice(at)],
        [request.slice(0, -1), request.slice(-1)],
        [request.slice(0, at), ...request.slice(at)],
      ];
      for (const parts of splits) {
        const answer = await answerTo(port, ...parts);
        const about = `${name} ${coding} ${parts.length}: ${answer}`;
        const final = answer.replace("HTTP/1.1 100 Continue\r\n\r\n", "");
        assertEquals(final.slice(0, 12), `HTTP/1.1 ${status}`, about);
        assertEquals(/^accept-encoding: /m.test(final), status === 415, about);
        if (status === 415) assertEquals(final, answer, about);
      }
    }
  }
  // fetchHandler tells of all errors.
  errors.length = 0;
});

serverTest("a request is left alone without a coding, or if it is turned off", async (reactor) => {
  const on = serve(reactor, { handler: shout, decompression: { maxBytes: 3 } });
  const off = serve(reactor, { handler: shout });
  for (const [port, coding] of [[on, "identity"], [on, ""], [off, "gzip"]] as const) {
    const answer = await answerTo(port, post(coding, bytes("hello"), "Connection: close\r\n"));
    assertEquals(parsed(answer).body, "HELLO");
  }
  const empty = await answerTo(on, post("gzip", bytes(""), "Connection: close\r\n"));
  assertEquals(parsed(empty).status, 200);
});

serverTest("a large body is decoded in pieces, and the connection is kept", async (reactor) => {
  const port = serve(reactor, {
    *handler(request) {
      const body = yield* call(request.text());
      yield ok({ "content-type": "text/plain" });
      yield body;
    },
    compression: true,
    decompression: true,
  });
  for (const coding of CODINGS) {
    for (let i = 0; i < 2; i++) {
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        method: "POST",
        headers: { "content-encoding": coding },
        body: encodeWhole(coding, LARGE) as Uint8Array<ArrayBuffer>,
      });
      assertEquals(answer.headers.get("vary"), "accept-encoding");
      assertEquals(await answer.text() === LARGE, true);
    }
  }
});

// Streams

const DECODERS: Record<string, () => zlib.Gunzip> = {
  gzip: zlib.createGunzip,
  br: zlib.createBrotliDecompress as never,
  zstd: (zlib as unknown as { createZstdDecompress: () => zlib.Gunzip }).createZstdDecompress,
  deflate: zlib.createInflate,
};

for (const coding of CODINGS) {
  serverTest(
    `what was yielded can be decoded before the handler goes on: ${coding}`,
    async (reactor, errors) => {
      let go = Promise.withResolvers<void>();
      const port = serve(reactor, {
        compression: true,
        *handler() {
          yield ok({ "content-type": "text/plain" });
          for (let n = 1; n <= 5; n++) {
            yield `piece `;
            yield `${n}\n`;
            yield* wait(go.promise);
          }
        },
      });
      using conn = await Deno.connect({ hostname, port });
      // HTTP/1.0: the body is not in chunks, and ends with the connection.
      await conn.write(bytes(get(`Accept-Encoding: ${coding}\r\n`, "GET", "1.0")));
      const decoder = DECODERS[coding]!();
      let got = "";
      decoder.on("data", (data: Uint8Array) => got += text(data));
      const buffer = new Uint8Array(65536);
      let head = "";
      while (!head.includes("\r\n\r\n")) head += text(buffer.slice(0, (await conn.read(buffer))!));
      const at = head.indexOf("\r\n\r\n") + 4;
      decoder.write(bytes(head.slice(at)));
      assert(head.includes(`content-encoding: ${coding}`));
      let expected = "";
      for (let n = 1; n <= 5; n++) {
        expected += `piece ${n}\n`;
        while (got.length < expected.length) {
          await turns(3);
          if (got.length >= expected.length) break;
          decoder.write(buffer.slice(0, (await conn.read(buffer))!));
          await turns(3);
        }
        assertEquals(got, expected);
        const { resolve } = go;
        go = Promise.withResolvers();
        resolve();
      }
      for (let n; (n = await conn.read(buffer)) !== null;) decoder.write(buffer.slice(0, n));
      const ended = new Promise((resolve) => decoder.on("end", resolve));
      decoder.end();
      await ended;
      assertEquals([got, errors], [expected, []]);
    },
  );
}

function* stream(): Coroutine {
  yield ok({
    "content-type": "text/plain",
    "content-length": SIZE,
  });
  for (let i = 0; i < LARGE.length; i += 100_000) {
    yield LARGE.slice(i, i + 100_000);
    if (i === 100_000) yield* sleep(1);
  }
}
const SIZE = new TextEncoder().encode(LARGE).length;

serverTest("a large body is streamed to all clients", async (reactor, errors) => {
  const port = serve(reactor, { handler: stream, compression: true });
  const url = `http://127.0.0.1:${port}/`;
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(url);
    assertEquals(answer.headers.has("content-length"), false);
    assertEquals(await answer.text() === LARGE, true);
  }
  const args = ["--compressed", "--silent", "--max-time", "20", url, url];
  const { stdout } = await new Deno.Command("curl", { args }).output();
  assertEquals(new TextDecoder().decode(stdout) === LARGE + LARGE, true);
  for (const coding of CODINGS) {
    const request = get(`Accept-Encoding: ${coding}\r\n`);
    const last = get(`Accept-Encoding: ${coding}\r\nConnection: close\r\n`);
    let rest = await answerTo(port, request + request + last);
    for (let i = 0; i < 3; i++) {
      const answer = parsed(rest);
      assertEquals(answer.headers.get("content-encoding"), coding);
      assertEquals(decoded(answer) === LARGE, true);
      rest = answer.rest;
    }
    assertEquals(rest, "");
  }
  const head = await answerTo(port, get("Accept-Encoding: gzip\r\nConnection: close\r\n", "HEAD"));
  assertEquals(parsed(head, true).headers.get("content-encoding"), "gzip");
  assertEquals(parsed(head, true).rest, "");
  assertEquals(errors, []);
});

serverTest("what fails in the middle is cut", async (reactor, errors) => {
  const port = serve(reactor, {
    compression: true,
    *handler(request) {
      const length = request.path === "/length" ? { "content-length": 100_000 } : {};
      yield ok({ "content-type": "text/plain", ...length });
      yield PAGE;
      yield* sleep(1);
      if (request.path === "/error") throw new Error("oops");
      if (request.path === "/file") yield* sendFile(here, import.meta.filename!);
      if (request.path === "/head") yield ok();
    },
  });
  for (const path of ["error", "length", "file", "head"]) {
    const answer = await fetch(`http://127.0.0.1:${port}/${path}`);
    let failed = false;
    try {
      await answer.text();
    } catch {
      failed = true;
    }
    assertEquals([path, failed], [path, true]);
  }
  await turnsUntil(() => errors.length === 4);
});

serverTest("an error of a timeout that a handler catches does no harm", async (reactor, errors) => {
  const port = serve(reactor, {
    compression: true,
    *handler() {
      yield ok({ "content-type": "text/plain" });
      for (let i = 0; i < 20; i++) {
        yield PAGE;
        try {
          yield* wait(Promise.reject(new Error("late")));
        } catch {
          yield "late\n";
        }
      }
    },
  });
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  assertEquals(await answer.text(), `${PAGE}late\n`.repeat(20));
  assertEquals(errors, []);
});

serverTest("clients that go away at random leave nothing", async (reactor, errors) => {
  let running = 0;
  const port = serve(reactor, {
    compression: true,
    decompression: true,
    *handler() {
      running++;
      try {
        yield ok({ "content-type": "text/plain" });
        try {
          for (;;) {
            yield yield;
            yield PAGE;
          }
        } catch {
          for (let i = 0; i < 10; i++) {
            yield MEDIUM;
            yield* sleep(0);
          }
        }
      } finally {
        yield* sleep(0);
        running--;
      }
    },
  });
  let seed = 7;
  const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  const body = encodeWhole("gzip", MEDIUM);
  async function client(): Promise<void> {
    using conn = await Deno.connect({ hostname, port });
    const coding = CODINGS[random(4)]!;
    const request = bytes(post("gzip", body, `Accept-Encoding: ${coding}\r\n`));
    try {
      await conn.write(request.subarray(0, random(request.length)));
      await turns(random(20));
      if (random(2) === 0) conn.read(new Uint8Array(random(5000) + 1)).catch(() => {});
      await turns(random(20));
    } catch {
      // The server was faster.
    }
  }
  for (let i = 0; i < 8; i++) await Promise.all(Array.from({ length: 10 }, client));
  await turnsUntil(() => running === 0);
  errors.length = 0;
  assertEquals((await fetch(`http://127.0.0.1:${port}/`, { method: "HEAD" })).status, 200);
});

serverTest("a server that shuts down closes what is being encoded", async (reactor) => {
  let closed = 0;
  const port = serve(reactor, {
    compression: true,
    *handler() {
      try {
        yield ok({ "content-type": "text/plain" });
        yield PAGE;
        yield* new Suspend(() => {});
      } finally {
        closed++;
      }
    },
  });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => fetch(`http://127.0.0.1:${port}/`)),
  );
  for (const answer of answers) await answer.body!.cancel();
  reactor.requestShutdown();
  await turnsUntil(() => closed === 20);
});

serverTest("a fetch handler's stream is compressed as well", async (reactor, errors) => {
  const port = serve(reactor, {
    compression: true,
    handler: fetchHandler(() => {
      async function* pieces() {
        for (let i = 0; i < 10; i++) {
          await turns();
          yield new TextEncoder().encode(PAGE);
        }
      }
      return new Response(ReadableStream.from(pieces()), {
        headers: { "content-type": "text/plain" },
      });
    }),
  });
  const raw = await answerTo(port, get("Accept-Encoding: gzip\r\nConnection: close\r\n"));
  assertEquals([decoded(parsed(raw)), errors], [PAGE.repeat(10), []]);
});

serverTest("the client gets what was yielded before the handler reads more", async (reactor) => {
  const port = serve(reactor, {
    compression: true,
    *handler() {
      yield ok({ "content-type": "text/plain" });
      for (;;) yield yield;
    },
  });
  const head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: gzip\r\n" +
    "Content-Length: 10\r\n\r\n";
  const answer = await answerTo(port, `${head}hello`, ANSWERED, "HELLO");
  assertEquals(decoded(parsed(answer)), "helloHELLO");
});

Deno.test("a connection that was taken over is not encoded", () => {
  function* echo(request: HttpRequest): Coroutine {
    if (request.method === "CONNECT") yield ok({ "content-type": "text/plain" });
    else yield response(101, { upgrade: "echo", "content-type": "text/plain" });
    for (;;) yield yield;
  }
  const upgrade = "Connection: upgrade\r\nUpgrade: echo\r\nAccept-Encoding: gzip\r\n";
  const requests = [
    get(upgrade),
    "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nAccept-Encoding: gzip\r\n\r\n",
  ];
  for (const request of requests) {
    const { output, errors } = answered(echo, [request, "hello".repeat(1000)], {
      decompression: true,
    });
    assertEquals([output.split("\r\n\r\n")[1], errors], ["hello".repeat(1000), []]);
    assertEquals(output.includes("gzip"), false);
  }
});
