/** Tasks: who is told of their errors, tasks within tasks, and what runs coroutines beside gio. */
import { assertEquals, assertRejects } from "@std/assert";
import { call, type Coroutine, Request, type Waiter } from "../../compose/mod.ts";
import { pipe } from "../../pipeline/mod.ts";
import { here, Reactor, splice } from "../../reactor/mod.ts";
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
  wait,
} from "../../gio/mod.ts";
import { jumping, OnClock } from "./_clock.ts";
import { turns } from "../_leaks.ts";

function* failing(ms: number, message = "of the task"): Coroutine {
  yield* sleep(ms);
  throw new Error(message);
}

const PARENTS: Record<string, { parent: () => Coroutine; caught: string[]; reported: string[] }> = {
  "waits": {
    *parent() {
      yield* spawn(failing(1));
      yield* sleep(100);
    },
    caught: ["of the task"],
    reported: [],
  },
  "reads": {
    *parent() {
      yield* spawn(failing(1));
      using _ = enter(new Silent());
      yield;
    },
    caught: ["of the task"],
    reported: [],
  },
  "spawns what fails at once, and waits": {
    *parent() {
      yield* spawn(failingAtOnce());
      yield* sleep(100);
    },
    caught: ["of the task"],
    reported: [],
  },
  "joins another": {
    *parent() {
      yield* spawn(failing(1));
      yield* yield* spawn(sleeping());
    },
    caught: ["of the task"],
    reported: [],
  },
  "runs others by all()": {
    *parent() {
      yield* spawn(failing(1));
      yield* all(sleeping(), sleeping());
    },
    caught: ["of the task"],
    reported: [],
  },
  "joins it at once": {
    *parent() {
      yield* yield* spawn(failing(1));
    },
    caught: ["of the task"],
    reported: [],
  },
  "is a task itself, of which nobody joins any": {
    *parent() {
      yield* spawn(function* () {
        yield* spawn(failing(1));
        yield* sleep(100);
      }());
      yield* sleep(100);
    },
    caught: ["of the task"],
    reported: [],
  },
  "is a branch of race()": {
    *parent() {
      yield* race(
        function* () {
          yield* spawn(failing(1));
          yield* sleep(100);
        }(),
        sleep(100),
      );
    },
    caught: ["of the task"],
    reported: [],
  },
  "has two that fail": {
    *parent() {
      yield* spawn(failing(1, "first"));
      yield* spawn(failing(2, "second"));
      yield* sleep(1000);
    },
    caught: ["first"],
    reported: [],
  },
  "has ended, so the task was cancelled and failed in its cleanup": {
    *parent() {
      yield* spawn(failingInCleanup());
    },
    caught: [],
    reported: ["of the cleanup"],
  },
};

function* failingAtOnce(message = "of the task"): Coroutine {
  throw new Error(message);
}

function* failingInCleanup(): Coroutine {
  try {
    yield* sleep(1000);
  } finally {
    yield* sleep(1);
    yield failingAtOnce("of the cleanup");
  }
}

function* sleeping(): Coroutine {
  yield* sleep(1000);
}

/** Nothing ever arrives. */
class Silent {
  readonly readable = false;
  readonly writable = true;
  recv(): undefined {}
  send(bytes: Uint8Array): number {
    return bytes.length;
  }
  close(): void {}
  watch(): void {}
  unwatch(): void {}
}

for (const [what, { parent, caught, reported }] of Object.entries(PARENTS)) {
  Deno.test(`a task that fails tells its parent, once: one that ${what}`, async () => {
    using t = new OnClock();
    const told: string[] = [];
    const task = gio(
      t.reactor,
      undefined,
      function* () {
        try {
          yield parent();
        } catch (error) {
          told.push((error as Error).message);
        }
      }(),
    );
    task.result.catch(() => {});
    for (let i = 0; i < 20; i++) await t.pass(1);
    assertEquals([told, t.errors], [caught, reported]);
    assertEquals(task.done, true);
  });
}

