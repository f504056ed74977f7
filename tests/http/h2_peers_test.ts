/** Programs of other people that speak HTTP/2, as clients and as proxies in front of a server. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { file, startNginx, startOnFreePort } from "../../bench/_ends.ts";
import { mixedLoad } from "../../bench/_mixed.ts";
import { type Server, stop } from "../../bench/_servers.ts";
import { Browser } from "../_browser.ts";
import { hasCommand, output } from "../_peers.ts";
import { hostname } from "../_sockets.ts";
import { pattern } from "./_client_peers.ts";
import { CA_FILE, h2Test, type Scheme, type Served } from "./_h2_peers.ts";

/** What is served as `/file`. */
const FILE = new URL("../../bench/abuse.ts", import.meta.url);
const MEGABYTE = pattern(1_000_000);

/** Runs curl over HTTP/2, with some input, and returns what it printed. */
async function curl(
  { origin, scheme }: Served,
  path: string,
  args: string[] = [],
  input?: Uint8Array<ArrayBuffer>,
): Promise<{ stdout: Uint8Array; text: string }> {
  const protocol = { http: "--http2-prior-knowledge", https: "--http2" }[scheme];
  const given = [
    "--silent",
    "--show-error",
    "--no-progress-meter",
    "--cacert",
    CA_FILE,
    protocol,
    ...args,
  ];
  const { code, errors, ...printed } = await output("curl", [...given, origin + path], input);
  assertEquals([code, errors], [0, ""]);
  return printed;
}

if (hasCommand("curl")) {
  const FROM_INPUT = ["--data-binary", "@-"];

  h2Test("curl gets, asks for heads, and sends", async (served) => {
    const version = ["--write-out", " %{http_version}"];
    assertEquals((await curl(served, "/", version)).text, "Hello! 2");
    assertMatch((await curl(served, "/", ["--head"])).text, /^HTTP\/2 200 \r\n[^]*\r\n\r\n$/);
    assertMatch((await curl(served, "/empty", ["--include"])).text, /^HTTP\/2 204 \r\n/);
    const asked = await curl(served, "/asked?x=1", ["--request", "DELETE"]);
    assertEquals(asked.text, `DELETE ${served.origin}/asked?x=1`);
    assertEquals((await curl(served, "/upload", FROM_INPUT, MEGABYTE)).text, "1000000");
    assertEquals((await curl(served, "/echo", FROM_INPUT, MEGABYTE)).stdout, MEGABYTE);
    assertEquals((await curl(served, "/download?size=3000000")).stdout.length, 3_000_000);
    assertEquals((await curl(served, "/file")).text, await Deno.readTextFile(FILE));
    assertEquals(served.versions, new Set(["2"]));
  });

  h2Test("curl gets interim responses", async (served) => {
    const hinted = await curl(served, "/hinted", ["--include"]);
    assertMatch(
      hinted.text,
      /^HTTP\/2 103 \r\nlink: <\/page.css>; rel=preload\r\n\r\nHTTP\/2 200 \r\n[^]*\r\n\r\nhinted$/,
    );
    const expecting = [...FROM_INPUT, "--include", "--header", "Expect: 100-continue"];
    const continued = await curl(served, "/upload", expecting, MEGABYTE);
    assertMatch(continued.text, /^HTTP\/2 100 \r\n\r\nHTTP\/2 200 \r\n[^]*\r\n\r\n1000000$/);
  });

  h2Test("curl gets many on one connection", async (served) => {
    const dir = await Deno.makeTempDir();
    const args = ["--parallel", "--parallel-max", "100", "--output", `${dir}/#1`];
    await curl(served, "/download?size=[20000-20199]", args);
    const sizes = [...Deno.readDirSync(dir)].map(({ name }) =>
      Deno.statSync(`${dir}/${name}`).size === Number(name)
    );
    assertEquals(sizes, Array(200).fill(true));
    await Deno.remove(dir, { recursive: true });
    const { accepted, requests } = served.server.statistics();
    assertEquals([accepted, requests], [1, 200]);
    // Without TLS curl 7.88 cannot use a connection twice, whoever the server is.
  }, ["https"]);

  h2Test("curl without HTTP/2 gets HTTP/1.1 from the same port", async (served) => {
    const version = ["--write-out", " %{http_version}", "--http1.1"];
    assertEquals((await curl(served, "/", version)).text, "Hello! 1.1");
    assertEquals(
      (await curl(served, "/upload", [...FROM_INPUT, "--http1.1"], MEGABYTE)).text,
      "1000000",
    );
    assertEquals(served.versions, new Set(["1.1"]));
    assertEquals((await curl(served, "/")).text, "Hello!");
    assertEquals(served.versions, new Set(["1.1", "2"]));
  });

  // RFC 9113 3.1: "h2c" of Upgrade is deprecated. A server may ignore it, and answer by HTTP/1.1.
  h2Test("curl that asks for an upgrade gets HTTP/1.1", async (served) => {
    const version = ["--write-out", " %{http_version}", "--http2"];
    assertEquals((await curl(served, "/", version)).text, "Hello! 1.1");
    assertEquals(
      (await curl(served, "/upload", [...FROM_INPUT, "--http2"], MEGABYTE)).text,
      "1000000",
    );
    assertEquals(served.versions, new Set(["1.1"]));
  }, ["http"]);
}

