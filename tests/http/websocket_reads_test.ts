/** Reading: who is cancelled loses nothing, what was pushed back comes first, and nobody has to read to be seen. */
import { assert, assertEquals } from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import { call, type Coroutine, EndOfStream, pushBack } from "../../compose/mod.ts";
import { all, gio, race, wait } from "../../gio/mod.ts";
import { accept, type WebSocketConnection } from "../../http/websocket/mod.ts";
import { turns, turnsUntil } from "../_leaks.ts";
import { Peer, requestHead } from "./_web_socket_peer.ts";
import { FIN, Frames, TEXT } from "./_websocket.ts";
import { socketTest, type World } from "./_web_sockets.ts";

function* never(): Coroutine<never> {
  yield* wait(new Promise(() => {}));
  throw new Error("never");
}

function* fails(after: Promise<unknown>): Coroutine<void> {
  yield* wait(after);
  throw new RangeError("bad");
}

function serveMessages(world: World, messages: (string | Uint8Array)[]): string {
  return world.serve(function* (request) {
    yield* accept(request);
    for (const message of messages) yield message;
    for (;;) yield;
  });
}

for (const how of ["next", "receive"] as const) {
  socketTest(
    `${how}() in an all() of which another branch fails is not lost`,
    function* (world) {
      const socket = yield* world.client.webSocket(serveMessages(world, ["one", "two"]));
      yield* wait(world.settled());
      try {
        yield* all(socket[how]() as ReturnType<typeof socket.next>, fails(turns(3)));
      } catch (error) {
        assert(error instanceof RangeError, `${error}`);
      }
      assertEquals(yield* socket.next(), "one");
      assertEquals(yield* socket.next(), "two");
    },
  );

  socketTest(
    `${how}() whose coroutine is cancelled at a random moment is not lost`,
    async (world) => {
      const count = 400;
      const { reactor } = world;
      const socket = await world.client.webSocket(
        serveMessages(world, Array.from({ length: count }, (_, n) => `${n}`)),
      );
      await world.settled();
      let got = 0;
      for (let i = 0; got < count && i < 100; i++) {
        const task = gio(
          reactor,
          undefined,
          function* (): Coroutine {
            for (;;) {
              if (how === "next") assertEquals(yield* socket.next(), `${got++}`);
              else {
                const message = yield* socket.receive();
                using _ = message.enter();
                let text = "";
                got++;
                try {
                  for (;;) text += yield;
                } catch (error) {
                  if (!(error instanceof EndOfStream)) throw error;
                }
                assertEquals(text, `${got - 1}`);
              }
            }
          }(),
        );
        const result = task.result.catch((error) => error);
        if (i % 2 === 1) await turns(1);
        task.cancel();
        const error = await result;
        assert(error instanceof DOMException, `${error}`);
        if (got === count) break;
        assertEquals(await socket.next(), `${got++}`, `after cancel ${i}`);
      }
      socket.close();
      await socket.closed;
    },
  );

  socketTest(`${how}() in race(all(it, sleep), short sleep) is not lost`, function* (world) {
    const socket = yield* world.client.webSocket(serveMessages(world, ["one", "two"]));
    yield* wait(world.settled());
    yield* race(all(socket[how]() as ReturnType<typeof socket.next>, never()), wait(turns(2)));
    assertEquals(yield* socket.next(), "one");
  });

  socketTest(
    `${how}() of a race in which another is decided in the same turn`,
    function* (world) {
      const socket = yield* world.client.webSocket(serveMessages(world, ["one", "two", "three"]));
      yield* wait(world.settled());
      for (let i = 0; i < 3; i++) {
        const got = yield* race(
          wait(Promise.resolve("other")),
          socket[how]() as ReturnType<typeof socket.next>,
        );
        if (got === "other") assertEquals(yield* socket.next(), ["one", "two", "three"][i]);
        else if (typeof got !== "string") {
          const it = got as unknown as { stream(): ReadableStream<string> };
          assertEquals(
            (yield* wait(Array.fromAsync(it.stream()))).join(""),
            ["one", "two", "three"][i],
          );
        } else assertEquals(got, ["one", "two", "three"][i]);
      }
    },
  );
}

// A promise outside that then a coroutine waits for, which is cancelled.
socketTest(
  "a next() begun outside, waited for by a coroutine that is cancelled",
  async (world) => {
    const socket = await world.client.webSocket(serveMessages(world, ["one", "two"]));
    await world.settled();
    const next = socket.next();
    const task = gio(
      world.reactor,
      undefined,
      function* (): Coroutine {
        yield* all(next, never());
      }(),
    );
    const result = task.result.catch(() => {});
    await turns(2);
    task.cancel();
    await result;
    assertEquals(await socket.next(), "one");
    socket.close();
    await socket.closed;
  },
);
socketTest(
  "a bare yield whose coroutine is cancelled at the end of a turn is not lost",
  async (world) => {
    const count = 400;
    const { reactor } = world;
    const socket = await world.client.webSocket(
      serveMessages(world, Array.from({ length: count }, (_, n) => `${n}`)),
    );
    await world.settled();
    let got = 0;
    for (let i = 0; got < count && i < 100; i++) {
      const task = gio(
        reactor,
        undefined,
        function* (): Coroutine {
          using _ = socket.enter();
          for (;;) assertEquals(yield, `${got++}`);
        }(),
      );
      const result = task.result.catch((error) => error);
      if (i % 2 === 1) await turns(1);
      task.cancel();
      const error = await result;
      assert(error instanceof DOMException, `${error}`);
      if (got === count) break;
      assertEquals(await socket.next(), `${got++}`, `after cancel ${i}`);
    }
    socket.close();
    await socket.closed;
  },
);

