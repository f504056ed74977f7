/** What is sent arrives in the order of the program, before a close, and nobody is blamed for the end of another. */
import { assertEquals } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { spawn } from "../../gio/mod.ts";
import { accept, Broadcast, type WebSocketConnection } from "../../http/websocket/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { Peer, requestHead } from "./_web_socket_peer.ts";
import { socketTest } from "./_web_sockets.ts";
import { Frames } from "./_websocket.ts";

socketTest(
  "plain async: what was given to send() before close() goes out, and nothing is rejected",
  async (world) => {
    for (
      const sizes of [[1, 1, 1, 1, 1], [1, 70_000, 1, 1], [100, 200_000, 100, 100], [
        3_000_000,
        1,
        1,
      ]]
    ) {
      const log: string[] = [];
      const got: number[] = [];
      const url = world.serve(function* (request) {
        yield* accept(request);
        try {
          for (;;) got.push((yield).length);
        } finally {
          log.push("over");
        }
      });
      const socket = await world.client.webSocket(url);
      for (const size of sizes) {
        socket.send("x".repeat(size)).catch((error) => log.push(`${size} ${error}`));
      }
      socket.close();
      await socket.closed;
      await turnsUntil(() => log.includes("over"));
      assertEquals([got, log], [sizes, ["over"]]);
    }
  },
);

socketTest(
  "plain async: send() and a Broadcast keep the order of the program",
  async (world) => {
    const room = new Broadcast();
    let served: WebSocketConnection | undefined;
    const url = world.serve(function* (request) {
      served = yield* accept(request);
      room.add(served);
      for (;;) yield;
    });
    const socket = await world.client.webSocket(url);
    await turnsUntil(() => served !== undefined);
    const sent: string[] = [];
    for (let n = 0; n < 20; n++) {
      sent.push(`${n}`);
      if (n % 2 === 0) room.send(`${n}`);
      else served!.send(`${n}`).catch(() => {});
    }
    const got: unknown[] = [];
    while (got.length < 20) got.push(await socket.next());
    socket.close();
    await socket.closed;
    assertEquals(got, sent);
  },
);

// a task that waits for a ping() when the handler returns.
for (const how of ["return", "close", "peer closes", "shutdown"] as const) {
  socketTest(
    `a task that waits in ping() when the handler ends by ${how} is cancelled quietly`,
    async (world) => {
      let isPinging = false;
      const url = world.serve(function* (request) {
        const socket = yield* accept(request);
        yield* spawn(function* (): Coroutine {
          isPinging = true;
          yield* socket.ping();
        }());
        yield;
        if (how === "close") socket.close();
        if (how === "peer closes" || how === "shutdown") yield;
      });
      using peer = await Peer.connect(url);
      await peer.send(requestHead());
      await turnsUntil(() => isPinging);
      const frames = new Frames("client");
      await peer.send(frames.text("go"));
      await world.settled();
      if (how === "shutdown") void world.servers[0]!.shutdown();
      await peer.send(frames.close(1000));
      await world.settled();
      peer[Symbol.dispose]();
      await world.settled();
      assertEquals(world.errors.splice(0).map(String), []);
    },
    { wire: "1.1" },
  );
}