if (hasCommand("nghttp")) {
  const nghttp = async ({ origin }: Served, path: string, ...args: string[]) => {
    const { text, code } = await output("nghttp", [...args, origin + path]);
    assertEquals(code, 0, text);
    return text;
  };

  h2Test("nghttp sees the frames that it should", async (served) => {
    const text = await nghttp(served, "/", "--null-out", "--verbose", "--no-dep");
    const order = [
      "send SETTINGS frame",
      "recv SETTINGS frame",
      "recv (stream_id=1) :status: 200",
      "recv HEADERS frame",
      "recv DATA frame",
      "send GOAWAY frame",
    ].map((what) => text.indexOf(what));
    assert(order.every((at) => at >= 0), text);
    assertEquals(order.slice(2), order.slice(2).toSorted((a, b) => a - b));
    assertMatch(text, /SETTINGS frame <length=0, flags=0x01, stream_id=0>\s+; ACK/);
    assert(!/PROTOCOL_ERROR|RST_STREAM/.test(text), text);
  });

  h2Test("nghttp sends with padding, trailers and priorities", async (served) => {
    const path = await Deno.makeTempFile();
    await Deno.writeFile(path, MEGABYTE);
    const padded = ["--padding=200", "--data", path];
    assertEquals(await nghttp(served, "/upload", ...padded), "1000000");
    const trailed = ["--data", path, "--trailer", "x-sent: at the end", "--verbose", "--null-out"];
    const seen = (await nghttp(served, "/trailed", ...trailed)).match(/x-seen: (.*)/);
    assertEquals(seen?.[1], "at the end");
    assertEquals(await nghttp(served, "/", "--multiply=50", "--weight=7"), "Hello!".repeat(50));
    await Deno.remove(path);
    assertEquals(served.versions, new Set(["2"]));
  });

  h2Test("nghttp has small windows and a small table of headers", async (served) => {
    const small = ["--window-bits=1", "--header-table-size=0"];
    assertEquals((await nghttp(served, "/download?size=300", ...small)).length, 300);
    const several = ["--window-bits=10", "--connection-window-bits=16", "--multiply=20"];
    const text = await nghttp(served, "/chunked?size=100000", ...several);
    assertEquals(text.length, 2_000_000);
  });

  h2Test("nghttp asks in vain for an upgrade", async (served) => {
    await output("nghttp", ["--upgrade", `${served.origin}/`]);
    assertEquals(served.versions, new Set(["1.1"]));
  }, ["http"]);
}

if (hasCommand("h2load")) {
  const LOADS = [
    ["-n2000", "-c8", "-m32"],
    ["-n2000", "-c1", "-m100"],
    ["-n500", "-c8", "-m8", "-w2", "-W4"],
    ["-n500", "-c8", "-m8", "-d", "FILE"],
  ];
  for (const args of LOADS) {
    h2Test(`h2load ${args.join(" ")} has all answers`, async (served) => {
      const body = await Deno.makeTempFile();
      await Deno.writeFile(body, MEGABYTE.subarray(0, 50_000));
      const isUpload = args.includes("FILE");
      const { text, code } = await output("h2load", [
        ...args.map((arg) => arg === "FILE" ? body : arg),
        served.origin + (isUpload ? "/upload" : "/"),
      ]);
      await Deno.remove(body);
      const { requests } = served.server.statistics();
      assertStringIncludes(text, `${requests} succeeded, 0 failed, 0 errored, 0 timeout`);
      assertStringIncludes(text, `status codes: ${requests} 2xx`);
      assertStringIncludes(
        text,
        `Application protocol: ${served.scheme === "http" ? "h2c" : "h2"}`,
      );
      assertEquals(code, 0);
      assertEquals(served.versions, new Set(["2"]));
    });
  }
}

