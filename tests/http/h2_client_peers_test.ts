/** The client over HTTP/2, and servers of other people: without TLS by prior knowledge, with TLS by ALPN. */
import { Buffer } from "node:buffer";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { gio, TimeoutError } from "../../gio/mod.ts";
import { HttpClient, type HttpResponse, RemoteProtocolError } from "../../http/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { hasCommand, output } from "../_peers.ts";
import { hostname } from "../_sockets.ts";
import { CA_CERT } from "../reactor/_tls.ts";
import { LARGE, pattern, TEXT } from "./_client_peers.ts";
import type { Scheme } from "./_h2_peers.ts";
import * as servers from "./_h2_servers.ts";
import { serverTest } from "./_live.ts";

/** What a server offers beside `/hello`, `/large` and 404. */
type Offer =
  | "one connection" // for any number of requests
  | "HEAD" // Deno.serve sends a body after it
  | "compression"
  | "204"
  | "redirection"
  | "echo"
  | "trailers"
  | "early hints"
  | "100"
  | "silence"
  | "both ways"
  | "tunnel"
  | "cut"
  | "413"
  | "refusal"
  | "GOAWAY"
  | "HTTP/1.1 required"
  | "odd frames"
  | "good order" // when it ends, it answers what it has begun, and waits until its clients have left
  | "killing"; // it is a process of its own

const FILES: Offer[] = ["HEAD", "killing"];
const WEB: Offer[] = [
  ...["one connection", "compression", "204", "redirection", "echo", "both ways"] as const,
  ...["cut", "413"] as const,
];
const FULL: Offer[] = [...WEB, "HEAD", "trailers", "early hints", "100"];

/** Each server by its name: the command that has to be there, what it offers, and how it is started. */
const PEERS: [name: string, command: string, offers: Offer[], start: servers.StartH2][] = [
  ["nghttpd", "nghttpd", [...FILES, "one connection", "echo", "trailers"], servers.nghttpd],
  [
    "h2o",
    "h2o",
    [...FILES, "one connection", "compression", "redirection"],
    servers.h2o,
  ],
  ["nginx", "nginx", [...FILES, "compression", "204", "redirection", "trailers"], servers.nginx],
  ["haproxy", "haproxy", [...FULL, "killing", "good order", "tunnel"], servers.haproxy],
  [
    "node:http2",
    "node",
    [...FULL, "killing", "silence", "tunnel", "refusal", "HTTP/1.1 required"],
    servers.node,
  ],
  [
    "python3-h2",
    servers.PYTHON,
    [...FULL, "killing", "good order", "silence", "refusal", "GOAWAY", "odd frames"],
    servers.pythonH2,
  ],
  ["Deno.serve", "deno", [...WEB, "silence"], servers.denoServe],
  ["HttpServer", "deno", [...FULL, "silence", "tunnel"], servers.ours],
];

/** Whether python3-h2 is there. */
const hasH2 = async () => (await output(servers.PYTHON, ["-c", "import h2"])).code === 0;

async function isThere(command: string): Promise<boolean> {
  if (!hasCommand(command)) return false;
  return command !== servers.PYTHON || Deno.env.has("CI") || await hasH2();
}

const SCHEMES: readonly Scheme[] = ["http", "https"];
const THERE = (await Promise.all(PEERS.map(async (peer) => await isThere(peer[1]) ? [peer] : [])))
  .flat();

/** The servers that all tests share. */
const shared = new Map<string, servers.H2Server>();

Deno.test.beforeAll(async () => {
  await Promise.all(
    THERE.flatMap(([name, , , start]) =>
      SCHEMES.map(async (scheme) => shared.set(`${name} ${scheme}`, await start(scheme)))
    ),
  );
});

Deno.test.afterAll(async () => {
  await Promise.all([...shared.values()].map((server) => server.stop()));
});

interface Given {
  reactor: Reactor;
  client: HttpClient;
  scheme: Scheme;
  /** Where the server is, without a slash at the end. */
  origin: string;
  offers: Offer[];
  start: servers.StartH2;
}

