/** The HTTP client over HTTP/2 against servers that do what they are told. What it has in common with HTTP/1.1 is in client_test.ts. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { all, gio, race, sleep, spawn, timeout, TimeoutError } from "../../gio/mod.ts";
import {
  HttpClient,
  HttpServer,
  type HttpServerOptions,
  ok,
  type RequestOptions,
  TooManyConnections,
} from "../../http/mod.ts";
import { HTTP_1_1_REQUIRED, NO_ERROR } from "../../http/h2/_codes.ts";
import type { H2Stream } from "../../http/h2/_stream.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { CA_CERT, CERT, KEY } from "../reactor/_tls.ts";
import { CLIENT, clockTest, outcome, puppetTest, refuse } from "./_h2_client.ts";
import { FAULTS } from "./_h2_misbehaving.ts";
import { answer, Puppet } from "./_h2_puppet.ts";
import { serverTest } from "./_live.ts";

puppetTest("requests wait for a stream when there are as many as the server allows", (peer) => {
  // All that are open are answered at once.
  const open = [...peer.session.streams.values()].filter(({ state }) => (state & 1) === 0);
  if (open.length === 3 || peer.log.length < 5) { for (const stream of open) answer(stream, "x"); }
}, async ({ client, puppet, url }) => {
  await (await client.get(url)).text();
  const texts = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => (await client.get(`${url}/${i}`)).text()),
  );
  assertEquals(texts.join(""), "x".repeat(30));
  // In the order in which they came, on one connection, and none was refused.
  assertEquals(puppet.paths, ["/", ...texts.map((_, i) => `/${i}`)]);
  assertEquals(puppet.peers.length, 1);
  assert(puppet.peers[0]!.log.every((line) => !line.includes("REFUSED")));
}, { server: { maxStreams: 3 } });

puppetTest(
  "before the server has told how many streams it allows, there are at most 100; what it refuses comes again",
  (_, stream) => answer(stream, "x"),
  async ({ client, puppet, url }) => {
    const asking = Promise.all(
      Array.from({ length: 150 }, async (_, i) => (await client.get(`${url}/${i}`)).text()),
    );
    await turnsUntil(() => client.inspect()[0]?.waiting === 50);
    await turns(10);
    const [peer] = puppet.peers;
    peer!.isSilent = false;
    await peer!.send();
    assertEquals((await asking).join(""), "x".repeat(150));
    assertEquals(puppet.peers.length, 1);
  },
  { server: { maxStreams: 20 }, isSilent: true },
);

puppetTest("too many streams are an error, if that is wanted", (peer, stream) => {
  if (peer.streams.length > 1) return;
  answer(stream, "x");
}, async ({ client, puppet, url }) => {
  await (await client.get(url)).text();
  const first = client.get(url);
  await assertRejects(async () => await client.get(url), TooManyConnections, "on its connection");
  await turnsUntil(() => puppet.paths.length === 2);
  answer(puppet.peers[0]!.streams[1]!, "y");
  await puppet.peers[0]!.send();
  assertEquals(await (await first).text(), "y");
}, { server: { maxStreams: 1 }, overload: "fail" });

puppetTest("a request waits for a stream no longer than it may", () => {}, async (world) => {
  const { client, puppet, url } = world;
  const first = client.get(url);
  await turnsUntil(() => puppet.paths.length === 1);
  await turns(5);
  await assertRejects(
    async () => await client.get(url, { timeouts: { waitMs: 10 } }),
    TimeoutError,
    "no stream was free within 10 ms",
  );
  answer(puppet.peers[0]!.streams[0]!, "x");
  await puppet.peers[0]!.send();
  await (await first).text();
}, { server: { maxStreams: 1 } });

/** What can be sent once more, and what cannot. */
const BODIES: [string, () => RequestOptions, boolean][] = [
  ["no body", () => ({}), true],
  ["text", () => ({ body: "abc" }), true],
  ["a coroutine that has begun", () => ({
    body: function* (): Coroutine {
      yield "abc";
      yield* sleep(10_000);
    }(),
  }), false],
  ["a coroutine that waits for a 100", () => ({
    body: function* (): Coroutine {
      yield "abc";
    }(),
    expectContinue: 10_000,
  }), true],
];

