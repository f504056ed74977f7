/** Each behaviour of docs/weightless_http_client.md, over live sockets of both kinds. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { all, asProcess, gio, sleep, spawn, wait } from "../../gio/mod.ts";
import {
  Client,
  EmptySocketPool,
  getRequest,
  HttpClient,
  HttpReader,
  type HttpRequestMessages,
  HttpServer,
  ok,
  postRequest,
  RemoteProtocolError,
  type RequestOptions,
  response,
  SocketPool,
} from "../../http/mod.ts";
import { be, decode, lines, map, Observable, pipe } from "../../pipeline/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { CA_CERT } from "../reactor/_tls.ts";
import { turns, turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { answerTo, serverTest } from "./_live.ts";
import { testDocument, testNamed } from "./_rule_tests.ts";
import { last } from "./_rules.ts";
import { HOLD, ScriptedServer } from "./_scripted.ts";
import { type Asking, type Row, rows } from "./_weightless_client.ts";

/** The name of a row's test. */
function testOf(row: Row): string {
  return "test" in row ? row.test : `Weightless: ${row.weightless.replaceAll("`", "")}`;
}

/** The top of a DNA whose requests use a pool. */
function asking(pool: object): Observable<HttpRequestMessages> {
  return be([new Observable<HttpRequestMessages>(), [new Client(), [pool]]]);
}

/** What comes of these requests, one after the other. */
function* askAll(
  top: Observable<HttpRequestMessages>,
  port: number,
  asks: NonNullable<Asking["asks"]>,
): Coroutine<string[]> {
  const results: string[] = [];
  for (const { path = "/", read, ...options } of asks) {
    try {
      const url = `http://${hostname}:${port}${path}`;
      using response = yield* call(top.any.httpRequest({ url, ...options }));
      const body = yield* call(read === undefined ? response.text() : read(response));
      results.push(`${response.status} ${body}`);
    } catch (error) {
      results.push(`${(error as Error).name}: ${(error as Error).message}`);
    }
    yield* wait(turns(5));
  }
  return results;
}

function testAsking(name: string, row: Asking): void {
  const { asks = [{}], script, got, sent, options, left } = row;
  serverTest(name, async (reactor, errors) => {
    await using server = new ScriptedServer(script);
    using pool = new SocketPool(options);
    const { port } = server;
    const results = await gio(reactor, undefined, askAll(asking(pool), port, asks)).result;
    assertEquals(results.length, got.length);
    for (const [i, expected] of got.entries()) {
      if (typeof expected === "string") assertEquals(results[i], expected);
      else assertMatch(results[i]!, expected);
    }
    if (sent !== undefined) {
      assertMatch(server.requests.join("").replaceAll(String(port), "PORT"), sent);
    }
    assertEquals(server.connections, script.length);
    if (left !== undefined) {
      await turnsUntil(() => server.left >= left);
      assertEquals(server.left, left);
    }
    assertEquals(errors, []);
  });
}

for (const row of rows) if (!("test" in row)) testAsking(testOf(row), row);

testDocument(
  "weightless_http_client.md",
  /^(?!Weightless|-)/,
  rows.map((row) => [row.weightless, row.here, `\`${testOf(row)}\``]),
);
testNamed("weightless_http_client.md", rows);

/** Registers a test of coroutines that ask a server that answers by a script. */
function clientTest(
  name: string,
  script: ConstructorParameters<typeof ScriptedServer>[0],
  fn: (
    run: <R>(coroutine: Coroutine<R>) => Promise<R>,
    server: ScriptedServer,
    url: string,
    reactor: Reactor,
  ) => Promise<void>,
): void {
  serverTest(name, async (reactor, errors) => {
    await using server = new ScriptedServer(script);
    const url = `http://${hostname}:${server.port}/`;
    const run = <R>(coroutine: Coroutine<R>) => gio(reactor, undefined, coroutine).result;
    await fn(run, server, url, reactor);
    assertEquals(errors, []);
  });
}

const FIVE = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\n";
const EMPTY = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/** Keeps what it is given, and what ends it. */
function* collect(into: unknown[]): Coroutine<string> {
  let text = "";
  try {
    for (;;) {
      const piece: Uint8Array = yield;
      into.push(new TextDecoder().decode(piece));
      text += into.at(-1);
    }
  } catch (error) {
    into.push((error as Error).name);
  } finally {
    into.push("closed");
  }
  return text;
}

