/** The tests of the rules of the RFCs, each through a live socket of both kinds. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { sleep } from "../../gio/mod.ts";
import {
  BasicAuthentication,
  conditional,
  type HttpHandler,
  type HttpProtocolMessages,
  type HttpRequest,
  HttpServer,
  knownUsers,
  methodNotAllowed,
  ok,
  ranged,
  response,
  trailers,
} from "../../http/mod.ts";
import { files } from "../../http/files/mod.ts";
import { be, Observable } from "../../pipeline/mod.ts";
import { CA_CERT, CERT, KEY } from "../reactor/_tls.ts";
import { hostname, listening } from "../_sockets.ts";
import { namedTests, rowsOf } from "../_tables.ts";
import { bytes } from "./_drive.ts";
import { answerOf, answerTo, serverTest } from "./_live.ts";
import { type Exchange, type Rule, type RuleElsewhere, testOf } from "./_rules.ts";

const DOCUMENT = "0123456789";
const LARGE = `${DOCUMENT}${".".repeat(980)}${DOCUMENT}`;
const MODIFIED = Date.UTC(2020, 0, 1);

class Greeting extends Observable {
  *processRequest(): Coroutine {
    yield ok();
    yield `Hello, ${BasicAuthentication.user.get()}!`;
  }
}

const secret = be([new Observable<HttpProtocolMessages>(), [
  new BasicAuthentication({ realm: 'a "b"', check: knownUsers({ Ada: "x" }) }),
  [new Greeting()],
]]);

const site = files(new URL("./", import.meta.url));

function* document(request: HttpRequest, text: string): Coroutine {
  const document = {
    etag: '"v1"',
    lastModified: MODIFIED,
    size: text.length,
    contentType: "text/plain",
  };
  const lastModified = new Date(MODIFIED).toUTCString();
  const verdict = conditional(request, document);
  if (verdict !== "proceed") return yield response(verdict, { etag: document.etag, vary: "a" });
  if (request.method === "PUT") return yield response(204);
  const headers = {
    "content-type": "text/plain",
    etag: document.etag,
    "last-modified": lastModified,
  };
  const part = ranged(request, document, { boundary: "B" });
  if (part === undefined) {
    yield ok({ ...headers, "accept-ranges": "bytes" });
    return yield text;
  }
  yield response(part.status, { ...headers, ...part.headers });
  for (const piece of part.pieces) {
    yield typeof piece === "string" ? piece : text.slice(piece.from, piece.to);
  }
}

const handlers: Record<string, HttpHandler> = {
  *"/field"(request) {
    yield* call(request.bytes());
    const { headers, trailers } = request;
    yield ok();
    const trailer = trailers === undefined ? "" : `, trailer ${trailers.get("x")}`;
    yield bytes(`${headers.get("x") ?? "none"}${trailer}`);
  },
  *"/parameter"({ headers }) {
    const parameter = headers.parameters("x")!.parameters.get("a");
    yield ok();
    yield `${parameter}`;
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
  *"/upgrade"(request) {
    yield* call(request.bytes());
    yield response(101, { upgrade: "x/2" });
    yield "switched";
  },
  *"/switch"() {
    yield response(101, { upgrade: "x/2" });
  },
  *"/426"() {
    yield response(426, { upgrade: "x/2" });
  },
  *"/method"({ method }) {
    yield methodNotAllowed(method, ["GET"]);
  },
  *"/103"() {
    yield response(103, { link: "<a>" });
    yield ok();
    yield "hinted";
  },
  *"/dated"() {
    yield ok({ date: "Wed, 01 Jan 2020 00:00:00 GMT" });
  },
  *"/stored"({ method }) {
    if (method === "PUT") yield response(201, { location: "/stored" });
    else yield response(303, { location: "/elsewhere" });
  },
  *"/busy"() {
    yield response(503, { "retry-after": 120 });
  },
  "/document": (request) => document(request, DOCUMENT),
  "/large": (request) => document(request, LARGE),
  "/site/none": (request) => site(request.withPath("/none")),
  "/secret": (request) => secret.any.processRequest(request),
  *"/form"(request) {
    yield* call(request.formData());
  },
  *"/long"() {
    yield ok({ "content-type": "text/plain", etag: '"v1"' });
    yield "a".repeat(2000);
  },
  *"/vary"() {
    yield ok({ "content-type": "text/plain", vary: "" });
    yield "a".repeat(2000);
  },
  *"/tagged"(request) {
    const verdict = conditional(request, { etag: '"v1"' });
    yield response(verdict === "proceed" ? 200 : verdict, { etag: '"v1"' });
  },
  *"/fails"(request) {
    yield* call(request.bytes());
    throw new Error("The handler fails");
  },
  *"/trailed"() {
    yield ok({ trailer: "x" });
    yield "one";
    yield trailers({ x: "y" });
  },
  *"/bad/name"() {
    yield ok({ "a b": "c" });
  },
  *"/bad/value"() {
    yield ok({ a: "b\r\n c" });
  },
  *"/bad/cr"() {
    yield ok({ a: "b\rc" });
  },
  *"/bad/204"() {
    yield response(204, { "content-length": 0 });
  },
  *"/bad/coding"() {
    yield ok({ "transfer-encoding": "gzip" });
  },
  *"/bad/trailer"() {
    yield ok();
    yield trailers({ "content-length": "1" });
  },
  *"/both"() {
    yield ok({ "transfer-encoding": "chunked", "content-length": 3 });
    yield "abc";
  },
};

/** Answers all that the rules ask for. */
export function* handler(request: HttpRequest): Coroutine {
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

/** Registers a test of what is answered. */
export function testExchange(
  name: string,
  { sent, answer, options, tls }: Exchange,
  errorCount = 0,
  answering: HttpHandler = handler,
): void {
  serverTest(name, async (reactor, errors) => {
    using server = new HttpServer(reactor, {
      ...listening,
      ...tls && { cert: CERT, key: KEY },
      handler: answering,
      ...options,
    });
    const { port } = server;
    const pieces = typeof sent === "string" ? [sent] : sent;
    if (tls) {
      using conn = await Deno.connectTls({ hostname, port, caCerts: [CA_CERT] });
      assertMatch(await answerOf(conn, ...pieces), answer);
    } else assertMatch(await answerTo(port, ...pieces), answer);
    assertEquals(errors.length, errorCount);
  });
}

/** Registers a test that a document has these rows, and that each row names a test. */
export function testDocument(document: string, first: RegExp, rows: string[][]): void {
  Deno.test(`docs/${document} has the rows that are tested, and no others`, async () => {
    assertEquals(await rowsOf(document, first), rows);
  });
}

/** Registers a test for each rule, and one that the document has these rules. */
export function testRules(document: string, rules: readonly (Rule | RuleElsewhere)[]): void {
  for (const rule of rules) {
    if (!("test" in rule)) testExchange(testOf(rule), rule, isReported(rule.reaction) ? 1 : 0);
  }
  testDocument(
    document,
    /^\d{4} /,
    rules.map((rule) => [rule.section, rule.requirement, rule.reaction, `\`${testOf(rule)}\``]),
  );
  testNamed(document, rules);
}

/** Registers a test that the tests of other files that are named are there. */
export function testNamed(document: string, rows: readonly object[]): void {
  Deno.test(`docs/${document} names tests that are there`, async () => {
    const named = await namedTests("http", "gio", "reactor");
    for (const row of rows) if ("test" in row) assert(named(String(row.test)), String(row.test));
  });
}

export function isReported(reaction: string): boolean {
  return reaction.includes("reported");
}
