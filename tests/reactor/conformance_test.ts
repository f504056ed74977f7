/**
 * What the reactor of Weightless promises, as its documentation describes it: a line for each behaviour, and a test
 * behind it.
 */
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { Reactor, type SelectorName, Suspend, TestClock } from "../../reactor/mod.ts";
import { Fake, ready } from "./_fake.ts";
import { SELECTORS } from "../_sockets.ts";

interface World {
  reactor: Reactor;
  clock: TestClock;
  /** What happened, in order. */
  seen: unknown[];
  /** What was reported to onError: the message, and where. */
  errors: string[];
  /** What onShutdown was told. */
  left: string[];
  /** A callback that notes `what`, and then does `more`. */
  note(what: unknown, more?: () => void): () => void;
  steps(count: number): void;
}

type Behaviour = (world: World) => void | Promise<void>;
const BEHAVIOURS: Record<string, Behaviour> = {};

// ---- readers and writers

BEHAVIOURS["a reader is called when its selectable becomes readable"] = (w) => {
  const fake = new Fake();
  w.reactor.addReader(fake, w.note("read"));
  w.steps(1);
  assertEquals(w.seen, []);
  fake.readable = true;
  w.steps(1);
  assertEquals(w.seen, ["read"]);
};

BEHAVIOURS["a writer is called when its selectable becomes writable"] = (w) => {
  const fake = new Fake();
  w.reactor.addWriter(fake, w.note("write"));
  w.steps(1);
  assertEquals(w.seen, []);
  fake.writable = true;
  w.steps(1);
  assertEquals(w.seen, ["write"]);
};

BEHAVIOURS["a reader stays registered, and is called in every step in which it is ready"] = (w) => {
  const fake = ready();
  w.reactor.addReader(fake, w.note(1));
  w.steps(3);
  fake.readable = false;
  w.steps(3);
  fake.readable = true;
  w.steps(1);
  assertEquals(w.seen, [1, 1, 1, 1]);
};

BEHAVIOURS["a selectable may have a reader and a writer at the same time"] = (w) => {
  const fake = ready();
  w.reactor.addWriter(fake, w.note("write"));
  w.reactor.addReader(fake, w.note("read"));
  w.steps(1);
  assertEquals(w.seen, ["read", "write"]);
};

BEHAVIOURS["a second reader of a selectable is refused"] = (w) => {
  const fake = new Fake("a fake");
  w.reactor.addReader(fake, w.note(1));
  assertThrows(() => w.reactor.addReader(fake, w.note(2)), TypeError, "reader of a fake");
};

BEHAVIOURS["a second writer of a selectable is refused"] = (w) => {
  const fake = new Fake();
  w.reactor.addWriter(fake, w.note(1));
  assertThrows(() => w.reactor.addWriter(fake, w.note(2)), TypeError, "Cannot add a writer");
};

BEHAVIOURS["what is not a selectable is refused"] = (w) => {
  assertThrows(() => w.reactor.addReader({} as Fake, w.note(1)), TypeError, "not a Selectable");
  assertThrows(() => w.reactor.addWriter(null as never, w.note(1)), TypeError, "of null");
};

BEHAVIOURS["a removed reader is not called any more"] = (w) => {
  const fake = ready();
  w.reactor.addReader(fake, w.note(1, () => w.reactor.removeReader(fake)));
  w.steps(3);
  assertEquals([w.seen, fake.watched], [[1], false]);
};

BEHAVIOURS["removing what is not registered does nothing"] = (w) => {
  w.reactor.removeReader(new Fake());
  w.reactor.removeWriter(new Fake());
  w.reactor.removeProcess(() => {});
  w.reactor.cleanup(new Fake());
};

BEHAVIOURS["a reader removed by an earlier one in the same step is not called"] = (w) => {
  const [a, b] = [ready(), ready()];
  w.reactor.addReader(a, w.note("a", () => w.reactor.removeReader(b)));
  w.reactor.addReader(b, w.note("b"));
  w.steps(1);
  assertEquals(w.seen, ["a"]);
};

