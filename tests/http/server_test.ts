/** HTTP on real sockets, of both kinds. */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { call, type Coroutine, EndOfStream, readLine } from "../../compose/mod.ts";
import { connectTo, enter, memory, open, sleep, spawn, timeout, wait } from "../../gio/mod.ts";
import {
  type ConnectionInfo,
  type HttpHandler,
  HttpProtocol,
  type HttpRequest,
  HttpServer,
  ok,
  response,
  serveHttp,
  Server,
} from "../../http/mod.ts";
import { be, DeclineMessage } from "../../pipeline/mod.ts";
import { here, Reactor, splice, Suspend } from "../../reactor/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { listening } from "../_sockets.ts";
import { exchange, serverTest } from "./_live.ts";

const GET = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

const LEFT: Record<string, () => Coroutine> = {
  *nothing() {},
  *"a task"() {
    yield* spawn(function* (): Coroutine {
      yield* sleep(60_000);
    }());
  },
  *"a timeout"() {
    timeout(60_000);
  },
  *"an open file"() {
    open(new URL(import.meta.url));
  },
};

for (const [what, leave] of Object.entries(LEFT)) {
  serverTest(`a shutdown is no error of a handler that has ${what}`, async (reactor, errors) => {
    const server = new HttpServer(reactor, {
      ...listening,
      *handler() {
        yield ok();
        yield "begun";
        yield* leave();
        yield* sleep(60_000);
      },
    });
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await conn.write(new TextEncoder().encode(GET));
    await conn.read(new Uint8Array(1000));
    reactor.requestShutdown();
    await turnsUntil(() => reactor.isShutDown);
    assertEquals(errors, []);
  });
}

if (Deno.build.os !== "windows") {
  serverTest("server.url is for clients that know the path of its Unix socket", async (reactor) => {
    const path = `${Deno.env.get("TMPDIR") ?? "/tmp"}/weightless-url-${Deno.pid}.sock`;
    const handler = function* ({ url }: HttpRequest) {
      yield ok();
      yield url.href;
    };
    using server = new HttpServer(reactor, { path, handler });
    const servers = [server, new Server(reactor, { path: `${path}2` })];
    for (const one of servers) assertEquals([one.url, one.port], ["http://localhost/", 0]);
    using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
    const answer = await fetch(`${server.url}a`, { client });
    assertEquals(await answer.text(), "http://localhost/a");
    servers[1]!.close();
  });
}

serverTest("HttpServer answers requests", async (reactor, errors) => {
  using server = new HttpServer(reactor, {
    ...listening,
    *handler(request) {
      const text = yield* call(request.text());
      yield ok({ "content-type": "text/plain" });
      yield `${request.method} ${request.path} ${text}`;
    },
  });
  assertEquals(server.url, `http://127.0.0.1:${server.port}/`);
  const client = Deno.createHttpClient({});
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(`${server.url}p`, { client, method: "POST", body: "text" });
    assertEquals(await answer.text(), "POST /p text");
  }
  client.close();
  assertEquals(errors, []);
});

serverTest(
  "HttpServer tells the reactor what a handler does not catch, once",
  async (reactor, errors) => {
    const failure = new Error("in the handler");
    using server = new HttpServer(reactor, {
      ...listening,
      *handler(request) {
        if (request.path === "/late") {
          yield ok();
          yield "a";
          yield* sleep(0); // it is sent
        }
        throw failure;
      },
    });
    assertMatch((await exchange(server.port, GET))!, /^HTTP\/1.1 500 /);
    assertEquals(errors, [failure]);
    const cut = await exchange(server.port, GET.replace("/ ", "/late "));
    assert(cut === undefined || /^HTTP\/1.1 200 OK\r\n[^]*\r\n1\r\na\r\n$/.test(cut), cut);
    assertEquals(errors, [failure, failure]);
    await turnsUntil(() => reactor.openConnections.size === 0);
  },
);

serverTest("HttpServer tells of a late failure that is no Error once", async (reactor, errors) => {
  using server = new HttpServer(reactor, {
    ...listening,
    *handler() {
      yield ok();
      yield "a";
      yield* sleep(0); // it is sent
      throw "no Error";
    },
  });
  const cut = await exchange(server.port, GET);
  assert(cut === undefined || /^HTTP\/1.1 200 OK\r\n[^]*\r\n1\r\na\r\n$/.test(cut), cut);
  await turnsUntil(() => reactor.openConnections.size === 0);
  assertEquals(errors, ["no Error"]);
});