clientTest(
  "HttpReader pushes a response into a coroutine as it comes",
  [[[FIVE, "12", "345"]]],
  async (run, _, url) => {
    using client = new HttpClient();
    const seen: unknown[] = [];
    const result = await run(
      new HttpReader(client, url).into((response) => {
        seen.push(response.status, response.headers.get("x"));
        return collect(seen);
      }),
    );
    assertEquals(result, "12345");
    assertEquals(seen.slice(0, 2), [200, "y"]);
    assertEquals(seen.slice(2, -2).join(""), "12345");
    assertEquals(seen.slice(-2), ["EndOfStream", "closed"]);
  },
);

serverTest("HttpReader gives each piece as it arrives", async (reactor, errors) => {
  const more = Promise.withResolvers<void>();
  using server = new HttpServer(reactor, {
    ...listening,
    *handler() {
      yield ok();
      yield "first";
      yield* wait(more.promise);
      yield "second";
    },
  });
  const seen: string[] = [];
  function* sink(): Coroutine<void> {
    for (;;) {
      seen.push(new TextDecoder().decode(yield));
      more.resolve(); // The second piece is not there before the first has been seen.
    }
  }
  using client = new HttpClient();
  await gio(reactor, undefined, new HttpReader(client, server.url).into(sink())).result;
  assertEquals(seen, ["first", "second"]);
  assertEquals(errors, []);
});

clientTest(
  "HttpReader sends on what its sink yields",
  [[[FIVE, "a\nb", "\nc"]]],
  async (_, __, url, reactor) => {
    using client = new HttpClient();
    const sink = () => pipe(lines(), map((line: string) => `<${line}>`));
    using server = new HttpServer(reactor, {
      ...listening,
      *handler() {
        yield ok();
        yield* call(new HttpReader(client, url).into(sink));
        yield "!";
      },
    });
    assertMatch(await answerTo(server.port, last("GET /")), /<a>[^]*<b>[^]*<c>[^]*!/);
  },
);

serverTest("HttpReader throws what goes wrong, and closes the sink", async (reactor, errors) => {
  for (
    const [script, options, error, seen] of [
      [[[[FIVE, "12"]]], {}, /^RemoteProtocolError: .*2 of 5 bytes/, ["12", "closed"]],
      [[["nonsense\r\n\r\n"]], {}, /^RemoteProtocolError: /, []],
      [[[[`${FIVE}12`, HOLD]]], { timeouts: { bodyMs: 20 } }, /^TimeoutError: /, ["12", "closed"]],
      [[[[HOLD]]], { timeouts: { headMs: 5 } }, /^TimeoutError: /, []],
    ] as const
  ) {
    await using server = new ScriptedServer(script);
    using client = new HttpClient();
    const got: unknown[] = [];
    const reader = new HttpReader(client, `http://${hostname}:${server.port}/`, options);
    const outcome = await gio(reactor, undefined, reader.into(() => collect(got))).result.then(
      () => "none",
      ({ name, message }) => `${name}: ${message}`,
    );
    assertMatch(outcome, error);
    assertEquals(got.join("").replace("closed", ""), seen.join("").replace("closed", ""));
    assertEquals(got.at(-1), seen.at(-1));
  }
  assertEquals(errors, []);
});

clientTest("HttpReader leaves no timer when the response is complete", [[[
  FIVE,
  "12345",
]]], async (run, _, url, reactor) => {
  const client = new HttpClient();
  const reader = new HttpReader(client, url, { timeouts: { headMs: 10_000, bodyMs: 10_000 } });
  assertEquals(await run(reader.into(collect([]))), "12345");
  client.close();
  await turnsUntil(() => reactor.openConnections.size === 0);
  assertEquals(reactor.inspect().filter(({ kind }) => kind === "timer"), []);
});

