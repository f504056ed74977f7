/** Contexts that are entered again, or by several coroutines; and what was read too far of each. */
import { assert, assertEquals } from "@std/assert";
import { call, type Coroutine, readLine } from "../../compose/mod.ts";
import { connect, Reactor, type SelectorName, type Socket } from "../../reactor/mod.ts";
import {
  all,
  asProcess,
  type Context,
  enter,
  gio,
  memory,
  open,
  sleep,
  timeout,
} from "../../gio/mod.ts";
import { leakTest, turns } from "../_leaks.ts";
import { OnClock } from "./_clock.ts";
import { FakeConnection } from "./_fake.ts";
import { SELECTORS } from "../_sockets.ts";

const text = (data: Uint8Array | string) =>
  typeof data === "string" ? data : new TextDecoder().decode(data);

/** A file, removed at the end of the scope. */
function file(content = ""): { path: string } & Disposable {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, content);
  return { path, [Symbol.dispose]: () => Deno.removeSync(path) };
}

/** What `coroutine` returns that has a TCP connection, of which the test has the other end. */
async function onSocket<R>(
  selector: SelectorName,
  coroutine: (socket: Socket) => Coroutine<R>,
  peer: (conn: Deno.Conn) => Promise<void>,
): Promise<R> {
  using reactor = new Reactor({ selector });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const socket = await connect(reactor, { hostname: "127.0.0.1", port });
  using conn = await listener.accept();
  const { result } = gio(reactor, socket, coroutine(socket));
  result.then(() => reactor.requestShutdown(), () => reactor.requestShutdown());
  await Promise.all([reactor.run(), peer(conn)]);
  return await result;
}

const write = (conn: Deno.Conn, data: string) => conn.write(new TextEncoder().encode(data));

Deno.test("enter() leaves what was pushed back to the context it was read from", async () => {
  const whole = "one\ntwo\nthree\n";
  for (let cut = 0; cut < whole.length; cut++) {
    const connection = memory(whole.slice(0, cut), whole.slice(cut));
    const other = memory("un\ndeux\n", "trois\n");
    const seen = await asProcess(
      function* () {
        const lines: string[] = [];
        for (let i = 0; i < 3; i++) {
          lines.push(yield* call(readLine()));
          using _ = enter(other);
          lines.push(yield* call(readLine()));
        }
        return lines;
      }(),
      { connection },
    );
    assertEquals(seen, ["one", "un", "two", "deux", "three", "trois"]);
  }
});

Deno.test("enter() without a connection keeps what was pushed back for each context", async () => {
  const first = memory("a\nb\n"), second = memory("1\n2\n");
  const seen = await asProcess(function* () {
    let lines = "";
    for (const context of [first, second, first, second]) {
      using _ = enter(context);
      lines += yield* call(readLine());
    }
    return lines;
  }());
  assertEquals(seen, "a1b2");
});

Deno.test("enter() of the innermost context once more goes on where that was", async () => {
  const connection = memory("a\nb\nc\n");
  const seen = await asProcess(
    function* () {
      const first = yield* call(readLine());
      using _ = enter(connection);
      return [first, yield* call(readLine()), text(yield)];
    }(),
    { connection },
  );
  assertEquals(seen, ["a", "b", "c\n"]);
});

for (const selector of SELECTORS) {
  leakTest(
    `enter() again writes after what was written before, however much (${selector})`,
    async () => {
      using output = file();
      await asProcess(
        function* () {
          using sink = open(output.path, { write: true });
          for (let i = 0; i < 3; i++) {
            using _ = enter(sink);
            yield new Uint8Array(1_000_000).fill(i);
          }
        }(),
        { selector },
      );
      const bytes = Deno.readFileSync(output.path);
      assertEquals(bytes.length, 3_000_000);
      assert(bytes.every((byte, i) => byte === Math.floor(i / 1_000_000)));
    },
  );

  leakTest(`enter() of the connection itself reads, and writes, on (${selector})`, async () => {
    const seen = await onSocket(selector, function* (socket): Coroutine<string[]> {
      const lines: string[] = [text(yield)];
      yield "1";
      {
        using _ = enter(socket);
        lines.push(text(yield));
        yield "2";
      }
      lines.push(text(yield));
      return lines;
    }, async (conn) => {
      const answer = new Uint8Array(10);
      for (const [line, length] of [["a", 1], ["b", 1], ["c", null]] as const) {
        await write(conn, line);
        assertEquals(await conn.read(answer), length);
      }
    });
    assertEquals(seen, ["a", "b", "c"]);
  });

  leakTest(
    `a task may read what its parent has read before, and does not now (${selector})`,
    async () => {
      function* receive(socket: Context): Coroutine<string> {
        using _ = enter(socket);
        return text(yield);
      }
      function* send(socket: Context): Coroutine {
        using _ = enter(socket);
        yield "go on";
      }
      const seen = await onSocket(selector, function* (socket): Coroutine<string[]> {
        const head = text(yield);
        const [body] = yield* all(receive(socket), send(socket));
        yield "go on";
        return [head, body, text(yield)];
      }, async (conn) => {
        await write(conn, "head");
        await conn.read(new Uint8Array(10));
        await write(conn, "body");
        await conn.read(new Uint8Array(10));
        await write(conn, "tail");
      });
      assertEquals(seen.join(""), "headbodytail");
    },
  );
}

