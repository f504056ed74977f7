import {
  assert,
  assertEquals,
  AssertionError,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { call, type Coroutine, EndOfStream, Yield } from "../../compose/mod.ts";
import { DatagramSocket, Reactor, Suspend, TestClock } from "../../reactor/mod.ts";
import {
  all,
  asProcess,
  currentGio,
  datagrams,
  enter,
  type Gio,
  gio,
  type GioOptions,
  memory,
  race,
  sleep,
  spawn,
  suspend,
  type Suspended,
  timeout,
  TimeoutError,
  wait,
} from "../../gio/mod.ts";
import { FakeConnection } from "./_fake.ts";

/** A reactor with a clock that the test moves and errors that it sees. */
function fixture() {
  const clock = new TestClock();
  const errors: unknown[] = [];
  const reactor = new Reactor({ selector: "deno", clock, onError: (error) => errors.push(error) });
  const connection = new FakeConnection();
  return {
    reactor,
    connection,
    errors,
    /** Lets time pass, then steps. */
    pass(ms: number) {
      clock.advance(ms);
      reactor.step();
    },
    /** Lets data arrive, then steps. */
    arrive(...items: Parameters<FakeConnection["arrive"]>) {
      connection.arrive(...items);
      reactor.step();
    },
    accept(bytes: number) {
      connection.accept(bytes);
      reactor.step();
    },
    start<R>(coroutine: () => Coroutine<R>, options?: GioOptions): Gio<R> {
      const task = gio(reactor, connection, coroutine(), options);
      reactor.step();
      return task;
    },
    [Symbol.dispose]() {
      reactor.shutdown();
    },
  };
}

/** Lets promises settle that are already resolved. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

Deno.test("gio() gives a bare yield what arrives", () => {
  using f = fixture();
  const seen: unknown[] = [];
  f.start(function* () {
    seen.push(yield);
    seen.push(yield);
  });
  assertEquals(seen, []);
  f.arrive("one");
  f.arrive("two");
  assertEquals(seen, ["one", "two"]);
});

Deno.test("gio() runs the coroutine at once until it must wait", () => {
  using f = fixture();
  let ran = false;
  gio(
    f.reactor,
    f.connection,
    function* () {
      ran = true;
      yield;
    }(),
  );
  assert(ran);
});

Deno.test("gio() sends consecutive yields together when the coroutine wants input", () => {
  using f = fixture();
  f.start(function* () {
    yield "a";
    yield new TextEncoder().encode("b");
    yield "c";
    yield;
    yield "d";
  });
  assertEquals(f.connection.sent, ["abc"]);
  f.arrive("x");
  assertEquals(f.connection.sent, ["abc", "d"]);
});

Deno.test("gio() sends the same text again, whatever was sent in between and accepted of it", () => {
  using f = fixture();
  const long = "x".repeat(10_000);
  f.start(function* () {
    for (const text of ["same", "same", "other", "same", long, long, "same", "é", "é"]) {
      yield text;
      yield;
    }
  });
  f.connection.capacity = 2; // the second "same" goes out in parts
  f.arrive("");
  assertEquals(f.connection.sent, ["same", "sa"]);
  f.connection.accept(Infinity);
  f.reactor.step();
  for (let i = 0; i < 7; i++) f.arrive("");
  assertEquals(f.connection.sent, [
    ...["same", "sa", "me", "other", "same", long, long, "same", "é", "é"],
  ]);
});

Deno.test("gio() sends what waits before the coroutine waits for something else", () => {
  using f = fixture();
  f.start(function* () {
    yield "before";
    yield* sleep(10);
    yield "after";
  });
  assertEquals(f.connection.sent, ["before"]);
  f.pass(10);
  assertEquals(f.connection.sent, ["before", "after"]);
});

Deno.test("gio() sends when 64 KiB have gathered, and large chunks as they are", () => {
  using f = fixture();
  const large = new Uint8Array(70_000);
  const chunks: Uint8Array[] = [];
  f.connection.send = (bytes) => {
    chunks.push(bytes);
    return bytes.length;
  };
  f.start(function* () {
    yield "head";
    yield large;
    assertEquals(chunks.length, 2);
    for (let i = 0; i < 70; i++) yield "x".repeat(1000);
    assertEquals(chunks.length, 3);
    yield;
  });
  assertEquals(chunks.map((chunk) => chunk.length), [4, 70_000, 66_000, 4000]);
  assertStrictEquals(chunks[1]!.buffer, large.buffer);
});

Deno.test("gio() keeps the order of text, small and large chunks", () => {
  using f = fixture();
  const bytes = (text: string) => new TextEncoder().encode(text);
  f.start(function* () {
    yield "1";
    yield bytes("2");
    yield bytes("3".repeat(20_000));
    yield "4";
    yield bytes("5".repeat(10));
    yield "";
    yield bytes("");
    yield "é";
    yield;
  });
  assertEquals(f.connection.sent.join(""), `12${"3".repeat(20_000)}4${"5".repeat(10)}é`);
  assertEquals(f.connection.sent.length, 3);
});

Deno.test("gio() stops a coroutine whose peer does not read", () => {
  using f = fixture();
  let yields = 0;
  f.connection.capacity = 100_000;
  f.start(function* () {
    for (;;) {
      yield "x".repeat(10_000);
      yields++;
    }
  });
  const stopped = yields;
  assert(stopped < 20, `${stopped} yields`);
  f.reactor.step();
  assertEquals(yields, stopped);
  f.accept(1000);
  assertEquals(yields, stopped);
  f.accept(70_000);
  assert(yields > stopped);
});

Deno.test("gio() sends every byte when little is accepted at a time", () => {
  using f = fixture();
  f.connection.capacity = 0;
  const text = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join("");
  const task = f.start(function* () {
    yield text;
    yield new TextEncoder().encode("tail");
    f.connection.arrive(null);
    try {
      yield;
    } catch { /* the end */ }
  });
  for (let i = 0; i < 2000 && !task.done; i++) f.accept(7);
  assertEquals(f.connection.sent.join(""), text + "tail");
});

