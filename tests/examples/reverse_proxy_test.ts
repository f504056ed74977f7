/** The reverse proxy, before other examples and before servers that misbehave. */
import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { proxy, proxyClient } from "../../examples/reverse_proxy.ts";
import { HttpServer, RemoteProtocolError } from "../../http/mod.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";
import { leakTest, turnsUntil } from "../_leaks.ts";
import { hasCommand, output } from "../_peers.ts";
import { hostname, listening, SELECTORS } from "../_sockets.ts";
import { bytes, text } from "../http/_drive.ts";
import { ANSWERED, answerTo, exchange } from "../http/_live.ts";
import { assertSameBytes, pattern, readSome, writeAll } from "../reactor/_transfer_ends.ts";
import { ExampleServer } from "./_server.ts";

const GET = "GET /a?b HTTP/1.1\r\nHost: there\r\nConnection: close\r\n\r\n";
const CLIENT = { hostname: "2001:db8::1", port: 1, transport: "tcp" } as const;

/** Registers a test with a proxy before a server that is played by `upstream`, for each kind of socket. */
function proxyTest(
  name: string,
  upstream: (conn: Deno.Conn) => Promise<void>,
  fn: (port: number, errors: unknown[], clock: TestClock) => Promise<void>,
): void {
  for (const selector of SELECTORS) {
    leakTest(`reverse_proxy.ts ${name} (${selector})`, async () => {
      const errors: unknown[] = [];
      const clock = new TestClock();
      using reactor = new Reactor({ selector, clock, onError: (error) => errors.push(error) });
      const running = reactor.run();
      using listener = Deno.listen({ hostname, port: 0 });
      const accepting = (async () => {
        for await (const conn of listener) {
          await upstream(conn).catch(() => {});
          try {
            conn.close();
          } catch { /* It is closed. */ }
        }
      })();
      const to = `${hostname}:${(listener.addr as Deno.NetAddr).port}`;
      const client = proxyClient(1000);
      const server = new HttpServer(reactor, {
        ...listening,
        handler: (request) => proxy(request, CLIENT, to, client),
      });
      await fn(server.port, errors, clock);
      client.close();
      listener.close();
      await accepting;
      reactor.requestShutdown();
      await running;
    });
  }
}

/** Reads until a request seems complete, and answers. */
function answering(answer: string, until = "\r\n\r\n", seen: string[] = []) {
  return async (conn: Deno.Conn) => {
    let request = "";
    while (!request.endsWith(until)) request += text((await readSome(conn))!);
    seen.push(request);
    await writeAll(conn, bytes(answer));
  };
}

const seen: string[] = [];
proxyTest(
  "passes the fields on that are not for the connection",
  answering(
    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 2\r\nConnection: X-Hop\r\n" +
      "X-Hop: 1\r\nKeep-Alive: 5\r\nSet-Cookie: a\r\nSet-Cookie: b\xe9\r\n\r\nokHTTP/1.1 200 More\r\n\r\n",
    "hello",
    seen,
  ),
  async (port, errors) => {
    const answer = await exchange(
      port,
      "POST /a?b HTTP/1.1\r\nHost: there\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nX-Forwarded-For: 1.2.3.4\r\n" +
        "Content-Length: 5\r\nX-Kept: \xe9\r\n\r\nhello",
    );
    assertEquals(
      answer!.replace(/date: .*\r\n/, ""),
      "HTTP/1.1 201 Created\r\nset-cookie: a\r\nset-cookie: b\xe9\r\nvia: 1.1 weightless\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
    );
    assertEquals(
      seen.pop(),
      'POST /a?b HTTP/1.1\r\nhost: there\r\nforwarded: for="[2001:db8::1]";host="there";proto=http\r\n' +
        "x-forwarded-for: 1.2.3.4, 2001:db8::1\r\nx-forwarded-host: there\r\nx-forwarded-proto: http\r\nvia: 1.1 weightless\r\n" +
        "x-kept: \xe9\r\ncontent-length: 5\r\n\r\nhello",
    );
    assertEquals(errors, []);
  },
);

const ANSWERS: [what: string, answer: string, body: RegExp][] = [
  ["of known length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", /\r\n\r\nabc$/],
  ["up to the end", "HTTP/1.0 200 OK\r\n\r\nabc", /chunked\r\n[^]*\r\n\r\n3\r\nabc\r\n0\r\n\r\n$/],
  [
    "in chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1;x=y\r\na\r\n02\r\nbc\r\n0\r\nX: y\r\n\r\n",
    /chunked\r\n[^]*\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n$/,
  ],
  // RFC 9112 5.2: a proxy must unfold it, or answer 502.
  [
    "after a folded field",
    "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 1\r\n\r\nx",
    /\r\na: b {3}c\r\n[^]*\r\n\r\nx$/,
  ],
  [
    "that has none",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n",
    /: 3\r\n[^]*\r\n\r\n$/,
  ],
];
for (const [what, answer, expected] of ANSWERS) {
  proxyTest(`passes on a body ${what}`, answering(answer), async (port, errors) => {
    assertMatch((await exchange(port, GET))!, expected);
    assertEquals(errors, []);
  });
}