serverTest(
  "HttpServer closes handlers whose clients go away, and reports nothing",
  async (reactor, errors) => {
    let begun = 0;
    let closed = 0;
    const gone = Promise.withResolvers<void>();
    const handlers: Record<string, HttpHandler> = {
      *"/upload"() {
        yield ok();
        for (;;) yield yield;
      },
      *"/events"() {
        yield ok();
        for (;;) {
          yield "an event\n".repeat(1000);
          yield* sleep(0);
        }
      },
      *"/wait"() {
        yield* wait(gone.promise);
        yield ok();
        yield "x".repeat(100_000);
        yield "x".repeat(100_000);
      },
    };
    using server = new HttpServer(reactor, {
      ...listening,
      *handler(request) {
        begun++;
        try {
          yield handlers[request.path]!(request);
        } finally {
          closed++;
        }
      },
    });
    for (const path of Object.keys(handlers)) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nsome of it`;
      await conn.write(new TextEncoder().encode(head));
      const before = begun;
      await turnsUntil(() => begun > before - 1 && begun > 0);
      if (path !== "/wait") await conn.read(new Uint8Array(10));
      conn.close();
      gone.resolve();
      await turnsUntil(() => closed === begun);
    }
    assertEquals(errors, []);
    await turnsUntil(() => reactor.openConnections.size === 0);
  },
);

serverTest("a handler may enter a file", async (reactor, errors) => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "in the file\n".repeat(10_000));
  using server = new HttpServer(reactor, {
    ...listening,
    *handler() {
      yield ok();
      const file = open(path);
      for (;;) {
        let chunk: Uint8Array;
        try {
          using _ = file.enter();
          chunk = yield;
        } catch (error) {
          if (error instanceof EndOfStream) return;
          throw error;
        }
        yield chunk;
        break;
      }
    },
  });
  const answer = (await exchange(server.port, GET))!;
  assertMatch(answer, /^HTTP\/1.1 200 OK\r\n/);
  assertStringIncludes(answer, "\r\n\r\nin the file\n");
  assertEquals(errors, []);
  await Deno.remove(path);
});

serverTest(
  "a handler that does not leave its context has its connection cut, and nothing is written there",
  async (reactor, errors) => {
    const path = await Deno.makeTempFile();
    const faults: Record<string, HttpHandler> = {
      *"/ends"() {
        yield ok();
        yield "for the client";
        open(path, { write: true }).enter();
      },
      *"/fails"() {
        open(path, { write: true }).enter();
        throw new Error("in the file");
      },
    };
    using server = new HttpServer(reactor, {
      ...listening,
      *handler(request) {
        yield faults[request.path]!(request);
      },
    });
    for (const path of Object.keys(faults)) {
      const answer = await exchange(server.port, GET.replace("/ ", `${path} `).repeat(2));
      assert(answer === undefined || answer === "", answer);
    }
    assertEquals(await Deno.readTextFile(path), "");
    assertEquals(errors.length, 2);
    for (const error of errors as Error[]) assertMatch(error.message, /enter it with `using`$/);
    assertEquals(((errors[1] as Error).cause as Error).message, "in the file");
    await Deno.remove(path);
  },
);

serverTest("a handler may yield a Suspend", async (reactor, errors) => {
  using server = new HttpServer(reactor, {
    ...listening,
    *handler() {
      const text = yield* new Suspend<string>((suspend) => {
        reactor.addTimer(0, () => suspend.resume("resumed"));
      });
      yield ok();
      yield text;
    },
  });
  assertMatch((await exchange(server.port, GET))!, /^HTTP\/1.1 200 OK\r\n[^]*resumed$/);
  assertEquals(errors, []);
});

class Greeting {
  constructor(readonly path: string, readonly greeting: string) {}

  *processRequest(request: HttpRequest): Coroutine {
    if (request.path !== this.path) throw new DeclineMessage();
    yield ok();
    yield this.greeting;
  }
}

serverTest("Server and HttpProtocol ask one observer after the other", async (reactor, errors) => {
  using server = be([
    new Server(reactor, listening),
    [new HttpProtocol(), [new Greeting("/nl", "Hallo!")], [new Greeting("/fr", "Salut!")]],
  ]);
  const at = (path: string) => exchange(server.port, GET.replace("/ ", `${path} `));
  assertMatch((await at("/nl"))!, /^HTTP\/1.1 200 [^]*Hallo!$/);
  assertMatch((await at("/fr"))!, /^HTTP\/1.1 200 [^]*Salut!$/);
  assertMatch((await at("/de"))!, /^HTTP\/1.1 404 /);
  assertEquals(errors, []);
});

serverTest(
  "Server speaks whatever its observers speak, and tells of their errors",
  async (reactor, errors) => {
    const failure = new Error("no HTTP either");
    let info: ConnectionInfo | undefined;
    using server = be([new Server(reactor, listening), [{
      *processConnection(given: ConnectionInfo): Coroutine {
        info = given;
        yield `Hello, ${new TextDecoder().decode(yield)}!`;
        yield; // what is sent before an error may be lost
        throw failure;
      },
    }]]);
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await conn.write(new TextEncoder().encode("World"));
    const buffer = new Uint8Array(100);
    const n = await conn.read(buffer);
    assertEquals(new TextDecoder().decode(buffer.subarray(0, n!)), "Hello, World!");
    assertEquals((info!.remoteAddr as Deno.NetAddr).port, conn.localAddr.port);
    await conn.write(new TextEncoder().encode("!"));
    await turnsUntil(() => errors.length > 0);
    assertEquals(errors, [failure]);
  },
);

serverTest("a handler may refuse CONNECT and take an upgrade", async (reactor, errors) => {
  using server = new HttpServer(reactor, {
    ...listening,
    *handler(request) {
      if (request.method === "CONNECT") return yield response(405);
      yield response(101, { upgrade: "echo" });
      for (;;) yield yield;
    },
  });
  assertMatch(
    (await exchange(server.port, "CONNECT x:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))!,
    /^HTTP\/1.1 405 /,
  );
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly";
  await conn.write(new TextEncoder().encode(upgrade));
  let answer = "";
  const buffer = new Uint8Array(1000);
  while (!answer.endsWith("early")) {
    answer += new TextDecoder().decode(buffer.subarray(0, (await conn.read(buffer))!));
  }
  assertMatch(answer, /^HTTP\/1.1 101 Switching Protocols\r\n/);
  await conn.write(new TextEncoder().encode("late"));
  assertEquals(await conn.read(buffer), 4);
  conn.closeWrite();
  assertEquals(await conn.read(buffer), null);
  assertEquals(errors, []);
});

serverTest(
  "a handler may transfer once it has taken the connection over",
  async (reactor, errors) => {
    using far = Deno.listen(listening);
    using server = new HttpServer(reactor, {
      ...listening,
      *handler() {
        using peer = yield* connectTo({ hostname: "127.0.0.1", port: far.addr.port });
        yield ok();
        yield* splice.both(here, peer);
      },
    });
    const size = 1_000_000;
    const served = far.accept().then(async (conn) => {
      let text = "";
      const buffer = new Uint8Array(65536);
      for (let n; (n = await conn.read(buffer)) !== null;) {
        text += new TextDecoder().decode(buffer.subarray(0, n));
      }
      await new Blob(["z".repeat(size)]).stream().pipeTo(conn.writable);
      return text;
    });
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await conn.write(new TextEncoder().encode("CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\nearly"));
    const buffer = new Uint8Array(65536);
    let answer = new TextDecoder().decode(buffer.subarray(0, (await conn.read(buffer))!));
    await conn.write(new TextEncoder().encode(", late"));
    await conn.closeWrite();
    assertEquals(await served, "early, late");
    for (let n; (n = await conn.read(buffer)) !== null;) {
      answer += new TextDecoder().decode(buffer.subarray(0, n));
    }
    assertMatch(answer, /^HTTP\/1.1 200 OK\r\n(?:.+\r\n)*\r\nz+$/);
    assert(answer.endsWith("z".repeat(size)));
    assertEquals(errors, []);
  },
);

serverTest(
  "what a handler has read too far goes first in its transfer",
  async (reactor, errors) => {
    const to = memory();
    using server = new HttpServer(reactor, {
      ...listening,
      *handler() {
        yield ok();
        yield yield* call(readLine());
        yield* splice(here, to, { limit: 5 });
        yield yield* call(readLine());
      },
    });
    assertMatch(
      (await exchange(server.port, "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\none\nhello two\n"))!,
      /\r\n\r\none two$/,
    );
    assertEquals([to.text, errors], ["hello", []]);
  },
);

serverTest(
  "what a handler has read too far is of the context it was read from",
  async (reactor, errors) => {
    const [other, saved] = [memory("one\ntwo\nthree\n"), memory()];
    using server = new HttpServer(reactor, {
      ...listening,
      *handler() {
        const lines = [yield* call(readLine())];
        for (let i = 0; i < 2; i++) {
          {
            using _ = enter(other);
            lines.push(yield* call(readLine()));
            if (i === 1) yield* splice(here, saved, { limit: 2 });
          }
          lines.push(yield* call(readLine()));
        }
        yield ok();
        yield lines.join();
      },
    });
    const answer = await fetch(server.url, { method: "POST", body: "un\ndeux\ntrois\n" });
    assertEquals(await answer.text(), "un,one,deux,two,trois");
    assertEquals([saved.text, errors], ["th", []]);
  },
);

Deno.test("HttpServer and serveHttp() refuse a handler that is no coroutine function", () => {
  using reactor = new Reactor();
  const asynchronous = [async () => {}, async function* () {}];
  for (const handler of [undefined, {}, "hello", ...asynchronous]) {
    const wrong = { port: 0, hostname: "127.0.0.1", handler } as never;
    assertThrows(() => new HttpServer(reactor, wrong), TypeError, "give a coroutine function");
    assertThrows(() => serveHttp(handler as never), TypeError, "give a coroutine function");
  }
});

const GIVEN = { text: "hello", promise: Promise.resolve(), Response: new Response() };

for (const [what, given] of Object.entries(GIVEN)) {
  serverTest(`a handler that gives a ${what} is told what to write`, async (reactor, errors) => {
    const server = new HttpServer(reactor, { ...listening, handler: () => given as never });
    assertStringIncludes((await exchange(server.port, GET))!, "HTTP/1.1 500 ");
    const advice = what === "Response"
      ? "gave a Response, and no coroutine; wrap it: fetchHandler("
      : "and no coroutine; write function* (request)";
    assertStringIncludes(String(errors[0]), advice);
  });
}
