import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import {
  all,
  asProcess,
  type Branch,
  type Coroutine,
  EndOfStream,
  enter,
  type Gio,
  gio,
  memory,
  Queue,
  race,
  sleep,
  spawn,
  timeout,
  TimeoutError,
  wait,
} from "../../gio/mod.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";
import { SELECTORS } from "../_sockets.ts";
import { leakTest } from "../_leaks.ts";
import { settled } from "./_fixture.ts";

/** Runs coroutines that log what they get and what they have put. */
class Bench implements Disposable {
  readonly clock = new TestClock();
  readonly errors: unknown[] = [];
  readonly reactor: Reactor;
  readonly log: string[] = [];
  readonly queue: Queue<unknown>;

  constructor(capacity?: number) {
    this.reactor = new Reactor({
      selector: "deno",
      clock: this.clock,
      onError: (error) => this.errors.push(error),
    });
    this.queue = new Queue(capacity === undefined ? {} : { capacity });
  }

  run(coroutine: Coroutine): Gio {
    const task = gio(this.reactor, undefined, coroutine);
    task.result.catch(() => {});
    return task;
  }

  get(name: string): Gio {
    const { queue, log } = this;
    return this.run(function* () {
      try {
        log.push(`${name} got ${yield* queue.get()}`);
      } catch (error) {
        log.push(`${name} ${(error as Error).name}`);
        throw error;
      }
    }());
  }

  put(item: unknown): Gio {
    const { queue, log } = this;
    return this.run(function* () {
      try {
        yield* queue.put(item);
        log.push(`put ${item}`);
      } catch (error) {
        log.push(`${item} ${(error as Error).name}`);
        throw error;
      }
    }());
  }

  /** What was logged since the last time. */
  get told(): string[] {
    return this.log.splice(0);
  }

  [Symbol.dispose](): void {
    this.reactor.shutdown();
  }
}

Deno.test("put() waits while the queue is full, get() while it is empty, in the order of coming", () => {
  using bench = new Bench(1);
  for (const item of [1, 2, 3]) bench.put(item);
  assertEquals([bench.told, bench.queue.size], [["put 1"], 1]);
  bench.get("a");
  assertEquals(bench.told, ["put 2", "a got 1"]);
  for (const name of ["b", "c", "d", "e"]) bench.get(name);
  assertEquals(bench.told, ["put 3", "b got 2", "c got 3"]);
  bench.put(4);
  bench.put(5);
  assertEquals(bench.told, ["d got 4", "put 4", "e got 5", "put 5"]);
});

Deno.test("a queue of capacity 0 hands an item from hand to hand", () => {
  using bench = new Bench(0);
  assertEquals(bench.queue.tryPut("x"), false);
  bench.put(1);
  assertEquals([bench.told, bench.queue.size], [[], 0]);
  bench.get("a");
  assertEquals(bench.told, ["put 1", "a got 1"]);
  bench.get("b");
  assert(bench.queue.tryPut(2));
  assertEquals(bench.told, ["b got 2"]);
  bench.put(3);
  assertEquals(bench.queue.tryGet(), 3);
  assertEquals(bench.told, ["put 3"]);
});

Deno.test("tryPut() and tryGet() never overtake one that waits, and never wait", () => {
  using bench = new Bench(1);
  const { queue } = bench;
  assertEquals(queue.tryGet(), undefined);
  assert(queue.tryPut("first"));
  bench.put("second");
  assertEquals(queue.tryPut("third"), false);
  assertEquals([queue.tryGet(), queue.tryGet(), queue.tryGet()], ["first", "second", undefined]);
  bench.get("a");
  assertEquals(queue.tryGet(), undefined);
  assert(queue.tryPut("fourth"));
  assertEquals(bench.told, ["put second", "a got fourth"]);
});

Deno.test("what is false or null is an item; undefined is refused", async () => {
  const queue = new Queue<unknown>();
  for (const item of [0, "", false, null, NaN]) assert(queue.tryPut(item));
  assertEquals(queue.size, 5);
  for (const item of [0, "", false, null, NaN]) assertEquals(await queue.get(), item);
  const message = "Cannot put undefined into a queue: it stands for nothing; put null, or close()";
  assertThrows(() => queue.put(undefined), TypeError, message);
  assertThrows(() => queue.tryPut(undefined), TypeError, message);
});

