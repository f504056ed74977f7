/** HTTP/2 by HttpServer, on real sockets of both kinds, by a clock that the test moves. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { call, type Coroutine, EndOfStream, Local } from "../../compose/mod.ts";
import { enter, memory, sleep, spawn, Suspend, timeout, wait } from "../../gio/mod.ts";
import {
  type AccessLogEntry,
  commonLog,
  fetchHandler,
  HttpProtocol,
  type HttpRequest,
  HttpServer,
  type HttpServerOptions,
  ok,
  raw,
  response,
  Server,
  trailers,
} from "../../http/mod.ts";
import { be, Observable } from "../../pipeline/mod.ts";
import { here, Reactor, splice, TestClock } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { listening, SELECTORS } from "../_sockets.ts";
import { get, OPENING } from "./_h2_cases.ts";
import { Peer } from "./_h2_peer.ts";
import { ACK, frame, GOAWAY, HEADERS, join, PING, RawPeer, RST_STREAM, uint32 } from "./_h2_raw.ts";

interface World {
  server: HttpServer;
  clock: TestClock;
  reactor: Reactor;
  errors: unknown[];
  /** How many bytes the server has received. */
  received: () => number;
}

type Options = Partial<HttpServerOptions> & Pick<HttpServerOptions, "handler">;

/** A test with a server, of both kinds of sockets. Nothing may be left of it. */
function h2Test(
  name: string,
  options: Options | (() => Options),
  test: (world: World) => Promise<void>,
): void {
  for (const selector of SELECTORS) {
    leakTest(`${name} (${selector})`, async () => {
      const errors: unknown[] = [];
      const clock = new TestClock();
      let received = 0;
      using reactor = new Reactor({
        selector,
        clock,
        onError: (error) => errors.push(error),
        events: { received: (_, length) => received += length },
      });
      const given = typeof options === "function" ? options() : options;
      const server = new HttpServer(reactor, { ...listening, ...given });
      const running = reactor.run();
      try {
        await test({ server, clock, reactor, errors, received: () => received });
      } finally {
        reactor.requestShutdown();
        await running;
      }
      assertEquals(reactor.inspect().filter(({ kind }) => kind !== "timer"), []);
    });
  }
}

/** The lines that were noted of a stream. */
function of(peer: Peer, id: number): string[] {
  return peer.log.filter((line) => line.startsWith(`${id} `)).map((line) =>
    line.slice(String(id).length + 1).replace(/date: [^|]*\|/, "")
  );
}

/** Waits until the server has closed the connection. The client has a moment to do so first. */
async function hungUp(peer: Peer, clock: TestClock): Promise<void> {
  await turnsUntil(() => (clock.advance(100), peer.isClosed));
}

/** Sends what the session has to send, and waits until the server has it. */
async function sends(peer: Peer, received: () => number): Promise<void> {
  const before = received();
  const bytes = peer.take();
  await peer.send(bytes);
  await turnsUntil(() => received() >= before + bytes.length);
  await turns(5);
}

/** Reads all, as handlers do that take an EndOfStream for the end. */
function* toEnd(): Coroutine<void> {
  try {
    for (;;) yield;
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
  }
}

function* echo(): Coroutine {
  yield ok();
  for (;;) yield yield;
}

h2Test("a handler that ends without waiting answers, and no task is made", {
  *handler(request) {
    yield ok({ "content-type": "text/plain", "Connection": "x-y", "X-Y": "1" });
    yield `Hello ${request.path} by ${request.version}`;
  },
}, async ({ server, reactor }) => {
  await using peer = await Peer.connect(server.port);
  await peer.get("/world");
  await peer.until("1 closed");
  assertEquals(of(peer, 1), [
    "head :status: 200|content-type: text/plain|x-y: 1|content-length: 17|",
    "body Hello /world by 2",
    "closed",
  ]);
  assertEquals(reactor.inspect().filter(({ kind }) => kind === "coroutine").length, 0);
});

h2Test("many requests on one connection are answered in any order", {
  *handler({ path }) {
    if (path === "/slow") yield* sleep(1000);
    yield ok();
    yield path;
  },
}, async ({ server, clock }) => {
  await using peer = await Peer.connect(server.port);
  await peer.get("/slow");
  for (let i = 0; i < 50; i++) await peer.get(`/${i}`);
  await turnsUntil(() => peer.log.filter((line) => line.endsWith(" closed")).length === 50);
  assertEquals(of(peer, 1), []);
  clock.advance(1000);
  await peer.until("1 body /slow");
});

h2Test("a body goes both ways while it comes", { handler: echo }, async ({ server }) => {
  await using peer = await Peer.connect(server.port);
  const stream = await peer.post("/");
  await peer.until("1 head");
  for (let i = 0; i < 100; i++) {
    stream.write("x".repeat(10_000));
    stream.flush();
    await peer.send();
  }
  stream.end();
  await peer.send();
  await peer.until("1 body 1000000");
});

