import { assertEquals, assertRejects } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { gio, memory, sleep, type Timeout, timeout, TimeoutError } from "../../gio/mod.ts";
import { OnClock } from "./_clock.ts";

Deno.test("renew() of a timeout counts the time anew, from whenever it is called", async () => {
  for (const last of [0, 1, 9]) {
    using t = new OnClock();
    const peer = memory();
    const task = gio(
      t.reactor,
      peer,
      function* (): Coroutine {
        using limit = timeout(10);
        for (;;) {
          yield;
          limit.renew();
        }
      }(),
    );
    const outcome = assertRejects(() => task.result, TimeoutError, "Timed out after 10 ms");
    for (const ms of [9, 9, 9, last]) {
      await t.pass(ms);
      peer.write("x");
      await t.pass();
    }
    await t.pass(9);
    assertEquals(task.done, false);
    await t.pass(1);
    assertEquals(task.done, true);
    await outcome;
    assertEquals(t.reactor.inspect(), []);
  }
});

Deno.test("renew() of a timeout adds no timer", async () => {
  using t = new OnClock();
  let added = 0;
  const { addTimer } = t.reactor;
  t.reactor.addTimer = (...args) => {
    added++;
    return addTimer.apply(t.reactor, args);
  };
  gio(
    t.reactor,
    undefined,
    function* () {
      using limit = timeout(10);
      for (let i = 0; i < 1000; i++) limit.renew();
    }(),
  );
  await t.pass(10);
  assertEquals([added, t.reactor.inspect()], [1, []]);
});

Deno.test("renew() of a timeout that was over arms it again", async () => {
  using t = new OnClock();
  const seen: number[] = [];
  const task = gio(
    t.reactor,
    undefined,
    function* (): Coroutine {
      using limit = timeout(10);
      for (let i = 0; i < 3; i++) {
        try {
          yield* sleep(60_000);
        } catch (error) {
          if (!(error instanceof TimeoutError)) throw error;
          seen.push(t.reactor.clock.now());
          limit.renew();
        }
      }
    }(),
  );
  for (let i = 0; i < 4; i++) await t.pass(10);
  assertEquals([seen, task.done], [[10, 20, 30], true]);
  assertEquals(t.reactor.inspect(), []);
});

Deno.test("renew() of a timeout does nothing when its block has ended", async () => {
  using t = new OnClock();
  let limit: Timeout;
  const task = gio(
    t.reactor,
    undefined,
    function* (): Coroutine<string> {
      {
        using inner = timeout(10);
        limit = inner;
      }
      limit.renew();
      yield* sleep(20);
      return "not limited";
    }(),
  );
  await t.pass(15);
  await t.pass(5);
  assertEquals(await task.result, "not limited");
  limit!.renew();
  assertEquals(t.reactor.inspect(), []);
});

Deno.test("a timeout that is renewed throws where one within it that is not is over first", async () => {
  using t = new OnClock();
  const seen: string[] = [];
  const task = gio(
    t.reactor,
    undefined,
    function* (): Coroutine {
      using outer = timeout(10);
      try {
        using _ = timeout(12);
        yield* sleep(5);
        outer.renew();
        yield* sleep(60_000);
      } catch (error) {
        seen.push((error as Error).message);
      }
      yield* sleep(60_000);
    }(),
  );
  const outcome = assertRejects(() => task.result, TimeoutError, "Timed out after 10 ms");
  for (const ms of [5, 5, 2]) await t.pass(ms);
  assertEquals([seen, task.done], [["Timed out after 12 ms"], false]);
  await t.pass(3);
  await outcome;
});