clientTest(
  "HttpReader posts the body of a coroutine in chunks",
  [[EMPTY, EMPTY]],
  async (run, server, url) => {
    using client = new HttpClient();
    function* body(): Coroutine<void> {
      yield "A";
      yield* sleep(0);
      yield "B";
    }
    await run(new HttpReader(client, url, { body: body() }).into(collect([])));
    await run(new HttpReader(client, url, { method: "PUT", body: "x" }).into(collect([])));
    assertMatch(server.requests[0]!, /^POST \/ [^]*\r\n\r\n1\r\nA\r\n1\r\nB\r\n0\r\n\r\n$/);
    assertMatch(server.requests[1]!, /^PUT \/ /);
  },
);

clientTest(
  "readers of one client share its connections",
  [[EMPTY, EMPTY]],
  async (run, server, url) => {
    using client = new HttpClient();
    for (let i = 0; i < 2; i++) await run(new HttpReader(client, url).into(collect([])));
    assertEquals(server.connections, 1);
  },
);

clientTest("a reader whose sink ends early leaves the rest", [[[
  "HTTP/1.1 200 OK\r\n\r\n",
  "a\nb\n",
  HOLD,
]]], async (run, server, url) => {
  using client = new HttpClient();
  function* first(): Coroutine<string> {
    return yield;
  }
  assertEquals(await run(new HttpReader(client, url).into(pipe(decode(), lines(), first()))), "a");
  await turnsUntil(() => server.left === 1);
});

clientTest(
  "each piece of a body gives the server its time again",
  [[["HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", ..."01234567890123456789"]]],
  async (run, _, url) => {
    using client = new HttpClient({ timeouts: { bodyMs: 10_000 } });
    assertEquals(await run(new HttpReader(client, url).into(collect([]))), "01234567890123456789");
  },
);

serverTest("a URL without port or path has those of its scheme", async (reactor, errors) => {
  await using proxy = new ScriptedServer([[EMPTY], [EMPTY]]);
  using client = new HttpClient({ proxy: `http://${hostname}:${proxy.port}` });
  await gio(
    reactor,
    undefined,
    function* (): Coroutine<void> {
      for (const url of ["http://www.example.org", "http://www.example.org:5000/page?x=1#a"]) {
        using response = yield* client.get(url, { headers: { connection: "close" } });
        yield* call(response.bytes());
      }
    }(),
  ).result;
  assertMatch(proxy.requests[0]!, /^GET http:\/\/www\.example\.org\/ HTTP\/1\.1\r\n/);
  assertMatch(proxy.requests[0]!, /^host: www\.example\.org\r$/mi);
  assertMatch(proxy.requests[1]!, /^GET http:\/\/www\.example\.org:5000\/page\?x=1 HTTP/);
  assertMatch(proxy.requests[1]!, /^host: www\.example\.org:5000\r$/mi);
  assertEquals(errors, []);
});

serverTest("a proxy is asked by absolute-form", async (reactor, errors) => {
  await using proxy = new ScriptedServer([[`${FIVE}hello`]]);
  using client = new HttpClient({ proxy: `http://me:secret@${hostname}:${proxy.port}` });
  const text = await gio(
    reactor,
    undefined,
    function* (): Coroutine<string> {
      const response = yield* client.get("http://www.example.org/path");
      return yield* call(response.text());
    }(),
  ).result;
  assertEquals(text, "hello");
  assertMatch(proxy.requests[0]!, /^GET http:\/\/www\.example\.org\/path HTTP\/1\.1\r\n/);
  assertMatch(proxy.requests[0]!, /^proxy-authorization: Basic bWU6c2VjcmV0\r$/mi);
  assertEquals(errors, []);
});

serverTest("a proxy that makes no tunnel is an error", async (reactor, errors) => {
  const refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
  await using proxy = new ScriptedServer([[refusal]]);
  using client = new HttpClient({ proxy: `http://${hostname}:${proxy.port}` });
  await assertRejects(
    () => gio(reactor, undefined, askOnce(client, "https://www.example.org/")).result,
    Error,
    "403",
  );
  assertMatch(proxy.requests[0]!, /^CONNECT www\.example\.org:443 HTTP\/1\.1\r\n/);
  assertEquals(errors, []);
});

function* askOnce(
  client: HttpClient,
  url: string,
  options: RequestOptions = {},
): Coroutine<string> {
  using response = yield* client.get(url, options);
  return yield* call(response.text());
}

