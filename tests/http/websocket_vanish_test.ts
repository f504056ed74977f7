/**
 * Peers of a WebSocket that vanish, at every byte of a handshake, a message and a close.
 *
 *     it vanishes                  the coroutine gets                           told to onError
 *     within the request           is not started                               nothing
 *     within the answer            an error from webSocket()                    nothing
 *     before a message             WebSocketEnd 1006 at the yield               nothing
 *     within a message, whole      WebSocketEnd 1006 at the yield               nothing
 *     within a message, by pieces  RemoteProtocolError, caused by a 1006        nothing
 *     within its Close             WebSocketEnd 1006                            nothing
 *     after its Close              WebSocketEnd with the code of it             nothing
 *     instead of its Close         WebSocketEnd 1006, from `closed`             nothing
 *
 * Whole messages before that are read. Nothing is left: no connection, registration, timer, coroutine or
 * descriptor.
 */
import { constants, deflateRawSync } from "node:zlib";
import { assertEquals, assertRejects } from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import { wait } from "../../gio/mod.ts";
import { accept, type WebSocketConnection } from "../../http/websocket/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { answerHead, Peer, PeerListener, requestHead, WAYS } from "./_web_socket_peer.ts";
import * as h2 from "./_h2_raw.ts";
import {
  expected,
  logged,
  outcomeOf,
  type Part,
  READINGS,
  received,
} from "./_web_socket_readings.ts";
import { closedOf, socketTest } from "./_web_sockets.ts";
import { BINARY, CONTINUATION, FIN, Frames, RSV1, TEXT } from "./_websocket.ts";

const encoder = new TextEncoder();

function deflated(text: string): Uint8Array {
  const bytes = deflateRawSync(encoder.encode(text), { finishFlush: constants.Z_SYNC_FLUSH });
  return bytes.subarray(0, -4); // RFC 7692 7.2.1
}

/** What the peer sends, part by part. */
const SCRIPTS: Record<string, { isCompressed?: true; parts: (frames: Frames) => Part[] }> = {
  "short messages": {
    parts: (frames) => [
      { bytes: frames.text("hello"), message: "hello" },
      { bytes: frames.text(""), message: "" },
      { bytes: frames.ping("?") },
      { bytes: frames.frame(FIN | BINARY, "bytes"), message: "bytes" },
    ],
  },
  "long heads": {
    parts: (frames) => [
      {
        bytes: frames.frame(FIN | TEXT, "x".repeat(30), { lengthBytes: 0 }),
        message: "x".repeat(30),
      },
      { bytes: frames.text("y".repeat(126)), message: "y".repeat(126) },
    ],
  },
  "fragments, and control frames between": {
    parts: (frames) => [
      { bytes: frames.frame(TEXT, "日".slice(0, 1)), isWithin: true },
      { bytes: frames.ping("within"), isWithin: true },
      { bytes: frames.frame(CONTINUATION, encoder.encode("本").subarray(0, 2)), isWithin: true },
      { bytes: frames.pong(), isWithin: true },
      {
        bytes: frames.frame(FIN | CONTINUATION, encoder.encode("本").subarray(2)),
        message: "日本",
      },
    ],
  },
  "compressed messages": {
    isCompressed: true,
    parts: (frames) => {
      const text = "again and again and again";
      const bytes = deflated(text);
      return [
        { bytes: frames.frame(FIN | RSV1 | TEXT, bytes), message: text },
        { bytes: frames.frame(RSV1 | TEXT, bytes.subarray(0, 5)), isWithin: true },
        { bytes: frames.frame(FIN | CONTINUATION, bytes.subarray(5)), message: text },
      ];
    },
  },
  "a Close": {
    parts: (frames) => [
      { bytes: frames.text("bye"), message: "bye" },
      { bytes: frames.close(4000, "over"), code: 4000 },
    ],
  },
  "a Close without a code": { parts: (frames) => [{ bytes: frames.close(), code: 1005 }] },
  "a Close within a message": {
    parts: (frames) => [
      { bytes: frames.frame(TEXT, "a"), isWithin: true },
      { bytes: frames.close(1001), code: 1001 },
    ],
  },
};

