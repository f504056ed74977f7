/** The timeouts of a WebSocket, of both roles, by a clock that the test moves. */
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import type { Coroutine } from "../../compose/mod.ts";
import { wait } from "../../gio/mod.ts";
import { accept, type WebSocketConnection, WebSocketEnd } from "../../http/websocket/mod.ts";
import { turns, turnsUntil } from "../_leaks.ts";
import { answerHead, Peer, PeerListener, requestHead } from "./_web_socket_peer.ts";
import { closedOf, ended, socketTest, stalled, type World } from "./_web_sockets.ts";
import { Frames, type Role } from "./_websocket.ts";

const timeouts = { pingMs: 1000, pongMs: 500, closeMs: 200 };
/** The Ping of this number. */
const ping = (number: number) => `89 \0\0\0${String.fromCharCode(number)}`;

/** One end of ours, and a peer that says what the test wants. */
interface Ends {
  world: World;
  peer: Peer;
  frames: Frames;
  socket: WebSocketConnection;
  /** Sends, and waits until it has come. */
  send(...parts: Uint8Array[]): Promise<void>;
  /** Moves the clock, and waits until all has come that was sent by then. */
  pass(ms: number): Promise<void>;
  /** What the coroutine in the WebSocket has got. */
  got: unknown[];
  /** Tells the coroutine to go on. */
  tell: () => void;
}

/** Registers a test for both roles of ours. The coroutine reads unless told otherwise. */
function endsTest(
  name: string,
  fn: (ends: Ends) => Promise<void>,
  read: (got: unknown[], told: Promise<void>) => Coroutine<void> = reading,
): void {
  for (const role of ["client", "server"] as const) {
    socketTest(`${name}, as ${role}`, async (world) => {
      const got: unknown[] = [];
      const { promise: told, resolve: tell } = Promise.withResolvers<void>();
      let socket: WebSocketConnection | undefined;
      using listener = new PeerListener();
      let peer: Peer;
      let running: Promise<unknown> | undefined;
      if (role === "client") {
        running = world.run(function* () {
          socket = yield* world.client.webSocket(listener.url, { timeouts });
          yield* read(got, told);
        }());
        peer = await listener.next();
        await peer.send(answerHead(await peer.head()));
      } else {
        peer = await Peer.connect(world.serve(function* (request) {
          socket = yield* accept(request, { timeouts });
          yield* read(got, told);
        }));
        await peer.send(requestHead());
        await peer.head();
      }
      await turnsUntil(() => socket !== undefined);
      using _ = peer;
      const other: Role = role === "client" ? "server" : "client";
      await fn({
        world,
        peer,
        frames: new Frames(other),
        socket: socket!,
        got,
        tell,
        async send(...parts) {
          const { received } = world.counts;
          const bytes = concat(parts);
          await peer.send(bytes);
          await turnsUntil(() => world.counts.received >= received + bytes.length);
        },
        async pass(ms) {
          world.clock.advance(ms);
          await world.settled();
        },
      });
      await running;
    }, { wire: "1.1" });
  }
}

/** Reads to the end. */
function* reading(got: unknown[]): Coroutine<void> {
  try {
    for (;;) got.push(yield);
  } catch (error) {
    got.push(error);
  }
}

/** How a lost connection is told. */
function assertLost(error: unknown, message: string): void {
  assertInstanceOf(error, WebSocketEnd);
  assertEquals([error.code, (error.cause as Error).message], [1006, message]);
}

endsTest("a peer that is silent gets a Ping, and is found dead after it", async (ends) => {
  const { peer, pass, socket, got } = ends;
  await pass(999);
  assertEquals(peer.frames, []);
  await pass(1);
  assertEquals(peer.frames, [ping(1)]);
  await pass(499);
  assertEquals([peer.frames, socket.isOpen], [[ping(1)], true]);
  await pass(1);
  assertEquals(await closedOf(socket), [1006, ""]);
  await turnsUntil(() => got.length === 1);
  assertLost(got[0], "The peer was silent for 1500 ms");
  await peer.untilEnd();
});

