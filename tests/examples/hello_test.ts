import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { hasCommand, output } from "../_peers.ts";
import { ExampleServer, runExample, waitedFor } from "./_server.ts";
import { fileURLToPath } from "node:url";
import { SELECTORS } from "../_sockets.ts";
import { PATIENCE_MS, turns } from "../_leaks.ts";

const linux = Deno.build.os === "linux";

const start = (selector = "deno") =>
  ExampleServer.start("hello.ts", ["--port", "0", "--selector", selector], [
    "--allow-net",
    ...selector === "epoll" ? ["--allow-ffi"] : [],
  ]);

/** Registers a test for each kind of socket, with the program that is the client, if it is one. */
function serverTest(
  name: string,
  command: string | undefined,
  fn: (server: ExampleServer) => Promise<void>,
): void {
  const ignore = command !== undefined && !hasCommand(command);
  for (const selector of SELECTORS) {
    Deno.test({ name: `${name} (${selector})`, ignore }, async () => {
      await using server = await start(selector);
      await fn(server);
      assertEquals(await server.stop(), { code: 0, errors: "" });
    });
  }
}

/** How many descriptors the server has, when no connection is open but those of `fetch`. */
async function atRest(server: ExampleServer): Promise<number> {
  await (await fetch(server.url)).body?.cancel();
  return server.descriptors;
}

/** Fails when the descriptors do not become as few as they were. */
async function assertReleased(server: ExampleServer, before: number): Promise<void> {
  await waitedFor(() => server.descriptors <= before);
  assert(server.descriptors <= before, `${server.descriptors} descriptors, ${before} before`);
}

/** Everything that comes back until the server closes the connection. */
async function exchange(port: number, ...pieces: string[]): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  for (const piece of pieces) {
    await conn.write(new TextEncoder().encode(piece));
    if (pieces.length > 1) await turns(); // a segment each
  }
  let text = "";
  const buffer = new Uint8Array(65536);
  for (let n; (n = await conn.read(buffer)) !== null;) {
    text += new TextDecoder().decode(buffer.subarray(0, n));
  }
  return text;
}

/** 5 MB that no encoding leaves as it is. */
function bytes(size = 5_000_000): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(size);
  for (let i = 0; i < size; i++) data[i] = (i * 31 + (i >> 8)) & 0xff;
  return data;
}

serverTest("hello.ts answers curl", "curl", async (server) => {
  const get = await output("curl", ["-sv", server.url]);
  assertEquals(get.text, "Hello!");
  assertMatch(get.errors, /< HTTP\/1\.1 200 OK/);
  assertMatch(get.errors, /< content-type: text\/plain/i);
  assertMatch(get.errors, /< content-length: 6/i);

  const head = await output("curl", ["-sI", `${server.url}any/path?query`]);
  assertMatch(head.text, /^HTTP\/1\.1 200 OK\r\n/);
  assertMatch(head.text, /content-length: 6/i);

  const data = bytes();
  for (
    const args of [["-X", "POST"], ["-X", "PUT"], ["-H", "Transfer-Encoding: chunked"], ["-0"]]
  ) {
    const echoed = await output("curl", ["-s", ...args, "--data-binary", "@-", server.url], data);
    assertEquals(echoed.stdout.length, data.length, args.join(" "));
    assert(echoed.stdout.every((byte, i) => byte === data[i]), args.join(" "));
  }

  const refused = await output("curl", ["-si", "-X", "DELETE", server.url]);
  assertMatch(refused.text, /^HTTP\/1\.1 405 /);
  assertMatch(refused.text, /allow: GET, HEAD, POST, PUT/i);
});

serverTest(
  "hello.ts serves 20,000 requests of h2load without an error",
  "h2load",
  async (server) => {
    const before = await atRest(server);
    const { text } = await output("h2load", ["--h1", "-n", "20000", "-c", "64", server.url]);
    assertStringIncludes(text, "20000 succeeded, 0 failed, 0 errored, 0 timeout");
    assertStringIncludes(text, "status codes: 20000 2xx");
    await assertReleased(server, before);
  },
);