Deno.test("gio() does not read while output waits", () => {
  using f = fixture();
  const seen: unknown[] = [];
  f.connection.capacity = 0;
  f.start(function* () {
    yield "out";
    seen.push(yield);
  });
  f.arrive("in");
  assertEquals(seen, []);
  f.accept(3);
  f.reactor.step();
  assertEquals(seen, ["in"]);
});

Deno.test("gio() leaves what the coroutine does not want yet where it is", () => {
  using f = fixture();
  const seen: unknown[] = [];
  f.start(function* () {
    seen.push(yield);
    yield* sleep(5);
    seen.push(yield);
  });
  f.arrive("one");
  f.arrive("two");
  f.reactor.step();
  assertEquals(f.connection.reads, 1);
  f.pass(5);
  f.reactor.step();
  assertEquals(seen, ["one", "two"]);
});

Deno.test("gio() throws EndOfStream at each bare yield after the end", async () => {
  using f = fixture();
  let times = 0;
  const task = f.start(function* () {
    for (;;) {
      try {
        yield;
      } catch (error) {
        assert(error instanceof EndOfStream);
        if (++times === 3) return "ended";
      }
    }
  });
  f.arrive(null);
  assertEquals(await task.result, "ended");
});

Deno.test("gio() still sends after the end of the input (half-close)", () => {
  using f = fixture();
  f.start(function* () {
    try {
      yield;
    } catch {
      yield "bye";
    }
  });
  f.arrive(null);
  assertEquals(f.connection.sent, ["bye"]);
  assertEquals(f.connection.calls, ["close"]);
});

Deno.test("gio() ends quietly when the coroutine does not catch EndOfStream", async () => {
  using f = fixture();
  let closed = 0;
  const task = f.start(function* () {
    try {
      yield;
    } finally {
      closed++;
    }
  });
  f.arrive(null);
  await settled();
  assertEquals(f.errors, []);
  assertEquals(closed, 1);
  assertEquals(f.connection.calls, ["close"]);
  await assertRejects(() => task.result, EndOfStream);
});

Deno.test("gio() throws the error of a broken connection at the yield, and ends quietly with it", async () => {
  using f = fixture();
  const reset = new Deno.errors.ConnectionReset("reset");
  let caught: unknown;
  f.start(function* () {
    try {
      yield;
    } catch (error) {
      caught = error;
      throw error;
    }
  });
  f.arrive(reset);
  await settled();
  assertStrictEquals(caught, reset);
  assertEquals(f.errors, []);
  assertEquals(f.connection.calls, ["abort"]);
});

Deno.test("gio() throws at the yield when sending fails", async () => {
  using f = fixture();
  let caught: unknown;
  f.connection.capacity = 0;
  f.start(function* () {
    try {
      yield "lost";
      yield;
    } catch (error) {
      caught = error;
      throw error;
    }
  });
  const broken = new Deno.errors.BrokenPipe("broken");
  f.connection.break(broken);
  f.reactor.step();
  await settled();
  assertStrictEquals(caught, broken);
  assertEquals(f.errors, []);
  assertEquals(f.connection.calls, ["abort"]);
});

