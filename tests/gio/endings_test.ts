/** How coroutines end when not all goes well: writes that fail late, cleanup that takes time, a reactor that is shut down. */
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { Acceptor, type Datagram, DatagramSocket, Reactor, TestClock } from "../../reactor/mod.ts";
import {
  all,
  asProcess,
  datagrams,
  EndOfStream,
  enter,
  gio,
  iterate,
  memory,
  open,
  race,
  shield,
  sleep,
  spawn,
  Suspend,
  timeout,
  TimeoutError,
} from "../../gio/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { FakeConnection } from "./_fake.ts";
import { SELECTORS } from "../_sockets.ts";
import { jumping } from "./_clock.ts";

function onClock() {
  const clock = new TestClock();
  const errors: string[] = [];
  const onError = (error: unknown, where: string) => errors.push(`${where}: ${error}`);
  const reactor = new Reactor({ selector: "deno", clock, onError });
  const pass = (ms: number) => {
    clock.advance(ms);
    reactor.step();
  };
  return { reactor, errors, pass, [Symbol.dispose]: () => reactor.shutdown() };
}

/** What becomes of a task, for who looks later. */
function outcomeOf(task: { result: Promise<unknown> }): { value?: unknown; error?: unknown } {
  const outcome: { value?: unknown; error?: unknown } = {};
  task.result.then((value) => outcome.value = value, (error) => outcome.error = error);
  return outcome;
}

for (const selector of SELECTORS) {
  for (const more of ["nothing", "a sleep in the block", "a sleep after the block"] as const) {
    leakTest(`a write that fails rejects, with ${more} after it (${selector})`, async () => {
      if (Deno.build.os !== "linux") return;
      await assertRejects(
        () =>
          asProcess(
            function* () {
              {
                using _ = open("/dev/full", { write: true }).enter();
                yield "not enough room for this";
                if (more === "a sleep in the block") yield* sleep(5);
              }
              if (more === "a sleep after the block") yield* sleep(1);
            }(),
            { selector },
          ),
        Error,
        "No space left",
      );
    });
  }

  leakTest(
    `a write that fails can be caught at the yield after the block (${selector})`,
    async () => {
      if (Deno.build.os !== "linux") return;
      const seen = await asProcess(
        function* () {
          {
            using _ = open("/dev/full", { write: true }).enter();
            yield "not enough room for this";
          }
          try {
            yield* sleep(1);
            return "nothing";
          } catch (error) {
            yield* sleep(1);
            return (error as Error).message.slice(0, 13);
          }
        }(),
        { selector },
      );
      assertEquals(seen, "No space left");
    },
  );
}

Deno.test("a context that its coroutine has closed is not taken for one that failed", async () => {
  const context = memory();
  const result = await asProcess(function* () {
    {
      using _ = enter(context);
      yield "data";
      yield* sleep(0);
      context.close();
    }
    yield* sleep(0);
    return "fine";
  }());
  assertEquals([result, context.text], ["fine", "data"]);
});

Deno.test("what a context has not accepted within lingerMs after the end rejects", async () => {
  using t = onClock();
  const slow = new FakeConnection();
  slow.capacity = 2;
  const outcome = outcomeOf(gio(
    t.reactor,
    undefined,
    function* () {
      using _ = enter(slow);
      yield "hello";
    }(),
    { lingerMs: 50 },
  ));
  t.pass(49);
  await turns();
  assertEquals(outcome, {});
  t.pass(1);
  await turns();
  assertEquals((outcome.error as Error).constructor, TimeoutError);
  assertEquals([slow.sent, slow.watched, t.errors], [["he"], [], []]);
});

Deno.test("the end of the stream does not hide that a write has failed", async () => {
  using t = onClock();
  const connection = new FakeConnection(), broken = new FakeConnection();
  const outcome = outcomeOf(gio(
    t.reactor,
    connection,
    function* () {
      for (;;) {
        const data = yield;
        using _ = enter(broken);
        yield data;
      }
    }(),
  ));
  broken.capacity = 0;
  connection.arrive("a", null);
  t.pass(0);
  broken.break(new RangeError("no room"));
  t.pass(0);
  t.pass(0);
  await turns();
  assertEquals(String(outcome.error), "RangeError: no room");
});

