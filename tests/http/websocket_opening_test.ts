/** What comes before a WebSocket: how a handler may answer, and what a client is told. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { spawn, timeout, TimeoutError, wait } from "../../gio/mod.ts";
import { files } from "../../http/files/mod.ts";
import {
  fetchHandler,
  HttpClient,
  type HttpHandler,
  type HttpRequest,
  LocalProtocolError,
  ok,
  RemoteProtocolError,
  response,
} from "../../http/mod.ts";
import { accept, type WebSocketConnection, WebSocketRefused } from "../../http/websocket/mod.ts";
import { turns, turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { PeerListener } from "./_web_socket_peer.ts";
import { ended, socketTest, type World } from "./_web_sockets.ts";

/** Handlers that know nothing of WebSockets, and what the client is told by HTTP/1.1 and HTTP/2. */
const IGNORANT: Record<string, [handler: HttpHandler, http1: number, http2: number]> = {
  "a head": [
    function* () {
      yield ok();
    },
    200,
    501,
  ],
  "a head and a body": [
    function* () {
      yield ok({ "content-type": "text/plain" });
      yield "no WebSocket here";
    },
    200,
    501,
  ],
  "a head with a length": [
    function* () {
      yield ok({ "content-length": 2 });
      yield "no";
    },
    200,
    501,
  ],
  "no content": [
    function* () {
      yield response(204);
    },
    204,
    501,
  ],
  "a head after it has waited": [
    function* () {
      yield* wait(Promise.resolve());
      yield ok();
    },
    200,
    501,
  ],
  "an upgrade to something else": [
    function* () {
      yield response(200, { upgrade: "h2c" });
    },
    200,
    501,
  ],
  "a stream of events": [
    function* () {
      yield ok({ "content-type": "text/event-stream" });
      yield "data: 1\n\n";
    },
    200,
    501,
  ],
  "an error of its own": [
    function* () {
      yield response(404);
    },
    404,
    404,
  ],
  "a redirection": [
    function* () {
      yield response(302, { location: "/other" });
    },
    302,
    302,
  ],
  "a Response": [fetchHandler(() => new Response("hello")), 200, 501],
  "a Response in a moment": [
    fetchHandler(async () => {
      await Promise.resolve();
      return new Response("hello");
    }),
    200,
    501,
  ],
  "a file": [files(new URL(".", import.meta.url)), 404, 405],
};

for (const [name, [handler, http1, http2]] of Object.entries(IGNORANT)) {
  socketTest(`${name} opens no WebSocket`, async (world) => {
    const status = world.wire === "2" ? http2 : http1;
    await assertRejects(
      async () => await world.client.webSocket(world.serve(handler)),
      RemoteProtocolError,
      `the server answers ${status} `,
    );
  });
}

socketTest("a handler goes on after a head that opens no WebSocket", function* (world) {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = world.serve(function* (request) {
    try {
      yield ok();
    } catch (error) {
      resolve(error);
      yield* accept(request);
      yield "hello";
    }
  });
  yield* world.client.webSocket(url);
  assertEquals(yield, "hello");
  const error = yield* wait(promise);
  assertInstanceOf(error, RemoteProtocolError);
  assertEquals([error.status, /accept\(request\)/.test(error.message)], [501, true]);
}, { wire: "2" });

socketTest("a handler speaks a protocol of its own, if it names it", function* ({ serve, client }) {
  const url = serve(function* (request) {
    yield response(200, { upgrade: request.protocol });
    yield Uint8Array.of(0x81, 2, 0x68, 0x69); // a text "hi"
    yield Uint8Array.of(0x88, 0);
  });
  yield* client.webSocket(url);
  assertEquals(yield, "hi");
}, { wire: "2" });

socketTest("a request is accepted once", function* ({ serve, client }) {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = serve(function* (request) {
    yield* accept(request);
    try {
      yield* accept(request);
    } catch (error) {
      resolve(error);
    }
    yield "still open";
  });
  yield* client.webSocket(url);
  assertEquals(yield, "still open");
  const error = yield* wait(promise);
  assertInstanceOf(error, LocalProtocolError);
  assert(error.message.includes("already, by a first accept()"), error.message);
});

/** Opens a WebSocket to another server, and accepts the request in it. */
function* tooLate(world: World, far: string, request: HttpRequest) {
  yield* world.client.webSocket(far);
  yield* accept(request);
}