serverTest("hello.ts serves wrk without an error", "wrk", async (server) => {
  const before = await atRest(server);
  const pipeline = fileURLToPath(new URL("../../bench/peers/pipeline.lua", import.meta.url));
  await Promise.all([[], ["-s", pipeline]].map(async (args) => {
    const { text } = await output("wrk", ["-t1", "-c64", "-d1s", ...args, server.url]);
    assert(!/Socket errors|Non-2xx/.test(text), text);
    assert(Number(text.match(/(\d+) requests in/)![1]) > 100, text);
  }));
  await assertReleased(server, before);
});

serverTest("hello.ts serves fetch of Deno", undefined, async (server) => {
  const client = Deno.createHttpClient({});
  const get = await fetch(server.url, { client });
  assertEquals([get.status, get.headers.get("content-type"), await get.text()], [
    200,
    "text/plain",
    "Hello!",
  ]);
  const data = bytes(300_000);
  const post = await fetch(server.url, {
    client,
    method: "POST",
    body: new Blob([data]).stream(),
    headers: { "content-type": "text/html" },
  });
  assertEquals(post.headers.get("content-type"), "application/octet-stream");
  assertEquals(new Uint8Array(await post.arrayBuffer()), data);
  client.close();
});

serverTest("hello.ts serves fetch of Node", "node", async (server) => {
  const script = `
    const url = ${JSON.stringify(server.url)};
    const get = await fetch(url);
    const post = await fetch(url, { method: "POST", body: "x".repeat(100000) });
    console.log(get.status, get.headers.get("content-type"), await get.text(), (await post.text()).length);
  `;
  const { text, errors } = await output("node", ["--input-type=module", "-e", script]);
  assertEquals(errors, "");
  assertEquals(text.trim(), "200 text/plain Hello! 100000");
});

Deno.test("hello.ts answers a request that arrives byte by byte, and requests that arrive in one segment", async () => {
  await using server = await start();
  const last = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  assertMatch(await exchange(server.port, ...last), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nHello!$/);
  const three = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2) + last;
  assertEquals((await exchange(server.port, three)).match(/HTTP\/1\.1 200 OK/g)?.length, 3);
});

Deno.test("hello.ts answers a malformed request with 400 and closes", async () => {
  await using server = await start();
  assertMatch(
    await exchange(server.port, "NONSENSE\r\n\r\n"),
    /^HTTP\/1\.1 400 Bad Request\r\n[^]*connection: close/i,
  );
  assertEquals(await server.stop(), { code: 0, errors: "" });
});

serverTest(
  "hello.ts is not disturbed by clients that disconnect in the middle",
  undefined,
  async (server) => {
    const before = await atRest(server);
    const encoder = new TextEncoder();
    for (let i = 0; i < 20; i++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      // In the head, in the body, and while the answer is coming.
      const text = i % 3 === 0
        ? "GET / HTT"
        : "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n";
      await conn.write(encoder.encode(text));
      if (i % 3 === 2) await conn.write(new Uint8Array(100_000));
      conn.close();
    }
    assertEquals(await (await fetch(server.url)).text(), "Hello!");
    await assertReleased(server, before);
  },
);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`hello.ts ends cleanly on ${signal}, also with a connection open`, async () => {
    await using server = await start();
    using _conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await (await fetch(server.url)).text();
    assertEquals(await server.stop(signal), { code: 0, errors: "" });
  });
}

for (const selector of SELECTORS) {
  Deno.test(`hello.ts lets a client have its answer when it is told to end (${selector})`, async () => {
    await using server = await start(selector);
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const send = (text: string) => conn.write(new TextEncoder().encode(text));
    await send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfirst");
    const buffer = new Uint8Array(1000);
    let answer = "";
    const read = async () => {
      const length = await conn.read(buffer);
      answer += new TextDecoder().decode(buffer.subarray(0, length ?? 0));
      return length !== null;
    };
    while (!answer.includes("first")) await read();
    const ended = server.stop();
    assert(await refused(server.port), "it still listens");
    await send("later");
    while (await read());
    conn.close();
    assertMatch(answer, /^HTTP\/1\.1 200 OK\r\n[^]*first[^]*later[^]*\r\n0\r\n\r\n$/);
    assertEquals(await ended, { code: 0, errors: "" });
  });
}

/** Whether connections are refused before long. */
async function refused(port: number): Promise<boolean> {
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch {
      return true;
    }
  }
  return false;
}

const RUNS = ["--allow-net", "--allow-run"];

function descriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

