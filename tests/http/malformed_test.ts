import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import {
  type HttpLimits,
  HttpProtocol,
  type HttpRequest,
  HttpServer,
  ok,
  serveHttp,
} from "../../http/mod.ts";
import { listening } from "../_sockets.ts";
import { Driver } from "./_drive.ts";
import { answerTo, serverTest } from "./_live.ts";
import { chunked, get, limits, malformed } from "./_malformed.ts";

function connection(): Driver {
  return new Driver(serveHttp(handler, {
    limits,
    clock: { now: () => 0 },
    onError: (error) => console.error("reported:", error),
  }));
}

function* handler(request: HttpRequest): Coroutine {
  yield* call(request.bytes());
  yield ok();
}

/** How much of it must come before it is answered. */
function lengthToRefuse(text: string): number {
  const driver = connection();
  let length = 0;
  while (!driver.done && length < text.length) driver.feed(text[length++]!);
  assert(driver.done, "fed byte by byte, it is not refused");
  return length;
}

function statusOf(driver: Driver): number {
  const { output } = driver;
  assert(driver.done, "the connection ends");
  assertEquals(driver.error, undefined);
  assert(output.includes("\r\nconnection: close\r\n"), output);
  return Number(/^HTTP\/1\.1 (\d{3}) [^\r\n]+\r\n/.exec(output)?.[1]);
}

for (const [text, status, rule] of malformed) {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  Deno.test(`serveHttp() answers ${status} to ${shown}: ${rule}`, () => {
    const whole = connection().feed(text);
    assertEquals(statusOf(whole), status);
    const { output } = whole;
    // It is answered at the same byte, whatever comes after that and however it is cut.
    const length = lengthToRefuse(text);
    for (let at = 0; at < length; at++) {
      const driver = connection().feed(text.slice(0, at), text.slice(at, length - 1));
      assertEquals([driver.done, driver.output], [false, ""], `split at ${at}, one byte too short`);
      driver.feed(text.slice(length - 1, length));
      assertEquals([driver.done, driver.output], [true, output], `split at ${at}`);
      const rest = connection().feed(text.slice(0, at), text.slice(at));
      assertEquals([rest.done, rest.output], [true, output], `split at ${at}, with the rest`);
    }
    // After a request that is answered, of either kind.
    for (const first of [get(), chunked("1;abcdef\r\n1\r\n0\r\nA: b\r\n\r\n")]) {
      const second = connection().feed(first, text);
      assert(second.done);
      assertEquals([...second.output.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => Number(m[1])), [
        200,
        status,
      ]);
    }
  });
}

serverTest("HttpServer answers what is malformed as soon as it can", async (reactor, errors) => {
  using server = new HttpServer(reactor, { ...listening, limits, handler });
  for (const [text, status, rule] of malformed) {
    if (text.startsWith("PRI ")) continue; // It speaks HTTP/2 then.
    for (const sent of [text.slice(0, lengthToRefuse(text)), text]) {
      const answer = await answerTo(server.port, sent);
      assertMatch(answer, new RegExp(`^HTTP/1.1 ${status} `), `${JSON.stringify(sent)}: ${rule}`);
    }
  }
  assertEquals(errors, []);
});

Deno.test("serveHttp() answers 400 to a request that ends in the middle", () => {
  const texts = [
    ...["G", "GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost: x\r\n", "\r\nG"],
    get("Content-Length: 5") + "1234",
    chunked("5\r\n1234"),
    chunked("5\r\n12345\r\n0\r\n"),
  ];
  for (const text of texts) {
    assertEquals(statusOf(connection().feed(text).end()), 400, text);
    assertEquals(statusOf(connection().feed(...text).end()), 400, text);
  }
});

Deno.test("serveHttp() answers a malformed HEAD without a body", () => {
  const texts = [
    "HEAD / HTTP/1.1\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: x\r\nExpect: y\r\n\r\n",
    "HEAD / HTTP/3.0\r\nHost: x\r\n\r\n",
  ];
  for (const text of texts) {
    const { output } = connection().feed(text);
    assert(/\r\ncontent-length: [1-9]\d*\r\n(.+\r\n)*\r\n$/.test(output), output);
    for (let at = 1; at < text.length; at++) {
      const driver = connection().feed(text.slice(0, at));
      connection().feed("HEAD /other HTTP/1.1\r\n");
      assertEquals(driver.feed(text.slice(at)).output, output);
    }
  }
  const [begun, get] = ["HEAD / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nHost: x\r\n"]
    .map((text) => connection().feed(text));
  assert(begun!.end().output.endsWith("\r\n\r\n"));
  connection().feed("HEAD /other HTTP/1.1\r\n\r\n");
  assert(!get!.end().output.endsWith("\r\n\r\n"));
});