Deno.test("several coroutines write to a context whose peer does not read, each in its turn", () => {
  const errors: unknown[] = [];
  using reactor = new Reactor({ selector: "deno", onError: (error) => errors.push(error) });
  const connection = new FakeConnection();
  connection.capacity = 0;
  function* say(word: string): Coroutine {
    using _ = enter(connection);
    for (let i = 0; i < 3; i++) {
      yield word;
      yield* sleep(0);
    }
  }
  const tasks = ["one ", "two ", "three "].map((word) => gio(reactor, undefined, say(word)));
  for (let i = 0; i < 100; i++) {
    connection.accept(1);
    reactor.step();
  }
  connection.accept(Infinity);
  for (let i = 0; i < 10; i++) reactor.step();
  assertEquals(errors, []);
  assertEquals(tasks.map((task) => task.done), [true, true, true]);
  assertEquals(
    connection.sent.join("").split(" ").sort().join(" "),
    " one one one three three three two two two",
  );
  assertEquals([connection.watched, reactor.inspect()], [[], []]);
});

/** Takes values as they are, when the test says so. */
class Values extends FakeConnection {
  readonly values: unknown[] = [];

  put(value: unknown): boolean {
    if (this.capacity === 0) return false;
    this.capacity--;
    this.values.push(value);
    return true;
  }
}

/** A connection that accepts so many bytes for now, and values of which none is taken for now. */
function refusing(capacity: number) {
  const reactor = new Reactor({ selector: "deno" });
  const [connection, values] = [new FakeConnection(), new Values()];
  connection.capacity = capacity;
  values.capacity = 0;
  return { reactor, connection, values, [Symbol.dispose]: () => reactor.shutdown() };
}

Deno.test("a refused value and bytes that wait for another context do not get in each other's way", () => {
  using t = refusing(2);
  const { reactor, connection, values } = t;
  const task = gio(
    reactor,
    connection,
    function* () {
      yield "hello";
      yield* sleep(0);
      using _ = enter(values);
      yield { a: 1 };
      yield { b: 2 };
    }(),
  );
  reactor.step();
  reactor.step();
  connection.accept(1);
  reactor.step();
  connection.accept(10);
  reactor.step();
  assertEquals([connection.sent.join(""), values.values], ["hello", []]);
  values.accept(3);
  reactor.step();
  assertEquals([values.values, task.done], [[{ a: 1 }, { b: 2 }], true]);
});

Deno.test("a value that was refused until an error came leaves what waits for another context alone", async () => {
  using t = refusing(0);
  const { reactor, connection, values } = t;
  const task = gio(
    reactor,
    connection,
    function* () {
      yield "hello";
      yield* sleep(0);
      try {
        using _ = timeout(0);
        using __ = enter(values);
        yield { a: 1 };
      } catch { /* the time is over */ }
      yield ", world";
    }(),
  );
  for (let i = 0; i < 3; i++) {
    await turns();
    reactor.step();
  }
  values.accept(10);
  reactor.step();
  connection.accept(100);
  reactor.step();
  assertEquals(connection.sent.join(""), "hello, world");
  assertEquals([values.values, values.watched, task.done], [[], [], true]);
});

Deno.test("each of several coroutines that write to one context stands still when its peer reads nothing", async () => {
  using t = new OnClock();
  const { reactor } = t;
  const connection = new FakeConnection();
  connection.capacity = 0;
  const written = [0, 0];
  function* write(which: number): Coroutine {
    using _ = enter(connection);
    for (; written[which]! < 1000; written[which]!++) yield "x".repeat(1024);
  }
  const task = gio(
    reactor,
    undefined,
    function* () {
      yield* all(write(0), write(1));
    }(),
  );
  for (let i = 0; i < 100; i++) await t.pass();
  assert(written[0]! + written[1]! < 200, `${written} KiB are waiting`);
  connection.accept(Infinity);
  for (let i = 0; i < 100; i++) await t.pass();
  await task.result;
  assertEquals(written, [1000, 1000]);
  assertEquals(connection.sent.join("").length, 2000 * 1024);
});
