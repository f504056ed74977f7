/** redis_server.ts against the clients of Redis, and redis_client.ts against its server. */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { call, type Coroutine, retval } from "@weightless/io/compose";
import { all, asProcess, spawn } from "@weightless/io/gio";
import { glob } from "../../examples/_redis_store.ts";
import {
  encodeArray,
  encodeReply,
  ProtocolError,
  readCommand,
  readReply,
  RedisError,
} from "../../examples/_resp.ts";
import { RedisClient } from "../../examples/redis_client.ts";
import { hasCommand, output } from "../_peers.ts";
import { hostname, SELECTORS } from "../_sockets.ts";
import { RedisServer } from "./_redis_peer.ts";
import { ExampleServer, waitedFor } from "./_server.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const ignoreCli = !hasCommand("redis-cli") && "redis-cli is not installed (redis-tools)";
const ignoreServer = (!hasCommand("redis-server") && "redis-server is not installed") || ignoreCli;

function peerTest(name: string, ignore: string | false, fn: () => Promise<void>): void {
  Deno.test({ name: ignore ? `${name}: ${ignore}` : name, ignore: Boolean(ignore), fn });
}

function start(selector: string, ...args: string[]): Promise<ExampleServer> {
  return ExampleServer.start("redis_server.ts", [
    "--port",
    "0",
    "--selector",
    selector,
    ...args,
  ], ["--allow-net", "--allow-ffi"]);
}

/** What redis-cli prints for commands, one a line. */
async function cli(port: number, script: string): Promise<string> {
  const { text } = await output("redis-cli", ["-p", `${port}`, "--no-raw"], bytes(script));
  return text;
}

/** What comes back to bytes, up to the end, or as many as `answer` has. */
async function say(port: number, sent: Uint8Array, answer: string): Promise<string> {
  using conn = await Deno.connect({ hostname, port });
  const writing = (async () => {
    for (let at = 0; at < sent.length;) at += await conn.write(sent.subarray(at));
  })();
  writing.catch(() => {});
  let text = "";
  const buffer = new Uint8Array(65536);
  while (text.length < answer.length) {
    const n = await conn.read(buffer);
    if (n === null) break;
    text += new TextDecoder().decode(buffer.subarray(0, n));
  }
  return text;
}

const SCRIPT = `PING
PING hello
ECHO "with \\r\\n and \\x00\\xff"
SET a 1
SET a 2 NX
SET b 2 NX PX 100000
GET a
GET none
INCR a
INCR fresh
SET text x
INCR text
SET big 9223372036854775807
INCR big
SET big 9223372036854775808
INCR big
EXISTS a b none a
TTL a
TTL b
TTL none
EXPIRE a 100
TTL a
INCR a
TTL a
EXPIRE none 100
EXPIRE b 0
EXISTS b
SET c x EX 50
TTL c
SET c y
TTL c
SET c x EX 0
SET c x EX ten
SET c x PX
SET c x EX 1 PX 1
SET c x WHAT
GET
GET a b
KEYS f*
KEYS te[a-x]t
KEYS t?xt
KEYS \\*
DEL a b c none
KEYS *
SET "\\xff\\x00" "\\r\\n"
GET "\\xff\\x00"
PUBLISH nobody hello
HELLO 9
UNSUBSCRIBE
`;

