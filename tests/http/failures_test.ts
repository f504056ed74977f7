/** Whatever fails, and whenever: the client is told by an answer or somebody by a report, once. */
import { assertEquals, assertInstanceOf, assertMatch, assertStrictEquals } from "@std/assert";
import { call, type Coroutine, Yield } from "../../compose/mod.ts";
import { enter, gio, memory, sleep } from "../../gio/mod.ts";
import {
  type HttpHandler,
  type HttpRequest,
  HttpServer,
  LocalProtocolError,
  ok,
  RemoteProtocolError,
  response,
  serveHttp,
} from "../../http/mod.ts";
import { Acceptor, Reactor } from "../../reactor/mod.ts";
import { leakTest, turnsUntil } from "../_leaks.ts";
import { Driver } from "./_drive.ts";
import { listening, SELECTORS } from "../_sockets.ts";

/** How far a handler gets before it fails. */
const stages: Record<string, (pause: () => Coroutine) => Coroutine> = {
  *"before anything"() {},
  *"when something is yielded"() {
    yield ok();
    yield "a";
  },
  *"when something is sent"(pause) {
    yield ok();
    yield "a";
    yield pause();
  },
  *"when its answer is complete"(pause) {
    yield ok({ "content-length": 1 });
    yield "a";
    yield pause();
  },
  *"when it has taken the connection over"() {
    yield response(101, { upgrade: "x" });
  },
};

const failure = new Error("in the handler");

interface Failing {
  fail: HttpHandler;
  /** The error that somebody is told of, if the client is not. */
  error: unknown;
  /** The status that says it, if it is the client's fault. */
  status?: number;
  body?: string;
  /** Whether the client has caused it, and nobody else is told. */
  isClients?: boolean;
}

const failures: Record<string, Failing> = {
  "throws an Error": {
    *fail() {
      throw failure;
    },
    error: failure,
  },
  "throws what is no Error": {
    *fail() {
      throw "no Error";
    },
    error: "no Error",
  },
  "throws undefined": {
    *fail() {
      throw undefined;
    },
    error: undefined,
  },
  "throws RemoteProtocolError": {
    *fail() {
      throw new RemoteProtocolError("Cannot brew coffee", { status: 418 });
    },
    error: RemoteProtocolError,
    status: 418,
  },
  "yields what means nothing": {
    *fail() {
      yield 42;
    },
    error: TypeError,
  },
  "fails in what it calls": {
    *fail() {
      yield* call(function* (): Coroutine {
        throw failure;
      }());
    },
    error: failure,
  },
  "reads a body that is faulty": {
    *fail() {
      for (;;) yield;
    },
    error: RemoteProtocolError,
    status: 400,
    body: "zz\r\n",
    isClients: true,
  },
  "reads a body that is too long": {
    *fail(request: HttpRequest) {
      yield* call(request.bytes(2));
    },
    error: RemoteProtocolError,
    status: 413,
    body: "3\r\nabc\r\n0\r\n\r\n",
  },
};

const cases = Object.entries(stages).flatMap(([stage, begin]) =>
  Object.entries(failures)
    // Nobody takes over a connection before its body was read.
    .filter(([, { body }]) => body === undefined || !stage.includes("taken"))
    .map(([name, failing]) => ({ stage, begin, name, ...failing }))
);

type Case = typeof cases[number];

function requestOf({ stage, body }: Case): string {
  const headers = stage.includes("taken") ? ["Upgrade: x", "Connection: upgrade"] : [];
  if (body !== undefined) headers.push("Transfer-Encoding: chunked");
  else if (headers.length === 0) headers.push("Connection: close");
  return ["POST / HTTP/1.1", "Host: x", ...headers, "", body ?? ""].join("\r\n");
}

function canAnswer({ stage }: Case): boolean {
  return stage.includes("before") || stage.includes("yielded");
}

function assertTold(told: unknown[], one: Case, output: string | undefined): void {
  const answered = canAnswer(one);
  const isSilent = one.isClients || answered && one.status !== undefined;
  assertEquals(told.length, isSilent ? 0 : 1);
  for (const error of told) {
    if (typeof one.error === "function") assertEquals((error as Error).constructor, one.error);
    else assertStrictEquals(error, one.error);
  }
  if (answered) assertMatch(output!, new RegExp(`^HTTP/1.1 ${one.status ?? 500} `));
}

