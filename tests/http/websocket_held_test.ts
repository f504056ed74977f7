/** What comes while nobody reads: how much of it is kept, and what is seen behind it. */
import { constants, deflateRawSync } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import { call } from "../../compose/mod.ts";
import { wait } from "../../gio/mod.ts";
import { Held, MAX_HELD } from "../../http/websocket/_held.ts";
import type { WebSocketConnection } from "../../http/websocket/mod.ts";
import type { TestClock } from "../../reactor/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import type { Peer } from "./_web_socket_peer.ts";
import { arrived, closedOf, gathered, served, socketTest } from "./_web_sockets.ts";
import { BINARY, FIN, Frames, RSV1, TEXT } from "./_websocket.ts";

Deno.test("Held gives messages in their order, those that were put back first", () => {
  const held = new Held();
  held.push("b");
  held.push("c");
  assertEquals(held.shift(), "b");
  held.unshift(["a", "b"]);
  held.push("d");
  const got = ["a", "b", "c", "d"].map(() => held.shift());
  assertEquals([got, held.shift(), held.isEmpty], [["a", "b", "c", "d"], undefined, true]);
});

Deno.test("Held has room for 64 KiB, and an empty message takes some", () => {
  const held = new Held();
  assertEquals(held.room, MAX_HELD);
  held.push("x".repeat(MAX_HELD));
  assert(held.room <= 0);
  held.shift();
  assertEquals(held.room, MAX_HELD);
  let count = 0;
  for (; held.room > 0; count++) held.push(new Uint8Array(0));
  assert(count < 10_000, `${count} empty messages`);
  held.unshift([""]);
  while (held.shift() !== undefined);
  assertEquals(held.room, MAX_HELD);
});

Deno.test("Held keeps the order of many messages that come and go", () => {
  const held = new Held();
  let pushed = 0, taken = 0;
  for (const [more, fewer] of [[100, 10], [5, 90], [1000, 500], [0, 505]] as const) {
    for (let i = 0; i < more; i++) held.push(`${pushed++}`);
    for (let i = 0; i < fewer; i++) assertEquals(held.shift(), `${taken++}`);
    if (taken > 0) held.unshift([`${--taken}`]);
  }
  while (!held.isEmpty) assertEquals(held.shift(), `${taken++}`);
  assertEquals([taken, held.room], [pushed, MAX_HELD]);
});

/** What comes of a message that nobody reads. */
const PARTS: Record<string, (frames: Frames) => Uint8Array[]> = {
  "a head": (frames) => [frames.text("hello").subarray(0, 6)],
  "a head and a byte": (frames) => [frames.text("hello").subarray(0, 7)],
  "all but a byte": (frames) => [frames.text("hello").subarray(0, 10)],
  "a fragment": (frames) => [frames.frame(TEXT, "hello")],
  "a message in two segments": (frames) => {
    const bytes = frames.text("x".repeat(2000));
    return [bytes.subarray(0, 1000), bytes.subarray(1000)];
  },
  "a message in two fragments": (frames) => [frames.frame(TEXT, "he"), frames.frame(FIN, "llo")],
};

const timeouts = { pingMs: 1000, pongMs: 500, closeMs: 200 };

/** How the peer ends. */
const ENDS: Record<string, (peer: Peer, clock: TestClock) => unknown> = {
  FIN: (peer) => peer.vanish("FIN"),
  silence: (peer, clock) =>
    turnsUntil(() => {
      clock.advance(10);
      return peer.end !== "open";
    }),
};

