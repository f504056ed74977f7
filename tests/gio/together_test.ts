/** Coroutines beside each other: spawn(), all() and race(). */
import { assertEquals, assertRejects } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { all, asProcess, race, sleep, spawn, wait } from "../../gio/mod.ts";
import { jumping } from "./_clock.ts";
import { fixture, settled } from "./_fixture.ts";

Deno.test("spawn() runs a task beside its parent, which joins it", async () => {
  using f = fixture();
  const task = f.start(function* () {
    const child = yield* spawn(function* () {
      yield* sleep(10);
      return "child";
    }());
    yield "parent goes on";
    return yield* child;
  });
  f.reactor.step();
  f.pass(10);
  assertEquals(await task.result, "child");
  assertEquals(f.connection.sent, ["parent goes on"]);
});

Deno.test("spawn() throws a task's error where it is joined", async () => {
  using f = fixture();
  const task = f.start(function* () {
    const child = yield* spawn(function* () {
      throw new RangeError("child failed");
    }());
    yield* child;
  });
  await assertRejects(() => task.result, RangeError, "child failed");
  assertEquals(f.errors, []);
});

Deno.test("spawn() cancels tasks that still run when the parent ends, through their finally", async () => {
  using f = fixture();
  const order: string[] = [];
  const task = f.start(function* () {
    yield* spawn(function* () {
      try {
        yield* sleep(1000);
      } finally {
        order.push("task closed");
      }
    }());
    return "parent";
  });
  assertEquals(await task.result, "parent");
  assertEquals(order, ["task closed"]);
  assertEquals(f.errors, []);
});

Deno.test("all() and race() report errors of tasks that they do not throw", async () => {
  function* failingCleanup(message: string): Coroutine {
    try {
      yield* sleep(1000);
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new Error(message);
    }
  }
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push((error as Error).message);
  const first = await asProcess(
    function* () {
      return yield* race(sleeper(1), failingCleanup("of race"));
    }(),
    { onError, clock: jumping() },
  );
  assertEquals([first, errors], ["slept", ["of race"]]);
  await assertRejects(
    () =>
      asProcess(
        function* () {
          yield* all(failing("thrown"), failingCleanup("of all"), sleeper(1000));
        }(),
        { onError, clock: jumping() },
      ),
    Error,
    "thrown",
  );
  assertEquals(errors, ["of race", "of all"]);
});

Deno.test("all() and race() take operations as well as coroutines", async () => {
  using f = fixture();
  function* three(): Coroutine<3> {
    return 3;
  }
  const task = f.start(function* () {
    const both: [string, 3] = yield* all(wait(Promise.resolve("two")), three());
    const first: void | string = yield* race(sleep(10), wait(new Promise<string>(() => {})));
    return [...both, first];
  });
  await settled();
  f.pass(0);
  await settled();
  f.pass(10);
  assertEquals(await task.result, ["two", 3, undefined]);
});

Deno.test("all() of nothing is an empty list; all() and race() cancel the others through their cleanup", async () => {
  const order: string[] = [];
  function* slow(): Coroutine {
    try {
      yield* sleep(60_000);
    } finally {
      yield* sleep(1);
      order.push("cleaned up");
    }
  }
  const result = await asProcess(
    function* () {
      const none = yield* all();
      const first = yield* race(slow(), sleeper(1));
      order.push("race is over");
      return [none, first];
    }(),
    { clock: jumping() },
  );
  assertEquals(result, [[], "slept"]);
  assertEquals(order, ["cleaned up", "race is over"]);
});

function* sleeper(ms: number): Coroutine<string> {
  yield* sleep(ms);
  return "slept";
}

function* failing(message: string): Coroutine {
  yield* sleep(1);
  throw new Error(message);
}
