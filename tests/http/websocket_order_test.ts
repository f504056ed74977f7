/** In which order messages of WebSockets arrive, and who is told of their ends. */
import { assertEquals } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { spawn, wait } from "../../gio/mod.ts";
import { accept, Broadcast, type WebSocketConnection } from "../../http/websocket/mod.ts";
import { turns, turnsUntil } from "../_leaks.ts";
import { requestHead } from "./_web_socket_peer.ts";
import { socketTest, type World } from "./_web_sockets.ts";
import { Frames } from "./_websocket.ts";

socketTest("plain code sends and broadcasts in its order, up to the close", async (world) => {
  const room = new Broadcast();
  let served: WebSocketConnection | undefined;
  const url = world.serve(function* (request) {
    served = yield* accept(request);
    room.add(served);
    for (;;) yield;
  });
  const socket = await world.client.webSocket(url);
  await turnsUntil(() => served !== undefined);
  const sending: Promise<void>[] = [];
  const messages = Array.from({ length: 20 }, (_, number) => `${number}`);
  for (const [number, message] of messages.entries()) {
    if (number % 2 === 0) room.send(message);
    else sending.push(Promise.resolve(served!.send(message)));
  }
  served!.close(4000, "end");
  room.send("behind");
  assertEquals(await Array.fromAsync(socket), messages);
  await Promise.all(sending);
  await turnsUntil(() => room.size === 0);
});

/** Ways to wait for something that does not come, or for nobody who takes it. */
const WAITS: Record<string, (socket: WebSocketConnection) => Promise<unknown>> = {
  next: (socket) => socket.next(),
  receive: (socket) => socket.receive(),
  ping: (socket) => socket.ping(),
  closed: (socket) => socket.closed,
  "for await": async (socket) => {
    for await (const _ of socket);
  },
  readable: (socket) => Array.fromAsync(socket.readable),
  send: async (socket) => {
    for (;;) await socket.send(new Uint8Array(300_000));
  },
  writable: (socket) => written(socket.writable),
  stream: (socket) => written(socket.stream("binary").writable),
  "a second stream": async (socket) => {
    await socket.stream("binary").writable.getWriter().write(new Uint8Array(10));
    await socket.stream("text").writable.getWriter().write("x");
  },
};

async function written(writable: WritableStream<Uint8Array>): Promise<never> {
  const writer = writable.getWriter();
  for (;;) await writer.write(new Uint8Array(300_000));
}

type End = (own: WebSocketConnection, peer: WebSocketConnection, world: World) => void;
const ENDS: [how: string, end: End][] = [
  ["its own close()", (own) => own.close()],
  ["its own abort()", (own) => own.abort()],
  ["the close() of its peer", (_, peer) => peer.close(4001, "x")],
  ["the abort() of its peer", (_, peer) => peer.abort()],
  ["client.close()", (_own, _peer, world) => world.client.close()],
  ["server.shutdown()", (_own, _peer, world) => void world.servers[0]!.shutdown()],
];

for (const side of ["server", "client"] as const) {
  for (const [index, [what, act]] of Object.entries(WAITS).entries()) {
    const pairs = side === "server" ? [index, index + 3] : [index + 1, index + 4];
    for (const [how, end] of pairs.map((number) => ENDS[number % ENDS.length]!)) {
      socketTest(`a ${side} that waits for ${what} is told of ${how}`, async (world) => {
        let served: WebSocketConnection | undefined;
        const url = world.serve(function* (request) {
          served = yield* accept(request);
          yield* wait(served.closed);
        });
        const socket = await world.client.webSocket(url);
        await turnsUntil(() => served !== undefined);
        const [own, peer] = side === "server" ? [served!, socket] : [socket, served!];
        let told = 0;
        const tell = () => told++;
        act(own).then(tell, tell);
        await world.settled();
        end(own, peer, world);
        own.closed.then(tell);
        peer.closed.then(tell);
        for (let i = 0; i < 20 && told < 3; i++) {
          await turns(20);
          world.clock.advance(5000);
        }
        await turnsUntil(() => told === 3);
      });
    }
  }
}

type Task = (socket: WebSocketConnection) => Coroutine<unknown>;
const TASKS: Record<string, Task> = {
  *"send()"(socket) {
    for (;;) yield* socket.send(new Uint8Array(300_000));
  },
  *"a bare yield"(socket) {
    using _ = socket.enter();
    for (;;) yield new Uint8Array(300_000);
  },
  *"a message in pieces"(socket) {
    using _ = socket.stream("binary").enter();
    for (;;) yield new Uint8Array(300_000);
  },
  *"a second message in pieces"(socket) {
    using _ = socket.stream("binary").enter();
    yield new Uint8Array(10);
    using __ = socket.stream("text").enter();
    for (;;) yield "x";
  },
  *"send() behind a message in pieces"(socket) {
    using _ = socket.stream("binary").enter();
    yield new Uint8Array(10);
    yield* socket.send("x");
  },
  *"ping()"(socket) {
    yield* socket.ping();
    yield* socket.ping();
  },
};
const HANDLER_ENDS = ["a return", "close()", "the peer's Close", "server.shutdown()"] as const;

for (const [index, [what, act]] of Object.entries(TASKS).entries()) {
  const pairs = what === "ping()" ? [0, 1, 2, 3] : [index % 2, 2 + index % 2, (index + 1) % 2];
  for (const how of pairs.map((number) => HANDLER_ENDS[number]!)) {
    socketTest(`a task that waits in ${what} ends quietly at ${how}`, async (world) => {
      let state = "";
      function* task(socket: WebSocketConnection): Coroutine {
        state = "waits";
        try {
          yield* act(socket);
        } finally {
          state = "over";
        }
      }
      const url = world.serve(function* (request) {
        const socket = yield* accept(request, { timeouts: { closeMs: 200 } });
        yield* spawn(task(socket));
        yield;
        if (how === "close()") socket.close();
        if (how === "the peer's Close" || how === "server.shutdown()") yield;
      });
      // It answers no Ping, and takes nothing.
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
      await conn.write(requestHead());
      await turnsUntil(() => state === "waits");
      const frames = new Frames("client");
      await conn.write(frames.text("go"));
      await world.settled();
      if (how === "the peer's Close") await conn.write(frames.close(1000));
      if (how === "server.shutdown()") void world.servers[0]!.shutdown();
      await turnsUntil(() => {
        world.clock.advance(100);
        return state === "over" && world.servers[0]!.statistics().open === 0;
      });
      conn.close();
    }, { wire: "1.1" }); // Nothing may be reported.
  }
}
