/** Transfers in the middle of HTTP, from and to the client: framed, and moved by the kernel where it can. */
import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { call, type Coroutine, EndOfStream, pushBack, readExactly } from "../../compose/mod.ts";
import { all, gio, memory, timeout, TimeoutError, wait } from "../../gio/mod.ts";
import {
  type HttpRequest,
  HttpServer,
  ok,
  RemoteProtocolError,
  response,
  serveHttp,
} from "../../http/mod.ts";
import {
  Acceptor,
  here,
  Reactor,
  sendFile,
  type Socket,
  splice,
  TestClock,
  type Transfer,
  TransferError,
  type Transferred,
  zeroCopy,
} from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { hasCommand, output } from "../_peers.ts";
import { hostname, listening, SELECTORS } from "../_sockets.ts";
import {
  assertSameBytes,
  concat,
  conns,
  pattern,
  readAll,
  readSome,
  resettable,
  stalled,
  writeAll,
} from "../reactor/_transfer_ends.ts";
import { bytes, Driver, text } from "./_drive.ts";
import { exchange, serverTest } from "./_live.ts";

const MIB = 1024 * 1024;
const LAST = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const post = (fields: string, body = "") =>
  `POST / HTTP/1.1\r\nHost: x\r\n${fields}\r\n\r\n${body}`;

interface Answered {
  head: string;
  body: Uint8Array;
}

/** Takes the answers apart that came on one connection. */
function answers(received: Uint8Array): Answered[] {
  const found: Answered[] = [];
  for (let at = 0; at < received.length;) {
    const line = (from: number) => {
      const to = received.indexOf(10, from) + 1;
      return { line: text(received.subarray(from, to)), to };
    };
    let head = "";
    while (!head.endsWith("\r\n\r\n")) {
      const next = line(at);
      assert(next.line !== "", `The head is not complete: ${head}`);
      head += next.line;
      at = next.to;
    }
    const length = /\r\ncontent-length: (\d+)\r\n/.exec(head)?.[1];
    const body: Uint8Array[] = [];
    const take = (length: number) => {
      assert(at + length <= received.length, "The body is not complete");
      body.push(received.subarray(at, at += length));
    };
    if (length !== undefined) take(Number(length));
    else if (!head.includes("\r\ntransfer-encoding: chunked\r\n")) take(received.length - at);
    else {
      for (;;) {
        const size = line(at);
        assertMatch(size.line, /^[\da-f]+\r\n$/);
        at = size.to;
        const length = parseInt(size.line, 16);
        if (length > 0) take(length);
        assertEquals(text(received.subarray(at, at += 2)), "\r\n");
        if (length === 0) break;
      }
    }
    found.push({ head, body: concat(body) });
  }
  return found;
}

/** Sends these pieces, and returns what comes back until the end. */
async function talk(port: number, ...sent: (string | Uint8Array)[]): Promise<Uint8Array> {
  using conn = await Deno.connect({ hostname, port });
  conn.setNoDelay();
  const sending = (async () => {
    for (const [i, part] of sent.entries()) {
      if (i > 0) await turns(10);
      await writeAll(conn, typeof part === "string" ? bytes(part) : part);
    }
  })();
  const [received] = await Promise.all([readAll(() => readSome(conn)), sending]);
  return received;
}

/** A file with so many bytes, which is removed at the end. */
async function temporary(content: Uint8Array): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, content);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

