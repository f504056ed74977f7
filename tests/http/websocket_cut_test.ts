/**
 * WebSockets that are lost or closed in the middle of something: a message that was cut is never taken for
 * a whole one, and everybody is told, also if the connection itself fails while it is closed.
 */
import { assertEquals, assertInstanceOf } from "@std/assert";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { wait } from "../../gio/mod.ts";
import { RemoteProtocolError } from "../../http/mod.ts";
import type { Endpoint } from "../../http/websocket/_endpoint.ts";
import { endpointOf, settingsOf } from "../../http/websocket/_settings.ts";
import { accept, type WebSocketConnection, WebSocketEnd } from "../../http/websocket/mod.ts";
import { OpenWebSocket } from "../../http/websocket/web_socket_connection.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";
import { turns, turnsUntil } from "../_leaks.ts";
import { socketTest } from "./_web_sockets.ts";
import { Frames } from "./_websocket.ts";

/** Reads a message up to its end, and calls after a piece. */
type Reading = (
  socket: WebSocketConnection,
  cut: (pieces: number) => Promise<void>,
) => Coroutine<string>;

const READINGS: Record<string, Reading> = {
  *"its stream"(socket, cut) {
    const message = yield* socket.receive();
    return yield* wait((async () => {
      let text = "", pieces = 0;
      for await (const piece of message.stream()) {
        text += piece;
        await cut(++pieces);
      }
      return text;
    })());
  },
  *"its context"(socket, cut) {
    const message = yield* socket.receive();
    using _ = message.enter();
    let text = "", pieces = 0;
    try {
      for (;;) {
        text += yield;
        yield* wait(cut(++pieces));
      }
    } catch (error) {
      if (error instanceof WebSocketEnd || !(error instanceof EndOfStream)) throw error;
      return text;
    }
  },
};

type Side = WebSocketConnection;
const CUTS: [how: string, cut: (own: Side, peer: Side, over: () => Promise<void>) => unknown][] = [
  ["abort()", (own) => own.abort()],
  ["close()", (own) => own.close()],
  ["close(), and abort() later", (own, _, settled) => {
    own.close();
    return settled().then(() => own.abort());
  }],
  ["a Close, and abort() later", (own, peer, settled) => {
    peer.close();
    return settled().then(() => own.abort());
  }],
];

for (const [index, [how, end]] of CUTS.entries()) {
  for (const [number, [by, read]] of Object.entries(READINGS).entries()) {
    for (const compression of [false, true]) {
      const after = 1 + (index + number + Number(compression)) % 2;
      const kind = compression ? "a compressed message" : "a message";
      socketTest(`${kind} cut by ${how} is not whole, read by ${by}`, async (world) => {
        let served: WebSocketConnection | undefined;
        const random = new Uint32Array(65_536).map((_, i) => Math.imul(i + 1, 0x9e3779b1));
        const text = random.join("").slice(0, 600_000);
        const url = world.serve(function* (request) {
          served = yield* accept(request, { compression });
          yield text;
          yield "behind";
          for (;;) yield;
        });
        const socket = await world.client.webSocket(url, { compression });
        await world.settled();
        const outcome = await world.run(read(socket, async (pieces) => {
          if (pieces !== after) return;
          await end(socket, served!, () => world.settled());
          await world.settled();
        })).catch((error) => error);
        socket.abort();
        if (how.startsWith("a Close") && outcome === text) return; // All of it had come.
        assertInstanceOf(outcome, RemoteProtocolError);
        assertEquals(outcome.message, "Cannot read the message: it was cut");
      });
    }
  }
}

type Input = Uint8Array | null | Error;
const LOSSES: Record<string, (socket: WebSocketConnection, put: (input: Input) => void) => void> = {
  "abort()": (socket) => socket.abort(),
  "a Close": (_, put) => put(new Frames("client").close(1000)),
  "its end": (_, put) => put(null),
  "a read that fails": (_, put) => put(new Error("ECONNRESET")),
  "closeMs": (socket) => socket.close(),
};

for (const bad of ["close", "abort", "shutdown"]) {
  for (const [how, lose] of Object.entries(LOSSES)) {
    Deno.test(`all are told of ${how}, of a connection that throws at ${bad}()`, async () => {
      const clock = new TestClock();
      using reactor = new Reactor({ clock, onError() {} });
      const input: Input[] = [];
      let notify: (() => void) | undefined;
      const fail = (name: string) => {
        if (name === bad) throw new Error(`bad ${name}`);
      };
      const raw = {
        readable: true,
        writable: true,
        recv() {
          const next = input.shift();
          if (next instanceof Error) throw next;
          return next;
        },
        send: (bytes: Uint8Array) => bytes.length,
        close: () => fail("close"),
        abort: () => fail("abort"),
        shutdown: () => fail("shutdown"),
        watch(interest: string, listener: () => void) {
          if (interest === "read") notify = listener;
        },
        unwatch() {},
      };
      const settings = settingsOf({ timeouts: { closeMs: 200 } });
      const endpoint: Endpoint = endpointOf("server", raw as never, reactor, settings, undefined);
      endpoint.start([]);
      const socket = new OpenWebSocket(endpoint, {} as never, {} as never, { leave() {} });
      let told = 0;
      const tell = () => told++;
      socket.next().then(tell, tell);
      socket.ping().then(tell, tell);
      socket.closed.then(tell, tell);
      const running = reactor.run().catch(() => {});
      try {
        lose(socket, (value) => {
          input.push(value);
          notify?.();
        });
      } catch { // What the connection throws may be thrown.
      }
      await turns(5);
      clock.advance(200);
      await turnsUntil(() => told === 3);
      reactor.requestShutdown();
      await running;
    });
  }
}