socketTest("a request is not accepted in another WebSocket", function* (world) {
  const far = world.serve(function* (request) {
    yield* accept(request);
    for (;;) yield;
  });
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = world.serve(function* (request): Coroutine {
    try {
      yield* call(tooLate(world, far, request));
    } catch (error) {
      resolve(error);
      throw error;
    }
  });
  try {
    yield* world.client.webSocket(url);
  } catch { // The connection is cut.
  }
  const error = yield* wait(promise);
  assertInstanceOf(error, LocalProtocolError);
  assert(error.message.includes("before you enter anything else"), error.message);
}, {
  errors: [
    "Cannot go on: the handler has ended without leaving the context that it entered, where nothing of this connection may go; enter it with `using`",
  ],
});

/** The rest of a body is dropped for a second. Then its stream is reset. */
async function letGo(world: World): Promise<void> {
  await turns(10);
  world.clock.advance(1_000);
}

/** What a server answers instead, and what the client has of it. */
const REFUSALS: Record<string, { handler: HttpHandler; status: number; body: string }> = {
  "a body": {
    *handler() {
      yield response(401, { "www-authenticate": "Bearer" });
      yield "token expired";
    },
    status: 401,
    body: "token expired",
  },
  "no body": {
    *handler() {
      yield response(503, { "retry-after": 10 });
    },
    status: 503,
    body: "",
  },
  "a head that has no body": {
    *handler() {
      yield response(304);
    },
    status: 304,
    body: "",
  },
  "a body in pieces": {
    *handler() {
      yield response(404);
      for (const piece of ["not", " ", "here"]) {
        yield piece;
        yield* wait(Promise.resolve());
      }
    },
    status: 404,
    body: "not here",
  },
  "a long body": {
    *handler() {
      yield response(400);
      yield "日".repeat(100_000);
    },
    status: 400,
    body: "日".repeat(16_384 / 3),
  },
  "an endless body": {
    *handler() {
      yield response(400);
      for (;;) yield "x".repeat(1_000);
    },
    status: 400,
    body: "x".repeat(16_384),
  },
  "a body that is cut": {
    *handler() {
      yield response(500, { "content-length": 10 });
      yield "half";
      yield* wait(Promise.reject(new Error("on purpose")));
    },
    status: 500,
    body: "half",
  },
  "accept() that refuses": {
    *handler(request) {
      yield* accept(request, { origins: ["https://example.org"] });
    },
    status: 403,
    body: "Cannot open a WebSocket: pages of https://example.com may not do so (RFC 6455 10.2)",
  },
};

for (const [name, { handler, status, body }] of Object.entries(REFUSALS)) {
  const errors = name === "a body that is cut" ? Array(2).fill("on purpose") : [];
  socketTest(`a client is told ${name}`, async (world) => {
    const url = world.serve(handler);
    const options = { headers: { origin: "https://example.com" } };
    const opens = [
      () =>
        world.run(function* () {
          yield* world.client.webSocket(url, options);
        }()),
      async () => void await world.client.webSocket(url, options),
    ];
    for (const open of opens) {
      const error = await assertRejects(open, WebSocketRefused);
      assertEquals([error.response.status, error.response.body], [status, body]);
      assertEquals(error.status, 502);
    }
    await letGo(world);
  }, { errors });
}

socketTest(
  "a client is told the headers of a refusal, and asks again on its connection",
  async (world) => {
    const url = world.serve(function* (request) {
      yield response(401, { "www-authenticate": "Bearer", "set-cookie": ["a=1", "b=2"] });
      yield request.headers.get("authorization") ?? "who?";
    });
    for (const token of ["one", "two"]) {
      const { response: { headers, body } } = await assertRejects(
        async () => await world.client.webSocket(url, { headers: { authorization: token } }),
        WebSocketRefused,
      );
      assertEquals(headers.get("www-authenticate"), "Bearer");
      assertEquals(headers.getAll("set-cookie"), ["a=1", "b=2"]);
      assertEquals(body, token);
    }
    assertEquals(world.servers[0]!.statistics().accepted, 1);
  },
);

/** How the time ends of a refusal whose body does not end, and what comes of it. */
const LATE: [how: string, end: (world: World, abort: AbortController) => void, error: unknown][] = [
  ["after a second", ({ clock }) => clock.advance(1_000), WebSocketRefused],
  ["after timeoutMs", ({ clock }) => clock.advance(500), WebSocketRefused],
  ["by its signal", (_, abort) => abort.abort(new RangeError("not wanted")), RangeError],
];