for (const one of cases) {
  const { stage, begin, name, fail } = one;
  Deno.test(`a handler that ${name} ${stage} is answered for or reported, once`, () => {
    const told: unknown[] = [];
    const driver = new Driver(serveHttp(function* (request): Coroutine {
      yield begin(function* () {
        yield Yield;
      });
      yield fail(request);
    }, { onError: (error) => told.push(error) }));
    driver.feed(requestOf(one));
    assertTold(told, one, driver.output);
    if (!canAnswer(one)) {
      if (one.isClients) assertInstanceOf(driver.error, RemoteProtocolError);
      else assertStrictEquals(driver.error, told[0]);
    }
  });
}

/** What comes back until the server closes the connection, or resets it. */
async function exchange(port: number, text: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(text));
  let answer = "";
  const buffer = new Uint8Array(65536);
  try {
    for (let n; (n = await conn.read(buffer)) !== null;) {
      answer += new TextDecoder().decode(buffer.subarray(0, n));
    }
  } catch { /* it was cut */ }
  return answer;
}

type Serve = (reactor: Reactor, handler: HttpHandler, told: unknown[]) => Disposable & {
  port: number;
};

const ways: Record<string, Serve> = {
  "HttpServer": (reactor, handler) => new HttpServer(reactor, { ...listening, handler }),
  "HttpServer with onError": (reactor, handler, told) =>
    new HttpServer(reactor, { ...listening, handler, onError: (error) => told.push(error) }),
  "gio": (reactor, handler) =>
    new Acceptor(reactor, listening, (socket) => {
      gio(reactor, socket, serveHttp(handler));
    }),
  "gio with onError": (reactor, handler, told) =>
    new Acceptor(reactor, listening, (socket) => {
      gio(reactor, socket, serveHttp(handler, { onError: (error) => told.push(error) }));
    }),
};

/** Where the handler fails, and what must be told then. */
const places: Record<string, {
  fail(one: Case, request: HttpRequest): Coroutine;
  check(told: unknown[], one: Case, output: string): void;
}> = {
  "": {
    *fail(one, request) {
      yield one.fail(request);
    },
    check: assertTold,
  },
  " elsewhere": {
    *fail(one, request) {
      enter(memory());
      if (one.body === undefined) yield one.fail(request);
    },
    check(told, one) {
      assertEquals(told.map((error) => error instanceof LocalProtocolError), [true], one.name);
    },
  },
};

for (const selector of SELECTORS) {
  for (const [way, serve] of Object.entries(ways)) {
    for (const [place, { fail, check }] of Object.entries(places)) {
      leakTest(`${way} tells of each failure${place} once (${selector})`, async () => {
        const told: unknown[] = [];
        using reactor = new Reactor({ selector, onError: (error) => told.push(error) });
        const running = reactor.run();
        let one = cases[0]!;
        using server = serve(
          reactor,
          function* (request) {
            yield one.begin(function* () {
              yield* sleep(0);
            });
            yield fail(one, request);
          },
          told,
        );
        for (one of cases) {
          told.length = 0;
          const output = await exchange(server.port, requestOf(one));
          await turnsUntil(() => reactor.openConnections.size === 0);
          check(told, one, output);
        }
        reactor.requestShutdown();
        await running;
      });
    }
  }
}

Deno.test("a handler that fails while it is closed, as HEAD has its answer, is answered for or reported", () => {
  for (const sent of [false, true]) {
    for (const error of [failure, new RemoteProtocolError("Cannot go on", { status: 418 })]) {
      const told: unknown[] = [];
      const driver = new Driver(serveHttp(function* () {
        try {
          yield ok();
          yield "a";
          if (sent) yield Yield;
          for (;;) yield "b";
        } finally {
          // deno-lint-ignore no-unsafe-finally
          throw error;
        }
      }, { onError: (error) => told.push(error) }));
      driver.feed("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
      const status = sent ? 200 : error === failure ? 500 : 418;
      assertMatch(driver.output, new RegExp(`^HTTP/1.1 ${status} `));
      assertEquals(told, sent || error === failure ? [error] : []);
      assertEquals(driver.error, sent ? error : undefined);
    }
  }
});

Deno.test("a client that ends before its body is complete is told, if it can be, and nobody else", () => {
  for (const [stage, begin] of Object.entries(stages)) {
    if (stage.includes("taken")) continue;
    const told: unknown[] = [];
    const driver = new Driver(serveHttp(function* (): Coroutine {
      yield begin(function* () {
        yield Yield;
      });
      for (;;) yield;
    }, { onError: (error) => told.push(error) }));
    driver.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na").end();
    assertEquals(told, [], stage);
    // What was yielded has been sent, for the client may have waited for it.
    if (stage.includes("before")) assertMatch(driver.output, /^HTTP\/1.1 400 /);
    else assertEquals((driver.error as Error).name, "RemoteProtocolError");
  }
});
