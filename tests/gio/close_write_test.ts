/** closeWrite(): the peer gets all and then the end, and can still answer. */
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { call, type Coroutine, readAll } from "../../compose/mod.ts";
import { Acceptor, Reactor, subprocess } from "../../reactor/mod.ts";
import {
  closeWrite,
  connectTo,
  type Context,
  currentGio,
  enter,
  gio,
  memory,
  open,
  timeout,
  TimeoutError,
} from "../../gio/mod.ts";
import { HttpServer, ok, response } from "../../http/mod.ts";
import { leakTest, turnsUntil } from "../_leaks.ts";
import { hostname, listening, SELECTORS } from "../_sockets.ts";
import { fixture } from "./_fixture.ts";

/** More than fits between a socket and its peer, so that some of it waits to be sent. */
const MANY = 20_000_000;

function* count(): Coroutine {
  const all: Uint8Array = yield* call(readAll(Infinity));
  yield `${all.length} bytes`;
}

/** Sends all, ends, and reads what the other end says to it. */
function* ask(peer: Context): Coroutine<string> {
  using _ = enter(peer);
  yield "x".repeat(MANY);
  yield "the end";
  yield* closeWrite();
  return new TextDecoder().decode(yield* call(readAll()));
}

for (const selector of SELECTORS) {
  for (const kind of ["TCP", "Unix"]) {
    if (kind === "Unix" && Deno.build.os === "windows") continue;
    leakTest(
      `closeWrite() ends what a peer reads, and its answer is read (${kind}, ${selector})`,
      async () => {
        const dir = await Deno.makeTempDir();
        const errors: unknown[] = [];
        using reactor = new Reactor({ selector, onError: (error) => errors.push(error) });
        const acceptor = new Acceptor(
          reactor,
          kind === "TCP" ? listening : { path: `${dir}/socket` },
          (socket) => gio(reactor, socket, count()),
        );
        const running = reactor.run();
        const to = kind === "TCP" ? { port: acceptor.port } : { path: `${dir}/socket` };
        const answer = gio(
          reactor,
          undefined,
          function* () {
            using peer = yield* connectTo(to);
            return yield* call(ask(peer.context));
          }(),
        );
        assertEquals(await answer.result, `${MANY + 7} bytes`);
        acceptor.close();
        reactor.requestShutdown();
        await running;
        await Deno.remove(dir, { recursive: true });
        assertEquals(errors, []);
      },
    );
  }

  leakTest(`closeWrite() ends the input of a program (${selector})`, async () => {
    if (Deno.build.os === "windows") return;
    using reactor = new Reactor({ selector });
    const running = reactor.run();
    const answer = gio(
      reactor,
      undefined,
      function* () {
        using program = subprocess(currentGio().reactor, "wc", { args: ["-c"] });
        return yield* call(ask(program.io));
      }(),
    );
    assertEquals((await answer.result).trim(), `${MANY + 7}`);
    reactor.requestShutdown();
    await running;
  });
}

Deno.test("closeWrite() waits until the peer has taken what was written, and a timeout cuts it", async () => {
  for (const reads of [true, false]) {
    using f = fixture();
    f.connection.capacity = 3;
    const task = f.start(function* () {
      using _ = timeout(1000);
      yield "some data";
      yield* closeWrite();
      return yield;
    });
    assertEquals([f.connection.sent, f.connection.calls], [["som"], []]);
    if (reads) {
      f.accept(100);
      assertEquals([f.connection.sent, f.connection.calls], [["som", "e data"], ["shutdown"]]);
      f.arrive("answer");
      assertEquals(await task.result, "answer");
    } else {
      f.pass(1000);
      await assertRejects(() => task.result, TimeoutError);
      assertEquals(f.connection.calls, ["abort"]);
    }
  }
});

Deno.test("after closeWrite() memory() is half-closed, and a coroutine cannot write to it", async () => {
  using reactor = new Reactor();
  const peer = memory();
  const task = gio(
    reactor,
    peer,
    function* () {
      yield "all";
      yield* closeWrite();
      assertEquals([peer.text, peer.state], ["all", "half-closed"]);
      const answer = new TextDecoder().decode(yield);
      yield answer;
    }(),
  );
  peer.write("answer");
  reactor.step();
  await assertRejects(() => task.result, Error, "Cannot send");
});

Deno.test("closeWrite() says so where there is nothing to be ended", async () => {
  using reactor = new Reactor();
  const run = (main: () => Coroutine, context?: Context) => gio(reactor, context, main()).result;
  function* main(): Coroutine {
    yield* closeWrite();
  }
  const noHalf: Context = {
    readable: false,
    writable: true,
    recv: () => undefined,
    send: (bytes) => bytes.length,
    close() {},
    watch() {},
    unwatch() {},
    describe: () => "a printer",
  };
  await assertRejects(() => run(main), Error, "Cannot end the output: there is no context");
  await assertRejects(
    () => run(main, noHalf),
    TypeError,
    "Cannot end the output to a printer: it has no half to close",
  );
  assertThrows(
    () => closeWrite().begin({ resume() {}, fail() {} }),
    TypeError,
    "Cannot use closeWrite() here",
  );
});

Deno.test("closeWrite() ends what is sent to a file that is opened, and not the answer of a handler", async () => {
  const path = await Deno.makeTempFile();
  const errors: unknown[] = [];
  using reactor = new Reactor({ onError: (error) => errors.push((error as Error).message) });
  const server = new HttpServer(reactor, {
    ...listening,
    *handler() {
      {
        using _ = open(path, { write: true }).enter();
        yield "to the file";
        yield* closeWrite();
      }
      yield* closeWrite();
      yield ok();
    },
  });
  const running = reactor.run();
  const answer = await fetch(server.url);
  await answer.body?.cancel();
  assertEquals(answer.status, 500);
  assertEquals(errors, [
    "Cannot end the output in the middle of HTTP: the message ends with its handler",
  ]);
  await turnsUntil(() => Deno.readTextFileSync(path) === "to the file");
  await server.shutdown();
  reactor.requestShutdown();
  await running;
  await Deno.remove(path);
});

for (const selector of SELECTORS) {
  leakTest(
    `closeWrite() ends what is sent in a tunnel, where HTTP is over (${selector})`,
    async () => {
      using reactor = new Reactor({ selector });
      let heard = "";
      const server = new HttpServer(reactor, {
        ...listening,
        *handler() {
          yield response(101, { upgrade: "x" });
          yield "bye";
          yield* closeWrite();
          heard = new TextDecoder().decode(yield* call(readAll()));
        },
      });
      const running = reactor.run();
      using conn = await Deno.connect({ hostname, port: server.port });
      const head = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
      await conn.write(new TextEncoder().encode(head));
      let said = "";
      const buffer = new Uint8Array(1024);
      for (let length; (length = await conn.read(buffer)) !== null;) {
        said += new TextDecoder().decode(buffer.subarray(0, length));
      }
      assertMatch(said, /^HTTP\/1\.1 101 [^]*\r\n\r\nbye$/);
      await conn.write(new TextEncoder().encode("still here"));
      await conn.closeWrite();
      await server.shutdown();
      reactor.requestShutdown();
      await running;
      assertEquals(heard, "still here");
    },
  );
}
