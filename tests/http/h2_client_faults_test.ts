/**
 * Kinds of faults that an HTTP/2 client can have, each with its neighbours: what is under way when something else happens
 * in the same chunk, or in a place where nobody looks.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { all, type Gio, gio, race, sleep } from "../../gio/mod.ts";
import {
  HttpClient,
  type HttpResponse,
  HttpServer,
  ok,
  type RequestContent,
  type RequestOptions,
} from "../../http/mod.ts";
import { HTTP_1_1_REQUIRED, PROTOCOL_ERROR } from "../../http/h2/_codes.ts";
import type { H2Stream } from "../../http/h2/_stream.ts";
import { type Socket, splice } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { CA_CERT, CERT, KEY } from "../reactor/_tls.ts";
import { CLIENT, clockTest, outcome, puppetTest, refuse, type World } from "./_h2_client.ts";
import type { Peer } from "./_h2_peer.ts";
import { answer, Puppet } from "./_h2_puppet.ts";
import * as raw from "./_h2_raw.ts";
import { serverTest } from "./_live.ts";

// What a server sends, as bytes of which many make one chunk.

function head(id: number, isEnd: boolean, ...fields: string[]): Uint8Array {
  const flags = raw.END_HEADERS | (isEnd ? raw.END_STREAM : 0);
  return raw.frame(raw.HEADERS, flags, id, raw.block(...fields));
}

/** A response without a body. */
function whole(id: number): Uint8Array {
  return head(id, true, ":status: 200");
}

function data(id: number, text: string, isEnd: boolean): Uint8Array {
  return raw.frame(raw.DATA, isEnd ? raw.END_STREAM : 0, id, text);
}

function reset(id: number, code: number): Uint8Array {
  return raw.frame(raw.RST_STREAM, 0, id, raw.uint32(code));
}

function goAway(lastId: number): Uint8Array {
  return raw.frame(raw.GOAWAY, 0, 0, raw.join(raw.uint32(lastId), raw.uint32(0)));
}

function maxStreams(count: number): Uint8Array {
  return raw.settings([raw.MAX_CONCURRENT_STREAMS, Math.min(count, 2 ** 32 - 1)]);
}

/** What the client has to do with the one server there is: connections that are free and used, and who waits. */
function counts(client: HttpClient): [idle: number, active: number, waiting: number] {
  const [first, second] = client.inspect();
  assertEquals(second, undefined);
  const { idle, active, waiting } = first ?? { idle: 0, active: 0, waiting: 0 };
  assert(Math.min(idle, active, waiting) >= 0, `${[idle, active, waiting]}`);
  return [idle, active, waiting];
}

/** Waits until the client has its one connection, and nothing to do. */
async function rests(client: HttpClient): Promise<void> {
  await turnsUntil(() => String(counts(client)) === "1,0,0");
}

/** Waits for what a client with a fault would never tell. */
async function told<T>(promise: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => void (isOver = true);
  promise.then(over, over);
  await turnsUntil(() => isOver);
  return await promise;
}

/** Waits until the client has nothing more to do with what has happened before, and with the answers to that. */
async function synced(peer: Peer): Promise<void> {
  for (let i = 0; i < 2; i++) {
    let isAcked = false;
    peer.session.ping(() => isAcked = true);
    await peer.send();
    await turnsUntil(() => isAcked);
  }
}

/** The streams that the client has given up, as the server sees it. */
function cancelled(peer: Peer): number[] {
  return peer.log.filter((line) => /lost.*CANCEL/.test(line)).map((line) => parseInt(line));
}

// An error within the content of a request.

const THROWING: [string, () => RequestContent, RegExp][] = [
  ["a stream that is locked", () => {
    const stream = new ReadableStream();
    stream.getReader();
    return stream;
  }, /locked/],
  ["an async iterable that gives no iterator", () => ({
    [Symbol.asyncIterator]() {
      throw new Error("mine");
    },
  }), /^mine$/],
  ["an async iterable that throws at once", () => ({
    [Symbol.asyncIterator]: () => ({
      next() {
        throw new Error("mine");
      },
    }),
  }), /^mine$/],
  ["an iterable that gives no iterator", () => ({
    [Symbol.iterator]() {
      throw new Error("mine");
    },
  }), /^mine$/],
  ["an iterable that throws at once", () => ({
    [Symbol.iterator]: () => ({
      next() {
        throw new Error("mine");
      },
    }),
  }), /^mine$/],
  ["a coroutine that throws at once", () =>
    // deno-lint-ignore require-yield
    function* (): Coroutine {
      throw new Error("mine");
    }(), /^mine$/],
  ["a coroutine that throws later", () =>
    function* (): Coroutine {
      yield "abc";
      throw new Error("mine");
    }(), /^mine$/],
  ["a coroutine that yields what cannot be sent", () =>
    function* (): Coroutine {
      yield {};
    }(), /Cannot/],
];

/** When the content begins: in milliseconds, if no 100 comes. */
const BEGINNINGS = [["at once", 0], ["after 100", 10_000], ["when no 100 comes", 1]] as const;

for (const [what, body, message] of THROWING) {
  for (const [when, expectContinue] of BEGINNINGS) {
    let acked = 0;
    puppetTest(`the body of a request is ${what}, ${when}`, (peer, stream, path) => {
      if (path === "/") return answer(stream, "x");
      if (path === "/other" || expectContinue < 10) return;
      // Another response, and something to be answered, come with it.
      peer.session.ping(() => acked++);
      const other = peer.streams.at(-2)!.id;
      peer.send(raw.join(head(stream.id, false, ":status: 100"), whole(other), peer.take()));
    }, async ({ client, puppet, url, reactor }) => {
      const ask = (one: HttpClient) =>
        told(outcome(one.post(`${url}/body`, { body: body(), expectContinue })));
      // On a new connection, and on one that is open.
      if (expectContinue < 10) {
        const fresh = new HttpClient({ ...CLIENT, reactor });
        assertMatch(await ask(fresh), message);
        await rests(fresh);
        fresh.close();
        puppet.peers.length = 0;
      }
      for (let i = 1; i <= 3; i++) {
        assertEquals(await outcome(client.get(url)), "x");
        const [peer] = puppet.peers;
        const opened = peer!.streams.length;
        const other = expectContinue < 10 ? "" : outcome(client.get(`${url}/other`));
        await turnsUntil(() => other === "" || peer!.streams.length === opened + 1);
        assertMatch(await ask(client), message);
        assertEquals(await other, "");
        await rests(client);
        await turnsUntil(() => cancelled(peer!).length === i);
        await turnsUntil(() => expectContinue < 10 || acked === i);
      }
      acked = 0;
      assertEquals(puppet.peers.length, 1);
    });
  }
}

// A value that looks like a name.