Deno.test("a capacity must be a whole number or Infinity; the default is 16", () => {
  assertEquals(new Queue().capacity, 16);
  assertEquals(new Queue({ capacity: Infinity }).capacity, Infinity);
  for (const capacity of [-1, 1.5, NaN, "1" as never, null as never]) {
    assertThrows(() => new Queue({ capacity }), RangeError, "give a whole number of at least 0");
  }
});

Deno.test("after close() the items can be got, then get() throws EndOfStream, which ends quietly", async () => {
  using bench = new Bench();
  const { queue } = bench;
  bench.put(1);
  queue.close();
  queue.close(new Error("too late, and ignored"));
  assertEquals([queue.closed, queue.size], [true, 1]);
  bench.get("a");
  const end = bench.get("b");
  assertEquals(bench.told, ["put 1", "a got 1", "b EndOfStream"]);
  await assertRejects(() => end.result, EndOfStream, "The queue is closed, and empty");
  assertThrows(() => queue.tryGet(), EndOfStream);
  gio(
    bench.reactor,
    undefined,
    function* () {
      yield* queue.get();
    }(),
  );
  await settled();
  assertEquals(bench.errors, []);
});

Deno.test("the end of a queue closes the connection of a coroutine, as the end of its peer does", () => {
  using bench = new Bench();
  const connection = memory();
  gio(
    bench.reactor,
    connection,
    function* () {
      for (;;) yield (yield* bench.queue.get()) as string;
    }(),
  );
  bench.queue.tryPut("news");
  bench.queue.close();
  for (let i = 0; i < 3; i++) bench.reactor.step();
  connection.end();
  bench.reactor.step();
  assertEquals([connection.text, connection.state, bench.errors], ["news", "closed", []]);
});

Deno.test("close() tells those who wait", () => {
  using bench = new Bench(0);
  bench.put(1);
  bench.put(2);
  bench.queue.close();
  assertEquals(bench.told, ["1 BadResource", "2 BadResource"]);
  using other = new Bench();
  other.get("a");
  other.get("b");
  other.queue.close();
  assertEquals(other.told, ["a EndOfStream", "b EndOfStream"]);
});

Deno.test("put() into a closed queue is an error that names the mend", async () => {
  const queue = new Queue<number>({ capacity: 0 });
  const waiting = assertRejects(() => queue.put(1), Deno.errors.BadResource);
  queue.close();
  assertEquals(
    (await waiting).message,
    "Cannot put into the queue: it was closed before there was room; call close() only after the last put() has returned",
  );
  const message =
    "Cannot put into the queue: it is closed; call close() only after the last put() has returned";
  await assertRejects(() => queue.put(1), Deno.errors.BadResource, message);
  assertThrows(() => queue.tryPut(1), Deno.errors.BadResource, message);
});

Deno.test("close(error) lets the items be got, then throws the error at each get(), and tells put()", async () => {
  using bench = new Bench(1);
  const { queue } = bench;
  const error = new RangeError("broken");
  bench.put(1);
  bench.put(2);
  queue.close(error);
  for (const name of ["a", "b", "c"]) bench.get(name);
  assertEquals(bench.told, ["put 1", "2 BadResource", "a got 1", "b RangeError", "c RangeError"]);
  assertEquals(await assertRejects(() => queue.get(), RangeError), error);
  assertThrows(() => queue.tryGet(), RangeError, "broken");
  const refused = await assertRejects(() => queue.put(1), Deno.errors.BadResource);
  assertEquals(refused.cause, error);
});

Deno.test("one that waits and is cancelled, times out or loses a race leaves the line", () => {
  using bench = new Bench(1);
  const { queue, log } = bench;
  const cancelled = bench.get("cancelled");
  bench.run(function* () {
    using _ = timeout(5);
    try {
      yield* queue.get();
    } catch (error) {
      assert(error instanceof TimeoutError);
    }
  }());
  bench.run(function* () {
    yield* race(queue.get(), sleep(5));
  }());
  bench.get("last");
  cancelled.cancel();
  bench.clock.advance(5);
  bench.reactor.step();
  queue.tryPut(1);
  assertEquals(log.splice(0), ["last got 1"]);
  queue.tryPut(2);
  const [third, fourth] = [bench.put(3), bench.put(4)];
  third.cancel();
  assertEquals([queue.tryGet(), queue.tryGet(), queue.tryGet()], [2, 4, undefined]);
  assert(fourth.done);
  assertEquals(bench.errors, []);
});

