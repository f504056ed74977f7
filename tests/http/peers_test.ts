/** Programs of other people, as clients and as proxies in front of a server. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Abused } from "../../bench/_abused.ts";
import { file, startNginx, startOnFreePort } from "../../bench/_ends.ts";
import { mixedLoad } from "../../bench/_mixed.ts";
import { type Server, stop } from "../../bench/_servers.ts";
import { HttpServer } from "../../http/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { hasCommand, output } from "../_peers.ts";
import { hostname, listening } from "../_sockets.ts";
import { serverTest } from "./_live.ts";

function nginx(far: number): Promise<Server> {
  return startNginx((port) => [
    "client_max_body_size 0;",
    `upstream far { server ${hostname}:${far}; keepalive 32; }`,
    `server { listen ${hostname}:${port};`,
    "proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off;",
    'location / { proxy_pass http://far; proxy_set_header Connection ""; }',
    "location /tunnel { proxy_pass http://far; proxy_set_header Connection upgrade;",
    "proxy_set_header Upgrade $http_upgrade; }",
    "}",
  ]);
}

function haproxy(far: number): Promise<Server> {
  return startOnFreePort("haproxy", (port, folder) => [
    ...["-db", "-q", "-f"],
    file(`${folder}/haproxy.cfg`, [
      "global",
      "nbthread 1",
      "defaults",
      "mode http",
      "http-reuse always",
      ...["connect", "client", "server"].map((what) => `timeout ${what} 60s`),
      "listen relay",
      `bind ${hostname}:${port}`,
      `server far ${hostname}:${far}`,
    ]),
  ]);
}

for (const [command, front] of Object.entries({ nginx, haproxy })) {
  if (!hasCommand(command)) continue;
  serverTest(`${command} passes all kinds of requests on, and aborts`, async (reactor, errors) => {
    const abused = new Abused();
    const server = new HttpServer(reactor, { ...listening, handler: abused.handler });
    const before = abused.held(reactor, server);
    const proxy = await front(server.port);
    try {
      let more = 400;
      const goesOn = () => more-- > 0;
      const { whole, aborted } = await mixedLoad(proxy.port, { clients: 16, seed: 11, goesOn });
      assert(whole > 100 && aborted > 100);
      const { requests, accepted } = server.statistics();
      assert(accepted < requests, "connections are used again");

      const head =
        "GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";
      using conn = await Deno.connect({ hostname, port: proxy.port });
      await conn.write(new TextEncoder().encode(head));
      assertMatch(await readUntil(conn, "\r\n\r\n"), /^HTTP\/1\.1 101 /);
      await conn.write(new TextEncoder().encode("through the tunnel"));
      assertEquals(await readUntil(conn, "tunnel"), "through the tunnel");
    } finally {
      await stop(proxy);
    }
    const isSame = () => JSON.stringify(abused.held(reactor, server)) === JSON.stringify(before);
    await turnsUntil(isSame);
    assertEquals(errors, []);
  });
}

async function readUntil(conn: Deno.Conn, end: string): Promise<string> {
  const buffer = new Uint8Array(1024);
  let read = "";
  while (!read.endsWith(end)) {
    const length = await conn.read(buffer);
    if (length === null) throw new Error(`It ended after ${read}`);
    read += new TextDecoder().decode(buffer.subarray(0, length));
  }
  return read;
}

/** Each load tool by its arguments, and what it must say. */
const TOOLS: [command: string, args: string[], said: RegExp][] = [
  ["ab", ["-q", "-n", "2000", "-c", "32"], /Complete requests: +2000\nFailed requests: +0\n/],
  ["ab", ["-q", "-k", "-n", "2000", "-c", "32"], /Keep-Alive requests: +2000\n/],
  ["ab", ["-q", "-k", "-n", "500", "-c", "8", "-p", "FILE"], /Failed requests: +0\n/],
  ["h2load", ["--h1", "-n", "2000", "-c", "32"], /2000 succeeded, 0 failed, 0 errored/],
  ["h2load", ["--h1", "-n", "500", "-c", "8", "-d", "FILE"], /500 succeeded, 0 failed, 0 errored/],
];

for (const [command, args, said] of TOOLS) {
  if (!hasCommand(command)) continue;
  serverTest(`${[command, ...args].join(" ")} has all answers`, async (reactor, errors) => {
    const server = new HttpServer(reactor, { ...listening, handler: new Abused().handler });
    const body = await Deno.makeTempFile();
    await Deno.writeFile(body, new Uint8Array(100_000).fill(120));
    const given = args.map((arg) => arg === "FILE" ? body : arg);
    const posts = given.includes(body);
    const { text, code } = await output(command, [
      ...given,
      posts ? `${server.url}upload` : server.url,
    ]);
    await Deno.remove(body);
    assertMatch(text, said);
    assertEquals(code, 0);
    assertStringIncludes(text, command === "ab" ? "Requests per second" : "status codes");
    await turnsUntil(() => server.statistics().open === 0);
    assertEquals(errors, []);
  });
}
