/** The examples that move bytes, with both back ends, and with and without the calls of the kernel. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import net from "node:net";
import { once } from "node:events";
import { call, type Coroutine } from "../../compose/mod.ts";
import { asProcess, memory, TimeoutError } from "../../gio/mod.ts";
import { json } from "../../examples/_reported.ts";
import { Refused, socks5 } from "../../examples/socks5.ts";
import { hasCommand, output } from "../_peers.ts";
import {
  assertSameBytes,
  concat,
  pattern,
  readAll,
  readSome,
  stalled,
  writeAll,
} from "../reactor/_transfer_ends.ts";
import { ExampleServer, runExample, waitedFor } from "./_server.ts";
import { hostname } from "../_sockets.ts";

const linux = Deno.build.os === "linux";
const MB = 1_000_000;
const COPIED = /^The bytes are copied: [^\n]+\n$/;

/** The back end, and whether the kernel may be called. */
const WAYS: [selector: string, ffi: boolean][] = linux
  ? [["deno", false], ["deno", true], ["epoll", true]]
  : [["deno", false]];

/** Starts an example in one of the ways. */
type Start = (args: string[], permissions?: string[]) => Promise<ExampleServer>;

/** A test of the example that the name begins with, in each of the ways; it needs the commands `peers`. */
function test(name: string, fn: (start: Start, ffi: boolean) => Promise<void>, ...peers: string[]) {
  const example = name.split(" ")[0]!;
  for (const [selector, ffi] of WAYS) {
    const ignore = !peers.every(hasCommand);
    const way = `(${selector}${ffi ? ", ffi" : ""})`;
    Deno.test({ name: `${name} ${way}`, ignore }, async () => {
      const start: Start = (args, permissions = []) =>
        ExampleServer.start(example, ["--port", "0", "--selector", selector, ...args], [
          "--allow-net",
          ...ffi ? ["--allow-ffi"] : [],
          ...permissions,
        ]);
      await fn(start, ffi);
    });
  }
}

/** Ends it, which should be without an error, but for saying that it copies where it cannot do better. */
async function assertStops(server: ExampleServer, ffi: boolean): Promise<void> {
  const { code, errors } = await server.stop("SIGINT");
  assertEquals(code, 0);
  if (ffi) assertEquals(errors, "");
  else assertMatch(errors, COPIED);
}

/** Waits until no more descriptors are open than before. */
async function assertCloses(server: ExampleServer, before: number): Promise<void> {
  await waitedFor(() => server.descriptors <= before);
  assert(server.descriptors <= before, `${server.descriptors} descriptors, ${before} before`);
}

/** What is behind a relay. */
class Upstream implements Disposable {
  readonly #listener = Deno.listen({ hostname, port: 0 });
  readonly port = this.#listener.addr.port;
  readonly address = `${hostname}:${this.port}`;

  accept(): Promise<Deno.TcpConn> {
    return this.#listener.accept();
  }