h2Test("trailers go both ways", {
  *handler(request) {
    const text = yield* call(request.text());
    yield ok();
    yield text;
    yield trailers({ "x-sum": request.trailers?.get("x-sum") ?? "none" });
  },
}, async ({ server }) => {
  await using peer = await Peer.connect(server.port);
  const stream = await peer.post("/");
  stream.write("abc");
  stream.end(["x-sum", "294"]);
  await peer.send();
  await peer.until("1 closed");
  assertEquals(of(peer, 1), ["head :status: 200|", "trailers x-sum: 294", "body abc", "closed"]);
});

h2Test("a client that waits for a 100 gets it when the body is read, and a 103 when it is sent", {
  *handler(request) {
    if (request.path === "/no") return yield response(417);
    yield response(103, { link: "</a>" });
    const text = yield* call(request.text());
    yield ok();
    yield text;
  },
}, async ({ server }) => {
  await using peer = await Peer.connect(server.port);
  const stream = await peer.post("/", "expect", "100-continue");
  await peer.until("1 head :status: 100");
  stream.write("body");
  stream.end();
  await peer.send();
  await peer.until("1 closed");
  assertEquals(of(peer, 1).slice(0, 4), [
    "head :status: 103|link: </a>|",
    "head :status: 100|",
    "head :status: 200|content-length: 4|",
    "body body",
  ]);
  await peer.post("/no", "expect", "100-continue");
  await peer.until("3 body");
  assertMatch(of(peer, 3)[0]!, /^head :status: 417/);
});

h2Test("the answer to HEAD, 204 and 304 have no body, and their length is told if it is known", {
  *handler({ path }) {
    if (path === "/204") return yield response(204);
    if (path === "/304") return yield response(304, { etag: '"a"' });
    yield ok({ "content-length": 5 });
    yield "hello";
  },
}, async ({ server, errors }) => {
  await using peer = await Peer.connect(server.port);
  peer.open([":method", "HEAD", ":scheme", "http", ":authority", "x", ":path", "/"]);
  await peer.get("/204");
  await peer.get("/304");
  await peer.until("5 closed");
  assertEquals(of(peer, 1), ["head :status: 200|content-length: 5|", "body ", "closed"]);
  assertEquals(of(peer, 3), ["head :status: 204|", "body ", "closed"]);
  assertEquals(of(peer, 5), ['head :status: 304|etag: "a"|', "body ", "closed"]);
  assertEquals(errors, []);
});

h2Test("what a handler does wrong is answered with 500, or resets the stream, and others go on", {
  *handler({ path }) {
    switch (path) {
      case "/none":
        return;
      case "/throws":
        yield ok();
        yield "is taken back";
        throw new Error("of the handler");
      case "/late":
        yield ok();
        yield "a part";
        yield* sleep(1);
        throw new Error("too late");
      case "/long":
        yield ok({ "content-length": 2 });
        yield "long";
        return;
      case "/short":
        yield ok({ "content-length": 20 });
        return yield "short";
      case "/raw":
        return yield raw;
      case "/101":
        return yield response(101, { upgrade: "x" });
    }
    yield ok();
  },
}, async ({ server, clock, errors }) => {
  await using peer = await Peer.connect(server.port);
  const paths = ["/none", "/throws", "/long", "/short", "/raw", "/101", "/late", "/fine"];
  for (const path of paths) await peer.get(path);
  await peer.until("15 closed");
  for (let id = 1; id <= 11; id += 2) assertMatch(of(peer, id)[0]!, /:status: 500/, paths[id >> 1]);
  clock.advance(1);
  await peer.until("13 lost");
  assertMatch(of(peer, 13).join(), /:status: 200.*INTERNAL_ERROR/);
  assertMatch(of(peer, 15)[0]!, /:status: 200/);
  assertEquals(errors.length, 7);
});

h2Test(
  "a client that resets a stream ends its handler where it reads or writes, and aborts its signal",
  () => {
    const ends: string[] = [];
    return {
      *handler(request) {
        if (request.path === "/ends") {
          yield ok();
          return yield ends.join();
        }
        const { path } = request;
        request.signal.addEventListener("abort", () => ends.push(`${path} aborted`));
        try {
          if (path === "/reads") { for (;;) yield; }
          yield ok();
          if (path === "/writes") { for (;;) yield "x".repeat(10_000); }
          yield* sleep(1_000_000);
        } finally {
          ends.push(`${path} ended`);
        }
      },
    };
  },
  async ({ server, errors, clock }) => {
    await using peer = await Peer.connect(server.port);
    const reads = await peer.post("/reads");
    const writes = await peer.get("/writes");
    const sleeps = await peer.get("/sleeps");
    await peer.until("5 head");
    for (const stream of [reads, writes, sleeps]) stream.reset(8, new Error("reset"));
    await peer.get("/ends");
    await peer.until("7 body");
    const body = of(peer, 7)[1]!;
    for (const part of ["/reads aborted", "/reads ended", "/writes ended", "/sleeps aborted"]) {
      assert(body.includes(part), `${part} in ${body}`);
    }
    assert(!body.includes("/sleeps ended"));
    clock.advance(1_000_000);
    await turns(20);
    assertEquals(errors, []);
  },
);