endsTest("a Pong, a message and a Ping show life; then the time begins anew", async (ends) => {
  const { peer, pass, send, frames, socket, got } = ends;
  for (const sign of [frames.pong(), frames.text("alive"), frames.ping("!")]) {
    const before = peer.frames.filter((frame) => frame.startsWith("89")).length;
    await pass(1000);
    await turnsUntil(() =>
      peer.frames.filter((frame) => frame.startsWith("89")).length === before + 1
    );
    await pass(499);
    await send(sign);
    await pass(1);
    assertEquals(socket.isOpen, true);
    // What shows life within pingMs puts the Ping off.
    await pass(400);
    await send(sign);
    await pass(599);
    assertEquals(peer.frames.filter((frame) => frame.startsWith("89")).length, before + 1);
    await pass(401);
    await turnsUntil(() =>
      peer.frames.filter((frame) => frame.startsWith("89")).length === before + 2
    );
    await send(frames.pong());
  }
  assertEquals(got, ["alive", "alive"]);
  await send(frames.close(1000));
  await turnsUntil(() => got.length === 3);
  if (socket.isOpen) throw new Error("It is open");
  await peer.vanish("FIN");
  await socket.closed;
});

endsTest("the parts of a message show life, a byte of a head too", async (ends) => {
  const { pass, send, frames, socket, got, peer } = ends;
  const message = frames.text("slow");
  for (const byte of message) {
    await pass(1400);
    await send(Uint8Array.of(byte));
    assertEquals(socket.isOpen, true);
  }
  await turnsUntil(() => got.length === 1);
  assertEquals(got, ["slow"]);
  await send(frames.close(1000));
  await peer.vanish("FIN");
  await socket.closed;
});

endsTest("a peer that does not answer a Close is waited for closeMs", async (ends) => {
  const { pass, peer, socket, got, send, frames } = ends;
  socket.close(4000, "over");
  await turnsUntil(() => peer.frames.length === 1);
  assertEquals(peer.frames, ["88 4000"]);
  // What it sends meanwhile does not prolong that.
  await pass(199);
  await send(frames.text("not over"));
  assertEquals(got, []);
  await pass(1);
  assertEquals(await closedOf(socket), [1006, ""]);
  await turnsUntil(() => got.length === 1);
  assertLost(got[0], "The end took longer than 200 ms");
  await peer.untilEnd();
});

socketTest("a server that answers the Close and stays is left after closeMs", async (world) => {
  using listener = new PeerListener();
  const opening = world.client.webSocket(listener.url, { timeouts }).then((socket) => socket);
  using peer = await listener.next();
  await peer.send(answerHead(await peer.head()));
  const socket = await opening;
  socket.close();
  await turnsUntil(() => peer.frames.length === 1);
  await peer.send(new Frames("server").close(1000));
  await world.settled();
  // RFC 6455 7.1.1: the server closes the connection first.
  assertEquals(peer.end, "open");
  world.clock.advance(200);
  assertEquals(await closedOf(socket), [1000, ""]);
  await peer.untilEnd();
}, { wire: "1.1" });

socketTest("Pings and answers of both sides keep an idle WebSocket", async (world) => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = world.serve(function* (request) {
    yield* accept(request, { timeouts });
    resolve(yield* ended());
  });
  const socket = await world.client.webSocket(url, { timeouts });
  const { counts } = world;
  for (let i = 0; i < 100; i++) {
    // Neither the limits of HTTP nor those of the WebSocket end it.
    const { received } = counts;
    world.clock.advance(1000);
    await turnsUntil(() => counts.received > received);
    await world.settled();
    await turnsUntil(() => counts.received === counts.sent);
  }
  assertEquals(socket.isOpen, true);
  socket.close(4000);
  assertEquals(await promise, [4000, ""]);
  await socket.closed;
});

socketTest("Infinity means no Pings", async (world) => {
  const url = world.serve(function* (request) {
    yield* accept(request, { timeouts: { pingMs: Infinity } });
    yield* ended();
  });
  const socket = await world.client.webSocket(url, { timeouts: { pingMs: Infinity } });
  await world.settled();
  if (world.wire === "1.1") {
    const { sent } = world.counts;
    for (let i = 0; i < 10; i++) {
      world.clock.advance(1_000_000);
      await world.settled();
    }
    assertEquals(world.counts.sent, sent);
  }
  assertEquals(socket.isOpen, true);
  socket.close();
  await socket.closed;
});

const UNREAD = {
  nothing: new Uint8Array(0),
  "what nobody reads": new Frames("client").binary(new Uint8Array(100_000)),
};