Deno.test("a task that fails is not told to its parent when somebody has asked for its result", async () => {
  using t = new OnClock();
  const told: string[] = [];
  const task = gio(
    t.reactor,
    undefined,
    function* () {
      const failed = yield* spawn(failing(1));
      failed.result.catch((error) => told.push(error.message));
      yield* sleep(10);
      return "fine";
    }(),
  );
  const result = task.result;
  for (let i = 0; i < 20; i++) await t.pass(1);
  assertEquals([await result, told, t.errors], ["fine", ["of the task"], []]);
});

for (const how of ["cancel", "shutdown", "one signal"] as const) {
  Deno.test(`tasks ended by ${how} tell nobody that they were`, async () => {
    using t = new OnClock();
    const abort = new AbortController();
    const task = gio(
      t.reactor,
      undefined,
      function* () {
        yield* spawn(sleeping());
        yield* all(sleeping(), sleeping());
      }(),
      { signal: abort.signal },
    );
    task.result.catch(() => {});
    await t.pass();
    if (how === "cancel") task.cancel();
    else if (how === "shutdown") t.reactor.shutdown();
    else abort.abort();
    await turns(3);
    assertEquals(t.errors, []);
  });
}

Deno.test("all() of what one signal ends throws once and reports nothing", async () => {
  using t = new OnClock();
  const abort = new AbortController();
  function* task(): Coroutine {
    yield* new Suspend((suspended) => {
      abort.signal.addEventListener("abort", () => suspended.throw(abort.signal.reason));
    });
  }
  const running = gio(
    t.reactor,
    undefined,
    function* () {
      try {
        yield* all(task(), task(), task());
      } catch (error) {
        return (error as Error).message;
      }
    }(),
  );
  const { result } = running;
  abort.abort(new Error("enough"));
  await t.pass();
  assertEquals([await result, t.errors], ["enough", []]);
});

Deno.test("all() takes transfers, also of here", async () => {
  const output = [memory(), memory(), memory()] as const;
  const results = await asProcess(function* () {
    using _ = enter(memory("from ", "here"));
    const [one, two, slept] = yield* all(
      splice(memory("one"), output[0]),
      splice(here, output[1]),
      sleep(0),
    );
    return [one.bytes, two.bytes, slept];
  }());
  assertEquals(results, [3, 9, undefined]);
  assertEquals(output.map(({ text }) => text), ["one", "from here", ""]);
});

Deno.test("a process of the reactor may sleep, wait and suspend", async () => {
  using reactor = new Reactor({ selector: "deno", clock: jumping() });
  const log: unknown[] = [];
  reactor.addProcess(function* () {
    yield* sleep(1);
    log.push("slept");
    log.push(yield* wait(Promise.resolve("waited")));
    log.push(
      yield* new Suspend<string>((suspended) => queueMicrotask(() => suspended.resume("resumed"))),
    );
    try {
      yield* wait(Promise.reject(new Error("rejected")));
    } catch (error) {
      log.push((error as Error).message);
    }
    reactor.requestShutdown();
  }());
  await reactor.run();
  assertEquals(log, ["slept", "waited", "resumed", "rejected"]);
});

class Double extends Request<number> {
  constructor(readonly n: number) {
    super();
  }
  override begin(waiter: Waiter<number>): void {
    waiter.resume(2 * this.n);
  }
}

Deno.test("requests in the stages of a pipe, and beside each other, get their answers", async () => {
  const output = memory();
  const result = await asProcess(
    function* () {
      yield pipe(
        function* (): Coroutine {
          yield* sleep(1);
          yield `${yield* new Double(1)};`;
          yield `${yield* wait(Promise.resolve(2))};`;
        }(),
        function* (): Coroutine {
          for (;;) {
            const text: string = yield;
            yield* sleep(0);
            yield text + (yield* call(inner()));
          }
        }(),
      );
      return yield* all(new Double(2), sleep(1), wait(Promise.resolve("w")), new Double(3));
    }(),
    { connection: output, clock: jumping() },
  );
  assertEquals(result, [4, undefined, "w", 6]);
  assertEquals(output.text, "2;102;10");
});

function* inner(): Coroutine<string> {
  return `${yield* new Double(5)}`;
}

Deno.test("a request that fails in all() is thrown there", async () => {
  await assertRejects(
    () =>
      asProcess(function* () {
        yield* all(new Double(1), wait(Promise.reject(new Error("rejected"))), sleep(60_000));
      }()),
    Error,
    "rejected",
  );
});
