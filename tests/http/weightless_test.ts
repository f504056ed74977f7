/** Each behaviour of docs/weightless_http_server.md, through a live socket of both kinds. */
import { assertEquals, assertMatch } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { sleep } from "../../gio/mod.ts";
import {
  type HttpHandler,
  HttpProtocol,
  type HttpRequest,
  HttpServer,
  ok,
  raw,
  Server,
} from "../../http/mod.ts";
import { be } from "../../pipeline/mod.ts";
import { hostname, listening } from "../_sockets.ts";
import { answerTo, serverTest } from "./_live.ts";
import { handler, isReported, testDocument, testExchange, testNamed } from "./_rule_tests.ts";
import { last } from "./_rules.ts";
import { type Row, rows } from "./_weightless.ts";

const handlers: Record<string, HttpHandler> = {
  *"/request"({ method, path, version, headers }) {
    yield ok();
    yield `${method} ${path} ${version} ${[...headers].map((line) => line.join(": ")).join(", ")}`;
  },
  *"/client"({ connection }) {
    yield ok();
    yield (connection.remoteAddr as Deno.NetAddr).hostname;
  },
  *"/raw"() {
    yield raw;
    yield "HTTP/1.0 418 I'm a teapot\r\n\r\nBody?";
  },
  *"/empty-pieces"() {
    yield ok({ "content-length": 2 });
    for (const piece of ["", "a", "", "b", ""]) yield piece;
  },
  *"/text"() {
    yield ok();
    yield "some t\xe9xt".repeat(6000);
  },
  *"/measured"() {
    yield ok({ "content-type": "text/plain", "content-length": 2000 });
    yield "a".repeat(2000);
  },
  *"/encoded"() {
    yield ok({ "content-type": "text/plain", "content-encoding": "enlightened" });
    yield "a".repeat(2000);
  },
  *"/length"(request) {
    const body = yield* call(request.text());
    yield ok();
    yield `${request.headers.get("content-length")} ${body}`;
  },
  *"/form-data"(request) {
    const [[name, value] = ["none", ""]] = yield* call(request.formData());
    yield ok();
    yield typeof value === "string"
      ? `${name}=${value}`
      : `${name}=${value.name} (${value.type}, ${value.size})`;
  },
  *"/waits"() {
    yield ok();
    yield "A";
    yield* sleep(1);
    yield "B";
  },
  *"/throws"() {
    throw new Error("The handler fails");
  },
  *"/nothing"() {},
  *"/empty"() {
    yield "";
    yield "";
  },
  *"/yields"() {
    yield ok();
    const answer = yield "yielded ";
    yield `${answer}`;
  },
};

function* answering(request: HttpRequest): Coroutine {
  yield (handlers[request.path] ?? handler)(request);
}

/** The name of a row's test. */
function testOf(row: Row): string {
  return "test" in row ? row.test : `Weightless: ${row.weightless.replaceAll("`", "")}`;
}

for (const row of rows) {
  if ("test" in row) continue;
  const isTold = isReported(row.here) || row.weightless.endsWith("and told");
  testExchange(testOf(row), row, isTold ? 1 : 0, answering);
}

testDocument(
  "weightless_http_server.md",
  /^(?!Weightless|-)/,
  rows.map((row) => [row.weightless, row.here, `\`${testOf(row)}\``]),
);
testNamed("weightless_http_server.md", rows);

serverTest("a server listens again where another has just served", async (reactor, errors) => {
  let port = 0;
  for (let round = 0; round < 3; round++) {
    using server = new HttpServer(reactor, { hostname, port, handler });
    port = server.port;
    assertMatch(await answerTo(port, last("GET /")), /GET \/$/);
    await server.shutdown();
  }
  assertEquals(errors, []);
});

serverTest("HttpProtocol answers 404 if no observer does", async (reactor, errors) => {
  const server = be([new Server(reactor, listening), [new HttpProtocol()]]);
  assertMatch(await answerTo(server.port, last("POST /")), /^HTTP\/1\.1 404 /);
  assertEquals(errors, []);
});