serverTest("a handler asks another server, and gives its response", async (reactor, errors) => {
  await using far = new ScriptedServer([[[FIVE, "hel", "lo"]]]);
  using pool = new SocketPool();
  const top = asking(pool);
  using server = new HttpServer(reactor, {
    ...listening,
    *handler({ target }) {
      const url = `http://${hostname}:${far.port}${target}`;
      using answer = yield* call(top.any.httpRequest({ url }));
      yield ok({ x: answer.headers.get("x")! });
      yield `${answer.status} ${yield* call(answer.text())}`;
    },
  });
  const answer = await answerTo(server.port, last("GET /depot?arg=1&arg=2"));
  assertMatch(answer, /\r\nx: y\r\n/);
  assertStringIncludes(answer, "200 hello");
  assertMatch(far.requests[0]!, /^GET \/depot\?arg=1&arg=2 HTTP\/1\.1\r\n/);
  assertEquals(errors, []);
});

clientTest("Client answers httpRequest in a DNA", [[`${FIVE}hello`]], async (run, _, url) => {
  class Application extends Observable<HttpRequestMessages> {
    *fetch(): Coroutine<string> {
      using response = yield* call(this.any.httpRequest({ url, method: "GET" }));
      return yield* call(response.text());
    }
  }
  using pool = new SocketPool();
  const application = be([new Application(), [new Client(), [pool]]]);
  assertEquals(await run(application.fetch()), "hello");
});

clientTest("an error of the pool comes to whoever asks", [], async (run, _, url) => {
  const broken = {
    httpClient(): HttpClient {
      throw new RangeError("Boom!");
    },
  };
  for (const [pool, type] of [[broken, RangeError], [{}, Error]] as const) {
    await assertRejects(
      () =>
        run(function* () {
          yield* call(asking(pool).any.httpRequest({ url }));
        }()),
      type,
    );
  }
});

serverTest("what cannot be asked for is an error that says so", async (reactor, errors) => {
  using pool = new SocketPool();
  const top = asking(pool);
  for (
    const [request, message] of [
      [{}, "Cannot ask"],
      [{ url: "http://localhost:PORT/" }, "Cannot ask"],
      [{ url: "ftp://localhost/" }, "Cannot ask"],
      [{ url: "http://UEYR^$*FD(#>NDJ.khfd9.(*njnd/" }, "Cannot ask"],
      [{ url: "http://127.0.0.1:1/", hedaers: {} }, "there is no option hedaers"],
    ] as const
  ) {
    const error = await assertRejects(
      () =>
        gio(
          reactor,
          undefined,
          function* (): Coroutine<void> {
            yield* call(top.any.httpRequest(request as never));
          }(),
        ).result,
      TypeError,
    );
    assertStringIncludes(error.message, message);
  }
  const unknown = { maxConections: 1 } as never;
  assertThrows(() => new SocketPool(unknown), TypeError, "there is no option maxConections");
  assertThrows(() => new EmptySocketPool(unknown), TypeError, "there is no option maxConections");
  await assertRejects(() => getRequest(1, "path"), TypeError, "a path begins with a slash");
  assertEquals(errors, []);
});

serverTest("what cannot be reached is the error of the system", async (reactor, errors) => {
  using pool = new SocketPool({ timeouts: { connectMs: 30_000 } });
  const top = asking(pool);
  const { port } = (() => {
    using listener = Deno.listen(listening);
    return listener.addr;
  })();
  for (const url of [`http://${hostname}:${port}/`, `https://${hostname}:${port}/`]) {
    await assertRejects(
      () =>
        gio(
          reactor,
          undefined,
          function* (): Coroutine<void> {
            yield* call(top.any.httpRequest({ url, method: "POST", body: "body" }));
          }(),
        ).result,
      Deno.errors.ConnectionRefused,
    );
  }
  await assertRejects(
    () => gio(reactor, undefined, askOnce(pool.httpClient(), "http://nowhere.invalid/")).result,
    Error,
  );
  assertEquals(errors, []);
});

clientTest("an error of a request shows who has asked", [["nonsense"]], async (run, _, url) => {
  using client = new HttpClient();
  function* whoAsks(): Coroutine<void> {
    yield* call(deeper());
  }
  function* deeper(): Coroutine<void> {
    using _ = yield* client.get(url);
  }
  const error = await assertRejects(() => run(whoAsks()), RemoteProtocolError);
  assertMatch(error.stack!, /deeper[^]*whoAsks/);
});