/** Registers a test for each server that offers all that is needed, for each scheme and kind of socket. */
function peerTest(
  what: string,
  needs: Offer[],
  fn: (given: Given) => Promise<void>,
  schemes: readonly Scheme[] = SCHEMES,
): void {
  for (const [name, , offers, start] of THERE) {
    if (!needs.every((need) => offers.includes(need))) continue;
    for (const scheme of schemes) {
      serverTest(`HttpClient and ${name}: ${what}, ${scheme}`, async (reactor, errors) => {
        const client = new HttpClient({
          reactor,
          tls: { caCerts: [CA_CERT] },
          http2: scheme === "https" || "prior-knowledge",
        });
        const { port } = shared.get(`${name} ${scheme}`)!;
        const origin = `${scheme}://${hostname}:${port}`;
        await fn({ reactor, client, scheme, origin, offers, start });
        const isFree = () =>
          client.inspect().every(({ active, waiting }) => active === 0 && waiting === 0);
        await turnsUntil(isFree);
        client.close();
        await turnsUntil(() => client.inspect().length === 0 && reactor.inspect().length === 0);
        assertEquals(errors, []);
      });
    }
  }
}

/** Asserts that the client has one connection, which is free, and has been used. */
async function assertOne(client: HttpClient, origin: string): Promise<void> {
  const response = await client.get(`${origin}/hello`);
  assertEquals([response.version, response.isReused], ["2", true]);
  assertEquals(await response.text(), "Hello!");
  // A body that nobody wanted may still come.
  await turnsUntil(() => client.inspect().every(({ active }) => active === 0));
  assertEquals(client.inspect().map(({ idle }) => idle), [1]);
}

/** Reads one piece of a body. */
async function firstPiece(
  response: HttpResponse,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const reader = response.stream().getReader();
  const { value } = await reader.read();
  assert(value!.length > 0);
  return reader;
}

/** Pieces of a body, of so many bytes in all. */
function* pieces(of: Uint8Array<ArrayBuffer>): Coroutine {
  for (let at = 0; at < of.length; at += 10_000) yield of.subarray(at, at + 10_000);
}

peerTest("a connection is used again", [], async ({ client, origin }) => {
  for (let i = 0; i < 20; i++) {
    const response = await client.get(`${origin}/hello`);
    assertEquals([response.status, response.version, response.isReused], [200, "2", i > 0]);
    assertEquals(await response.text(), "Hello!");
    assertEquals(client.inspect().map(({ idle, active }) => [idle, active]), [[1, 0]]);
  }
});

for (const [count, atOnce] of [[300, 16], [200, 200]] as const) {
  peerTest(`${count} requests, ${atOnce} at once`, [], async ({ client, origin, offers }) => {
    let more: number = count;
    let fresh = 0;
    const ask = async () => {
      while (more-- > 0) {
        const response = await client.get(`${origin}/hello`);
        if (!response.isReused) fresh++;
        assertEquals([response.version, await response.text()], ["2", "Hello!"]);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, ask));
    if (offers.includes("one connection")) {
      assertEquals(fresh, 1);
      await assertOne(client, origin);
    } else assert(fresh > 1);
  });
}

peerTest("large bodies come whole, one by one and at once", [], async ({ client, origin }) => {
  const expected = pattern(LARGE);
  const ask = async () => {
    const response = await client.get(`${origin}/large`);
    assertEquals(response.headers.get("content-length") ?? `${LARGE}`, `${LARGE}`);
    // To show a difference would take long.
    assert(Buffer.compare(await response.bytes(), expected) === 0);
  };
  await ask();
  await Promise.all(Array.from({ length: 4 }, ask));
  await assertOne(client, origin);
});

peerTest("a body that nobody reads does not hold up others", [], async ({ client, origin }) => {
  const unread = [await client.get(`${origin}/large`), await client.get(`${origin}/large`)];
  for (let i = 0; i < 5; i++) {
    assertEquals(await (await client.get(`${origin}/hello`)).text(), "Hello!");
  }
  for (const response of unread) assertEquals((await response.bytes()).length, LARGE);
  await assertOne(client, origin);
});