Deno.test("a shutdown of the reactor runs all of a cleanup, which cannot wait", async () => {
  using t = onClock();
  const seen: string[] = [];
  function* inner(): Coroutine {
    try {
      yield* sleep(1000);
    } finally {
      try {
        yield* sleep(1000);
        seen.push("waited");
      } finally {
        seen.push("inner");
      }
    }
  }
  const outcome = outcomeOf(gio(
    t.reactor,
    undefined,
    function* () {
      try {
        yield* call(inner());
      } finally {
        seen.push("outer");
      }
    }(),
  ));
  t.reactor.shutdown();
  await turns();
  assertEquals(seen, ["inner", "outer"]);
  assertEquals(String(outcome.error), "Error: Cannot wait: the reactor is shut down");
});

Deno.test("a shutdown of the reactor ends a cleanup that waits already", async () => {
  using t = onClock();
  const seen: string[] = [];
  const task = gio(
    t.reactor,
    undefined,
    function* () {
      try {
        try {
          yield* sleep(1000);
        } finally {
          yield* sleep(1000);
          seen.push("waited");
        }
      } finally {
        seen.push("closed");
      }
    }(),
  );
  const outcome = outcomeOf(task);
  task.cancel();
  t.reactor.shutdown();
  await turns();
  assertEquals([seen, task.done], [["closed"], true]);
  assertEquals(String(outcome.error), "Error: Cannot wait: the reactor is shut down");
});

for (const how of ["gio()", "spawn()", "all()", "race()", "shield()"] as const) {
  Deno.test(`a cleanup in ${how} that a shutdown keeps from waiting is reported to nobody`, async () => {
    using t = onClock();
    let isCleaned = false;
    function* cleaning(): Coroutine {
      try {
        yield* sleep(1000);
      } finally {
        try {
          yield* sleep(1000);
        } finally {
          isCleaned = true;
        }
      }
    }
    gio(
      t.reactor,
      undefined,
      function* () {
        if (how === "gio()") yield cleaning();
        else if (how === "spawn()") yield* spawn(cleaning());
        else if (how === "shield()") yield* shield(cleaning());
        else yield* { "all()": all, "race()": race }[how](cleaning(), sleep(2000));
        yield* sleep(2000);
      }(),
    );
    t.reactor.shutdown();
    await turns();
    assertEquals([isCleaned, t.errors], [true, []]);
  });
}

Deno.test("the result waits for the cleanup of tasks, and of their tasks", async () => {
  using t = onClock();
  const seen: string[] = [];
  function* work(name: string, next?: Coroutine): Coroutine {
    try {
      if (next !== undefined) yield* spawn(next);
      yield* sleep(1000);
    } finally {
      yield* sleep(name.length);
      seen.push(name);
    }
  }
  const outcome = outcomeOf(gio(
    t.reactor,
    undefined,
    function* () {
      yield* spawn(work("a"));
      yield* spawn(work("bb", work("cccc")));
      return "done";
    }(),
  ));
  t.pass(1);
  await turns();
  assertEquals([seen, outcome], [["a"], {}]);
  t.pass(1);
  await turns();
  assertEquals([seen, outcome], [["a", "bb"], {}]);
  for (let i = 0; i < 4; i++) t.pass(1);
  await turns();
  assertEquals([seen, outcome], [["a", "bb", "cccc"], { value: "done" }]);
  assertEquals([t.errors, t.reactor.inspect()], [[], []]);
});

Deno.test("asProcess() lets the cleanup of tasks run to its end", async () => {
  const seen: string[] = [];
  await asProcess(
    function* () {
      yield* spawn(function* () {
        try {
          yield* sleep(60_000);
        } finally {
          yield* sleep(1);
          seen.push("cleaned up");
        }
      }());
    }(),
    { clock: jumping() },
  );
  assertEquals(seen, ["cleaned up"]);
});

