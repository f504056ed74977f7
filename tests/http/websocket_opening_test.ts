/** What comes before a WebSocket: how a handler may answer, and what a client is told. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { wait } from "../../gio/mod.ts";
import { files } from "../../http/files/mod.ts";
import {
  fetchHandler,
  type HttpHandler,
  type HttpRequest,
  LocalProtocolError,
  ok,
  RemoteProtocolError,
  response,
} from "../../http/mod.ts";
import { accept } from "../../http/websocket/mod.ts";
import { socketTest } from "./_web_sockets.ts";

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
      `the server answers ${status}, not`,
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
function* tooLate(world: { client: World["client"] }, far: string, request: HttpRequest) {
  yield* world.client.webSocket(far);
  yield* accept(request);
}
type World = Parameters<Parameters<typeof socketTest>[1]>[0];

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