BEHAVIOURS["a writer removed by a timer in the same step is not called"] = (w) => {
  const fake = ready();
  w.reactor.addWriter(fake, w.note("write"));
  w.reactor.addTimer(0, w.note("timer", () => w.reactor.removeWriter(fake)));
  w.steps(1);
  assertEquals(w.seen, ["timer"]);
};

BEHAVIOURS["a reader removed and added again in a step is called in the next"] = (w) => {
  const [a, b] = [ready(), ready()];
  w.reactor.addReader(
    a,
    w.note("a", () => {
      w.reactor.removeReader(b);
      w.reactor.addReader(b, w.note("b again"));
      w.reactor.removeReader(a);
    }),
  );
  w.reactor.addReader(b, w.note("b"));
  w.steps(1);
  assertEquals(w.seen, ["a"]);
  w.steps(1);
  assertEquals(w.seen, ["a", "b again"]);
};

BEHAVIOURS["what a callback adds is called from the next step on"] = (w) => {
  w.reactor.addTimer(
    0,
    w.note("timer", () => {
      w.reactor.addReader(ready(), w.note("reader"));
      w.reactor.addWriter(ready(), w.note("writer"));
      w.reactor.addProcess(w.note("process"));
      w.reactor.addTimer(0, w.note("second timer"));
    }),
  );
  w.steps(1);
  assertEquals(w.seen, ["timer"]);
  w.steps(1);
  assertEquals(w.seen, ["timer", "second timer", "reader", "writer", "process"]);
};

BEHAVIOURS["timers come before readers, before writers, before processes"] = (w) => {
  w.reactor.addProcess(w.note("process"));
  w.reactor.addWriter(ready(), w.note("writer"));
  w.reactor.addReader(ready(), w.note("reader"));
  w.reactor.addTimer(0, w.note("timer"));
  assertEquals(w.reactor.step(), 4);
  assertEquals(w.seen, ["timer", "reader", "writer", "process"]);
};

BEHAVIOURS["cleanup forgets a selectable in every role, suspended too"] = (w) => {
  const fake = ready();
  w.reactor.addReader(fake, () => w.reactor.suspend());
  w.reactor.addWriter(fake, w.note("write"));
  w.steps(1);
  w.reactor.cleanup(fake);
  w.steps(1);
  assertEquals([w.seen, fake.watched, w.reactor.inspect()], [["write"], false, []]);
  assertThrows(() => w.reactor.resumeReader(fake), TypeError, "not suspended");
};

// ---- errors

BEHAVIOURS["an error of a reader removes it and is reported; the others go on"] = (w) => {
  const [a, b] = [ready("a"), ready("b")];
  w.reactor.addReader(a, function parse() {
    throw new Error("oops");
  });
  w.reactor.addReader(b, w.note("b"));
  w.steps(2);
  assertEquals([w.seen, w.errors], [["b", "b"], ["oops in reader of a (parse)"]]);
};

BEHAVIOURS["an error of a writer leaves the reader of the same selectable"] = (w) => {
  const fake = ready("both");
  w.reactor.addReader(fake, w.note("read"));
  w.reactor.addWriter(fake, () => {
    throw new Error("oops");
  });
  w.steps(2);
  assertEquals([w.seen, w.errors], [["read", "read"], ["oops in writer of both"]]);
};

BEHAVIOURS["an error of a timer is reported, and the others go on"] = (w) => {
  w.reactor.addTimer(0, function first() {
    throw new Error("oops");
  });
  w.reactor.addTimer(0, w.note("second"));
  w.steps(2);
  assertEquals([w.seen, w.errors], [["second"], ["oops in timer first"]]);
};

BEHAVIOURS["an AssertionError goes out of step, and what was not called yet is called next"] = (
  w,
) => {
  const error = Object.assign(new Error("expected"), { name: "AssertionError" });
  w.reactor.addReader(ready(), () => {
    throw error;
  });
  w.reactor.addReader(ready(), w.note("reader", () => {}));
  w.reactor.addWriter(ready(), w.note("writer"));
  assertStrictEquals(assertThrows(() => w.reactor.step()), error);
  assertEquals(w.seen, []);
  w.steps(2);
  assertEquals([w.seen, w.errors], [["reader", "writer", "reader", "writer"], []]);
};

