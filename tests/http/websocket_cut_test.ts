/** A part of a message is never taken for the whole, and a loss is told to everybody. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { EndOfStream } from "../../compose/mod.ts";
import { wait } from "../../gio/mod.ts";
import type { ConnectionInfo } from "../../http/connection_info.ts";
import { endpointOf, settingsOf } from "../../http/websocket/_settings.ts";
import { accept, type WebSocketConnection, WebSocketEnd } from "../../http/websocket/mod.ts";
import { OpenWebSocket } from "../../http/websocket/web_socket_connection.ts";
import { Reactor } from "../../reactor/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { socketTest } from "./_web_sockets.ts";

// 11: a cut message that is taken for a whole one.
for (const compression of [false, true]) {
  for (
    const how of ["abort", "close", "peer closes, later abort", "close, later over"] as const
  ) {
    for (const reading of ["stream", "context"] as const) {
      socketTest(
        `${how} within a message read by ${reading}: a part is not the whole, compression: ${compression}`,
        async (world) => {
          let served: WebSocketConnection | undefined;
          const text = "abcdefghij".repeat(20_000);
          const url = world.serve(function* (request) {
            served = yield* accept(request, { compression });
            yield text;
            yield "behind";
            for (;;) yield;
          });
          const socket = await world.client.webSocket(url, { compression });
          const message = await socket.receive();
          let got = "", outcome = "";
          await world.settled();
          const act = async () => {
            await world.settled();
            if (how === "peer closes, later abort") served!.close();
            else if (how === "abort") socket.abort();
            else socket.close();
            await world.settled();
            if (how !== "abort" && how !== "close") {
              socket.abort();
              await world.settled();
            }
          };
          let pieces = 0;
          try {
            if (reading === "stream") {
              for await (const piece of message.stream()) {
                got += piece;
                if (++pieces === 1) await act();
              }
            } else {
              await world.run(function* () {
                using _ = message.enter();
                for (;;) {
                  got += yield;
                  if (++pieces === 1) yield* wait(act());
                }
              }());
            }
            outcome = "whole";
          } catch (error) {
            outcome = error instanceof EndOfStream && !(error instanceof WebSocketEnd)
              ? "whole"
              : String(error);
          }
          socket.abort();
          if (outcome === "whole") {
            assertEquals(got.length, text.length, `taken for whole after ${pieces} pieces`);
          } else assert(text.startsWith(got) && /cut/.test(outcome), outcome);
        },
      );
    }
  }
}

socketTest("server.shutdown() within an upload that is spliced slowly", async (world) => {
  const log: string[] = [];
  let slow = 0;
  const url = world.serve(function* (request) {
    const socket = yield* accept(request);
    const message = yield* socket.receive();
    using _ = message.enter();
    let size = 0;
    try {
      for (;;) {
        size += (yield).length;
        slow++;
        yield* wait(world.settled()); // the database is slow
      }
    } catch (error) {
      log.push(
        error instanceof EndOfStream && !(error instanceof WebSocketEnd)
          ? `whole ${size}`
          : `${error}`,
      );
    }
  });
  const socket = await world.client.webSocket(url);
  socket.send(new Uint8Array(300_000)).catch(() => {});
  await turnsUntil(() => slow > 0);
  const down = world.servers[0]!.shutdown();
  await turnsUntil(() => log.length > 0);
  assertEquals(log, ["RemoteProtocolError: Cannot read the message: it was cut"]);
  world.clock.advance(5000);
  await down;
});

// what is read after a loss, of compressed messages with context takeover.
socketTest(
  "after abort() no message is read with wrong content, context takeover",
  async (world) => {
    const compression = { minBytes: 0, contextTakeover: true, peerContextTakeover: true };
    const first = "é€😀xyz".repeat(20_000);
    const behind = `3:5:${"é€😀xyz".repeat(5)}`;
    const url = world.serve(function* (request) {
      yield* accept(request, { compression });
      yield;
      yield first;
      yield behind;
      for (;;) yield;
    });
    for (const read of ["skip", "to its end"]) {
      const socket = await world.client.webSocket(url, { compression });
      const receiving = socket.receive();
      receiving.then(() => {});
      void socket.send("go");
      const message = await receiving;
      await world.settled();
      const reader = message.stream().getReader();
      let got = (await reader.read()).value as string;
      socket.abort();
      const outcome: string[] = [];
      try {
        if (read === "skip") message.close();
        else {
          for (;;) {
            const { value, done } = await reader.read();
            if (done) break;
            got += value;
          }
          outcome.push(
            got === first
              ? "whole"
              : first.startsWith(got)
              ? `a part as whole: ${got.length} of ${first.length}`
              : "wrong content",
          );
        }
      } catch (error) {
        outcome.push(String(error));
      }
      try {
        const second = await socket.next();
        outcome.push(
          second === behind
            ? "behind"
            : `wrong: ${String(second).slice(0, 50)} instead of ${behind}`,
        );
      } catch (error) {
        outcome.push(String(error));
      }
      assert(!outcome.some((one) => /wrong|as whole|decompressed/.test(one)), outcome.join("; "));
    }
  },
);

/** A connection that cannot be ended, nor sent to. */
class Stubborn {
  readonly writable = true;
  readonly readable = true;
  recv() {}
  send(): number {
    throw new Error("It is broken");
  }
  close(): never {
    throw new Error("It cannot be closed");
  }
  abort(): never {
    throw new Error("It cannot be aborted");
  }
  shutdown(): never {
    throw new Error("It cannot be shut down");
  }
  watch() {}
  unwatch() {}
}

for (const role of ["server", "client"] as const) {
  Deno.test(`a connection that fails when it is ended is over for all who wait, for a ${role}`, async () => {
    using reactor = new Reactor();
    const endpoint = endpointOf(role, new Stubborn(), reactor, settingsOf({}), undefined);
    endpoint.start([]);
    const opened = { protocol: undefined, compression: undefined };
    const info = {} as ConnectionInfo;
    const socket = new OpenWebSocket(endpoint, opened, info, { leave() {} });
    const waiting = [socket.next(), socket.closed.then(({ code }) => code)];
    assertThrows(() => socket.abort(), Error, "It cannot be aborted");
    await assertRejects(async () => await waiting[0], WebSocketEnd);
    assertEquals([await waiting[1], endpoint.isOver], [1006, true]);
  });
}
