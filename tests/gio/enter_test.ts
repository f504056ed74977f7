/** Contexts in use: where bare yields read from and others write to. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { DatagramSocket, Reactor } from "../../reactor/mod.ts";
import { datagrams, enter, gio, memory, sleep } from "../../gio/mod.ts";
import { FakeConnection } from "./_fake.ts";
import { fixture } from "./_fixture.ts";

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