BEHAVIOURS["an AssertionError of a timer goes out of run, which shuts down"] = async (w) => {
  w.reactor.addTimer(0, () => assert(false, "expected"));
  await assertRejects(() => w.reactor.run(), Error, "expected");
  assert(w.reactor.isShutDown);
};

BEHAVIOURS["an error of a process goes out of step, and removes it"] = (w) => {
  w.reactor.addProcess(() => {
    throw new Error("oops");
  });
  assertThrows(() => w.reactor.step(), Error, "oops");
  assertEquals([w.reactor.step(), w.errors], [0, []]);
};

BEHAVIOURS["a selectable that closes has its callback called once more, and is forgotten"] = (
  w,
) => {
  const fake = new Fake();
  w.reactor.addReader(fake, w.note("read"));
  w.reactor.addWriter(fake, w.note("write"));
  fake.close();
  w.steps(3);
  assertEquals([w.seen, w.reactor.inspect()], [["read", "write"], []]);
};

BEHAVIOURS["a selectable that cannot be watched has its callback called once, and is forgotten"] = (
  w,
) => {
  const bad = new Fake();
  bad.watch = () => {
    throw new Error("Bad file descriptor");
  };
  w.reactor.addReader(bad, w.note("read"));
  w.steps(3);
  assertEquals([w.seen, w.reactor.inspect(), w.errors], [["read"], [], []]);
};

// ---- timers

BEHAVIOURS["a timer is called once, when its time has passed"] = (w) => {
  w.reactor.addTimer(100, w.note("timer"));
  w.clock.advance(99);
  w.steps(1);
  assertEquals(w.seen, []);
  w.clock.advance(1);
  w.steps(2);
  assertEquals(w.seen, ["timer"]);
};

BEHAVIOURS["timers are called in the order of their times, and of their addition"] = (w) => {
  for (const [ms, name] of [[30, "c"], [10, "a"], [20, "b1"], [20, "b2"]] as const) {
    w.reactor.addTimer(ms, w.note(name));
  }
  w.clock.advance(30);
  w.steps(1);
  assertEquals(w.seen, ["a", "b1", "b2", "c"]);
};

BEHAVIOURS["a removed timer is not called"] = (w) => {
  const timer = w.reactor.addTimer(10, w.note("removed"));
  w.reactor.addTimer(10, w.note("kept"));
  w.reactor.removeTimer(timer);
  w.reactor.removeTimer(timer);
  w.clock.advance(10);
  w.steps(1);
  assertEquals(w.seen, ["kept"]);
};

BEHAVIOURS["a timer removed by an earlier one in the same step is not called"] = (w) => {
  w.reactor.addTimer(1, w.note("first", () => w.reactor.removeTimer(second)));
  const second = w.reactor.addTimer(2, w.note("second"));
  w.clock.advance(5);
  w.steps(2);
  assertEquals(w.seen, ["first"]);
};

BEHAVIOURS["a timer of a negative time is refused"] = (w) => {
  assertThrows(() => w.reactor.addTimer(-1, w.note(1)), RangeError, "not -1");
  assertThrows(() => w.reactor.addTimer(NaN, w.note(1)), RangeError, "not NaN");
};

// ---- priorities

BEHAVIOURS["priority 0 is called in every step, 9 in one of ten, 5 in half of them"] = (w) => {
  for (const priority of [0, 5, 9]) {
    w.reactor.addReader(ready(), w.note(priority), { priority });
    w.reactor.addWriter(ready(), w.note(priority), { priority });
    w.reactor.addProcess(w.note(priority), { priority });
  }
  w.steps(20);
  const count = (priority: number) => w.seen.filter((one) => one === priority).length;
  assertEquals([count(0), count(5), count(9)], [60, 30, 6]);
};

BEHAVIOURS["a priority beyond 0 to 9 is refused"] = (w) => {
  for (const priority of [-1, 10, 1.5, NaN]) {
    assertThrows(() => w.reactor.addReader(new Fake(), w.note(1), { priority }), RangeError);
    assertThrows(() => w.reactor.addProcess(w.note(1), { priority }), RangeError, "0 to 9");
  }
};

// ---- processes