puppetTest("a header has any value, also the name of another one", (_, stream) => {
  answer(stream, "");
}, async ({ client, puppet, url }) => {
  const names = ["accept-language", "x-a", "host", "te", "cookie"];
  const values = ["te", "host", "cookie", "connection", "transfer-encoding", ":path", "trailers"];
  const host = url.slice("http://".length);
  const cases: [string, string][][] = [[["te", "te"], ["te", "trailers"], ["x-a", "te"]]];
  for (const name of names) {
    for (const value of values) {
      // First, in the middle, and last.
      for (let at = 0; at < 3; at++) {
        cases.push([["x-1", "1"], ["x-2", "2"]].toSpliced(at, 0, [name, value]) as typeof cases[0]);
      }
      for (const other of names) {
        if (other === name) continue;
        for (const second of values) cases.push([[name, value], [other, second]]);
      }
    }
  }
  const expected = cases.flatMap((headers, i) => {
    const authority = headers.find(([name]) => name === "host")?.[1] ?? host;
    const pseudo = [":method: GET", ":scheme: http", `:authority: ${authority}`, `:path: /${i}`];
    const sent = headers
      .filter(([name, value]) => name !== "host" && (name !== "te" || value === "trailers"))
      .map((header) => header.join(": "));
    const all = [...pseudo, ...sent].join("|");
    return [`${all}|`, `${all}|accept-encoding: zstd, gzip, br, deflate|`];
  });
  await Promise.all(
    cases.flatMap((headers, i) =>
      [false, true].map((decompression) =>
        outcome(client.get(`${url}/${i}`, { headers, decompression }))
      )
    ),
  );
  const opened = puppet.peers[0]!.log.filter((line) => line.includes(" opened "));
  assertEquals(opened.map((line) => line.slice(line.indexOf(":"))), expected);
}, { server: { maxStreams: Infinity, maxIdleFrames: Infinity } });

// Who is served when a stream is free.

for (const [limit, workers] of [[1, 2], [1, 5], [2, 4], [3, 7], [5, 6]] as const) {
  for (const way of ["coroutines", "promises"]) {
    for (const isTogether of [false, true]) {
      const rounds = 10;
      puppetTest(
        `nobody overtakes who waits: ${workers} ${way} in a loop, ${limit} streams that end ` +
          (isTogether ? "together" : "one by one"),
        (peer, stream, path) => {
          if (path === "/") return answer(stream, "x");
          if (!isTogether) return answer(stream, path);
          const open = [...peer.session.streams.values()];
          // At last there are not so many any more.
          const left = 1 + workers * rounds - peer.streams.length;
          if (open.length === limit || left === 0) { for (const one of open) answer(one, path); }
        },
        async ({ client, puppet, url, reactor }) => {
          await outcome(client.get(url));
          await Promise.all(Array.from({ length: workers }, async (_, i) => {
            if (way === "promises") {
              for (let j = 0; j < rounds; j++) await outcome(client.get(`${url}/${i}`));
            } else {
              await gio(
                reactor,
                undefined,
                function* (): Coroutine {
                  for (let j = 0; j < rounds; j++) {
                    yield* call((yield* client.get(`${url}/${i}`)).text());
                  }
                }(),
              ).result;
            }
          }));
          const served: number[] = Array(workers).fill(0);
          for (const path of puppet.paths.slice(1)) {
            served[Number(path.slice(1))]!++;
            assert(Math.max(...served) - Math.min(...served) <= 2, String(puppet.paths));
          }
          assertEquals(served, Array(workers).fill(rounds));
          assertEquals(puppet.peers.length, 1);
        },
        { server: { maxStreams: limit }, timeouts: { waitMs: 20_000 } },
      );
    }
  }
}

// How many streams a server allows, and when it says so.

const MANY = { server: { maxStreams: Infinity, maxIdleFrames: Infinity, maxResets: Infinity } };

/** Answers, in one chunk with these bytes. */
function lastOf(peer: Peer, stream: H2Stream, bytes: Uint8Array): void {
  answer(stream, "x");
  peer.send(raw.join(bytes, peer.take()));
}

/** Streams whose responses have begun. */
const begun = new WeakSet<H2Stream>();

function begin(stream: H2Stream): void {
  begun.add(stream);
  stream.session.head(stream, [":status", "200"], false);
}

/** Ends all responses in one chunk. */
function endAll(peer: Peer): Promise<void> {
  for (const stream of peer.session.streams.values()) {
    if (begun.has(stream)) stream.end();
    else answer(stream, "");
  }
  return peer.send();
}

for (const open of [0, 1, 5]) {
  for (const from of [0, 1, 5]) {
    for (const to of [10, Infinity]) {
      puppetTest(
        `a server allows ${from}, and then ${to} streams, while ${open} are open`,
        (peer, stream, path) => {
          if (path === "/") answer(stream, "x");
          else if (path === "/less") lastOf(peer, stream, maxStreams(from));
          else if (stream.id % 4 === 1) begin(stream);
        },
        async ({ client, puppet, url }) => {
          const asking: Promise<string>[] = [];
          const ask = (count: number) => {
            for (let i = 0; i < count; i++) asking.push(outcome(client.get(`${url}/${i}`)));
          };
          /** So many streams are open, and all others wait. */
          const taken = async (count: number) => {
            await turnsUntil(() => puppet.paths.length >= 2 + count);
            await turns(5);
            assertEquals([puppet.paths.length, counts(client)[2]], [2 + count, open + 12 - count]);
          };
          await outcome(client.get(url));
          ask(open);
          await turnsUntil(() => puppet.paths.length === 1 + open);
          await outcome(client.get(`${url}/less`));
          const [peer] = puppet.peers;
          ask(12);
          await taken(Math.max(open, Math.min(from, open + 12)));
          await peer!.send(maxStreams(to));
          await taken(Math.max(open, Math.min(to, open + 12)));
          // All that are open end in one chunk, and the rest comes.
          peer!.onOpened = (stream) => answer(stream, "");
          await endAll(peer!);
          assertEquals(await told(Promise.all(asking)), Array(open + 12).fill(""));
          await rests(client);
        },
        MANY,
      );
    }
  }
}

puppetTest(
  "more ask than a server may allow, before it has said that it allows all",
  () => {},
  async (world) => {
    const { client, puppet, url } = world;
    const asking = Array.from({ length: 150 }, (_, i) => outcome(client.get(`${url}/${i}`)));
    await turnsUntil(() => puppet.paths.length === 100);
    await turns(5);
    assertEquals(counts(client), [0, 1, 50]);
    const [peer] = puppet.peers;
    peer!.isSilent = false;
    await peer!.send();
    await turnsUntil(() => puppet.paths.length === 150);
    await endAll(peer!);
    assertEquals(await Promise.all(asking), Array(150).fill(""));
  },
  { ...MANY, isSilent: true },
);

