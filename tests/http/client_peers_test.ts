/** The client and the servers of other people. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { HttpClient, RemoteProtocolError } from "../../http/mod.ts";
import { TimeoutError } from "../../gio/mod.ts";
import { hasCommand } from "../_peers.ts";
import { CA_CERT } from "../reactor/_tls.ts";
import { denoServe, httpd, LARGE, nginx, node, pattern, type Peer, TEXT } from "./_client_peers.ts";
import { serverTest } from "./_live.ts";

type Kind = "files" | "program";

/** Each peer by its name: the command that has to be there, what it answers, and how it is started. */
const PEERS: [name: string, command: string, kind: Kind, start: () => Promise<Peer>][] = [
  ["nginx", "nginx", "files", nginx],
  ["Apache httpd", "apache2", "files", httpd],
  ["node:http", "node", "program", node],
  ["Deno.serve", "deno", "program", denoServe],
];

/** What is served by each kind. */
const HELLO = { files: "/hello.txt", program: "/hello" };
const COMPRESSED = { files: "/text.txt", program: "/text" };

interface Given {
  client: HttpClient;
  origin: string;
  secured: string;
  socketPath: string | undefined;
}

function peerTest(
  what: string,
  of: { kind?: Kind; name?: string },
  fn: (given: Given, kind: Kind) => Promise<void>,
): void {
  for (const [name, command, kind, start] of PEERS) {
    if ((of.kind ?? kind) !== kind || (of.name ?? name) !== name || !hasCommand(command)) continue;
    serverTest(`HttpClient and ${name}: ${what}`, async (reactor, errors) => {
      await using peer = await start();
      const client = new HttpClient({ reactor, tls: { caCerts: [CA_CERT] } });
      const { origin, secured, socketPath } = peer;
      await fn({ client, origin, secured, socketPath }, kind);
      const origins = client.inspect();
      assertEquals(
        origins.map(({ active, waiting }) => [active, waiting]),
        origins.map(() => [0, 0]),
      );
      client.close();
      assertEquals(errors, []);
    });
  }
}

peerTest("a connection is used again", {}, async ({ client, origin }, kind) => {
  for (let i = 0; i < 20; i++) {
    const response = await client.get(origin + HELLO[kind]);
    assertEquals([response.status, response.isReused], [200, i > 0]);
    assertEquals(await response.text(), "Hello!");
  }
  assertEquals(client.inspect().map(({ idle }) => idle), [1]);
});

peerTest("many at once", {}, async ({ client, origin }, kind) => {
  let more = 300;
  let reused = 0;
  await Promise.all(Array.from({ length: 16 }, async () => {
    while (more-- > 0) {
      const response = await client.get(origin + HELLO[kind]);
      if (response.isReused) reused++;
      assertEquals(await response.text(), "Hello!");
    }
  }));
  assertEquals(reused, 300 - client.inspect()[0]!.idle);
  assert(reused >= 300 - 16);
});

peerTest("TLS, and the connection is used again", {}, async ({ client, secured }, kind) => {
  for (let i = 0; i < 5; i++) {
    const response = await client.get(secured + HELLO[kind]);
    assertEquals([response.status, response.isReused], [200, i > 0]);
    assertEquals(await response.text(), "Hello!");
  }
});

peerTest("TLS is refused where nobody vouches for it", {}, async ({ secured }, kind) => {
  using client = new HttpClient();
  await assertRejects(() => client.get(secured + HELLO[kind]), Deno.errors.InvalidData);
});

peerTest("a compressed body is decoded", {}, async ({ client, origin }, kind) => {
  const url = origin + COMPRESSED[kind];
  const response = await client.get(url);
  assertEquals(await response.text(), TEXT);
  const accepting = { "accept-encoding": "gzip" };
  const raw = await client.get(url, { decompression: false, headers: accepting });
  assertEquals(raw.headers.get("content-encoding"), "gzip");
  const { length } = await raw.bytes();
  assert(length < TEXT.length / 10, `${length}`);
});

peerTest("HEAD has no body", {}, async ({ client, origin }, kind) => {
  const url = origin + HELLO[kind];
  const response = await client.head(url);
  assertEquals([response.status, await response.text()], [200, ""]);
  const next = await client.get(url);
  assertEquals([next.isReused, await next.text()], [true, "Hello!"]);
});