  /** Reads everything, answers, and ends. */
  async serve(answer: Uint8Array): Promise<Uint8Array> {
    using conn = await this.accept();
    const received = await readAll(() => readSome(conn));
    await writeAll(conn, answer);
    return received;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

function folder() {
  const path = Deno.realPathSync(Deno.makeTempDirSync());
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** One direction, as it is reported. */
function assertMoved(
  moved: { bytes: number; spliced: number; copied: number },
  bytes: number,
  ffi: boolean,
): void {
  assertEquals([moved.bytes, moved.spliced + moved.copied], [bytes, bytes]);
  if (bytes >= MB || !ffi) assertEquals(moved.spliced > 0, ffi);
}

test(
  "relay.ts moves both ways between socat and a server, and tells how much",
  async (start, ffi) => {
    using upstream = new Upstream();
    await using server = await start(["--to", upstream.address]);
    const [request, response] = [pattern(3 * MB + 1, 1), pattern(2 * MB + 1, 2)];
    for (let i = 0; i < 2; i++) {
      const [received, { stdout }] = await Promise.all([
        upstream.serve(response),
        output("socat", ["-t20", "-", `TCP:${hostname}:${server.port}`], request),
      ]);
      assertSameBytes(received, request);
      assertSameBytes(stdout, response);
      const { from, to, forth, back, seconds, ...rest } = JSON.parse(await server.line());
      assertMatch(from, /^127\.0\.0\.1:\d+$/);
      assertEquals([to, typeof seconds, rest], [upstream.address, "number", {}]);
      assertMoved(forth, request.length, ffi);
      assertMoved(back, response.length, ffi);
    }
    await assertStops(server, ffi);
  },
  "socat",
);

test("relay.ts passes on each half-close by itself", async (start, ffi) => {
  using upstream = new Upstream();
  await using server = await start(["--to", upstream.address]);
  using client = await Deno.connect({ hostname, port: server.port });
  using conn = await upstream.accept();
  await conn.closeWrite();
  assertEquals(await readSome(client), null);
  await writeAll(client, pattern(10));
  assertSameBytes((await readSome(conn))!, pattern(10));
  await client.closeWrite();
  assertEquals(await readSome(conn), null);
  const { forth, back, error } = JSON.parse(await server.line());
  assertEquals([forth.bytes, back.bytes, error], [10, 0, undefined]);
  await assertStops(server, ffi);
});

test(
  "relay.ts cuts both ends and says why when a client resets its connection",
  async (start, ffi) => {
    using upstream = new Upstream();
    await using server = await start(["--to", upstream.address]);
    const before = linux ? server.descriptors : 0;
    const client = net.connect({ host: hostname, port: server.port });
    using conn = await upstream.accept();
    client.write(pattern(1000));
    assertEquals((await readSome(conn))?.length, 1000);
    client.resetAndDestroy();
    const read = readSome(conn);
    if (ffi) await assertRejects(() => read, Deno.errors.ConnectionReset);
    else assertEquals(await read, null);
    const { forth, error } = JSON.parse(await server.line());
    assertEquals(forth.bytes, 1000);
    assertMatch(error, /^Cannot (read|write) [^\n]*: Connection reset by peer/);
    if (linux) await assertCloses(server, before);
    await assertStops(server, ffi);
  },
);

test(
  "relay.ts closes the connection and says why when there is nobody to relay to",
  async (start, ffi) => {
    const free = new Upstream();
    free[Symbol.dispose]();
    await using server = await start(["--to", free.address]);
    using client = await Deno.connect({ hostname, port: server.port });
    try {
      assertEquals(await readSome(client), null);
    } catch (error) {
      assert(error instanceof Deno.errors.ConnectionReset);
    }
    const { to, error, forth } = JSON.parse(await server.line());
    assertEquals([to, forth], [free.address, undefined]);
    assertMatch(error, /refused/);
    await assertStops(server, ffi);
  },
);

test("relay.ts ends cleanly with connections open, of which it tells", async (start, ffi) => {
  using upstream = new Upstream();
  await using server = await start(["--to", upstream.address]);
  using client = await Deno.connect({ hostname, port: server.port });
  using conn = await upstream.accept();
  await writeAll(client, pattern(10));
  assertEquals((await readSome(conn))?.length, 10);
  server.signal("SIGTERM");
  const { forth, error } = JSON.parse(await server.line());
  assertEquals([forth.bytes, error], [10, "The relay was stopped"]);
  const { code, errors } = await server.ended();
  assertEquals(code, 0);
  assertMatch(errors, ffi ? /^$/ : COPIED);
});

/** How each relay begins to relay to the upstream, once a client is connected. */
const RELAYS: Record<string, { args(to: string): string[]; hello(port: number): number[] }> = {
  "relay.ts": { args: (to) => ["--to", to], hello: () => [] },
  "socks5.ts": {
    args: () => [],
    hello: (port) => [...GREETING, ...CONNECT, ...IPV4, port >> 8, port & 0xff],
  },
};
for (const [example, { args, hello }] of Object.entries(RELAYS)) {
  test(
    `${example} stopped in the middle of a transfer to a slow peer gives nobody a clean end`,
    async (start, ffi) => {
      using upstream = new Upstream();
      await using server = await start(args(upstream.address));
      using client = await Deno.connect({ hostname, port: server.port });
      await writeAll(client, new Uint8Array(hello(upstream.port)));
      using conn = await upstream.accept();
      // More than all buffers on the way take, and the peer reads none of it.
      const progress = { transferred: { bytes: 0 } };
      const sent = (async () => {
        for (let i = 0; i < 64; i++) {
          await writeAll(client, pattern(MB));
          progress.transferred.bytes += MB;
        }
      })().catch((error) => error);
      await stalled(progress);
      server.signal("SIGTERM");
      assertEquals(JSON.parse(await server.line()).error, "The relay was stopped");
      const read = readAll(() => readSome(conn));
      if (ffi) await assertRejects(() => read, Deno.errors.ConnectionReset);
      else assert((await read).length < 64 * MB); // Deno cannot reset: only the report tells.
      assert(await sent instanceof Error);
      assertEquals((await server.ended()).code, 0);
    },
  );
}

Deno.test("relay.ts --copy copies, as was asked for", async () => {
  using upstream = new Upstream();
  const permissions = ["--allow-net", "--allow-ffi"];
  const args = ["--port", "0", "--to", `localhost:${upstream.port}`, "--copy"];
  await using server = await ExampleServer.start("relay.ts", args, permissions);
  using client = await Deno.connect({ hostname, port: server.port });
  const received = upstream.serve(new Uint8Array(0));
  await writeAll(client, pattern(MB));
  await client.closeWrite();
  assertSameBytes(await received, pattern(MB));
  assertEquals(JSON.parse(await server.line()).forth, { bytes: MB, spliced: 0, copied: MB });
  assertEquals(await server.stop(), { code: 0, errors: "" });
});

test("tap.ts records what clients send while it relays", async (start, ffi) => {
  using upstream = new Upstream();
  using records = folder();
  const args = ["--to", upstream.address, "--record", records.path];
  await using server = await start(args, [`--allow-write=${records.path}`]);
  const seen = new Set<string>();
  for (const seed of [1, 2]) {
    const [request, response] = [pattern(3 * MB + seed, seed), pattern(2 * MB, 9)];
    const [received, { stdout }] = await Promise.all([
      upstream.serve(response),
      output("socat", ["-t20", "-", `TCP:${hostname}:${server.port}`], request),
    ]);
    assertSameBytes(received, request);
    assertSameBytes(stdout, response);
    const { record, forth, back, error } = JSON.parse(await server.line());
    assertEquals(error, undefined);
    assertMoved(forth, request.length, ffi);
    assertMoved(back, response.length, ffi);
    assertSameBytes(await Deno.readFile(record), request);
    seen.add(record);
  }
  assertEquals(seen.size, 2);
  await assertStops(server, ffi);
}, "socat");

test("tap.ts does not relay what it cannot record", async (start, ffi) => {
  using upstream = new Upstream();
  using records = folder();
  const args = ["--to", upstream.address, "--record", `${records.path}/missing`];
  await using server = await start(args, [`--allow-write=${records.path}`]);
  using client = await Deno.connect({ hostname, port: server.port });
  // It resets both, the one to the upstream perhaps before that has accepted it: then there is nobody to accept.
  const { NotConnected, ConnectionReset } = Deno.errors;
  using conn = await upstream.accept().catch((error) => {
    assert(error instanceof NotConnected, String(error));
    return null;
  });
  for (const end of [client, conn]) {
    if (end === null) continue;
    await readSome(end).then(
      (bytes) => assertEquals(bytes, null),
      (error) => assert(error instanceof ConnectionReset),
    );
  }
  assertMatch(JSON.parse(await server.line()).error, /^No such file or directory/);
  await assertStops(server, ffi);
});

test("send_file.ts serves the files of a directory to curl", async (start, ffi) => {
  using files = folder();
  const content = pattern(5 * MB + 1);
  Deno.mkdirSync(`${files.path}/served/a b`, { recursive: true });
  Deno.writeFileSync(`${files.path}/served/a b/é`, content);
  Deno.writeFileSync(`${files.path}/served/empty`, new Uint8Array(0));
  const directory = `${files.path}/served`;
  await using server = await start(["--dir", directory], [`--allow-read=${directory}`]);
  const before = linux ? server.descriptors : 0;
  const url = `${server.url}a%20b/%C3%A9`;
  const get = await output("curl", ["-sSv", url]);
  assertSameBytes(get.stdout, content);
  assertMatch(get.errors, /< HTTP\/1\.1 200 OK\r\n[^]*< content-length: 5000001\r\n/);

  assertSameBytes((await output("curl", ["-sS0", `${url}?query`])).stdout, content);
  const head = await output("curl", ["-sSI", url]);
  assertMatch(head.text, /^HTTP\/1\.1 200 OK\r\n[^]*content-length: 5000001\r\n[^]*\r\n$/);
  const empty = await output("curl", ["-sSi", `${server.url}empty`]);
  assertMatch(empty.text, /^HTTP\/1\.1 200 OK\r\n[^]*content-length: 0\r\n[^]*\r\n$/);

  const several = await Promise.all(Array.from({ length: 10 }, () => output("curl", ["-sS", url])));
  for (const { stdout } of several) assertSameBytes(stdout, content);
  if (linux) await assertCloses(server, before);
  await assertStops(server, ffi);
}, "curl");

test("files.ts serves a directory with its listing to curl", async (start, ffi) => {
  using files = folder();
  const content = pattern(5 * MB + 1);
  Deno.mkdirSync(`${files.path}/served/sub`, { recursive: true });
  Deno.writeFileSync(`${files.path}/served/sub/large`, content);
  Deno.writeTextFileSync(`${files.path}/secret`, "secret");
  Deno.symlinkSync(`${files.path}/secret`, `${files.path}/served/link`);
  const directory = `${files.path}/served`;
  await using server = await start(["--dir", directory], [`--allow-read=${directory}`]);
  const before = linux ? server.descriptors : 0;
  assertSameBytes((await output("curl", ["-sS", `${server.url}sub/large`])).stdout, content);
  const part = await output("curl", ["-sS", "-r", "1000000-3999999", `${server.url}sub/large`]);
  assertSameBytes(part.stdout, content.subarray(MB, 4 * MB));
  const page = (await output("curl", ["-sSL", `${server.url}sub`])).text;
  assertStringIncludes(page, `<a href="./large">large</a>`);
  const status = ["-s", "-o", "-", "-w", "%{http_code}"];
  assertEquals((await output("curl", [...status, `${server.url}link`])).text, "Not Found404");
  if (linux) await assertCloses(server, before);
  assertMatch(await server.line(), /"GET \/sub\/large HTTP\/1.1" 200 5000001$/);
  await assertStops(server, ffi);
}, "curl");

test("send_file.ts gives nothing that is elsewhere, or no file", async (start, ffi) => {
  using files = folder();
  const directory = `${files.path}/served`;
  Deno.mkdirSync(`${directory}/sub`, { recursive: true });
  Deno.mkdirSync(`${directory}-too`);
  for (const name of ["secret", "served-too/secret", "served/file"]) {
    Deno.writeTextFileSync(`${files.path}/${name}`, "some text");
  }
  const links = { out: `${files.path}/secret`, in: "file", loop: "loop", gone: "nowhere" };
  for (const [name, to] of Object.entries(links)) Deno.symlinkSync(to, `${directory}/${name}`);
  if (linux) await output("mkfifo", [`${directory}/fifo`]);
  // Both when only the directory may be read, and when Deno would let it read everything.
  for (const permission of [`--allow-read=${directory}`, "--allow-read"]) {
    await using server = await start(["--dir", directory], [permission]);
    const cases: [path: string, status: number][] = [
      ["file", 200],
      ["sub/../file", 200],
      ["in", 200],
      ...[
        "",
        "missing",
        "sub",
        "fifo",
        "file/x",
        "../secret",
        "../served-too/secret",
        "sub/../../secret",
        "%2e%2e/secret",
        "..%2fsecret",
        "%2E%2E%2Fsecret",
        "%2fetc%2fpasswd",
        "..%5csecret",
        "%00",
        "file%00.txt",
        "%",
        "%ff",
        "out",
        "loop",
        "gone",
        "x".repeat(5000),
      ].map((path): [string, number] => [path, 404]),
    ];
    // One program asks for all of them.
    const urls = cases.map(([path]) => server.url + path);
    const args = ["-s", "--globoff", "-w", "%{http_code} %{url}\n", "--path-as-is", ...urls];
    const { text } = await output("curl", args);
    const expected = cases.map(([path, status]) =>
      `${status === 200 ? "some text" : ""}${status} ${server.url}${path}\n`
    );
    assertEquals(text, expected.join(""));
    await assertStops(server, ffi);
  }
}, "curl");

test(
  "send_file.ts refuses what is not GET, HEAD or HTTP, and survives who goes away",
  async (start, ffi) => {
    using files = folder();
    Deno.writeFileSync(`${files.path}/big`, new Uint8Array(20 * MB));
    await using server = await start(["--dir", files.path], [`--allow-read=${files.path}`]);
    const before = linux ? server.descriptors : 0;
    const refused: [request: string, status: RegExp][] = [
      [
        "POST /big HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        /^HTTP\/1\.1 405 [^]*allow: GET, HEAD\r\n/,
      ],
      ["NONSENSE\r\n\r\n", /^HTTP\/1\.1 400 /],
      ["GET big HTTP/1.1\r\nhost: x\r\n\r\n", /^HTTP\/1\.1 400 /],
      ["GET /big HTTP/2\r\nhost: x\r\n\r\n", /^HTTP\/1\.1 400 /],
      ["x: y\r\nGET /big HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 400 /],
      ["GET /big", /^HTTP\/1\.1 400 /], // and no more
      [`GET /${"x".repeat(20_000)}`, /^HTTP\/1\.1 414 /],
    ];
    for (const [request, status] of refused) {
      using conn = await Deno.connect({ hostname, port: server.port });
      await conn.write(new TextEncoder().encode(request));
      await conn.closeWrite();
      const text = new TextDecoder().decode(await readAll(() => readSome(conn)));
      assertMatch(text, status, request);
    }
    for (const how of ["destroy", "resetAndDestroy"] as const) {
      const client = net.connect({ host: hostname, port: server.port });
      client.write("GET /big HTTP/1.1\r\nhost: x\r\n\r\n");
      await once(client, "data");
      client[how]();
    }
    if (linux) await assertCloses(server, before);
    await assertStops(server, ffi);
  },
);

Deno.test({
  name: "send_file.ts answers for a file that it may not open as for one that is not there",
  ignore: !linux || !hasCommand("setpriv") || !hasCommand("curl"),
  async fn() {
    using files = folder();
    using cache = folder();
    await Deno.writeTextFile(`${files.path}/secret`, "some text");
    await Deno.chmod(files.path, 0o755);
    await Deno.chmod(`${files.path}/secret`, 0);
    // To root nothing is forbidden.
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    if (Deno.uid() === 0) await Deno.chown(cache.path, 65534, 65534);
    await using server = await ExampleServer.start(
      "send_file.ts",
      ["--port", "0", "--dir", files.path],
      ["--allow-net", `--allow-read=${files.path}`],
      [...Deno.uid() === 0 ? nobody : [], "env", `DENO_DIR=${cache.path}`],
    );
    const args = ["-s", "-o", "-", "-w", "%{http_code}", `${server.url}secret`];
    assertEquals((await output("curl", args)).text, "404");
    await assertStops(server, false);
  },
});

for (const selector of linux ? ["deno", "epoll"] : []) {
  Deno.test(`send_file.ts answers 503 when it cannot open any file (${selector})`, async () => {
    using files = folder();
    await Deno.writeTextFile(`${files.path}/there`, "some text");
    await using server = await ExampleServer.start(
      "send_file.ts",
      ["--port", "0", "--dir", files.path, "--selector", selector],
      ["--allow-net", "--allow-read", "--allow-ffi"],
      ["sh", "-c", 'ulimit -n 64 && exec "$0" "$@"'],
    );
    const conns: Deno.TcpConn[] = [];
    while (conns.length < 64) conns.push(await Deno.connect({ hostname, port: server.port }));
    // Until it has accepted all that it can.
    assert(await waitedFor(() => server.descriptors >= 64));
    for (const [target, status] of [["/there", 503], ["/missing", 404]] as const) {
      const conn = conns.shift()!;
      await conn.write(new TextEncoder().encode(`GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`));
      assertMatch(
        new TextDecoder().decode((await readSome(conn))!),
        new RegExp(`^HTTP/1.1 ${status}`),
      );
      if (status === 503) assert(await waitedFor(() => server.descriptors >= 64));
      conn.close();
    }
    for (const conn of conns) conn.close();
    const { errors } = await server.stop();
    assertMatch(errors, /Too many open files/);
  });
}

Deno.test("a report escapes what a terminal would obey, and stays the same JSON", () => {
  const text = "\x1b[2J\x07\x7f\x9b31m\u202e\u2028\u200b\u{e0041}é日😀\\u0041";
  const line = json({ error: text });
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x1f\x7f-\x9f\p{Cf}\u2028\u2029]/u.test(line), false);
  assertStringIncludes(line, "é日😀");
  assertEquals(JSON.parse(line), { error: text });
});

const GREETING = [5, 1, 0];
const IPV4 = [1, 127, 0, 0, 1], PORT = [0x1f, 0x90];
const NAME = [3, 9, ...new TextEncoder().encode("localhost")];
const IPV6 = [4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 0xcd];
const CONNECT = [5, 1, 0];

function refusedBy(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** What is received, what is sent, and where it is connected to or why not. */
const SOCKS: {
  name: string;
  input: number[];
  sent: number[];
  to?: { hostname: string; port: number };
  local?: { hostname: string; port: number };
  fails?: Error;
  refused?: RegExp;
}[] = [
  {
    name: "connects to an IPv4 address",
    input: [...GREETING, ...CONNECT, ...IPV4, ...PORT],
    sent: [5, 0, 5, 0, 0, 1, 10, 0, 0, 1, 1, 2],
    to: { hostname: "127.0.0.1", port: 8080 },
    local: { hostname: "10.0.0.1", port: 258 },
  },
  {
    name: "connects to a name",
    input: [5, 3, 2, 1, 0, ...CONNECT, ...NAME, 0, 80],
    sent: [5, 0, 5, 0, 0, 4, ...new Array(15).fill(0), 1, 0xff, 0xff],
    to: { hostname: "localhost", port: 80 },
    local: { hostname: "::1", port: 65535 },
  },
  {
    name: "connects to an IPv6 address",
    input: [...GREETING, ...CONNECT, ...IPV6, 0xff, 0xff],
    sent: [5, 0, 5, 0, 0, ...IPV6, 0, 1],
    to: { hostname: "2001:db8:0:0:0:0:0:abcd", port: 65535 },
    local: { hostname: "2001:db8::abcd", port: 1 },
  },
  {
    name: "tells an address that is IPv4 in IPv6 as IPv4",
    input: [...GREETING, ...CONNECT, ...IPV4, ...PORT],
    sent: [5, 0, 5, 0, 0, 1, 10, 0, 0, 1, 0, 1],
    to: { hostname: "127.0.0.1", port: 8080 },
    local: { hostname: "::ffff:10.0.0.1", port: 1 },
  },
  {
    name: "tells an address without zeros",
    input: [...GREETING, ...CONNECT, ...IPV4, ...PORT],
    sent: [5, 0, 5, 0, 0, 4, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 1],
    to: { hostname: "127.0.0.1", port: 8080 },
    local: { hostname: "1:2:3:4:5:6:7:8", port: 1 },
  },
  {
    name: "accepts nobody who must authenticate",
    input: [5, 2, 1, 2],
    sent: [5, 0xff],
    refused: /^Cannot authenticate/,
  },
  {
    name: "accepts no method if there is none",
    input: [5, 0],
    sent: [5, 0xff],
    refused: /^Cannot/,
  },
  {
    name: "does not answer another version",
    input: [4, 1, 0, 80, 127, 0, 0, 1],
    sent: [],
    refused: /^Cannot speak version 4 /,
  },
  {
    name: "does not answer another version of the request",
    input: [...GREETING, 4, 1, 0, ...IPV4, ...PORT],
    sent: [5, 0],
    refused: /^Cannot speak version 4 /,
  },
  ...[2, 3, 9].map((command) => ({
    name: `does not support command ${command}`,
    input: [...GREETING, 5, command, 0, ...NAME, ...PORT],
    sent: [5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0],
    refused: /^Cannot do command \d: only CONNECT$/,
  })),
  {
    name: "does not support another type of address",
    input: [...GREETING, ...CONNECT, 2, 0],
    sent: [5, 0, 5, 8, 0, 1, 0, 0, 0, 0, 0, 0],
    refused: /address of type 2$/,
  },
  ...([
    [2, new Deno.errors.NotCapable("Requires net access")],
    [3, refusedBy("ENETUNREACH")],
    [4, refusedBy("EHOSTUNREACH")],
    [4, refusedBy("ETIMEDOUT")],
    [4, new TimeoutError("Timed out")],
    [4, new Error("failed to lookup address information: Name or service not known")],
    [5, new Deno.errors.ConnectionRefused("Connection refused")],
    [1, new Error("anything else")],
  ] as [number, Error][]).map(([code, error]) => ({
    name: `replies ${code} to ${error.message}`,
    input: [...GREETING, ...CONNECT, ...NAME, ...PORT],
    sent: [5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0],
    to: { hostname: "localhost", port: 8080 },
    fails: error,
    refused: new RegExp(error.message),
  })),
];

/** Runs the protocol on chunks of what is received: without a socket, and up to where the rest is for somebody else. */
async function negotiated(chunks: Uint8Array[], { local, fails }: typeof SOCKS[number]) {
  const connection = memory(...chunks);
  const asked: unknown[] = [];
  let refusal: unknown;
  let rest: Uint8Array[] = [];
  await asProcess(
    function* () {
      try {
        yield* call(socks5(function* (to): Coroutine<{ hostname: string; port: number }> {
          asked.push(to);
          if (fails !== undefined) throw fails;
          return local!;
        }));
        for (;;) rest = [...rest, yield];
      } catch (error) {
        refusal = error;
      }
    }(),
    { connection, selector: "deno" },
  );
  return { sent: [...connection.bytes], asked, refusal, rest: [...concat(rest)] };
}

for (const one of SOCKS) {
  Deno.test(`socks5() ${one.name}, whole, byte by byte and cut anywhere`, async () => {
    const payload = one.refused === undefined ? [1, 2, 3] : [];
    const input = new Uint8Array([...one.input, ...payload]);
    const cuts = Array.from(input, (_, at) => [input.subarray(0, at), input.subarray(at)]);
    for (const chunks of [...cuts, Array.from(input, (byte) => new Uint8Array([byte]))]) {
      const { sent, asked, refusal, rest } = await negotiated(chunks.filter((c) => c.length), one);
      assertEquals(sent, one.sent);
      assertEquals(asked, one.to === undefined ? [] : [one.to]);
      if (one.refused === undefined) assertEquals(rest, payload);
      else {
        assert(refusal instanceof Refused);
        assertMatch(refusal.message, one.refused);
      }
    }
  });
}

Deno.test("socks5() ends quietly when the client does, wherever that is", async () => {
  const input = new Uint8Array([...GREETING, ...CONNECT, ...IPV6, ...PORT]);
  for (let at = 0; at < input.length; at++) {
    const { sent, asked, refusal } = await negotiated([input.subarray(0, at)], SOCKS[2]!);
    assertEquals([sent, asked], [at < 3 ? [] : [5, 0], []]);
    assertEquals((refusal as Error).name, "EndOfStream");
  }
});

test("socks5.ts takes curl to a server by address and by name", async (start, ffi) => {
  await using target = Deno.serve(
    { hostname, port: 0, onListen() {} },
    (request) => new Response(request.body),
  );
  await using server = await start([]);
  const before = linux ? server.descriptors : 0;
  const proxy = `${hostname}:${server.port}`;
  const data = pattern(2 * MB);
  for (const [how, host] of [["--socks5", hostname], ["--socks5-hostname", "localhost"]] as const) {
    const url = `http://${host}:${target.addr.port}/`;
    const args = ["-sS", how, proxy, "-H", "Expect:", "--data-binary", "@-", url];
    assertSameBytes((await output("curl", args, data)).stdout, data);
    const { to, forth, back, error } = JSON.parse(await server.line());
    assertEquals([to, error], [`${host}:${target.addr.port}`, undefined]);
    assert(forth.bytes > data.length && back.bytes > data.length);
    assertMoved(forth, forth.bytes, ffi);
    assertMoved(back, back.bytes, ffi);
  }
  if (linux) await assertCloses(server, before);
  await assertStops(server, ffi);
}, "curl");

test("socks5.ts tells curl why it cannot connect", async (start, ffi) => {
  const free = new Upstream();
  free[Symbol.dispose]();
  await using server = await start([]);
  const curl = (host: string) =>
    output("curl", ["-sS", "-g", "--socks5-hostname", `${hostname}:${server.port}`, host]);
  const refused = await curl(`http://${free.address}/`);
  assertEquals(refused.code, 97);
  assertMatch(refused.errors, /\(5\)\s*$/);
  const { to, error } = JSON.parse(await server.line());
  assertEquals(to, free.address);
  assertMatch(error, /refused/);
  assertEquals((await curl("http://[::1]:1/")).code, 97);
  assertEquals(JSON.parse(await server.line()).to, "[0:0:0:0:0:0:0:1]:1");
  await assertStops(server, ffi);
}, "curl");

Deno.test("socks5.ts connects only where it is permitted to", async () => {
  const permissions = [`--allow-net=${hostname}:0`];
  await using server = await ExampleServer.start("socks5.ts", ["--port", "0"], permissions);
  using client = await Deno.connect({ hostname, port: server.port });
  await writeAll(client, new Uint8Array([...GREETING, ...CONNECT, ...IPV4, ...PORT]));
  const reply = await readAll(() => readSome(client));
  assertEquals([...reply], [5, 0, 5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
  assertMatch(JSON.parse(await server.line()).error, /^Requires net access/);
  await assertStops(server, false);
});

test(
  "socks5.ts serves a client that sends everything at once, and one that says nonsense",
  async (start, ffi) => {
    using upstream = new Upstream();
    await using server = await start([]);
    const { port } = upstream;
    const request = [...GREETING, ...CONNECT, ...IPV4, port >> 8, port & 0xff];
    {
      using client = await Deno.connect({ hostname, port: server.port });
      await writeAll(client, concat([new Uint8Array(request), pattern(100_000)]));
      await client.closeWrite();
      const served = upstream.serve(pattern(10));
      const reply = await readAll(() => readSome(client));
      assertSameBytes(await served, pattern(100_000));
      assertEquals([...reply.subarray(0, 9)], [5, 0, 5, 0, 0, 1, 127, 0, 0]);
      assertSameBytes(reply.subarray(12), pattern(10));
      assertEquals(JSON.parse(await server.line()).forth.bytes, 100_000);
    }
    using client = await Deno.connect({ hostname, port: server.port });
    await writeAll(client, new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    assertEquals(await readSome(client), null);
    assertMatch(JSON.parse(await server.line()).error, /^Cannot speak version 71 of SOCKS$/);
    await assertStops(server, ffi);
  },
);

Deno.test("the examples that move bytes answer bad options by one line and exit code 1", async () => {
  using taken = Deno.listen({ hostname, port: 0 });
  const busy = ["--port", String(taken.addr.port)];
  const to = ["--to", "localhost:8000"];
  using files = folder();
  const cases: [example: string, args: string[], message: RegExp][] = [
    ["relay.ts", [], /^Cannot use --to "": it must be HOST:PORT, such as localhost:8000$/],
    ["relay.ts", ["--to", "localhost"], /^Cannot use --to "localhost": it must be HOST:PORT/],
    ["relay.ts", ["--to", "::1:80"], /^Cannot use --to "::1:80": it must be HOST:PORT/],
    ["relay.ts", ["--to", "localhost:0"], /^Cannot use the port of --to 0: it must be a number/],
    [
      "relay.ts",
      ["--to", "[::1]:65536"],
      /^Cannot use the port of --to 65536: it must be a number/,
    ],
    ["relay.ts", [...to, "--port", "x"], /^Cannot use port x: /],
    ["relay.ts", [...to, "--selector", "poll"], /^Cannot use selector poll: /],
    ["relay.ts", [...to, "--colour", "red"], /^Unknown option '--colour'/],
    ["relay.ts", [...to, "--copy", ...busy], /^Cannot start: [^\n]*[Aa]ddress[^\n]*in use[^\n]*$/],
    ["socks5.ts", ["--port", "-1"], /^[^\n]*port[^\n]*$/],
    ["tap.ts", to, /^Cannot record without --record DIR$/],
    ["tap.ts", ["--record", "."], /^Cannot use --to "": /],
    ["files.ts", [], /^Cannot serve --dir "": [^\n]+$/],
    ["files.ts", ["--dir", `${files.path}/missing`], /^Cannot serve --dir "[^\n]+$/],
    ["send_file.ts", [], /^Cannot serve --dir "": [^\n]+$/],
    ["send_file.ts", ["--dir", `${files.path}/missing`], /^Cannot serve --dir "[^\n]+$/],
    ["send_file.ts", ["--dir", files.path, "--port", "x"], /^Cannot use port x: /],
  ];
  await Promise.all(cases.map(async ([example, args, message]) => {
    const allowed = ["--allow-net", "--allow-read"];
    const { code, stdout, stderr } = await runExample(example, args, allowed);
    assertEquals([code, stdout], [1, ""], args.join(" "));
    assertMatch(stderr.trimEnd(), message, args.join(" "));
  }));
});