for (const [what, options, isRepeated] of BODIES) {
  let times = 0;
  puppetTest(`a stream that was refused is asked once more, with ${what}`, (peer, stream) => {
    if (times++ % 2 === 0) refuse(peer, stream);
    else answer(stream, "x");
  }, async ({ client, puppet, url }) => {
    for (const method of ["GET", "POST"]) {
      times = 0;
      puppet.paths.length = 0;
      const got = await outcome(client.request(method, url, options()));
      assertEquals(puppet.paths.length, isRepeated ? 2 : 1);
      if (isRepeated) assertEquals(got, "x");
      else {assertMatch(
          got,
          /nothing of it has come\): The peer has reset the stream: REFUSED_STREA/,
        );}
    }
    assertEquals(puppet.peers.length, 1);
  });
}

puppetTest(
  "a stream that is refused all the time is an error",
  (peer, stream) => refuse(peer, stream),
  async (world) => {
    const { client, puppet, url } = world;
    assertEquals(
      await outcome(client.get(url)),
      "Cannot read the response to GET URL/ (nothing of it has come): The peer has reset the stream: REFUSED_STREAM",
    );
    assertEquals(puppet.paths.length, 6);
  },
);

puppetTest(
  "after GOAWAY what the server has not taken is asked on another connection",
  (peer, stream) => {
    if (peer.streams.length !== 4 || stream.id > 7) return void answer(stream, "new");
    // Of four, it has taken two.
    const [, one, two] = peer.streams;
    peer.session.goAway(3);
    answer(one!, "one");
    assertEquals([one!.id, two!.id], [3, 5]);
  },
  async ({ client, puppet, url }) => {
    await (await client.get(url)).text();
    const paths = ["/a", "/b", "/c"];
    puppet.peers[0]!.onOpened = ((opened) => (stream) => {
      if (puppet.peers[0]!.streams.length < 4) return;
      opened(stream);
    })(puppet.peers[0]!.onOpened);
    const texts = await Promise.all(
      paths.map((path) => outcome(client.post(url + path, { body: "abc" }))),
    );
    assertEquals(texts, ["one", "new", "new"]);
    assertEquals(puppet.peers.length, 2);
    await turnsUntil(() => puppet.peers[0]!.isClosed);
    // The new one is used from now on.
    assertEquals(await outcome(client.get(url)), "new");
    assertEquals(client.inspect().map(({ idle, active }) => [idle, active]), [[1, 0]]);
    assertEquals(puppet.peers.length, 2);
  },
);

puppetTest("a server that goes away in two steps loses no request", (peer, stream) => {
  if (peer.streams.length === 1) peer.session.goAway(2 ** 31 - 1);
  answer(stream, "x");
}, async ({ client, puppet, url }) => {
  for (let i = 0; i < 5; i++) {
    assertEquals(await outcome(client.post(url, { body: "abc" })), "x");
    await turnsUntil(() => puppet.peers.at(-1)!.isClosed);
  }
  assertEquals(puppet.peers.length, 5);
});

/** When the connection ends: what of the response has come, and what the client says then. */
const CUTS: [string, (stream: H2Stream) => void, RegExp][] = [
  ["nothing", () => {}, /nothing of it has come\): The server has closed the connection$/],
  [
    "an interim response",
    (stream) => stream.session.head(stream, [":status", "103"], false),
    /only an interim response has come/,
  ],
  [
    "a head",
    (stream) => stream.session.head(stream, [":status", "200"], false),
    /\(0 bytes of its/,
  ],
  [
    "a part of a body",
    (stream) => {
      stream.session.head(stream, [":status", "200", "content-length", "10"], false);
      stream.write("abc");
      stream.flush();
    },
    /3 bytes of its body have come\): The server has closed the connection$/,
  ],
];

for (const [what, send, message] of CUTS) {
  puppetTest(`a connection that ends after ${what}`, (peer, stream, path) => {
    if (path === "/first") return answer(stream, "x");
    send(stream);
    peer.send().then(() => turns(3)).then(() => peer.close());
  }, async ({ client, puppet, url }) => {
    for (const isReused of [false, true]) {
      for (const method of ["GET", "POST"]) {
        if (isReused) await (await client.get(`${url}/first`)).text();
        puppet.paths.length = 0;
        assertMatch(await outcome(client.request(method, url)), message);
        // RFC 9110 9.2.2: as over HTTP/1.1.
        const isRepeated = isReused && method === "GET" && what === "nothing";
        assertEquals(puppet.paths.length, isRepeated ? 2 : 1);
        await turnsUntil(() => client.inspect().length === 0);
      }
    }
  });
}