for (const selector of SELECTORS) {
  Deno.test({
    name: `hello.ts --workers shares a port between processes, and ends all of them (${selector})`,
    ignore: !linux,
  }, async () => {
    const args = ["--port", "0", "--workers", "2", "--selector", selector];
    await using server = await ExampleServer.start("hello.ts", args, [...RUNS, "--allow-ffi"]);
    assertMatch(server.listening, / by 2 processes$/);
    const workers = server.children;
    assertEquals(workers.length, 2);
    const before = workers.map(descriptors);
    const conns = await Promise.all(
      Array.from({ length: 64 }, () => Deno.connect({ hostname: "127.0.0.1", port: server.port })),
    );
    for (const conn of conns) {
      await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
      assert(await conn.read(new Uint8Array(1000)));
    }
    const held = workers.map((pid, i) => descriptors(pid) - before[i]!);
    // The kernel spreads them by a hash: that one process got none of 64 does not happen.
    assert(held.every((n) => n > 0), `they hold ${held.join(" and ")} descriptors more`);
    for (const conn of conns) conn.close();
    assertEquals(await server.stop(), { code: 0, errors: "" });
    for (const pid of workers) assertThrows(() => descriptors(pid), Deno.errors.NotFound);
  });
}

Deno.test({
  name: "hello.ts --workers ends cleanly when all processes get the signal, as by Ctrl-C",
  ignore: !linux,
}, async () => {
  const args = ["--port", "0", "--workers", "2"];
  for (let i = 0; i < 3; i++) {
    await using server = await ExampleServer.start("hello.ts", args, RUNS);
    const { children } = server;
    server.signal("SIGINT");
    for (const pid of children) Deno.kill(pid, "SIGINT");
    assertEquals(await server.ended(), { code: 0, errors: "" });
  }
});

Deno.test({
  name: "hello.ts --workers ends when one of the processes does",
  ignore: !linux,
}, async () => {
  const args = ["--port", "0", "--workers", "2"];
  await using server = await ExampleServer.start("hello.ts", args, RUNS);
  const [one, other] = server.children;
  Deno.kill(one!, "SIGKILL");
  const { code, errors } = await server.ended();
  assertEquals(code, 1);
  assertEquals(errors, `Process ${one} has ended with code 137: so do all\n`);
  assertThrows(() => descriptors(other!), Deno.errors.NotFound);
});

Deno.test({
  name: "hello.ts --workers leaves no process behind when it is killed",
  ignore: !linux,
}, async () => {
  const args = ["--port", "0", "--workers", "2"];
  await using server = await ExampleServer.start("hello.ts", args, RUNS);
  const { children } = server;
  server.signal("SIGKILL");
  for (const pid of children) await gone(pid);
});

/** Waits until a process has ended. */
async function gone(pid: number): Promise<void> {
  const hasEnded = () => {
    try {
      return /^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
    } catch {
      return true;
    }
  };
  if (await waitedFor(hasEnded)) return;
  Deno.kill(pid, "SIGKILL");
  throw new Error(`Process ${pid} is still there`);
}

Deno.test("hello.ts --workers says in one line what it needs", async () => {
  const { code, stderr } = await runExample("hello.ts", ["--workers", "2"]);
  assertEquals([code, stderr], [1, "Cannot start processes: that needs --allow-run\n"]);
});

Deno.test("hello.ts answers bad options by one line and exit code 1", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const cases: [string[], RegExp][] = [
    [["--port", "70000"], /^Cannot use port 70000: it must be a number from 0 to 65535$/],
    [["--port", "-1"], /^[^\n]*port[^\n]*$/],
    [["--port", "http"], /^Cannot use port http: /],
    [["--colour", "red"], /^Unknown option '--colour'/],
    [["extra"], /^[^\n]*extra[^\n]*$/],
    [["--workers", "0"], /^Cannot use workers 0: it must be a number from 1 to 1000$/],
    [["--selector", "poll"], /^Cannot use selector poll: it must be auto, deno or epoll$/],
    [["--port", String(taken.addr.port)], /^Cannot start: [^\n]*[Aa]ddress[^\n]*in use[^\n]*$/],
  ];
  await Promise.all(cases.map(async ([args, message]) => {
    const { code, stdout, stderr } = await runExample("hello.ts", args);
    assertEquals([code, stdout], [1, ""], args.join(" "));
    assertMatch(stderr.trimEnd(), message, args.join(" "));
  }));
});
