/** The phases of a connection and their limits, on real sockets of both kinds, by a clock that the test moves. */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { call, type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { sleep, wait } from "../../gio/mod.ts";
import {
  type AccessLogEntry,
  combinedLog,
  commonLog,
  fetchHandler,
  type HttpHandler,
  type HttpRequest,
  HttpServer,
  type HttpServerOptions,
  jsonLog,
  ok,
  response,
  serveHttp,
} from "../../http/mod.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { listening, SELECTORS } from "../_sockets.ts";

interface World {
  server: HttpServer;
  clock: TestClock;
  reactor: Reactor;
  errors: unknown[];
}

function serverTest(
  name: string,
  options: Omit<HttpServerOptions, "port"> & { port?: number },
  test: (world: World) => Promise<void>,
): void {
  for (const selector of SELECTORS) {
    leakTest(`${name} (${selector})`, async () => {
      const errors: unknown[] = [];
      const clock = new TestClock();
      arrived = sent = answered = 0;
      using reactor = new Reactor({
        selector,
        clock,
        onError: (error) => errors.push(error),
        events: {
          received: (_, length) => arrived += length,
          sent: (_, length) => answered += length,
        },
      });
      const server = new HttpServer(reactor, { ...listening, ...options });
      const running = reactor.run();
      try {
        await test({ server, clock, reactor, errors });
      } finally {
        reactor.requestShutdown();
        await running;
      }
    });
  }
}

/** How many bytes the server has received, and how many were sent to it. */
let arrived = 0;
let sent = 0;
/** How many bytes the server has sent. */
let answered = 0;

/** A client that sends and receives as the test says. */
class Client implements Disposable {
  readonly #conn: Deno.Conn;
  #received = "";
  /** How the server has ended the connection. */
  end: "open" | "closed" | "reset" = "open";

  static async to(server: HttpServer): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port: server.port }));
  }

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    this.#read();
  }

  get received(): string {
    return this.#received;
  }

  /** Sends, and waits until it has arrived. */
  async send(text: string): Promise<void> {
    await this.put(text);
    await turnsUntil(() => arrived >= sent || this.end !== "open");
    await turns(10);
  }

  async put(text: string): Promise<void> {
    sent += await this.#conn.write(new TextEncoder().encode(text));
  }

  async until(pattern: RegExp): Promise<void> {
    await turnsUntil(() => pattern.test(this.#received) || this.end !== "open");
    assertMatch(this.#received, pattern);
  }

  async untilEnd(): Promise<void> {
    await turnsUntil(() => this.end !== "open");
  }

  closeWrite(): Promise<void> {
    return (this.#conn as Deno.TcpConn).closeWrite();
  }

  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch { // It is closed.
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      for (let n; (n = await this.#conn.read(buffer)) !== null;) {
        this.#received += new TextDecoder().decode(buffer.subarray(0, n));
      }
      this.end = "closed";
    } catch {
      this.end = "reset";
    }
  }
}

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

function* hello(): Coroutine {
  yield ok();
  yield "hello";
}

function* echo(request: HttpRequest): Coroutine {
  const text = yield* call(request.text());
  yield ok();
  yield text;
}

const timeouts = { headMs: 1000, idleMs: 5000, bodyMs: 2000, writeMs: 3000 };
/** A little more than how long an idle connection is kept. */
const IDLE = 6001;

/** Moves the clock, so that what is due happens. */
async function pass(clock: TestClock, ms: number): Promise<void> {
  clock.advance(ms);
  await turns(200);
}

serverTest(
  "an idle connection is closed without a word, a little later than announced",
  { handler: hello, timeouts },
  async ({ server, clock, errors }) => {
    using silent = await Client.to(server);
    using client = await Client.to(server);
    await turns(200);
    await client.send(GET);
    await client.until(/keep-alive: timeout=5\r\n(.*\r\n)*\r\nhello$/);
    await pass(clock, 5500);
    assertEquals([silent.end, client.end], ["open", "open"]);
    await client.send(GET);
    await client.until(/hello[^]*hello$/);
    await pass(clock, IDLE - 5500);
    await silent.untilEnd();
    assertEquals([silent.end, silent.received, client.end], ["closed", "", "open"]);
    await pass(clock, IDLE);
    await client.untilEnd();
    assertEquals([client.end, errors], ["closed", []]);
  },
);

for (const cut of [1, 15, 16, 25, GET.length - 1]) {
  serverTest(
    `a head whose rest does not come is answered with 408, cut at ${cut}`,
    { handler: hello, timeouts },
    async ({ server, clock, errors }) => {
      using client = await Client.to(server);
      await client.send(GET.slice(0, cut));
      await pass(clock, 900);
      await client.send(GET.slice(cut, cut)); // Nothing comes.
      assertEquals(client.received, "");
      await pass(clock, 200);
      await client.until(/^HTTP\/1.1 408 Request Timeout\r\n(.*\r\n)*connection: close\r\n/);
      await client.untilEnd();
      assertEquals(errors, []);
    },
  );
}

serverTest(
  "a head that comes byte by byte has no more time than another",
  { handler: hello, timeouts },
  async ({ server, clock }) => {
    using client = await Client.to(server);
    for (const byte of GET.slice(0, 12)) {
      if (client.end !== "open" || client.received !== "") break;
      await client.send(byte);
      await pass(clock, 100);
    }
    await client.until(/^HTTP\/1.1 408 /);
  },
);

serverTest(
  "a head that is complete in time is answered, however it is cut",
  { handler: hello, timeouts },
  async ({ server, clock }) => {
    using client = await Client.to(server);
    for (let at = 0; at < GET.length; at += 5) {
      await client.send(GET.slice(at, at + 5));
      await pass(clock, 100);
    }
    await client.until(/hello$/);
  },
);

/** The request that is being answered, and what goes on with it. */
let current: HttpRequest;

for (
  const [before, after, passed, more] of [
    [2000, 500, 400, 200], // shorter
    [2000, 500, 600, 1], // shorter than what has passed
    [500, 2000, 400, 1700], // longer
    [Infinity, 500, 5000, 600], // none before
  ] as const
) {
  const body = { ...timeouts, bodyMs: before };
  serverTest(
    `request.timeouts counts at once for a body that is waited for: ${before} to ${after} after ${passed}`,
    {
      timeouts: body,
      *handler(request) {
        current = request;
        yield* echo(request);
      },
    },
    async ({ server, clock, errors }) => {
      using client = await Client.to(server);
      await client.send(POST);
      await pass(clock, passed);
      current.timeouts = { bodyMs: after };
      await pass(clock, Math.max(0, Math.min(more, after - passed) - 1));
      if (passed < after) assertEquals(client.received, "");
      await pass(clock, more);
      await client.until(/^HTTP\/1.1 408 /);
      assertEquals(errors, []);
    },
  );

  serverTest(
    `request.timeouts counts at once for an answer that is not taken: ${before} to ${after} after ${passed}`,
    {
      timeouts: { ...timeouts, writeMs: before },
      *handler(request) {
        current = request;
        yield ok();
        for (;;) yield new Uint8Array(65536);
      },
    },
    async ({ server, clock, errors }) => {
      using client = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      await client.write(new TextEncoder().encode(GET));
      await turnsUntil(() => server.statistics().requests === 1);
      await turns(500);
      await pass(clock, passed);
      current.timeouts = { writeMs: after };
      // It is found out by looking, twice.
      if (after > passed) await pass(clock, Math.max(0, after - passed - 10));
      if (after > passed) assertEquals(server.statistics().open, 1);
      for (let i = 0; i < 3; i++) await pass(clock, after);
      await turnsUntil(() => server.statistics().open === 0);
      assertEquals(errors, []);
    },
  );
}

const POST = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n";

serverTest(
  "a body that makes no progress is a 408 for the handler",
  { handler: echo, timeouts },
  async ({ server, clock, errors }) => {
    using client = await Client.to(server);
    await client.send(POST);
    for (let i = 0; i < 4 && client.received === ""; i++) { // A byte a time is no progress.
      await client.send("x");
      await pass(clock, 600);
    }
    await client.until(/^HTTP\/1.1 408 /);
    await client.untilEnd();
    assertEquals(errors, []);
  },
);

/** What a client does wrong after a part of the answer is sent. */
const FAULTS: Record<string, (client: Client, clock: TestClock) => Promise<void>> = {
  "is too slow": (_, clock) => pass(clock, 2100),
  "ends": (client) => client.closeWrite(),
  "sends what is no chunk": (client) => client.send("x"),
  "sends too much": (client) => client.send("b\r\n12345678901\r\n"),
  "sends what is not gzip": (client) => client.send("4\r\nxxxx\r\n0\r\n\r\n"),
};

const ECHOES: Record<string, HttpHandler> = {
  *"a coroutine"() {
    yield ok();
    yield "a part";
    for (;;) yield yield;
  },
  "a Web handler": fetchHandler(({ body }) => {
    const echoed = new TransformStream<Uint8Array, Uint8Array>(
      {
        start: (controller) => controller.enqueue(new TextEncoder().encode("a part")),
      },
      undefined,
      { highWaterMark: 1 },
    );
    return new Response(body!.pipeThrough(echoed));
  }),
};

for (const [name, handler] of Object.entries(ECHOES)) {
  serverTest(
    `a client that is at fault with its body cannot fill the log, after ${name} has begun its answer`,
    { handler, timeouts, limits: { maxBodyBytes: 10 }, decompression: true },
    async ({ server, clock, errors }) => {
      for (const [fault, act] of Object.entries(FAULTS)) {
        using client = await Client.to(server);
        const coding = fault.includes("gzip") ? "Content-Encoding: gzip\r\n" : "";
        const head = `POST / HTTP/1.1\r\nHost: x\r\n${coding}Transfer-Encoding: chunked\r\n\r\n`;
        await client.send(head);
        await client.until(/a part\r\n$/);
        await act(client, clock);
        await client.untilEnd();
        assertEquals([errors, client.received.endsWith("0\r\n\r\n")], [[], false], fault);
      }
    },
  );
}

let read = 0;
serverTest(
  "a body that makes progress may take as long as it likes",
  {
    timeouts,
    *handler() {
      read = 0;
      try {
        for (;;) read += (yield).length;
      } catch (error) {
        if (!(error instanceof EndOfStream)) throw error;
      }
      yield ok();
      yield `read ${read}`;
    },
  },
  async ({ server, clock, errors }) => {
    using client = await Client.to(server);
    await client.send(POST);
    for (const upTo of [1024, 2048, 3000]) {
      await pass(clock, 1900);
      await client.put("x".repeat(upTo - read));
      await turnsUntil(() => read === upTo || client.end !== "open");
    }
    await client.until(/200 OK[^]*read 3000$/);
    assertEquals(errors, []);
  },
);

serverTest(
  "request.timeouts change one request and no other",
  {
    timeouts,
    *handler(request) {
      if (request.path === "/patient") request.timeouts = { bodyMs: Infinity };
      yield* echo(request);
    },
  },
  async ({ server, clock }) => {
    using client = await Client.to(server);
    await client.send("POST /patient HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n");
    await pass(clock, 100_000);
    await client.send("y");
    await client.until(/200 OK[^]*y$/);
    await client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n");
    await pass(clock, 2100);
    await client.until(/HTTP\/1.1 408 /);
  },
);

let resume: () => void;
serverTest(
  "a handler may run as long as it likes",
  {
    timeouts,
    *handler() {
      yield* wait(new Promise<void>((resolve) => resume = resolve));
      yield ok();
      yield "late";
    },
  },
  async ({ server, clock }) => {
    using client = await Client.to(server);
    await client.send(GET);
    for (let i = 0; i < 5; i++) await pass(clock, 100_000);
    resume();
    await client.until(/late$/);
  },
);

serverTest(
  "the body that a handler has not read must not come too slowly either",
  { handler: hello, timeouts },
  async ({ server, clock, errors }) => {
    using client = await Client.to(server);
    await client.send(POST);
    await client.until(/hello$/);
    await pass(clock, 2100);
    await client.untilEnd();
    assertEquals(errors, []);
  },
);

const ended: string[] = [];
serverTest(
  "a client that does not read its answer is aborted",
  {
    timeouts,
    *handler() {
      ended.length = 0;
      try {
        yield ok();
        for (;;) yield new Uint8Array(65536);
      } finally {
        ended.push("ended");
      }
    },
  },
  async ({ server, clock, errors }) => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await conn.write(new TextEncoder().encode(GET));
    await turns(500);
    for (let i = 0; i < 3 && ended.length === 0; i++) await pass(clock, 3000);
    assertEquals([ended, errors], [["ended"], []]);
    await turnsUntil(() => server.statistics().open === 0);
  },
);

serverTest(
  "a client that reads slowly gets its answer",
  {
    timeouts,
    *handler() {
      yield ok();
      for (let i = 0; i < 200; i++) yield new Uint8Array(65536);
    },
  },
  async ({ server, clock, errors }) => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await conn.write(new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
    const buffer = new Uint8Array(1_000_000);
    const all = 200 * 65536;
    let length = 0;
    let before = 0;
    for (let n; (n = await conn.read(buffer)) !== null;) {
      length += n;
      if (length - before < 4_000_000) continue;
      before = length;
      const sentBefore = answered; // What the client has read makes room for more.
      await turnsUntil(() => answered > sentBefore || answered >= all);
      clock.advance(2900);
    }
    assert(length > all);
    assertEquals(errors, []);
  },
);

let signal: AbortSignal;
serverTest(
  "request.signal aborts when the client has gone, also while the handler waits for something else",
  {
    *handler(request) {
      signal = request.signal;
      yield* wait(new Promise<void>((resolve) => resume = resolve));
      yield ok();
      yield "answered";
    },
  },
  async ({ server, errors }) => {
    for (const goes of [true, false]) {
      const client = await Client.to(server);
      await client.send(GET + (goes ? "" : GET)); // Another request is no end.
      await turns(200);
      assertEquals(signal.aborted, false);
      if (goes) {
        await turns(100);
        client[Symbol.dispose]();
        await turnsUntil(() => signal.aborted);
        assertEquals(signal.reason.name, "AbortError");
        resume();
        await turnsUntil(() => server.statistics().open === 0);
        continue;
      }
      const first = signal;
      resume();
      await client.until(/answered/);
      await turnsUntil(() => signal !== first);
      resume();
      await client.until(/answered[^]*answered/);
      assertEquals([first.aborted, signal.aborted], [false, false]);
      client[Symbol.dispose]();
    }
    assertEquals(errors, []);
  },
);

serverTest(
  "a connection ends after maxRequests",
  { handler: hello, limits: { maxRequests: 2 } },
  async ({ server }) => {
    using client = await Client.to(server);
    await client.put(GET + GET + GET);
    await client.untilEnd();
    assertEquals(client.received.match(/hello/g)?.length, 2);
    assertMatch(client.received, /connection: close\r\n(.*\r\n)*\r\nhello$/);
  },
);

serverTest(
  "connections beyond maxConnections are answered with 503, and others are served again later",
  { handler: hello, maxConnections: 2, overload: 503 },
  async ({ server }) => {
    const first = await Client.to(server);
    using second = await Client.to(server);
    for (const client of [first, second]) {
      await client.send(GET);
      await client.until(/hello$/);
    }
    using third = await Client.to(server);
    await third.send(GET);
    await third.until(/^HTTP\/1.1 503 Service Unavailable\r\n[^]*Service Unavailable$/);
    await third.untilEnd();
    third[Symbol.dispose]();
    first[Symbol.dispose]();
    await turnsUntil(() => server.statistics().open === 1);
    using fourth = await Client.to(server);
    await fourth.send(GET);
    await fourth.until(/hello$/);
    server.maxConnections = 3;
    using fifth = await Client.to(server);
    await fifth.send(GET);
    await fifth.until(/hello$/);
    assertEquals(server.statistics(), { open: 3, idle: 3, accepted: 5, refused: 1, requests: 4 });
  },
);

serverTest(
  "connections of one address are limited, and an errorHandler answers the others",
  {
    handler: hello,
    maxConnectionsPerAddress: 1,
    errorHandler: ({ status, request }) => ({ body: `${status} for ${request!.path}` }),
  },
  async ({ server }) => {
    using first = await Client.to(server);
    await first.send(GET);
    using second = await Client.to(server);
    await second.send(GET);
    await second.until(/connection: close\r\n(.*\r\n)*\r\n503 for \/$/);
    await first.until(/hello$/);
  },
);

serverTest(
  "maxConnections lets others wait, and may be changed",
  { handler: hello, maxConnections: 1 },
  async ({ server }) => {
    using first = await Client.to(server);
    await first.send(GET);
    await first.until(/hello$/);
    using second = await Client.to(server);
    await second.put(GET);
    await turns(100);
    assertEquals(second.received, "");
    server.maxConnections = 2;
    await second.until(/hello$/);
  },
);

serverTest(
  "shutdown() closes what is idle, and lets the others end, with connection: close",
  {
    *handler() {
      yield* wait(new Promise<void>((resolve) => resume = resolve));
      yield ok();
      yield "hello";
    },
  },
  async ({ server, errors }) => {
    using idle = await Client.to(server);
    using busy = await Client.to(server);
    await busy.send(GET);
    const over = server.shutdown();
    await idle.untilEnd();
    assertEquals(idle.end, "closed");
    await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port: server.port }));
    resume();
    await busy.until(/connection: close\r\n(.*\r\n)*\r\nhello$/);
    await busy.untilEnd();
    for (const client of [idle, busy]) client[Symbol.dispose]();
    await over;
    assertEquals([server.statistics().open, errors], [0, []]);
  },
);