for (const way of WAYS) {
  socketTest(`a client vanishes within its request, by ${way}`, async (world) => {
    let started = 0;
    const url = world.serve(function* (request) {
      started++;
      yield* accept(request);
    });
    const [server] = world.servers;
    const head = requestHead();
    for (let length = 0; length < head.length; length++) {
      using peer = await Peer.connect(url);
      const { received: before } = world.counts;
      await turnsUntil(() => server!.statistics().open === 1);
      await peer.send(head.subarray(0, length));
      await received(world, before + length);
      await peer.vanish(way);
      await turnsUntil(() => server!.statistics().open === 0);
    }
    assertEquals([started, server!.statistics().accepted], [0, head.length]);
  }, { wire: "1.1" });

  for (const [how, reading] of Object.entries(READINGS)) {
    for (const [name, { isCompressed = false, parts: make }] of Object.entries(SCRIPTS)) {
      socketTest(`a client vanishes in ${name} read ${how}, by ${way}`, async (world) => {
        const parts = make(new Frames("client"));
        let log: string[] = [];
        const url = world.serve(function* (request) {
          const socket = yield* accept(request, { compression: isCompressed });
          assertEquals(socket.isCompressed, isCompressed);
          yield* logged(reading, socket, log);
        });
        const [server] = world.servers;
        const bytes = concat(parts.map(({ bytes }) => bytes));
        for (let length = 0; length <= bytes.length; length++) {
          log = [];
          using peer = await Peer.connect(url);
          const { received: before } = world.counts;
          const head = requestHead(isCompressed);
          await peer.send(head);
          await peer.head();
          await peer.send(bytes.subarray(0, length));
          await received(world, before + head.length + length);
          await peer.vanish(way);
          await turnsUntil(() => log.at(-1) === "closed" && server!.statistics().open === 0);
          assertEquals(log, expected(parts, length, how === "by pieces"), `after ${length} bytes`);
          if (way === "FIN") await peer.untilEnd();
        }
        assertEquals(server!.statistics().requests, bytes.length + 1);
      }, { wire: "1.1" });

      socketTest(`a server vanishes in ${name} read ${how}, by ${way}`, async (world) => {
        const parts = make(new Frames("server"));
        using listener = new PeerListener();
        const bytes = concat(parts.map(({ bytes }) => bytes));
        for (let length = 0; length <= bytes.length; length++) {
          const log: string[] = [];
          const { received: before } = world.counts;
          const running = world.run(function* () {
            const socket = yield* world.client.webSocket(listener.url, {
              compression: isCompressed,
            });
            yield* logged(reading, socket, log);
          }()).catch(() => {});
          using peer = await listener.next();
          const head = answerHead(await peer.head(), isCompressed);
          await peer.send(concat([head, bytes.subarray(0, length)]));
          await received(world, before + head.length + length);
          await peer.vanish(way);
          await running;
          await turnsUntil(() => world.client.inspect().length === 0);
          assertEquals(log, expected(parts, length, how === "by pieces"), `after ${length} bytes`);
          if (way === "FIN") await peer.untilEnd();
        }
      }, { wire: "1.1" });
    }
  }

  socketTest(`a server vanishes within its answer, by ${way}`, async (world) => {
    using listener = new PeerListener();
    for (let length = 0, size = Infinity; length < size; length++) {
      const { received: before } = world.counts;
      const opening = assertRejects(async () => await world.client.webSocket(listener.url));
      using peer = await listener.next();
      const head = answerHead(await peer.head());
      size = head.length;
      await peer.send(head.subarray(0, length));
      await received(world, before + length);
      await peer.vanish(way);
      await opening;
      await turnsUntil(() => world.client.inspect().length === 0);
    }
  }, { wire: "1.1" });

  socketTest(`a client vanishes instead of its Close, by ${way}`, async (world) => {
    const frames = new Frames("client");
    const answer = frames.close(1000);
    const url = world.serve(function* (request) {
      const socket = yield* accept(request);
      sockets.push(socket);
      socket.close(1000);
      ends.push(yield* wait(closedOf(socket)));
    });
    const sockets: WebSocketConnection[] = [];
    const ends: unknown[] = [];
    for (let length = 0; length <= answer.length; length++) {
      using peer = await Peer.connect(url);
      const { received: before } = world.counts;
      await peer.send(requestHead());
      await peer.head();
      await peer.send(answer.subarray(0, length));
      await received(world, before + requestHead().length + length);
      await peer.vanish(way);
      await turnsUntil(() => ends.length === length + 1);
      await turnsUntil(() => world.servers[0]!.statistics().open === 0);
      assertEquals(ends.at(-1), [length < answer.length ? 1006 : 1000, ""]);
    }
  }, { wire: "1.1" });

  socketTest(`a server vanishes instead of its Close, by ${way}`, async (world) => {
    using listener = new PeerListener();
    const answer = new Frames("server").close(1000);
    for (let length = 0; length <= answer.length; length++) {
      const { received: before } = world.counts;
      const opening = world.client.webSocket(listener.url).then((socket) => socket);
      using peer = await listener.next();
      const head = answerHead(await peer.head());
      await peer.send(head);
      const socket = await opening;
      socket.close(1000);
      await peer.send(answer.subarray(0, length));
      await received(world, before + head.length + length);
      await peer.vanish(way);
      assertEquals(await closedOf(socket), [length < answer.length ? 1006 : 1000, ""]);
      await turnsUntil(() => world.client.inspect().length === 0);
    }
  }, { wire: "1.1" });

  socketTest(`a handler that waits is told by the signal, by ${way}`, async (world) => {
    const log: string[] = [];
    const url = world.serve(function* (request) {
      yield* accept(request);
      log.push("open");
      yield* wait(new Promise((resolve) => request.signal.addEventListener("abort", resolve)));
      log.push("aborted");
      try {
        yield "too late";
      } catch (error) {
        log.push(outcomeOf(error));
      }
    });
    using peer = await Peer.connect(url);
    await peer.send(requestHead());
    await turnsUntil(() => log.length === 1);
    await peer.vanish(way);
    await turnsUntil(() => log.length === 3);
    assertEquals(log, ["open", "aborted", "end 1006"]);
  }, { wire: "1.1" });

  socketTest(
    `a handler with a message that it has not read gets that first, by ${way}`,
    async (world) => {
      const { promise: goOn, resolve } = Promise.withResolvers<void>();
      const log: string[] = [];
      const url = world.serve(function* (request) {
        const socket = yield* accept(request);
        log.push("open");
        yield* wait(goOn);
        yield* logged(READINGS.whole!, socket, log);
      });
      using peer = await Peer.connect(url);
      const { received: before } = world.counts;
      await peer.send(requestHead());
      await turnsUntil(() => log.length === 1);
      const message = new Frames("client").text("unread");
      await peer.send(message);
      await received(world, before + requestHead().length + message.length);
      await peer.vanish(way);
      resolve();
      await turnsUntil(() => log.at(-1) === "closed");
      assertEquals(log, ["open", "unread", "end 1006", "closed"]);
    },
    { wire: "1.1" },
  );

  socketTest(`a client vanishes while its server sends, by ${way}`, async (world) => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const url = world.serve(function* (request) {
      yield* accept(request);
      try {
        for (;;) yield new Uint8Array(100_000);
      } catch (error) {
        resolve(error);
        throw error;
      }
    });
    using peer = await Peer.connect(url);
    await peer.send(requestHead());
    await peer.head();
    await peer.vanish(way);
    assertEquals(outcomeOf(await promise), "end 1006");
    await turnsUntil(() => world.servers[0]!.statistics().open === 0);
  }, { wire: "1.1" });

  socketTest(
    `a client vanishes within a message that is sent in pieces, by ${way}`,
    async (world) => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const url = world.serve(function* (request) {
        const socket = yield* accept(request);
        using _ = socket.stream("binary").enter();
        try {
          for (;;) {
            yield new Uint8Array(1000);
            yield* wait(Promise.resolve());
          }
        } catch (error) {
          resolve(error);
          throw error;
        }
      });
      using peer = await Peer.connect(url);
      await peer.send(requestHead());
      await peer.head();
      await peer.vanish(way);
      assertEquals(outcomeOf(await promise), "end 1006");
      await turnsUntil(() => world.servers[0]!.statistics().open === 0);
    },
    { wire: "1.1" },
  );
}

