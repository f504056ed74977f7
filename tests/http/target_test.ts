/** What a request may ask for: hosts, schemes, paths and methods; and how long it may be. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { hello } from "../../examples/hello.ts";
import {
  HttpProtocol,
  type HttpRequest,
  HttpServer,
  methodNotAllowed,
  ok,
  serveHttp,
  Server,
} from "../../http/mod.ts";
import { be } from "../../pipeline/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { listening } from "../_sockets.ts";
import { CA_CERT, CERT, KEY } from "../reactor/_tls.ts";
import { Driver } from "./_drive.ts";
import { answerTo, serverTest } from "./_live.ts";

/** Tells what it was asked for. */
function* telling(request: HttpRequest): Coroutine {
  yield ok();
  yield request.url.href;
}

const END = "\r\nConnection: close\r\n\r\n";

Deno.test("serveHttp() takes every host of RFC 3986", () => {
  const hosts = [
    ...[
      "x",
      "x:",
      "x:0",
      "x:80",
      "x:065535",
      "EXAMPLE.org",
      "a-b_c~d.e",
      "!$&'()*+,;=",
      "%41b%c3%a9",
    ],
    ...["1.2.3.4", "1.2.3.4:5", "1.2.3.999", "[::]", "[::1]:80", "[1:2:3:4:5:6:7:8]", "[1::]"],
    ...["[1:2:3:4:5:6:7::]", "[::2:3:4:5:6:7:8]", "[1::3:4:5:6:7:8]", "[ABCD:ef01::]", "[1::8]:"],
    ...["[::1.2.3.4]", "[::ffff:255.249.199.0]", "[1:2:3:4:5:6:1.2.3.4]", "[1::1.2.3.4]"],
    ...["[v1.a]", "[vF1.a:b!]:80"],
  ];
  const seen: string[] = [];
  const given = [...hosts, ""];
  const driver = new Driver(serveHttp(function* (request) {
    seen.push(request.host);
    yield ok();
  }));
  for (const host of given) driver.feed(`GET / HTTP/1.1\r\nHost: \t${host} \r\n\r\n`);
  assertEquals(seen.splice(0), given);
  for (const host of hosts) driver.feed(`GET http://${host}?q HTTP/1.1\r\nHost: x\r\n\r\n`);
  assertEquals(seen, hosts);
});

Deno.test("serveHttp() answers for https only if it is told that it is reached by TLS", () => {
  const cases: ["http" | "https" | undefined, string, string][] = [
    [undefined, "/p", "http://h/p"],
    ["http", "/p", "http://h/p"],
    ["https", "/p", "https://h/p"],
    ["http", "http://a/p", "http://a/p"],
    ["http", "https://a/p", "421"],
    ["https", "https://a/p", "https://a/p"],
    ["https", "HTTPS://a/p", "https://a/p"],
    ["https", "http://a/p", "http://a/p"],
  ];
  for (const [scheme, target, expected] of cases) {
    const text = `GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`;
    for (const pieces of [[text], [...text]]) {
      const driver = new Driver(serveHttp(telling, { ...(scheme && { scheme }) }));
      const { output } = driver.feed(...pieces);
      assert(output.includes(expected), `${scheme} ${target}: ${output}`);
    }
  }
});

serverTest(
  "HttpServer and Server know whether they are reached by TLS",
  async (reactor, errors) => {
    const tls = { ...listening, cert: CERT, key: KEY };
    const options = { handler: telling };
    const servers: [{ port: number } & Disposable, boolean, string][] = [
      [new HttpServer(reactor, { ...listening, ...options }), false, "http:"],
      [new HttpServer(reactor, { ...listening, ...options, scheme: "https" }), false, "https:"],
      [new HttpServer(reactor, { ...tls, ...options }), true, "https:"],
      [new HttpServer(reactor, { ...tls, ...options, scheme: "http" }), true, "http:"],
      ...[false, true].map((secured): [Server, boolean, string] => [
        be([new Server(reactor, secured ? tls : listening), [new HttpProtocol(), [{
          processRequest: telling,
        }]]]),
        secured,
        secured ? "https:" : "http:",
      ]),
    ];
    const client = Deno.createHttpClient({ caCerts: [CA_CERT] });
    for (const [server, secured, scheme] of servers) {
      const url = `${secured ? "https" : "http"}://127.0.0.1:${server.port}/p`;
      const answer = await fetch(url, { client, headers: { connection: "close" } });
      assertEquals(await answer.text(), url.replace(/^\w+:/, scheme));
      if (!secured) {
        const text = await answerTo(server.port, `GET https://a/ HTTP/1.1\r\nHost: a${END}`);
        assertMatch(text, scheme === "http:" ? /^HTTP\/1.1 421 / : /https:\/\/a\/$/);
      }
      server[Symbol.dispose]();
    }
    client.close();
    assertEquals(errors, []);
  },
);