serverTest(
  "shutdown() aborts what is left at the deadline",
  {
    *handler() {
      try {
        yield ok();
        yield "begun";
        yield* wait(new Promise<void>(() => {}));
      } finally {
        ended.push("closed");
      }
    },
  },
  async ({ server, clock, errors }) => {
    ended.length = 0;
    using client = await Client.to(server);
    await client.send(GET);
    await client.until(/begun/);
    const over = server.shutdown({ deadlineMs: 500 });
    await pass(clock, 499);
    assertEquals(client.end, "open");
    await pass(clock, 2);
    await over;
    await client.untilEnd();
    assertEquals([ended, errors], [["closed"], []]);
  },
);

serverTest(
  "a connection that was taken over may be silent",
  {
    timeouts,
    *handler() {
      yield response(101, { upgrade: "x" });
      for (;;) yield yield;
    },
  },
  async ({ server, clock, errors }) => {
    using client = await Client.to(server);
    await client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    await client.until(/101 Switching Protocols/);
    for (let i = 0; i < 3; i++) {
      await pass(clock, 100_000);
      await client.send(`ping ${i};`);
    }
    await client.until(/ping 0;ping 1;ping 2;$/);
    assertEquals(errors, []);
  },
);

for (const after of ["\r\n", "\r"]) {
  serverTest(
    `a connection is idle if no more than ${JSON.stringify(after)} has come after a request`,
    {
      timeouts,
      *handler() {
        yield* wait(Promise.resolve());
        yield ok();
        yield "hello";
      },
    },
    async ({ server, clock }) => {
      using client = await Client.to(server);
      await client.send(GET + after);
      await client.until(/hello$/);
      assertEquals(server.statistics().idle, 1);
      await pass(clock, IDLE);
      await client.untilEnd();
      assertEquals(client.end, "closed");
    },
  );
}

