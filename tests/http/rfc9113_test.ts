/** Each case of docs/http2_server.md, through a live socket of both kinds. */
import { assertEquals } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { sleep } from "../../gio/mod.ts";
import {
  type HttpHandler,
  type HttpRequest,
  HttpServer,
  methodNotAllowed,
  ok,
  response,
  trailers,
} from "../../http/mod.ts";
import { listening } from "../_sockets.ts";
import { play } from "./_h2_cases.ts";
import { RawPeer } from "./_h2_raw.ts";
import { serverTest } from "./_live.ts";
import { testDocument } from "./_rule_tests.ts";
import { cases } from "./_rfc9113.ts";

/** No test takes so long. */
const LONG_MS = 3_600_000;

const handlers: Record<string, HttpHandler> = {
  *"/waits"() {
    yield* sleep(LONG_MS);
    yield ok();
  },
  *"/unread"() {
    yield ok();
    yield "unread";
  },
  *"/field"(request) {
    const body = yield* call(request.text());
    const { headers, trailers } = request;
    yield ok();
    yield `${body}${headers.get("x") ?? "none"}`;
    if (trailers !== undefined) yield `, trailer ${trailers.get("x")}`;
  },
  *"/length"(request) {
    const { length } = yield* call(request.bytes());
    yield ok();
    yield `${length}`;
  },
  *"/cookie"({ headers }) {
    yield ok();
    yield headers.get("cookie") ?? "none";
  },
  *"/host"({ url }) {
    yield ok();
    yield url.href;
  },
  *"/large"() {
    yield ok();
    yield "x".repeat(70_000);
  },
  *"/204"() {
    yield response(204);
  },
  *"/endless"() {
    yield ok();
    for (;;) yield "x".repeat(16384);
  },
  *"/trailed"() {
    yield ok({ trailer: "x" });
    yield "one";
    yield trailers({ x: "y" });
  },
};

function* handler(request: HttpRequest): Coroutine {
  const special = handlers[request.path];
  if (special !== undefined) return yield special(request);
  if (request.method === "CONNECT") return yield methodNotAllowed("CONNECT", ["GET"]);
  const body = yield* call(request.text());
  yield ok();
  yield `${request.method} ${request.path}${body === "" ? "" : ` ${body}`}`;
}

for (const one of cases) {
  serverTest(`RFC ${one.section}: ${one.sent}`, async (reactor, errors) => {
    using server = new HttpServer(reactor, { ...listening, handler, ...one.options });
    using peer = await RawPeer.connect(server.port);
    await play(peer, one);
    assertEquals(errors, []);
  });
}

testDocument(
  "http2_server.md",
  /^\d{4} /,
  cases.map(({ section, sent, reaction }) => [section, sent, reaction.text]),
);
