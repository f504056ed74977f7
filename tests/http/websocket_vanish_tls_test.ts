/**
 * Peers of a WebSocket over TLS that vanish. What is said of each is the same as without TLS, at every
 * byte: see websocket_vanish_test.ts. Here it is one byte before the end of each frame.
 *
 *     by close_notify   TLS tells that it has ended
 *     by FIN            it does not: the end may come from somebody else
 *     by RST            the connection is reset
 */
import { assertEquals, assertRejects } from "@std/assert";
import { concat } from "../../compose/_bytes.ts";
import { type HttpHandler, HttpServer } from "../../http/mod.ts";
import { accept } from "../../http/websocket/mod.ts";
import { endTcp, resetTcp } from "../../reactor/linux/_tcp.ts";
import { turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { CA_CERT, CERT, KEY } from "../reactor/_tls.ts";
import * as h2 from "./_h2_raw.ts";
import { expected, logged, type Part, READINGS, received } from "./_web_socket_readings.ts";
import { answerHead, Peer, requestHead } from "./_web_socket_peer.ts";
import { socketTest, type World } from "./_web_sockets.ts";
import { CONTINUATION, FIN, Frames, TEXT, utf8 } from "./_websocket.ts";

type Way = "close_notify" | "FIN" | "RST";
const WAYS: readonly Way[] = Deno.build.os === "linux"
  ? ["close_notify", "FIN", "RST"]
  : ["close_notify"];

const tls = { ...listening, cert: CERT, key: KEY };
const client = { tls: { caCerts: [CA_CERT] } };

function vanish(conn: Deno.TlsConn, way: Way): void {
  if (way === "FIN") endTcp(conn);
  if (way === "RST") resetTcp(conn);
  conn.close();
}

function serve(world: World, handler: HttpHandler): string {
  const server = new HttpServer(world.reactor, { ...tls, handler });
  world.servers.push(server);
  return `wss://${hostname}:${server.port}/`;
}

function connect(url: string, protocol: string): Promise<Deno.TlsConn> {
  const port = Number(new URL(url).port);
  return Deno.connectTls({ hostname, port, ...client.tls, alpnProtocols: [protocol] });
}

function listen(): [listener: Deno.TlsListener, url: string] {
  const listener = Deno.listenTls(tls);
  return [listener, `wss://${hostname}:${(listener.addr as Deno.NetAddr).port}/`];
}

/** What the peer sends. */
function script(frames: Frames): Part[] {
  const [first, ...rest] = utf8("é");
  return [
    { bytes: frames.frame(TEXT, Uint8Array.of(first!)), isWithin: true },
    { bytes: frames.frame(FIN | CONTINUATION, Uint8Array.from(rest)), message: "é" },
    { bytes: frames.close(4000, "over"), code: 4000 },
  ];
}

/** After how many bytes it vanishes: within each frame, and at the end. */
function* cuts(parts: readonly Part[]): Generator<number> {
  let length = 0;
  for (const { bytes } of parts) yield (length += bytes.length) - 1;
  yield length;
}

for (const way of WAYS) {
  socketTest(`a client over TLS vanishes within its request, by ${way}`, async (world) => {
    const url = serve(world, () => {
      throw new Error("It was started");
    });
    const head = requestHead();
    for (const length of [0, head.length - 1]) {
      using conn = await connect(url, "http/1.1");
      const { received: before } = world.counts;
      await turnsUntil(() => world.servers[0]!.statistics().open === 1);
      await conn.write(head.subarray(0, length));
      await received(world, before + length);
      vanish(conn, way);
      await turnsUntil(() => world.servers[0]!.statistics().open === 0);
    }
  }, { wire: "1.1" });

  socketTest(`a server over TLS vanishes within its answer, by ${way}`, async (world) => {
    const [listener, url] = listen();
    using _ = listener;
    for (const left of [Infinity, 1]) {
      const { received: before } = world.counts;
      const opening = assertRejects(async () => await world.client.webSocket(url));
      const conn = await listener.accept();
      const head = answerHead(await new Peer(conn).head());
      const part = head.subarray(0, Math.max(head.length - left, 0));
      await conn.write(part);
      await received(world, before + part.length);
      vanish(conn, way);
      await opening;
      await turnsUntil(() => world.client.inspect().length === 0);
    }
  }, { wire: "1.1", client });

  socketTest(`a client over TLS that is read by pieces vanishes, by ${way}`, async (world) => {
    const parts = script(new Frames("client"));
    const bytes = concat(parts.map(({ bytes }) => bytes));
    let log: string[] = [];
    const url = serve(world, function* (request) {
      yield* logged(READINGS["by pieces"]!, yield* accept(request), log);
    });
    for (const length of cuts(parts)) {
      log = [];
      if (world.wire === "1.1") {
        const conn = await connect(url, "http/1.1");
        const { received: before } = world.counts;
        const head = requestHead();
        await conn.write(head);
        await new Peer(conn).head();
        await conn.write(bytes.subarray(0, length));
        await received(world, before + head.length + length);
        vanish(conn, way);
      } else {
        const conn = await connect(url, "h2");
        const peer = new h2.RawPeer(conn as unknown as Deno.TcpConn);
        const head = h2.block(
          ":method: CONNECT",
          ":protocol: websocket",
          ":scheme: https",
          ":path: /",
          ":authority: x",
          "sec-websocket-version: 13",
        );
        await peer.send(h2.join(h2.PREFACE, h2.settings()));
        await peer.send(h2.frame(h2.HEADERS, h2.END_HEADERS, 1, head));
        await peer.takeOf(h2.HEADERS, 1);
        await peer.send(h2.frame(h2.DATA, 0, 1, bytes.subarray(0, length)));
        await peer.sync();
        vanish(conn, way);
      }
      await turnsUntil(() => log.at(-1) === "closed" && world.servers[0]!.statistics().open === 0);
      assertEquals(log, expected(parts, length, true), `after ${length} bytes`);
    }
  });

  socketTest(`a server over TLS that is read whole vanishes, by ${way}`, async (world) => {
    const parts = script(new Frames("server"));
    const bytes = concat(parts.map(({ bytes }) => bytes));
    const [listener, url] = listen();
    using _ = listener;
    for (const length of cuts(parts)) {
      const log: string[] = [];
      const { received: before } = world.counts;
      const running = world.run(function* () {
        yield* logged(READINGS.whole!, yield* world.client.webSocket(url), log);
      }()).catch(() => {});
      const conn = await listener.accept();
      const head = answerHead(await new Peer(conn).head());
      await conn.write(concat([head, bytes.subarray(0, length)]));
      await received(world, before + head.length + length);
      vanish(conn, way);
      await running;
      await turnsUntil(() => world.client.inspect().length === 0);
      assertEquals(log, expected(parts, length, false), `after ${length} bytes`);
    }
  }, { wire: "1.1", client });
}