const LATE: Record<string, (request: HttpRequest) => Coroutine> = {
  *"it waits already"(request) {
    queueMicrotask(() => signal = request.signal);
    yield* wait(new Promise<void>((resolve) => resume = resolve));
    yield ok();
  },
  *"a part of its body has come"(request) {
    signal = request.signal;
    yield* wait(new Promise<void>((resolve) => resume = resolve));
    yield ok();
  },
};

for (const [when, handler] of Object.entries(LATE)) {
  serverTest(
    `request.signal aborts when the client has gone, if ${when}`,
    { handler },
    async ({ server, errors }) => {
      const client = await Client.to(server);
      await client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
      await client.put("body");
      await turns(200);
      assertEquals(signal.aborted, false);
      client[Symbol.dispose]();
      await turnsUntil(() => signal.aborted);
      resume();
      await turnsUntil(() => server.statistics().open === 0);
      assertEquals(errors, []);
    },
  );
}

const GIVING_UP: Record<string, (request: HttpRequest) => Coroutine> = {
  *"returns"() {},
  *"throws the reason"(request) {
    request.signal.throwIfAborted();
  },
  *"throws EndOfStream"() {
    throw new EndOfStream("enough");
  },
  *"waits for what was aborted"(request) {
    yield* wait(Promise.reject(request.signal.reason));
  },
};