Deno.test("gio() aborts the connection and reports an error once when nobody asked for the result", async () => {
  using f = fixture();
  const oops = new Error("oops");
  f.start(function* () {
    yield "partial";
    throw oops;
  });
  await settled();
  assertEquals(f.errors, [oops]);
  assertEquals(f.connection.calls, ["abort"]);
});

Deno.test("gio() gives the error to who asked for the result, and does not report it", async () => {
  using f = fixture();
  const task = f.start(function* () {
    throw new RangeError("oops");
  });
  await assertRejects(() => task.result, RangeError, "oops");
  await settled();
  assertEquals(f.errors, []);
});

Deno.test("gio() names a meaningless yield and what may be yielded", async () => {
  using f = fixture();
  const task = f.start(function* () {
    yield { some: "object" };
  });
  const error = await assertRejects(() => task.result, TypeError);
  assertEquals(
    error.message,
    `Cannot do anything with a yielded object ({ some: "object" }): yield nothing to read, a string or Uint8Array to write, ` +
      "or a request such as wait(promise) with yield*",
  );
});

Deno.test("gio() throws the error of a meaningless yield into the coroutine, which may go on", async () => {
  using f = fixture();
  const task = f.start(function* () {
    try {
      yield 42;
    } catch (error) {
      return error;
    }
  });
  assert((await task.result) instanceof TypeError);
});

Deno.test("gio() without a connection says so at the yield", async () => {
  using f = fixture();
  for (const yielded of [undefined, "data"]) {
    const task = gio(
      f.reactor,
      undefined,
      function* () {
        yield yielded;
      }(),
    );
    await assertRejects(() => task.result, Error, "there is no context, enter one first");
  }
});

Deno.test("gio() composes: calls, and results of calls", async () => {
  using f = fixture();
  function* line(): Coroutine<string> {
    const data: string = yield;
    return data.trimEnd();
  }
  const task = f.start(function* () {
    return [yield* call(line()), yield* call(line())];
  });
  f.arrive("one\n");
  f.arrive("two\n");
  assertEquals(await task.result, ["one", "two"]);
});

Deno.test("gio() gives others a turn when the coroutine yields Yield", () => {
  using f = fixture();
  const order: string[] = [];
  const work = function* (name: string): Coroutine {
    for (let i = 0; i < 2; i++) {
      order.push(name + i);
      yield Yield;
    }
  };
  gio(f.reactor, undefined, work("a"));
  gio(f.reactor, undefined, work("b"));
  f.reactor.step();
  f.reactor.step();
  assertEquals(order, ["a0", "b0", "a1", "b1"]);
});

Deno.test("gio() flushes, half-closes and waits for the peer's end when the coroutine ends", () => {
  using f = fixture();
  f.start(function* () {
    yield "all";
  });
  assertEquals(f.connection.sent, ["all"]);
  assertEquals(f.connection.calls, ["shutdown"]);
  f.arrive("ignored");
  assertEquals(f.connection.calls, ["shutdown"]);
  f.arrive(null);
  assertEquals(f.connection.calls, ["shutdown", "close"]);
  assertEquals(f.connection.watched, []);
});

Deno.test("gio() closes after lingerMs when the peer keeps its side open", () => {
  using f = fixture();
  f.start(function* () {}, { lingerMs: 100 });
  f.pass(99);
  assertEquals(f.connection.calls, ["shutdown"]);
  f.pass(1);
  assertEquals(f.connection.calls, ["shutdown", "close"]);
});

Deno.test("gio() aborts after lingerMs when the last bytes are not read", async () => {
  using f = fixture();
  f.connection.capacity = 2;
  const task = f.start(function* () {
    yield "all";
    return "done";
  }, { lingerMs: 100 });
  f.pass(100);
  assertEquals(f.connection.calls, ["abort"]);
  assertEquals(f.connection.sent, ["al"]);
  await assertRejects(() => task.result, TimeoutError, "was not accepted within 100 ms");
  assertEquals(f.errors, []); // The peer is to blame.
});

Deno.test("gio() leaves the connection open with keepOpen", () => {
  using f = fixture();
  f.start(function* () {
    yield;
    yield "all";
  }, { keepOpen: true });
  f.arrive("x");
  assertEquals(f.connection.sent, ["all"]);
  assertEquals(f.connection.calls, []);
  assertEquals(f.connection.watched, []);
});