peerTest("a body is read by a coroutine, and saved", [], async ({ reactor, client, origin }) => {
  const reading = function* (): Coroutine<number> {
    const response = yield* client.get(`${origin}/large`);
    let length = 0;
    using _ = response.enter();
    try {
      for (;;) length += ((yield) as Uint8Array).length;
    } catch (error) {
      if (!(error instanceof EndOfStream)) throw error;
    }
    return length;
  };
  assertEquals(await gio(reactor, undefined, reading()).result, LARGE);
  const path = await Deno.makeTempFile();
  const saved = await client.get(`${origin}/large`);
  assertEquals(await saved.saveTo(path), LARGE);
  assert(Buffer.compare(await Deno.readFile(path), pattern(LARGE)) === 0);
  await Deno.remove(path);
  await assertOne(client, origin);
});

peerTest("uploads come back", ["echo"], async ({ client, origin }) => {
  const large = pattern(LARGE);
  const small = pattern(100_000);
  const length = { "content-length": `${small.length}` };
  const bodies = [
    { body: "", expected: new Uint8Array(0) },
    { body: "äöü", expected: new TextEncoder().encode("äöü") },
    { body: large, expected: large },
    { body: pieces(small), expected: small },
    { body: pieces(small), headers: length, expected: small },
    { body: new Blob([small]), expected: small },
    { body: ["one, ", "two"], expected: new TextEncoder().encode("one, two") },
  ];
  const ask = async ({ expected, ...options }: typeof bodies[number]) => {
    const response = await client.post(`${origin}/echo`, options);
    assertEquals(response.status, 200);
    assert(Buffer.compare(await response.bytes(), expected) === 0);
  };
  for (const one of bodies) await ask(one);
  await Promise.all(Array.from({ length: 8 }, () => ask({ body: small, expected: small })));
  await assertOne(client, origin);
});

peerTest("responses of many kinds", [], async ({ client, origin, offers }) => {
  const none = await client.get(`${origin}/none`);
  assertEquals(none.status, 404);
  assertMatch(await none.text(), /none|not found/i);
  if (offers.includes("HEAD")) {
    const head = await client.head(`${origin}/hello`);
    assertEquals([head.status, await head.text()], [200, ""]);
  }
  if (offers.includes("204")) {
    const empty = await client.get(`${origin}/empty`);
    assertEquals([empty.status, await empty.text()], [204, ""]);
  }
  if (offers.includes("redirection")) {
    const isProgram = offers.includes("echo");
    const moved = isProgram
      ? await client.post(`${origin}/moved`, { body: "Hello!" })
      : await client.get(`${origin}/moved`);
    assertEquals([moved.status, await moved.text()], [200, "Hello!"]);
    assertEquals(moved.redirects.map(String), [`${origin}/moved`]);
    assertEquals(String(moved.url), `${origin}/${isProgram ? "echo" : "hello.txt"}`);
  }
  if (offers.includes("compression")) {
    assertEquals(await (await client.get(`${origin}/text`)).text(), TEXT);
    const headers = { "accept-encoding": "gzip" };
    const raw = await client.get(`${origin}/text`, { decompression: false, headers });
    assertEquals(raw.headers.get("content-encoding"), "gzip");
    const { length } = await raw.bytes();
    assert(length < TEXT.length / 10, `${length}`);
  }
  if (offers.includes("trailers")) {
    const trailed = await client.get(`${origin}/trailed`);
    assertEquals(await trailed.text(), "body");
    assertEquals(trailed.trailers?.get("x"), "y");
  }
  if (offers.includes("early hints")) {
    const seen: unknown[] = [];
    const hinted = await client.get(`${origin}/hinted`, {
      onInterim: ({ status, headers }) => seen.push([status, headers.get("link")]),
    });
    assertEquals(await hinted.text(), "hinted");
    assertEquals(seen[0], [103, "</a>; rel=preload"]);
  }
  await assertOne(client, origin);
});

