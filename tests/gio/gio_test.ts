/** What gio() runs, and what may be yielded to it. */
import { assert, assertEquals, AssertionError, assertRejects, assertThrows } from "@std/assert";
import { call, type Coroutine, Yield } from "../../compose/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { asProcess, gio, memory, race, spawn, wait } from "../../gio/mod.ts";
import { fixture, settled } from "./_fixture.ts";

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

Deno.test("gio() names a meaningless yield and what may be yielded", async () => {
  using f = fixture();
  const task = f.start(function* () {
    yield { some: "object" };
  });
  const error = await assertRejects(() => task.result, TypeError);
  assertEquals(
    error.message,
    `Cannot do anything with a yielded object ({ some: 'object' }): yield nothing to read, a string or Uint8Array to write, ` +
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

Deno.test("gio() lets an AssertionError of a coroutine out of step()", async () => {
  using f = fixture();
  f.start(function* () {
    assertEquals(1, 2);
  });
  await settled();
  assertThrows(() => f.reactor.step(), AssertionError);
});

Deno.test("gio() answers a request with and without the star", async () => {
  using f = fixture();
  const task = f.start(function* () {
    // deno-lint-ignore weightless/yield-star -- both forms are tested
    return [yield wait(Promise.resolve(1)), yield* wait(Promise.resolve(2))];
  });
  assertEquals(await task.result, [1, 2]);
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