/** How the last streams end, all in one chunk, and what their requests come to. */
const LAST: [string, (stream: H2Stream) => Uint8Array, RegExp][] = [
  ["a response without a body", ({ id }) => whole(id), /^$/],
  ["a body", ({ id }) => raw.join(head(id, false, ":status: 200"), data(id, "abc", true)), /^abc$/],
  ["an error of the server", ({ id }) => reset(id, PROTOCOL_ERROR), /PROTOCOL_ERROR/],
  ["a fault of the server", ({ id }) => head(id, true, ":status: 20"), /invalid :status/],
  ["trailers", ({ id }) => raw.join(head(id, false, ":status: 200"), head(id, true, "a: b")), /^$/],
];

for (const [what, end, expected] of LAST) {
  for (const limit of [1, 2, 5]) {
    puppetTest(
      `${limit} streams end together, each by ${what}: who waits is served`,
      (peer, stream, path) => {
        if (path === "/") lastOf(peer, stream, maxStreams(limit));
      },
      async ({ client, puppet, url }) => {
        await outcome(client.get(url));
        const [peer] = puppet.peers;
        const asking = Array.from({ length: 3 * limit }, () => outcome(client.get(`${url}/x`)));
        for (let i = 0; i < 3; i++) {
          await turnsUntil(() => puppet.paths.length === 1 + (i + 1) * limit);
          assertEquals(counts(client), [0, 1, (2 - i) * limit]);
          const open = peer!.streams.slice(-limit);
          await peer!.send(raw.join(...open.map(end)));
        }
        for (const one of asking) assertMatch(await one, expected);
        await rests(client);
        assertEquals(puppet.peers.length, 1);
      },
      MANY,
    );
  }
}

/** How a client gives up what has begun. */
const GIVEN_UP: [string, boolean][] = [["before a head", false], ["within a body", true]];

for (const [when, hasHead] of GIVEN_UP) {
  for (const limit of [1, 2, 5]) {
    puppetTest(
      `${limit} requests are given up together, ${when}: who waits is served`,
      (peer, stream, path) => {
        if (path === "/") lastOf(peer, stream, maxStreams(limit));
        else if (path === "/next") answer(stream, "next");
        else if (hasHead) stream.session.head(stream, [":status", "200"], false);
      },
      async ({ client, puppet, url }) => {
        await outcome(client.get(url));
        const abort = new AbortController();
        const { signal } = abort;
        const asking = Array.from({ length: limit }, () => client.get(`${url}/x`, { signal }));
        const texts = asking.map((one) => outcome(one));
        const next = Array.from({ length: 2 * limit }, () => outcome(client.get(`${url}/next`)));
        await turnsUntil(() => puppet.paths.length === 1 + limit);
        if (hasHead) await Promise.all(asking);
        assertEquals(counts(client), [0, 1, 2 * limit]);
        abort.abort(new Error("given up"));
        assertEquals(await Promise.all(texts), Array(limit).fill("given up"));
        assertEquals(await told(Promise.all(next)), Array(2 * limit).fill("next"));
        await rests(client);
        assertEquals(puppet.peers.length, 1);
      },
      MANY,
    );
  }
}

// The end of a connection, in one chunk with the last response.

type Ending = "response" | "GOAWAY" | "fault";

const ENDINGS: Ending[][] = [
  ["response"],
  ["response", "GOAWAY"],
  ["GOAWAY", "response"],
  ["response", "fault"],
  ["fault", "response"],
  ["response", "GOAWAY", "fault"],
  ["response", "fault", "GOAWAY"],
  ["GOAWAY", "response", "fault"],
  ["GOAWAY", "fault", "response"],
  ["fault", "response", "GOAWAY"],
  ["fault", "GOAWAY", "response"],
];

/** How somebody asks, and what it does as soon as there is the response. */
const ASKERS = [
  "promise",
  "coroutine",
  "coroutine that asks again",
  "coroutine that closes",
] as const;

function asks(
  how: typeof ASKERS[number],
  { client, url, reactor }: Pick<World, "client" | "url" | "reactor">,
): Promise<string> {
  if (how === "promise") return outcome(client.get(`${url}/last`));
  return outcome(
    gio(
      reactor,
      undefined,
      function* (): Coroutine<{ text(): Promise<string> }> {
        let response = yield* client.get(`${url}/last`);
        if (how === "coroutine that closes") client.close();
        if (how === "coroutine that asks again") response = yield* client.get(`${url}/next`);
        return response;
      }(),
    ).result,
  );
}

for (const isEnd of [false, true]) {
  for (const endings of ENDINGS) {
    const what = [...endings, ...isEnd ? ["the end"] : []].join(", ");
    puppetTest(`${what} in one chunk: all that wait are served`, (peer, stream, path) => {
      if (path === "/") return lastOf(peer, stream, maxStreams(1));
      if (path === "/next") return answer(stream, "next");
      const bytes = {
        response: raw.join(head(stream.id, false, ":status: 200"), data(stream.id, "last", true)),
        GOAWAY: goAway(stream.id),
        fault: raw.frame(raw.DATA, 0, 0, "of no stream"),
      };
      peer.send(raw.join(...endings.map((ending) => bytes[ending])))
        .then(() => isEnd ? peer.closeWrite() : undefined);
    }, async ({ puppet, url, reactor }) => {
      const at = endings.indexOf("fault");
      const isLost = at >= 0 && at < endings.indexOf("response");
      for (const waiting of [0, 2]) {
        for (const asker of ASKERS) {
          const before = puppet.peers.length;
          const client = new HttpClient({ ...CLIENT, reactor, maxConnectionsPerOrigin: 1 });
          await outcome(client.get(url));
          const last = asks(asker, { client, url, reactor });
          const next = Array.from({ length: waiting }, () => outcome(client.get(`${url}/next`)));
          let isOver = false;
          const texts = Promise.all([last, ...next]).finally(() => isOver = true);
          await turnsUntil(() => {
            const [idle, active] = counts(client);
            assert(idle + active <= 1, `${idle} free, ${active} active`);
            return isOver;
          });
          const [text, ...others] = await texts;
          if (isLost) assertMatch(text!, /DATA of no stream/);
          else assertEquals(text, asker === "coroutine that asks again" ? "next" : "last");
          assertEquals(others, Array(waiting).fill("next"));
          if (isLost || asker !== "coroutine that closes") {
            // There is room for another connection, and only for one.
            const more = [1, 2, 3].map(() => outcome(client.get(`${url}/next`)));
            assertEquals(await Promise.all(more), Array(3).fill("next"));
            await rests(client);
          }
          client.close();
          await turnsUntil(() => client.inspect().length === 0);
          await turnsUntil(() => puppet.peers.slice(before).every((peer) => peer.isClosed));
          const isKept = what === "response" && asker !== "coroutine that closes";
          assert(puppet.peers.length - before <= (isKept ? 1 : 2));
        }
      }
    }, MANY);
  }
}