// pings
const timeouts = { pingMs: 1000, pongMs: 500, closeMs: 200 };
for (const how of ["both in one segment", "both, an unasked one after", "the last only"] as const) {
  socketTest(
    `ping() is answered although an automatic Ping goes beside it: ${how}`,
    async (world) => {
      let socket: WebSocketConnection | undefined;
      let ms: number | undefined;
      const url = world.serve(function* (request) {
        socket = yield* accept(request, { timeouts });
        for (;;) yield;
      });
      using peer = await Peer.connect(url);
      await peer.send(requestHead());
      await peer.head();
      await turnsUntil(() => socket !== undefined);
      socket!.ping().then((value) => ms = value, () => {});
      if (how !== "both, an unasked one after") world.clock.advance(1000);
      const count = how === "both, an unasked one after" ? 1 : 2;
      await turnsUntil(() => peer.frames.length === count);
      const bytes = await world.settled().then(() => peer.payloads);
      const frames = new Frames("client");
      const pongs = bytes.map((payload) => frames.frame(FIN | 0xa, payload));
      if (how === "both, an unasked one after") pongs.push(frames.pong());
      if (how === "the last only") pongs.shift();
      await peer.send(concat(pongs));
      await turnsUntil(() => ms !== undefined);
      socket!.abort();
    },
    { wire: "1.1" },
  );
}

/** Reads two, and pushes the second back. */
function* peek(): Coroutine<string> {
  const one: string = yield;
  const two: string = yield;
  return pushBack(one, two);
}

socketTest(
  "next(), receive() and for await after a push-back in the same coroutine",
  function* (world) {
    for (const how of ["yield", "next", "receive", "for await"] as const) {
      const socket = yield* world.client.webSocket(serveMessages(world, ["one", "two", "three"]));
      assertEquals(yield* call(peek()), "one");
      let got: unknown;
      if (how === "yield") got = yield;
      else if (how === "next") got = yield* socket.next();
      else if (how === "receive") {
        const message = yield* socket.receive();
        got = (yield* wait(Array.fromAsync(message.stream()))).join("");
      } else {
        got = yield* wait((async () => {
          for await (const message of socket) return message;
        })());
      }
      assertEquals([how, got], [how, "two"]);
      socket.abort();
    }
  },
);

// while nobody reads, Pings are answered and a Close is seen, unless 64 KiB wait.
const PARTS: Record<string, (frames: Frames) => Uint8Array[]> = {
  "a fragment of 10 bytes, no more": (frames) => [frames.frame(TEXT, "0123456789")],
  "a frame in two segments": (frames) => {
    const bytes = frames.text("x".repeat(2000));
    return [bytes.subarray(0, 1000), bytes.subarray(1000)];
  },
  "a message in two fragments": (
    frames,
  ) => [frames.frame(TEXT, "01234"), frames.frame(FIN, "56789")],
};
for (const [what, make] of Object.entries(PARTS)) {
  socketTest(`a Ping and a Close behind ${what} are seen while nobody reads`, async (world) => {
    let socket: WebSocketConnection | undefined;
    const { promise: goOn, resolve } = Promise.withResolvers<void>();
    const url = world.serve(function* (request) {
      socket = yield* accept(request);
      yield* wait(goOn);
    });
    using peer = await Peer.connect(url);
    await peer.send(requestHead());
    await turnsUntil(() => socket !== undefined);
    const frames = new Frames("client");
    for (const part of make(frames)) {
      const { received } = world.counts;
      await peer.send(part);
      await turnsUntil(() => world.counts.received >= received + part.length);
    }
    await peer.send(frames.ping("?"));
    await turnsUntil(() => peer.frames.length > 0);
    const pongs = peer.frames;
    await peer.send(frames.close(1000));
    await turnsUntil(() => !socket!.isOpen);
    const isOpen = socket!.isOpen;
    resolve();
    socket!.abort();
    await world.settled();
    assertEquals([pongs, isOpen], [["8a ?"], false]);
  }, { wire: "1.1" });
}

// limits of time: pingMs with pongMs Infinity, blocked.
socketTest(
  "pongMs: Infinity: Pings do not gather without end for a peer that takes nothing",
  async (world) => {
    let socket: WebSocketConnection | undefined;
    const url = world.serve(function* (request) {
      socket = yield* accept(request, { timeouts: { pingMs: 1, pongMs: Infinity } });
      for (;;) yield new Uint8Array(200_000);
    });
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
    await conn.write(requestHead());
    await turnsUntil(() => socket !== undefined);
    await world.settled();
    const before = socket!.context.unsent!;
    for (let i = 0; i < 500; i++) {
      world.clock.advance(1);
      await turns(2);
    }
    const after = socket!.context.unsent!;
    socket!.abort();
    assert(after - before < 200, `${after - before} bytes of Pings wait`);
  },
  { wire: "1.1" },
);
