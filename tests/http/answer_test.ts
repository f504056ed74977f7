import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type Coroutine, Request, Yield } from "../../compose/mod.ts";
import {
  type HttpRequest,
  LocalProtocolError,
  ok,
  RemoteProtocolError,
  response,
  serveHttp,
} from "../../http/mod.ts";
import { bytes, Driver } from "./_drive.ts";

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const HEAD = GET.replace("GET", "HEAD");
const OLD = "GET / HTTP/1.0\r\n\r\n";
const OLD_KEPT = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
const DATE = "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

class Pause extends Request {
  override begin(): void {}
}

/** What a handler that yields these values answers to a request. */
function answer(request: string, values: unknown[]): { output: string; driver: Driver } {
  const driver = new Driver(
    serveHttp(function* () {
      for (const value of values) yield value;
    }, {
      clock: { now: () => 0 },
      onError: (error) => {
        throw error;
      },
    }),
  );
  driver.feed(request);
  assertEquals(driver.error, undefined);
  return { output: driver.output, driver };
}

/** Name, request, what the handler yields, what is sent, and whether the connection is closed. */
const cases: [string, string, unknown[], string, boolean?][] = [
  ["no body", GET, [ok()], `200 OK\r\n${DATE}content-length: 0\r\n\r\n`],
  ["a text", GET, [ok(), "Hello!"], `200 OK\r\n${DATE}content-length: 6\r\n\r\nHello!`],
  ["bytes", GET, [ok(), bytes("\0\xff")], `200 OK\r\n${DATE}content-length: 2\r\n\r\n\0\xff`],
  [
    "a text in UTF-8",
    GET,
    [ok(), "é€😀\ud800"],
    `200 OK\r\n${DATE}content-length: 12\r\n\r\n` +
    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd",
  ],
  ["empty pieces", GET, [ok(), "", "a", bytes("")], `200 OK\r\n${DATE}content-length: 1\r\n\r\na`],
  [
    "two pieces",
    GET,
    [ok(), "Hello ", bytes("World!")],
    `200 OK\r\n${DATE}transfer-encoding: chunked\r\n\r\n6\r\nHello \r\n6\r\nWorld!\r\n0\r\n\r\n`,
  ],
  [
    "a piece of more than 15 bytes, and one of more bytes than characters",
    GET,
    [ok(), "x".repeat(17), "é"],
    `200 OK\r\n${DATE}transfer-encoding: chunked\r\n\r\n11\r\n${
      "x".repeat(17)
    }\r\n2\r\n\xc3\xa9\r\n0\r\n\r\n`,
  ],
  [
    "a piece, then something to wait for",
    GET,
    [ok(), "a", new Pause()],
    `200 OK\r\n${DATE}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
  ],
  [
    "Content-Length from the handler",
    GET,
    [ok({ "content-length": 5 }), "He", bytes("llo")],
    `200 OK\r\n${DATE}content-length: 5\r\n\r\nHello`,
  ],
  [
    "Content-Length: 0 from the handler",
    GET,
    [ok({ "Content-Length": "0" })],
    `200 OK\r\n${DATE}content-length: 0\r\n\r\n`,
  ],
  [
    "headers",
    GET,
    [response(201, { a: "b", Two: ["1", "2"], n: 3, none: undefined, empty: "" })],
    `201 Created\r\na: b\r\nTwo: 1\r\nTwo: 2\r\nn: 3\r\nempty: \r\n${DATE}content-length: 0\r\n\r\n`,
  ],
  [
    "headers of the Web platform",
    GET,
    [ok(new Headers([["set-cookie", "a"], ["set-cookie", "b"]]))],
    `200 OK\r\nset-cookie: a\r\nset-cookie: b\r\n${DATE}content-length: 0\r\n\r\n`,
  ],
  [
    "a header beyond ASCII",
    GET,
    [ok({ a: "caf\xe9" }), "é"],
    `200 OK\r\na: caf\xe9\r\n${DATE}content-length: 2\r\n\r\n\xc3\xa9`,
  ],
  [
    "a date of its own",
    GET,
    [ok({ date: "today" })],
    "200 OK\r\ndate: today\r\ncontent-length: 0\r\n\r\n",
  ],
  ["a status without a name", GET, [response(299)], `299 \r\n${DATE}content-length: 0\r\n\r\n`],
  ["204", GET, [response(204)], `204 No Content\r\n${DATE}\r\n`],
  ["205", GET, [response(205)], `205 Reset Content\r\n${DATE}content-length: 0\r\n\r\n`],
  ["304", GET, [response(304)], `304 Not Modified\r\n${DATE}\r\n`],
  [
    "304 with the length there would be",
    GET,
    [response(304, { "content-length": 7 })],
    `304 Not Modified\r\n${DATE}content-length: 7\r\n\r\n`,
  ],
  ["HEAD, a text", HEAD, [ok(), "Hello!"], `200 OK\r\n${DATE}content-length: 6\r\n\r\n`],
  ["HEAD, no text", HEAD, [ok()], `200 OK\r\n${DATE}\r\n`],
  [
    "HEAD, two pieces",
    HEAD,
    [ok(), "a", "b"],
    `200 OK\r\n${DATE}transfer-encoding: chunked\r\n\r\n`,
  ],
  [
    "HEAD, Content-Length",
    HEAD,
    [ok({ "content-length": 5 })],
    `200 OK\r\n${DATE}content-length: 5\r\n\r\n`,
  ],
  [
    "HEAD, Content-Length, a body",
    HEAD,
    [ok({ "content-length": 5 }), "Hello"],
    `200 OK\r\n${DATE}content-length: 5\r\n\r\n`,
  ],
  [
    "HTTP/1.0",
    OLD,
    [ok(), "a"],
    `200 OK\r\n${DATE}content-length: 1\r\nconnection: close\r\n\r\na`,
    true,
  ],
  [
    "HTTP/1.0 kept alive",
    OLD_KEPT,
    [ok(), "a"],
    `200 OK\r\n${DATE}content-length: 1\r\nconnection: keep-alive\r\n\r\na`,
  ],
  [
    "HTTP/1.0, two pieces",
    OLD_KEPT,
    [ok(), "a", "b"],
    `200 OK\r\n${DATE}connection: close\r\n\r\nab`,
    true,
  ],
  [
    "close from the client",
    GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
    [ok()],
    `200 OK\r\n${DATE}content-length: 0\r\nconnection: close\r\n\r\n`,
    true,
  ],
  [
    "close from the handler",
    GET,
    [ok({ Connection: "close" }), "a"],
    `200 OK\r\n${DATE}content-length: 1\r\nconnection: close\r\n\r\na`,
    true,
  ],
  [
    "headers that are undefined left out",
    GET,
    [ok({ a: undefined, b: "1" }), "a"],
    `200 OK\r\nb: 1\r\n${DATE}content-length: 1\r\n\r\na`,
  ],
  [
    "headers that are undefined left out of pairs",
    GET,
    [ok([["a", undefined], ["b", "1"]]), "a"],
    `200 OK\r\nb: 1\r\n${DATE}content-length: 1\r\n\r\na`,
  ],
  [
    "chunked from the handler",
    GET,
    [ok({ "transfer-encoding": "chunked" }), "a"],
    `200 OK\r\n${DATE}content-length: 1\r\n\r\na`,
  ],
  [
    "an early hint",
    GET,
    [response(103, { link: "<a>" }), ok()],
    `103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 200 OK\r\n${DATE}content-length: 0\r\n\r\n`,
  ],
  [
    "an early hint, for HTTP/1.0",
    OLD_KEPT,
    [response(103, { link: "<a>" }), ok()],
    `200 OK\r\n${DATE}content-length: 0\r\nconnection: keep-alive\r\n\r\n`,
  ],
  [
    "an upgrade that is offered",
    GET,
    [response(426, { upgrade: "h2c", connection: "upgrade" })],
    `426 Upgrade Required\r\nupgrade: h2c\r\n${DATE}content-length: 0\r\nconnection: upgrade\r\n\r\n`,
  ],
];

for (const [name, request, values, expected, closed = false] of cases) {
  Deno.test(`serveHttp() answers with ${name}`, () => {
    const once = answer(request, values);
    assertEquals([once.output, once.driver.done], [`HTTP/1.1 ${expected}`, closed]);
    if (closed) return;
    const twice = answer(request + request, values);
    assertEquals(twice.output, `HTTP/1.1 ${expected}`.repeat(2), "twice");
  });
}

Deno.test("serveHttp() yields the head and a short body as one text", () => {
  const { driver } = answer(GET + GET, [ok(), "Hello!"]);
  assertEquals(driver.pieces.length, 1);
});

Deno.test("serveHttp() yields large bytes as they are", () => {
  const large = new Uint8Array(100_000);
  const { driver } = answer(GET, [ok(), large]);
  assert(driver.pieces[1] === large);
});

Deno.test("serveHttp() takes the date from the clock, when something has happened", () => {
  let now = 0;
  let asked = 0;
  const clock = { now: () => (asked++, now) };
  const head = ok();
  const driver = new Driver(serveHttp(
    function* () {
      yield head;
      yield "same";
    },
    { clock },
  ));
  const date = () => /date: (.*)\r\n/.exec(driver.feed(GET + GET).taken())![1];
  assertEquals(date(), "Thu, 01 Jan 1970 00:00:00 GMT");
  now = 999;
  assertEquals(date(), "Thu, 01 Jan 1970 00:00:00 GMT");
  now = 1000;
  assertEquals(date(), "Thu, 01 Jan 1970 00:00:01 GMT");
  assertEquals(asked, 3);
});

/** What cannot be made, and a part of the message. */
const impossible: [string, () => unknown, string][] = [
  ["a line break in a value", () => ok({ a: "b\r\nc: d" }), "header a"],
  ["a CR in a value", () => ok({ a: "b\rc" }), "header a"],
  ["a LF in a value", () => ok({ a: ["b", "\nc"] }), "header a"],
  ["a NUL in a value", () => ok({ a: "\0" }), "header a"],
  ["a value beyond ISO-8859-1", () => ok({ a: "€" }), "encode it"],
  ["an empty name", () => ok({ "": "b" }), 'named ""'],
  ["a space in a name", () => ok({ "a b": "c" }), 'named "a b"'],
  ["a line break in a name", () => ok({ "a\r\nb": "c" }), "named"],
  ["a colon in a name", () => ok({ "a:": "c" }), "named"],
  ["a name beyond ASCII", () => ok([["é", "c"]]), "named"],
  ["an object as a value", () => ok({ headers: {} } as never), "header headers"],
  ["null as a value", () => ok({ a: null } as never), "header a"],
  ["a status too low", () => response(99), "100 to 599"],
  ["a status too high", () => response(600), "100 to 599"],
  ["a status that is not whole", () => response(200.5), "100 to 599"],
  ["a Content-Length that is no number", () => ok({ "content-length": "many" }), "number of bytes"],
  ["a negative Content-Length", () => ok({ "content-length": -1 }), "number of bytes"],
  ["two Content-Lengths", () => ok({ "content-length": ["1", "2"] }), "more than one"],
  ["Content-Length with 204", () => response(204, { "content-length": 0 }), "status 204"],
  ["Content-Length with 1xx", () => response(101, { "content-length": 0 }), "status 101"],
  ["another Transfer-Encoding", () => ok({ "transfer-encoding": "gzip" }), "gzip"],
];

for (const [name, make, message] of impossible) {
  Deno.test(`response() refuses ${name}`, () => {
    assertThrows(make, LocalProtocolError, message);
  });
}

/** What a handler may not yield, and a part of the error it gets at that yield. */
const mistakes: [string, unknown[], new () => Error, string][] = [
  ["data without a head", ["data"], LocalProtocolError, "yield ok(headers) first"],
  ["a second head", [ok(), ok()], LocalProtocolError, "has been yielded before"],
  ["a second head after data", [ok(), "a", "b", ok()], LocalProtocolError, "yielded before"],
  ["an early hint after the head", [ok(), response(103)], LocalProtocolError, "yielded before"],
  ["a body with 204", [response(204), "a"], LocalProtocolError, "status 204"],
  ["a body with 205", [response(205), "a"], LocalProtocolError, "status 205"],
  ["a body with 304", [response(304), bytes("a")], LocalProtocolError, "status 304"],
  ["a body with 204, later", [response(204), new Pause(), "a"], LocalProtocolError, "status 204"],
  ["too much", [ok({ "content-length": 3 }), "ab", "cd"], LocalProtocolError, "only 1"],
  ["101 for who did not ask", [response(101, { upgrade: "x" })], LocalProtocolError, "Upgrade"],
  ["a number", [42], TypeError, "a yielded 42: yield a response head"],
  ["null", [null], TypeError, "a yielded null"],
  ["false", [false], TypeError, "a yielded false"],
  ["an object", [{ a: 1 }], TypeError, "a yielded { a: 1 }"],
  [
    "an object that cannot be shown",
    [{
      [Symbol.for("Deno.customInspect")]() {
        throw new Error("no");
      },
    }],
    TypeError,
    "a yielded object: yield a response head",
  ],
  ["a promise", [Promise.resolve()], TypeError, "yield* wait(promise)"],
  ["a Response", [new Response()], TypeError, "a yielded Response"],
];

for (const [name, values, type, message] of mistakes) {
  Deno.test(`serveHttp() throws at a yield of ${name}`, () => {
    let caught: unknown;
    const driver = new Driver(serveHttp(function* () {
      for (const value of values.slice(0, -1)) yield value;
      try {
        yield values.at(-1);
      } catch (error) {
        caught = error;
      }
    }, { onError: () => {} }));
    driver.feed(GET);
    assertThrows(
      () => {
        throw caught;
      },
      type,
      message,
    );
  });
}

Deno.test("serveHttp() answers 500 for a handler without a response, and goes on", () => {
  for (const values of [[], [ok({ "content-length": 3 })], [ok({ "content-length": 3 }), "ab"]]) {
    const errors: unknown[] = [];
    const driver = new Driver(serveHttp(function* () {
      yield* values;
    }, { onError: (error) => errors.push(error) }));
    assertMatch(driver.feed(GET).output, /^HTTP\/1.1 500 Internal Server Error\r\n/);
    assertEquals([errors.length, driver.done], [1, false]);
    assertThrows(() => {
      throw errors[0];
    }, LocalProtocolError);
  }
});

Deno.test("serveHttp() sends as many bytes as it counted when a character is in two pieces", () => {
  const replaced = "\xef\xbf\xbd".repeat(2);
  const pieces = ["\ud83d", "\ude00"];
  const counted = answer(GET + GET, [ok({ "content-length": 6 }), ...pieces]);
  assertEquals(counted.output.split("\r\n\r\n")[1]!.slice(0, 6), replaced);
  const chunked = answer(GET, [ok(), ...pieces]);
  assertMatch(chunked.output, /\r\n3\r\n\xef\xbf\xbd\r\n3\r\n\xef\xbf\xbd\r\n0\r\n/);
});

Deno.test("serveHttp() cuts the connection when bytes of a Content-Length are missing", () => {
  const errors: unknown[] = [];
  const driver = new Driver(serveHttp(function* () {
    yield ok({ "content-length": 3 });
    yield "ab";
    yield new Pause(); // so that it is sent
  }, { onError: (error) => errors.push(error) }));
  driver.feed(GET);
  assertEquals(errors, [driver.error]);
  assertMatch((driver.error as Error).message, /1 bytes of its Content-Length are missing/);
});

Deno.test("RemoteProtocolError has a status of an error", () => {
  assertEquals(new RemoteProtocolError("x").status, 400);
  for (const status of [200, 399, 600, 400.5, NaN]) {
    assertThrows(() => new RemoteProtocolError("x", { status }), RangeError, "400 to 599");
  }
});

Deno.test("serveHttp() closes the handler of HEAD that would send without end", () => {
  let closed = false;
  function* endless(_: HttpRequest): Coroutine {
    try {
      yield ok();
      for (;;) yield "x".repeat(10_000);
    } finally {
      closed = true;
    }
  }
  const driver = new Driver(serveHttp(endless));
  driver.feed(HEAD.repeat(100));
  assert(closed);
  assertEquals(driver.output.match(/HTTP\/1.1 200 OK/g)?.length, 100);
});

Deno.test("serveHttp() yields what is to be sent before there is too much of it", () => {
  const pieces = 100;
  let yielded = 0;
  let most = 0;
  const protocol = serveHttp(function* () {
    yield ok();
    for (let i = 0; i < pieces; i++) {
      yielded += 1000;
      yield "x".repeat(1000);
    }
  });
  protocol.next();
  let sent = 0;
  for (
    let result = protocol.next(bytes(GET));
    result.value !== undefined;
    result = protocol.next()
  ) {
    sent += (result.value as string).length;
    most = Math.max(most, yielded - sent);
  }
  assert(sent > pieces * 1000);
  assert(most < 20_000, `${most}`);
});

Deno.test("serveHttp() answers each request as it must be, when all have the same head and body", () => {
  const head = ok({ "content-type": "text/plain" });
  const closing = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
  const begin = `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n${DATE}content-length: 6\r\n`;
  const plain = `${begin}\r\nHello!`;
  for (const requests of [[GET, GET, OLD_KEPT, HEAD, GET, closing], [GET, OLD], [GET, closing]]) {
    const { output } = answer(requests.join(""), [head, "Hello!"]);
    const expected: Record<string, string> = {
      [GET]: plain,
      [HEAD]: `${begin}\r\n`,
      [OLD_KEPT]: `${begin}connection: keep-alive\r\n\r\nHello!`,
      [OLD]: `${begin}connection: close\r\n\r\nHello!`,
      [closing]: `${begin}connection: close\r\n\r\nHello!`,
    };
    assertEquals(output, requests.map((request) => expected[request]).join(""));
  }
});

Deno.test("serveHttp() yields the answers to many requests before there are too many of them", () => {
  const { driver } = answer(GET.repeat(2000), [ok({ padding: "x".repeat(100) })]);
  assertEquals(driver.output.match(/HTTP\/1.1 200 OK/g)?.length, 2000);
  const most = Math.max(...driver.pieces.map((piece) => piece.length));
  assert(most < 20_000, `${most}`);
});

Deno.test("serveHttp() sends many small pieces, of text and bytes, in their order and in linear time", () => {
  const size = 200_000;
  function* pieces(): Coroutine {
    yield ok({ "content-length": size });
    for (let i = 0; i < size; i++) {
      const digit = String(i % 10);
      yield i % 7 === 0 ? digit : bytes(digit);
    }
  }
  const { output } = new Driver(serveHttp(pieces)).feed(GET);
  assertEquals(output.split("\r\n\r\n")[1], "0123456789".repeat(size / 10));
});

Deno.test("the answer to HEAD has the head of that to GET, and no length if no body is yielded", () => {
  const bodies: Record<string, () => Coroutine> = {
    *none() {
      yield ok({ "content-type": "text/plain" });
    },
    *"an empty text"() {
      yield ok({ "content-type": "text/plain" });
      yield "";
    },
    *"a length of 0"() {
      yield ok({ "content-length": 0 });
    },
    *"a text"() {
      yield ok({ "content-type": "text/plain" });
      yield "a".repeat(1000);
    },
    *"a stream"() {
      yield ok({ "content-type": "text/plain" });
      yield Yield;
      yield "a";
    },
    *"no content"() {
      yield response(204);
    },
    *"reset content"() {
      yield response(205);
    },
    *"nothing new"() {
      yield response(304, { "content-length": 9 });
    },
  };
  for (const [name, handler] of Object.entries(bodies)) {
    // A stream is compressed in the background, which nobody drives here.
    for (const compression of name === "a stream" ? [false] : [false, true]) {
      for (const version of ["1.0", "1.1"]) {
        const [get, head] = ["GET", "HEAD"].map((method) =>
          new Driver(serveHttp(handler, { compression, clock: { now: () => 0 } }))
            .feed(`${method} / HTTP/${version}\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n`).output
        ) as [string, string];
        const expected = `${get.split("\r\n\r\n")[0]}\r\n\r\n`;
        const isUnknown = name === "none" || name === "an empty text";
        assertEquals(
          head,
          isUnknown ? expected.replace("content-length: 0\r\n", "") : expected,
          `${name} ${compression}`,
        );
      }
    }
  }
});