serverTest("a server that wants HTTP/1.1 for a request gets it", async (reactor) => {
  // The first connection speaks HTTP/2, the others do not.
  await using puppet = new Puppet((peer, stream) => refuse(peer, stream, HTTP_1_1_REQUIRED));
  using server = new HttpServer(reactor, {
    ...listening,
    http2: false,
    *handler(request) {
      yield ok();
      yield `${request.version} ${yield* call(request.text())}`;
    },
  });
  let connections = 0;
  await using relay = Deno.listen(listening);
  const relaying = (async () => {
    for await (const conn of relay) {
      const port = connections++ === 0 ? Number(new URL(puppet.url).port) : server.port;
      const other = await Deno.connect({ hostname, port });
      conn.readable.pipeTo(other.writable).catch(() => {});
      other.readable.pipeTo(conn.writable).catch(() => {});
    }
  })().catch(() => {});
  const client = new HttpClient({ ...CLIENT, reactor });
  const url = `http://${hostname}:${relay.addr.port}/`;
  assertEquals(await outcome(client.post(url, { body: "abc" })), "1.1 abc");
  client.close();
  await turnsUntil(() => client.inspect().length === 0);
  relay.close();
  await relaying;
});

puppetTest(
  "a request that is given up is reset, and its connection kept",
  () => {},
  async (world) => {
    const { client, puppet, url, reactor } = world;
    const given = [
      () => {
        const abort = new AbortController();
        const asking = client.get(url, { signal: abort.signal });
        turnsUntil(() => puppet.paths.length === 1).then(() => abort.abort());
        return asking.then(() => {}, () => {});
      },
      () =>
        gio(
          reactor,
          undefined,
          function* (): Coroutine {
            yield* race(client.get(url), sleep(5));
          }(),
        ).result,
      () =>
        client.get(url, { timeoutMs: 5 }).catch((error) => assert(error instanceof TimeoutError)),
      () =>
        gio(
          reactor,
          undefined,
          function* (): Coroutine {
            const task = yield* spawn(function* (): Coroutine {
              yield* client.post(url, {
                body: function* () {
                  for (;;) yield* sleep(1);
                }(),
              });
            }());
            yield* sleep(5);
            task.cancel();
          }(),
        ).result,
    ];
    for (const [i, give] of given.entries()) {
      await give();
      const id = 2 * i + 1;
      await turnsUntil(() => puppet.peers[0]!.log.some((line) => line.startsWith(`${id} lost`)));
      assertMatch(puppet.peers[0]!.log.find((line) => line.startsWith(`${id} lost`))!, /CANCEL/);
      assertEquals(client.inspect().map(({ idle, active }) => [idle, active]), [[1, 0]]);
    }
    assertEquals(puppet.peers.length, 1);
  },
  { server: { maxStreams: 1 } },
);

puppetTest("of a body that nobody wants a little is read, and more is reset", (_, stream, path) => {
  stream.session.head(stream, [":status", "200"], false);
  stream.session.body(stream, new Uint8Array(Number(path.slice(1))), Number(path.slice(1)));
}, async ({ client, puppet, url }) => {
  for (const [size, isReset] of [[1000, false], [60_000, false], [3_000_000, true]] as const) {
    const response = await client.get(`${url}/${size}`);
    response.close();
    const [peer] = puppet.peers;
    await turnsUntil(() => peer!.log.at(-1)!.includes(isReset ? "lost" : "closed"));
    await turnsUntil(() => client.inspect()[0]!.idle === 1);
  }
  const lost = puppet.peers[0]!.log.filter((line) => line.includes("lost"));
  assertEquals(lost.length, 1);
  assertMatch(lost[0]!, /^5 .*(CANCEL|NO_ERROR)/);
  assertEquals(puppet.peers.length, 1);
});