for (const [how, giveUp] of Object.entries(GIVING_UP)) {
  serverTest(
    `a handler that gives up because the client has gone is no error: it ${how}`,
    {
      *handler(request) {
        signal = request.signal;
        yield* wait(new Promise((resolve) => signal.addEventListener("abort", resolve)));
        yield* giveUp(request);
      },
    },
    async ({ server, errors }) => {
      const client = await Client.to(server);
      await client.send(GET);
      client[Symbol.dispose]();
      await turnsUntil(() => server.statistics().open === 0);
      assertEquals(errors, []);
    },
  );
}

serverTest(
  "a client that does not read is no error, and request.timeouts count for that as well",
  {
    timeouts,
    *handler(request) {
      if (request.path === "/patient") request.timeouts = { writeMs: Infinity };
      yield ok();
      for (;;) yield new Uint8Array(65536);
    },
  },
  async ({ server, clock, errors }) => {
    using hasty = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    using patient = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await hasty.write(new TextEncoder().encode(GET));
    await patient.write(new TextEncoder().encode(GET.replace("/", "/patient")));
    await turnsUntil(() => server.statistics().requests === 2);
    await turns(500);
    for (let i = 0; i < 5; i++) await pass(clock, 3000);
    await turnsUntil(() => server.statistics().open === 1);
    assertEquals(errors, []);
  },
);

