/** How a server ends in good order: what its clients get, by a clock that nobody moves, on both back ends. */
import { gzipSync } from "node:zlib";
import { assertEquals, assertMatch } from "@std/assert";
import { call, type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { currentGio, enter, memory, sleep, wait } from "../../gio/mod.ts";
import {
  events,
  eventStream,
  fetchHandler,
  type HttpHandler,
  HttpProtocol,
  type HttpRequest,
  HttpServer,
  ok,
  Server,
  type ServerOptions,
} from "../../http/mod.ts";
import { be, pipe } from "../../pipeline/mod.ts";
import { fromStreams, here, Reactor, splice, TestClock } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { listening, SELECTORS } from "../_sockets.ts";
import { bytes, text } from "./_drive.ts";

type Stops = Pick<Server, "shutdown" | "port" | "statistics">;

/** The two forms of a server. */
const FORMS: Record<string, (reactor: Reactor, handler: HttpHandler) => Stops> = {
  HttpServer: (reactor, handler) =>
    new HttpServer(reactor, { ...listening, handler, decompression: true }),
  Server: (reactor, handler) =>
    be([
      new Server(reactor, listening as ServerOptions),
      [new HttpProtocol({ decompression: true }), [{ processRequest: handler }]],
    ]),
};

function shutdownTest(
  name: string,
  handler: HttpHandler,
  test: (server: Stops, errors: unknown[], reactor: Reactor) => Promise<void>,
): void {
  for (const selector of SELECTORS) {
    for (const [form, make] of Object.entries(FORMS)) {
      leakTest(`shutdown() ${name} (${form}, ${selector})`, async () => {
        const errors: unknown[] = [];
        using reactor = new Reactor({
          selector,
          clock: new TestClock(),
          onError: (error) => errors.push(error),
        });
        const running = reactor.run();
        try {
          await test(make(reactor, handler), errors, reactor);
        } finally {
          reactor.requestShutdown();
          await running;
        }
      });
    }
  }
}

/** Sends a request, and reads until `pattern` has come. */
async function ask(
  server: Stops,
  pattern: RegExp,
  request: string = "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
): Promise<{ conn: Deno.Conn; got: string }> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await conn.write(bytes(request));
  let got = "";
  const buffer = new Uint8Array(65536);
  while (!pattern.test(got)) {
    got += new TextDecoder().decode(buffer.subarray(0, (await conn.read(buffer))!));
  }
  return { conn, got };
}

/** Reads to the end, and closes the connection then. */
async function rest(conn: Deno.Conn): Promise<string> {
  using _ = conn;
  const buffer = new Uint8Array(65536);
  let got = "";
  for (let n; (n = await conn.read(buffer)) !== null;) {
    got += new TextDecoder().decode(buffer.subarray(0, n));
  }
  return got;
}

function* hello(): Coroutine {
  yield ok();
  yield "hello";
}

shutdownTest("is over at once when all clients are idle, and stay", hello, async (server) => {
  const { conn: one } = await ask(server, /hello$/);
  const { conn: two } = await ask(server, /hello$/);
  using silent = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await turnsUntil(() => server.statistics().idle === 3);
  await server.shutdown();
  assertEquals(server.statistics().open, 0);
  for (const conn of [one, two, silent]) assertEquals(await conn.read(new Uint8Array(9)), null);
  one.close();
  two.close();
});

const LARGE = new Uint8Array(16 * 1024 * 1024).fill(97);

shutdownTest(
  "lets a client take the answer that was given before",
  function* (): Coroutine {
    yield ok();
    yield LARGE;
  },
  async (server, errors) => {
    const { conn } = await ask(server, /\r\n\r\n/);
    await turns(50);
    const over = server.shutdown();
    assertMatch((await rest(conn)).slice(-LARGE.length / 2), /^a+$/);
    await over;
    assertEquals(errors, []);
  },
);

function* forever(): Coroutine {
  for (let id = 0;; id++) {
    yield { data: `${id}` };
    yield* sleep(1000);
  }
}

const never = new Promise<never>(() => {});