serverTest("a client asks over TLS, and checks the certificate", async (reactor, errors) => {
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  await using server = new ScriptedServer(
    [[[answer, "he", "llo"], `${answer}world`], []],
    true,
  );
  const url = `https://${hostname}:${server.port}/`;
  using client = new HttpClient({ tls: { caCerts: [CA_CERT] } });
  const seen: unknown[] = [];
  await gio(
    reactor,
    undefined,
    function* (): Coroutine<void> {
      seen.push(yield* call(new HttpReader(client, url).into(collect([]))));
      using response = yield* client.post(url, { body: "BÖDY".repeat(20_000) });
      seen.push(yield* call(response.text()));
    }(),
  ).result;
  assertEquals(seen, ["hello", "world"]);
  const [, head, body] = /^([^]+?\r\n)\r\n([^]*)$/.exec(server.requests[1]!)!;
  assertMatch(head!, /^content-length: 100000\r$/mi);
  assert(body === "B\xc3\x96DY".repeat(20_000));
  using careful = new HttpClient();
  await assertRejects(() => gio(reactor, undefined, askOnce(careful, url)).result, Error);
  assertEquals(errors, []);
});

serverTest("many requests at once are all answered", async (reactor, errors) => {
  using server = new HttpServer(reactor, {
    ...listening,
    *handler({ path }) {
      yield ok();
      yield path;
    },
  });
  using client = new HttpClient({ maxConnectionsPerOrigin: 8 });
  const texts = await gio(
    reactor,
    undefined,
    function* (): Coroutine<string[]> {
      const tasks = [];
      for (let i = 0; i < 100; i++) tasks.push(yield* spawn(askOnce(client, `${server.url}${i}`)));
      const texts = [];
      for (const task of tasks) texts.push(yield* task);
      return texts;
    }(),
  ).result;
  assertEquals(texts, Array.from({ length: 100 }, (_, i) => `/${i}`));
  assertEquals(errors, []);
});

clientTest(
  "a client has a function for each method",
  [[EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY]],
  async (run, server, url) => {
    using client = new HttpClient();
    await run(function* () {
      for (const method of ["get", "head", "post", "put", "patch", "delete"] as const) {
        using response = yield* client[method](url);
        yield* call(response.bytes());
      }
    }());
    assertEquals(
      server.requests.map((request) => request.split(" ")[0]),
      ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    );
  },
);

clientTest(
  "CONNECT gives a tunnel",
  [[["HTTP/1.1 200 OK\r\n\r\n", "Hello"]]],
  async (run, server, url) => {
    using client = new HttpClient();
    const seen = await run(function* (): Coroutine<string> {
      using response = yield* client.request("CONNECT", url);
      using _ = response.enter();
      return new TextDecoder().decode(yield);
    }());
    assertEquals(seen, "Hello");
    assertEquals(server.requests[0]!.split(" ")[1], `${hostname}:${server.port}`);
  },
);

clientTest(
  "a kept connection that the server closes is not used again",
  [[EMPTY], [EMPTY]],
  async (run, server, url) => {
    using pool = new SocketPool();
    const client = pool.httpClient();
    await run(askOnce(client, url));
    await turnsUntil(() => pool.inspect().length === 0);
    await run(askOnce(client, url));
    assertEquals([server.connections, server.requests.length], [2, 2]);
  },
);

serverTest("a connection has one request at a time", async (reactor, errors) => {
  let count = 0;
  const both = Promise.withResolvers<void>();
  using server = new HttpServer(reactor, {
    ...listening,
    *handler() {
      if (++count === 2) both.resolve();
      yield* wait(both.promise);
      yield ok();
    },
  });
  using client = new HttpClient();
  await gio(
    reactor,
    undefined,
    function* () {
      yield* all(askOnce(client, server.url), askOnce(client, server.url));
    }(),
  ).result;
  assertEquals(server.statistics().accepted, 2);
  assertEquals(errors, []);
});