// How long a connection is kept, whatever it was used for.

/** Sends the rest of what the last stream has begun with. */
async function finish(puppet: Puppet): Promise<void> {
  const peer = puppet.peers.at(-1)!;
  const stream = peer.streams.at(-1)!;
  stream.write("rest");
  stream.end();
  await peer.send();
}

type Use = (world: World, options: RequestOptions) => Promise<unknown>;

const USES: [string, Use][] = [
  ["a response without a body", ({ client, url }, options) => client.head(`${url}/`, options)],
  ["a body that is there", ({ client, url }, options) => outcome(client.get(`${url}/`, options))],
  ["a body that comes in parts", async ({ client, url, puppet }, options) => {
    const response = await client.get(`${url}/parts`, options);
    const text = response.text();
    await finish(puppet);
    assertEquals(await text, "partrest");
  }],
  ["saveTo(), when all is there", async ({ client, url }, options) => {
    assertEquals(await saved(await client.get(`${url}/`, options)), "x");
  }],
  ["saveTo(), when more comes", async ({ client, url, puppet }, options) => {
    const saving = saved(await client.get(`${url}/parts`, options));
    await turns(5);
    await finish(puppet);
    assertEquals(await saving, "partrest");
  }],
  ["splice()", async ({ client, url, reactor, puppet }, options) => {
    let length = 0;
    const splicing = gio(
      reactor,
      undefined,
      function* (): Coroutine {
        yield* splice(yield* client.get(`${url}/parts`, options), {
          write(bytes: Uint8Array) {
            length += bytes.length;
            return Promise.resolve(bytes.length);
          },
        });
      }(),
    ).result;
    await turnsUntil(() => puppet.paths.at(-1) === "/parts");
    await turns(5);
    await finish(puppet);
    await splicing;
    assertEquals(length, 8);
  }],
  ["a tunnel that the server ends first", (world, options) => tunnel(world, options, true)],
  ["a tunnel that the client ends first", (world, options) => tunnel(world, options, false)],
  ["a rest that nobody wants", async ({ client, url, puppet }, options) => {
    (await client.get(`${url}/parts`, options)).close();
    await turns(5);
    await finish(puppet);
  }],
  ["a stream that the server resets", async ({ client, url, puppet }, options) => {
    const text = outcome(client.get(`${url}/parts`, options));
    await turnsUntil(() => puppet.paths.at(-1) === "/parts");
    const peer = puppet.peers.at(-1)!;
    refuse(peer, peer.streams.at(-1)!, PROTOCOL_ERROR);
    assertMatch(await text, /PROTOCOL_ERROR/);
  }],
  ["a request that is given up", async ({ client, url, puppet }, options) => {
    const abort = new AbortController();
    const text = outcome(client.get(`${url}/never`, { ...options, signal: abort.signal }));
    await turnsUntil(() => puppet.paths.at(-1) === "/never");
    abort.abort(new Error("given up"));
    assertEquals(await text, "given up");
  }],
  ["a body that is given up", async ({ client, url }, options) => {
    const abort = new AbortController();
    const response = await client.get(`${url}/parts`, { ...options, signal: abort.signal });
    abort.abort(new Error("given up"));
    assertEquals(await outcome(Promise.resolve(response)), "given up");
  }],
  ["an answer before all was sent", async ({ client, url }, options) => {
    const body = function* (): Coroutine {
      yield "abc";
      yield* sleep(1e9);
    }();
    assertEquals(await outcome(client.post(`${url}/`, { ...options, body })), "x");
  }],
  ["a body that cannot be sent", async ({ client, url }, options) => {
    const [, body, message] = THROWING[0]!;
    assertMatch(await outcome(client.post(`${url}/never`, { ...options, body: body() })), message);
  }],
];

async function saved(response: HttpResponse): Promise<string> {
  const path = await Deno.makeTempFile();
  try {
    await response.saveTo(path);
    return await Deno.readTextFile(path);
  } finally {
    await Deno.remove(path);
  }
}

/** A tunnel that both sides end. */
async function tunnel(world: World, options: RequestOptions, isFirst: boolean): Promise<void> {
  const { client, url, puppet } = world;
  const { context } = await client.request("CONNECT", url, options);
  const socket = context as unknown as Pick<Socket, "recv" | "shutdown" | "close">;
  const ends = [() => finish(puppet), () => socket.shutdown()];
  for (const end of isFirst ? ends : ends.reverse()) {
    await end();
    await turns(10);
  }
  for (let text = ""; text !== "partrest"; await turns()) {
    const bytes = socket.recv();
    if (bytes instanceof Uint8Array) text += new TextDecoder().decode(bytes);
  }
  socket.close();
}

for (const [what, use] of USES) {
  clockTest(`a connection is kept for its time after ${what}`, (_, stream, path) => {
    if (path === "/never") return;
    if (path === "/") return answer(stream, "x");
    stream.session.head(stream, [":status", "200"], false);
    stream.write("part");
    stream.flush();
  }, async (world) => {
    const { client, puppet, url, clock } = world;
    for (const [before, idleMs] of [[50_000, 1000], [500, 2000]] as const) {
      // The time of the last request counts, whatever one before it has said.
      await outcome(client.get(`${url}/`, { timeouts: { idleMs: before } }));
      await use(world, { timeouts: { idleMs } });
      await rests(client);
      await synced(puppet.peers.at(-1)!);
      clock.advance(idleMs - 1);
      await synced(puppet.peers.at(-1)!);
      assertEquals(counts(client), [1, 0, 0]);
      clock.advance(1);
      await turnsUntil(() => client.inspect().length === 0);
    }
  });
}

// A request that is given up when its response has come, and nobody has it yet.

/** What the server answers to A: the method, the frames, and whether the stream is open then. */
const ANSWERS: [string, string, (id: number) => Uint8Array, boolean][] = [
  ["307", "POST", (id) => head(id, true, ":status: 307", "location: /c"), false],
  ["303", "POST", (id) => head(id, true, ":status: 303", "location: /c"), false],
  [
    "302 with a body",
    "GET",
    (id) => raw.join(head(id, false, ":status: 302", "location: /c"), data(id, "abc", true)),
    false,
  ],
  [
    "307 with half a body",
    "GET",
    (id) => raw.join(head(id, false, ":status: 307", "location: /c"), data(id, "abc", false)),
    true,
  ],
  ["200", "POST", whole, false],
  [
    "200 with a body",
    "GET",
    (id) => raw.join(head(id, false, ":status: 200"), data(id, "abc", true)),
    false,
  ],
  [
    "200 with half a body",
    "GET",
    (id) => raw.join(head(id, false, ":status: 200"), data(id, "abc", false)),
    true,
  ],
  ["a tunnel", "CONNECT", (id) => head(id, false, ":status: 200"), true],
];

