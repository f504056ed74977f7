/** Each rule of docs/rfc9112.md, through a live socket of both kinds. */
import { assertEquals, assertMatch } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { sleep } from "../../gio/mod.ts";
import {
  type HttpHandler,
  type HttpRequest,
  HttpServer,
  methodNotAllowed,
  ok,
  response,
} from "../../http/mod.ts";
import { listening } from "../_sockets.ts";
import { answerTo, serverTest } from "./_live.ts";
import { type Rule, rules } from "./_rfc9112.ts";
import { bytes } from "./_drive.ts";

const handlers: Record<string, HttpHandler> = {
  *"/field"(request) {
    yield* call(request.bytes());
    const { headers, trailers } = request;
    yield ok();
    const trailer = trailers === undefined ? "" : `, trailer ${trailers.get("x")}`;
    yield bytes(`${headers.get("x") ?? "none"}${trailer}`);
  },
  *"/url"({ url, search }) {
    yield ok();
    yield `${url.origin}${url.pathname}${search}`;
  },
  *"/599"() {
    yield response(599);
  },
  *"/pieces"() {
    yield ok();
    yield "one";
    yield "two";
  },
  *"/204"() {
    yield response(204);
  },
  *"/304"() {
    yield response(304);
  },
  *"/205"() {
    yield response(205);
  },
  *"/unread"() {
    yield ok();
    yield "unread";
  },
  *"/slow"() {
    yield* sleep(1);
    yield ok();
    yield "slow";
  },
  *"/close"() {
    yield ok({ connection: "close" });
    yield "closed";
  },
  *"/upgrade"() {
    yield response(101, { upgrade: "x" });
  },
  *"/method"({ method }) {
    yield methodNotAllowed(method, ["GET"]);
  },
  *"/103"() {
    yield response(103, { link: "<a>" });
    yield ok();
    yield "hinted";
  },
};

function* handler(request: HttpRequest): Coroutine {
  const special = handlers[request.path];
  if (special !== undefined) return yield special(request);
  if (request.method === "CONNECT") {
    yield ok();
    return yield yield;
  }
  const body = yield* call(request.text());
  yield ok();
  yield `${request.method} ${request.path}${body === "" ? "" : ` ${body}`}`;
}

function name({ section, requirement }: Rule): string {
  return `RFC ${section}: ${requirement}`;
}

for (const rule of rules) {
  serverTest(name(rule), async (reactor, errors) => {
    using server = new HttpServer(reactor, { ...listening, handler });
    const sent = typeof rule.sent === "string" ? [rule.sent] : rule.sent;
    assertMatch(await answerTo(server.port, ...sent), rule.answer);
    assertEquals(errors.length, rule.reaction.includes("reported") ? 1 : 0);
  });
}

Deno.test("docs/rfc9112.md has the rules that are tested, and no others", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/rfc9112.md", import.meta.url));
  const rows = text.split("\n").filter((line) => /^\| \d{4} /.test(line)).map((line) =>
    line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())
  );
  assertEquals(
    rows,
    rules.map((rule) => [rule.section, rule.requirement, rule.reaction, `\`${name(rule)}\``]),
  );
});
