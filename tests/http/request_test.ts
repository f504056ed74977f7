import { assert, assertEquals, assertMatch } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { asProcess, memory } from "../../gio/mod.ts";
import { type HttpRequest, ok, serveHttp } from "../../http/mod.ts";
import { corpus } from "./_corpus.ts";
import { bytes, Driver } from "./_drive.ts";
import { reading } from "./_reading.ts";

for (const { name, text, seen: expected, last = false } of corpus) {
  Deno.test(`serveHttp() reads a request: ${name}`, () => {
    const whole = reading();
    whole.driver.feed(text);
    // A 2xx to CONNECT makes the connection the handler's, and so the last one is answered.
    const ends = last || expected.method === "CONNECT";
    assertEquals([whole.seen, whole.driver.done], [[expected], ends]);
    const answer = whole.driver.output;

    const byByte = reading();
    byByte.driver.feed(...text);
    assertEquals(byByte.seen, [expected], "byte by byte");
    assertEquals(byByte.driver.output, answer, "byte by byte");

    for (let at = 1; at < text.length; at++) {
      const split = reading();
      split.driver.feed(text.slice(0, at), text.slice(at));
      assertEquals(split.seen, [expected], `split at ${at}`);
      assertEquals(split.driver.output, answer, `split at ${at}`);
      assertEquals(split.driver.done, ends, `split at ${at}`);
    }
  });
}

const kept = corpus.filter(({ last, seen }) => !last && seen.method !== "CONNECT");

Deno.test("serveHttp() answers requests that arrive in one segment, in order", () => {
  const { driver, seen } = reading();
  // Forwards and backwards, so that nothing is left over for the next.
  const requests = [...kept, ...kept.toReversed()];
  driver.feed(requests.map(({ text }) => text).join(""));
  assertEquals(seen, requests.map(({ seen }) => seen));
  assertEquals(driver.output.match(/HTTP\/1\.1 200 OK/g)?.length, requests.length);
  assert(!driver.done);
});

Deno.test("serveHttp() answers pipelined requests however they are cut", () => {
  const text = kept.map(({ text }) => text).join("");
  const whole = reading();
  whole.driver.feed(text);
  for (const size of [1, 2, 3, 7, 50, 333, 1000]) {
    const { driver, seen } = reading();
    for (let at = 0; at < text.length; at += size) driver.feed(text.slice(at, at + size));
    assertEquals(seen, kept.map(({ seen }) => seen), `pieces of ${size}`);
    assertEquals(driver.output, whole.driver.output, `pieces of ${size}`);
  }
});

Deno.test("serveHttp() ignores what comes after the last request", () => {
  const { driver, seen } = reading();
  driver.feed("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /more HTTP/1.1\r\n\r\n");
  assertEquals([seen.length, driver.done], [1, true]);
});

Deno.test("serveHttp() reads text as it reads bytes in UTF-8", async () => {
  const [head, body] = ["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n", "€€"];
  for (const pieces of [[head + body, head, body], [...head, ...body]]) {
    const connection = memory(...pieces);
    await asProcess(
      serveHttp(function* (request) {
        const text = yield* call(request.text());
        yield ok();
        yield text;
      }),
      { connection },
    );
    assertMatch(connection.text, /^(HTTP\/1\.1 200 OK\r\n(.+\r\n)*\r\n€€)+$/);
  }
});

Deno.test("serveHttp() reads chunks that have something around them", () => {
  const { driver, seen } = reading();
  const room = bytes("xxGET / HTTP/1.1\r\nHost: x\r\n\r\nyy");
  driver.feed(room.subarray(2, -2), new Uint8Array(0), room.subarray(2, -2));
  assertEquals(seen.length, 2);
});

Deno.test("serveHttp() ends quietly when the client does, between requests", () => {
  for (const text of ["", "\r\n", "\r", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"]) {
    const { driver } = reading();
    driver.feed(text).taken();
    driver.end();
    assertEquals([driver.done, driver.output, driver.error], [true, "", undefined], text);
  }
});

Deno.test("serveHttp() hands out the body as it arrives, without copying it", () => {
  const pieces: Uint8Array[] = [];
  const driver = new Driver(serveHttp(function* () {
    yield ok();
    for (;;) pieces.push(yield);
  }));
  const chunk = bytes("abc");
  driver.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n", chunk, "defG");
  assert(pieces[0] === chunk);
  assertEquals(pieces[1], bytes("def"));
});

Deno.test("HttpRequest tells the parts of its target", () => {
  const cases: [string, string, string, string, string][] = [
    // target, path, search, host, url
    ["GET /a/b?c=d", "/a/b", "?c=d", "x:81", "http://x:81/a/b?c=d"],
    ["GET /?", "/", "?", "x:81", "http://x:81/?"],
    ["GET //a?b?c", "//a", "?b?c", "x:81", "http://x:81//a?b?c"],
    ["GET http://y/p?q", "/p", "?q", "y", "http://y/p?q"],
    ["GET HTTP://y:1?q/r", "/", "?q/r", "y:1", "http://y:1/?q/r"],
    ["GET http://y", "/", "", "y", "http://y/"],
    ["OPTIONS *", "*", "", "x:81", "http://x:81/"],
    ["CONNECT y:443", "", "", "y:443", "http://y:443/"],
  ];
  for (const [line, path, search, host, url] of cases) {
    let request: HttpRequest | undefined;
    const driver = new Driver(serveHttp(function* (given) {
      request = given;
      yield ok();
    }));
    driver.feed(`${line} HTTP/1.1\r\nHost: x:81\r\n\r\n`);
    assertEquals(
      [request!.path, request!.search, request!.host, request!.url.href],
      [path, search, host, url],
      line,
    );
  }
});

Deno.test("HttpRequest stays what it is when the next one has come", () => {
  const requests: HttpRequest[] = [];
  const driver = new Driver(serveHttp(function* (request) {
    requests.push(request);
    yield ok();
  }));
  for (const path of ["/one", "/two"]) driver.feed(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  driver.feed(..."GET /three HTTP/1.1\r\nHost: x\r\n\r\n");
  assertEquals(requests.map((request) => request.path), ["/one", "/two", "/three"]);
});

Deno.test("HttpRequest reads the body as bytes, text and JSON", () => {
  const read: unknown[] = [];
  const driver = new Driver(serveHttp(function* (request): Coroutine {
    if (request.path === "/bytes") read.push(yield* call(request.bytes()));
    if (request.path === "/text") read.push(yield* call(request.text()));
    if (request.path === "/json") read.push(yield* call(request.json()));
    yield ok();
  }));
  const post = (path: string, body: string) =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  driver.feed(
    post("/bytes", "\0\xff"),
    ...post("/text", "caf\xc3\xa9"),
    post("/json", '{"a":[1]}'),
  );
  assertEquals(read, [new Uint8Array([0, 255]), "café", { a: [1] }]);

  assertEquals(
    driver.feed(post("/json", "{")).output.slice(-220).match(/HTTP\/1.1 (\d+)/)![1],
    "400",
  );
  assert(driver.done);
});

Deno.test("HttpRequest.bytes() refuses a body that is too long with 413", () => {
  const driver = new Driver(serveHttp(function* (request): Coroutine {
    yield* call(request.bytes(4));
    yield ok();
  }));
  driver.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", "123");
  assertEquals(driver.output, "");
  assert(driver.feed("45").output.startsWith("HTTP/1.1 413 Content Too Large\r\n"));
  assert(driver.done);
});