for (const selector of SELECTORS) {
  peerTest(
    `redis_server.ts answers redis-cli as Redis does (${selector})`,
    ignoreServer,
    async () => {
      await using redis = await RedisServer.start();
      await using server = await start(selector);
      const sorted = (text: string) => text.replace(/(^\d\) .*\n)+/gm, (s) => [...s].sort().join());
      const expected = await cli(redis.port, SCRIPT);
      assertStringIncludes(expected, `"with \\r\\n and \\x00\\xff"`);
      assertEquals(sorted(await cli(server.port, SCRIPT)), sorted(expected));
      assertEquals(await server.stop(), { code: 0, errors: "" });
    },
  );

  peerTest(`redis_server.ts stands redis-benchmark (${selector})`, ignoreCli, async () => {
    await using server = await start(selector);
    const args = [
      "-p",
      `${server.port}`,
      "-n",
      "2000",
      "-P",
      "16",
      "-t",
      "ping,set,get,incr",
      "-q",
    ];
    const { code, text } = await output("redis-benchmark", [...args, "--csv"]);
    assertEquals(code, 0);
    const names = text.split("\n").slice(1, -1).map((line) => line.split('"')[1]);
    assertEquals(names, ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR"]);
    assertEquals(await cli(server.port, "GET counter:__rand_int__\n"), '"2000"\n');
    assertEquals(await server.stop(), { code: 0, errors: "" });
  });

  peerTest(
    `redis_server.ts sends what is published to those who wait (${selector})`,
    ignoreCli,
    async () => {
      await using server = await start(selector);
      const command = ["-p", `${server.port}`, "SUBSCRIBE", "news", "weather"];
      const subscriber = new Deno.Command("redis-cli", { args: command, stdout: "piped" }).spawn();
      const printed = subscriber.stdout.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      const until = async (end: string) => {
        while (!text.endsWith(end)) text += (await printed.read()).value ?? assert(false, text);
      };
      await until("subscribe\nnews\n1\nsubscribe\nweather\n2\n");
      assertEquals(
        await cli(server.port, "PUBLISH news one\nPUBLISH weather two\nPUBLISH x y\n"),
        "(integer) 1\n(integer) 1\n(integer) 0\n",
      );
      await until("message\nnews\none\nmessage\nweather\ntwo\n");
      subscriber.kill("SIGTERM");
      await Promise.all([subscriber.status, printed.cancel()]);
      let count = "";
      assert(
        await waitedFor(() => {
          const args = ["-p", `${server.port}`, "PUBLISH", "news", "three"];
          count = new TextDecoder().decode(
            new Deno.Command("redis-cli", { args }).outputSync().stdout,
          );
          return count === "0\n";
        }),
        count,
      );
      assertEquals(await server.stop(), { code: 0, errors: "" });
    },
  );

  Deno.test(`redis_server.ts holds a conversation in one piece, and refuses what is no RESP or too much (${selector})`, async () => {
    await using server = await start(selector, "--max-mib", "1");
    const { port } = server;
    const bulk = (n: number) => `$${n}\r\n${"x".repeat(n)}\r\n`;
    const set = (key: string, n: number) => `*3\r\n$3\r\nSET\r\n$1\r\n${key}\r\n${bulk(n)}`;
    const quit = "*1\r\n$4\r\nQUIT\r\n";
    const cases: [string, string][] = [
      ["SET a 1\r\nINCR a\r\n\r\nGET a\r\nquit\r\n", "+OK\r\n:2\r\n$1\r\n2\r\n+OK\r\n"],
      [
        "SUBSCRIBE a b\r\nPING\r\nGET a\r\nPUBLISH a x\r\nUNSUBSCRIBE\r\nPUBLISH a x\r\nQUIT\r\n",
        "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n" +
        "*2\r\n$4\r\npong\r\n$0\r\n\r\n" +
        "-ERR Can't execute 'get': only PING / QUIT / SUBSCRIBE / UNSUBSCRIBE here\r\n" +
        "-ERR Can't execute 'publish': only PING / QUIT / SUBSCRIBE / UNSUBSCRIBE here\r\n" +
        "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n" +
        ":0\r\n+OK\r\n",
      ],
      [
        "HELLO 3\r\nHELLO 2\r\nQUIT\r\n",
        "-NOPROTO unsupported protocol version\r\n*8\r\n$6\r\nserver\r\n$10\r\nweightless\r\n$7\r\nversion\r\n$5\r\n1.0.0\r\n$5\r\nproto\r\n:2\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n+OK\r\n",
      ],
      ["*1\r\n$999999999\r\n", "-ERR Protocol error: invalid length\r\n"],
      ["*99999\r\n", "-ERR Protocol error: invalid length\r\n"],
      ["*1\r\n:1\r\n", "-ERR Protocol error: expected '$'\r\n"],
      [`*2\r\n${bulk(700_000)}${bulk(700_000)}`, "-ERR Protocol error: invalid length\r\n"],
      [
        `${set("b", 600_000)}${set("c", 600_000)}${set("b", 1)}${set("c", 600_000)}${quit}`,
        "+OK\r\n-OOM command not allowed when used memory > 'maxmemory'\r\n+OK\r\n+OK\r\n+OK\r\n",
      ],
      [
        "constructor\r\n__proto__ x\r\nQUIT\r\n",
        "-ERR unknown command 'constructor'\r\n-ERR unknown command '__proto__'\r\n+OK\r\n",
      ],
    ];
    for (const [sent, answer] of cases) assertEquals(await say(port, bytes(sent), answer), answer);
    const tooLong = await say(port, new Uint8Array(2 ** 21).fill(65), "-ERR");
    if (tooLong !== "") assertMatch(tooLong, /^-ERR Protocol error: Cannot read until/);
    assertEquals(await server.stop(), { code: 0, errors: "" });
  });

  Deno.test(`redis_server.ts cuts off a subscriber that does not read (${selector})`, async () => {
    await using server = await start(selector);
    using lazy = await Deno.connect({ hostname, port: server.port });
    await lazy.write(bytes("SUBSCRIBE a\r\n"));
    await lazy.read(new Uint8Array(100));
    await asProcess(
      function* () {
        const redis = new RedisClient();
        yield* spawn(redis.run({ hostname, port: server.port }));
        const message = new Uint8Array(100_000);
        for (let heard: unknown = 1; heard === 1;) {
          heard = yield* call(redis.ask("PUBLISH", "a", message));
        }
        assertEquals(yield* call(redis.ask("PING")), "PONG");
      }(),
      { selector },
    );
    const { code } = await server.stop();
    assertEquals(code, 0);
  });

  peerTest(
    `RedisClient asks for many coroutines at once, and connects again (${selector})`,
    ignoreServer,
    async () => {
      await using redis = await RedisServer.start();
      const lost: string[] = [];
      await asProcess(
        function* () {
          const client = new RedisClient();
          yield* spawn(client.run({ port: redis.port }, (error) => lost.push(error.message)));
          const binary = Uint8Array.from({ length: 70_000 }, (_, i) => i);
          yield* call(client.ask("SET", "binary", binary));
          const answers = yield* all(
            ...Array.from({ length: 2000 }, () => client.ask("INCR", "n")),
            client.ask("GET", "binary"),
          );
          assertEquals(answers.slice(0, -1), Array.from({ length: 2000 }, (_, i) => i + 1));
          assertEquals(new Uint8Array(answers.at(-1) as Uint8Array), binary);

          const error = yield* call(failing(client.ask("INCR", "binary")));
          assert(error instanceof RedisError);
          assertEquals(yield* call(client.ask("CONFIG", "GET", "nothing")), []);

          const blocked = yield* spawn(failing(client.ask("BLPOP", "none", "0")));
          const killer = new RedisClient();
          yield* spawn(killer.run({ port: redis.port }));
          yield* call(killer.ask("SET", "x", "y"));
          for (let killed: unknown = 0; killed === 0;) {
            killed = yield* call(killer.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
          }
          assertMatch((yield* blocked).message, /^The connection was lost before the answer came$/);
          assertEquals(yield* call(client.ask("GET", "n")), bytes("2000"));
        }(),
        { selector },
      );
      assertEquals(lost.length, 1, lost.join());
    },
  );

  Deno.test(`RedisClient keeps what it is asked until somebody listens (${selector})`, async () => {
    using listener = Deno.listen({ hostname, port: 0 });
    const { port } = listener.addr;
    let attempts = 0;
    const refusing = (async () => {
      for (let i = 0; i < 2; i++) (await listener.accept()).close();
      using conn = await listener.accept();
      await conn.read(new Uint8Array(100));
      await conn.write(bytes("+PONG\r\n"));
      await conn.read(new Uint8Array(100)).catch(() => {}); // The client is cancelled.
    })();
    const answer = await asProcess(
      function* () {
        const client = new RedisClient();
        yield* spawn(client.run({ port, hostname }, () => attempts++));
        for (;;) {
          const answer = yield* call(failing(client.ask("PING")));
          if (!(answer instanceof Error)) return answer;
        }
      }(),
      { selector },
    );
    assertEquals([answer, attempts], ["PONG", 2]);
    await refusing;
  });
}

function* failing(asking: Coroutine): Coroutine<Error> {
  try {
    return (yield* call(asking)) as Error;
  } catch (error) {
    return error as Error;
  }
}

/** A value whose errors are texts: where they were made is not compared. */
function told(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(told);
  return value instanceof Error ? String(value) : value;
}

Deno.test("readCommand() and readReply() read what is cut anywhere, and no more", () => {
  const command = new Uint8Array(encodeArray([bytes("SET"), bytes("a\r\n"), bytes("")]));
  const reply = new Uint8Array(
    encodeArray(["OK", null, 5, -7, bytes("\r\n"), new RedisError("ERR no"), []]),
  );
  for (const [encoded, read] of [[command, readCommand], [reply, readReply]] as const) {
    const whole = retval(read(100), [encoded]);
    for (let cut = 0; cut <= encoded.length; cut++) {
      const parts = [encoded.subarray(0, cut), encoded.subarray(cut)];
      assertEquals(told(retval<unknown>(read(100), parts)), told(whole), `cut at ${cut}`);
    }
    assertEquals(
      told(retval<unknown>(read(100), [...encoded].map((byte) => new Uint8Array([byte])))),
      told(whole),
    );
  }
  assertEquals(retval(readCommand(100), [command]).map((part) => String.fromCharCode(...part)), [
    "SET",
    "a\r\n",
    "",
  ]);
  assertEquals(encodeReply(new RedisError("a\r\nb")), "-a  b\r\n");
});

Deno.test("readReply() refuses what is too much, and what is no reply", () => {
  const cases = [
    "$101\r\n",
    "*101\r\n",
    "*1\r\n".repeat(10),
    "$-2\r\n",
    "$1x\r\n",
    "?\r\n",
    "\r\n",
  ];
  for (const text of cases) {
    assertThrows(() => retval(readReply(100), [bytes(text)]), ProtocolError, "", text);
  }
});

Deno.test("glob() takes patterns as Redis does, in bounded time", () => {
  const cases: [pattern: string, text: string, fits: boolean][] = [
    ["*", "", true],
    ["a*c*", "abcd", true],
    ["a*c", "abcd", false],
    ["a?c", "abc", true],
    ["?", "", false],
    ["[a-c][^a-c]", "bd", true],
    ["[a-c][^a-c]", "bb", false],
    ["\\*[\\]]", "*]", true],
    ["\\*", "a", false],
    ["h[ae", "ha", true],
    ["*a".repeat(20) + "b", "a".repeat(5000), false],
  ];
  for (const [pattern, text, fits] of cases) assertEquals(glob(pattern)(text), fits, pattern);
});

Deno.test("redis_client.ts prints answers in the order of the commands", async () => {
  await using server = await start("auto");
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-net",
      new URL("../../examples/redis_client.ts", import.meta.url).pathname,
      "--port",
      `${server.port}`,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await new Blob([`SET "a b" "1 2"\nGET "a b"\nNONSENSE\nGET x\nKEYS *\n`]).stream().pipeTo(
    process.stdin,
  );
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stdout), decoder.decode(stderr)], [
    0,
    `OK\n"1 2"\n(error) ERR unknown command 'nonsense'\n(nil)\n["a b"]\n`,
    "",
  ]);
});