BEHAVIOURS["a process that is a function is called in every step until removed"] = (w) => {
  const process = w.note("process", () => {
    if (w.seen.length === 3) w.reactor.removeProcess(process);
  });
  w.reactor.addProcess(process);
  w.steps(5);
  assertEquals(w.seen.length, 3);
};

BEHAVIOURS["a process that is a coroutine is resumed in every step until it ends"] = (w) => {
  w.reactor.addProcess(function* () {
    w.seen.push(1);
    yield;
    w.seen.push(2);
  }());
  w.steps(1);
  assertEquals(w.seen, [1]);
  w.steps(3);
  assertEquals([w.seen, w.reactor.inspect()], [[1, 2], []]);
};

BEHAVIOURS["a process is added once"] = (w) => {
  const process = w.note("process");
  w.reactor.addProcess(process);
  assertThrows(() => w.reactor.addProcess(process), TypeError, "Cannot add a process");
  assertThrows(() => w.reactor.addProcess({} as () => void), TypeError, "function or a coroutine");
};

BEHAVIOURS["a process removed by an earlier callback in the same step is not called"] = (w) => {
  const process = w.note("process");
  w.reactor.addProcess(process);
  w.reactor.addReader(ready(), w.note("reader", () => w.reactor.removeProcess(process)));
  w.steps(1);
  assertEquals(w.seen, ["reader"]);
};

// ---- suspending

BEHAVIOURS["a reader that suspends is called again after resumeReader, from the next step on"] = (
  w,
) => {
  const fake = ready();
  let handle: unknown;
  w.reactor.addReader(fake, w.note("read", () => handle ??= w.reactor.suspend()));
  w.steps(3);
  assertEquals([w.seen, handle === fake, w.reactor.isSuspended(fake)], [["read"], true, true]);
  w.reactor.addTimer(0, () => w.reactor.resumeReader(fake));
  w.steps(1);
  assertEquals(w.seen, ["read"]);
  w.steps(1);
  assertEquals([w.seen, w.reactor.isSuspended(fake)], [["read", "read"], false]);
};

BEHAVIOURS["a writer that suspends is called again after resumeWriter"] = (w) => {
  const fake = ready();
  w.reactor.addWriter(fake, w.note("write", () => w.seen.length === 1 && w.reactor.suspend()));
  w.steps(3);
  assertEquals(w.seen, ["write"]);
  w.reactor.resumeWriter(fake);
  w.steps(1);
  assertEquals(w.seen, ["write", "write"]);
};

BEHAVIOURS["a process that suspends is called again after resumeProcess"] = (w) => {
  const process = w.note("process", () => w.seen.length === 1 && w.reactor.suspend());
  w.reactor.addProcess(process);
  w.steps(3);
  assertEquals(w.seen, ["process"]);
  w.reactor.resumeProcess(process);
  w.steps(1);
  assertEquals(w.seen, ["process", "process"]);
};

BEHAVIOURS["what becomes ready while suspended is told after resuming"] = (w) => {
  const fake = ready();
  w.reactor.addReader(fake, w.note("read", () => w.seen.length === 1 && w.reactor.suspend()));
  w.steps(1);
  fake.readable = false;
  fake.readable = true;
  w.steps(1);
  w.reactor.resumeReader(fake);
  w.steps(1);
  assertEquals(w.seen, ["read", "read"]);
};

BEHAVIOURS["suspending keeps the priority"] = (w) => {
  const fake = ready();
  w.reactor.addReader(fake, w.note(1, () => w.seen.length === 1 && w.reactor.suspend()), {
    priority: 9,
  });
  w.steps(10);
  w.reactor.resumeReader(fake);
  w.steps(9);
  assertEquals(w.seen, [1]);
  w.steps(1);
  assertEquals(w.seen, [1, 1]);
};

BEHAVIOURS["adding what is suspended is refused"] = (w) => {
  const fake = ready();
  w.reactor.addReader(fake, () => w.reactor.suspend());
  w.steps(1);
  assertThrows(() => w.reactor.addReader(fake, w.note(1)), TypeError, "suspended");
};