h2Test("a client that takes nothing stops its handler, and not the others", () => {
  let pieces = 0;
  return {
    *handler({ path }) {
      yield ok();
      if (path === "/pieces") return yield String(pieces);
      for (;; pieces++) yield new Uint8Array(10_000);
    },
  };
}, async ({ server }) => {
  // Its windows stay shut.
  await using peer = await Peer.connect(server.port, { streamWindow: 65_535 });
  const stream = await peer.get("/endless");
  stream.user = { received() {}, trailed() {}, drained() {}, lost() {} };
  await turnsUntil(() => stream.inputBytes === 65_535);
  const other = await Peer.connect(server.port);
  await other.get("/pieces");
  await other.until("1 body");
  const pieces = Number(of(other, 1)[1]!.slice(5));
  assert(pieces > 5 && pieces < 30, `${pieces} pieces`);
  await other[Symbol.asyncDispose]();
});

h2Test("a window that stays shut is a timeout of writing, also when the handler has ended", {
  timeouts: { writeMs: 5000 },
  *handler({ path }) {
    yield ok();
    if (path === "/waits") yield* sleep(1);
    yield new Uint8Array(200_000);
  },
}, async ({ server, clock, errors }) => {
  await using peer = await Peer.connect(server.port, { streamWindow: 1000 });
  for (const path of ["/", "/waits"]) {
    const stream = await peer.get(path);
    stream.user = { received() {}, trailed() {}, drained() {}, lost() {} };
  }
  await turnsUntil(() =>
    peer.streams.every(({ inputBytes }) => inputBytes > 0) || (clock.advance(1), false)
  );
  await turnsUntil(() => (clock.advance(100), peer.streams.every(({ state }) => state === 3)));
  assertEquals(peer.streams.map(({ state }) => state), [3, 3]);
  assertEquals(errors, []);
});

h2Test("the phases of a connection have their limits: idle, head, body", {
  timeouts: { headMs: 1000, idleMs: 10_000, bodyMs: 3000 },
  *handler(request) {
    yield* call(request.text());
    yield ok();
  },
}, async ({ server, clock, received }) => {
  const idle = await Peer.connect(server.port);
  await idle.get("/");
  await idle.until("1 closed");
  clock.advance(9_000);
  await idle.get("/");
  await idle.until("3 closed");
  clock.advance(9_000); // It has asked meanwhile.
  await idle.get("/");
  await idle.until("5 closed");
  clock.advance(10_000);
  await hungUp(idle, clock);
  assertEquals(idle.log.at(-1), "goes away after 5: The peer ends the connection: NO_ERROR");

  const head = await Peer.connect(server.port);
  await head.get("/");
  await head.until("1 closed");
  const before = received();
  await head.send(new Uint8Array([0, 0, 1, 1, 0, 0, 0, 0, 3, 0x82])); // HEADERS without an end
  await turnsUntil(() => received() >= before + 10);
  await hungUp(head, clock);
  assertMatch(head.log.at(-1)!, /ENHANCE_YOUR_CALM/);

  await using body = await Peer.connect(server.port);
  const { requests } = server.statistics();
  await body.post("/");
  await turnsUntil(() => server.statistics().requests > requests);
  await turnsUntil(() => (clock.advance(100), of(body, 1).length > 0));
  assertMatch(of(body, 1)[0]!, /:status: 408/);
  await body.get("/");
  await body.until("3 closed"); // The others go on.
});

h2Test("a server that shuts down answers what it has taken, and says which was the last", {
  *handler({ path }) {
    if (path === "/waits") yield* sleep(500);
    yield ok();
    yield path;
  },
}, async ({ server, clock }) => {
  await using idle = await Peer.connect(server.port);
  await idle.get("/");
  await idle.until("1 closed");
  await using peer = await Peer.connect(server.port);
  await peer.get("/waits");
  await turnsUntil(() => server.statistics().idle === 1 && server.statistics().requests === 2);
  const shutdown = server.shutdown();
  await idle.ended();
  await peer.until("goes away after 1:");
  await peer.get("/ignored");
  clock.advance(500);
  await shutdown;
  await peer.ended();
  assertEquals(of(peer, 1).slice(1), ["body /waits", "closed"]);
  assertEquals(of(peer, 3).some((line) => line.startsWith("head")), false);
  assertEquals(peer.log.filter((line) => line.startsWith("goes away")), [
    "goes away after 2147483647: The peer ends the connection: NO_ERROR",
    "goes away after 1: The peer ends the connection: NO_ERROR",
  ]);
});

