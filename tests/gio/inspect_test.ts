/** What reactor.inspect() tells of coroutines: what each waits for, and where. */
import { assertEquals, assertMatch } from "@std/assert";
import { call, type Coroutine, readLine } from "../../compose/mod.ts";
import { all, gio, memory, race, shield, sleep, spawn, timeout, wait } from "../../gio/mod.ts";
import { type Inspected, Suspend } from "../../reactor/mod.ts";
import { fixture, settled } from "./_fixture.ts";

const coroutines = (inspected: Inspected[]) => inspected.filter(({ kind }) => kind === "coroutine");

function* line(): Coroutine<string> {
  return yield* call(readLine());
}

/** How a coroutine stands still, what it waits for, and whether its line can be known. */
const WAITS: [name: string, main: () => Coroutine, waits: Inspected["waits"], isKnown: boolean][] =
  [
    [
      "sleep()",
      function* main() {
        yield* sleep(1000);
      },
      "for an answer",
      true,
    ],
    [
      "wait()",
      function* main() {
        yield* wait(new Promise(() => {}));
      },
      "for an answer",
      true,
    ],
    [
      "a task",
      function* main() {
        yield* yield* spawn(sleeping());
      },
      "for an answer",
      true,
    ],
    [
      "all()",
      function* main() {
        yield* all(sleeping(), sleeping());
      },
      "for an answer",
      true,
    ],
    [
      "race()",
      function* main() {
        yield* race(sleeping(), sleeping());
      },
      "for an answer",
      true,
    ],
    [
      "shield()",
      function* main() {
        yield* shield(sleeping());
      },
      "for an answer",
      true,
    ],
    [
      "Suspend",
      function* main() {
        yield* new Suspend();
      },
      "for an answer",
      false,
    ],
    [
      "a bare yield",
      function* main() {
        yield;
      },
      "to read",
      false,
    ],
    [
      "a reader",
      function* main() {
        yield* call(line());
      },
      "to read",
      true,
    ],
    [
      "a peer that does not read",
      function* main() {
        yield "x".repeat(100_000);
        yield;
      },
      "to write",
      false,
    ],
  ];

function* sleeping(): Coroutine {
  yield* sleep(1000);
}

for (const [name, main, waits, isKnown] of WAITS) {
  Deno.test(`inspect() tells where a coroutine waits: ${name}`, async () => {
    const f = fixture();
    f.connection.capacity = 0;
    const task = gio(f.reactor, f.connection, main());
    task.result.catch(() => {});
    f.reactor.step();
    const [told] = coroutines(f.reactor.inspect());
    assertMatch(told!.what, /^main on /);
    assertEquals(told!.waits, waits);
    assertMatch(
      told!.where!,
      isKnown ? /at main \(.*inspect_test\.ts:\d+:\d+\)/ : /at main \(line/,
    );
    task.cancel();
    f.pass(2000);
    await settled();
    assertEquals(coroutines(f.reactor.inspect()), []);
    f.reactor.shutdown();
  });
}

Deno.test("inspect() tells of tasks, and of coroutines without a connection", () => {
  using f = fixture();
  gio(
    f.reactor,
    undefined,
    function* main() {
      using _ = timeout(5000);
      yield* spawn(function* task() {
        yield* sleep(1000);
      }());
      yield* call(function* inner() {
        yield* wait(new Promise(() => {}));
      }());
    }(),
  ).result.catch(() => {});
  const told = f.reactor.inspect();
  assertEquals(coroutines(told).map(({ what }) => what), ["main", "task"]);
  assertMatch(coroutines(told)[0]!.where!, /^at inner \(.*\), at main \(.*\)$/);
  assertEquals(told.filter(({ kind }) => kind === "timer"), [
    { kind: "timer", what: "sleep", dueMs: 1000 },
    { kind: "timer", what: "timeout", dueMs: 5000 },
  ]);
});

Deno.test("inspect() within a coroutine tells that it is running", () => {
  using f = fixture();
  let told: Inspected[] = [];
  gio(
    f.reactor,
    memory(),
    function* main() {
      told = f.reactor.inspect();
    }(),
  );
  assertEquals(coroutines(told), [{ kind: "coroutine", what: "running on MemoryContext" }]);
});

Deno.test("inspect() tells of the others when a hook cannot tell what it does", () => {
  using f = fixture();
  f.reactor.addShutdownHook({
    abandon() {},
    inspected() {
      throw new Error("mine");
    },
  });
  gio(f.reactor, undefined, sleeping()).result.catch(() => {});
  assertEquals(coroutines(f.reactor.inspect()).map(({ what }) => what), ["sleeping"]);
});

Deno.test("inspect() tells where a coroutine stands now, and shows few of many callers", () => {
  using f = fixture();
  function* deep(left: number): Coroutine {
    if (left > 0) return yield* call(deep(left - 1));
    yield* sleep(1);
    yield* sleep(1);
  }
  gio(f.reactor, undefined, deep(500));
  const where = () => coroutines(f.reactor.inspect())[0]!.where!.split(", ");
  const before = where();
  assertEquals(before, where());
  assertEquals([before.length, before.at(-1)], [101, "... 401 more callers"]);
  f.pass(1);
  assertEquals(before[0] === where()[0], false);
  assertEquals(before.slice(1), where().slice(1));
});
