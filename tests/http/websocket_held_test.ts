/** What comes while nobody reads: how much of it is kept, and that dead peers are found all the same. */
import { assert, assertEquals } from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { wait } from "../../gio/mod.ts";
import type { HttpRequest } from "../../http/mod.ts";
import { accept, type WebSocketConnection, WebSocketEnd } from "../../http/websocket/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { hostname } from "../_sockets.ts";
import { Peer, requestHead } from "./_web_socket_peer.ts";
import { socketTest } from "./_web_sockets.ts";
import { Frames } from "./_websocket.ts";

const frames = new Frames("client");

socketTest("a peer that sends empty messages has to wait", async (world) => {
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    yield* wait(goOn);
    socket.abort();
  });
  using peer = await Peer.connect(url);
  await peer.send(requestHead());
  await peer.head();
  const messages = concat(Array<Uint8Array>(500_000).fill(frames.text("")));
  const sending = peer.send(messages).catch(() => {});
  await world.settled();
  const { received } = world.counts;
  resolve();
  await sending;
  assert(received < 500_000, `${received} of ${messages.length} bytes were received`);
}, { wire: "1.1" });

socketTest(
  "few bytes that become many are not decompressed before they are read",
  async (world) => {
    const { promise: goOn, resolve } = Promise.withResolvers<void>();
    const url = world.serve(function* (request) {
      const socket = yield* accept(request, { compression: true });
      yield* wait(goOn);
      socket.abort();
    });
    const message = new Uint8Array(16 * 1024 * 1024);
    const socket = await world.client.webSocket(url, { compression: true });
    const before = Deno.memoryUsage().external;
    await socket.send(message);
    await world.settled();
    const more = Deno.memoryUsage().external - before;
    resolve();
    await socket.closed;
    assert(more < message.length / 2, `${more} bytes are held`);
  },
);

/** Reads a message by pieces, and tells how long it is. */
function* lengthOf(socket: WebSocketConnection): Coroutine<number> {
  using message = yield* socket.receive();
  using _ = message.enter();
  let length = 0;
  try {
    for (;;) length += (yield).length;
  } catch (error) {
    if (error instanceof WebSocketEnd || !(error instanceof EndOfStream)) throw error;
  }
  return length;
}

for (const compression of [false, true]) {
  for (const isLate of [false, true]) {
    const when = isLate ? "after they came" : "as they come";
    socketTest(
      `messages that are read by pieces ${when} may be larger than maxMessageBytes, ` +
        `compressed: ${compression}`,
      async (world) => {
        const { promise: goOn, resolve } = Promise.withResolvers<void>();
        const lengths: number[] = [];
        const limits = { maxMessageBytes: 1000 };
        const url = world.serve(function* (request) {
          const socket = yield* accept(request, { compression, limits });
          yield* wait(goOn);
          for (let i = 0; i < 3; i++) lengths.push(yield* lengthOf(socket));
        });
        if (!isLate) resolve();
        const socket = await world.client.webSocket(url, { compression });
        for (let i = 0; i < 3; i++) await socket.send("x".repeat(2000));
        if (isLate) await world.settled();
        resolve();
        await socket.closed;
        assertEquals(lengths, [2000, 2000, 2000]);
      },
    );
  }
}

/** A handler that reads nothing. It ends when the peer is lost. */
function* readNothing(request: HttpRequest): Coroutine<void> {
  yield* accept(request);
  yield* wait(new Promise((resolve) => request.signal.addEventListener("abort", resolve)));
}

for (const [length, of] of [[6, "the head"], [7, "one byte"], [10, "a part"]] as const) {
  for (const how of ["ends", "is silent"]) {
    socketTest(`a peer that ${how} after ${of} of an unread message is lost`, async (world) => {
      const url = world.serve(readNothing);
      using peer = await Peer.connect(url);
      const head = requestHead();
      await peer.send(head);
      await peer.head();
      await peer.send(frames.text("hello").subarray(0, length));
      await turnsUntil(() => world.counts.received === head.length + length);
      if (how === "ends") await peer.vanish("FIN");
      await turnsUntil(() => {
        if (how === "is silent") world.clock.advance(10_000);
        return world.servers[0]!.statistics().open === 0;
      });
    }, { wire: "1.1" });
  }
}

socketTest(
  "a peer that takes nothing is lost, also if nobody reads what it sends",
  async (world) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const url = world.serve(function* (request) {
      yield* accept(request);
      try {
        for (;;) yield new Uint8Array(100_000);
      } catch (error) {
        resolve(error);
      }
    });
    using conn = await Deno.connect({ hostname, port: Number(new URL(url).port) });
    await conn.write(requestHead());
    await conn.read(new Uint8Array(1000));
    const message = frames.binary(new Uint8Array(100_000));
    for (let rest = message; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
    await world.settled();
    let isOver = false;
    void promise.then(() => isOver = true);
    await turnsUntil(() => {
      world.clock.advance(10_000);
      return isOver;
    });
    assert(await promise instanceof WebSocketEnd);
  },
  { wire: "1.1" },
);