peerTest("an upload is sent when it is wanted", ["100"], async ({ client, origin }) => {
  const body = pattern(200_000);
  for (const given of [() => body, () => pieces(body)]) {
    const interims: number[] = [];
    const response = await client.post(`${origin}/echo`, {
      body: given(),
      expectContinue: 60_000,
      onInterim: ({ status }) => interims.push(status),
    });
    assert(Buffer.compare(await response.bytes(), body) === 0);
    assertEquals(interims, [100]);
  }
  await assertOne(client, origin);
});

peerTest("an upload that is refused", ["413"], async ({ client, origin }) => {
  for (const expectContinue of [false, 60_000]) {
    const response = await client.post(`${origin}/refuses`, {
      body: pattern(8_000_000),
      expectContinue,
    });
    assertEquals([response.status, await response.text()], [413, "too large"]);
  }
  assertEquals(await (await client.get(`${origin}/hello`)).text(), "Hello!");
});

peerTest("both sides send at the same time", ["both ways"], async ({ client, origin }) => {
  const asked: (() => void)[] = [];
  const sent = ["one, ", "two, ", "three"];
  const body = (async function* () {
    for (const piece of sent) {
      yield new TextEncoder().encode(piece);
      await new Promise<void>((resolve) => asked.push(resolve));
    }
  })();
  const response = await client.post(`${origin}/both`, { body });
  const reader = response.stream().pipeThrough(new TextDecoderStream()).getReader();
  for (const piece of sent) {
    assertEquals((await reader.read()).value, piece);
    await turnsUntil(() => asked.length > 0);
    asked.shift()!();
  }
  assertEquals((await reader.read()).done, true);
  await assertOne(client, origin);
});

peerTest("a tunnel", ["tunnel"], async ({ reactor, client, origin }) => {
  const body = pattern(300_000);
  const talking = function* (): Coroutine<number> {
    const response = yield* client.request("CONNECT", origin);
    assertEquals([response.status, response.version], [200, "2"]);
    using _ = response.enter();
    let length = 0;
    for (const piece of pieces(body)) {
      yield piece;
      for (const to = length + (piece as Uint8Array).length; length < to;) {
        const got = (yield) as Uint8Array;
        assertEquals(got, body.subarray(length, length + got.length));
        length += got.length;
      }
    }
    return length;
  };
  assertEquals(await gio(reactor, undefined, talking()).result, body.length);
  await assertOne(client, origin);
});

peerTest("a body that is cut", ["cut"], async ({ client, origin }) => {
  const asking = async () => await (await client.get(`${origin}/cut`)).text();
  await assertRejects(asking, RemoteProtocolError, "Cannot read the response to GET");
  assertEquals(await (await client.get(`${origin}/hello`)).text(), "Hello!");
});

peerTest(
  "a response that is closed, or given up, before its end",
  [],
  async ({ client, origin }) => {
    for (let i = 0; i < 2; i++) {
      const unread = await client.get(`${origin}/large`);
      unread.close();
      const begun = await client.get(`${origin}/large`);
      await (await firstPiece(begun)).cancel();
      await assertOne(client, origin);
      const abort = new AbortController();
      const response = await client.get(`${origin}/large`, { signal: abort.signal });
      const reader = await firstPiece(response);
      abort.abort(new Error("enough"));
      const read = async () => {
        while (!(await reader.read()).done);
      };
      await assertRejects(read, Error, "enough");
      await assertOne(client, origin);
    }
  },
);

peerTest("a request that is given up before the response", ["silence"], async (given) => {
  const { client, origin } = given;
  await (await client.get(`${origin}/hello`)).text();
  for (let i = 0; i < 10; i++) {
    const abort = new AbortController();
    const why = new Error("enough");
    const error = client.get(`${origin}/never`, { signal: abort.signal }).catch((error) => error);
    assertEquals(await (await client.get(`${origin}/hello`)).text(), "Hello!");
    abort.abort(why);
    assertEquals(await error, why);
  }
  await assertOne(client, origin);
});