const STREAMS: [name: string, handler: HttpHandler, last?: string][] = [
  ["that sleeps", function* () {
    yield eventStream();
    yield* call(pipe(forever(), events()));
  }],
  ["that waits for a promise", function* () {
    yield eventStream();
    yield "data: 0\n\n";
    yield* wait(never);
  }],
  ["that reads elsewhere", function* () {
    yield eventStream();
    yield "data: 0\n\n";
    using _ = enter(memory());
    yield;
  }],
  ["that says goodbye", function* () {
    yield eventStream();
    yield "data: 0\n\n";
    try {
      yield* wait(never);
    } catch (error) {
      if (!(error instanceof EndOfStream)) throw error;
      yield* wait(Promise.resolve());
      yield "data: goodbye\n\n";
    }
  }, "data: goodbye\n\n"],
  [
    "of a Web handler",
    fetchHandler(() => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode("data: 0\n\n")),
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    }),
  ],
  ["that is passed on from upstream", function* () {
    const { readable, writable } = new TransformStream();
    writable.getWriter().write(new TextEncoder().encode("data: 0\n\n"));
    yield eventStream();
    yield* splice(currentGio().reactor.adopt(fromStreams({ readable })), here);
  }],
];

for (const [name, handler, last = ""] of STREAMS) {
  shutdownTest(`ends an event stream ${name}`, handler, async (server, errors) => {
    const { conn, got } = await ask(server, /data: 0\n\n\r\n/);
    assertMatch(got, /^transfer-encoding: chunked\r$/m);
    const over = server.shutdown();
    const chunk = last && `${last.length.toString(16)}\r\n${last}\r\n`;
    assertEquals(await rest(conn), `${chunk}0\r\n\r\n`);
    await over;
    assertEquals(errors, []);
  });
}

/** What reads the body of a request. No part may be taken for the whole. */
const READERS: Record<string, HttpHandler> = {
  "by a bare yield": function* () {
    yield eventStream();
    yield "data: 0\n\n";
    for (;;) yield;
  },
  "by bytes()": function* (request) {
    yield eventStream();
    yield "data: 0\n\n";
    yield* call(request.bytes());
    yield "data: whole\n\n";
  },
  "of a Web handler": fetchHandler((request) => {
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode("data: 0\n\n"));
        await request.text();
        controller.enqueue(new TextEncoder().encode("data: whole\n\n"));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }),
};

const zipped = gzipSync(bytes(Array.from({ length: 1000 }, (_, i) => i).join())).subarray(0, 100);

for (const [name, handler] of Object.entries(READERS)) {
  for (const coding of ["", "Content-Encoding: gzip\r\n"]) {
    shutdownTest(
      `ends an event stream that reads ${name}${coding && " and decodes"}`,
      handler,
      async (server, errors) => {
        const sent = coding === "" ? "half" : text(zipped);
        const { conn } = await ask(
          server,
          /data: 0\n\n\r\n/,
          `POST / HTTP/1.1\r\nHost: x\r\n${coding}Content-Length: 1000\r\n\r\n${sent}`,
        );
        await turns(50);
        const over = server.shutdown();
        assertEquals(await rest(conn), "0\r\n\r\n");
        await over;
        assertEquals(errors, []);
      },
    );
  }
}

let stop: (() => void) | undefined;

shutdownTest(
  "may be asked for by an event stream itself",
  function* (): Coroutine {
    yield eventStream();
    yield "data: 0\n\n";
    stop!();
    yield* wait(never);
  },
  async (server, errors) => {
    let over: Promise<void>;
    stop = () => over = server.shutdown();
    const { conn } = await ask(server, /data: 0\n\n\r\n0\r\n\r\n$/);
    assertEquals(await rest(conn), "");
    await over!;
    assertEquals(errors, []);
  },
);

shutdownTest(
  "tells a handler by connection.closing, and lets others end by themselves",
  function* ({ connection: { closing }, signal }: HttpRequest): Coroutine {
    yield ok();
    yield "begun ";
    yield* wait(new Promise((resolve) => closing!.addEventListener("abort", resolve)));
    yield String(signal.aborted);
  },
  async (server, errors) => {
    const { conn } = await ask(server, /begun/);
    const over = server.shutdown();
    assertEquals(await rest(conn), "5\r\nfalse\r\n0\r\n\r\n");
    await over;
    assertEquals(errors, []);
  },
);
