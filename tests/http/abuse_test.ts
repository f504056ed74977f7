/** Clients that mean no good: all of them are gone by the timeouts, others are served, and nothing is left of them. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Abused } from "../../bench/_abused.ts";
import { mixedLoad } from "../../bench/_mixed.ts";
import { HttpServer } from "../../http/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { turns, turnsUntil } from "../_leaks.ts";
import { hasCommand, output } from "../_peers.ts";
import { hostname, listening } from "../_sockets.ts";
import { answerTo, serverTest } from "./_live.ts";

const TIMEOUT_MS = 1000;
const timeouts = {
  headMs: TIMEOUT_MS,
  idleMs: TIMEOUT_MS,
  bodyMs: TIMEOUT_MS,
  writeMs: TIMEOUT_MS,
};
const CLOSE = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

function serve(reactor: Reactor, abused: Abused, maxConnections = Infinity): HttpServer {
  return new HttpServer(reactor, {
    ...listening,
    timeouts,
    maxConnections,
    handler: abused.handler,
  });
}

/** Asks again and again until `ended`. */
async function askUntil(port: number, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  ended.finally(() => isOver = true).catch(() => {});
  for (let i = 0; i < 10 || !isOver; i++) {
    assertMatch(await answerTo(port, CLOSE), /^HTTP\/1\.1 200 [^]*Hello!$/);
    await turns(10);
  }
}

if (hasCommand("slowhttptest")) {
  serverTest("slowhttptest keeps nobody waiting, and is gone in time", async (reactor, errors) => {
    const server = serve(reactor, new Abused());
    const attack = async (path: string, ...args: string[]) => {
      const url = `http://${hostname}:${server.port}${path}`;
      const common = ["-c", "100", "-r", "200", "-i", "1", "-p", "1", "-u", url];
      return (await output("slowhttptest", [...common, ...args])).text;
    };
    const attacks = Promise.all([
      attack("/", "-H", "-l", "60"),
      attack("/upload", "-B", "-s", "8192", "-l", "60"),
      attack("/file", "-R", "-t", "GET", "-l", "60"),
      // This one goes on reading what its system has received, although it was cut off.
      attack("/download?size=10000000", "-X", "-z", "32", "-l", "4"),
    ]);
    const [[headers, body, ranges]] = await Promise.all([attacks, askUntil(server.port, attacks)]);
    // It was not the end of its own time.
    for (const text of [headers, body, ranges]) {
      assertStringIncludes(text, "No open connections left");
    }
    await turnsUntil(() => server.statistics().open === 0);
    assert(server.statistics().accepted > 300);
    assertEquals(errors, []);
  });
}

serverTest("silent clients leave room for others, and are gone in time", async (reactor) => {
  const server = serve(reactor, new Abused(), 110);
  const silent = Promise.all(Array.from({ length: 100 }, async () => {
    using conn = await Deno.connect({ hostname, port: server.port });
    assertEquals(await conn.read(new Uint8Array(1)), null);
  }));
  await Promise.all([silent, askUntil(server.port, silent)]);
  await turnsUntil(() => server.statistics().open === 0);
});

serverTest("clients that never read what they are sent are gone in time", async (reactor) => {
  const server = serve(reactor, new Abused());
  const head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n";
  const piece = new TextEncoder().encode("x".repeat(65_536));
  const stuck = Promise.all(Array.from({ length: 50 }, async () => {
    using conn = await Deno.connect({ hostname, port: server.port });
    await conn.write(new TextEncoder().encode(head));
    try {
      for (;;) await conn.write(piece);
    } catch {
      // It was cut off.
    }
  }));
  await Promise.all([stuck, askUntil(server.port, stuck)]);
  await turnsUntil(() => server.statistics().open === 0);
});

serverTest("clients that go away in the middle leave nothing behind", async (reactor, errors) => {
  const abused = new Abused();
  const server = serve(reactor, abused);
  const before = abused.held(reactor, server);
  let more = 400;
  const { whole, aborted } = await mixedLoad(server.port, {
    clients: 16,
    seed: 7,
    goesOn: () => more-- > 0,
  });
  assert(whole > 100 && aborted > 100);
  const isSame = () => JSON.stringify(abused.held(reactor, server)) === JSON.stringify(before);
  await turnsUntil(isSame);
  assertEquals(errors, []);
});