peerTest("a server that is silent for too long", ["silence"], async ({ client, origin }) => {
  await (await client.get(`${origin}/hello`)).text();
  const timeouts = { headMs: 20 };
  await assertRejects(() => client.get(`${origin}/never`, { timeouts }), TimeoutError);
  assertEquals(await (await client.get(`${origin}/hello`)).text(), "Hello!");
  // It is silent for one request only.
  let error: unknown;
  client.get(`${origin}/never`, { timeouts }).catch((reason) => error = reason);
  while (error === undefined) await (await client.get(`${origin}/hello`)).text();
  assertInstanceOf(error, TimeoutError);
  await assertOne(client, origin);
});

peerTest("a request that was refused is asked again", ["refusal"], async ({ client, origin }) => {
  const url = `${origin}/refused?${crypto.randomUUID()}`;
  const response = await client.post(url, { body: "again" });
  assertEquals([response.status, await response.text()], [200, "again"]);
  await assertOne(client, origin);
});

peerTest("a server that ends the connection", ["GOAWAY"], async ({ client, origin }) => {
  await (await client.get(`${origin}/hello`)).text();
  // RFC 9113 6.8: what was asked before is still answered.
  const before = await client.get(`${origin}/large`);
  const response = await client.post(`${origin}/away?${crypto.randomUUID()}`, { body: "again" });
  assertEquals([response.isReused, await response.text()], [false, "again"]);
  assertEquals((await before.bytes()).length, LARGE);
  await assertOne(client, origin);
});

peerTest("a server that wants HTTP/1.1", ["HTTP/1.1 required"], async ({ client, origin }) => {
  for (let i = 0; i < 2; i++) {
    const response = await client.post(`${origin}/old`, { body: "again" });
    assertEquals([response.version, await response.text()], ["1.1", "old"]);
  }
  const response = await client.get(`${origin}/hello`);
  assertEquals([response.version, await response.text()], ["2", "Hello!"]);
}, ["https"]);

peerTest("a long head, and settings that change", ["odd frames"], async ({ client, origin }) => {
  const long = await client.get(`${origin}/long`);
  assertEquals([long.headers.get("x-long"), await long.text()], ["long".repeat(10_000), "long"]);
  const body = pattern(300_000);
  for (let i = 0; i < 2; i++) {
    const narrow = await client.post(`${origin}/narrow`, { body });
    assert(Buffer.compare(await narrow.bytes(), body) === 0);
  }
  await assertOne(client, origin);
});

/** What a request may fail with when its server has died. */
const DIED = [
  RemoteProtocolError,
  Deno.errors.ConnectionRefused,
  Deno.errors.ConnectionReset,
  Deno.errors.NotConnected, // before the TLS handshake
  Deno.errors.UnexpectedEof, // within it
];

peerTest("a server that ends, begins again, and dies", [], async (given) => {
  const { client, scheme, offers, start } = given;
  await using first = await start(scheme);
  const { port } = first;
  const origin = `${scheme}://${hostname}:${port}`;
  await (await client.get(`${origin}/hello`)).text();
  const begun = offers.includes("good order") ? await client.get(`${origin}/large`) : undefined;
  const ended = first.stop();
  if (begun !== undefined) assertEquals((await begun.bytes()).length, LARGE);
  await ended;
  await using second = await start(scheme, port);
  const response = await client.get(`${origin}/hello`);
  assertEquals([response.isReused, await response.text()], [false, "Hello!"]);
  await assertOne(client, origin);
  if (!offers.includes("killing")) return;
  let whole = 0;
  const ask = async (): Promise<never> => {
    for (;; whole++) {
      assertEquals((await (await client.get(`${origin}/large`)).bytes()).length, LARGE);
    }
  };
  const asking = Array.from({ length: 4 }, () => ask().catch((error) => error));
  await turnsUntil(() => whole >= 4);
  await second.kill();
  for (const error of await Promise.all(asking)) {
    if (!DIED.some((kind) => error instanceof kind)) throw error;
  }
});
