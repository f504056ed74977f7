import { Opened } from "../../gio/opened.ts";
/** What must hold whatever happens: what others write to the same context, what fails while it ends. */
import { assertEquals, assertThrows } from "@std/assert";
import { call, type Coroutine, pushBack } from "../../compose/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import {
  asProcess,
  currentGio,
  enter,
  gio,
  memory,
  open,
  sleep,
  spawn,
  timeout,
  wait,
} from "../../gio/mod.ts";
import { OnClock } from "./_clock.ts";
import { FakeConnection } from "./_fake.ts";

Deno.test("a coroutine that fails does not drop what another has written to the same context", async () => {
  using t = new OnClock();
  const shared = new FakeConnection();
  shared.capacity = 0;
  function* writer(text: string, then: () => Coroutine): Coroutine {
    using _ = enter(shared);
    yield text;
    yield then();
  }
  const good = gio(
    t.reactor,
    undefined,
    writer("good", function* () {
      yield* sleep(5);
    }),
  );
  const bad = gio(
    t.reactor,
    undefined,
    writer("bad", function* () {
      yield* sleep(1);
      throw new Error("expected");
    }),
  );
  let result: unknown;
  good.result.then(() => result = "well", (error) => result = error);
  bad.result.catch(() => {});
  for (let i = 0; i < 3; i++) await t.pass(1);
  shared.accept(100);
  for (let i = 0; i < 20; i++) await t.pass(1);
  assertEquals([result, shared.sent.join("").includes("good")], ["well", true]);
});

Deno.test("what was written in a block that was left goes out, also when the coroutine fails then", async () => {
  using t = new OnClock();
  const context = memory();
  const task = gio(
    t.reactor,
    undefined,
    function* () {
      {
        using _ = enter(context);
        yield "complete";
      }
      throw new Error("expected");
    }(),
  );
  task.result.catch(() => {});
  await t.pass();
  assertEquals(context.text, "complete");
});

Deno.test("an error from outside takes nothing away that was read and waits for its turn", async () => {
  using t = new OnClock();
  const items = Array.from({ length: 100 }, (_, i) => i);
  const log: unknown[] = [];
  const task = gio(
    t.reactor,
    memory(),
    function* () {
      yield* call(function* () {
        return pushBack(undefined, ...items);
      }());
      {
        using _ = enter(memory());
      }
      while (log.length < 100) {
        try {
          log.push(yield);
        } catch { /* on it goes */ }
        for (const until = performance.now() + 0.2; performance.now() < until;);
      }
    }(),
  );
  for (let i = 0; i < 100 && !task.done; i++) {
    task.throw(new Error("from outside"));
    await t.pass();
  }
  task.result.catch(() => {});
  assertEquals(log, items);
});

Deno.test("a task whose result cannot be looked through ends all the same", async () => {
  using t = new OnClock();
  const task = gio(
    t.reactor,
    undefined,
    function* () {
      const inner = yield* spawn(function* () {
        yield* sleep(1);
        open("/dev/null");
        return {
          get broken(): never {
            throw new Error("of the getter");
          },
        };
      }());
      yield* inner;
      return "joined";
    }(),
  );
  let result: unknown;
  task.result.then((value) => result = value, (error) => result = error);
  for (let i = 0; i < 10; i++) await t.pass(1).catch(() => {});
  assertEquals(result, "joined");
});

Deno.test("a context that cannot be closed does not keep the rest open, nor the coroutine from its end", async () => {
  using t = new OnClock();
  class Bad extends FakeConnection {
    override close(): void {
      throw new Error("of close()");
    }
    override abort(): void {
      throw new Error("of abort()");
    }
  }
  const good = new FakeConnection();
  const task = gio(
    t.reactor,
    undefined,
    function* () {
      new Opened(currentGio(), good);
      new Opened(currentGio(), new Bad());
      yield* sleep(1);
      return "ended";
    }(),
  );
  let result: unknown;
  task.result.then((value) => result = value, (error) => result = error);
  for (let i = 0; i < 5; i++) await t.pass(1).catch(() => {});
  assertEquals([result, good.calls], ["ended", ["close"]]);
});

Deno.test("a time that is none is an error where it is given", async () => {
  using reactor = new Reactor();
  for (const wrong of [NaN, -1, "10", null] as number[]) {
    const message = `must be a number of milliseconds of at least 0, not ${Deno.inspect(wrong)}`;
    assertThrows(() => sleep(wrong), RangeError, message);
    await asProcess(function* () {
      assertThrows(() => timeout(wrong), RangeError, message);
    }());
    assertThrows(
      () => gio(reactor, memory(), function* () {}(), { lingerMs: wrong }),
      RangeError,
      `lingerMs ${message}`,
    );
  }
});

Deno.test("wait() says what it wants when it gets no promise", () => {
  for (const wrong of [async () => {}, undefined, 5, {}]) {
    assertThrows(() => wait(wrong as never), TypeError, "give a promise, wait(f()), not wait(f)");
  }
});