puppetTest("bodies that nobody reads do not keep others from coming", (_, stream, path) => {
  const size = path === "/large" ? 3_000_000 : 3;
  stream.session.head(stream, [":status", "200"], false);
  stream.session.body(stream, new Uint8Array(size).fill(97), size);
}, async ({ client, url }) => {
  const large = await Promise.all(Array.from({ length: 8 }, () => client.get(`${url}/large`)));
  for (let i = 0; i < 3; i++) assertEquals(await outcome(client.get(`${url}/small`)), "aaa");
  for (const response of large) assertEquals((await response.bytes()).length, 3_000_000);
});

puppetTest("a body is sent as the server's windows allow, and 3 MB arrive", (peer, stream) => {
  let sum = 0;
  stream.user = {
    received() {
      let bytes = 0;
      for (let piece; (piece = stream.read()) !== undefined;) bytes += piece.length;
      sum += bytes;
      if (stream.isAtEnd) answer(stream, String(sum));
    },
    trailed() {},
    drained() {},
    lost() {},
  };
  stream.user.received();
  peer.send();
}, async ({ client, url }) => {
  const body = "x".repeat(3_000_000);
  const texts = await Promise.all([
    outcome(client.post(url, { body })),
    outcome(client.post(url, { body: new Blob([body]) })),
    outcome(client.post(url, { body: ["a", "", body, "b"] })),
  ]);
  assertEquals(texts, ["3000000", "3000000", "3000002"]);
}, { server: { streamWindow: 65_535, connectionWindow: 65_535 } });

puppetTest("an early answer ends what is left of the request", (_, stream) => {
  answer(stream, "enough");
}, async ({ client, puppet, url }) => {
  let hasEnded = false;
  const response = await client.post(url, {
    body: function* (): Coroutine {
      try {
        for (;;) {
          yield new Uint8Array(1000);
          yield* sleep(1);
        }
      } finally {
        hasEnded = true;
      }
    }(),
  });
  assertEquals(await response.text(), "enough");
  await turnsUntil(() => puppet.peers[0]!.log.some((line) => /lost.*CANCEL/.test(line)));
  assert(hasEnded);
  assertEquals(client.inspect().map(({ idle, active }) => [idle, active]), [[1, 0]]);
});

puppetTest(
  "a response that is complete stays so when the server then resets the stream",
  (peer, stream) => {
    answer(stream, "enough");
    stream.reset(NO_ERROR, new Error("enough"));
    peer.send();
  },
  async ({ client, url }) => {
    const body = new Blob([new Uint8Array(1_000_000)]);
    for (let i = 0; i < 20; i++) {
      const response = await client.post(url, { body });
      await turns(3);
      assertEquals(await response.text(), "enough");
    }
  },
);

puppetTest("trailers, and interim responses", (_, stream) => {
  const { session } = stream;
  session.head(stream, [":status", "103", "link", "</a>"], false);
  session.head(stream, [":status", "200", "x", "1"], false);
  stream.write("body");
  stream.end(["grpc-status", "0"]);
}, async ({ client, url }) => {
  const interims: unknown[] = [];
  const response = await client.get(url, {
    onInterim: ({ status, headers }) => void interims.push([status, headers.get("link")]),
  });
  assertEquals(await response.text(), "body");
  assertEquals(response.trailers?.get("grpc-status"), "0");
  assertEquals([response.version, response.reason, response.headers.get("x")], ["2", "", "1"]);
  assertEquals(interims, [[103, "</a>"]]);
});

puppetTest("what onInterim throws is the error of its request", (_, stream) => {
  stream.session.head(stream, [":status", "103"], false);
  answer(stream, "x");
}, async ({ client, url }) => {
  const onInterim = () => {
    throw new Error("mine");
  };
  await assertRejects(async () => await client.get(url, { onInterim }), Error, "mine");
  assertEquals(await outcome(client.get(url)), "x");
});

