/** How a connection ends: by its peer, by an error, by its coroutine, by who cancels that. */
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { EndOfStream } from "../../compose/mod.ts";
import { currentGio, sleep, Suspend, TimeoutError } from "../../gio/mod.ts";
import { fixture, settled } from "./_fixture.ts";

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

Deno.test("gio() reads in small pieces what its peer sends after the end", () => {
  using f = fixture();
  f.start(function* () {
    yield;
  });
  f.arrive("all");
  assertEquals(f.connection.asked, undefined);
  f.arrive("ignored");
  assertEquals(f.connection.asked, 16384);
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
    yield* new Suspend(() => () => {
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
