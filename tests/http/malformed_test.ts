import { assert, assertEquals, assertThrows } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { type HttpLimits, HttpProtocol, httpProtocol, ok } from "../../http/mod.ts";
import { Driver } from "./_drive.ts";

const limits: Partial<HttpLimits> = {
  maxRequestLineBytes: 50,
  maxHeadBytes: 300,
  maxHeaders: 6,
  maxBodyBytes: 100,
  maxChunkExtensionBytes: 20,
};

function connection(): Driver {
  const driver = new Driver(httpProtocol(function* (request): Coroutine {
    yield* call(request.bytes());
    yield ok();
  }, { limits, onError: (error) => console.error("reported:", error) }));
  return driver;
}

/** A request line, and lines of headers. */
const get = (...lines: string[]) => ["GET / HTTP/1.1", "Host: x", ...lines, "", ""].join("\r\n");
const line = (line: string) => `${line}\r\nHost: x\r\n\r\n`;
const host = (...hosts: string[]) =>
  ["GET / HTTP/1.1", ...hosts.map((host) => `Host: ${host}`), "", ""].join("\r\n");
const chunked = (body: string) => get("Transfer-Encoding: chunked") + body;

/** What is sent, the status it is answered with, and which rule it breaks. */
const cases: [string, number, string][] = [
  // The request line
  [line("NONSENSE"), 400, "9112 3: method SP target SP version"],
  [line("GET /"), 400, "9112 3: HTTP/0.9"],
  [line("GET / "), 400, "9112 3: without a version"],
  ["GET / \r\n\r\n", 400, "9112 3: without a version, at the end"],
  ["GET / HTTP/1.\r\n\r\n", 400, "9112 2.3: half a version, at the end"],
  [line("GET  / HTTP/1.1"), 400, "9112 3: single spaces"],
  [line("GET /  HTTP/1.1"), 400, "9112 3: single spaces"],
  [line("GET\t/ HTTP/1.1"), 400, "9112 3: single spaces"],
  [line("GET / HTTP/1.1 "), 400, "9112 3: nothing after the version"],
  [line(" GET / HTTP/1.1"), 400, "9112 3: nothing before the method"],
  [line("G(T / HTTP/1.1"), 400, "9110 9.1: a method is a token"],
  [line("G\xc9T / HTTP/1.1"), 400, "9110 9.1: a method is a token"],
  [line(`${"X".repeat(33)} / HTTP/1.1`), 501, "9112 3: a method longer than any"],
  [line("GET / http/1.1"), 400, "9112 2.3: case-sensitive"],
  [line("GET / HTTP/11"), 400, "9112 2.3"],
  [line("GET / HTTP/1.10"), 400, "9112 2.3: single digits"],
  [line("GET / HTTP/1,1"), 400, "9112 2.3"],
  [line("GET / HTTPS/1.1"), 400, "9112 2.3"],
  [line("GET / HTTP/2.0"), 505, "9110 15.6.6"],
  [line("GET / HTTP/0.9"), 505, "9110 15.6.6"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "9113 3.4: the preface of HTTP/2"],
  ["GET / HTTP/1.1\nHost: x\n\n", 400, "9112 2.2: bare LF"],
  ["GET / HTTP/1.1\r\nHost: x\n\r\n", 400, "9112 2.2: bare LF"],
  ["GET / HTTP/1.1\r\nHost: x\r\n\n", 400, "9112 2.2: bare LF"],
  ["GET / HTTP/1.1\rHost: x\r\n\r\n", 400, "9112 2.2: bare CR"],
  ["GET / HTTP/1.1\r\r\nHost: x\r\n\r\n", 400, "9112 2.2: bare CR"],
  ["\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "9112 2.2: at least one empty line"],
  ["\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "9112 2.2: bare LF"],
  ["\rGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "9112 2.2: bare CR"],
  ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "TLS, to a port that has none"],
  [`GET /${"x".repeat(40)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414, "9112 3: too long"],
  [`GET /${"x".repeat(400)}`, 414, "9112 3: too long, without an end"],
  [`\r\nGET /${"x".repeat(400)}`, 414, "9112 3: too long, after an empty line"],
  // The target
  [line("GET example.org HTTP/1.1"), 400, "9112 3.2"],
  [line("GET ?q HTTP/1.1"), 400, "9112 3.2"],
  [line("GET /\xff HTTP/1.1"), 400, "3986 2: ASCII"],
  [line("GET /\x7f HTTP/1.1"), 400, "3986 2: no control characters"],
  [line("GET /\0 HTTP/1.1"), 400, "3986 2: no control characters"],
  [line("GET /#fragment HTTP/1.1"), 400, "9112 3.2: no fragment"],
  [line('GET /"<> HTTP/1.1'), 400, "3986 2"],
  [line("GET ftp://x/ HTTP/1.1"), 400, "9112 3.2.2: not our scheme"],
  [line("GET http:/x HTTP/1.1"), 400, "9112 3.2.2"],
  [line("GET http:///x HTTP/1.1"), 400, "9110 4.2.1: an empty host"],
  [line("GET http://:80/x HTTP/1.1"), 400, "9110 4.2.1: an empty host"],
  [line("GET http://u:p@x/ HTTP/1.1"), 400, "9110 4.2.4: userinfo"],
  [line("GET http://x:y/ HTTP/1.1"), 400, "3986 3.2.3: a port has digits"],
  [line("GET * HTTP/1.1"), 400, "9112 3.2.4: only OPTIONS"],
  [line("OPTIONS *x HTTP/1.1"), 400, "9112 3.2.4"],
  [line("CONNECT / HTTP/1.1"), 400, "9112 3.2.3"],
  [line("CONNECT x HTTP/1.1"), 400, "9110 9.3.6: without a port"],
  [line("CONNECT x: HTTP/1.1"), 400, "9110 9.3.6: an empty port"],
  [line("CONNECT x:0 HTTP/1.1"), 400, "9110 9.3.6: an invalid port"],
  [line("CONNECT x:65536 HTTP/1.1"), 400, "9110 9.3.6: an invalid port"],
  [line("CONNECT :80 HTTP/1.1"), 400, "9112 3.2.3: without a host"],
  [line("CONNECT http://x:80 HTTP/1.1"), 400, "9112 3.2.3"],
  // Host
  [host(), 400, "9112 3.2: no Host in HTTP/1.1"],
  [host("x", "x"), 400, "9112 3.2: more than one Host"],
  ["GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400, "9112 3.2: more than one Host"],
  [host("x y"), 400, "9112 3.2: an invalid value"],
  [host("x/y"), 400, "9112 3.2: an invalid value"],
  [host("u@x"), 400, "9112 3.2: an invalid value"],
  [host("http://x"), 400, "9112 3.2: an invalid value"],
  [host("x:80a"), 400, "9112 3.2: an invalid value"],
  [host("x:80:80"), 400, "9112 3.2: an invalid value"],
  [host("::1"), 400, "9112 3.2: an invalid value"],
  [host("[::1"), 400, "9112 3.2: an invalid value"],
  [host("[::1]x"), 400, "9112 3.2: an invalid value"],
  [host("x[::1]"), 400, "9112 3.2: an invalid value"],
  [host("\xe9"), 400, "9112 3.2: an invalid value"],
  // Header lines
  [get("A : b"), 400, "9112 5.1: space before the colon"],
  [get("A\t: b"), 400, "9112 5.1: space before the colon"],
  [get("A: b", " c"), 400, "9112 5.2: obs-fold"],
  [get("A: b", "\tc"), 400, "9112 5.2: obs-fold"],
  ["GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400, "9112 2.2: space before the first header"],
  [get("no colon"), 400, "9112 5"],
  [get("nocolon"), 400, "9112 5"],
  [get(": no name"), 400, "9112 5"],
  [get("A(: b"), 400, "9110 5.1: a name is a token"],
  [get("A\0: b"), 400, "9110 5.1: a name is a token"],
  [get("\xe9: b"), 400, "9110 5.1: a name is a token"],
  [get("A: b\0c"), 400, "9110 5.5: NUL"],
  [get("A: b\x01c"), 400, "9110 5.5: control character"],
  [get("A: b\x7fc"), 400, "9110 5.5: control character"],
  [get("A: b\rc: d"), 400, "9110 5.5: bare CR"],
  [get("A: b\nc: d"), 400, "9110 5.5: bare LF"],
  [get("A: b\r"), 400, "9110 5.5: bare CR"],
  [get(...Array(6).fill("A: b")), 431, "too many headers"],
  [get(`A: ${"b".repeat(300)}`), 431, "too large a head"],
  [get(`A: ${"b".repeat(400)}`).slice(0, -4), 431, "too large a head, without an end"],
  [get("Expect: 200-ok"), 417, "9110 10.1.1"],
  // Framing
  [get("Content-Length: -1"), 400, "9110 8.6: digits"],
  [get("Content-Length: +1") + "1", 400, "9110 8.6: digits"],
  [get("Content-Length: 0x1") + "1", 400, "9110 8.6: digits"],
  [get("Content-Length: 1.0") + "1", 400, "9110 8.6: digits"],
  [get("Content-Length: 1 1") + "1", 400, "9110 8.6: digits"],
  [get("Content-Length: \xb2") + "12", 400, "9110 8.6: digits"],
  [get("Content-Length: 1\xa0") + "1", 400, "9110 8.6: digits"],
  [get("Content-Length:"), 400, "9110 8.6: digits"],
  [get("Content-Length: ,"), 400, "9112 6.3"],
  [get("Content-Length: 1,"), 400, "9112 6.3"],
  [get("Content-Length: 1, 2") + "12", 400, "9112 6.3: differing"],
  [get("Content-Length: 1", "Content-Length: 2") + "12", 400, "9112 6.3: differing"],
  [get("Content-Length: 18446744073709551617") + "1", 400, "9110 8.6: no overflow"],
  [get("Content-Length: 101"), 413, "too large a body"],
  [get("Content-Length: 1", "Transfer-Encoding: chunked"), 400, "9112 6.3: both"],
  [get("Transfer-Encoding: chunked", "Content-Length: 0"), 400, "9112 6.3: both"],
  ["POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "9112 6.1: in HTTP/1.0"],
  [get("Transfer-Encoding: gzip"), 400, "9112 6.3: chunked is not final"],
  [get("Transfer-Encoding: identity"), 400, "9112 6.3: chunked is not final"],
  [get("Transfer-Encoding: chunked, gzip"), 400, "9112 6.3: chunked is not final"],
  [get("Transfer-Encoding: chunked", "Transfer-Encoding: gzip"), 400, "9112 6.3"],
  [get("Transfer-Encoding: chunked, chunked"), 400, "9112 6.1: chunked twice"],
  [get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400, "9112 6.1: twice"],
  [get("Transfer-Encoding: chunked;q=1"), 400, "9112 7: a parameter"],
  [get("Transfer-Encoding: xchunked"), 400, "9112 6.3: chunked is not final"],
  [get('Transfer-Encoding: "chunked"'), 400, "9112 6.3: chunked is not final"],
  [get("Transfer-Encoding: \x0bchunked"), 400, "9110 5.5: control character"],
  [get("Transfer-Encoding:"), 400, "9112 6.3"],
  [get("Transfer-Encoding: gzip, chunked"), 501, "9112 6.1: not understood"],
  [get("Transfer-Encoding: gzip", "Transfer-Encoding: chunked"), 501, "9112 6.1"],
  // Chunks
  [chunked("\r\n"), 400, "9112 7.1: without a size"],
  [chunked("x\r\n"), 400, "9112 7.1: hexadecimal"],
  [chunked("-1\r\n"), 400, "9112 7.1: hexadecimal"],
  [chunked("0x1\r\n1\r\n0\r\n\r\n"), 400, "9112 7.1: hexadecimal"],
  [chunked(" 1\r\n1\r\n0\r\n\r\n"), 400, "9112 7.1: space before"],
  [chunked("1 \r\n1\r\n0\r\n\r\n"), 400, "9112 7.1: space after"],
  [chunked("1\t\r\n1\r\n0\r\n\r\n"), 400, "9112 7.1: space after"],
  [chunked("1\n1\r\n0\r\n\r\n"), 400, "9112 7.1: bare LF"],
  [chunked("1\r1\r\n0\r\n\r\n"), 400, "9112 7.1: bare CR"],
  [chunked("1\r\n12\r\n0\r\n\r\n"), 400, "9112 7.1: longer than its size"],
  [chunked("1\r\n1\n0\r\n\r\n"), 400, "9112 7.1: bare LF"],
  [chunked("1\r\n1\r0\r\n\r\n"), 400, "9112 7.1: bare CR"],
  [chunked("10000000000000001\r\n1"), 400, "9112 7.1: no overflow"],
  [chunked("0000000000000001\r\n1"), 400, "9112 7.1: no overflow"],
  [chunked("65\r\n"), 413, "too large a body"],
  [chunked(`60\r\n${"x".repeat(96)}\r\n5\r\n`), 413, "too large a body"],
  [chunked("1;a\nb\r\n1\r\n0\r\n\r\n"), 400, "9112 7.1.1: bare LF"],
  [chunked("1;a\0\r\n1\r\n0\r\n\r\n"), 400, "9112 7.1.1: control character"],
  [chunked("1;\r\n1\r\n0\r\n\r\n"), 400, "9112 7.1.1: without a name"],
  [chunked("1;a \r\n1\r\n0\r\n\r\n"), 400, "9112 7.1.1: a space at the end"],
  [chunked("1;a=\r\n1\r\n0\r\n\r\n"), 400, "9112 7.1.1: without a value"],
  [chunked('1;a="b\r\n1\r\n0\r\n\r\n'), 400, "9112 7.1.1: without a quote"],
  [chunked("1 a\r\n1\r\n0\r\n\r\n"), 400, "9112 7.1.1: without a semicolon"],
  [chunked(`1;${"a".repeat(20)}\r\n1\r\n0\r\n\r\n`), 400, "9112 7.1.1: too long"],
  [chunked(`${"1;a=bcd\r\n1\r\n".repeat(4)}0\r\n\r\n`), 400, "9112 7.1.1: too long altogether"],
  [chunked("0\r\nA : b\r\n\r\n"), 400, "9112 5.1: in trailers"],
  [chunked("0\r\nA: b\r\n c\r\n\r\n"), 400, "9112 5.2: in trailers"],
  [chunked("0\r\nA: b\n\r\n"), 400, "9112 2.2: in trailers"],
  [chunked("0\r\nA: b\0\r\n\r\n"), 400, "9110 5.5: in trailers"],
  [chunked("0\r\n: b\r\n\r\n"), 400, "9112 5: in trailers"],
  [chunked("0\r\nA\r\n\r\n"), 400, "9112 5: in trailers"],
  [chunked(`0\r\n${"A: b\r\n".repeat(7)}\r\n`), 431, "too many trailers"],
  [chunked(`0\r\nA: ${"b".repeat(300)}\r\n\r\n`), 431, "too large trailers"],
];

function statusOf(driver: Driver): number {
  const { output } = driver;
  assert(driver.done, "the connection ends");
  assertEquals(driver.error, undefined);
  assert(output.includes("\r\nconnection: close\r\n"), output);
  return Number(/^HTTP\/1\.1 (\d{3}) [^\r\n]+\r\n/.exec(output)?.[1]);
}

for (const [text, status, rule] of cases) {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
  Deno.test(`httpProtocol() answers ${status} to ${shown}: ${rule}`, () => {
    assertEquals(statusOf(connection().feed(text)), status);
    assertEquals(statusOf(connection().feed(...text)), status, "byte by byte");
    for (let at = 1; at < text.length; at++) {
      const driver = connection().feed(text.slice(0, at), text.slice(at));
      assertEquals(statusOf(driver), status, `split at ${at}`);
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

Deno.test("httpProtocol() answers 400 to a request that ends in the middle", () => {
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

Deno.test("httpProtocol() answers a malformed HEAD without a body", () => {
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

Deno.test("httpProtocol() takes a limit that is undefined as not given, and none that is no number", () => {
  const none = { maxRequestLineBytes: undefined } as unknown as Partial<HttpLimits>;
  const driver = new Driver(httpProtocol(function* () {}, { limits: none }));
  assertEquals(statusOf(driver.feed(`GET /${"x".repeat(9000)} HTTP/1.1\r\n`)), 414);
  for (const wrong of [NaN, -1, 1.5, "64 KiB", null]) {
    const limits = { maxHeadBytes: wrong } as Partial<HttpLimits>;
    for (
      const make of [
        () => httpProtocol(function* () {}, { limits }),
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

Deno.test("httpProtocol() goes by the limits exactly", () => {
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

Deno.test("httpProtocol() reads a head in many pieces in linear time", () => {
  const driver = new Driver(httpProtocol(function* () {
    yield ok();
  }, { limits: { maxHeadBytes: 1_000_000, maxHeaders: 100_000 } }));
  driver.feed("GET / HTTP/1.1\r\nHost: x\r\n");
  for (let i = 0; i < 50_000; i++) driver.feed("A: b\r\n");
  assert(driver.feed("\r\n").output.startsWith("HTTP/1.1 200 OK\r\n"));
});

Deno.test("httpProtocol() reads lists with much space in them in linear time", () => {
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
  for (const [name, value, status] of cases) {
    for (let i = 0; i < 10; i++) {
      const driver = new Driver(httpProtocol(function* () {
        yield ok();
      }));
      const { output } = driver.feed(get(`${name}: ${value}`));
      assert(output.startsWith(`HTTP/1.1 ${status} `), output);
    }
  }
});