Deno.test("an error of what undoes an operation is reported, and the coroutine goes on", () => {
  using t = onClock();
  const seen: string[] = [];
  gio(
    t.reactor,
    undefined,
    function* () {
      try {
        using _ = timeout(10);
        yield* new Suspend(() => () => {
          throw new RangeError("cannot undo");
        });
      } catch (error) {
        seen.push((error as Error).name);
      }
    }(),
  );
  t.pass(10);
  assertEquals(seen, ["TimeoutError"]);
  assertEquals(t.errors, ["coroutine of gio: RangeError: cannot undo"]);
});

Deno.test("gio() on a reactor that is shut down cannot wait, and says so", async () => {
  const reactor = new Reactor({ selector: "deno" });
  reactor.shutdown();
  const connection = memory("data");
  function* wait(): Coroutine {
    yield* sleep(1);
  }
  function* read(): Coroutine {
    yield;
  }
  for (const coroutine of [wait, read]) {
    await assertRejects(
      () => gio(reactor, connection, coroutine()).result,
      Error,
      "Cannot wait: the reactor is shut down",
    );
  }
});

Deno.test("a cleanup that writes for long is not given up while it makes progress", async () => {
  using t = onClock();
  const connection = new FakeConnection();
  connection.capacity = 0;
  const task = gio(
    t.reactor,
    connection,
    function* () {
      try {
        yield;
      } finally {
        yield "x".repeat(70_000);
        yield* sleep(60);
        yield "y".repeat(70_000);
        yield* sleep(0);
        yield "z";
      }
    }(),
    { lingerMs: 100 },
  );
  const outcome = outcomeOf(task);
  task.cancel(new EndOfStream("enough"));
  t.pass(60);
  connection.accept(70_000);
  t.pass(1);
  t.pass(60);
  t.pass(60);
  connection.accept(Infinity);
  for (let i = 0; i < 3; i++) t.pass(1);
  await turns();
  assertEquals(connection.sent.join("").length, 140_001);
  assertEquals(String(outcome.error), "EndOfStream: enough");
});

Deno.test("coroutines that resume each other in a long row do not exhaust the stack", () => {
  using t = onClock();
  const handles: Suspend<number>[] = [];
  const COUNT = 10_000;
  let sum = 0;
  for (let i = 0; i < COUNT; i++) {
    gio(
      t.reactor,
      undefined,
      function* () {
        const one = yield* new Suspend<number>((handle) => void (handles[i] = handle));
        sum += one;
        handles[i + 1]?.resume(1);
      }(),
    );
  }
  handles[0]!.resume(1);
  for (let i = 0; i < COUNT / 100; i++) t.pass(0);
  assertEquals([sum, t.errors, t.reactor.inspect()], [COUNT, [], []]);
});

Deno.test("a coroutine whose turn has not come yet can be cancelled", () => {
  using t = onClock();
  const handles: Suspend<void>[] = [];
  const seen: number[] = [];
  const tasks = Array.from({ length: 200 }, (_, i) =>
    gio(
      t.reactor,
      undefined,
      function* () {
        yield* new Suspend((handle) => void (handles[i] = handle));
        seen.push(i);
        handles[i + 1]?.resume();
        // Of those that are resumed within each other, the turn of the next has not come.
        tasks[i + 1]?.cancel();
      }(),
    ));
  handles[0]!.resume();
  t.pass(0);
  const first = seen.length;
  assertEquals([first < 200, tasks[first]!.done, t.errors], [true, true, []]);
});

Deno.test("all() with something that is no coroutine begins nothing, and throws", async () => {
  const seen: unknown[] = [];
  await asProcess(function* () {
    try {
      yield* all(
        function* () {
          try {
            yield* sleep(60_000);
          } finally {
            seen.push("ended");
          }
        }(),
        5 as unknown as Coroutine,
      );
    } catch (error) {
      seen.push((error as Error).constructor);
    }
    seen.push("parent goes on");
  }());
  assertEquals(seen, [TypeError, "parent goes on"]);
});

