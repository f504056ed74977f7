/** WebSockets and a peer that sends what it is told to, byte by byte. */
import { assertEquals } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { EndOfStream } from "../../compose/mod.ts";
import { accept, WebSocketEnd } from "../../http/websocket/mod.ts";
import type { HttpRequest } from "../../http/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { hostname } from "../_sockets.ts";
import { socketTest } from "./_web_sockets.ts";
import { Frames, TEXT } from "./_websocket.ts";

const HEAD = [
  "GET / HTTP/1.1",
  "Host: x",
  "Connection: upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "\r\n",
].join("\r\n");

const READERS: Record<string, (request: HttpRequest, got: string[]) => Coroutine> = {
  *whole(request, got) {
    yield* accept(request);
    for (;;) got.push(yield);
  },
  *"in pieces"(request, got) {
    const socket = yield* accept(request);
    for (;;) {
      using message = yield* socket.receive();
      using _ = message.enter();
      let text = "";
      try {
        for (;;) text += yield;
      } catch (error) {
        if (error instanceof WebSocketEnd || !(error instanceof EndOfStream)) throw error;
      }
      got.push(text);
    }
  },
};

for (const [how, handler] of Object.entries(READERS)) {
  socketTest(`a message that comes byte by byte is read ${how}`, async (world) => {
    const got: string[] = [];
    const url = new URL(world.serve((request) => handler(request, got)));
    using conn = await Deno.connect({ hostname, port: Number(url.port) });
    const frames = new Frames("client");
    const bytes = [
      new TextEncoder().encode(HEAD),
      frames.frame(TEXT, "one 日"),
      frames.frame(0, "本 two"),
      frames.ping("?"),
      frames.frame(0x80, " three"),
      frames.text("whole"),
      frames.close(1000),
    ];
    for (const part of bytes) {
      for (const byte of part) {
        const before = world.counts.received;
        await conn.write(Uint8Array.of(byte));
        await turnsUntil(() => world.counts.received > before);
      }
    }
    const buffer = new Uint8Array(1000);
    while (await conn.read(buffer) !== null);
    assertEquals(got, ["one 日本 two three", "whole"]);
  }, { wire: "1.1" });
}