clientTest(
  "a pool gives a connection only to its own origin",
  [[EMPTY, EMPTY]],
  async (run, server, url) => {
    await using other = new ScriptedServer([[EMPTY]]);
    using pool = new SocketPool();
    for (const each of [url, `http://${hostname}:${other.port}/`, url]) {
      await run(askOnce(pool.httpClient(), each));
    }
    assertEquals([server.connections, other.connections], [1, 1]);
    assertEquals(server.requests.length, 2);
  },
);

serverTest("a pool gives the latest connection first", async (reactor, errors) => {
  // Three requests are answered from the first to the last, so that the third connection is the latest.
  const turn = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const ports: number[] = [];
  using server = new HttpServer(reactor, {
    ...listening,
    *handler({ connection, path }) {
      const port = (connection.remoteAddr as Deno.NetAddr).port;
      const i = Number(path.slice(1));
      if (path.length > 1) {
        ports[i] = port;
        yield* wait(turn[i]!.promise);
      }
      yield ok();
      yield String(port);
    },
  });
  using client = new HttpClient();
  const used = await gio(
    reactor,
    undefined,
    function* (): Coroutine<number[]> {
      const tasks = [];
      for (let i = 0; i < 3; i++) tasks.push(yield* spawn(askOnce(client, `${server.url}${i}`)));
      yield* wait(turnsUntil(() => ports.filter(Boolean).length === 3));
      for (const [i, task] of tasks.entries()) {
        turn[i]!.resolve();
        yield* task;
      }
      yield* call(askOnce(client, server.url));
      const both = yield* all(askOnce(client, server.url), askOnce(client, server.url));
      return both.map(Number);
    }(),
  ).result;
  assertEquals(used, [ports[2], ports[1]]);
  assertEquals(errors, []);
});

clientTest(
  "EmptySocketPool has a connection for each request",
  [[[EMPTY, HOLD]], [[EMPTY, HOLD]], [[EMPTY, HOLD]]],
  async (run, server, url) => {
    using pool = new EmptySocketPool({ headers: { x: "y" } });
    for (let i = 0; i < 3; i++) await run(askOnce(pool.httpClient(), url));
    assertEquals(server.connections, 3);
    for (const request of server.requests) {
      assertMatch(request, /^connection: close\r$/mi);
      assertMatch(request, /^x: y\r$/mi);
    }
    await turnsUntil(() => server.left === 3);
    assertEquals(pool.inspect(), []);
  },
);

serverTest("a pool limits its connections, and others wait", async (reactor, errors) => {
  for (const limits of [{ maxConnections: 2 }, { maxConnectionsPerOrigin: 2 }]) {
    let most = 0;
    let now = 0;
    using server = new HttpServer(reactor, {
      ...listening,
      *handler() {
        most = Math.max(most, ++now);
        yield* wait(turns(5));
        now--;
        yield ok();
      },
    });
    using pool = new SocketPool(limits);
    const ask = () => askOnce(pool.httpClient(), server.url);
    await gio(
      reactor,
      undefined,
      function* () {
        yield* all(ask(), ask(), ask(), ask(), ask());
      }(),
    ).result;
    assertEquals([most, server.statistics().accepted], [2, 2]);
    using strict = new SocketPool({ ...limits, overload: "fail" });
    const fail = () => askOnce(strict.httpClient(), server.url);
    const error = await assertRejects(() =>
      gio(
        reactor,
        undefined,
        function* () {
          yield* all(fail(), fail(), fail());
        }(),
      ).result
    );
    assertEquals((error as Error).name, "TooManyConnections");
  }
  assertEquals(errors, []);
});

clientTest(
  "a pool closes an unused connection of another origin when there are too many",
  [[[EMPTY, HOLD]]],
  async (run, server, url) => {
    await using other = new ScriptedServer([[EMPTY]]);
    using pool = new SocketPool({ maxConnections: 1 });
    await run(askOnce(pool.httpClient(), url));
    await run(askOnce(pool.httpClient(), `http://${hostname}:${other.port}/`));
    await turnsUntil(() => server.left === 1);
    assertEquals(other.requests.length, 1);
  },
);

clientTest(
  "a pool closes a connection that nobody has used for a while",
  [[EMPTY, [EMPTY, HOLD]]],
  async (run, server, url) => {
    using pool = new SocketPool();
    await run(askOnce(pool.httpClient(), url));
    await run(askOnce(pool.httpClient(), url, { timeouts: { idleMs: 5 } }));
    await turnsUntil(() => server.left === 1);
    assertEquals(server.connections, 1);
    assertEquals(pool.inspect(), []);
  },
);