puppetTest("CONNECT gives a tunnel: both ways, and half closed", (peer, stream) => {
  stream.session.head(stream, [":status", "200", "content-length", "7"], false);
  stream.user = {
    received() {
      for (let piece; (piece = stream.read()) !== undefined;) {
        stream.write(piece);
        stream.flush();
      }
      if (stream.isAtEnd) {
        stream.write("bye");
        stream.end();
      }
      peer.send();
    },
    trailed() {},
    drained() {},
    lost() {},
  };
}, async ({ client, puppet, url, reactor }) => {
  const talk = gio(
    reactor,
    undefined,
    function* (): Coroutine<string> {
      const tunnel = yield* client.request("CONNECT", url);
      let text = "";
      using _ = tunnel.enter();
      yield "hello";
      while (text.length < 5) text += new TextDecoder().decode(yield);
      (tunnel.context as unknown as { shutdown(): void }).shutdown();
      while (text.length < 8) text += new TextDecoder().decode(yield);
      return text;
    }(),
  );
  assertEquals(await talk.result, "hellobye");
  const host = url.slice("http://".length);
  assertEquals(
    puppet.peers[0]!.log[0],
    `1 opened :method: CONNECT|:authority: ${host}|accept-encoding: zstd, gzip, br, deflate|`,
  );
  assertEquals(client.inspect().map(({ idle, active }) => [idle, active]), [[1, 0]]);
});

puppetTest("a tunnel that is left ends its stream", (_, stream) => {
  stream.session.head(stream, [":status", "200"], false);
}, async ({ client, puppet, url, reactor }) => {
  await gio(
    reactor,
    undefined,
    function* (): Coroutine {
      yield* client.request("CONNECT", url);
    }(),
  ).result;
  await turnsUntil(() => puppet.peers[0]!.log.includes("1 body "));
});