for (const [part, make] of Object.entries(PARTS)) {
  for (const [end, vanish] of Object.entries(ENDS)) {
    socketTest(`${end} behind ${part} is seen while nobody reads`, async (world) => {
      const [peer, socket] = await served(world, { timeouts });
      using _ = peer;
      for (const bytes of make(new Frames("client"))) await arrived(world, peer, bytes);
      await vanish(peer, world.clock);
      assertEquals(await closedOf(socket), [1006, ""]);
    }, { wire: "1.1" });
  }

  // A control frame cannot stand within a frame.
  if (!part.startsWith("a message") && part !== "a fragment") continue;
  socketTest(`a Ping and a Close behind ${part} are seen while nobody reads`, async (world) => {
    const [peer, socket] = await served(world);
    using _ = peer;
    const frames = new Frames("client");
    for (const bytes of make(frames)) await arrived(world, peer, bytes);
    await peer.send(frames.ping("?"));
    await turnsUntil(() => peer.frames.length === 1);
    await peer.send(frames.close(4000));
    assertEquals([peer.frames, await closedOf(socket)], [["8a ?"], [4000, ""]]);
  }, { wire: "1.1" });
}

socketTest("empty messages stop the peer, if they are many", async (world) => {
  const [peer, socket] = await served(world);
  using _ = peer;
  const { received: before } = world.counts;
  const messages = concat(Array<Uint8Array>(200_000).fill(new Frames("client").text("")));
  const sending = peer.send(messages).catch(() => {});
  await turnsUntil(() => world.counts.received > before);
  await world.settled();
  const received = world.counts.received - before;
  socket.abort();
  await sending;
  assert(received < messages.length / 2, `${received} of ${messages.length} bytes were received`);
}, { wire: "1.1" });

/** A frame with a message that is compressed. */
function compressed(content: Uint8Array): Uint8Array {
  const bytes = deflateRawSync(content, { finishFlush: constants.Z_SYNC_FLUSH });
  return new Frames("client").frame(FIN | RSV1 | BINARY, bytes.subarray(0, -4)); // RFC 7692 7.2.1
}

/** Reads messages by pieces when it is told to. */
function readingLater(told: Promise<void>, lengths: number[]) {
  return function* (socket: WebSocketConnection) {
    yield* wait(told);
    for (;;) lengths.push((yield* call(gathered(yield* socket.receive()))).length);
  };
}

for (const compression of [false, true]) {
  const kind = compression ? "compressed messages" : "messages";
  socketTest(
    `${kind} that come before they are read by pieces may be too large for whole ones`,
    async (world) => {
      const { promise: told, resolve: tell } = Promise.withResolvers<void>();
      const lengths: number[] = [];
      const options = { ...compression && { compression }, limits: { maxMessageBytes: 1000 } };
      const [peer, socket] = await served(world, options, readingLater(told, lengths));
      using _ = peer;
      const content = new Uint8Array(2000);
      const message = compression ? compressed(content) : new Frames("client").binary(content);
      await arrived(world, peer, message, message, message);
      tell();
      await turnsUntil(() => lengths.length === 3 || !socket.isOpen);
      assertEquals(lengths, [2000, 2000, 2000]);
      await peer.send(new Frames("client").close());
      await socket.closed;
    },
    { wire: "1.1" },
  );
}

socketTest("few bytes that become many do so when they are read only", async (world) => {
  const { promise: told, resolve: tell } = Promise.withResolvers<void>();
  const lengths: number[] = [];
  const content = new Uint8Array(16 * 1024 * 1024);
  const message = compressed(content);
  const options = { compression: true };
  const [peer, socket] = await served(world, options, readingLater(told, lengths));
  using _ = peer;
  // The memory outside of the heap, where bytes are, must not grow by what comes of the message.
  const before = Deno.memoryUsage().external;
  const { received } = world.counts;
  await peer.send(message);
  await turnsUntil(() => world.counts.received > received + 1000);
  await world.settled();
  const grown = Deno.memoryUsage().external - before;
  assert(grown < content.length / 4, `It has grown by ${grown} bytes`);
  tell();
  await turnsUntil(() => lengths.length === 1);
  assertEquals(lengths, [content.length]);
  await peer.send(new Frames("client").close());
  await socket.closed;
}, { wire: "1.1" });