Deno.test("a shutdown ends those who wait, and the queue serves others", () => {
  const queue = new Queue<string>();
  {
    using bench = new Bench();
    bench.run(function* () {
      yield* queue.get();
    }());
  }
  assert(queue.tryPut("kept"));
  assertEquals(queue.tryGet(), "kept");
});

/** Runs `act` within so many coroutines that those that it resumes must wait until it returns. */
function deep(reactor: Reactor, act: () => void, depth = 100): void {
  gio(
    reactor,
    undefined,
    function* () {
      if (depth > 1) deep(reactor, act, depth - 1);
      else act();
    }(),
  );
}

Deno.test("an item for one that is cancelled before its turn goes to the next one, or back to its place", () => {
  using bench = new Bench(2);
  const { queue } = bench;
  const [a, b] = [bench.get("a"), bench.get("b")];
  deep(bench.reactor, () => {
    for (const item of [1, 2, 3]) queue.tryPut(item);
    bench.log.push("they must wait for their turn");
    a.cancel();
    b.cancel();
  });
  assertEquals([bench.told, queue.size], [["they must wait for their turn"], 3]);
  assertEquals([1, 2, 3].map(() => queue.tryGet()), [1, 2, 3]);
  const c = bench.get("c");
  bench.get("d");
  deep(bench.reactor, () => {
    queue.tryPut(4);
    c.cancel();
  });
  assertEquals(bench.told, ["d got 4"]);
});

Deno.test("an item that comes at once, but after the end of a turn, is not lost by a cancel", () => {
  const { now } = performance;
  let ms = 0;
  performance.now = () => ms += 10; // each turn is over as soon as somebody looks
  try {
    using bench = new Bench(Infinity);
    const { queue } = bench;
    for (let item = 0; item < 100; item++) queue.tryPut(item);
    let got = 0;
    const task = bench.run(function* () {
      for (;;) {
        assertEquals(yield* queue.get(), got);
        got++;
      }
    }());
    assert(got < 100 && !task.done);
    task.cancel();
    assertEquals([queue.size, queue.tryGet()], [100 - got, got]);
  } finally {
    performance.now = now;
  }
});

/** Ways to get an item, of which the coroutine is cancelled. */
const TOGETHER: Record<string, (queue: Queue<number>, never: Queue<number>) => Branch<number>> = {
  "race()": (queue, never) => race(queue.get(), never.get()),
  "race() in race()": (queue, never) => race(race(never.get(), queue.get()), never.get()),
  "all() in race()": (queue, never) =>
    race(all(queue.get(), sleep(0)), never.get()) as unknown as Branch<number>,
  "get() alone": (queue) => queue.get(),
};
for (const selector of SELECTORS) {
  for (const [name, get] of Object.entries(TOGETHER)) {
    Deno.test(`an item that a branch has taken is not lost by a cancel: ${name} (${selector})`, () => {
      for (let i = 0; i < 20; i++) {
        using reactor = new Reactor({ selector });
        const queue = new Queue<number>({ capacity: Infinity }), never = new Queue<number>();
        for (let n = 0; n < 400; n++) queue.tryPut(n);
        let got = 0;
        const task = gio(
          reactor,
          undefined,
          function* (): Coroutine {
            for (;; got++) yield* get(queue, never) as Iterable<unknown> & Generator;
          }(),
        );
        task.result.catch(() => {});
        if (i % 2 === 1) reactor.step();
        task.cancel();
        assertEquals(queue.size, 400 - got);
        assertEquals(queue.tryGet(), got === 400 ? undefined : got);
      }
    });
  }
}

Deno.test("an item of a branch goes back if another branch fails", async () => {
  using bench = new Bench();
  const { queue } = bench, bad = new Queue();
  const task = bench.run(function* () {
    yield* all(queue.get(), bad.get());
  }());
  queue.tryPut("x");
  bench.reactor.step();
  bad.close(new RangeError("bad"));
  bench.reactor.step();
  await assertRejects(() => task.result, RangeError, "bad");
  assertEquals(queue.tryGet(), "x");
});