Deno.test("serveHttp() takes a limit that is undefined as not given, and none that is no number", () => {
  const none = { maxRequestLineBytes: undefined } as unknown as Partial<HttpLimits>;
  const driver = new Driver(serveHttp(function* () {}, { limits: none }));
  assertEquals(statusOf(driver.feed(`GET /${"x".repeat(9000)} HTTP/1.1\r\n`)), 414);
  for (const wrong of [NaN, -1, 1.5, "64 KiB", null]) {
    const limits = { maxHeadBytes: wrong } as Partial<HttpLimits>;
    for (
      const make of [
        () => serveHttp(function* () {}, { limits }),
        () => new HttpProtocol({ limits }),
      ]
    ) {
      assertThrows(
        make,
        RangeError,
        `Cannot use these limits: maxHeadBytes must be a whole number of at least 0, not ${
          Deno.inspect(wrong)
        }`,
      );
    }
  }
});

Deno.test("serveHttp() goes by the limits exactly", () => {
  const line = `GET /${"x".repeat(36)} HTTP/1.1`;
  assertEquals(line.length, 50);
  const head = get(...Array(4).fill("A: b")).replace("GET / HTTP/1.1", line);
  const filled = head.replace("\r\n\r\n", `\r\nB: ${"c".repeat(300 - head.length - 5)}\r\n\r\n`);
  assertEquals(filled.length, 300);
  for (const pieces of [[filled], [...filled]]) {
    assert(connection().feed(...pieces).output.startsWith("HTTP/1.1 200 OK\r\n"));
  }
  // The limit of the request line is not one of headers, not even of the first.
  const cookie = get(`Cookie: ${"c".repeat(200)}`).replace(/(Host: x\r\n)(.*\r\n)/, "$2$1");
  for (let at = 1; at < cookie.length; at++) {
    const { output } = connection().feed(cookie.slice(0, at), cookie.slice(at));
    assert(output.startsWith("HTTP/1.1 200 OK\r\n"), `split at ${at}`);
  }
  // The limits hold for each request, not for all of a connection.
  const extended = chunked(`1;${"a".repeat(19)}\r\n1\r\n0\r\n${"A: b\r\n".repeat(6)}\r\n`);
  const { output } = connection().feed(extended + extended);
  assertEquals(output.match(/HTTP\/1\.1 200 OK/g)?.length, 2, output);
  const most = chunked(`64\r\n${"x".repeat(100)}\r\n0\r\n\r\n`);
  const both = connection().feed(most + most).output;
  assertEquals(both.match(/HTTP\/1\.1 200 OK/g)?.length, 2, both);
  const body = get("Content-Length: 100") + "x".repeat(100);
  assert(connection().feed(body).output.startsWith("HTTP/1.1 200 OK\r\n"));
});

Deno.test("serveHttp() reads a head in many pieces in linear time", () => {
  const driver = new Driver(serveHttp(function* () {
    yield ok();
  }, { limits: { maxHeadBytes: 1_000_000, maxHeaders: 100_000 } }));
  driver.feed("GET / HTTP/1.1\r\nHost: x\r\n");
  for (let i = 0; i < 50_000; i++) driver.feed("A: b\r\n");
  assert(driver.feed("\r\n").output.startsWith("HTTP/1.1 200 OK\r\n"));
  for (const part of [`/${"x".repeat(1_000_000)}`, `/?${"x".repeat(1_000_000)}`]) {
    const limits = { maxRequestLineBytes: 2_000_000, maxHeadBytes: 4_000_000 };
    const long = new Driver(serveHttp(function* () {
      yield ok();
    }, { limits }));
    const head = `GET ${part} HTTP/1.1\r\nHost: x\r\n${part.slice(3)}: ${part}\r\n\r\n`;
    const bytes = new TextEncoder().encode(head);
    for (let at = 0; at < bytes.length; at += 10) long.feed(bytes.subarray(at, at + 10));
    assert(long.output.startsWith("HTTP/1.1 200 OK\r\n"), long.output);
  }
});

Deno.test("serveHttp() reads lists with much space in them in linear time", () => {
  const space = " \t".repeat(15_000);
  const cases: [string, string, number][] = [
    ["Connection", `a${space}b${space}c`, 200],
    ["Connection", `a${space},${space}b`, 200],
    ["Connection", ",".repeat(60_000), 200],
    ["Content-Length", `0${space},${space}0`, 200],
    ["Content-Length", `0${space}0${space}0`, 400],
    ["Content-Length", `0${",0".repeat(30_000)}`, 200],
    ["Transfer-Encoding", `a${space}b${space}c`, 400],
    ["Transfer-Encoding", `${",".repeat(60_000)}gzip`, 400],
  ];
  // Each line is looked at once.
  const lines = Array(90).fill("Transfer-Encoding: " + ",a".repeat(350)).join("\r\n");
  cases.push(["A", `b\r\n${lines}`, 400]);
  for (const [name, value, status] of cases) {
    for (let i = 0; i < 10; i++) {
      const driver = new Driver(serveHttp(function* () {
        yield ok();
      }));
      const { output } = driver.feed(get(`${name}: ${value}`));
      assert(output.startsWith(`HTTP/1.1 ${status} `), output);
    }
  }
});
