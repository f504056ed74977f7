/** Locals in tasks: as they were where the task was spawned, at every wait, to its end. */
import { assertEquals } from "@std/assert";
import { call, type Coroutine, Local, Yield } from "../../compose/mod.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";
import {
  all,
  asProcess,
  enter,
  gio,
  memory,
  race,
  sleep,
  spawn,
  Suspend,
  timeout,
  TimeoutError,
  wait,
} from "../../gio/mod.ts";
import { jumping } from "./_clock.ts";

const user = new Local<string>();
const unset = new Local<string>();

function seen(local: Local<string> = user): string {
  try {
    return local.get();
  } catch (error) {
    return (error as Error).name;
  }
}

/** What a task can wait for. */
const WAITS: Record<string, () => Coroutine> = {
  *sleep() {
    yield* sleep(0);
  },
  *wait() {
    yield* wait(Promise.resolve());
  },
  *suspend() {
    yield* new Suspend((suspended) => queueMicrotask(() => suspended.resume()));
  },
  *Yield() {
    yield Yield;
  },
  *read() {
    using _ = enter(memory("data"));
    yield;
  },
  *"a join"() {
    yield* yield* spawn(WAITS["sleep"]!());
  },
  *"all()"() {
    yield* all(WAITS["sleep"]!(), WAITS["wait"]!());
  },
  *"an error"() {
    try {
      yield* wait(Promise.reject(new Error("expected")));
    } catch { /* it waited */ }
  },
  *"a timeout"() {
    try {
      using _ = timeout(0);
      yield* sleep(1000);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  },
};

/** What it sees before, after each wait twice, and in a coroutine that it calls. */
function* watching(log: string[]): Coroutine<string[]> {
  log.push(seen());
  for (const waits of Object.values(WAITS)) {
    for (let i = 0; i < 2; i++) {
      yield waits();
      log.push(seen(), yield* call(deeper(waits)));
    }
  }
  return log;
}

function* deeper(waits: () => Coroutine): Coroutine<string> {
  yield waits();
  return seen();
}

const RUNS: Record<string, (task: Coroutine<string[]>) => Coroutine> = {
  *"spawn()"(task) {
    const running = yield* spawn(task);
    user.set("later");
    yield* running;
  },
  *"all()"(task) {
    yield* all(task, setLater());
  },
  *"race()"(task) {
    yield* race(task, forever());
  },
  *"a task of a task"(task) {
    const running = yield* spawn(function* () {
      const inner = yield* spawn(task);
      user.set("later");
      yield* inner;
    }());
    user.set("later");
    yield* running;
  },
  *"all() in all()"(task) {
    yield* all(all(all(task), setLater()), setLater());
  },
  *"gio() in a coroutine"(task) {
    const running = gio(currentReactor!, undefined, task);
    user.set("later");
    yield* running;
  },
  *"a called coroutine that spawns"(task) {
    const running = yield* call(function* () {
      return yield* spawn(task);
    }());
    user.set("later");
    yield* running;
  },
};

let currentReactor: Reactor | undefined;

function* setLater(): Coroutine {
  user.set("of a sibling");
  yield* sleep(0);
  user.set("later");
}

function* forever(): Coroutine {
  user.set("of a sibling");
  for (;;) yield* sleep(1);
}

for (const [how, run] of Object.entries(RUNS)) {
  Deno.test(`a task of ${how} sees the Locals as they were, at every wait`, async () => {
    const log: string[] = [];
    using reactor = currentReactor = new Reactor({ selector: "deno", clock: jumping() });
    const running = reactor.run();
    await gio(
      reactor,
      undefined,
      function* () {
        user.set("early");
        yield run(watching(log));
      }(),
    ).result;
    reactor.requestShutdown();
    await running;
    assertEquals(log, Array(1 + 4 * Object.keys(WAITS).length).fill("early"));
  });

  Deno.test(`what a task of ${how} sets is not seen by who runs it`, async () => {
    using reactor = currentReactor = new Reactor({ selector: "deno", clock: jumping() });
    const running = reactor.run();
    const log: string[] = [];
    await gio(
      reactor,
      undefined,
      function* () {
        yield run(function* () {
          unset.set("by the task");
          yield* sleep(0);
          log.push(seen(unset));
          return [];
        }());
        log.push(seen(unset));
        yield* sleep(0);
        log.push(seen(unset));
      }(),
    ).result;
    reactor.requestShutdown();
    await running;
    assertEquals(log, ["by the task", "ReferenceError", "ReferenceError"]);
  });
}

Deno.test("a coroutine sees its own Locals, and not those of whoever resumes, cancels or throws into it", () => {
  using reactor = new Reactor({ selector: "deno", clock: new TestClock() });
  const log: string[] = [];
  const ways = {
    resume: (suspended: Suspend<void>) => suspended.resume(),
    throw: (suspended: Suspend<void>) => suspended.throw(new Error("expected")),
  };
  for (const way of Object.values(ways)) {
    let suspended!: Suspend<void>;
    gio(
      reactor,
      undefined,
      function* () {
        try {
          yield* new Suspend<void>((one) => void (suspended = one));
        } catch { /* as expected */ }
        log.push(seen());
      }(),
    );
    gio(
      reactor,
      undefined,
      function* () {
        user.set("of who resumes");
        way(suspended);
      }(),
    );
  }
  const cancelled = gio(
    reactor,
    undefined,
    function* () {
      user.set("own");
      try {
        yield* sleep(1000);
      } finally {
        log.push(seen());
      }
    }(),
  );
  cancelled.result.catch(() => {});
  gio(
    reactor,
    undefined,
    function* () {
      user.set("of who cancels");
      cancelled.cancel();
    }(),
  );
  assertEquals(log, ["ReferenceError", "ReferenceError", "own"]);
});

Deno.test("a task that is cancelled sees the Locals in its cleanup, also when that waits and its parent has ended", async () => {
  const log: string[] = [];
  function* task(): Coroutine {
    try {
      yield* sleep(60_000);
    } finally {
      log.push(seen());
      yield* sleep(1);
      log.push(seen());
    }
  }
  await asProcess(
    function* () {
      user.set("early");
      yield* spawn(task());
      yield* race(task(), sleep(0));
      user.set("later");
    }(),
    { clock: jumping() },
  );
  assertEquals(log, ["early", "early", "early", "early"]);
});

Deno.test("a Local that is set again in a task is seen there only", async () => {
  const log: string[] = [];
  await asProcess(
    function* () {
      user.set("parent");
      yield* all(
        ...["one", "two"].map(function* (name): Coroutine {
          yield* sleep(0);
          log.push(seen());
          user.set(name);
          yield* sleep(1);
          log.push(seen());
        }),
      );
      log.push(seen());
    }(),
    { clock: jumping() },
  );
  assertEquals(log, ["parent", "parent", "one", "two", "parent"]);
});