/** What ends a stream of HTTP/2, and with it the WebSocket. */
const STREAM_ENDS: Record<string, (peer: h2.RawPeer) => Promise<void>> = {
  END_STREAM: (peer) => peer.send(h2.frame(h2.DATA, h2.END_STREAM, 1)),
  RST_STREAM: (peer) => peer.send(h2.frame(h2.RST_STREAM, 0, 1, h2.uint32(8))),
  FIN: (peer) => peer.end(),
};

for (const [how, reading] of Object.entries(READINGS)) {
  for (const [name, { isCompressed = false, parts: make }] of Object.entries(SCRIPTS)) {
    for (const [way, vanish] of Object.entries(STREAM_ENDS)) {
      socketTest(`a client vanishes in ${name} read ${how}, by ${way}`, async (world) => {
        const parts = make(new Frames("client"));
        let log: string[] = [];
        const url = new URL(world.serve(function* (request) {
          const socket = yield* accept(request, { compression: isCompressed });
          yield* logged(reading, socket, log);
        }));
        const [server] = world.servers;
        const bytes = concat(parts.map(({ bytes }) => bytes));
        for (let length = 0; length <= bytes.length; length++) {
          log = [];
          const conn = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
          conn.setNoDelay();
          using peer = new h2.RawPeer(conn);
          const head = h2.block(
            ":method: CONNECT",
            ":protocol: websocket",
            ":scheme: http",
            ":path: /",
            ":authority: x",
            "sec-websocket-version: 13",
            ...isCompressed
              ? [
                "sec-websocket-extensions: permessage-deflate; server_no_context_takeover; " +
                "client_no_context_takeover",
              ]
              : [],
          );
          await peer.send(h2.join(h2.PREFACE, h2.settings()));
          await peer.send(h2.frame(h2.HEADERS, h2.END_HEADERS, 1, head));
          await peer.takeOf(h2.HEADERS, 1);
          await peer.send(h2.frame(h2.DATA, 0, 1, bytes.subarray(0, length)));
          await peer.sync();
          await vanish(peer);
          await turnsUntil(() => log.at(-1) === "closed");
          assertEquals(log, expected(parts, length, how === "by pieces"), `after ${length} bytes`);
          if (way !== "FIN") await peer.sync(); // The connection goes on.
          if (way !== "FIN") await peer.end();
          await turnsUntil(() => server!.statistics().open === 0);
        }
        assertEquals(server!.statistics().requests, bytes.length + 1);
      }, { wire: "2" });
    }
  }
}