for (const [how, length] of [["in chunks", undefined], ["by length", "1000000000"]] as const) {
  for (const [what, pause] of [["", undefined], [", and is waited with", 1]] as const) {
    serverTest(
      `a client that does not read an answer ${how} is no error${what}`,
      {
        timeouts,
        *handler() {
          yield ok({ "content-length": length });
          for (;;) {
            yield new Uint8Array(65536);
            if (pause !== undefined) yield* sleep(pause);
          }
        },
      },
      async ({ server, clock, errors }) => {
        using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
        await conn.write(new TextEncoder().encode(GET));
        await turnsUntil(() => server.statistics().requests === 1);
        await turnsUntil(() => {
          clock.advance(100);
          return server.statistics().open === 0;
        });
        await turns(10);
        assertEquals(errors, []);
      },
    );
  }
}

serverTest(
  "request.timeouts refuse what makes no sense",
  {
    *handler(request) {
      assertThrows(() => request.timeouts = { bodyMs: -1 }, RangeError, "bodyMs");
      assertThrows(() => request.timeouts = { bodyMS: 1 } as never, TypeError, "no option bodyMS");
      assertThrows(() => (request.timeouts as { bodyMs: number }).bodyMs = 1, TypeError);
      yield ok();
      yield String(request.timeouts.bodyMs);
    },
    timeouts,
  },
  async ({ server, errors }) => {
    using client = await Client.to(server);
    await client.send(GET);
    await client.until(/2000$/);
    assertEquals(errors, []);
  },
);