/** What comes in the same chunk, and has somebody give up A; and whether it may come after the answer to A. */
const EVENTS: [string, (a: number, b: number) => Uint8Array, boolean][] = [
  ["103 for A", (a) => head(a, false, ":status: 103"), false],
  ["103 for B", (_, b) => head(b, false, ":status: 103"), true],
  ["100 for B", (_, b) => head(b, false, ":status: 100"), true],
  ["RST_STREAM for B", (_, b) => reset(b, PROTOCOL_ERROR), true],
  // Of two responses the first is told first.
  ["a response for B", (_, b) => whole(b), false],
];

/** How A is given up, and at which event, if not at any. */
const WAYS: [string, string?][] = [
  ["a signal"],
  ["its task"],
  ["all()", "RST_STREAM for B"],
  ["race()", "a response for B"],
];

for (const [event, eventOf, comesLast] of EVENTS) {
  for (const [way, only = event] of WAYS) {
    if (only !== event) continue;
    puppetTest(
      `${event} gives up A by ${way}, in one chunk with the answer to A`,
      (_, stream, path) => {
        if (path === "/") answer(stream, "x");
      },
      async ({ client, puppet, url, reactor }) => {
        await outcome(client.get(url));
        const [peer] = puppet.peers;
        for (const isLast of comesLast ? [false, true] : [false]) {
          for (const [what, method, answerOf, isOpen] of ANSWERS) {
            const abort = new AbortController();
            let giveUp = () => abort.abort(new Error("given up"));
            let hasIt = false;
            const askA = function* (): Coroutine {
              const options: RequestOptions = {
                onInterim: () => giveUp(),
                signal: abort.signal,
                ...method === "POST" ? { body: "abc" } : {},
              };
              yield* client.request(method, method === "CONNECT" ? url : `${url}/a`, options);
              hasIt = true;
            };
            const askB = function* (): Coroutine {
              const body = function* (): Coroutine {
                giveUp();
                yield "abc";
              };
              try {
                if (event !== "100 for B") {
                  yield* client.get(`${url}/b`, { onInterim: () => giveUp() });
                } else yield* client.post(`${url}/b`, { body: body(), expectContinue: 10_000 });
              } finally {
                giveUp();
              }
            };
            const asked = puppet.paths.length;
            const run = (coroutine: Coroutine) => gio(reactor, undefined, coroutine);
            const tasks: Gio<unknown>[] = [];
            if (way === "all()" || way === "race()") {
              giveUp = () => {};
              tasks.push(run(function* (): Coroutine {
                yield* way === "all()" ? all(askA(), askB()) : race(askA(), askB());
              }()));
            } else {
              tasks.push(run(askA()));
              if (way === "its task") {
                giveUp = () => tasks[0]!.cancel();
              }
              await turnsUntil(() => puppet.paths.length === asked + 1);
              tasks.push(run(askB()));
            }
            const over = Promise.allSettled(tasks.map(({ result }) => result));
            await turnsUntil(() => puppet.paths.length === asked + 2);
            const [a, b] = peer!.streams.slice(asked).map(({ id }) => id);
            const parts = [eventOf(a!, b!), answerOf(a!)];
            await peer!.send(raw.join(...isLast ? parts.reverse() : parts));
            await turns(3);
            await peer!.send(whole(b!));
            await told(over);
            await rests(client);
            await turnsUntil(() => !isOpen || cancelled(peer!).includes(a!));
            assert(!hasIt, `${what}: somebody has the response`);
            assertEquals(puppet.paths.slice(asked + 2), [], what);
          }
        }
        assertEquals(puppet.peers.length, 1);
      },
      MANY,
    );
  }
}

clockTest("the time for A is over as its answer comes: nothing is left", (_, stream, path) => {
  if (path === "/") answer(stream, "x");
}, async ({ client, puppet, url, clock }) => {
  await outcome(client.get(url));
  const [peer] = puppet.peers;
  for (const isBefore of [true, false]) {
    for (const [, method, answerOf, isOpen] of ANSWERS) {
      const asked = puppet.paths.length;
      const body = method === "POST" ? { body: "abc" } : {};
      const path = method === "CONNECT" ? "" : "/a";
      const asking = client.request(method, url + path, { ...body, timeoutMs: 1000 });
      const over = asking.then((response) => response.close(), () => {});
      await turnsUntil(() => puppet.paths.length === asked + 1);
      await turns(3);
      const { id } = peer!.streams.at(-1)!;
      if (isBefore) clock.advance(1000);
      await peer!.send(answerOf(id));
      if (!isBefore) clock.advance(1000);
      await told(over);
      if (isOpen) await peer!.send(data(id, "", true));
      await synced(peer!);
      await rests(client);
    }
  }
  assertEquals(puppet.peers.length, 1);
}, MANY);

// What a good server sends, and often.

/** What comes with each response, and how often. */
const WITH_EACH: [string, (id: number) => Uint8Array][] = [
  ["WINDOW_UPDATE of the connection", () => raw.frame(raw.WINDOW_UPDATE, 0, 0, raw.uint32(5000))],
  [
    "two of WINDOW_UPDATE",
    (id) => raw.join(...[0, id].map((of) => raw.frame(raw.WINDOW_UPDATE, 0, of, raw.uint32(5000)))),
  ],
  ["PING", () => raw.frame(raw.PING, 0, 0, "12345678")],
  ["SETTINGS", () => raw.settings([raw.INITIAL_WINDOW_SIZE, 65_535])],
  ["a frame of an unknown type", (id) => raw.frame(99, 0, id, "grease")],
  ["103", (id) => head(id, false, ":status: 103")],
];

/** More than the useless frames that a server may send at once. */
const IN_ALL = 1500;

for (const [what, frames] of WITH_EACH) {
  for (const hasBody of [false, true]) {
    const which = hasBody ? "with bodies" : "without bodies";
    clockTest(`${what} with each of ${IN_ALL} responses ${which} is no flood`, (peer, { id }) => {
      const response = hasBody
        ? raw.join(head(id, false, ":status: 200"), data(id, "x", true))
        : whole(id);
      peer.send(raw.join(frames(id), response));
    }, async ({ client, puppet, url }) => {
      for (let i = 0; i < IN_ALL; i += 50) {
        const texts = Array.from(
          { length: 50 },
          (_, j) => outcome(j % 2 === 0 ? client.get(url) : client.post(url, { body: "abc" })),
        );
        assertEquals((await told(Promise.all(texts))).join(""), hasBody ? "x".repeat(50) : "");
      }
      assertEquals(puppet.peers.length, 1);
      await rests(client);
    }, MANY);
  }
}