BEHAVIOURS["resuming what is not suspended is refused, twice resuming too"] = (w) => {
  const fake = ready();
  assertThrows(() => w.reactor.resumeReader(fake), TypeError, "Cannot resume a reader");
  assertThrows(() => w.reactor.resumeWriter(fake), TypeError, "Cannot resume a writer");
  assertThrows(() => w.reactor.resumeProcess(() => {}), TypeError, "Cannot resume a process");
  w.reactor.addReader(fake, () => w.reactor.suspend());
  w.steps(1);
  w.reactor.resumeReader(fake);
  assertThrows(() => w.reactor.resumeReader(fake), TypeError);
};

BEHAVIOURS["suspending outside a reader, writer or process is refused"] = (w) => {
  assertThrows(() => w.reactor.suspend(), TypeError, "Cannot suspend");
  w.reactor.addTimer(0, () => w.reactor.suspend());
  w.steps(1);
  assertEquals(w.errors.length, 1);
};

BEHAVIOURS["a removed reader that was suspended cannot be resumed"] = (w) => {
  const fake = ready();
  w.reactor.addReader(fake, () => w.reactor.suspend());
  w.steps(1);
  w.reactor.removeReader(fake);
  assertThrows(() => w.reactor.resumeReader(fake), TypeError);
};

BEHAVIOURS["currentHandle and currentContext tell what is being called"] = (w) => {
  const [a, b] = [ready(), ready()];
  const look = () => w.seen.push(w.reactor.currentHandle, w.reactor.currentContext);
  const process = () => look();
  w.reactor.addReader(a, look, { priority: 0 });
  w.reactor.addWriter(b, look);
  w.reactor.addProcess(process);
  const timer = w.reactor.addTimer(0, look);
  w.steps(1);
  const [t, tc, h1, c1, h2, c2, h3, c3] = w.seen as [...unknown[]];
  assertEquals([t === timer, tc, h1 === a, h2 === b, h3 === process], [
    true,
    undefined,
    true,
    true,
    true,
  ]);
  const [r, wr, p] = [c1, c2, c3] as { kind: string; callback: unknown; priority: number }[];
  assertEquals([r!.kind, r!.callback === look, r!.priority], ["reader", true, 0]);
  assertEquals([wr!.kind, p!.kind, p!.callback === process], ["writer", "process", true]);
  assertEquals([w.reactor.currentHandle, w.reactor.currentContext], [undefined, undefined]);
};

// ---- Suspend

function waiting(w: World, suspend: Suspend<number>): void {
  w.reactor.addProcess(function* () {
    try {
      w.seen.push(yield* suspend);
    } catch (error) {
      w.seen.push(`caught ${(error as Error).name}: ${(error as Error).message}`);
    }
  }());
  w.steps(1);
}

BEHAVIOURS["a coroutine that yields a Suspend stands still until it is resumed, with a value"] = (
  w,
) => {
  const suspend = new Suspend<number>();
  waiting(w, suspend);
  assertEquals([w.reactor.step(), w.seen], [0, []]);
  suspend.resume(42);
  w.steps(1);
  assertEquals([w.seen, suspend.result()], [[42], 42]);
};

BEHAVIOURS["a Suspend that is thrown into throws at the yield"] = (w) => {
  const suspend = new Suspend<number>();
  waiting(w, suspend);
  suspend.throw(new RangeError("no"));
  w.steps(1);
  assertEquals(w.seen, ["caught RangeError: no"]);
};

BEHAVIOURS["a Suspend starts when the coroutine is suspended, and may be resumed at once"] = (
  w,
) => {
  const suspend = new Suspend<number>((self) => {
    w.seen.push(self.settled);
    self.resume(1);
  });
  assertEquals(w.seen, []);
  waiting(w, suspend);
  w.steps(1);
  assertEquals(w.seen, [false, 1]);
};

BEHAVIOURS["a Suspend that is not resumed in time calls back and throws a TimeoutError"] = (w) => {
  const onTimeout = w.note("timeout");
  waiting(w, new Suspend<number>(undefined, { timeoutMs: 50, onTimeout }));
  w.clock.advance(49);
  w.steps(1);
  assertEquals(w.seen, []);
  w.clock.advance(1);
  w.steps(2);
  assertEquals(w.seen, ["timeout", "caught TimeoutError: Not resumed within 50 ms"]);
};