serverTest("connection.tls tells the protocol that was chosen by ALPN", async (reactor, errors) => {
  const cases: [offered: string[] | undefined, asked: string[] | undefined, chosen?: string][] = [
    [["http/1.1"], ["http/1.1"], "http/1.1"],
    [["a", "http/1.1"], ["http/1.1", "a"], "a"],
    [["http/1.1"], undefined],
    [undefined, ["http/1.1"], "http/1.1"],
  ];
  const told: unknown[] = [];
  for (const [offered, asked] of cases) {
    using server = new HttpServer(reactor, {
      ...listening,
      cert: CERT,
      key: KEY,
      ...(offered && { alpnProtocols: offered }),
      *handler({ connection: { tls } }) {
        told.push(tls!.alpnProtocol);
        yield ok();
      },
    });
    const options = { port: server.port, hostname: "127.0.0.1", caCerts: [CA_CERT] };
    using conn = await Deno.connectTls({ ...options, ...(asked && { alpnProtocols: asked }) });
    // In one piece with the end of the handshake, as far as that depends on the client.
    await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assertMatch(new TextDecoder().decode(await readSome(conn)), /^HTTP\/1.1 200 /);
  }
  assertEquals(told, cases.map(([, , chosen]) => chosen));
  using plain = new HttpServer(reactor, {
    ...listening,
    *handler({ connection }) {
      told.push(connection.tls);
      yield ok();
    },
  });
  await answerTo(plain.port, "GET / HTTP/1.0\r\n\r\n");
  assertEquals(told.at(-1), undefined);
  assertEquals(errors, []);
});

async function readSome(conn: Deno.Conn): Promise<Uint8Array> {
  const buffer = new Uint8Array(1000);
  return buffer.subarray(0, (await conn.read(buffer))!);
}

Deno.test("HttpServer, HttpProtocol and serveHttp() refuse another scheme", () => {
  using reactor = new Reactor();
  const scheme = "ftp" as "http";
  for (
    const make of [
      () => new HttpServer(reactor, { ...listening, handler: telling, scheme }),
      () => new HttpProtocol({ scheme }),
      () => serveHttp(telling, { scheme }),
    ]
  ) {
    assertThrows(
      make,
      TypeError,
      'Cannot serve HTTP with the scheme "ftp": give "http" or "https"',
    );
  }
});