clientTest(
  "a pool tells how many connections it has",
  [[EMPTY, [FIVE, HOLD]]],
  async (run, server, url) => {
    using pool = new SocketPool({ limits: { maxDrainBytes: 0 } });
    const origin = `http://${hostname}:${server.port}`;
    await run(function* () {
      const client = pool.httpClient();
      assertEquals(pool.inspect(), []);
      yield* call(askOnce(client, url));
      assertEquals(pool.inspect(), [{ origin, idle: 1, active: 0, waiting: 0 }]);
      using _ = yield* client.get(url);
      assertEquals(pool.inspect(), [{ origin, idle: 0, active: 1, waiting: 0 }]);
    }());
    await turnsUntil(() => server.left === 1);
    assertEquals(pool.inspect(), []);
  },
);

clientTest(
  "a pool that is closed closes its connections",
  [[[EMPTY, HOLD]]],
  async (run, server, url) => {
    const pool = new SocketPool();
    await run(askOnce(pool.httpClient(), url));
    pool.close();
    await turnsUntil(() => server.left === 1);
    await assertRejects(() => run(askOnce(pool.httpClient(), url)), Error);
    assertEquals(server.connections, 1);
  },
);

clientTest(
  "whatever comes of requests, no connection is left",
  [["nonsense"], [[FIVE, "1"]], [[FIVE, HOLD]], [[HOLD]], [`${FIVE}12345`]],
  async (run, server, url, reactor) => {
    const client = new HttpClient();
    const outcomes: string[] = [];
    for (const options of [{}, {}, { timeouts: { bodyMs: 5 } }, { timeouts: { headMs: 5 } }, {}]) {
      await run(function* () {
        try {
          const response = yield* client.get(url, options);
          yield* call(response.text());
          outcomes.push("whole");
        } catch (error) {
          outcomes.push((error as Error).name);
        }
      }());
    }
    assertEquals(outcomes, [
      "RemoteProtocolError",
      "RemoteProtocolError",
      "TimeoutError",
      "TimeoutError",
      "whole",
    ]);
    client.close();
    await turnsUntil(() => server.left === 2 && reactor.openConnections.size === 0);
  },
);

serverTest("getRequest() and postRequest() ask in one line", async (reactor, errors) => {
  using server = new HttpServer(reactor, {
    ...listening,
    *handler(request) {
      if (request.path === "/moved") return yield response(302, { location: "/elsewhere" });
      const body = yield* call(request.text());
      yield response(201, { "content-type": "text/plain" });
      yield `${request.method} ${request.target} ${request.headers.get("x") ?? ""} ${body}`;
    },
  });
  const got = await getRequest(server.port, "/path?a=%20", { headers: { x: "y" } });
  assertEquals(got.status, 201);
  assertEquals(got.headers.get("content-type"), "text/plain");
  assertEquals(got.body, "GET /path?a=%20 y ");
  const posted = await postRequest(server.port, "/", "BÖDY", { hostname: "localhost" });
  assertEquals(posted.body, "POST /  BÖDY");
  // It is for tests, which want to see it.
  assertEquals((await getRequest(server.port, "/moved")).status, 302);
  assertEquals((await getRequest(server.port, "/moved", { redirect: "follow" })).status, 201);
  await server.shutdown();
  await assertRejects(() => getRequest(server.port, "/"), Error, "Cannot connect");
  await using secure = new ScriptedServer([[`${FIVE}hello`]], true);
  const secured = await getRequest(secure.port, "/", { tls: { caCerts: [CA_CERT] } });
  assertEquals(secured.body, "hello");
  assertEquals(errors, []);
});

Deno.test("a coroutine that asks runs in any program", async () => {
  await using server = new ScriptedServer([[`${FIVE}hello`]]);
  using pool = new EmptySocketPool();
  const top = asking(pool);
  const text = await asProcess(function* (): Coroutine<string> {
    using response = yield* call(
      top.any.httpRequest({ url: `http://${hostname}:${server.port}/` }),
    );
    return yield* call(response.text());
  }());
  assertEquals(text, "hello");
});