for (const { what, bytes, says, ends } of FAULTS) {
  puppetTest(`a server that sends ${what}`, (peer, stream, path) => {
    if (path === "/first") answer(stream, "x");
    else peer.send(bytes());
  }, async ({ client, puppet, url }) => {
    const got = await outcome(client.get(url));
    assertMatch(got, /^Cannot read the response to GET URL\/ \(/);
    assertStringIncludes(got, says);
    const [peer] = puppet.peers;
    const isReset = () => peer!.log.some((line) => /^1 lost.*PROTOCOL_ERROR/.test(line));
    if (ends === "connection") await turnsUntil(() => peer!.isClosed);
    else if (ends === "stream") await turnsUntil(isReset);
    // Others are not concerned.
    assertEquals(await outcome(client.get(`${url}/first`)), "x");
    assertEquals(puppet.peers.length, ends === "connection" ? 2 : 1);
  });
}

puppetTest("a body beyond the limit is an error, told or not", (_, stream, path) => {
  const fields = path === "/told" ? ["content-length", "2000"] : [];
  stream.session.head(stream, [":status", "200", ...fields], false);
  stream.session.body(stream, new Uint8Array(2000), 2000);
}, async ({ client, url }) => {
  for (const path of ["/told", "/untold"]) {
    assertMatch(await outcome(client.get(url + path)), /larger than 1000 bytes|1000/);
  }
}, { limits: { maxBodyBytes: 1000 } });

clockTest("each phase has its limit of time", (_, stream, path) => {
  if (path === "/head") return;
  stream.session.head(stream, [":status", "200"], false);
  if (path === "/body") {
    stream.write("abc");
    stream.flush();
  }
}, async ({ client, puppet, url, clock }) => {
  const timeouts = { headMs: 1000, bodyMs: 2000 };
  for (
    const [path, ms, message] of [
      [
        "/head",
        1000,
        "Cannot get a response to GET URL/head: its head did not come within 1000 ms",
      ],
      [
        "/body",
        2000,
        "Cannot read the response to GET URL/body: the server was silent for 2000 ms within its body",
      ],
    ] as const
  ) {
    puppet.paths.length = 0;
    let got: string | undefined;
    const asking = client.get(url + path, { timeouts });
    outcome(asking).then((text) => got = text);
    await turnsUntil(() => puppet.paths.length === 1);
    if (path === "/body") await asking;
    await turns(10);
    clock.advance(ms - 1);
    await turns(10);
    assertEquals(got, undefined);
    clock.advance(2);
    await turnsUntil(() => got !== undefined);
    assertEquals(got, message);
  }
});

/** How a request is given up after a second. */
const GIVEN_UP: Record<
  string,
  (client: HttpClient, url: string, reactor: Reactor) => Promise<unknown>
> = {
  "by headMs": async (client, url) => await client.get(url, { timeouts: { headMs: 1000 } }),
  "by timeoutMs": async (client, url) => await client.get(url, { timeoutMs: 1000 }),
  "with its coroutine": (client, url, reactor) =>
    gio(
      reactor,
      undefined,
      function* (): Coroutine {
        using _ = timeout(1000);
        yield* client.get(url);
      }(),
    ).result,
};

for (const [how, ask] of Object.entries(GIVEN_UP)) {
  for (const isGone of [true, false]) {
    const outcome = isGone ? "is not used any more if the server is gone" : "is kept else";
    clockTest(`when a request is given up ${how}, the connection ${outcome}`, (_, stream, path) => {
      if (path !== "/slow") answer(stream, "x");
    }, async ({ client, puppet, url, reactor, clock }) => {
      await (await client.get(url)).text();
      await turns(10);
      const [peer] = puppet.peers;
      peer!.isSilent = isGone;
      let error: unknown;
      ask(client, `${url}/slow`, reactor).catch((thrown) => error = thrown);
      await turnsUntil(() => puppet.paths.length === 2);
      clock.advance(1001);
      await turnsUntil(() => error !== undefined);
      assert(error instanceof TimeoutError);
      // Its answer comes after that to PING.
      if (!isGone) await (await client.get(url)).text();
      clock.advance(1001);
      await turns(10);
      await (await client.get(url)).text();
      assertEquals(puppet.peers.length, isGone ? 2 : 1);
      if (isGone) await turnsUntil(() => peer!.isClosed);
    });
  }
}

clockTest("a free connection is kept for its time, and then told that it ends", (_, stream) => {
  answer(stream, "x");
}, async ({ client, puppet, url, clock }) => {
  for (let i = 1; i < 4; i++) {
    await (await client.get(url, { timeouts: { idleMs: 1000 } })).text();
    assertEquals(puppet.peers.length, i);
    await turns(10);
    clock.advance(999);
    await (await client.get(url, { timeouts: { idleMs: 1000 } })).text();
    assertEquals(puppet.peers.length, i);
    await turns(10);
    clock.advance(1001);
    const peer = puppet.peers[i - 1]!;
    await turnsUntil(() => peer.isClosed);
    assert(peer.log.some((line) => /goes away after 0: .*NO_ERROR/.test(line)), peer.log.join());
    assertEquals(client.inspect(), []);
  }
});

clockTest("what the server does not take is a timeout, and what it takes is none", (_, stream) => {
  stream.user = { received() {}, trailed() {}, drained() {}, lost() {} };
}, async ({ client, puppet, url, clock }) => {
  const body = "x".repeat(200_000);
  let got: string | undefined;
  outcome(client.post(url, { body, timeouts: { headMs: 1000 } })).then((text) => got = text);
  await turnsUntil(() => puppet.peers[0]?.streams[0]?.inputBytes === 65_535);
  const [stream] = puppet.peers[0]!.streams;
  for (let i = 0; i < 3; i++) {
    clock.advance(900);
    const before = stream!.inputBytes;
    // It takes a little.
    for (let j = 0; j < 2; j++) stream!.read();
    await puppet.peers[0]!.send();
    await turnsUntil(() => stream!.inputBytes > before - 32768);
    await turns(10);
    assertEquals(got, undefined);
  }
  clock.advance(2001);
  await turnsUntil(() => got !== undefined || (clock.advance(1001), false));
  assertMatch(got!, /did not come within 1000 ms/);
}, { server: { streamWindow: 65_535, connectionWindow: 65_535 } });

/** Servers of https, by what they speak. */
const SPEAK: [string, Partial<HttpServerOptions>, string][] = [
  ["both", {}, "2"],
  ["HTTP/2 only", { alpnProtocols: ["h2"] }, "2"],
  ["HTTP/1.1 only", { http2: false, alpnProtocols: ["http/1.1"] }, "1.1"],
  ["HTTP/1.1, and do not say so", { http2: false }, "1.1"],
];

for (const [what, options, version] of SPEAK) {
  serverTest(`servers of https that speak ${what}`, async (reactor, errors) => {
    const seen = new Set<unknown>();
    using handler = new HttpServer(reactor, {
      ...listening,
      ...options,
      cert: CERT,
      key: KEY,
      *handler({ connection }) {
        seen.add(connection);
        yield ok();
        yield "hello";
      },
    });
    const url = `https://${hostname}:${handler.port}/`;
    const client = new HttpClient({ reactor, tls: { caCerts: [CA_CERT] } });
    for (let round = 0; round < 2; round++) {
      const responses = await Promise.all(Array.from({ length: 10 }, () => client.get(url)));
      for (const response of responses) {
        assertEquals([response.version, await response.text()], [version, "hello"]);
        const protocol = response.connection.tls!.alpnProtocol;
        assertEquals(protocol, version === "2" ? "h2" : options.alpnProtocols?.[0]);
      }
    }
    if (version === "2") assertEquals(seen.size, 1);
    else assert(seen.size > 1 && seen.size <= 10, `${seen.size}`);
    const old = new HttpClient({ reactor, tls: { caCerts: [CA_CERT] }, http2: false });
    if (what !== "HTTP/2 only") assertEquals((await old.get(url)).version, "1.1");
    const only = new HttpClient({ reactor, tls: { caCerts: [CA_CERT] }, http2: "prior-knowledge" });
    if (version === "2") assertEquals((await only.get(url)).version, "2");
    else await assertRejects(async () => await only.get(url));
    for (const one of [client, old, only]) {
      one.close();
      await turnsUntil(() => one.inspect().length === 0);
    }
    assertEquals(errors, []);
  });
}

serverTest(
  "when the first connection cannot be made, the others try for themselves",
  async (reactor) => {
    using listener = Deno.listen(listening); // no TLS here
    const accepting = (async () => {
      for await (const conn of listener) conn.close();
    })().catch(() => {});
    const client = new HttpClient({ reactor });
    const url = `https://${hostname}:${listener.addr.port}/`;
    const asking = Array.from({ length: 5 }, () => client.get(url).then(() => "", () => "failed"));
    assertEquals(await Promise.all(asking), Array(5).fill("failed"));
    assertEquals(client.inspect(), []);
    listener.close();
    await accepting;
  },
);

serverTest("when the one that connects gives up, another connects", async (reactor) => {
  await using server = Deno.serve(
    { ...listening, cert: CERT, key: KEY, onListen() {} },
    () => new Response("hello"),
  );
  const client = new HttpClient({ reactor, tls: { caCerts: [CA_CERT] } });
  const url = `https://${hostname}:${server.addr.port}/`;
  const abort = new AbortController();
  const first = client.get(url, { signal: abort.signal }).then(() => "", () => "given up");
  const others = Array.from({ length: 3 }, async () => await (await client.get(url)).text());
  abort.abort();
  assertEquals(await first, "given up");
  assertEquals(await Promise.all(others), Array(3).fill("hello"));
  assertEquals(client.inspect().map(({ idle, active }) => [idle, active]), [[1, 0]]);
  client.close();
  await turnsUntil(() => client.inspect().length === 0);
});

puppetTest(
  "coroutines ask on one connection, and what they leave is given up",
  (_, stream, path) => {
    if (path !== "/never") answer(stream, path);
  },
  async ({ client, puppet, url, reactor }) => {
    function* ask(path: string): Coroutine<string> {
      return yield* call((yield* client.get(url + path)).text());
    }
    const texts = await gio(
      reactor,
      undefined,
      function* (): Coroutine<string[]> {
        yield* race(ask("/never"), ask("/now"));
        return yield* all(ask("/a"), ask("/b"), ask("/c"));
      }(),
    ).result;
    assertEquals(texts, ["/a", "/b", "/c"]);
    assertEquals(puppet.peers.length, 1);
  },
);

leakTest("a client of its own reactor speaks HTTP/2, and lets the program end", async () => {
  await using puppet = new Puppet((_, stream) => answer(stream, "x"));
  using client = new HttpClient(CLIENT);
  for (let i = 0; i < 3; i++) {
    const texts = await Promise.all([
      outcome(client.get(puppet.url)),
      outcome(client.get(puppet.url)),
    ]);
    assertEquals(texts, ["x", "x"]);
  }
  assertEquals(puppet.peers.length, 1);
  const abort = new AbortController();
  puppet.peers[0]!.onOpened = () => {};
  const asking = client.get(puppet.url, { signal: abort.signal });
  await turnsUntil(() => puppet.peers[0]!.streams.length === 7);
  abort.abort();
  await assertRejects(async () => await asking);
  await turnsUntil(() => puppet.peers[0]!.log.some((line) => /13 lost.*CANCEL/.test(line)));
});