/** Texts that exceed a limit, and the status that says which. */
const tooLong: Record<string, [string, number]> = {
  "a request line of 70 KB": [`GET /${"x".repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
  "a query of 9 KB": [`GET /?${"x".repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
  "a request line of 70 KB without an end": [`GET /${"x".repeat(70_000)}`, 414],
  "a header of 70 KB": [`GET / HTTP/1.1\r\nHost: x\r\nA: ${"x".repeat(70_000)}\r\n\r\n`, 431],
  "a header's name of 70 KB": [`GET / HTTP/1.1\r\nHost: x\r\n${"x".repeat(70_000)}`, 431],
  "10,000 headers": [`GET / HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(10_000)}\r\n`, 431],
  "a method of 70 KB": ["X".repeat(70_000), 501],
};

Deno.test("serveHttp() tells what is too long, however it is cut", () => {
  for (const [name, [text, status]] of Object.entries(tooLong)) {
    for (const at of [0, 1, 8000, 8191, 8192, 8193, 8210, 30_000, 65_535, 65_536, 65_560]) {
      const driver = new Driver(serveHttp(hello)).feed(text.slice(0, at), text.slice(at));
      assertMatch(driver.output, new RegExp(`^HTTP/1.1 ${status} `), `${name}, cut at ${at}`);
    }
    const driver = new Driver(serveHttp(hello)).feed(...text);
    assertMatch(driver.output, new RegExp(`^HTTP/1.1 ${status} `), name);
  }
});

serverTest("HttpServer tells what is too long, however it is cut", async (reactor, errors) => {
  using server = new HttpServer(reactor, { ...listening, handler: hello });
  for (const [name, [text, status]] of Object.entries(tooLong)) {
    for (const at of [1, 8000, 30_000]) {
      // So much as is refused, and no more: what a server has not read resets its connection.
      const driver = new Driver(serveHttp(hello));
      let length = 0;
      while (!driver.done) driver.feed(text[length++]!);
      const cut = Math.min(at, length - 1);
      const answer = await answerTo(server.port, text.slice(0, cut), text.slice(cut, length));
      assertMatch(answer, new RegExp(`^HTTP/1.1 ${status} `), `${name}, cut at ${at}`);
    }
  }
  assertEquals(errors, []);
});

const POST = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

serverTest(
  "a chunk extension that is too long is 400, also to a handler that has begun its answer",
  async (reactor, errors) => {
    using server = new HttpServer(reactor, { ...listening, handler: hello });
    const text = `${POST}1;a="${"x".repeat(64 * 1024)}`;
    for (const length of [POST.length + 16_500, POST.length + 1, 8000]) {
      const most = POST.length + 2 + 16_384;
      const answer = await answerTo(server.port, text.slice(0, length), text.slice(length, most));
      assertMatch(answer, /^HTTP\/1.1 400 /, `cut at ${length}`);
    }
    assertEquals(errors, []);
  },
);

Deno.test("a handler's answer begins while the client waits within the body, and not within its framing", () => {
  const driver = new Driver(serveHttp(hello));
  driver.feed(POST);
  assertMatch(driver.taken(), /^HTTP\/1.1 200 /);
  driver.feed("1");
  assertEquals(driver.taken(), "");
  const next = new Driver(serveHttp(hello));
  assertEquals(next.feed(`${POST}1`).taken(), "");
  assertEquals(next.feed(`;a=b\r`).taken(), "");
  assertMatch(next.feed(`\n`).taken(), /^HTTP\/1.1 200 /);
});

Deno.test("methodNotAllowed() is 405 for a method that is known, and 501 for another", () => {
  for (const method of ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"]) {
    assertEquals(methodNotAllowed(method, ["PUT"]).status, 405);
  }
  for (const method of ["get", "BREW", "PROPFIND", "__proto__", "constructor", ""]) {
    assertEquals(methodNotAllowed(method, ["PUT"]).status, 501);
  }
  const driver = new Driver(serveHttp(function* ({ method }): Coroutine {
    yield methodNotAllowed(method, []);
  }));
  assertMatch(driver.feed(`GET / HTTP/1.1\r\nHost: x${END}`).output, /405 [^]*\r\nallow: \r\n/);
});

serverTest("hello.ts answers 501 to a method that nobody knows", async (reactor) => {
  using server = new HttpServer(reactor, { ...listening, handler: hello });
  for (const [method, status] of [["BREW", 501], ["get", 501], ["DELETE", 405]] as const) {
    const answer = await answerTo(server.port, `${method} / HTTP/1.1\r\nHost: x${END}`);
    assertMatch(answer, new RegExp(`^HTTP/1.1 ${status} `));
  }
});

Deno.test("serveHttp() refuses trailers at the byte that makes them wrong", () => {
  const cases: [string, number][] = [["A : ", 400], ["A: b\0", 400], ["A: b\n", 400], [" ", 400]];
  for (const [wrong, status] of cases) {
    const before = `${POST}0\r\nX: y\r\n`;
    const text = before + wrong;
    for (let at = 1; at < text.length; at++) {
      const driver = new Driver(serveHttp(function* (request): Coroutine {
        yield* call(request.bytes());
        yield ok();
      }));
      driver.feed(text.slice(0, at), text.slice(at));
      assertMatch(driver.output, new RegExp(`^HTTP/1.1 ${status} `), JSON.stringify(wrong));
    }
  }
});

Deno.test("HttpRequest.url is the client's fault if no URL has its host", () => {
  const hosts = ["", "1.2.3.999", "%20", "[v1.a]"];
  for (const path of ["/evil.org/p", "//evil.org/p"]) {
    for (const host of hosts) {
      const driver = new Driver(serveHttp(telling, { onError: () => assert(false) }));
      const { output } = driver.feed(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assertMatch(output, /^HTTP\/1.1 400 [^]*Cannot tell the URL of the request: /);
    }
    const old = new Driver(serveHttp(telling, { onError: () => assert(false) }));
    assertMatch(old.feed(`GET ${path} HTTP/1.0\r\n\r\n`).output, /^HTTP\/1.1 400 /);
  }
});