const NONSENSE: [what: string, answer: string][] = [
  ["nothing", ""],
  ["half a head", "HTTP/1.1 200 OK\r\nContent-"],
  ["another protocol", "220 hello\r\n\r\n"],
  ["a status that there is not", "HTTP/1.1 999 Odd\r\n\r\n"],
  ["a malformed field", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
  [
    "a length and chunks",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
  ],
  ["an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"],
  ["a switch of protocols", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"],
  ["a control character", "HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n"],
  ["too long a head", `HTTP/1.1 200 OK\r\nA: ${"a".repeat(70_000)}\r\n\r\n`],
];
for (const [what, answer] of NONSENSE) {
  proxyTest(`answers 502 to ${what}`, answering(answer), async (port, errors) => {
    assertMatch((await exchange(port, GET))!, /^HTTP\/1.1 502 [^]*\r\n\r\nThe server failed\n$/);
    assertEquals(errors, []);
  });
}

const CUT: [what: string, answer: string][] = [
  ["by length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"],
  ["in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"],
  ["between chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"],
];
for (const [what, answer] of CUT) {
  proxyTest(`cuts an answer that ends early ${what}`, answering(answer), async (port) => {
    const received = await exchange(port, GET);
    assert(!received?.endsWith("0\r\n\r\n"), received);
  });
}

/** Sends each piece back at once, in an answer that begins before the body of the request. */
async function echoing(conn: Deno.Conn): Promise<void> {
  let received = "";
  while (!received.includes("\r\n\r\n")) received += text((await readSome(conn))!);
  await writeAll(conn, bytes("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"));
  let body = received.split("\r\n\r\n")[1]!;
  for (let all = ""; all.length < 4; body = text((await readSome(conn))!)) {
    all += body;
    await writeAll(conn, bytes(body));
    if (all.length === 4) break;
  }
}
proxyTest("sends bodies both ways at once", echoing, async (port, errors) => {
  const head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\n";
  // The second half is sent when the first one has come back.
  assertMatch(await answerTo(port, `${head}ab`, ANSWERED, "cd"), /\r\n\r\nabcd$/);
  assertEquals(errors, []);
});

let connections = 0, ended = 0;
proxyTest("keeps its connections", async (conn) => {
  connections++;
  for (let request = ""; request !== null;) {
    const piece = await readSome(conn);
    if (piece === null) return;
    request += text(piece);
    if (!request.endsWith("\r\n\r\n")) continue;
    request = "";
    await writeAll(conn, bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  }
}, async (port, errors) => {
  connections = 0;
  for (let i = 0; i < 3; i++) assertMatch((await exchange(port, GET))!, /\r\n\r\nok$/);
  assertEquals([connections, errors], [1, []]);
});

const GONE: [when: string, sent: string, answer: string][] = [
  ["before the answer", GET, ""],
  [
    "within its body",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc",
    "",
  ],
  ["within the answer", GET, "HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\nabc"],
];
for (const [when, sent, answer] of GONE) {
  let asked = 0;
  proxyTest(`leaves the other server when the client goes ${when}`, async (conn) => {
    asked++;
    if (answer !== "") await writeAll(conn, bytes(answer));
    try {
      while (await readSome(conn) !== null);
    } finally {
      ended++;
    }
  }, async (port, errors) => {
    asked = ended = 0;
    const conn = await Deno.connect({ hostname, port });
    await writeAll(conn, bytes(sent));
    if (answer !== "") { while (!text((await readSome(conn))!).endsWith("abc")); }
    else await turnsUntil(() => asked === 1);
    conn.close();
    await turnsUntil(() => ended === 1);
    for (const error of errors) assertInstanceOf(error, RemoteProtocolError);
    if (when !== "within its body") assertEquals(errors, []);
  });
}

let silent = 0;
proxyTest(
  "answers 504 to silence",
  async (conn) => {
    while (await readSome(conn) !== null) silent++;
  },
  async (port, errors, clock) => {
    silent = 0;
    const answer = answerTo(port, GET);
    await turnsUntil(() => silent > 0);
    clock.advance(1000);
    assertMatch(await answer, /^HTTP\/1.1 504 /);
    assertEquals(errors, []);
  },
);

for (const selector of hasCommand("curl") ? SELECTORS : []) {
  Deno.test(`reverse_proxy.ts stands before hello.ts and send_file.ts (${selector})`, async () => {
    const directory = await Deno.makeTempDir();
    const content = pattern(5_000_001);
    await Deno.writeFile(`${directory}/file`, content);
    const start = (name: string, args: string[], ...permissions: string[]) =>
      ExampleServer.start(name, ["--port", "0", "--selector", selector, ...args], [
        "--allow-net",
        ...selector === "epoll" ? ["--allow-ffi"] : [],
        ...permissions,
      ]);
    const curl = async (args: string[], input?: Uint8Array<ArrayBuffer>) => {
      const { code, stdout, errors } = await output("curl", ["-sS", ...args], input);
      assertEquals([code, errors], [0, ""]);
      return stdout;
    };
    await using hello = await start("hello.ts", []);
    await using files = await start("send_file.ts", ["--dir", directory], `--allow-read`);
    await using first = await start("reverse_proxy.ts", ["--to", `${hostname}:${hello.port}`]);
    await using second = await start("reverse_proxy.ts", ["--to", `${hostname}:${files.port}`]);

    assertEquals(text(await curl([first.url, first.url])), "Hello!Hello!");
    assertSameBytes(await curl(["--data-binary", "@-", first.url], content), content);
    const chunked = ["-H", "Transfer-Encoding: chunked", "--data-binary", "@-", first.url];
    assertSameBytes(await curl(chunked, content), content);
    assertSameBytes(await curl([`${second.url}file`]), content);
    assertSameBytes(await curl(["-0", `${second.url}file`]), content);
    assertMatch(text(await curl(["-I", `${second.url}file`])), /content-length: 5000001\r\n/);
    const code = ["-o", "/dev/null", "-w", "%{http_code}"];
    assertEquals(text(await curl([...code, `${second.url}missing`])), "404");
    await files.stop();
    assertEquals(text(await curl([...code, `${second.url}file`])), "502");
    await Deno.remove(directory, { recursive: true });
  });
}