Deno.test("iterate() lets the coroutine go on only when the loop wants the next value", async () => {
  const seen: string[] = [];
  function* numbers(): Coroutine {
    try {
      for (let i = 1;; i++) {
        seen.push(`yields ${i}`);
        yield i;
      }
    } finally {
      seen.push("closed");
    }
  }
  for await (const i of iterate<number>(numbers())) {
    await turns(3);
    seen.push(`got ${i}`);
    if (i === 2) break;
  }
  assertEquals(seen, ["yields 1", "got 1", "yields 2", "got 2", "closed"]);
});

Deno.test("iterate() of what is no coroutine throws, and leaves no reactor running", async () => {
  await assertRejects(
    async () => {
      for await (const _ of iterate(5 as unknown as Coroutine));
    },
    TypeError,
    "Cannot run",
  );
});

Deno.test("iterate() throws what goes out of its reactor, also when the loop is busy meanwhile", async () => {
  const seen: unknown[] = [];
  const clock = new TestClock();
  let isThrown = false;
  const error = Object.assign(new Error("expected"), { name: "AssertionError" });
  await assertRejects(
    async () => {
      const values = iterate(
        function* () {
          yield* spawn(function* () {
            yield* sleep(1);
            isThrown = true;
            throw error;
          }());
          yield 1;
          yield 2;
        }(),
        { clock },
      );
      for await (const value of values) {
        seen.push(value);
        clock.advance(1);
        await turnsUntil(() => isThrown);
        await turns(2);
      }
    },
    Error,
    "expected",
  );
  assertEquals(seen, [1]);
});

Deno.test("a Suspend of the reactor that was waited for in vain has no timer, and can be waited for again", () => {
  using t = onClock();
  const seen: unknown[] = [];
  let starts = 0;
  const answer = new Suspend<number>(() => void starts++, {
    timeoutMs: 1000,
    onTimeout: () => seen.push("not this"),
  });
  gio(
    t.reactor,
    undefined,
    function* () {
      try {
        using _ = timeout(10);
        yield* answer;
      } catch (error) {
        seen.push((error as Error).name);
      }
      assertEquals(t.reactor.inspect(), [{ kind: "coroutine", what: "running" }]);
      seen.push(yield* answer);
    }(),
  );
  t.pass(10);
  answer.resume(42);
  assertEquals([seen, starts, t.errors, t.reactor.inspect()], [["TimeoutError", 42], 1, [], []]);
});

leakTest("datagrams() tells of one that could not be sent, once, and goes on", async () => {
  using reactor = new Reactor();
  const hostname = "127.0.0.1";
  const server = await DatagramSocket.bind(reactor, { hostname });
  const client = await DatagramSocket.bind(reactor, { hostname });
  gio(
    reactor,
    datagrams(server),
    function* () {
      for (;;) {
        const { data, from }: Datagram = yield;
        yield { data, to: from };
      }
    }(),
  );
  const { result } = gio(
    reactor,
    datagrams(client),
    function* () {
      const errors: unknown[] = [];
      yield { data: new Uint8Array(70_000), to: server.addr };
      try {
        yield;
      } catch (error) {
        errors.push((error as Error).message.includes("EMSGSIZE"));
      }
      yield { data: new Uint8Array(3), to: server.addr };
      const { data }: Datagram = yield;
      return [errors, data.length];
    }(),
  );
  result.finally(() => reactor.requestShutdown());
  await reactor.run();
  assertEquals(await result, [[true], 3]);
});

for (const selector of SELECTORS) {
  leakTest(
    `a coroutine that closes its connection itself and reads on is told (${selector})`,
    async () => {
      using reactor = new Reactor({ selector });
      const running = reactor.run();
      const told = Promise.withResolvers<unknown>();
      using acceptor = new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, (socket) => {
        gio(
          reactor,
          socket,
          function* () {
            yield;
            socket.close();
            try {
              yield;
            } catch (error) {
              told.resolve(error);
              throw error;
            }
          }(),
        );
      });
      using conn = await Deno.connect({ hostname: "127.0.0.1", port: acceptor.port });
      await conn.write(new TextEncoder().encode("x"));
      assertInstanceOf(await told.promise, Deno.errors.BadResource);
      reactor.requestShutdown();
      await running;
    },
  );
}
