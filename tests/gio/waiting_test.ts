/** Waiting for something else: promises, times, whoever resumes. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { sleep, Suspend, timeout, TimeoutError, wait } from "../../gio/mod.ts";
import type { FakeConnection } from "./_fake.ts";
import { fixture } from "./_fixture.ts";

Deno.test("wait() gives the value of a promise and throws its rejection", async () => {
  using f = fixture();
  const task = f.start(function* () {
    const value = yield* wait(Promise.resolve(1));
    try {
      yield* wait(Promise.reject(new Error("rejected")));
    } catch (error) {
      return [value, (error as Error).message];
    }
  });
  assertEquals(await task.result, [1, "rejected"]);
});

Deno.test("wait() ignores a promise that settles after the coroutine was cancelled", async () => {
  using f = fixture();
  const { promise, reject } = Promise.withResolvers<void>();
  const task = f.start(function* () {
    yield* wait(promise);
  });
  task.cancel();
  reject(new Error("late"));
  await assertRejects(() => task.result, DOMException);
  assertEquals(f.errors, []);
});

Deno.test("sleep() lets the time pass", () => {
  using f = fixture();
  const order: number[] = [];
  f.start(function* () {
    yield* sleep(10);
    order.push(1);
    yield* sleep(20);
    order.push(2);
  });
  f.pass(9);
  assertEquals(order, []);
  f.pass(1);
  assertEquals(order, [1]);
  f.pass(20);
  assertEquals(order, [1, 2]);
});

Deno.test("timeout() throws at the yield, whatever the coroutine waits for", async () => {
  const waits: Record<string, (f: { connection: FakeConnection }) => Coroutine> = {
    *read() {
      yield;
    },
    *write({ connection }) {
      connection.capacity = 0;
      yield "x".repeat(100_000);
    },
    *sleep() {
      yield* sleep(1000);
    },
    *wait() {
      yield* wait(new Promise<void>(() => {}));
    },
    *suspend() {
      yield* new Suspend(() => {});
    },
  };
  for (const [name, coroutine] of Object.entries(waits)) {
    using f = fixture();
    const task = f.start(function* () {
      try {
        using _ = timeout(10);
        yield* call(coroutine(f));
      } catch (error) {
        assert(error instanceof TimeoutError, name);
        assertEquals(error.message, "Timed out after 10 ms");
      }
      f.connection.capacity = Infinity;
      f.connection.arrive("still works");
      return yield;
    });
    f.pass(9);
    assertEquals(task.done, false, name);
    f.pass(1);
    for (let i = 0; i < 3; i++) f.reactor.step();
    assertEquals(await task.result, "still works", name);
  }
});

Deno.test("timeout() costs nothing after its block", () => {
  using f = fixture();
  f.start(function* () {
    {
      using _ = timeout(10);
      yield;
    }
    yield;
  });
  f.arrive("in time");
  f.pass(100);
  assertEquals(f.errors, []);
  assertEquals(f.connection.calls, []);
});

Deno.test("timeout() of an inner block wins when it is shorter, and the outer one goes on", async () => {
  using f = fixture();
  const order: string[] = [];
  const task = f.start(function* () {
    try {
      using _ = timeout(20);
      try {
        using _ = timeout(10);
        yield;
      } catch (error) {
        order.push((error as Error).message);
      }
      yield;
    } catch (error) {
      order.push((error as Error).message);
    }
  });
  f.pass(10);
  f.pass(10);
  await task.result;
  assertEquals(order, ["Timed out after 10 ms", "Timed out after 20 ms"]);
});

Deno.test("timeout() of an inner block wins when both are over at once, and the outer one is not lost", async () => {
  using f = fixture();
  const order: string[] = [];
  const task = f.start(function* () {
    try {
      using _ = timeout(10);
      try {
        using _ = timeout(12);
        yield;
      } catch (error) {
        order.push((error as Error).message);
      }
      order.push("between");
      yield;
    } catch (error) {
      order.push((error as Error).message);
    }
    yield* sleep(100);
    order.push("after");
  });
  f.pass(15);
  f.pass(0);
  f.pass(0); // it throws once
  f.pass(100);
  await task.result;
  assertEquals(order, ["Timed out after 12 ms", "between", "Timed out after 10 ms", "after"]);
});

Deno.test("timeout() may be taken back before those within", async () => {
  using f = fixture();
  const task = f.start(function* () {
    const limits = [timeout(30), timeout(20), timeout(10)];
    limits[1]![Symbol.dispose]();
    limits[0]![Symbol.dispose]();
    limits[0]![Symbol.dispose]();
    yield;
  });
  assertEquals(f.reactor.inspect().filter(({ kind }) => kind === "timer").length, 1);
  f.pass(10);
  assertEquals((await task.result.catch((error) => error)).message, "Timed out after 10 ms");
});

Deno.test("new Suspend() resumes with a value or an error, once", async () => {
  using f = fixture();
  let handle!: Suspend<number>;
  const task = f.start(function* () {
    const seen: unknown[] = [
      yield* new Suspend<number>((suspended) => (handle = suspended, undefined)),
    ];
    const first = handle;
    try {
      yield* new Suspend<number>((suspended) => {
        handle = suspended;
        first.resume(99); // of an operation that is over
      });
    } catch (error) {
      seen.push((error as Error).message);
    }
    return seen;
  });
  handle.resume(1);
  const second = handle;
  second.throw(new Error("thrown"));
  second.resume(2);
  assertEquals(await task.result, [1, "thrown"]);
});

Deno.test("new Suspend() may be settled before its starter returns, or fail to start", async () => {
  using f = fixture();
  const task = f.start(function* () {
    const seen: unknown[] = [yield* new Suspend<number>((suspended) => suspended.resume(1))];
    for (
      const start of [
        (suspended: Suspend<number>) => suspended.throw(new Error("thrown")),
        () => {
          throw new Error("did not start");
        },
      ]
    ) {
      try {
        yield* new Suspend(start);
      } catch (error) {
        seen.push((error as Error).message);
      }
    }
    return seen;
  });
  assertEquals(await task.result, [1, "thrown", "did not start"]);
});

Deno.test("gio() waits for a Suspend of the reactor: resumed, thrown into, timed out", async () => {
  using f = fixture();
  const resumed = new Suspend<number>(),
    thrown = new Suspend(),
    late = new Suspend(undefined, { timeoutMs: 10 });
  const task = f.start(function* () {
    const seen: unknown[] = [yield* resumed];
    for (const suspend of [thrown, late]) {
      try {
        yield* suspend;
      } catch (error) {
        seen.push((error as Error).message);
      }
    }
    return seen;
  });
  resumed.resume(1);
  thrown.throw(new Error("thrown"));
  f.pass(10);
  assertEquals(await task.result, [1, "thrown", "Not resumed within 10 ms"]);
});