for (const [how, end, type] of LATE) {
  socketTest(`a refusal whose body does not come ends ${how}`, async (world) => {
    const url = world.serve(function* (request) {
      yield response(401);
      yield "so far";
      yield* wait(new Promise((resolve) => request.signal.addEventListener("abort", resolve)));
    });
    const abort = new AbortController();
    const timeoutMs = how === "after timeoutMs" ? { timeoutMs: 500 } : {};
    const opening = world.client.webSocket(url, { signal: abort.signal, ...timeoutMs });
    const failing = assertRejects(async () => await opening);
    await world.settled();
    end(world, abort);
    const error = await failing;
    assert(error instanceof (type as typeof Error), String(error));
    if (error instanceof WebSocketRefused) assertEquals(error.response.body, "so far");
  });
}

socketTest("a timeout() of the coroutine counts while a refusal is read", async (world) => {
  const url = world.serve(function* (request) {
    yield response(401);
    yield "so far";
    yield* wait(new Promise((resolve) => request.signal.addEventListener("abort", resolve)));
  });
  const running = world.run(function* () {
    using _ = timeout(100);
    yield* world.client.webSocket(url);
  }());
  const failing = assertRejects(() => running, TimeoutError, "100 ms");
  await world.settled();
  world.clock.advance(100);
  await failing;
  await letGo(world);
});

socketTest("a client reads the headers of the answer", function* ({ serve, client }) {
  const url = serve(function* (request) {
    yield* accept(request, { headers: { "set-cookie": ["a=1", "b=2"], "x-room": "tea" } });
  });
  const socket = yield* client.webSocket(url);
  assertEquals(socket.headers.getAll("set-cookie"), ["a=1", "b=2"]);
  assertEquals(socket.headers.get("x-room"), "tea");
});

/** Headers that are not the user's, and what an error says of them. */
const OWN: [name: string, value: string, instead: string][] = [
  ["connection", "close", "leave it out"],
  ["Connection", "upgrade", "leave it out"],
  ["upgrade", "websocket", "leave it out"],
  ["sec-websocket-key", "x", "leave it out"],
  ["Sec-WebSocket-Version", "13", "leave it out"],
  ["sec-websocket-accept", "x", "leave it out"],
  ["sec-websocket-protocol", "feed.v1", "the option `protocols`"],
  ["sec-websocket-extensions", "permessage-deflate", "the option `compression`"],
  ["content-length", "0", "leave it out"],
  ["transfer-encoding", "chunked", "leave it out"],
  ["expect", "100-continue", "leave it out"],
];

for (const [name, value, instead] of OWN) {
  socketTest(`${name}: ${value} is refused by the client`, function* ({ client }) {
    for (
      const headers of [{ [name]: value }, [[name, value]] as const, new Headers([[name, value]])]
    ) {
      const error = assertThrows(
        () => client.webSocket("ws://127.0.0.1:1/", { headers }),
        LocalProtocolError,
        `Cannot open a WebSocket with a header `,
      );
      assert(error.message.includes(instead), error.message);
    }
  });

  socketTest(`${name}: ${value} is refused by accept()`, function* ({ serve, client }) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const url = serve(function* (request) {
      try {
        yield* accept(request, { headers: { [name]: value } });
      } catch (error) {
        resolve(error);
        throw error;
      }
    });
    try {
      yield* client.webSocket(url);
    } catch (error) {
      assertInstanceOf(error, WebSocketRefused);
      assertEquals(error.response.status, 500);
    }
    const error = yield* wait(promise);
    assertInstanceOf(error, LocalProtocolError);
    assert(error.message.includes(instead), error.message);
  }, { errors: 1 });

  if (name === "expect") continue; // No client has it for all its requests.
  socketTest(`${name}: ${value} for all requests of a client does not count`, function* (world) {
    const url = world.serve(function* (request) {
      yield* accept(request);
      yield "hello";
    });
    yield* world.client.webSocket(url);
    assertEquals(yield, "hello");
  }, { client: { headers: { [name]: value } } });
}

socketTest("headers whose value is undefined are left out", function* ({ serve, client }) {
  const none = { connection: undefined, "sec-websocket-protocol": undefined };
  const url = serve(function* (request) {
    yield* accept(request, { headers: none });
    yield "hello";
  });
  yield* client.webSocket(url, { headers: none });
  assertEquals(yield, "hello");
});

socketTest("outside of coroutines it is opened at once, and yielded later", async (world) => {
  const { promise: accepted, resolve } = Promise.withResolvers<void>();
  const url = world.serve(function* (request) {
    yield* accept(request);
    resolve();
    yield "hello";
    for (;;) yield `You say ${yield}`;
  });
  const opening = world.client.webSocket(url);
  await accepted; // Nobody has awaited it.
  const socket = await world.run(function* () {
    const socket = yield* opening;
    assertEquals(yield, "hello");
    yield "hi";
    assertEquals(yield, "You say hi");
    socket satisfies WebSocketConnection;
    return [socket.closed] as const;
  }());
  assertEquals(await socket[0], { code: 1000, reason: "" }); // with its coroutine
  assertEquals((await opening).isOpen, false);
});