serverTest(
  "shutdown() may be called again, and ends what fails meanwhile",
  {
    *handler() {
      yield* wait(new Promise<void>((resolve) => resume = resolve));
      throw new Error("no");
    },
  },
  async ({ server, errors }) => {
    using client = await Client.to(server);
    await client.send(GET);
    const over = [server.shutdown(), server.shutdown({ deadlineMs: 60_000 })];
    resume();
    await client.until(/^HTTP\/1.1 500 [^]*connection: close\r\n/);
    await client.untilEnd();
    client[Symbol.dispose]();
    await Promise.all(over);
    assertEquals(errors.length, 1);
  },
);

for (const overload of ["wait", 503] as const) {
  serverTest(
    `one address cannot keep others from being served, with overload: ${overload}`,
    { handler: hello, maxConnections: 6, maxConnectionsPerAddress: 2, overload },
    async ({ server }) => {
      const silent: Deno.Conn[] = [];
      for (let i = 0; i < 20; i++) {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port })
          .catch(() => undefined);
        if (conn !== undefined) silent.push(conn);
      }
      await turnsUntil(() => server.statistics().accepted >= silent.length);
      // There are places for other addresses.
      const { open } = server.statistics();
      assert(open <= 4, `${open} are open`);
      for (const conn of silent) conn.close();
    },
  );
}