/** What says `content` to each that connects, in the way of one that speaks slowly at first. */
function saying(content: Uint8Array, ends = true) {
  const listener = Deno.listen({ hostname, port: 0 });
  const done = (async () => {
    for await (const conn of listener) {
      try {
        await writeAll(conn, content.subarray(0, 10));
        await writeAll(conn, content.subarray(10));
        if (ends) await conn.closeWrite();
        while (await readSome(conn) !== null);
      } catch {
        // It has gone.
      }
      conn.close();
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await done;
    },
  };
}

/** How the body of an answer is framed. */
const FRAMINGS: Record<string, { version: string; isGiven: boolean; field: string }> = {
  "by length": { version: "1.1", isGiven: true, field: "content-length" },
  "by length to HTTP/1.0": { version: "1.0", isGiven: true, field: "content-length" },
  "in chunks": { version: "1.1", isGiven: false, field: "transfer-encoding" },
  "by close": { version: "1.0", isGiven: false, field: "connection: close" },
};

for (const [how, { version, isGiven, field }] of Object.entries(FRAMINGS)) {
  for (const size of [0, 1, 64 * 1024, 20 * MIB]) {
    for (const from of ["a file", "a socket"]) {
      serverTest(
        `a handler sends ${size} bytes from ${from} ${how}, and goes on`,
        async (reactor, errors) => {
          const content = pattern(size);
          await using file = await temporary(content);
          await using upstream = saying(content);
          const seen: Transferred[] = [];
          const server = new HttpServer(reactor, {
            ...listening,
            *handler(request) {
              if (request.target === "/last") return yield* response200("last");
              yield ok(isGiven ? { "content-length": size } : {});
              if (from === "a file") seen.push({ ...yield* sendFile(here, file.path) });
              else {
                using conn = yield* wait(Deno.connect({ hostname, port: upstream.port }));
                seen.push({ ...yield* splice(conn, here) });
              }
            },
          });
          const keep = how === "by length to HTTP/1.0" ? "Connection: keep-alive\r\n" : "";
          const request = `GET / HTTP/${version}\r\nHost: x\r\n${keep}\r\n`;
          const [answer, last] = answers(await talk(server.port, request + LAST));
          assert(answer!.head.includes(`\r\n${field}`), answer!.head);
          assertSameBytes(answer!.body, content);
          if (how === "by close") assertEquals(last, undefined);
          else assertEquals(text(last!.body), "last");
          assertEquals(errors, []);
          assertEquals(seen[0]!.bytes, size);
          const splices = how !== "in chunks" && zeroCopy.supported && size === 20 * MIB;
          if (splices) assert(seen[0]!.spliced > 0.9 * size, Deno.inspect(seen));
          else if (how === "in chunks") assertEquals(seen[0]!.copied, size);
        },
      );
    }
  }
}

function* response200(body: string): Coroutine {
  yield ok({ "content-length": body.length });
  yield body;
}

serverTest("the Content-Length is a limit of a transfer to the client", async (reactor, errors) => {
  const content = pattern(300_000);
  await using file = await temporary(content);
  await using upstream = saying(content);
  const rest: Uint8Array[] = [];
  const server = new HttpServer(reactor, {
    ...listening,
    *handler({ target }) {
      if (target === "/last") return yield* response200("last");
      yield ok({ "content-length": 200_000 });
      yield "begun";
      if (target === "/file") return void (yield* sendFile(here, file.path));
      using conn = yield* wait(Deno.connect({ hostname, port: upstream.port }));
      yield* splice(conn, here);
      rest.push(yield* wait(readAll(() => readSome(conn))));
    },
  });
  const asked = ["/file", "/socket"].map((target) => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const [first, second, last] = answers(await talk(server.port, asked.join("") + LAST));
  for (const { body } of [first!, second!]) {
    assertSameBytes(body, concat([bytes("begun"), content.subarray(0, 199_995)]));
  }
  assertSameBytes(rest[0]!, content.subarray(199_995));
  assertEquals([text(last!.body), errors], ["last", []]);
});

for (const fields of ["content-length: 5", ""]) {
  serverTest(
    `a transfer in answer to HEAD closes the handler, ${fields}`,
    async (reactor, errors) => {
      const steps: string[] = [];
      let transfer: Transfer;
      const server = new HttpServer(reactor, {
        ...listening,
        *handler({ target }) {
          if (target === "/last") return yield* response200("last");
          try {
            yield ok(fields === "" ? {} : { "content-length": 5 });
            yield* transfer = splice(memory("hello"), here);
            steps.push("went on");
          } finally {
            steps.push("closed");
            try {
              yield* splice(memory("again"), here);
            } catch (error) {
              steps.push((error as Error).name);
            }
          }
        },
      });
      const received = text(await talk(server.port, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + LAST));
      const framing = fields === "" ? "transfer-encoding: chunked" : fields;
      assertMatch(
        received,
        new RegExp(`\\r\\n${framing}\\r\\n(.*keep-alive.*\\r\\n)*\\r\\nHTTP/1.1 200 OK\\r\\n`),
      );
      assertEquals([steps, errors], [["closed", "EndOfStream"], []]);
      await assertRejects(() => transfer, TransferError);
    },
  );
}

interface Refused {
  begin: () => Coroutine;
  error: RegExp;
  cut?: boolean;
}

const REFUSED: Record<string, Refused> = {
  "before the head": {
    *begin() {
      yield* splice(memory("a"), here);
    },
    error: /^Cannot send a body before the head of the response: yield ok\(headers\) first$/,
  },
  "after 204": {
    *begin() {
      yield response(204);
      yield* splice(memory("a"), here);
    },
    error: /^Cannot send a body with status 204/,
  },
  "after 304": {
    *begin() {
      yield response(304);
      yield* sendFile(here, new URL(import.meta.url));
    },
    error: /^Cannot send a body with status 304/,
  },
  "in a branch": {
    *begin() {
      yield ok();
      yield* all(function* (): Coroutine {
        yield* splice(memory("a"), here);
      }());
    },
    error: /^Cannot transfer in the middle of HTTP by this/,
    cut: true,
  },
  "too little": {
    *begin() {
      yield ok({ "content-length": 2 });
      yield* splice(memory("a"), here);
    },
    error: /^Cannot end the response: 1 bytes of its Content-Length are missing/,
    cut: true,
  },
  "of a file that is not there": {
    *begin() {
      yield ok();
      yield* sendFile(here, "/nowhere");
    },
    error: /nowhere/,
    cut: true,
  },
  "of a file that is too short": {
    *begin() {
      yield ok();
      yield* sendFile(here, new URL(import.meta.url), { length: MIB });
    },
    error: /^Cannot read from the file any more, .*shorter/,
    cut: true,
  },
  "that is cut, and caught": {
    *begin() {
      yield ok();
      try {
        yield* sendFile(here, new URL(import.meta.url), { length: MIB });
      } catch {
        // The client must not take the part for the whole.
      }
    },
    error: /^Cannot end the response: a transfer to it was cut/,
    cut: true,
  },
};

for (const [when, { begin, error, cut }] of Object.entries(REFUSED)) {
  serverTest(
    `a handler cannot transfer ${when}, and that is told once`,
    async (reactor, errors) => {
      const server = new HttpServer(reactor, { ...listening, handler: begin });
      const answer = await exchange(server.port, LAST);
      if (cut) assert(!answer?.endsWith("0\r\n\r\n"), answer);
      else assertMatch(answer!, /^HTTP\/1.1 500 /);
      assertEquals(errors.length, 1);
      assertMatch((errors[0] as Error).message, error);
    },
  );
}

Deno.test("a handler that is fed by hand cannot transfer from or to the client", () => {
  for (const [from, to] of [[here, memory()], [memory(), here]] as const) {
    const errors: unknown[] = [];
    const driver = new Driver(serveHttp(function* () {
      yield ok();
      yield* splice(from, to);
    }, { onError: (error) => errors.push(error) }));
    driver.feed("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assertMatch(driver.output, /^HTTP\/1.1 500 /);
    assertMatch((errors[0] as Error).message, /run the coroutine by gio\(\) instead of feeding it/);
  }
});

serverTest(
  "a handler may transfer between others in the middle of HTTP",
  async (reactor, errors) => {
    const to = memory();
    const server = new HttpServer(reactor, {
      ...listening,
      *handler() {
        yield* splice(memory("hello"), to);
        yield* response200("done");
      },
    });
    assertMatch((await exchange(server.port, LAST))!, /\r\n\r\ndone$/);
    assertEquals([to.text, errors], ["hello", []]);
  },
);

for (const selector of SELECTORS) {
  Deno.test(`the connection itself is no end of a transfer in the middle of HTTP (${selector})`, async () => {
    const errors: unknown[] = [];
    using reactor = new Reactor({ selector, onError: (error) => errors.push(error) });
    const running = reactor.run();
    using acceptor = new Acceptor(reactor, listening, (socket: Socket) => {
      gio(
        reactor,
        socket,
        serveHttp(function* () {
          yield ok();
          yield* splice(memory("a"), socket);
        }),
      );
    });
    await exchange(acceptor.port, LAST);
    assertMatch((errors[0] as Error).message, /^Cannot transfer in the middle of HTTP by this/);
    reactor.requestShutdown();
    await running;
  });
}

for (const isGiven of [true, false]) {
  const how = isGiven ? "by length" : "in chunks";
  const size = 20 * MIB;

  serverTest(`a client that reads slowly gets all, ${how}`, async (reactor, errors) => {
    const content = pattern(size);
    await using upstream = saying(content);
    let transfer: Transfer | undefined;
    const server = new HttpServer(reactor, {
      ...listening,
      *handler({ target }) {
        if (target === "/last") return yield* response200("last");
        yield ok(isGiven ? { "content-length": size } : {});
        using conn = yield* wait(Deno.connect({ hostname, port: upstream.port }));
        yield* transfer = splice(conn, here);
      },
    });
    using client = await Deno.connect({ hostname, port: server.port });
    await writeAll(client, bytes(`GET / HTTP/1.1\r\nHost: x\r\n\r\n${LAST}`));
    await turnsUntil(() => transfer !== undefined);
    await stalled(transfer!);
    assert(transfer!.transferred.bytes < size);
    const [answer, last] = answers(await readAll(() => readSome(client)));
    assertSameBytes(answer!.body, content);
    assertEquals([text(last!.body), errors], ["last", []]);
  });

  serverTest(
    `a client that goes away in the middle is no error, ${how}`,
    async (reactor, errors) => {
      let caught: unknown;
      const server = new HttpServer(reactor, {
        ...listening,
        *handler() {
          yield ok(isGiven ? { "content-length": 1e12 } : {});
          try {
            yield* sendFile(here, "/dev/zero", { length: 1e12 });
          } catch (error) {
            caught = error;
            throw error;
          }
        },
      });
      const client = await Deno.connect({ hostname, port: server.port });
      await writeAll(client, bytes(LAST));
      await readSome(client);
      client.close();
      await turnsUntil(() => caught !== undefined);
      await turns(10);
      assertInstanceOf(caught, TransferError);
      assertEquals([caught.side, errors], ["to", []]);
    },
  );

  serverTest(
    `an upstream that breaks cuts the answer, and is told once, ${how}`,
    async (reactor, errors) => {
      const [near, far] = await resettable();
      using _ = near;
      const server = new HttpServer(reactor, {
        ...listening,
        *handler() {
          yield ok(isGiven ? { "content-length": 10 } : {});
          yield* splice(near, here);
        },
      });
      const answer = talk(server.port, LAST);
      far.write("12345");
      await turns(100);
      far.resetAndDestroy();
      await answer.then((received) => assert(!text(received).endsWith("0\r\n\r\n")), () => {});
      await turnsUntil(() => errors.length > 0);
      await turns(10);
      assertEquals(errors.length, 1);
      assertInstanceOf(errors[0], TransferError);
      assertEquals((errors[0] as TransferError).side, "from");
    },
  );
}

leakTestBoth("a transfer that is cut within a chunk leaves a whole one", async (selector) => {
  const clock = new TestClock();
  const errors: unknown[] = [];
  using reactor = new Reactor({ selector, clock, onError: (error) => errors.push(error) });
  const running = reactor.run();
  let transfer: Transfer | undefined;
  let caught: unknown;
  using server = new HttpServer(reactor, {
    ...listening,
    *handler({ target }) {
      if (target === "/last") return yield* response200("last");
      yield ok();
      try {
        using _ = timeout(1000);
        yield* transfer = sendFile(here, "/dev/zero", { length: 1e12 });
      } catch (error) {
        caught = error;
      }
      yield "the end";
    },
  });
  using client = await Deno.connect({ hostname, port: server.port });
  await writeAll(client, bytes(`GET / HTTP/1.1\r\nHost: x\r\n\r\n${LAST}`));
  await turnsUntil(() => transfer !== undefined);
  const begun: Uint8Array[] = [];
  while (transfer!.transferred.bytes === 0) begun.push((await readSome(client))!);
  await stalled(transfer!);
  clock.advance(1000);
  await turnsUntil(() => caught !== undefined);
  assertInstanceOf(caught, TimeoutError);
  const [answer, last] = answers(
    await readAll(async () => begun.shift() ?? await readSome(client)),
  );
  const { body } = answer!;
  assertEquals(text(body.subarray(-7)), "the end");
  assert(body.subarray(0, -7).every((byte) => byte === 0));
  assertEquals([text(last!.body), errors], ["last", []]);
  reactor.requestShutdown();
  await running;
});

for (const isGiven of [true, false]) {
  const how = isGiven ? "by length" : "in chunks";
  leakTestBoth(`a client that does not read a transfer is cut off, ${how}`, async (selector) => {
    const clock = new TestClock();
    const errors: unknown[] = [];
    using reactor = new Reactor({ selector, clock, onError: (error) => errors.push(error) });
    const running = reactor.run();
    let transfer: Transfer | undefined;
    let caught: unknown;
    using server = new HttpServer(reactor, {
      ...listening,
      timeouts: { writeMs: 1000 },
      *handler() {
        yield ok(isGiven ? { "content-length": 1e12 } : {});
        try {
          yield* transfer = sendFile(here, "/dev/zero", { length: 1e12 });
        } catch (error) {
          caught = error;
        }
      },
    });
    using client = await Deno.connect({ hostname, port: server.port });
    await writeAll(client, bytes(LAST));
    await turnsUntil(() => transfer !== undefined);
    while (transfer!.transferred.bytes === 0) await readSome(client);
    // A client that reads slowly goes on.
    for (let i = 0; i < 5; i++) {
      await stalled(transfer!);
      const before = transfer!.transferred.bytes;
      for (let read = 0; read < 5 * MIB;) read += (await readSome(client))!.length;
      await stalled(transfer!);
      assert(transfer!.transferred.bytes > before);
      clock.advance(900);
      await turns(10);
      assertEquals(caught, undefined);
    }
    await turnsUntil(() => {
      clock.advance(100);
      return caught !== undefined;
    });
    await turns(10);
    assertEquals(errors, []);
    reactor.requestShutdown();
    await running;
  });
}

leakTestBoth("a tunnel has no limit but its own", async (selector) => {
  const clock = new TestClock();
  const errors: unknown[] = [];
  using reactor = new Reactor({ selector, clock, onError: (error) => errors.push(error) });
  const running = reactor.run();
  let transfer: Transfer | undefined;
  let caught: unknown;
  using server = new HttpServer(reactor, {
    ...listening,
    timeouts: { writeMs: 1000 },
    *handler() {
      yield response(101, { upgrade: "x" });
      try {
        yield* transfer = sendFile(here, "/dev/zero", { length: 1e12 });
      } catch (error) {
        caught = error;
      }
    },
  });
  const client = await Deno.connect({ hostname, port: server.port });
  await writeAll(
    client,
    bytes("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
  );
  await turnsUntil(() => transfer !== undefined);
  for (let i = 0; i < 5; i++) {
    await stalled(transfer!);
    clock.advance(1100);
    await turns(10);
    assertEquals(caught, undefined);
  }
  client.close();
  await turnsUntil(() => caught !== undefined);
  await turns(10);
  assertEquals(errors, []);
  reactor.requestShutdown();
  await running;
});

leakTestBoth("a client that is too slow with a body that is moved gets 408", async (selector) => {
  const clock = new TestClock();
  const errors: unknown[] = [];
  using reactor = new Reactor({ selector, clock, onError: (error) => errors.push(error) });
  const running = reactor.run();
  let to = memory();
  using server = new HttpServer(reactor, {
    ...listening,
    timeouts: { bodyMs: 1000 },
    *handler() {
      to = memory();
      yield* splice(here, to);
    },
  });
  for (const framing of ["Content-Length: 100000", "Transfer-Encoding: chunked"]) {
    using client = await Deno.connect({ hostname, port: server.port });
    await writeAll(client, bytes(post(framing)));
    for (let i = 0; i < 3; i++) { // A client that is slow enough goes on.
      await writeAll(client, bytes(framing.startsWith("C") ? "" : `${(2000).toString(16)}\r\n`));
      await writeAll(client, bytes("x".repeat(2000) + (framing.startsWith("C") ? "" : "\r\n")));
      await turnsUntil(() => to.bytes.length === (i + 1) * 2000);
      clock.advance(900);
      await turns(10);
    }
    let answer = "";
    readSome(client).then((received) => answer = text(received!));
    await turnsUntil(() => {
      clock.advance(100);
      return answer !== "";
    });
    assertMatch(answer, /^HTTP\/1.1 408 [^]*connection: close\r\n/);
  }
  assertEquals(errors, []);
  reactor.requestShutdown();
  await running;
});

/** Registers a test for each kind of socket. */
function leakTestBoth(name: string, fn: (selector: "deno" | "epoll") => Promise<void>): void {
  for (const selector of SELECTORS) leakTest(`${name} (${selector})`, () => fn(selector));
}

/* The other direction. */

const BODY = "Hello, this is the body";

const UPLOADS: Record<string, string> = {
  "by length": post(`Content-Length: ${BODY.length}`, BODY),
  "in chunks": post(
    "Transfer-Encoding: chunked",
    "5;a=b\r\nHello\r\n12\r\n, this is the body\r\n0\r\nX-T: 1\r\n\r\n",
  ),
  "in small chunks": post(
    "Transfer-Encoding: chunked",
    [...BODY].map((c) => `1\r\n${c}\r\n`).join("") + "0\r\n\r\n",
  ),
};

for (const [how, request] of Object.entries(UPLOADS)) {
  serverTest(`a body that comes ${how} is moved, wherever it is cut`, async (reactor, errors) => {
    const got: string[] = [];
    const trailers: unknown[] = [];
    const server = new HttpServer(reactor, {
      ...listening,
      *handler(request) {
        if (request.target === "/last") return yield* response200("last");
        const to = memory();
        const { bytes } = yield* splice(here, to);
        got.push(`${to.text} ${bytes} ${to.state}`);
        try {
          yield;
        } catch (error) {
          assertInstanceOf(error, EndOfStream);
        }
        trailers.push(request.trailers?.get("x-t"));
        yield* response200("got it");
      },
    });
    const whole = request + LAST;
    for (let at = 0; at < whole.length; at++) {
      const cut = at === 0 ? [whole] : [whole.slice(0, at), whole.slice(at)];
      const [answer, last] = answers(await talk(server.port, ...cut));
      assertEquals([text(answer!.body), text(last!.body)], ["got it", "last"]);
    }
    const expected = `${BODY} ${BODY.length} half-closed`;
    assertEquals(new Set(got), new Set([expected]));
    assertEquals(new Set(trailers), new Set([how === "in chunks" ? "1" : undefined]));
    assertEquals(errors, []);
  });

  serverTest(
    `parts of a body that comes ${how} are moved, and the rest is read`,
    async (reactor, errors) => {
      const parts: string[] = [];
      const server = new HttpServer(reactor, {
        ...listening,
        *handler(request) {
          if (request.target === "/last") return yield* response200("last");
          const to = memory();
          const first = yield* call(readExactly(2));
          yield* splice(here, to, { limit: 1 });
          yield* splice(here, to, { limit: 4 });
          const next = yield* call(readExactly(3));
          yield* splice(here, to, { limit: BODY.length });
          parts.push([text(first), text(next), to.text].join("|"));
          yield* response200("got it");
        },
      });
      for (let at = 1; at < request.length; at++) {
        const [answer, last] = answers(
          await talk(server.port, request.slice(0, at), request.slice(at) + LAST),
        );
        assertEquals([text(answer!.body), text(last!.body)], ["got it", "last"]);
      }
      assertEquals(
        new Set(parts),
        new Set(["He|thi|llo, s is the body"]),
      );
      assertEquals(errors, []);
    },
  );
}

for (const target of ["a file", "a socket"]) {
  serverTest(`20 MB by length are moved to ${target} by the kernel`, async (reactor, errors) => {
    const content = pattern(20 * MIB);
    await using file = await temporary(new Uint8Array(0));
    const seen: Transferred[] = [];
    const [near, far] = await conns();
    using _ = near, __ = far;
    const received = readAll(() => readSome(far));
    const server = new HttpServer(reactor, {
      ...listening,
      *handler(request) {
        if (request.target === "/last") return yield* response200("last");
        using saved = Deno.openSync(file.path, { write: true });
        seen.push({ ...yield* splice(here, target === "a file" ? saved : near) });
        yield* response200("got it");
      },
    });
    const head = post(`Content-Length: ${content.length}`);
    const sent = concat([bytes(head), content, bytes(LAST)]);
    const [answer, last] = answers(await talk(server.port, sent));
    assertEquals([text(answer!.body), text(last!.body), errors], ["got it", "last", []]);
    if (target === "a file") near.close();
    else assertSameBytes(await received, content);
    await received;
    if (target === "a file") assertSameBytes(await Deno.readFile(file.path), content);
    assertEquals(seen[0]!.bytes, content.length);
    if (zeroCopy.supported) assert(seen[0]!.spliced > 0.5 * content.length, Deno.inspect(seen));
  });
}

interface Faulty {
  sent: string;
  status: string;
  ends?: boolean;
}

const FAULTY: Record<string, Faulty> = {
  "a malformed chunk": {
    sent: post("Transfer-Encoding: chunked", "1\r\nab\r\n"),
    status: "400",
  },
  "too much in chunks": {
    sent: post("Transfer-Encoding: chunked", "5\r\n12345\r\n65\r\n"),
    status: "413",
  },
  "an end before its length": {
    sent: post("Content-Length: 9", "12345"),
    status: "400",
    ends: true,
  },
  "an end within a chunk": {
    sent: post("Transfer-Encoding: chunked", "5\r\n123"),
    status: "400",
    ends: true,
  },
};

for (const [what, { sent, status, ends }] of Object.entries(FAULTY)) {
  for (const catches of [false, true]) {
    const how = catches ? "the handler can answer" : "it is answered";
    serverTest(`a body with ${what} cuts its transfer, and ${how}`, async (reactor, errors) => {
      let caught: unknown;
      const server = new HttpServer(reactor, {
        ...listening,
        limits: { maxBodyBytes: 100 },
        *handler() {
          try {
            yield* splice(here, memory());
          } catch (error) {
            caught = error;
            if (!catches) throw error;
          }
          yield response(418, { "content-length": 0 });
        },
      });
      const at = sent.indexOf("\r\n\r\n") + 4;
      for (const cut of [sent.length, at, at + 1, at + 4]) {
        using conn = await Deno.connect({ hostname, port: server.port });
        await writeAll(conn, bytes(sent.slice(0, cut)));
        await turns(10);
        await writeAll(conn, bytes(sent.slice(cut)));
        if (ends) await conn.closeWrite();
        const answer = text(await readAll(() => readSome(conn)));
        assertInstanceOf(caught, RemoteProtocolError);
        assertEquals(String(caught.status), status);
        assertMatch(answer, new RegExp(`^HTTP/1.1 ${catches ? 418 : status} .*\\r\\n`));
        assertMatch(answer, /\r\nconnection: close\r\n/);
        caught = undefined;
      }
      assertEquals(errors, []);
    });
  }
}

serverTest("a client that resets while its body is moved is no error", async (reactor, errors) => {
  let caught: unknown;
  const to = memory();
  const server = new HttpServer(reactor, {
    ...listening,
    *handler() {
      try {
        yield* splice(here, to);
      } catch (error) {
        caught = error;
        throw error;
      }
    },
  });
  const node = (await import("node:net")).connect(server.port, hostname);
  node.on("error", () => {});
  node.write(post("Content-Length: 1000", "begun"));
  await turnsUntil(() => to.text === "begun");
  node.resetAndDestroy();
  await turnsUntil(() => caught !== undefined);
  await turns(10);
  assertInstanceOf(caught, TransferError);
  assertEquals(errors, []);
});

serverTest(
  "the client that waits for a 100 gets it when its body is to be moved",
  async (reactor, errors) => {
    const server = new HttpServer(reactor, {
      ...listening,
      *handler() {
        const to = memory();
        yield* splice(here, to);
        yield* response200(to.text);
      },
    });
    using conn = await Deno.connect({ hostname, port: server.port });
    await writeAll(
      conn,
      bytes(post("Connection: close\r\nExpect: 100-continue\r\nContent-Length: 5")),
    );
    assertEquals(text((await readSome(conn))!), "HTTP/1.1 100 Continue\r\n\r\n");
    await writeAll(conn, bytes("hello"));
    assertMatch(text(await readAll(() => readSome(conn))), /^HTTP\/1.1 200 .*\r\n\r\nhello$/s);
    assertEquals(errors, []);
  },
);

serverTest("a body is echoed by one transfer, and by one each way", async (reactor, errors) => {
  const content = pattern(3 * MIB);
  const server = new HttpServer(reactor, {
    ...listening,
    *handler(request: HttpRequest) {
      if (request.target === "/last") return yield* response200("last");
      yield ok({ "content-length": content.length });
      if (request.method === "POST") return void (yield* splice(here, here));
      const [near, far] = yield* wait(conns());
      using _ = near, __ = far;
      const echo = splice(far, far);
      yield* splice.both(here, near);
      yield* wait(echo);
    },
  });
  for (const method of ["POST", "PUT"]) {
    const head = post(`Content-Length: ${content.length}`).replace("POST", method);
    const sent = concat([bytes(head), content, bytes(LAST)]);
    const [answer, last] = answers(await talk(server.port, sent));
    assertSameBytes(answer!.body, content);
    assertEquals([text(last!.body), errors], ["last", []]);
  }
});

serverTest(
  "what was pushed back and is neither bytes nor text is not lost",
  async (reactor, errors) => {
    let rest: unknown[] = [];
    const server = new HttpServer(reactor, {
      ...listening,
      *handler() {
        yield* call(function* () {
          return pushBack(yield, "a", 1, "b");
        }());
        let caught: unknown;
        try {
          yield* splice(here, memory());
        } catch (error) {
          caught = error;
        }
        assertInstanceOf(caught, TransferError);
        rest = [yield, yield];
        yield* response200("done");
      },
    });
    const request = post("Connection: close\r\nContent-Length: 5", "hello");
    assertMatch((await exchange(server.port, request))!, /done$/);
    assertEquals([rest, errors], [[1, "b"], []]);
  },
);

if (hasCommand("curl")) {
  serverTest("curl downloads and uploads by transfers", async (reactor, errors) => {
    const content = pattern(5 * MIB);
    await using file = await temporary(content);
    const server = new HttpServer(reactor, {
      ...listening,
      *handler(request: HttpRequest) {
        if (request.method === "POST") {
          using saved = Deno.openSync(file.path, { write: true, truncate: true });
          yield* splice(here, saved);
        }
        yield ok(request.target === "/chunks" ? {} : { "content-length": content.length });
        yield* sendFile(here, file.path);
      },
    });
    const url = `http://${hostname}:${server.port}`;
    const upload = content.toReversed();
    for (
      const [args, expected, input] of [
        [[`${url}/`, `${url}/chunks`], concat([content, content])],
        [["-0", `${url}/chunks`], content],
        [["--data-binary", "@-", `${url}/`], upload, upload],
        [["-H", "Transfer-Encoding: chunked", "--data-binary", "@-", `${url}/`], content, content],
      ] as [string[], Uint8Array, Uint8Array<ArrayBuffer>?][]
    ) {
      const { code, stdout } = await output("curl", ["-sSf", "-H", "Expect:", ...args], input);
      assertEquals(code, 0);
      assertSameBytes(stdout, expected);
    }
    assertEquals(errors, []);
  });
}