socketTest(
  "what was begun outside is given up by the coroutine that waits for it",
  async (world) => {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const url = world.serve(function* (request) {
      ask();
      yield* wait(new Promise((resolve) => request.signal.addEventListener("abort", resolve)));
      resolve();
    });
    const opening = world.client.webSocket(url);
    const running = world.run(function* () {
      using _ = timeout(100);
      yield* opening;
    }());
    const failing = assertRejects(() => running, TimeoutError);
    await asked;
    world.clock.advance(100);
    await failing;
    await gone;
  },
);

socketTest("in a coroutine it is opened when it is yielded, or awaited", function* (world) {
  let accepted = 0;
  const url = world.serve(function* (request) {
    accepted++;
    yield* accept(request);
    yield "hello";
    for (;;) yield;
  });
  const one = world.client.webSocket(url);
  const other = world.client.webSocket(url);
  yield* wait(world.settled());
  assertEquals(accepted, 0);
  yield* one;
  assertEquals(yield, "hello");
  using beside = yield* wait(other); // It is not in that.
  assertEquals(accepted, 2);
  assertEquals(yield* beside.next(), "hello");
});

socketTest(
  "what is not yielded when it fails is an unhandled rejection, as of get()",
  async (world) => {
    const unhandled: unknown[] = [];
    const listen = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      unhandled.push(event.reason);
    };
    globalThis.addEventListener("unhandledrejection", listen);
    try {
      const url = world.serve(function* () {
        yield response(404);
      });
      void world.client.webSocket(url);
      await turnsUntil(() => unhandled.length > 0);
    } finally {
      globalThis.removeEventListener("unhandledrejection", listen);
    }
    assertInstanceOf(unhandled[0], WebSocketRefused);
    assertEquals(unhandled.length, 1);
  },
);

/** What is no list of origins, or has one that no browser sends. */
const NO_ORIGINS: unknown[] = [
  "https://example.com",
  null,
  new Set(["https://example.com"]),
  ["https://example.com/"],
  ["https://Example.com"],
  ["example.com"],
  ["*"],
  [/example/],
  [undefined],
];

for (const origins of NO_ORIGINS) {
  socketTest(`accept() refuses the origins ${Deno.inspect(origins)}`, function* (world) {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const url = world.serve(function* (request) {
      try {
        yield* accept(request, { origins: origins as string[] });
      } catch (error) {
        resolve(error);
        yield response(500);
      }
    });
    try {
      // It is a part of the first text.
      yield* world.client.webSocket(url, { headers: { origin: "https://example.co" } });
    } catch (error) {
      assertInstanceOf(error, WebSocketRefused);
    }
    const error = yield* wait(promise);
    assertInstanceOf(error, TypeError);
    assert(error.message.includes('origins is "own"'), error.message);
  }, { wire: "1.1" });
}

socketTest("origins as browsers send them are taken", function* ({ serve, client }) {
  const origins = [
    "null",
    "http://[::1]:8000",
    "https://xn--bcher-kva.example",
    "chrome-extension://abcdefghij",
  ];
  const url = serve(function* (request) {
    yield* accept(request, { origins });
  });
  for (const origin of origins) {
    using socket = yield* client.webSocket(url, { headers: { origin } });
    assertEquals(socket.protocol, undefined);
  }
});

socketTest(
  "a client that is closed closes a WebSocket that is just being opened",
  async (world) => {
    const { promise: goOn, resolve } = Promise.withResolvers<void>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const url = world.serve(function* (request) {
      ask();
      yield* wait(goOn);
      yield* accept(request);
      for (;;) yield;
    });
    const opening = world.client.webSocket(url);
    await asked;
    world.client.close();
    resolve();
    assertEquals((await (await opening).closed).code, 1001);
  },
);

