import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { stub } from "@std/testing/mock";
import { connect, Reactor, type ReactorOptions, TestClock } from "../../reactor/mod.ts";
import { leakTest, turns } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { Fake, ready } from "./_fake.ts";
import { fill, SELECTORS } from "../_sockets.ts";

/** Whether the promise is settled after a few turns of the event loop. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let yes = false;
  promise.then(() => yes = true, () => yes = true);
  await turns(3);
  return yes;
}

Deno.test("wait() stands until a reader is ready", async () => {
  using reactor = new Reactor();
  const fake = new Fake();
  reactor.addReader(fake, () => {});
  const waiting = reactor.wait();
  assertEquals(await settled(waiting), false);
  fake.readable = true;
  await waiting;
});

Deno.test("wait() resolves at once when something is ready, and stays so", async () => {
  using reactor = new Reactor();
  reactor.addReader(ready(), () => {});
  await reactor.wait();
  await reactor.wait();
});

Deno.test("wait() stands until the first timer is due, whichever is added when", async () => {
  const clock = new TestClock();
  using reactor = new Reactor({ clock });
  reactor.addTimer(100, () => {});
  const waiting = reactor.wait();
  await turns(2);
  const sooner = reactor.addTimer(10, () => {});
  clock.advance(9);
  assertEquals(await settled(waiting), false);
  reactor.removeTimer(sooner);
  clock.advance(90);
  assertEquals(await settled(waiting), false);
  clock.advance(1);
  await waiting;
  assertEquals(reactor.step(), 1);
});

Deno.test("removeTimer() refuses a timer of another reactor, and leaves it alone", () => {
  const clock = new TestClock();
  using one = new Reactor({ clock });
  using other = new Reactor({ clock });
  const seen: string[] = [];
  const timer = one.addTimer(1, () => seen.push("one"));
  assertThrows(() => other.removeTimer(timer), TypeError, "of another reactor");
  assertEquals([one.inspect().length, timer.active], [1, true]);
  clock.advance(1);
  one.step();
  assertEquals(seen, ["one"]);
  other.removeTimer(timer); // was called
});

Deno.test("wait() ends when a process is added, or a shutdown is requested", async () => {
  using reactor = new Reactor();
  let waiting = reactor.wait();
  await turns(2);
  const process = () => reactor.removeProcess(process);
  reactor.addProcess(process);
  await waiting;
  reactor.step();
  waiting = reactor.wait();
  assertEquals(await settled(waiting), false);
  reactor.requestShutdown();
  await waiting;
});

Deno.test("wait() lets timers of the program run although the reactor is always busy", async () => {
  using reactor = new Reactor();
  let ticks = 0;
  const interval = setInterval(() => ++ticks === 3 && reactor.requestShutdown(), 1);
  reactor.addProcess(() => {});
  await reactor.run();
  clearInterval(interval);
  assert(ticks >= 3);
});

Deno.test("wait() goes by the real clock when there is no other", async () => {
  using reactor = new Reactor();
  let called = false;
  reactor.addTimer(2, () => called = true);
  await reactor.wait();
  reactor.step();
  assert(called);
});

Deno.test("wait() with a clock that has no alarm still ends", async () => {
  let now = 0;
  using reactor = new Reactor({ clock: { now: () => now++ } });
  let called = false;
  reactor.addTimer(2, () => called = true);
  await drive(reactor, () => called);
});

Deno.test("run() ends when its signal aborts, before or while it runs", async () => {
  await new Reactor().run({ signal: AbortSignal.abort() });
  const controller = new AbortController();
  const reactor = new Reactor();
  reactor.addTimer(0, () => controller.abort());
  await reactor.run({ signal: controller.signal });
  assert(reactor.isShutDown);
});

for (const selector of SELECTORS) {
  leakTest(`run() is refused while the reactor runs (${selector})`, async () => {
    const reactor = new Reactor({ selector });
    const running = reactor.run();
    await assertRejects(() => reactor.run(), TypeError, "the reactor runs already");
    let refused: unknown;
    reactor.addTimer(0, () => {
      reactor.run().catch((error) => {
        refused = error;
        reactor.requestShutdown();
      });
    });
    await running;
    assert(refused instanceof TypeError);
    await assertRejects(() => reactor.run(), TypeError, "the reactor is shut down");
  });
}

leakTest("run() lets closed sockets send what they accepted before it ends", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const reactor = new Reactor({ selector: "deno" });
  const socket = await connect(reactor, { port: listener.addr.port });
  using conn = await listener.accept();
  let accepted = 0;
  for (let more; (more = socket.send(new Uint8Array(256 * 1024))) > 0;) {
    accepted += more;
    await turns(2);
  }
  socket.close();
  assertEquals(reactor.openConnections.size, 1);
  reactor.requestShutdown();
  const running = reactor.run();
  let received = 0;
  const buffer = new Uint8Array(64 * 1024);
  for (let n; (n = await conn.read(buffer)) !== null;) received += n;
  await running;
  assertEquals([received, reactor.openConnections.size], [accepted, 0]);
});

Deno.test("Reactor refuses a lingerMs that is no time, at once", () => {
  for (const lingerMs of [-1, NaN, -Infinity]) {
    assertThrows(
      () => new Reactor({ lingerMs }),
      RangeError,
      `Cannot make a reactor: lingerMs must be a number of milliseconds of at least 0, not ${lingerMs}`,
    );
  }
  for (const lingerMs of [0, -0, 0.5, 2 ** 31, 2 ** 32, Infinity]) {
    using _ = new Reactor({ lingerMs });
  }
});

leakTest("run() does not wait for ever for a peer that does not read", async () => {
  const clock = new TestClock();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const reactor = new Reactor({ selector: "deno", clock, lingerMs: 100 });
  const socket = await connect(reactor, { port: listener.addr.port });
  using _conn = await listener.accept();
  await fill(socket);
  socket.close();
  reactor.requestShutdown();
  const running = reactor.run();
  assertEquals(await settled(running), false);
  clock.advance(100);
  await running;
  assertEquals(reactor.openConnections.size, 0);
});

leakTest("shutdown() aborts open sockets that nobody registered", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using reactor = new Reactor();
  const socket = await connect(reactor, { port: listener.addr.port });
  using conn = await listener.accept();
  assertEquals([...reactor.openConnections], [socket]);
  reactor.shutdown();
  assertEquals([socket.closed, await conn.read(new Uint8Array(1))], [true, null]);
  assertThrows(() => reactor.adopt(conn), TypeError, "Cannot adopt a connection");
});

Deno.test("shutdown() calls its hooks first, while everything still works", () => {
  const errors: unknown[] = [];
  const reactor = new Reactor({ onError: (error) => errors.push(error) });
  const seen: string[] = [];
  const removed = () => seen.push("removed");
  reactor.addShutdownHook(removed);
  reactor.addShutdownHook(() => {
    reactor.addReader(new Fake(), () => {});
    reactor.shutdown();
    seen.push("hook");
    throw new Error("oops");
  });
  reactor.removeShutdownHook(removed);
  reactor.shutdown();
  assertEquals([seen, errors.length, reactor.inspect()], [["hook"], 1, []]);
});

Deno.test("onError() reports to the console by default, and lets AssertionErrors out", () => {
  using told = stub(console, "error");
  using reactor = new Reactor();
  const error = new Error("oops");
  reactor.onError(error, "a test");
  assertEquals(told.calls.map(({ args }) => args), [["Error in a test:", error]]);
  assertThrows(() =>
    reactor.onError(Object.assign(new Error("no"), { name: "AssertionError" }), "")
  );
});

Deno.test("inspect() lists what is registered, suspended, due and open", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const clock = new TestClock(1000);
  using reactor = new Reactor({ clock });
  using socket = await connect(reactor, { port: listener.addr.port });
  (await listener.accept()).close();
  reactor.addReader(ready("a"), () => reactor.suspend(), { priority: 0 });
  reactor.addWriter(new Fake("b"), () => {}, { priority: 3, where: "at line 7" });
  reactor.addProcess(function pump() {});
  reactor.addTimer(500, function late() {});
  reactor.step();
  clock.advance(20);
  assertEquals(reactor.inspect(), [
    { kind: "reader", what: "a", priority: 0, suspended: true, ageMs: 20 },
    { kind: "writer", what: "b", priority: 3, suspended: false, ageMs: 20, where: "at line 7" },
    { kind: "process", what: "pump", priority: 0, suspended: false, ageMs: 20 },
    { kind: "timer", what: "late", dueMs: 480 },
    { kind: "connection", what: socket.describe!() },
  ]);
});

Deno.test("trace tells where in the program a failing callback was registered", () => {
  const errors: string[] = [];
  using reactor = new Reactor({ trace: true, onError: (_, where) => errors.push(where) });
  const options = { where: "parsing" };
  reactor.addReader(ready("a"), () => JSON.parse("{"), options);
  reactor.step();
  assertMatch(errors[0]!, /^reader of a \(at .*reactor_test\.ts:\d+:\d+\)?, parsing\)$/);
});

leakTest("events tell of connections, bytes, errors and steps", async () => {
  const seen: string[] = [];
  const events: ReactorOptions["events"] = {
    closed: () => seen.push("closed"),
    received: (_, length) => seen.push(`received ${length}`),
    sent: (_, length) => seen.push(`sent ${length}`),
    error: (_, where) => seen.push(`error in ${where}`),
    step: (ms, callbacks) => ms >= 0 && callbacks > 0 && seen.push(`step ${callbacks}`),
  };
  using reactor = new Reactor({ events, onError: () => {} });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const socket = await connect(reactor, { port: listener.addr.port });
  using conn = await listener.accept();
  socket.send(new Uint8Array(5));
  await conn.read(new Uint8Array(10));
  await conn.write(new Uint8Array(7));
  reactor.addReader(socket, () => {
    socket.recv();
    throw new Error("oops");
  });
  await drive(reactor, () => seen.length === 4);
  socket.close();
  assertEquals(seen, [
    "sent 5",
    "received 7",
    `error in reader of ${socket.describe!()}`,
    "step 1",
    "closed",
  ]);
});

Deno.test("new Reactor() refuses a selector that is not there", () => {
  assertEquals(new Reactor({ selector: "deno" }).selector, "deno");
  assertThrows(() => new Reactor({ selector: "kqueue" as "deno" }), TypeError, '"kqueue"');
});

Deno.test("Reactor.now stands still in a step, and is the clock's time outside", () => {
  let time = 1000;
  using reactor = new Reactor({ clock: { now: () => time } });
  const seen: number[] = [];
  for (let i = 0; i < 3; i++) {
    reactor.addTimer(5, () => {
      seen.push(reactor.now);
      time += 7;
    });
  }
  assertEquals(reactor.now, 1000);
  time = 1010;
  reactor.step();
  assertEquals(seen, [1010, 1010, 1010]);
  assertEquals(reactor.now, 1031);
  reactor.addTimer(0, () => seen.push(reactor.now));
  reactor.step();
  assertEquals(seen.at(-1), 1031);
});
