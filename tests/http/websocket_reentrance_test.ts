/**
 * What is told while a message is handed over: a Pong that cannot be sent ends the WebSocket, and a Pong
 * that comes goes on with a coroutine. Messages are read in their order all the same, and none is lost.
 */
import { assertEquals } from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { spawn, wait } from "../../gio/mod.ts";
import { accept, type WebSocketConnection, WebSocketEnd } from "../../http/websocket/mod.ts";
import { Deflater, Inflater } from "../../http/websocket/_deflate.ts";
import { endpointOf, settingsOf } from "../../http/websocket/_settings.ts";
import { OpenWebSocket } from "../../http/websocket/web_socket_connection.ts";
import { WebSocketWire } from "../../http/websocket/_wire.ts";
import { Reactor } from "../../reactor/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { Peer, requestHead } from "./_web_socket_peer.ts";
import { socketTest } from "./_web_sockets.ts";
import { CONTINUATION, FIN, Frames, PONG, taken, TEXT } from "./_websocket.ts";

const frames = new Frames("client");

/** A WebSocket whose peer takes nothing: whatever is sent fails. */
class Deaf implements Disposable {
  readonly socket: WebSocketConnection;
  readonly #reactor = new Reactor();
  readonly #input: Uint8Array[] = [];
  #notify: (() => void) | undefined;

  constructor() {
    const input = this.#input;
    const raw = {
      writable: true,
      closed: false,
      get readable() {
        return input.length > 0;
      },
      recv: () => input.shift(),
      send(): number {
        throw new Error("EPIPE");
      },
      close() {},
      abort() {},
      shutdown() {},
      watch: (interest: string, tell: () => void) => {
        if (interest === "read") this.#notify = tell;
      },
      unwatch() {},
    };
    const endpoint = endpointOf("server", raw as never, this.#reactor, settingsOf({}), undefined);
    endpoint.start([]);
    this.socket = new OpenWebSocket(endpoint, {} as never, {} as never, { leave() {} });
  }

  /** Bytes come from the peer. */
  receive(...parts: Uint8Array[]): void {
    this.#input.push(concat(parts));
    this.#notify?.();
  }

  async until(done: () => boolean): Promise<void> {
    await turnsUntil(() => {
      this.#reactor.step();
      return done();
    });
  }

  [Symbol.dispose](): void {
    this.#reactor[Symbol.dispose]();
  }
}

const BEHIND: [name: string, input: Uint8Array[], messages: string[]][] = [
  ["before a message", [frames.ping("?"), frames.text("one")], ["one"]],
  ["before two", [frames.ping("?"), frames.text("one"), frames.text("two")], ["one", "two"]],
  ["within one", [
    frames.frame(TEXT, "o"),
    frames.ping("?"),
    frames.frame(FIN | CONTINUATION, "ne"),
    frames.text("two"),
  ], ["one", "two"]],
];

for (const [where, input, messages] of BEHIND) {
  Deno.test(`messages are read in order if a Pong cannot be sent: its Ping comes ${where}`, async () => {
    using deaf = new Deaf();
    const got: unknown[] = [];
    async function read(): Promise<void> {
      for (;;) got.push(await deaf.socket.next());
    }
    void read().catch((error) => got.push(error));
    deaf.receive(...input);
    await deaf.until(() => got.length > messages.length || got.at(-1) instanceof Error);
    const end = got.pop() as WebSocketEnd;
    assertEquals([got, end.code], [messages, 1006]);
  });
}

Deno.test("a message is read piece by piece if a Pong within it cannot be sent", async () => {
  using deaf = new Deaf();
  const got: unknown[] = [];
  async function read(): Promise<void> {
    for await (const piece of (await deaf.socket.receive()).stream()) got.push(piece);
    got.push("end");
  }
  void read().catch((error) => got.push(error, "end"));
  deaf.receive(frames.frame(TEXT, "a"));
  await deaf.until(() => got.length === 1);
  deaf.receive(
    frames.ping("?"),
    frames.frame(CONTINUATION, "b"),
    frames.frame(CONTINUATION, "c"),
    frames.frame(FIN | CONTINUATION, "d"),
  );
  await deaf.until(() => got.at(-1) === "end");
  assertEquals(got, ["a", "b", "c", "d", "end"]);
});

const READERS: Record<string, (socket: WebSocketConnection) => Coroutine<string>> = {
  *yield() {
    return yield;
  },
  *next(socket) {
    return String(yield* socket.next());
  },
  *receive(socket) {
    using message = yield* socket.receive();
    using _ = message.enter();
    let all = "";
    try {
      for (;;) all += yield;
    } catch (error) {
      if (error instanceof WebSocketEnd || !(error instanceof EndOfStream)) throw error;
    }
    return all;
  },
  *"await next"(socket) {
    return String(yield* wait((async () => await socket.next())()));
  },
};

const AROUND: Record<string, (pong: Uint8Array) => Uint8Array[]> = {
  before: (pong) => [pong, frames.text("one")],
  within: (pong) => [frames.frame(TEXT, "o"), pong, frames.frame(FIN | CONTINUATION, "ne")],
  behind: (pong) => [frames.text("one"), pong],
};

for (const [row, [how, read]] of Object.entries(READERS).entries()) {
  for (const [column, [where, around]] of Object.entries(AROUND).entries()) {
    const isAlone = (row + column) % 2 === 0;
    const who = isAlone ? "by who has pinged" : "beside who has pinged";
    socketTest(`messages are read by ${how} ${who}, its Pong ${where} the first`, async (world) => {
      const got: string[] = [];
      const { promise: pinged, resolve } = Promise.withResolvers<void>();
      const url = world.serve(function* (request) {
        const socket = yield* accept(request);
        function* pinging(): Coroutine<void> {
          using _ = socket.enter();
          yield* socket.ping();
          resolve();
        }
        if (isAlone) yield* pinging();
        else yield* spawn(pinging());
        while (got.length < 3) got.push(yield* read(socket));
        yield* wait(pinged);
      });
      using peer = await Peer.connect(url);
      await peer.send(requestHead());
      await peer.head();
      await turnsUntil(() => peer.payloads.length === 1);
      const pong = frames.frame(FIN | PONG, peer.payloads[0]!);
      await peer.send(concat([...around(pong), frames.text("two"), frames.text("three")]));
      await turnsUntil(() => got.length === 3);
      assertEquals(got, ["one", "two", "three"]);
      await pinged;
      await peer.send(frames.close(1000));
    }, { wire: "1.1" });
  }
}

Deno.test("a wire that is disposed of tells neither the rest of a message nor the next one", () => {
  const direction = { contextTakeover: true, windowBits: 15 };
  for (const isCompressed of [false, true]) {
    const deflate = () => ({
      compressor: new Deflater(direction, 6, 0),
      decompressor: new Inflater(direction),
    });
    const options = () => isCompressed ? { deflate: deflate() } : {};
    const server = new WebSocketWire("server", options());
    server.send("abcdefg".repeat(30_000));
    server.send("abcdefg");
    const client = new WebSocketWire("client", options());
    client.receive(taken(server));
    client.begin();
    client.piece();
    client.dispose();
    assertEquals([client.piece(), client.next()], [undefined, undefined]);
    server.dispose();
  }
});