const entries: AccessLogEntry[] = [];
serverTest(
  "the access log is told of each request, also of one that is malformed",
  {
    accessLog: (entry) => entries.push(entry),
    *handler(request) {
      if (request.path === "/throws") throw new Error("no");
      yield ok();
      if (request.path === "/pieces") {
        yield "12345";
        yield "ü";
      }
      yield "hello";
    },
  },
  async ({ server }) => {
    entries.length = 0;
    using client = await Client.to(server);
    const requests = ["GET /", "HEAD /", "GET /pieces", "GET /throws"].map((line) =>
      `${line} HTTP/1.1\r\nHost: x\r\nUser-Agent: "forged"\\ \xff\r\nReferer: r\r\n\r\n`
    );
    for (const request of requests) await client.send(request);
    await client.send("GET bad\r\n\r\n");
    await client.untilEnd();
    assertEquals(
      entries.map(({ status, bytes, request }) => [status, bytes, request?.target]),
      [[200, 5, "/"], [200, 0, "/"], [200, 12, "/pieces"], [500, 21, "/throws"], [
        400,
        entries[4]!.bytes,
        undefined,
      ]],
    );
    const date = "\\d\\d/[A-Z][a-z][a-z]/\\d{4}:\\d\\d:\\d\\d:\\d\\d \\+0000";
    const common = new RegExp(`^127\\.0\\.0\\.1 - - \\[${date}\\] "GET / HTTP/1\\.1" 200 5$`);
    assertMatch(commonLog(entries[0]!), common);
    assertMatch(combinedLog(entries[0]!), / "r" "\\x22forged\\x22\\x5c \\xc3\\xbf"$/);
    assertMatch(commonLog(entries[4]!), / "GET" 400 \d+$/);
    const json = JSON.parse(jsonLog(entries[0]!));
    assertEquals([json.method, json.status, json.address], ["GET", 200, "127.0.0.1"]);
    assertEquals(json.userAgent, '"forged"\\ \u00c3\u00bf');
    assert(entries.every(({ ms, time }) => ms >= 0 && Math.abs(time - Date.now()) < 60_000));
  },
);

Deno.test("HttpServer refuses options that make no sense, by name", () => {
  using reactor = new Reactor();
  const bad: [Record<string, unknown>, string][] = [
    [
      { timeouts: { headMs: 0 } },
      "headMs must be a number of milliseconds above 0, or Infinity for no limit, not 0",
    ],
    [{ timeouts: { bodyMs: -1 } }, "bodyMs"],
    [{ timeouts: { idleMs: NaN } }, "idleMs"],
    [{ timeouts: { writeMs: "1" } }, "writeMs"],
    [{ timeouts: { readMs: 1 } }, "no option readMs (did you mean headMs?); there are headMs"],
    [{ limits: { maxHeaderBytes: 1 } }, "no option maxHeaderBytes"],
    [{ limits: { maxRequests: 1.5 } }, "maxRequests"],
    [{ maxConnections: 0 }, "maxConnections"],
    [{ maxConnectionsPerAddress: -1 }, "maxConnectionsPerAddress"],
    [{ limits: { maxRequests: 0 } }, "maxRequests is 0"],
    [{ limits: null }, "give an object, not null"],
    [{ timeouts: 5 }, "give an object, not 5"],
    [{ accessLog: "common" }, "accessLog must be a function"],
    [{ onError: 5 }, "onError must be a function"],
    [{ clock: 5 }, "clock.now must be a function"],
    [{ overload: 404 }, 'overload must be "wait" or 503'],
    [{ errorHandler: "no" }, "errorHandler"],
    [{ hander: hello }, "no option hander"],
  ];
  for (const [options, message] of bad) {
    const all = { ...listening, handler: hello, ...options } as HttpServerOptions;
    assertThrows(() => new HttpServer(reactor, all), Error, message);
  }
  assertEquals(reactor.inspect(), []);
  using server = new HttpServer(reactor, { ...listening, handler: hello });
  assertThrows(() => server.timeouts = { headMs: -1 }, RangeError, "headMs");
  assertThrows(() => server.limits = { maxHeaders: -1 }, RangeError, "maxHeaders");
  assertThrows(() => server.maxConnections = 0, RangeError, "maxConnections");
});

Deno.test("serveHttp() that is fed by hand has no timeouts, and announces none", () => {
  const protocol = serveHttp(hello, { timeouts });
  protocol.next();
  const answer = String(protocol.next(new TextEncoder().encode(GET)).value);
  assert(!answer.includes("keep-alive"));
  assertThrows(() => serveHttp(hello, { timeouts: { headMs: -1 } }), RangeError);
});