/** That of the system, for which python3-h2 is installed. */
const PYTHON = "/usr/bin/python3";
const hasH2 = async () => (await output(PYTHON, ["-c", "import h2"])).code === 0;

if (hasCommand(PYTHON) && (Deno.env.get("CI") || await hasH2())) {
  const script = fileURLToPath(new URL("_h2_peer.py", import.meta.url));
  const SCENARIOS = ["window", "padding", "trailers", "upload", "headers", "table", "interleaved"];
  for (const scenario of SCENARIOS) {
    h2Test(`python3-h2: ${scenario}`, async (served) => {
      const { port, scheme } = served;
      const args = [script, scenario, scheme, String(port), CA_FILE];
      const { text, errors, code } = await output(PYTHON, args);
      assertEquals([text, errors, code], ["As it should be\n", "", 0]);
      assertEquals(served.versions, new Set(["2"]));
    });
  }
}

function nginx(far: number, scheme: Scheme): Promise<Server> {
  return startNginx((port) => [
    "client_max_body_size 0;",
    `upstream far { server ${hostname}:${far}; keepalive 32; }`,
    `server { listen ${hostname}:${port};`,
    `location / { grpc_pass ${{ http: "grpc", https: "grpcs" }[scheme]}://far; }`,
    "}",
  ]);
}

function haproxy(far: number, scheme: Scheme): Promise<Server> {
  const secured = scheme === "http" ? "proto h2" : "ssl verify none alpn h2";
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
      `server far ${hostname}:${far} ${secured}`,
    ]),
  ]);
}

for (const [command, front] of Object.entries({ nginx, haproxy })) {
  if (!hasCommand(command)) continue;
  h2Test(`${command} passes all kinds of requests on by HTTP/2, and aborts`, async (served) => {
    const proxy = await front(served.port, served.scheme);
    try {
      let more = 400;
      const goesOn = () => more-- > 0;
      const { whole, aborted } = await mixedLoad(proxy.port, { clients: 16, seed: 11, goesOn });
      assert(whole > 100 && aborted > 100);
      const { requests, accepted } = served.server.statistics();
      assert(accepted < requests, "connections are used again");
      assertEquals(served.versions, new Set(["2"]));
    } finally {
      await stop(proxy);
    }
  });
}

if (hasCommand("chromium")) {
  h2Test("Chromium streams both ways, and gets many at once", async (served) => {
    await using browser = await Browser.start();
    await browser.trustAll();
    await browser.open(`https://localhost:${served.port}/asked`);
    // It sends streams by HTTP/2 only.
    const streamed = `(async () => {
      let piece = 0;
      const body = new ReadableStream({
        pull(controller) {
          if (++piece > 100) controller.close();
          else controller.enqueue(new Uint8Array(10_000).fill(piece));
        },
      });
      const answer = await fetch("/echo", { method: "POST", body, duplex: "half" });
      return (await answer.bytes()).reduce((sum, byte) => sum + byte, 0);
    })()`;
    assertEquals(await browser.evaluate(streamed), 10_000 * 100 * 101 / 2);
    const many = `Promise.all(Array.from({ length: 100 }, async (_, i) => {
      const answer = await fetch("/download?size=" + 1000 * i);
      return (await answer.arrayBuffer()).byteLength === 1000 * i;
    }))`;
    assertEquals(await browser.evaluate(many), Array(100).fill(true));
    const protocols =
      "performance.getEntriesByType('resource').map((entry) => entry.nextHopProtocol)";
    assertEquals(new Set(await browser.evaluate(protocols) as string[]), new Set(["h2"]));
    assertEquals(served.versions, new Set(["2"]));
    assertEquals(browser.problems, []);
    await browser.open("about:blank");
  }, ["https"]);
}