for (const [what, sent] of Object.entries(UNREAD)) {
  socketTest(`a peer that takes nothing and sends ${what} is found dead`, async (world) => {
    let error: unknown;
    const [conn] = await stalled(world, { timeouts }, function* () {
      try {
        for (;;) yield new Uint8Array(1_000_000);
      } catch (thrown) {
        error = thrown;
        throw thrown;
      }
    });
    using _ = conn;
    for (let rest: Uint8Array = sent; rest.length > 0;) {
      rest = rest.subarray(await conn.write(rest));
    }
    await world.settled();
    // The Ping waits behind what is not taken.
    for (let i = 0; i < 4; i++) {
      world.clock.advance(1000);
      await world.settled();
    }
    await turnsUntil(() => error !== undefined);
    assertLost(error, "The peer was silent for 1500 ms");
  }, { wire: "1.1" });
}

socketTest("Pings do not gather for a peer that takes nothing", async (world) => {
  const [conn, socket] = await stalled(
    world,
    { timeouts: { pingMs: 1, pongMs: Infinity } },
    function* () {
      for (;;) yield new Uint8Array(200_000);
    },
  );
  using _ = conn;
  await world.settled();
  const unsent = socket.context.unsent!;
  for (let i = 0; i < 100; i++) {
    world.clock.advance(1);
    await turns(2);
  }
  assertEquals([unsent > 0, socket.context.unsent], [true, unsent]);
  socket.abort();
}, { wire: "1.1" });

/** How a peer answers the Ping of ping(), and an automatic one behind it. RFC 6455 5.5.3 allows all that. */
const ANSWERS: Record<string, (frames: Frames) => Uint8Array[]> = {
  "both at once": (frames) => [frames.pong("\0\0\0\x01"), frames.pong("\0\0\0\x02")],
  "the last one only": (frames) => [frames.pong("\0\0\0\x02")],
  "the first, and by one that nobody asked for": (frames) => [
    frames.pong("\0\0\0\x01"),
    frames.pong(),
  ],
};

for (const [how, answer] of Object.entries(ANSWERS)) {
  endsTest(`ping() is told when the peer answers ${how}`, async (ends) => {
    const { peer, pass, send, frames, socket } = ends;
    const pinging = socket.ping().then((ms) => ms);
    await turnsUntil(() => peer.frames.length === 1);
    await pass(1000);
    await turnsUntil(() => peer.frames.length === 2);
    assertEquals(peer.frames, [ping(1), ping(2)]);
    await send(...answer(frames));
    assertEquals(await pinging, 1000);
    socket.abort();
  });
}

socketTest("the end does not wait for ever for a peer that takes nothing", async (world) => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const url = world.serve(function* (request) {
    const socket = yield* accept(request, { timeouts });
    yield new Uint8Array(16_000_000);
    socket.close();
    resolve(yield* wait(closedOf(socket)));
  });
  const listening = new URL(url);
  using conn = await Deno.connect({ hostname: listening.hostname, port: Number(listening.port) });
  await conn.write(requestHead());
  const buffer = new Uint8Array(1_000_000);
  for (let size = 0; size < 15_000_000;) size += (await conn.read(buffer))!;
  await world.settled();
  world.clock.advance(200);
  await world.settled();
  assertEquals(await promise, [1006, ""]);
  await assertRejects(async () => {
    while (await conn.read(buffer) !== null);
    throw new Error("It ended");
  });
}, { wire: "1.1" });

/** Reads when it is told to. */
function* readingLater(got: unknown[], told: Promise<void>): Coroutine<void> {
  yield* wait(told);
  yield* reading(got);
}

endsTest("messages that nobody reads stop the clock, if they are many", async (ends) => {
  const { frames, peer, pass, socket, got, tell, world } = ends;
  const large = "x".repeat(100_000);
  await peer.send(frames.text(large));
  await world.settled();
  for (let i = 0; i < 10; i++) await pass(1000);
  assertEquals([socket.isOpen, got], [true, []]);
  tell();
  await turnsUntil(() => got.length === 1);
  await pass(1000);
  await pass(500);
  await turnsUntil(() => got.length === 2);
  assertEquals(got[0], large);
  assertLost(got[1], "The peer was silent for 1500 ms");
  await peer.untilEnd();
}, readingLater);

endsTest("a few messages that nobody reads do not", async (ends) => {
  const { frames, peer, pass, socket, got, send, tell } = ends;
  await send(frames.text("unread"), frames.frame(0x82, "too"));
  await pass(1000);
  await turnsUntil(() => peer.frames.length === 1);
  await pass(500);
  assertEquals(await closedOf(socket), [1006, ""]);
  // They are read nevertheless.
  tell();
  await turnsUntil(() => got.length === 3);
  assertEquals(got.slice(0, 2), ["unread", new TextEncoder().encode("too")]);
  assertLost(got[2], "The peer was silent for 1500 ms");
  await peer.untilEnd();
}, readingLater);