/** What may be under way for a stream when the client gives it up. */
const LATE: [string, (id: number) => Uint8Array][] = [
  ["a response", whole],
  [
    "a response with a body",
    (id) => raw.join(head(id, false, ":status: 200"), data(id, "x", true)),
  ],
  ["a body", (id) => data(id, "x".repeat(100), true)],
  ["the end of a body", (id) => data(id, "", true)],
  ["trailers", (id) => head(id, true, "a: b")],
  ["WINDOW_UPDATE", (id) => raw.frame(raw.WINDOW_UPDATE, 0, id, raw.uint32(1))],
  ["RST_STREAM", (id) => reset(id, PROTOCOL_ERROR)],
];

/** Gives up many requests. Then there are these late frames for each of their streams, in their order. */
async function givesUp(
  { client, puppet, url }: World,
  count: number,
  late: (id: number, at: number) => Uint8Array,
): Promise<void> {
  await outcome(client.get(url));
  const innocent = outcome(client.get(`${url}/innocent`));
  const abort = new AbortController();
  const { signal } = abort;
  const others = Array.from({ length: count }, () => outcome(client.get(`${url}/x`, { signal })));
  await turnsUntil(() => puppet.paths.length === 2 + count);
  const [peer] = puppet.peers;
  const [, first, ...rest] = peer!.streams;
  abort.abort(new Error("given up"));
  assertEquals(new Set(await Promise.all(others)), new Set(["given up"]));
  await turnsUntil(() => cancelled(peer!).length === count);
  for (const [at, { id }] of rest.entries()) {
    const bytes = late(id, at);
    if (bytes.length > 0) await peer!.send(bytes);
  }
  await peer!.send(raw.join(head(first!.id, false, ":status: 200"), data(first!.id, "y", true)));
  assertEquals(await told(innocent), "y");
  await rests(client);
  assertEquals(puppet.peers.length, 1);
}

for (const [what, late] of LATE) {
  for (const count of [10, 1200]) {
    clockTest(
      `${what} may come late for a few of ${count} requests that were given up`,
      (_, stream, path) => {
        if (path === "/") answer(stream, "x");
      },
      // The first and the last ones.
      (world) =>
        givesUp(world, count, (id, at) => at < 5 || at > count - 5 ? late(id) : raw.join()),
      MANY,
    );
  }
  clockTest(
    `${what} may come late for all of 1200 requests that were given up`,
    (_, stream, path) => {
      if (path === "/") answer(stream, "x");
    },
    (world) => givesUp(world, 1200, late),
    MANY,
  );
}

clockTest("much of the bodies that were given up may come late", (_, stream, path) => {
  if (path === "/") answer(stream, "x");
}, (world) => {
  const body = new Uint8Array(1000);
  const part = (id: number) => raw.frame(raw.DATA, 0, id, body);
  return givesUp(world, 8, (id) => raw.join(...Array.from({ length: 200 }, () => part(id))));
}, MANY);

// Who gives up just when there is a connection.

/** Does something so many microtasks after the next connection is there. Returns what ends that. */
function atMoment(count: number, act: () => void): () => void {
  const { connect } = Deno;
  const later = (left: number) => queueMicrotask(() => left === 0 ? act() : later(left - 1));
  Deno.connect = (async (options: Deno.ConnectOptions) => {
    const conn = await connect(options);
    later(count);
    return conn;
  }) as typeof connect;
  return () => {
    Deno.connect = connect;
  };
}

for (const others of [0, 2]) {
  for (const closes of [false, true]) {
    clockTest(
      "somebody gives up just when there is a connection" +
        (others > 0 ? ", and others wait" : "") + (closes ? ", and the client is closed" : ""),
      (_, stream) => answer(stream, "x"),
      async ({ puppet, url, reactor, clock }) => {
        for (let moment = 0; moment < 20; moment++) {
          const before = puppet.peers.length;
          const client = new HttpClient({ ...CLIENT, reactor, timeouts: { idleMs: 1000 } });
          const abort = new AbortController();
          const end = atMoment(moment, () => {
            abort.abort(new Error("given up"));
            if (closes) client.close();
          });
          const first = outcome(client.get(url, { signal: abort.signal }));
          const later = Array.from({ length: others }, () => outcome(client.get(url)));
          assertMatch(await told(first), /^(?:given up|x)$/);
          assertEquals(await told(Promise.all(later)), Array(others).fill("x"));
          end();
          await turnsUntil(() => counts(client)[1] === 0);
          if (!closes) {
            const isKept = counts(client)[0] === 1;
            assert(isKept || others === 0);
            if (isKept) {
              await turnsUntil(() => puppet.peers.length > before);
              await synced(puppet.peers.at(-1)!);
              clock.advance(999);
              await synced(puppet.peers.at(-1)!);
            }
            assertEquals(counts(client), [isKept ? 1 : 0, 0, 0], `at moment ${moment}`);
            clock.advance(1);
          }
          await turnsUntil(() => client.inspect().length === 0);
          await turnsUntil(() => puppet.peers.slice(before).every((peer) => peer.isClosed));
          client.close();
        }
      },
    );
  }
}

// A client that runs only while something is awaited.

/** What comes with the head, and how a response is left. */
const SHORT: [string, (id: number) => Uint8Array][] = [
  ["a short rest", (id) => head(id, false, ":status: 200", "content-length: 10")],
  ["a rest of unknown length", (id) => head(id, false, ":status: 200")],
  ["a long rest", (id) => head(id, false, ":status: 200", "content-length: 1000000")],
  ["nothing left", whole],
];

const LEFT: [string, (response: HttpResponse) => unknown][] = [
  ["closed", (response) => response.close()],
  ["cancelled as a stream", (response) => response.stream().cancel()],
  ["cancelled within a stream", async (response) => {
    const reader = response.stream().getReader();
    await reader.read();
    await reader.cancel();
  }],
  ["closed when it has begun", async (response) => {
    for await (const _ of response.stream()) break;
  }],
];

for (const [left, leave] of LEFT) {
  leakTest(
    `a client of its own reactor: a response is ${left}, and its connection too`,
    async () => {
      await using puppet = new Puppet((peer, stream, path) => {
        const { id } = stream;
        const [what, head] = SHORT[Number(path.slice(1))]!;
        peer.send(what === "nothing left" ? head(id) : raw.join(head(id), data(id, "part", false)));
      });
      const clients: HttpClient[] = [];
      for (const isClosed of [true, false]) {
        for (let i = 0; i < SHORT.length; i++) {
          const client = new HttpClient(CLIENT);
          clients.push(client);
          await leave(await client.get(`${puppet.url}/${i}`));
          // Otherwise it closes what it does not need after a moment.
          if (isClosed) client.close();
        }
      }
      await turnsUntil(() => puppet.peers.length === clients.length);
      await turnsUntil(() => puppet.peers.every((peer) => peer.isClosed));
      for (const client of clients) client.close();
    },
  );
}