BEHAVIOURS["a Suspend that is resumed in time leaves no timer"] = (w) => {
  const suspend = new Suspend<number>(undefined, { timeoutMs: 50, onTimeout: w.note("timeout") });
  waiting(w, suspend);
  suspend.resume(1);
  assertEquals(w.reactor.inspect().filter(({ kind }) => kind === "timer"), []);
  w.clock.advance(100);
  w.steps(2);
  assertEquals(w.seen, [1]);
};

BEHAVIOURS["a Suspend settles once"] = (w) => {
  const suspend = new Suspend<number>();
  waiting(w, suspend);
  suspend.resume(1);
  suspend.resume(2);
  suspend.throw(new Error("no"));
  w.steps(2);
  assertEquals(w.seen, [1]);
};

BEHAVIOURS["a Suspend that is settled before it is yielded suspends nobody"] = (w) => {
  const suspend = new Suspend<number>();
  suspend.resume(7);
  waiting(w, suspend);
  assertEquals(w.seen, [7]);
};

BEHAVIOURS["a Suspend serves one coroutine, and has no result until it is settled"] = (w) => {
  const suspend = new Suspend<number>();
  assertThrows(() => suspend.result(), TypeError, "not resumed yet");
  waiting(w, suspend);
  w.reactor.addProcess(function* () {
    yield suspend;
  }());
  w.reactor.step();
  assertThrows(() => w.reactor.step(), TypeError, "another coroutine");
};

BEHAVIOURS[
  "what a request cannot begin is thrown into its process, which can catch it, through its `finally`s"
] = (w) => {
  const fail = () => {
    throw new RangeError("oops");
  };
  w.reactor.addProcess(function* () {
    try {
      yield* new Suspend(fail);
    } catch (error) {
      w.seen.push((error as Error).message);
    }
    try {
      yield* new Suspend(fail);
    } finally {
      w.seen.push("finally");
    }
  }());
  w.reactor.step();
  w.reactor.step();
  assertThrows(() => w.reactor.step(), RangeError, "oops");
  assertEquals(w.seen, ["oops", "finally"]);
};

BEHAVIOURS[
  "a process may yield any request: it is suspended until that answers, at once or later, once"
] = (w) => {
  let waiter: { resume(value: unknown): void; fail(error: unknown): void } | undefined;
  let undone = 0;
  const request = (begin: (given: typeof waiter) => void) => ({
    [Symbol.for("weightless.request")]: true,
    begin(given: typeof waiter) {
      begin(given);
      return () => void undone++;
    },
  });
  const process = function* () {
    w.seen.push(yield request((given) => given!.resume("at once")));
    try {
      yield request((given) => given!.fail("failed"));
    } catch (error) {
      w.seen.push(error);
    }
    w.seen.push(yield request((given) => waiter = given));
    yield request((given) => waiter = given);
  }();
  w.reactor.addProcess(process);
  for (let i = 0; i < 4; i++) w.reactor.step();
  assertEquals(w.seen, ["at once", "failed"]);
  waiter!.resume("later");
  waiter!.resume("too late");
  waiter!.fail("too late");
  w.reactor.step();
  w.reactor.step();
  assertEquals([w.seen, undone], [["at once", "failed", "later"], 0]);
  w.reactor.removeProcess(process);
  assertEquals(undone, 1);
  waiter!.resume("too late");
  assertEquals(w.reactor.step(), 0);
};

BEHAVIOURS["resuming a Suspend of a process that was removed does nothing"] = (w) => {
  const suspend = new Suspend<number>();
  const process = function* () {
    w.seen.push(yield* suspend);
  }();
  w.reactor.addProcess(process);
  w.steps(1);
  w.reactor.removeProcess(process);
  suspend.resume(1);
  w.steps(1);
  assertEquals(w.seen, []);
};