peerTest("an error is a response", {}, async ({ client, origin }) => {
  const response = await client.get(`${origin}/none`);
  assertEquals(response.status, 404);
  assertMatch(await response.text(), /none|Not Found/);
});

peerTest("Connection: close is honoured", {}, async ({ client, origin }) => {
  for (let i = 0; i < 2; i++) {
    const response = await client.get(`${origin}/closes`);
    assertEquals([response.status, response.isReused], [200, false]);
    assertMatch(await response.text(), /^Hello!$|^closed$/);
  }
});

peerTest("a large file comes whole", { kind: "files" }, async ({ client, origin }) => {
  for (let i = 0; i < 3; i++) {
    const response = await client.get(`${origin}/large`);
    assertEquals(Number(response.headers.get("content-length")), LARGE);
    assertEquals(await response.bytes(), pattern(LARGE));
  }
});

peerTest("a large file is saved", { kind: "files" }, async ({ client, origin, secured }) => {
  for (const from of [origin, secured]) {
    const path = await Deno.makeTempFile();
    const response = await client.get(`${from}/large`);
    assertEquals(await response.saveTo(path), LARGE);
    assertEquals(await Deno.readFile(path), pattern(LARGE));
    await Deno.remove(path);
  }
});

peerTest("a Unix socket", { name: "nginx" }, async ({ client, socketPath }) => {
  for (let i = 0; i < 3; i++) {
    const response = await client.get("http://localhost/hello.txt", { socketPath: socketPath! });
    assertEquals([response.status, response.isReused], [200, i > 0]);
    assertEquals(await response.text(), "Hello!");
  }
});

peerTest("ranges", { kind: "files" }, async ({ client, origin }) => {
  const url = `${origin}/large`;
  const part = await client.get(url, { headers: { range: "bytes=1000-1999" } });
  assertEquals([part.status, part.headers.get("content-range")], [206, `bytes 1000-1999/${LARGE}`]);
  assertEquals(await part.bytes(), pattern(LARGE).subarray(1000, 2000));
  const parts = await client.get(url, { headers: { range: "bytes=0-9,100-109" } });
  assertEquals(parts.status, 206);
  assertMatch(parts.headers.get("content-type")!, /^multipart\/byteranges/);
  assert((await parts.bytes()).length > 20);
  const none = await client.get(url, { headers: { range: `bytes=${LARGE}-` } });
  assertEquals(none.status, 416);
  await none.text();
});

peerTest("what has not changed has no body", { kind: "files" }, async ({ client, origin }) => {
  const url = `${origin}/hello.txt`;
  const first = await client.get(url);
  await first.text();
  const headers = { "if-none-match": first.headers.get("etag")! };
  const second = await client.get(url, { headers });
  assertEquals([second.status, await second.text()], [304, ""]);
  const third = await client.get(url);
  assertEquals([third.isReused, await third.text()], [true, "Hello!"]);
});

peerTest("uploads, when they are wanted", { kind: "files" }, async ({ client, origin }) => {
  const url = `${origin}/put/file`;
  for (const expectContinue of [false, true]) {
    for (const size of [0, 10, 1_000_000]) {
      const body = pattern(size);
      const put = await client.put(url, { body, expectContinue });
      assertMatch(String(put.status), /^20[14]$/);
      await put.text();
      const got = await client.get(url);
      assertEquals(await got.bytes(), body);
    }
    const body = (async function* () {
      for (let i = 0; i < 10; i++) yield pattern(10_000);
    })();
    const put = await client.put(url, { body, expectContinue });
    assertMatch(String(put.status), /^20[14]$/);
    await put.text();
    assertEquals((await (await client.get(url)).bytes()).length, 100_000);
  }
});

peerTest("an upload that is too large", { kind: "files" }, async ({ client, origin }) => {
  const url = `${origin}/put/file`;
  for (const expectContinue of [true, false]) {
    const response = await client.put(url, { body: pattern(6_000_000), expectContinue });
    assertEquals(response.status, 413);
    assertMatch(await response.text(), /Too Large/i);
  }
  assertEquals(await (await client.get(`${origin}/hello.txt`)).text(), "Hello!");
});

