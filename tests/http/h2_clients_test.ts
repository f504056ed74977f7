/** node:http2 and fetch(), which speak HTTP/2 from the program of the test. */
import { assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import http2 from "node:http2";
import { turnsUntil } from "../_leaks.ts";
import { pattern } from "./_client_peers.ts";
import { h2Test, type Served } from "./_h2_peers.ts";
import { CA_CERT } from "../reactor/_tls.ts";

type Session = http2.ClientHttp2Session;
type Stream = http2.ClientHttp2Stream;

async function connect({ origin }: Served): Promise<Session> {
  const session = http2.connect(origin, { ca: CA_CERT });
  await once(session, "connect");
  return session;
}

function closed(session: Session): Promise<void> {
  return new Promise((resolve) => session.close(resolve));
}

/** The next event of a stream or a session. */
async function event(of: Session | Stream, name: string): Promise<unknown> {
  return (await once(of, name))[0];
}

interface Answer {
  status: number | undefined;
  headers: http2.IncomingHttpHeaders;
  trailers: http2.IncomingHttpHeaders;
  text: string;
}

/** The whole answer. */
async function answer(stream: Stream): Promise<Answer> {
  let headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
  let trailers: http2.IncomingHttpHeaders = {};
  stream.on("response", (received) => headers = received);
  stream.on("trailers", (received) => trailers = received);
  const pieces: Uint8Array[] = [];
  stream.on("data", (piece) => pieces.push(piece));
  await event(stream, "end");
  return { status: headers[":status"], headers, trailers, text: Buffer.concat(pieces).toString() };
}

h2Test("node:http2 has many answers at once", async (served) => {
  const session = await connect(served);
  const sizes = Array.from({ length: 100 }, (_, i) => 1000 * i);
  const answers = sizes.map((size) =>
    answer(session.request({ ":path": `/download?size=${size}` }))
  );
  assertEquals((await Promise.all(answers)).map(({ text }) => text.length), sizes);
  const { status, headers, text } = await answer(session.request({ ":path": "/" }));
  assertEquals([status, headers["content-type"], text], [200, "text/plain", "Hello!"]);
  // RFC 9113 8.2.2: no fields of the connection.
  assertEquals([headers.connection, headers["keep-alive"], headers["transfer-encoding"]], [
    undefined,
    undefined,
    undefined,
  ]);
  await closed(session);
  assertEquals(served.versions, new Set(["2"]));
  assertEquals(served.server.statistics().accepted, 1);
});

h2Test("node:http2 sends and gets in turn", async (served) => {
  const session = await connect(served);
  const stream = session.request({ ":method": "POST", ":path": "/echo" });
  for (let i = 0; i < 20; i++) {
    stream.write(`piece ${i}`);
    assertEquals(String(await event(stream, "data")), `piece ${i}`);
  }
  stream.end();
  await event(stream, "end");
  const all = session.request({ ":method": "POST", ":path": "/echo" });
  const text = "x".repeat(1_000_000);
  all.end(text);
  assertEquals((await answer(all)).text, text);
  await closed(session);
});

h2Test("node:http2 sends trailers, and gets some", async (served) => {
  const session = await connect(served);
  const stream = session.request(
    { ":method": "POST", ":path": "/trailed" },
    { waitForTrailers: true },
  );
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-sent": "at the end" }));
  stream.end("12345");
  const { text, trailers } = await answer(stream);
  assertEquals([text, trailers["x-seen"]], ["5 bytes", "at the end"]);
  const without = session.request({ ":method": "POST", ":path": "/trailed" });
  without.end();
  assertEquals((await answer(without)).trailers["x-seen"], "none");
  await closed(session);
});

h2Test("node:http2 gets interim responses", async (served) => {
  const session = await connect(served);
  const hinted = session.request({ ":path": "/hinted" });
  const headers = event(hinted, "headers");
  const { status, text } = await answer(hinted);
  assertEquals([status, text], [200, "hinted"]);
  assertEquals((await headers as Record<string, unknown>).link, "</page.css>; rel=preload");

  const asking = session.request({ ":method": "POST", ":path": "/upload", expect: "100-continue" });
  await event(asking, "continue");
  asking.end("12345");
  assertEquals((await answer(asking)).text, "5");
  await closed(session);
});

h2Test("node:http2 resets some streams, and the others go on", async (served) => {
  const session = await connect(served);
  const echo = session.request({ ":method": "POST", ":path": "/echo" });
  echo.write("before");
  assertEquals(String(await event(echo, "data")), "before");
  const endless = Array.from(
    { length: 20 },
    () => session.request({ ":path": "/chunked?size=1e12" }),
  );
  await Promise.all(endless.map((stream) => event(stream, "response")));
  assertEquals(served.handlers, 21);
  for (const stream of endless) stream.close(http2.constants.NGHTTP2_CANCEL);
  await turnsUntil(() => served.handlers === 1);
  echo.write("after");
  assertEquals(String(await event(echo, "data")), "after");
  echo.end();
  await event(echo, "end");
  await closed(session);
});

h2Test("node:http2 pings, and changes its settings", async (served) => {
  const session = await connect(served);
  const payload = Buffer.from("12345678");
  const echoed = await new Promise((resolve, reject) =>
    session.ping(payload, (error, _ms, received) => error ? reject(error) : resolve(received))
  );
  assertEquals(String(echoed), "12345678");
  for (const initialWindowSize of [10, 100_000]) {
    session.settings({ initialWindowSize });
    const { text } = await answer(session.request({ ":path": "/download?size=5000" }));
    assertEquals(text.length, 5000);
    assertEquals(session.localSettings.initialWindowSize, initialWindowSize, "it is acknowledged");
  }
  await closed(session);
});

h2Test("node:http2 is told of the shutdown, and gets what it has asked for", async (served) => {
  const session = await connect(served);
  const stream = session.request({ ":method": "POST", ":path": "/echo" });
  stream.write("before");
  assertEquals(String(await event(stream, "data")), "before");
  const goaway = event(session, "goaway");
  const closed = event(session, "close");
  const done = served.server.shutdown({ deadlineMs: 60_000 });
  assertEquals(await goaway, http2.constants.NGHTTP2_NO_ERROR);
  stream.write("after");
  assertEquals(String(await event(stream, "data")), "after");
  stream.end();
  await event(stream, "end");
  await Promise.all([closed, done]);
});

h2Test("node:http2 goes away in the middle", async (served) => {
  const session = await connect(served);
  const streams = Array.from(
    { length: 10 },
    () => session.request({ ":path": "/download?size=1e12" }),
  );
  for (const stream of streams) stream.on("error", () => {});
  await Promise.all(streams.map((stream) => event(stream, "response")));
  session.destroy();
  await turnsUntil(() => served.handlers === 0);
});

/** fetch() over HTTP/2 only. */
function fetching(
  served: Served,
): Disposable & ((path: string, init?: RequestInit) => Promise<Response>) {
  const client = Deno.createHttpClient({ caCerts: [CA_CERT], http1: false, http2: true });
  const ask = (path: string, init?: RequestInit) =>
    fetch(served.origin + path, { ...init, client });
  return Object.assign(ask, { [Symbol.dispose]: () => client.close() });
}

h2Test("fetch() gets, sends, and streams both ways", async (served) => {
  using ask = fetching(served);
  assertEquals(await (await ask("/")).text(), "Hello!");
  const sizes = Array.from({ length: 50 }, (_, i) => 1000 * i);
  const texts = await Promise.all(
    sizes.map(async (size) => (await (await ask(`/download?size=${size}`)).text()).length),
  );
  assertEquals(texts, sizes);
  const body = pattern(1_000_000);
  assertEquals(await (await ask("/echo", { method: "POST", body })).bytes(), body);

  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
  const writer = writable.getWriter();
  const reading = ask("/echo", { method: "POST", body: readable });
  await writer.write(new TextEncoder().encode("piece 0"));
  const reader = (await reading).body!.getReader();
  for (let i = 1; i < 20; i++) {
    const { value } = await reader.read();
    assertEquals(new TextDecoder().decode(value), `piece ${i - 1}`);
    await writer.write(new TextEncoder().encode(`piece ${i}`));
  }
  await writer.close();
  await reader.read();
  assertEquals((await reader.read()).done, true);
  assertEquals(served.versions, new Set(["2"]));
});

h2Test("fetch() stops in the middle", async (served) => {
  using ask = fetching(served);
  const controller = new AbortController();
  const answer = await ask("/chunked?size=1e12", { signal: controller.signal });
  controller.abort();
  await assertRejects(() => answer.text());
  await turnsUntil(() => served.handlers === 0);
  assertEquals(await (await ask("/")).text(), "Hello!");
});