// A server that reads nothing.

/** What is to be answered, four times with each byte of a body, and how long an answer is. */
const TO_ANSWER: [string, Uint8Array, number][] = [
  ["PING", raw.frame(raw.PING, 0, 0, "12345678"), 17],
  ["SETTINGS", raw.settings(), 9],
];

/** More than any part of the way to the server keeps, and than the client should. */
const TOO_MUCH = 16 * 1024 * 1024;

/** Sends it again and again, until nothing moves any more. Returns the rest of it, and what is under way. */
async function flood(
  conn: Deno.Conn,
  unit: Uint8Array,
): Promise<{ sent: number; rest: Uint8Array; writing: Promise<number> }> {
  let sent = 0;
  for (let rest = unit;; rest = rest.length > 0 ? rest : unit) {
    let isTaken = false;
    const writing = conn.write(rest).finally(() => isTaken = true);
    writing.catch(() => {}); // The client may close meanwhile.
    for (let quiet = 0; !isTaken; quiet++) {
      if (quiet === 100) return { sent, rest, writing };
      // Deno looks for input and output when it has nothing else to do: while another thread has.
      await crypto.subtle.digest("SHA-1", new Uint8Array(0));
      await turns(2);
    }
    const length = await writing;
    sent += length;
    rest = rest.subarray(length);
    assert(sent < TOO_MUCH, "the client reads on, and keeps the answers");
  }
}

/** What happens then. */
const THEN = ["the server reads on", "the time is over", "the request is given up"] as const;

for (const [what, bytes, answerSize] of TO_ANSWER) {
  for (const then of THEN) {
    clockTest(
      `a server that reads nothing is not read when there is too much of ${what}; then ${then}`,
      () => {},
      async ({ client, clock }) => {
        const directory = await Deno.makeTempDir();
        const path = `${directory}/socket`;
        using listener = Deno.listen({ transport: "unix", path });
        const abort = new AbortController();
        const asking = client.get("http://localhost/", {
          socketPath: path,
          signal: abort.signal,
          timeouts: { bodyMs: 1000 },
        });
        const text = outcome(asking);
        using conn = await listener.accept();
        await Deno.remove(directory, { recursive: true });
        const buffer = new Uint8Array(65536);
        await conn.read(buffer);
        await conn.write(raw.join(raw.settings(), head(1, false, ":status: 200")));
        await asking;
        const unit = raw.join(data(1, "x", false), bytes, bytes, bytes, bytes);
        const units = new Uint8Array(1000 * unit.length);
        for (let i = 0; i < 1000; i++) units.set(unit, i * unit.length);
        const { sent, rest, writing } = await flood(conn, units);
        if (then === "the server reads on") {
          const count = (sent + rest.length) / unit.length;
          const sending = (async () => {
            for (let left = rest.subarray(await writing); left.length > 0;) {
              left = left.subarray(await conn.write(left));
            }
            await conn.write(data(1, "", true));
          })();
          for (let size = 0; size < 4 * count * answerSize;) size += (await conn.read(buffer))!;
          await sending;
          assertEquals((await text).length, count);
        } else {
          let isOver = false;
          text.finally(() => isOver = true);
          if (then === "the request is given up") abort.abort(new Error("given up"));
          await turnsUntil(() => isOver || (clock.advance(1000), false));
          assertMatch(await text, /silent for 1000 ms|given up/);
          client.close();
          await turnsUntil(() => client.inspect().length === 0);
          // A socket may try for a while to send what it was given.
          let isEnded = false;
          writing.catch(() => {}).finally(() => isEnded = true);
          await turnsUntil(() => isEnded || (clock.advance(1000), false));
        }
      },
    );
  }
}

// A server of which nobody knows yet what it speaks.

clockTest(
  "a server that does not answer costs each of many askers at most two times, not all the ones before",
  () => {},
  async ({ client, clock }) => {
    using listener = Deno.listen(listening);
    const conns: Deno.Conn[] = [];
    const accepting = (async () => {
      for await (const conn of listener) conns.push(conn);
    })();
    const url = `https://${hostname}:${listener.addr.port}/`;
    let over = 0;
    const asking = Array.from(
      { length: 6 },
      () => outcome(client.get(url, { timeouts: { tlsMs: 300 } })).finally(() => over++),
    );
    await turnsUntil(() => over > 0 || conns.length === 1 && (clock.advance(100), false));
    // All others try by themselves, and together.
    await turnsUntil(() => conns.length === 6);
    await turnsUntil(() => over === 6 || (clock.advance(100), false));
    for (const text of await Promise.all(asking)) assertMatch(text, /TLS handshake.*300 ms/);
    assertEquals(client.inspect(), []);
    for (const conn of conns) conn.close();
    listener.close();
    await accepting.catch(() => {});
  },
  { http2: true },
);

for (
  const [speaks, http2, max] of [["1.1", false, 4], ["1.1", false, 1], ["2", true, 4]] as const
) {
  serverTest(
    `too many requests to a server that turns out to speak HTTP/${speaks} fail at once, with ${max} connections`,
    async (reactor) => {
      using server = new HttpServer(reactor, {
        ...listening,
        http2,
        cert: CERT,
        key: KEY,
        *handler() {
          yield ok();
          yield "x";
        },
      });
      for (const asked of [1, max, max + 1, 12]) {
        const client = new HttpClient({
          reactor,
          tls: { caCerts: [CA_CERT] },
          overload: "fail",
          maxConnectionsPerOrigin: max,
        });
        const url = `https://${hostname}:${server.port}/`;
        const texts = await Promise.all(
          Array.from({ length: asked }, () => outcome(client.get(url))),
        );
        const taken = http2 ? asked : Math.min(asked, max);
        assertEquals(texts.slice(0, taken), Array(taken).fill("x"));
        for (const text of texts.slice(taken)) {
          assertMatch(
            text,
            new RegExp(` ${max} of them to it`),
          );
        }
        assertEquals(client.inspect()[0]!.waiting, 0);
        client.close();
        await turnsUntil(() => client.inspect().length === 0);
      }
    },
  );
}

// What a head may be.

