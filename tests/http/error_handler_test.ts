/** The answers that a server gives by itself, as its user wants them; on both back ends. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { stub } from "@std/testing/mock";
import { call, type Coroutine } from "../../compose/mod.ts";
import {
  type ErrorAnswer,
  type ErrorHandler,
  type HttpLimits,
  HttpProtocol,
  type HttpRequest,
  HttpServer,
  type HttpServerOptions,
  ok,
  RemoteProtocolError,
  response,
  serveHttp,
  Server,
} from "../../http/mod.ts";
import { DeclineMessage } from "../../pipeline/mod.ts";
import { be } from "../../pipeline/mod.ts";
import { listening } from "../_sockets.ts";
import { turnsUntil } from "../_leaks.ts";
import { answerTo, serverTest } from "./_live.ts";

const HOST = "Host: x\r\n";

function* handler(request: HttpRequest): Coroutine {
  switch (request.path) {
    case "/fails":
      throw new Error("secret");
    case "/refuses":
      throw new RemoteProtocolError("No such thing", { status: 404 });
    case "/declines":
      throw new DeclineMessage();
    case "/own":
      yield response(404);
      return yield "own";
  }
  yield* call(request.text());
  yield ok();
}

const limits: Partial<HttpLimits> = {
  maxHeadBytes: 200,
  maxRequestLineBytes: 50,
  maxBodyBytes: 5,
};

const CASES: [sent: string, status: number, path: string | undefined][] = [
  ["GET bad\r\n", 400, undefined],
  [`GET /${"a".repeat(50)} HTTP/1.1\r\n`, 414, undefined],
  [`GET / HTTP/1.1\r\n${HOST}a: ${"b".repeat(200)}\r\n`, 431, undefined],
  [`PUT / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\n`, 413, undefined],
  [`GET https://x/ HTTP/1.1\r\n${HOST}\r\n`, 421, undefined],
  ["GET / HTTP/1.1\r\n", 408, undefined],
  [`PUT / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\n`, 408, "/"],
  [`PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n`, 413, "/"],
  [`PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nx`, 400, "/"],
  [`GET /fails HTTP/1.0\r\n\r\n`, 500, "/fails"],
  [`HEAD /fails HTTP/1.0\r\n\r\n`, 500, "/fails"],
  [`GET /refuses HTTP/1.0\r\n\r\n`, 404, "/refuses"],
];
const OF_COMPONENT: typeof CASES = [[`GET /declines HTTP/1.0\r\n\r\n`, 404, "/declines"]];

/** What errorHandlers give, and what comes of it: their own body, or the one without them. */
const HANDLERS: [name: string, make: ErrorHandler, isUsed: boolean, failure?: RegExp][] = [
  ["its own", (error) => ({
    headers: { "content-type": "text/html", "x-path": error.request?.path },
    body: `<p>${error.status}: ${error.message}`,
  }), true],
  ["bytes", ({ status, message }) => ({
    headers: [["content-type", "text/html"]],
    body: new TextEncoder().encode(`<p>${status}: ${message}`),
  }), true],
  ["nothing", () => undefined, false],
  [
    "an error",
    () => {
      throw new Error("in the errorHandler");
    },
    false,
    /in the errorHandler/,
  ],
  ["nonsense", () => ({ body: 5 }) as never, false, /errorHandler gives \{ headers, body \}/],
  ["a coroutine", (() => function* () {}()) as never, false, /errorHandler gives/],
  ["a length", () => ({ headers: { "content-length": 1 }, body: "xx" }), false, /leave it out/],
  ["a bad header", () => ({ headers: { "a b": "c" } }), false, /Cannot send a header named/],
];

for (const [name, errorHandler, isUsed, failure] of HANDLERS) {
  serverTest(`an errorHandler gives ${name}`, async (reactor, errors) => {
    const options = { limits, timeouts: { headMs: 1, bodyMs: 1 }, errorHandler };
    using server = new HttpServer(reactor, { ...listening, ...options, handler });
    using component = be([
      new Server(reactor, listening),
      [new HttpProtocol(options), [{ processRequest: handler }]],
    ]);
    for (const { port } of [server, component]) {
      const cases = port === server.port ? CASES : [...CASES, ...OF_COMPONENT];
      for (const [sent, status, path] of cases) {
        errors.length = 0;
        const answer = await answerTo(port, sent);
        const [head, body] = answer.split("\r\n\r\n") as [string, string];
        assertMatch(head, new RegExp(`^HTTP/1\\.1 ${status} `), sent);
        assertMatch(head, isUsed ? /^content-type: text\/html/m : /^content-type: text\/plain/m);
        if (sent.startsWith("HEAD")) assertEquals(body, "");
        else assertMatch(body, isUsed ? new RegExp(`^<p>${status}: [A-Z]`) : /^[A-Z]/, sent);
        assertEquals(/secret|at |\.ts/.test(answer), false, answer);
        if (name === "its own") assertEquals(/^x-path: (.*)$/m.exec(head)?.[1]?.trim(), path);
        const own = errors.filter((error) => (error as Error).message !== "secret");
        assertEquals(own.length, failure === undefined ? 0 : 1, sent);
        if (failure !== undefined) assertMatch((own[0] as Error).message, failure);
      }
    }
    // What a handler answers is its own.
    const own = await answerTo(server.port, "GET /own HTTP/1.0\r\n\r\n");
    assertMatch(own, /^HTTP\/1\.1 404 [^]*\r\n\r\nown$/);
  });
}

serverTest("an errorHandler answers those who are too many", async (reactor) => {
  const options: HttpServerOptions = {
    ...listening,
    handler,
    maxConnections: 1,
    overload: 503,
    errorHandler: ({ status, request }) => ({ body: `${status} ${request!.path}` }),
  };
  using server = new HttpServer(reactor, options);
  using _first = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await turnsUntil(() => server.statistics().open === 1);
  const answer = await answerTo(server.port, `GET /a HTTP/1.1\r\n${HOST}\r\n`);
  assertMatch(answer, /^HTTP\/1\.1 503 [^]*^retry-after: 1\r$[^]*\r\n\r\n503 \/a$/m);
});

Deno.test("serveHttp() refuses async functions that nobody would wait for", () => {
  for (const name of ["errorHandler", "accessLog", "onError"]) {
    assertThrows(
      () => serveHttp(function* () {}, { [name]: async () => {} }),
      TypeError,
      `${name} must be a function, not an async function`,
    );
  }
});

Deno.test("what an errorHandler gives that is no answer is reported, and the answer is the usual one", () => {
  const things = [
    ...[5, "text", null, true, Symbol("a"), () => {}],
    ...[[], ["text"], new Uint8Array(3), new Map(), new Response("text"), function* () {}()],
    ...[{ text: "a" }, { status: 404 }, { body: 5 }, { body: null }, { body: ["a"] }],
    ...[Promise.reject(new Error("no")), Promise.resolve({ body: "later" })],
  ];
  for (const given of things) {
    const protocol = serveHttp(function* () {}, { errorHandler: () => given as ErrorAnswer });
    protocol.next();
    using told = stub(console, "error");
    const answer = String(protocol.next(new TextEncoder().encode("GET bad\r\n")).value);
    assertMatch(answer, /^HTTP\/1.1 400 [^]*\r\n\r\nCannot read the request: /);
    assertEquals(told.calls.length, 1, String(given));
    assertMatch(
      String(told.calls[0]!.args[0]),
      /Cannot answer an error by [^]*: the errorHandler gives/,
    );
  }
});