socketTest("a proxy is asked by CONNECT, and not for others", async (world) => {
  using proxy = new PeerListener();
  const { port } = new URL(proxy.url);
  using client = new HttpClient({
    reactor: world.reactor,
    proxy: `http://127.0.0.1:${port}`,
    headers: { "x-secret": "1" },
  });
  const opening = client.webSocket("ws://127.0.0.1:1/chat");
  using peer = await proxy.next();
  assertEquals((await peer.head()).split("\r\n"), [
    "CONNECT 127.0.0.1:1 HTTP/1.1",
    "host: 127.0.0.1:1",
    "",
    "",
  ]);
  await peer.send(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
  await turnsUntil(() => peer.text.includes("GET"));
  assert(peer.text.includes("GET /chat HTTP/1.1\r\nhost: 127.0.0.1:1\r\n"), peer.text);
  await peer.send(new TextEncoder().encode("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"));
  await assertRejects(async () => await opening, WebSocketRefused);
  const getting = client.get("http://127.0.0.1:1/page");
  using other = await proxy.next(); // The tunnel does not do for that.
  assert((await other.head()).startsWith("GET http://127.0.0.1:1/page "));
  await other.send(new TextEncoder().encode("HTTP/1.1 204 x\r\n\r\n"));
  assertEquals((await getting).status, 204);
}, { wire: "1.1" });

socketTest("a connection that ends unheard is replaced, as for a GET", async (world) => {
  const url = world.serve(function* (request) {
    if (request.headers.has("sec-websocket-version")) {
      yield* accept(request);
      yield "hello";
    } else yield ok();
  });
  let isDead = false;
  using listener = Deno.listen(listening);
  const pump = async (from: Deno.Conn, to: Deno.Conn) => {
    const buffer = new Uint8Array(65536);
    try {
      for (let n; (n = await from.read(buffer)) !== null && !isDead;) {
        await to.write(buffer.subarray(0, n));
      }
    } catch { // It was closed.
    }
    isDead = false;
    for (const conn of [from, to]) {
      try {
        conn.close();
      } catch { // It was closed.
      }
    }
  };
  const relaying = (async () => {
    for (let i = 0; i < 2; i++) {
      const client = await listener.accept();
      const server = await Deno.connect({ hostname, port: Number(new URL(url).port) });
      void pump(client, server);
      void pump(server, client);
    }
  })();
  const relay = `http://${hostname}:${(listener.addr as Deno.NetAddr).port}/`;
  await (await world.client.get(relay)).bytes();
  await world.settled();
  isDead = true;
  const socket = await world.client.webSocket(relay);
  assertEquals(await socket.next(), "hello");
  await socket.closed;
  await relaying;
});

socketTest("a timeoutMs that is none is refused at once, by its name", function* ({ client }) {
  for (const timeoutMs of [0, -1, NaN, "100" as unknown as number]) {
    const asks = [
      () => client.webSocket("ws://127.0.0.1:1/", { timeoutMs }),
      () => client.get("http://127.0.0.1:1/", { timeoutMs }),
    ];
    for (const ask of asks) assertThrows(ask, RangeError, "timeoutMs is a number");
  }
});

/** A proxy that first asks the other server. */
function proxyTo(world: World, upstream: string): HttpHandler {
  return function* (request) {
    const opening = yield* spawn(world.client.webSocket(upstream, { signal: request.signal }));
    const far = yield* opening;
    const near = yield* accept(request, { headers: { "x-far": far.headers.get("x-room") } });
    yield* near.send(yield* far.next());
  };
}

socketTest("what a task opens belongs to the handler, which is not in it", function* (world) {
  const { promise: code, resolve } = Promise.withResolvers<number>();
  const upstream = world.serve(function* (request) {
    yield* accept(request, { headers: { "x-room": "tea" } });
    yield "hello";
    const [code] = yield* ended();
    resolve(code);
  });
  const socket = yield* world.client.webSocket(world.serve(proxyTo(world, upstream)));
  assertEquals(socket.headers.get("x-far"), "tea");
  assertEquals(yield, "hello");
  assertEquals(yield* ended(), [1000, ""]);
  assertEquals(yield* wait(code), 1000);
});

socketTest("a proxy whose client goes away gives up what it opens", async (world) => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const upstream = world.serve(function* (request) {
    ask();
    yield* wait(new Promise((resolve) => request.signal.addEventListener("abort", resolve)));
    resolve();
  });
  const abort = new AbortController();
  const url = world.serve(proxyTo(world, upstream));
  const opening = world.client.webSocket(url, { signal: abort.signal });
  const failing = assertRejects(async () => await opening, RangeError);
  await asked;
  abort.abort(new RangeError("not wanted"));
  await failing;
  await gone;
});

socketTest("a proxy that is refused answers 502", async (world) => {
  const upstream = world.serve(function* () {
    yield response(401);
  });
  const error = await assertRejects(
    async () => await world.client.webSocket(world.serve(proxyTo(world, upstream))),
    WebSocketRefused,
  );
  assertEquals(error.response.status, 502);
});