h2Test("the first bytes may come one by one, and a shutdown meanwhile does not lose the request", {
  *handler({ method, version }) {
    yield ok();
    yield `${method} by ${version}`;
  },
}, async ({ server, received }) => {
  const encoder = new TextEncoder();
  const open = async (first: string) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const before = received();
    for (const [i, byte] of encoder.encode(first).entries()) {
      await conn.write(new Uint8Array([byte]));
      await turnsUntil(() => received() > before + i);
    }
    return conn;
  };
  const [one, two] = [await open("P"), await open("PRI * HTTP/2.0\r\n\r\nS")];
  await turns(20);
  assertEquals(server.statistics().idle, 0);
  const shutdown = server.shutdown();
  await turns(20);
  await one.write(encoder.encode("UT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
  const answer = await new Response(one.readable).text();
  assertMatch(answer, /^HTTP\/1.1 200 OK\r\n[^]*connection: close[^]*PUT by 1.1$/i);
  await two.write(encoder.encode("M\r\n\r\n"));
  await two.write(new Uint8Array([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  const bytes = new Uint8Array(1000);
  // The first frame is SETTINGS.
  assert(await two.read(bytes) !== null && bytes[3] === 4);
  two.close();
  await shutdown;
});

h2Test("a client that does not answer is given a second at shutdown, and a handler its deadline", {
  *handler() {
    yield* sleep(1_000_000);
  },
}, async ({ server, clock }) => {
  const silent = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await silent.write(new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  await silent.write(new Uint8Array([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  await using peer = await Peer.connect(server.port);
  await peer.get("/");
  await turnsUntil(() => server.statistics().requests === 1 && server.statistics().open === 2);
  const shutdown = server.shutdown({ deadlineMs: 5000 });
  await turns(20);
  clock.advance(1000);
  await turnsUntil(() => server.statistics().open === 1);
  clock.advance(4000);
  await shutdown;
  await peer.ended();
  silent.close();
});

h2Test("more requests than may run at once are refused, also if their streams were reset", {
  limits: { maxConcurrentStreams: 5 },
  *handler() {
    yield* sleep(1000);
    yield ok();
  },
}, async ({ server, clock, reactor }) => {
  await using peer = await Peer.connect(server.port);
  for (let i = 0; i < 5; i++) (await peer.get("/")).reset(8, new Error("reset"));
  await peer.get("/");
  await peer.until("REFUSED_STREAM");
  // As soon as they have ended, others may come.
  await turnsUntil(() =>
    (clock.advance(1000), true) && reactor.inspect().every(({ kind }) => kind !== "coroutine")
  );
  await peer.get("/");
  await turnsUntil(() => server.statistics().requests === 6);
  clock.advance(1000);
  await peer.until("13 head");
  assertMatch(of(peer, 13)[0]!, /:status: 200/);
});

h2Test("after maxRequests the connection ends", {
  limits: { maxRequests: 2 },
  *handler() {
    yield ok();
  },
}, async ({ server }) => {
  await using peer = await Peer.connect(server.port);
  await peer.get("/");
  await peer.get("/");
  await peer.ended();
  assertEquals(peer.log.filter((line) => line.includes(":status: 200")).length, 2);
});

h2Test("requests beyond maxRequests are not answered, and the client knows which", {
  limits: { maxRequests: 2 },
  *handler() {
    yield ok();
  },
}, async ({ server }) => {
  using peer = await RawPeer.connect(server.port);
  await peer.send(join(OPENING, ...[1, 3, 5, 7].map((id) => get(id))));
  for (const id of [1, 3]) assertEquals((await peer.answer(id)).status, "200");
  const { payload } = await peer.takeOf(GOAWAY, 0);
  assertEquals(payload, join(uint32(3), uint32(0)));
  // What the client has sent before it knows is not answered either, and does no harm.
  await peer.send(get(9));
  const ping = await peer.takeOf(PING, 0);
  await peer.send(frame(PING, ACK, 0, ping.payload));
  await peer.closed();
  peer.checkNone(HEADERS, RST_STREAM);
  assertEquals(server.statistics().requests, 2);
});

/** Keeps the processor busy. */
function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

let flooded = 0;
h2Test("a client does not wait until what another one has sent is worked off", {
  *handler(request) {
    if (request.path === "/flood") {
      flooded++;
      spin(0.1);
    }
    yield ok();
  },
}, async ({ server }) => {
  flooded = 0;
  using flooder = await RawPeer.connect(server.port);
  using other = await RawPeer.connect(server.port);
  for (const peer of [flooder, other]) await peer.send(OPENING).then(() => peer.sync());
  const ids = Array.from({ length: 1000 }, (_, i) => 2 * i + 1);
  const sending = flooder.send(join(...ids.map((id) => get(id, "/flood"))));
  await other.send(get(1));
  await other.answer(1);
  assert(flooded < ids.length);
  await sending;
  await flooder.answer(ids.at(-1)!);
  assertEquals(flooded, ids.length);
});

h2Test("limits of heads and bodies have their answers", {
  limits: { maxHeadBytes: 2000, maxHeaders: 10, maxBodyBytes: 100, maxRequestLineBytes: 300 },
  *handler(request) {
    yield* call(request.text());
    yield ok();
  },
}, async ({ server, errors }) => {
  await using peer = await Peer.connect(server.port);
  await peer.get("/", "x-large", "x".repeat(3000));
  await peer.get("/", ...Array.from({ length: 12 }, (_, i) => [`x-${i}`, "1"]).flat());
  await peer.get(`/${"x".repeat(400)}`);
  await peer.post("/", "content-length", "101");
  const body = await peer.post("/");
  body.write("x".repeat(101));
  body.end();
  await peer.get("/", "expect", "more");
  await peer.send();
  await peer.until("9 head");
  await peer.until("11 head");
  const statuses = [1, 3, 5, 7, 9, 11].map((id) => /:status: (\d+)/.exec(of(peer, id)[0]!)![1]);
  assertEquals(statuses, ["431", "431", "414", "413", "413", "417"]);
  assertEquals(errors, []);
});

h2Test(
  "a handler has a driver when it needs one: tasks, timeouts, contexts, transfers, Locals",
  () => {
    const user = new Local<string>();
    return {
      *handler({ path }) {
        user.set(path);
        switch (path) {
          case "/spawn": {
            const task = yield* spawn(function* () {
              yield* sleep(10);
              return user.get();
            }());
            yield ok();
            return yield `${yield* task}`;
          }
          case "/left": // The task ends with its handler.
            yield* spawn(sleeping());
            yield ok();
            return;
          case "/timeout": {
            using _ = timeout(20);
            yield ok();
            try {
              yield* sleep(1000);
            } catch (error) {
              yield (error as Error).name;
            }
            return;
          }
          case "/enter": {
            let read: Uint8Array;
            {
              using _ = enter(memory("from elsewhere"));
              read = yield;
              yield "to elsewhere";
            }
            yield ok();
            return yield read;
          }
          case "/splice":
            yield ok();
            return yield* splice(here, here);
          case "/suspend":
            yield ok();
            return yield String(yield* new Suspend<number>((suspend) => suspend.resume(7)));
        }
      },
    };
    function* sleeping(): Coroutine<void> {
      yield* sleep(1_000_000);
    }
  },
  async ({ server, clock, errors }) => {
    await using peer = await Peer.connect(server.port);
    for (const path of ["/spawn", "/left", "/timeout", "/enter", "/suspend"]) await peer.get(path);
    const spliced = await peer.post("/splice");
    spliced.write("x".repeat(100_000));
    spliced.end();
    await peer.send();
    for (const id of [3, 7, 9, 11]) await peer.until(`${id} closed`);
    clock.advance(20);
    await peer.until("1 body");
    await peer.until("5 body");
    const bodies = [1, 3, 5, 7, 9, 11].map((id) => of(peer, id).find((l) => l.startsWith("body")));
    assertEquals(bodies, [
      "body /spawn",
      "body ",
      "body TimeoutError",
      "body from elsewhere",
      "body 7",
      "body 100000",
    ]);
    assertEquals(errors, []);
  },
);

h2Test("fetchHandler() and compression work as over HTTP/1.1", {
  compression: true,
  handler: fetchHandler(async (request) => {
    const text = await request.text();
    return new Response(`${request.method} ${new URL(request.url).pathname} ${text}`.repeat(500), {
      headers: { "content-type": "text/plain" },
    });
  }),
}, async ({ server }) => {
  await using peer = await Peer.connect(server.port);
  const stream = await peer.post("/path", "accept-encoding", "gzip");
  stream.write("text");
  stream.end();
  await peer.get("/plain");
  await peer.until("1 closed");
  await peer.until("3 closed");
  assertMatch(of(peer, 1)[0]!, /content-encoding: gzip/);
  assertEquals(
    of(peer, 3).find((line) => line.startsWith("body")),
    `body ${500 * "GET /plain ".length}`,
  );
});

h2Test("the access log, onAnswered() and statistics know of HTTP/2", () => {
  const lines: string[] = [];
  return {
    accessLog: (entry: AccessLogEntry) => void lines.push(commonLog(entry).replace(/\[.*\]/, "[]")),
    *handler(request: HttpRequest) {
      if (request.path === "/log") {
        yield ok();
        return yield lines.join("\n");
      }
      request.onAnswered(({ status, bytes }) => void lines.push(`${status} ${bytes}`));
      yield ok();
      yield "hello";
    },
  };
}, async ({ server }) => {
  await using peer = await Peer.connect(server.port);
  await peer.get("/page");
  await peer.until("1 closed");
  await peer.get("/log");
  await peer.until("3 body");
  assertEquals(of(peer, 3)[1], 'body 127.0.0.1 - - [] "GET /page HTTP/2.0" 200 5\n200 5');
  assertEquals(server.statistics().requests, 2);
});

h2Test("one port speaks HTTP/1.1 as well, and HTTP/2 can be turned off", {
  http2: false,
  handler: echo,
}, async ({ server, reactor }) => {
  using both = new HttpServer(reactor, {
    ...listening,
    *handler({ version }) {
      yield ok();
      yield version;
    },
  });
  assertEquals(await (await fetch(both.url)).text(), "1.1");
  await using peer = await Peer.connect(both.port);
  await peer.get("/");
  await peer.until("1 body 2");
  const refused = await Peer.connect(server.port);
  await refused.ended();
  assertMatch(refused.log[0]!, /^failed/);
});

h2Test("a client that ends its side gets the answers to what it has sent", {
  *handler({ path }) {
    if (path === "/slow") yield* sleep(1000);
    else for (;;) yield;
    yield ok();
    yield path;
  },
}, async ({ server, clock, errors }) => {
  await using peer = await Peer.connect(server.port);
  await peer.get("/slow");
  await peer.post("/part");
  await turnsUntil(() => server.statistics().requests === 2);
  await peer.closeWrite();
  await turnsUntil(() => (clock.advance(100), of(peer, 1).length > 0));
  await peer.until("1 body /slow");
  await hungUp(peer, clock);
  assertEquals(of(peer, 3).some((line) => line.startsWith("head")), false);
  assertEquals(errors, []);
});

h2Test("a client that closes its connection has gone, as the signal of each request tells", () => {
  const gone: string[] = [];
  return {
    *handler({ path, signal }) {
      yield* wait(
        new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
      );
      gone.push(path);
      yield ok({ gone: String(gone) });
      yield "nobody reads it";
    },
  };
}, async ({ server, clock, errors }) => {
  for (const end of ["close", "closeWrite"] as const) {
    const peer = await Peer.connect(server.port);
    const { requests } = server.statistics();
    await peer.get("/a");
    await peer.post("/b");
    await turnsUntil(() => server.statistics().requests === requests + 2);
    await peer[end]();
    if (end === "closeWrite") await peer.until("1 body nobody");
    await turnsUntil(() => server.statistics().open === 0 || (clock.advance(100), false));
    await peer[Symbol.asyncDispose]();
  }
  assertEquals(errors, []);
});

h2Test("a body that no handler reads is nobody's, and takes no window from others", {
  *handler(request) {
    yield ok();
    if (request.path === "/reads") yield yield* call(request.text());
  },
}, async ({ server }) => {
  await using peer = await Peer.connect(server.port);
  for (let i = 0; i < 40; i++) {
    const stream = await peer.post("/leaves");
    stream.write("x".repeat(60_000));
    stream.end();
    await peer.send();
    const { id } = stream;
    await turnsUntil(() => of(peer, id).some((line) => /^closed|^lost/.test(line)));
  }
  const stream = await peer.post("/reads");
  stream.write("y");
  stream.end();
  await peer.send();
  await peer.until(`${stream.id} body y`);
});

h2Test("a body that is cut while its handler does something else is no whole one", () => {
  const ends: string[] = [];
  return {
    *handler(request) {
      if (request.path === "/ends") {
        while (ends.length < 2) yield* sleep(1);
        yield ok();
        return yield ends.join();
      }
      const first = yield;
      yield* sleep(1000);
      try {
        const rest = yield* call(request.text());
        ends.push(`whole: ${first.length + rest.length}`);
      } catch (error) {
        ends.push(`cut ${error instanceof Deno.errors.ConnectionReset}`);
        throw error;
      }
    },
  };
}, async ({ server, clock, errors, received }) => {
  await using peer = await Peer.connect(server.port);
  // The second body has come whole, but was not read, and the first has not.
  for (const isWhole of [false, true]) {
    const stream = await peer.post("/");
    stream.write("begin");
    stream.flush();
    await peer.send();
    await turnsUntil(() => server.statistics().requests === (isWhole ? 2 : 1));
    if (isWhole) {
      stream.write("x".repeat(100));
      stream.end();
      await peer.send();
      stream.state = 0; // so that it can be reset
    }
    stream.reset(8, new Error("reset"));
    await sends(peer, received);
  }
  await peer.get("/ends");
  await turnsUntil(() => (clock.advance(10), of(peer, 5).length > 1));
  assertEquals(of(peer, 5)[1], "body cut true,cut true");
  assertEquals(errors, []);
});

h2Test("a client is told not to send the rest of a body when it has sent much of it in vain", {
  limits: { maxDrainBytes: 10_000 },
  *handler() {
    yield ok();
    yield "answer";
  },
}, async ({ server }) => {
  await using peer = await Peer.connect(server.port);
  const stream = await peer.post("/");
  await peer.until("1 body answer");
  stream.write("x".repeat(20_000));
  stream.flush();
  await peer.send();
  await peer.until("1 lost: The peer has reset the stream: NO_ERROR");
  const small = await peer.post("/");
  await peer.until("3 body answer");
  small.write("x".repeat(5000));
  small.end();
  await peer.send();
  await peer.until("3 closed");
});

h2Test("a client that breaks the protocol is told so, and its handlers are closed", () => {
  const ends: string[] = [];
  return {
    *handler({ path }) {
      if (path === "/ends") {
        yield ok();
        return yield ends.join();
      }
      try {
        yield* sleep(1_000_000);
      } finally {
        ends.push(path);
      }
    },
  };
}, async ({ server, clock, errors }) => {
  const peer = await Peer.connect(server.port);
  await peer.get("/sleeps");
  await turnsUntil(() => server.statistics().requests === 1);
  await peer.send(new Uint8Array([0, 0, 0, 6, 0, 0, 0, 0, 0])); // PING of 0 bytes
  await peer.until("FRAME_SIZE_ERROR");
  await hungUp(peer, clock);
  await using other = await Peer.connect(server.port);
  await other.get("/ends");
  await other.until("1 body /sleeps");
  assertEquals(errors, []);
});

h2Test("a client that goes ends its handlers", () => {
  const ends: string[] = [];
  return {
    *handler({ path }) {
      if (path === "/ends") {
        yield ok();
        return yield ends.join();
      }
      try {
        if (path === "/slow") yield* sleep(1000);
        else for (;;) yield;
        yield ok();
        yield path;
      } catch (error) {
        ends.push(`${path} ${error instanceof Deno.errors.ConnectionReset}`);
        throw error;
      }
    },
  };
}, async ({ server, clock, errors }) => {
  const gone = await Peer.connect(server.port);
  await gone.post("/reads");
  await turnsUntil(() => server.statistics().requests === 1);
  await gone[Symbol.asyncDispose]();
  await turnsUntil(() => server.statistics().open === 0);
  await using peer = await Peer.connect(server.port);
  await peer.get("/ends");
  await peer.until("1 body");
  assertEquals(of(peer, 1)[1], "body /reads true");
  clock.advance(1000);
  assertEquals(errors, []);
});

h2Test(
  "a component answers over HTTP/2 as well",
  { handler: echo },
  async ({ reactor, errors }) => {
    class Hello extends Observable {
      *processRequest(request: HttpRequest): Coroutine {
        yield ok();
        yield `Hello ${request.version}`;
      }
    }
    const server = be([new Server(reactor, listening), [new HttpProtocol(), [new Hello()]]]);
    await using peer = await Peer.connect(server.port);
    await peer.get("/");
    await peer.until("1 body Hello 2");
    server.close();
    assertEquals(errors, []);
  },
);

for (const how of ["reset", "half-closed", "gone"]) {
  h2Test(`a body that is cut is not taken for whole: ${how}`, () => {
    const told: string[] = [];
    return {
      *handler(request) {
        const { path } = request;
        if (path === "/told") {
          yield ok();
          return yield told.sort().join("\n");
        }
        yield ok();
        try {
          if (path.startsWith("/later")) yield* sleep(1000);
          if (path.endsWith("text")) yield* call(request.text());
          else if (path.endsWith("splice")) yield* splice(here, memory());
          else yield* toEnd();
          told.push(`${path} whole`);
        } catch (error) {
          told.push(`${path} ${error instanceof EndOfStream ? "ended" : "cut"}`);
          throw error;
        }
      },
    };
  }, async ({ server, clock, received, errors }) => {
    const peer = await Peer.connect(server.port);
    const paths = ["text", "yield", "splice"].flatMap((path) => [`/${path}`, `/later-${path}`]);
    const streams = [];
    for (const path of paths) streams.push(await peer.post(path));
    for (const { id } of streams) if (id % 4 === 1) await peer.until(`${id} head`);
    await turnsUntil(() => server.statistics().requests === paths.length);
    await turns(20);
    for (const stream of streams) {
      stream.write("abc");
      stream.flush();
      if (how === "reset") peer.session.gather(1000);
    }
    if (how === "reset") { for (const stream of streams) stream.reset(8, new Error("reset")); }
    await sends(peer, received);
    if (how === "half-closed") await peer.closeWrite();
    else if (how === "gone") await peer[Symbol.asyncDispose]();
    await turns(200);
    clock.advance(1000);
    await turns(20);
    await using other = await Peer.connect(server.port);
    await other.get("/told");
    await other.until("1 body");
    const lines = paths.map((path) => `${path} cut`).sort();
    assertEquals(of(other, 1)[1], `body ${lines.join("\n")}`);
    if (how !== "gone") await peer[Symbol.asyncDispose]();
    assertEquals(errors, []);
  });
}

h2Test("nothing is sent on a stream that was reset, also no head", {
  *handler({ path }) {
    if (path === "/") {
      yield* sleep(1000);
      yield response(103);
      yield ok();
      yield* sleep(1000);
    } else yield ok();
  },
}, async ({ server, clock, received }) => {
  await using peer = await Peer.connect(server.port);
  const heads: number[] = [];
  const { session } = peer;
  const receive = session.receive.bind(session);
  session.receive = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; at += 9 + (bytes[at + 1]! << 8 | bytes[at + 2]!)) {
      if (bytes[at + 3] === 1) heads.push(bytes[at + 8]!);
    }
    return receive(bytes);
  };
  const stream = await peer.get("/");
  await turnsUntil(() => server.statistics().requests === 1);
  stream.reset(8, new Error("reset"));
  await sends(peer, received);
  clock.advance(1000);
  await turns(20);
  await peer.get("/after");
  await peer.until("3 closed");
  clock.advance(1000);
  assertEquals(heads, [3]);
});

h2Test("a connection is idle from its last answer on, also if that took time", {
  timeouts: { idleMs: 10_000 },
  *handler() {
    yield* sleep(1000);
    yield ok();
  },
}, async ({ server, clock, received }) => {
  await using peer = await Peer.connect(server.port);
  // At the second one the server has the answer to its SETTINGS.
  for (let i = 0; i < 2; i++) {
    const answered = Promise.withResolvers<void>();
    peer.session.ping(answered.resolve);
    await peer.send();
    await answered.promise;
  }
  await peer.get("/");
  await turnsUntil(() => server.statistics().requests === 1);
  const before = received();
  clock.advance(1000);
  await peer.until("1 closed");
  await turns(20);
  clock.advance(9_000);
  await turns(20);
  assertEquals([peer.isClosed, received()], [false, before]);
  clock.advance(1_000);
  await hungUp(peer, clock);
});

h2Test("what is held back is not sent when a window opens", {
  *handler() {
    yield ok();
    yield "a";
    yield "b";
    {
      using _ = enter(memory());
      yield* sleep(1000);
    }
    yield "c";
  },
}, async ({ server, clock, received }) => {
  await using peer = await Peer.connect(server.port);
  await peer.get("/");
  await turnsUntil(() => server.statistics().requests === 1);
  peer.session.giveWindow(1, 100);
  await sends(peer, received);
  clock.advance(1000);
  await peer.until("1 closed");
  assertEquals(of(peer, 1), ["head :status: 200|content-length: 3|", "body abc", "closed"]);
});

h2Test("an end needs no window of the connection", {
  *handler({ path }) {
    yield ok();
    if (path === "/large") yield new Uint8Array(100_000);
    else yield* sleep(1);
    if (path === "/trailers") yield trailers({ "x-a": "b" });
  },
}, async ({ server, clock }) => {
  await using peer = await Peer.connect(server.port, {
    streamWindow: 100_000,
    connectionWindow: 65_535,
  });
  const stream = await peer.get("/large");
  stream.user = { received() {}, trailed() {}, drained() {}, lost() {} };
  await turnsUntil(() => stream.inputBytes === 65_535);
  await peer.get("/");
  await peer.get("/trailers");
  await peer.until("5 head");
  await turnsUntil(() => (clock.advance(1), of(peer, 5).includes("closed")));
  assertEquals(of(peer, 3), ["head :status: 200|", "body ", "closed"]);
  assertEquals(of(peer, 5), ["head :status: 200|", "trailers x-a: b", "body ", "closed"]);
});

h2Test("a handler that goes on writing to a lost stream does not stop the others", () => {
  let isOver = false;
  return {
    *handler({ path }) {
      yield ok();
      if (path === "/over") return isOver = true;
      while (!isOver) {
        try {
          yield "x".repeat(100_000);
        } catch {
          // It has not understood.
        }
      }
    },
  };
}, async ({ server, received }) => {
  await using peer = await Peer.connect(server.port);
  const stream = await peer.get("/");
  await peer.until("1 head");
  stream.reset(8, new Error("reset"));
  await sends(peer, received);
  await peer.get("/over");
  await peer.until("3 closed");
});

h2Test("an answer does not abort the signal of its request", () => {
  let aborted = 0;
  return {
    *handler(request) {
      request.signal.addEventListener("abort", () => aborted++);
      yield ok();
      yield String(aborted);
    },
  };
}, async ({ server }) => {
  await using peer = await Peer.connect(server.port);
  await peer.post("/");
  await peer.until("1 body");
  await peer.get("/");
  await peer.until("3 body 0");
});

h2Test("a client that ends its side must take its answers in time all the same", {
  timeouts: { writeMs: 5000 },
  *handler() {
    yield ok();
    yield new Uint8Array(30_000_000);
  },
}, async ({ server, clock }) => {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await conn.write(new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  await conn.write(
    // deno-fmt-ignore
    new Uint8Array([
      0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff, // SETTINGS: INITIAL_WINDOW_SIZE
      0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0, // WINDOW_UPDATE
      0, 0, 3, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x86, // HEADERS: GET /
    ]),
  );
  await turnsUntil(() => server.statistics().requests === 1);
  await conn.closeWrite();
  await turnsUntil(() => (clock.advance(100), server.statistics().open === 0));
  conn.close();
});
