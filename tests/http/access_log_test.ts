/** What an access log is told of requests that no handler gets: as much as is known of each. */
import { assertEquals, assertMatch } from "@std/assert";
import { type Coroutine, Yield } from "../../compose/mod.ts";
import {
  type AccessLogEntry,
  combinedLog,
  commonLog,
  HttpServer,
  type HttpServerOptions,
  jsonLog,
  ok,
} from "../../http/mod.ts";
import { listening } from "../_sockets.ts";
import { turnsUntil } from "../_leaks.ts";
import { answerTo, ENDED, type Sent, serverTest } from "./_live.ts";

type Known = [method?: string, target?: string, version?: "1.0" | "1.1"];

const HOST = "Host: x\r\n";
const NO_LENGTH = `GET /a?b HTTP/1.1\r\n${HOST}Content-Length: x\r\n`;

const CASES: [
  name: string,
  sent: Sent[],
  status: number,
  known: Known,
  options?: Partial<HttpServerOptions>,
][] = [
  ["what is no method", ["\x01"], 400, []],
  ["an unknown long method", ["X".repeat(40)], 501, []],
  ["no target", ["GET  HTTP/1.1\r\n"], 400, ["GET"]],
  ["a bad target", ["GET /\x7f HTTP/1.1\r\n"], 400, ["GET"]],
  ["a long target", ["GET /long HTTP/1.1\r\n"], 414, ["GET"], {
    limits: { maxRequestLineBytes: 8 },
  }],
  ["another version", ["GET /a HTTP/2.0\r\n"], 505, ["GET", "/a"]],
  ["no version", ["GET /a HTML\r\n"], 400, ["GET", "/a"]],
  ["an https resource", [`GET https://x/a HTTP/1.1\r\n${HOST}\r\n`], 421, [
    "GET",
    "https://x/a",
    "1.1",
  ]],
  ["a bad field", [`HEAD /a HTTP/1.0\r\na b: c\r\n`], 400, ["HEAD", "/a", "1.0"]],
  ["a bad length", [NO_LENGTH], 400, ["GET", "/a?b", "1.1"]],
  ["no Host", ["GET /a HTTP/1.1\r\n\r\n"], 400, ["GET", "/a", "1.1"]],
  ["large fields", [`GET /a HTTP/1.1\r\n${HOST}a: ${"b".repeat(99)}\r\n\r\n`], 431, [
    "GET",
    "/a",
    "1.1",
  ], { limits: { maxHeadBytes: 50 } }],
  ["many fields", [`GET /a HTTP/1.1\r\n${HOST}a: b\r\n\r\n`], 431, ["GET", "/a", "1.1"], {
    limits: { maxHeaders: 1 },
  }],
  ["a large body", [`PUT /a HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\n`], 413, [
    "PUT",
    "/a",
    "1.1",
  ], { limits: { maxBodyBytes: 5 } }],
  ["an early end of the line", ["DELETE /a", ENDED], 400, ["DELETE"]],
  ["an early end of the head", [`GET /a HTTP/1.1\r\n${HOST}`, ENDED], 400, ["GET", "/a", "1.1"]],
  ["a slow line", ["GET /a HT"], 408, ["GET", "/a"], { timeouts: { headMs: 1 } }],
  ["a slow head", ["GET /a HTTP/1.1\r\n"], 408, ["GET", "/a", "1.1"], { timeouts: { headMs: 1 } }],
];

serverTest("an access log knows of a refused request what had come", async (reactor, errors) => {
  for (const [name, sent, status, known, options] of CASES) {
    // What is too slow comes whole, or its second piece could come too late.
    for (const pieces of options?.timeouts === undefined ? [1, 2] : [1]) {
      const entries: AccessLogEntry[] = [];
      using server = new HttpServer(reactor, {
        ...listening,
        ...options,
        accessLog: (entry) => entries.push(entry),
        *handler() {},
      });
      const [first, ...others] = sent;
      const text = first as string;
      const cut = pieces === 1 ? [text] : [text.slice(0, -1), text.slice(-1)];
      const answer = await answerTo(server.port, ...cut.filter((part) => part !== ""), ...others);
      assertMatch(answer, new RegExp(`^HTTP/1\\.1 ${status} `), name);
      await turnsUntil(() => entries.length > 0);
      const [entry] = entries as [AccessLogEntry];
      const { method, target, version } = entry;
      assertEquals(
        [entries.length, entry.status, entry.request, method, target, version],
        [1, status, undefined, known[0], known[1], known[2]],
        name,
      );
      const line = [...known.slice(0, 2), ...known.slice(2).map((one) => `HTTP/${one}`)].join(" ");
      const end = `"${line || "-"}" ${status} ${entry.bytes || "-"}`;
      assertEquals(commonLog(entry).slice(-end.length), end);
      assertEquals(combinedLog(entry), `${commonLog(entry)} "-" "-"`);
      assertEquals(JSON.parse(jsonLog(entry)).target, known[1]);
    }
  }
  assertEquals(errors, []);
});

serverTest("an access log knows the request that an errorHandler answers", async (reactor) => {
  const entries: AccessLogEntry[] = [];
  using server = new HttpServer(reactor, {
    ...listening,
    maxConnectionsPerAddress: 1,
    accessLog: (entry) => entries.push(entry),
    *handler() {},
  });
  using _first = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await turnsUntil(() => server.statistics().open === 1);
  const answer = await answerTo(server.port, `GET /a HTTP/1.1\r\n${HOST}\r\n`);
  assertMatch(answer, /^HTTP\/1\.1 503 /);
  await turnsUntil(() => entries.length > 0);
  const [{ request, method, target, status }] = entries as [AccessLogEntry];
  assertEquals([request?.target, method, target, status], ["/a", "GET", "/a", 503]);
});

serverTest("an access log counts the bytes that were sent, and none to HEAD", async (reactor) => {
  const handlers: Record<string, () => Coroutine> = {
    *whole() {
      yield ok();
      yield "12345";
    },
    *"with a length"() {
      yield ok({ "content-length": 5 });
      yield "12345";
    },
    *"in pieces"() {
      yield ok();
      yield "123";
      yield "45";
    },
    *slowly() {
      yield ok();
      yield "123";
      yield Yield;
      yield "45";
    },
  };
  for (const [name, run] of Object.entries(handlers)) {
    const counts: [string | undefined, number][] = [];
    using server = new HttpServer(reactor, {
      ...listening,
      accessLog: ({ method, bytes }) => counts.push([method, bytes]),
      handler: run,
    });
    for (const method of ["GET", "HEAD"]) {
      await answerTo(server.port, `${method} / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    }
    await turnsUntil(() => counts.length === 2);
    assertEquals(counts, [["GET", 5], ["HEAD", 0]], name);
  }
});