Deno.test("an item that a promise has got is not given back by a coroutine that waited for it too", async () => {
  using bench = new Bench();
  const promised = bench.queue.get();
  const seen: unknown[] = [];
  promised.then((item) => seen.push(item));
  const both = bench.run(function* () {
    yield* promised;
  }());
  const gone = bench.run(function* () {
    yield* promised;
  }());
  gone.cancel();
  bench.queue.tryPut("x");
  both.cancel();
  await settled();
  assertEquals([seen, bench.queue.tryGet()], [["x"], undefined]);
});

Deno.test("a producer and a consumer that go on for ever do not starve the others", () => {
  using bench = new Bench(4);
  const { queue } = bench;
  bench.run(function* () {
    for (let i = 0;; i++) yield* queue.put(i);
  }());
  bench.run(function* () {
    for (;;) yield* queue.get();
  }());
  let timers = 0;
  for (let i = 0; i < 5; i++) {
    bench.reactor.addTimer(0, () => timers++);
    bench.reactor.step();
  }
  assertEquals(timers, 5);
});

Deno.test("a coroutine that puts and gets by itself lets others run as well", () => {
  using bench = new Bench(1);
  const { queue } = bench;
  let rounds = 0;
  bench.run(function* () {
    for (;; rounds++) {
      yield* queue.put(1);
      yield* queue.get();
    }
  }());
  const before = rounds;
  bench.reactor.step();
  bench.reactor.step();
  assert(before > 0 && rounds > before);
});

Deno.test("outside of coroutines put() and get() are promises, done at once, in the same lines", async () => {
  using bench = new Bench(1);
  const { queue } = bench;
  const first = queue.put(1);
  assertEquals(queue.size, 1);
  bench.put(2);
  const third = queue.put(3);
  assertEquals([await queue.get(), await queue.get(), await queue.get()], [1, 2, 3]);
  await Promise.all([first, third]);
  assertEquals(await Promise.all([first, first]), [undefined, undefined]);
  const items = [queue.get(), queue.get()];
  bench.get("c");
  for (const item of ["x", "y", "z"]) assert(queue.tryPut(item));
  assertEquals([await Promise.all(items), bench.told], [["x", "y"], ["put 2", "c got z"]]);
  const put = queue.put(1).finally(() => bench.log.push("finally"));
  await put;
  queue.close();
  await queue.get();
  assertEquals(await queue.get().catch((error) => error.name), "EndOfStream");
  assertEquals(bench.told, ["finally"]);
});

Deno.test("in a coroutine put() and get() do nothing before they are yielded or awaited, and only once", async () => {
  using bench = new Bench();
  const { queue } = bench;
  const task = gio(
    bench.reactor,
    undefined,
    function* () {
      const put = queue.put(1);
      assertEquals(queue.size, 0);
      yield* put;
      assertEquals(queue.size, 1);
      const get = queue.get();
      assertEquals(yield* get, 1);
      yield* get;
    }(),
  );
  await assertRejects(
    () => task.result,
    TypeError,
    "Cannot wait twice for one get(): call get() again",
  );
});

Deno.test("what was begun outside of coroutines can be waited for in one", async () => {
  const queue = new Queue<number>({ capacity: 0 });
  const [get, put] = [queue.get(), queue.put(7)];
  assertEquals(
    await asProcess(function* () {
      yield* put;
      return yield* get;
    }()),
    7,
  );
});

Deno.test("for await ends when the queue is closed and empty, and fails by its error", async () => {
  const queue = new Queue<number>({ capacity: 1 });
  const producing = asProcess(function* () {
    for (let i = 0; i < 5; i++) yield* queue.put(i);
    queue.close();
  }());
  const seen: number[] = [];
  for await (const item of queue) {
    seen.push(item);
    if (item === 1) break; // does not close it
  }
  for await (const item of queue) seen.push(item);
  await producing;
  assertEquals(seen, [0, 1, 2, 3, 4]);
  const failing = new Queue<number>();
  failing.close(new RangeError("broken"));
  await assertRejects(async () => {
    for await (const _ of failing);
  }, RangeError);
});

Deno.test("a process of a reactor puts and gets", () => {
  using reactor = new Reactor({ selector: "deno" });
  const queue = new Queue<string>({ capacity: 0 });
  const seen: string[] = [];
  reactor.addProcess(function* () {
    for (;;) seen.push(yield* queue.get());
  }());
  reactor.addProcess(function* () {
    for (const item of ["a", "b"]) yield* queue.put(item);
  }());
  for (let i = 0; i < 8; i++) reactor.step();
  assertEquals(seen, ["a", "b"]);
});