Deno.test("gio() cancels when the signal aborts, with its reason", async () => {
  using f = fixture();
  const controller = new AbortController();
  const order: string[] = [];
  const task = f.start(function* () {
    try {
      yield;
    } finally {
      yield* sleep(10);
      order.push("cleaned up");
    }
    order.push("not reached");
  }, { signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(order, []);
  f.pass(10);
  assertEquals(order, ["cleaned up"]);
  assertStrictEquals(await assertRejects(() => task.result), reason);
});

Deno.test("gio() with an aborted signal does not run the coroutine", async () => {
  using f = fixture();
  const task = f.start(function* () {
    throw new Error("not reached");
  }, { signal: AbortSignal.abort(new Error("enough")) });
  await assertRejects(() => task.result, Error, "enough");
});

Deno.test("cancel() undoes what the coroutine waits for", async () => {
  using f = fixture();
  let undone = 0;
  const task = f.start(function* () {
    yield* suspend(() => () => {
      undone++;
    });
  });
  task.cancel();
  task.cancel();
  assertEquals(undone, 1);
  await assertRejects(() => task.result, DOMException, "cancelled");
});

Deno.test("cancel() of a running coroutine ends it at its next yield", async () => {
  using f = fixture();
  const order: string[] = [];
  const task = f.start(function* () {
    try {
      currentGio().cancel(new Error("myself"));
      order.push("running");
      yield;
      order.push("not reached");
    } finally {
      order.push("finally");
    }
  });
  assertEquals(order, ["running", "finally"]);
  await assertRejects(() => task.result, Error, "myself");
});

Deno.test("throw() is refused while the coroutine runs", () => {
  using f = fixture();
  f.start(function* () {
    assertThrows(
      () => currentGio().throw(new Error("x")),
      Error,
      "Cannot throw into a running coroutine",
    );
    yield;
  });
});

Deno.test("enter() reads from and writes to the innermost context", async () => {
  using f = fixture();
  const inner = memory("inner in");
  const task = f.start(function* () {
    const seen = [yield];
    {
      using _ = enter(inner);
      seen.push(new TextDecoder().decode(yield));
      yield "inner out";
    }
    yield "outer out";
    seen.push(yield);
    return seen;
  });
  f.arrive("1");
  f.reactor.step();
  f.arrive("2");
  assertEquals(await task.result, ["1", "inner in", "2"]);
  assertEquals(inner.text, "inner out");
  assertEquals(f.connection.sent, ["outer out"]);
  assertEquals(inner.closed, false);
});

Deno.test("enter() swaps two contexts by alternating and by nesting", async () => {
  using f = fixture();
  const swapped = function* (
    a: ReturnType<typeof memory>,
    b: ReturnType<typeof memory>,
    nest: boolean,
  ): Coroutine {
    let fromA, fromB;
    {
      using _ = enter(a);
      fromA = yield;
      if (nest) {
        using _ = enter(b);
        fromB = yield;
        yield fromA;
      }
      if (nest) yield fromB;
    }
    if (nest) return;
    {
      using _ = enter(b);
      fromB = yield;
      yield fromA;
    }
    using _ = enter(a);
    yield fromB;
  };
  for (const nest of [true, false]) {
    const a = memory("A"), b = memory("B");
    const task = gio(f.reactor, undefined, swapped(a, b, nest));
    for (let i = 0; i < 5; i++) f.reactor.step();
    await task.result;
    assertEquals([a.text, b.text], ["B", "A"]);
  }
});

Deno.test("enter() refuses to be left out of order", async () => {
  using f = fixture();
  const task = f.start(function* () {
    const outer = enter(memory());
    enter(memory());
    outer[Symbol.dispose]();
  });
  await assertRejects(
    () => task.result,
    Error,
    "Cannot leave this context before the ones entered after it",
  );
});

Deno.test("enter() outside of gio says where it may be used", () => {
  assertThrows(() => enter(memory()), TypeError, "Cannot use enter() here");
});

Deno.test("enter() waits at the next yield until what was written in the block has gone out", () => {
  using f = fixture();
  const slow = new FakeConnection();
  slow.capacity = 0;
  const order: string[] = [];
  f.start(function* () {
    {
      using _ = enter(slow);
      yield "slow";
    }
    yield;
    order.push("read");
  });
  f.arrive("data");
  assertEquals(order, []);
  slow.accept(10);
  f.reactor.step();
  f.reactor.step();
  assertEquals(order, ["read"]);
  assertEquals(slow.sent, ["slow"]);
  assertEquals(slow.watched, []);
});

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
      yield* suspend(() => {});
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

Deno.test("suspend() resumes with a value or an error, once", async () => {
  using f = fixture();
  let handle!: Suspended<number>;
  const task = f.start(function* () {
    const seen: unknown[] = [
      yield* suspend<number>((suspended) => (handle = suspended, undefined)),
    ];
    const first = handle;
    try {
      yield* suspend<number>((suspended) => {
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

Deno.test("suspend() may be settled before its starter returns, or fail to start", async () => {
  using f = fixture();
  const task = f.start(function* () {
    const seen: unknown[] = [yield* suspend<number>((suspended) => suspended.resume(1))];
    for (
      const start of [
        (suspended: Suspended<number>) => suspended.throw(new Error("thrown")),
        () => {
          throw new Error("did not start");
        },
      ]
    ) {
      try {
        yield* suspend(start);
      } catch (error) {
        seen.push((error as Error).message);
      }
    }
    return seen;
  });
  assertEquals(await task.result, [1, "thrown", "did not start"]);
});

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

Deno.test("shutdown() of the reactor closes coroutines through their finally", () => {
  const f = fixture();
  const order: string[] = [];
  f.start(function* () {
    try {
      yield;
    } finally {
      order.push("cleanup");
      yield "too late";
      order.push("not reached");
    }
  });
  f.reactor.shutdown();
  assertEquals(order, ["cleanup"]);
  assertEquals(f.errors, []);
});

Deno.test("gio() tells inspect() where its coroutine stands", () => {
  using f = fixture();
  function* line(): Coroutine<string> {
    return yield;
  }
  f.start(function* main() {
    yield* call(line());
  });
  const [reader] = f.reactor.inspect();
  assert(
    /^at .*line.*|^at <unknown>, at main .*gio_test\.ts:\d+:\d+\)$/.test(reader!.where!),
    reader!.where,
  );
});

Deno.test("enter() of a context that can only be read does not wait for it to become writable", async () => {
  using f = fixture();
  const readOnly = new FakeConnection();
  readOnly.capacity = 0;
  readOnly.arrive("data");
  const task = f.start(function* () {
    {
      using _ = enter(readOnly);
      yield;
    }
    yield* sleep(0);
    return "done";
  });
  f.pass(1);
  f.pass(1);
  assertEquals(await task.result, "done");
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

Deno.test("gio() lets an AssertionError of a coroutine out of step()", async () => {
  using f = fixture();
  f.start(function* () {
    assertEquals(1, 2);
  });
  await settled();
  assertThrows(() => f.reactor.step(), AssertionError);
});

Deno.test("datagrams() refuses what is no datagram", async () => {
  const reactor = new Reactor({ selector: "deno" });
  const socket = await DatagramSocket.bind(reactor, { hostname: "127.0.0.1" });
  const task = gio(
    reactor,
    datagrams(socket),
    function* () {
      yield "text";
    }(),
  );
  await assertRejects(() => task.result, TypeError, "Cannot send a string as a datagram");
  reactor.shutdown();
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
    { onError },
  );
  assertEquals([first, errors], ["slept", ["of race"]]);
  await assertRejects(
    () =>
      asProcess(
        function* () {
          yield* all(failing("thrown"), failingCleanup("of all"), sleeper(1000));
        }(),
        { onError },
      ),
    Error,
    "thrown",
  );
  assertEquals(errors, ["of race", "of all"]);
});

function* sleeper(ms: number): Coroutine<string> {
  yield* sleep(ms);
  return "slept";
}

function* failing(message: string): Coroutine {
  yield* sleep(1);
  throw new Error(message);
}

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

Deno.test("gio() answers a request with and without the star", async () => {
  using f = fixture();
  const task = f.start(function* () {
    return [yield wait(Promise.resolve(1)), yield* wait(Promise.resolve(2))];
  });
  assertEquals(await task.result, [1, 2]);
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
  const result = await asProcess(function* () {
    const none = yield* all();
    const first = yield* race(slow(), sleeper(1));
    order.push("race is over");
    return [none, first];
  }());
  assertEquals(result, [[], "slept"]);
  assertEquals(order, ["cleaned up", "race is over"]);
});

Deno.test("gio() and spawn() refuse a function, and race() refuses nothing", async () => {
  function* main(): Coroutine {}
  const notMade = main as unknown as Coroutine;
  const message = "Cannot run [GeneratorFunction: main]: give a coroutine, main(), not main";
  using reactor = new Reactor();
  assertThrows(() => gio(reactor, memory(), notMade), TypeError, message);
  await assertRejects(() => asProcess(notMade), TypeError, message);
  await assertRejects(
    () =>
      asProcess(function* () {
        yield* spawn(notMade);
      }()),
    TypeError,
    message,
  );
  assertThrows(() => race(), RangeError, "Cannot race nothing");
});