puppetTest(
  "an interim response that ends its stream is an error, and takes no stream",
  (peer, stream, path) => {
    if (path === "/") return lastOf(peer, stream, maxStreams(1));
    peer.send(head(stream.id, true, `:status: ${path.slice(1)}`));
  },
  async ({ client, puppet, url }) => {
    assertEquals(await outcome(client.get(`${url}/`)), "x");
    for (const status of [100, 102, 103]) {
      const asking = [
        () => client.get(`${url}/${status}`),
        () => client.head(`${url}/${status}`),
        () => client.post(`${url}/${status}`, { body: "abc" }),
        () => client.post(`${url}/${status}`, { body: "abc", expectContinue: 10_000 }),
      ];
      for (const ask of asking) {
        assertMatch(await told(outcome(ask())), /has ended the stream|PROTOCOL_ERROR/);
        await rests(client);
        assertEquals(await told(outcome(client.get(`${url}/`))), "x");
      }
    }
    assertEquals(puppet.peers.length, 1);
  },
  MANY,
);

puppetTest("a head, and trailers, have as many lines as the limit says", (peer, { id }, path) => {
  const lines = Array(Number(path.slice(2))).fill("a: b");
  const isHead = path[1] === "h";
  peer.send(
    isHead ? head(id, true, ":status: 200", ...lines) : raw.join(
      head(id, false, ":status: 200"),
      head(id, true, ...lines),
    ),
  );
}, async ({ client, url }) => {
  for (const what of ["h", "t"]) {
    assertEquals(await outcome(client.get(`${url}/${what}200`)), "");
    assertMatch(await outcome(client.get(`${url}/${what}201`)), /too (?:many|large)/);
  }
}, MANY);

puppetTest("of a header's value only blanks are cut from the ends", (_, stream) => {
  answer(stream, "x");
}, async ({ client, puppet, url }) => {
  const values = ["\xa0x\xa0", "\xff", "a \xa0", " \tb\t ", "c\xa0\xa0d"];
  for (const value of values) await outcome(client.get(url, { headers: { "x-a": value } }));
  const sent = puppet.peers[0]!.log.map((line) => /\|x-a: (.*?)\|/.exec(line)?.[1]).filter(Boolean);
  const expected = values.map((value) => value.replace(/^[ \t]+|[ \t]+$/g, ""));
  // The server reads them as UTF-8.
  assertEquals(sent, expected.map((value) => value.replaceAll(/[\x80-\xff]/g, "\ufffd")));
});

// A tunnel.

clockTest(
  "a tunnel that is left sends all that it was given, whenever the server takes it",
  (_, stream) => {
    stream.session.head(stream, [":status", "200"], false);
    stream.user = { received() {}, trailed() {}, drained() {}, lost() {} };
  },
  async ({ client, puppet, url, reactor, clock }) => {
    await told(
      gio(
        reactor,
        undefined,
        function* (): Coroutine {
          using _ = (yield* client.request("CONNECT", url)).enter();
          yield new Uint8Array(200_000);
        }(),
      ).result,
    );
    const [peer] = puppet.peers;
    const [stream] = peer!.streams;
    let length = 0;
    await turnsUntil(() => stream!.inputBytes === 65_535);
    while (length < 200_000) {
      // It takes a while each time, and reads a little.
      await synced(peer!);
      clock.advance(1500);
      await synced(peer!);
      assert(
        peer!.session.streams.has(stream!.id) || stream!.isAtEnd || stream!.hasInput,
        `${length}`,
      );
      for (let piece; (piece = stream!.read()) !== undefined;) length += piece.length;
      await peer!.send();
      await turnsUntil(() => stream!.hasInput || stream!.isAtEnd || length === 200_000);
    }
    assertEquals(length, 200_000);
  },
  { server: { streamWindow: 65_535, connectionWindow: 65_535 } },
);

puppetTest("a tunnel gives no more than is asked for", (_, stream) => {
  stream.session.head(stream, [":status", "200"], false);
  stream.write("0123456789".repeat(5));
  stream.end();
}, async ({ client, url }) => {
  const { context } = await client.request("CONNECT", url);
  const socket = context as unknown as Socket;
  let text = "";
  for (let bytes; (bytes = socket.recv(4)) !== null;) {
    if (bytes === undefined) await turns();
    else {
      assert(bytes.length <= 4, `${bytes.length}`);
      text += new TextDecoder().decode(bytes);
    }
  }
  assertEquals(text, "0123456789".repeat(5));
  socket.close();
});

// Who is served when there are few connections, or none yet.

puppetTest(
  "requests that wait are served by a client that is closed meanwhile",
  (peer, stream, path) => {
    if (path === "/") lastOf(peer, stream, maxStreams(1));
  },
  async ({ client, puppet, url }) => {
    await outcome(client.get(url));
    const asking = [1, 2, 3].map(() => outcome(client.get(`${url}/x`)));
    await turnsUntil(() => puppet.paths.length === 2);
    client.close();
    for (let i = 0; i < 3; i++) {
      await turnsUntil(() => puppet.paths.length === 2 + i);
      await endAll(puppet.peers.at(-1)!);
    }
    assertEquals(await told(Promise.all(asking)), ["", "", ""]);
    await turnsUntil(() => client.inspect().length === 0);
  },
  MANY,
);

puppetTest("a free connection makes room for one of another origin", (_, stream) => {
  answer(stream, "x");
}, async ({ client, url }) => {
  await using other = new Puppet((_, stream) => answer(stream, "y"));
  for (let i = 0; i < 3; i++) {
    const asking = [url, other.url, url, other.url].map((one) => outcome(client.get(one)));
    assertEquals(await told(Promise.all(asking)), ["x", "y", "x", "y"]);
  }
  client.close();
  await turnsUntil(() => client.inspect().length === 0);
}, { maxConnections: 1 });

serverTest(
  "a server that wants HTTP/1.1 again and again gets it on one connection",
  async (reactor) => {
    await using puppet = new Puppet((peer, stream) => refuse(peer, stream, HTTP_1_1_REQUIRED));
    using server = new HttpServer(reactor, {
      ...listening,
      http2: false,
      *handler() {
        yield ok();
        yield "x";
      },
    });
    // The first connection speaks HTTP/2, the others do not.
    const ports: number[] = [];
    await using relay = Deno.listen(listening);
    const relaying = (async () => {
      for await (const conn of relay) {
        ports.push(ports.length === 0 ? Number(new URL(puppet.url).port) : server.port);
        const other = await Deno.connect({ hostname, port: ports.at(-1)! });
        conn.readable.pipeTo(other.writable).catch(() => {});
        other.readable.pipeTo(conn.writable).catch(() => {});
      }
    })().catch(() => {});
    const client = new HttpClient({ ...CLIENT, reactor });
    const url = `http://${hostname}:${relay.addr.port}/`;
    for (let i = 0; i < 4; i++) {
      assertEquals(await outcome(client.get(url)), "x");
      assertEquals(await outcome(client.post(url, { body: "abc" })), "x");
    }
    assertEquals(ports.length, 2);
    client.close();
    await turnsUntil(() => client.inspect().length === 0);
    relay.close();
    await relaying;
  },
);