peerTest("a redirection is followed", { kind: "files" }, async ({ client, origin }) => {
  const response = await client.get(`${origin}/moved`);
  assertEquals([response.status, await response.text()], [200, "Hello!"]);
  assertEquals([String(response.url), response.redirects.length], [`${origin}/hello.txt`, 1]);
  const manual = await client.get(`${origin}/moved`, { redirect: "manual" });
  assertEquals(manual.status, 301);
  await manual.text();
});

peerTest("a server that closes instead of an answer", { name: "nginx" }, async (given) => {
  await assertRejects(() => given.client.get(`${given.origin}/drops`), RemoteProtocolError);
});

peerTest("a slow body and its timeout", { name: "nginx" }, async ({ client, origin }) => {
  const asking = async () =>
    await (await client.get(`${origin}/limited`, { timeoutMs: 200 })).text();
  await assertRejects(asking, TimeoutError);
});

peerTest("a body in pieces", { kind: "program" }, async ({ client, origin }) => {
  const response = await client.get(`${origin}/pieces`);
  assertEquals(response.headers.get("content-length"), undefined);
  assertEquals(await response.text(), "one, two, three");
  assertEquals((await client.get(`${origin}/hello`)).isReused, true);
});

peerTest("a body that is cut", { kind: "program" }, async ({ client, origin }) => {
  const asking = async () => await (await client.get(`${origin}/cut`)).text();
  await assertRejects(asking, RemoteProtocolError, "after 4 of 100 bytes");
});

peerTest("uploads come back", { kind: "program" }, async ({ client, origin }) => {
  for (const size of [0, 10, 1_000_000]) {
    const response = await client.post(`${origin}/echo`, { body: pattern(size) });
    assertEquals(response.headers.get("x-method"), "POST");
    assertEquals(await response.bytes(), pattern(size));
  }
  const form = new URLSearchParams({ a: "b c" });
  assertEquals(await (await client.post(`${origin}/echo`, { body: form })).text(), "a=b+c");
  const pieces = ["one, ", "two, ", "three"];
  for (const expectContinue of [false, true]) {
    const response = await client.post(`${origin}/echo`, { body: pieces, expectContinue });
    assertEquals(await response.text(), "one, two, three");
  }
});

peerTest("an upload is sent again where it is wanted", { kind: "program" }, async (given) => {
  const { client, origin } = given;
  const response = await client.post(`${origin}/moved`, { body: "again" });
  assertEquals([response.status, await response.text()], [200, "again"]);
  assertEquals(response.headers.get("x-method"), "POST");
});

peerTest("an upload that is refused", { kind: "program" }, async ({ client, origin }) => {
  const response = await client.post(`${origin}/refuses`, { body: pattern(8_000_000) });
  assertEquals([response.status, await response.text()], [413, "too large"]);
});

peerTest("trailers and early hints", { name: "node:http" }, async ({ client, origin }) => {
  const trailed = await client.get(`${origin}/trailed`);
  assertEquals(await trailed.text(), "body");
  assertEquals(trailed.trailers?.get("x"), "y");
  assertEquals(await (await client.get(`${origin}/hinted`)).text(), "hinted");
});

for (const withSecret of [true, false]) {
  if (!hasCommand("apache2") || !hasCommand("node")) continue;
  serverTest(
    `HttpClient and Apache httpd: a proxy ${withSecret ? "with" : "without"} credentials`,
    async (reactor, errors) => {
      await using relay = await httpd();
      await using far = await node();
      const proxy = new URL(relay.proxy!);
      if (!withSecret) proxy.username = proxy.password = "";
      const tls = { caCerts: [CA_CERT] };
      const client = new HttpClient({ reactor, tls, proxy: String(proxy) });
      for (let i = 0; i < 2; i++) {
        const response = await client.post(`${far.origin}/echo`, { body: "through" });
        assertEquals(response.status, withSecret ? 200 : 407);
        const body = await response.text();
        if (withSecret) assertEquals([body, response.isReused], ["through", i > 0]);
        const secured = `${far.secured}/echo`;
        if (withSecret) {
          const response = await client.post(secured, { body: "in a tunnel" });
          assertEquals(await response.text(), "in a tunnel");
          assertEquals([response.status, response.isReused], [200, i > 0]);
        } else await assertRejects(() => client.get(secured), RemoteProtocolError, "407");
      }
      client.close();
      assertEquals(errors, []);
    },
  );
}