for (const selector of SELECTORS) {
  leakTest(`coroutines of different reactors share a queue (${selector})`, async () => {
    const queue = new Queue<number>({ capacity: 2 });
    const seen: number[] = [];
    const consume = () =>
      asProcess(
        function* () {
          try {
            for (;;) {
              seen.push(yield* queue.get());
              yield* sleep(0);
            }
          } catch (error) {
            if (!(error instanceof EndOfStream)) throw error;
          }
        }(),
        { selector },
      );
    const produce = (from: number) =>
      asProcess(
        function* () {
          for (let i = from; i < from + 20; i++) yield* queue.put(i);
        }(),
        { selector },
      );
    const consuming = [consume(), consume()];
    await Promise.all([produce(0), produce(100)]);
    queue.close();
    await Promise.all(consuming);
    assertEquals(seen.toSorted((a, b) => a - b), [
      ...Array.from({ length: 20 }, (_, i) => i),
      ...Array.from({ length: 20 }, (_, i) => i + 100),
    ]);
  });
}

Deno.test("inspect() shows where coroutines wait in a queue", () => {
  using bench = new Bench(0);
  const { queue, reactor } = bench;
  function* relay(): Coroutine {
    yield* queue.get();
  }
  bench.run(function* () {
    yield relay();
  }());
  const [waits] = reactor.inspect();
  assertEquals(waits!.waits, "for an answer");
  assertMatch(waits!.where!, /relay.*queue_test\.ts:\d+:\d+/);
  queue.tryPut(1);
  assertEquals(reactor.inspect(), []);
  bench.put(1);
  assertEquals(reactor.inspect()[0]!.waits, "for an answer");
});

Deno.test("a task reads a queue while its parent reads the connection", async () => {
  using bench = new Bench();
  const connection = memory("one\n");
  const task = gio(
    bench.reactor,
    connection,
    function* () {
      yield* spawn(function* () {
        using _ = enter(connection);
        yield (yield* bench.queue.get()) as string;
      }());
      yield;
      yield* bench.queue.put("said");
    }(),
  );
  for (let i = 0; i < 5; i++) bench.reactor.step();
  await task.result;
  assertEquals(connection.text, "said");
});

Deno.test("what plain code puts while a coroutine runs is put, in order, and once", async () => {
  const queue = new Queue<string>({ capacity: Infinity });
  const listener = (text: string) => void queue.put(text);
  await asProcess(function* () {
    listener("a listener");
    const put = queue.put("a put for later");
    yield* queue.put("a yielded put");
    yield* put;
    yield* wait((async () => {
      queue.put("before the first await");
      await queue.put("awaited");
      queue.put("after it");
    })());
    yield* all(queue.put("in all()"), queue.put("in all() too"));
  }());
  queue.close();
  assertEquals(await Array.fromAsync(queue), [
    "a listener",
    "a put for later",
    "a yielded put",
    "before the first await",
    "awaited",
    "after it",
    "in all()",
    "in all() too",
  ]);
});

Deno.test("a put that was cancelled before its turn is not put", async () => {
  using bench = new Bench();
  const { queue, reactor } = bench;
  const task = gio(
    reactor,
    undefined,
    function* () {
      yield* queue.put(0);
    }(),
  );
  await task.result;
  const late = gio(
    reactor,
    undefined,
    function* () {
      yield* sleep(1);
      yield* queue.put(1);
    }(),
  );
  late.cancel();
  await assertRejects(() => late.result);
  await settled();
  assertEquals([queue.tryGet(), queue.tryGet()], [0, undefined]);
});

Deno.test("what goes through a chain of queues is put once, and in order", async () => {
  for (const capacity of [0, 1, 16, Infinity]) {
    const queues = Array.from({ length: 4 }, () => new Queue<number>({ capacity }));
    const got: number[] = [];
    await asProcess(function* () {
      for (const [i, queue] of queues.entries()) {
        yield* spawn(function* () {
          for (;;) {
            const item = yield* queue.get();
            if (i + 1 < queues.length) yield* queues[i + 1]!.put(item);
            else got.push(item);
          }
        }());
      }
      for (let n = 0; n < 100; n++) yield* queues[0]!.put(n);
      while (got.length < 100) yield* sleep(0);
      yield* sleep(1);
    }());
    assertEquals(got, Array.from({ length: 100 }, (_, n) => n), `capacity ${capacity}`);
  }
});