for (const how of ["removeProcess", "cleanup", "resumeProcess"] as const) {
  BEHAVIOURS[`a Suspend is over, and leaves no timer, after ${how} of its process`] = (w) => {
    const options = { timeoutMs: 50, onTimeout: w.note("timeout") };
    const suspend = new Suspend<number>(undefined, options);
    const process = function* () {
      yield suspend;
    }();
    w.reactor.addProcess(process);
    w.steps(1);
    w.reactor[how](process);
    assertEquals(w.reactor.inspect().filter(({ kind }) => kind === "timer"), []);
    w.clock.advance(100);
    w.steps(2);
    assertEquals([w.seen, suspend.settled], [[], false]);
    // Another may wait for it.
    waiting(w, suspend);
    suspend.resume(1);
    w.steps(1);
    assertEquals(w.seen, [1]);
  };
}

BEHAVIOURS["a Suspend that removes its process when it begins leaves no timer"] = (w) => {
  const options = { timeoutMs: 50, onTimeout: w.note("timeout") };
  const process = function* () {
    yield new Suspend(() => void w.reactor.removeProcess(process), options);
  }();
  w.reactor.addProcess(process);
  w.steps(1);
  assertEquals(w.reactor.inspect(), []);
};

// ---- running

BEHAVIOURS["run steps until requestShutdown"] = async (w) => {
  w.reactor.addProcess(w.note(1, () => w.seen.length === 5 && w.reactor.requestShutdown()));
  await w.reactor.run();
  assertEquals([w.seen.length, w.reactor.isShutDown], [5, true]);
};

BEHAVIOURS["requestShutdown from outside ends a run that waits"] = async (w) => {
  const running = w.reactor.run();
  queueMicrotask(() => w.reactor.requestShutdown());
  await running;
};

BEHAVIOURS["shutdown closes and names what is still registered, and releases it"] = (w) => {
  const [a, b, c] = [new Fake("a"), new Fake("b"), ready("c")];
  w.reactor.addReader(a, w.note("a"));
  w.reactor.addWriter(b, w.note("b"));
  w.reactor.addReader(c, () => w.reactor.suspend());
  w.reactor.addProcess(function pump() {});
  w.reactor.addTimer(10, function late() {});
  w.steps(1);
  w.reactor.shutdown();
  assertEquals([a.closed, b.closed, c.closed], [true, true, true]);
  assertEquals(w.left, [
    "reader a",
    "suspended reader c",
    "writer b",
    "process pump",
    "timer late",
  ]);
  assertEquals([w.reactor.inspect(), w.seen, w.reactor.step()], [[], [], 0]);
};

BEHAVIOURS["shutdown closes coroutines through their finally, and is idempotent"] = (w) => {
  w.reactor.addProcess(function* () {
    try {
      yield;
    } finally {
      w.seen.push("finally");
    }
  }());
  w.steps(1);
  w.reactor.shutdown();
  w.reactor.shutdown();
  assertEquals(w.seen, ["finally"]);
};

BEHAVIOURS["a reactor that is shut down refuses additions"] = async (w) => {
  w.reactor.shutdown();
  assertThrows(() => w.reactor.addReader(new Fake(), w.note(1)), TypeError, "shut down");
  assertThrows(() => w.reactor.addProcess(w.note(1)), TypeError, "shut down");
  await assertRejects(() => w.reactor.run(), TypeError, "shut down");
};

BEHAVIOURS["a step inside a step is refused"] = (w) => {
  w.reactor.addTimer(0, function again() {
    w.reactor.step();
  });
  w.steps(1);
  assertEquals(w.errors, ["Cannot step: the reactor is in a step already in timer again"]);
};

function conformance(selector: SelectorName, behaviour: string, test: Behaviour): void {
  Deno.test(`Reactor (${selector}): ${behaviour}`, async () => {
    const seen: unknown[] = [];
    const errors: string[] = [];
    const left: string[] = [];
    const clock = new TestClock();
    using reactor = new Reactor({
      selector,
      clock,
      onError: (error, where) => errors.push(`${(error as Error).message} in ${where}`),
      onShutdown: (lines) => left.push(...lines),
    });
    await test({
      reactor,
      clock,
      seen,
      errors,
      left,
      note: (what, more) => () => {
        seen.push(what);
        more?.();
      },
      steps(count) {
        for (let i = 0; i < count; i++) reactor.step();
      },
    });
  });
}

for (const selector of SELECTORS) {
  for (const [behaviour, test] of Object.entries(BEHAVIOURS)) {
    conformance(selector, behaviour, test);
  }
}
