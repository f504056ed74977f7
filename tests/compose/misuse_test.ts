// deno-lint-ignore-file require-yield
import { assertEquals, assertThrows } from "@std/assert";
import { autostart, call, compose, type Coroutine, identify } from "@weightless/io/compose";

function* sub(): Coroutine<string> {
  yield "from sub";
  return "result";
}
function* empty(): Coroutine<void> {}

/** Runs what calls `callee`, and gives the message of the error that arrives at its yield. */
function errorOfCalling(callee: unknown): string {
  function* main(): Coroutine<string> {
    try {
      yield callee;
      return "no error";
    } catch (error) {
      assertEquals((error as Error).constructor, TypeError);
      return (error as Error).message;
    }
  }
  return compose(main()).next().value as string;
}

const USED = "Cannot call a coroutine that is running or has run: make a new one for each call";

Deno.test("compose() throws TypeError, when it is given something else than a coroutine", () => {
  for (const value of [undefined, null, 1, "text", {}, [], [1].values(), Promise.resolve()]) {
    assertThrows(() => compose(value as unknown as Coroutine), TypeError, "Cannot compose");
  }
});

Deno.test("compose() throws TypeError when called, when the function makes something else", () => {
  const made = compose((() => 42) as unknown as () => Coroutine);
  assertThrows(() => made(), TypeError, "Cannot compose 42");
});

Deno.test("autostart() and identify() throw TypeError when called, when the function makes something else", () => {
  for (const wrap of [autostart, identify]) {
    for (
      const [value, shown] of [[42, "42"], [undefined, "undefined"], [[], "[Array(0)]"]] as const
    ) {
      const made = wrap((() => value) as unknown as () => Coroutine);
      assertThrows(() => made(), TypeError, `Cannot start ${shown}: give a generator function`);
    }
  }
});

Deno.test("compose() throws TypeError, when the coroutine was composed or called before", () => {
  const coroutine = sub();
  compose(coroutine);
  assertThrows(() => compose(coroutine), TypeError, "Cannot compose a coroutine that is running");
  const called = empty();
  function* main(): Coroutine {
    yield called;
  }
  compose(main()).next();
  assertThrows(() => compose(called), TypeError, "Cannot compose a coroutine that is running");
});

Deno.test("compose() throws TypeError, when a Composed or an autostarted coroutine has run", () => {
  const composed = compose(sub());
  composed.next();
  assertThrows(() => compose(composed), TypeError, "Cannot compose a coroutine that is running");
  const started = autostart(sub)();
  assertThrows(() => compose(started), TypeError, "Cannot compose a coroutine that is running");
  const identified = identify(sub)();
  assertThrows(() => compose(identified), TypeError, "Cannot compose a coroutine that is running");
});

Deno.test("compose() throws TypeError at the yield, when a coroutine is called again", () => {
  const exhausted = empty();
  function* main(): Coroutine {
    yield exhausted;
    yield exhausted;
  }
  assertThrows(() => compose(main()).next(), TypeError, USED);
  assertEquals(errorOfCalling(exhausted), USED);
});

Deno.test("compose() throws TypeError at the yield, when a coroutine is called that others have started", () => {
  const halfway = compose(sub());
  halfway.next();
  assertEquals(errorOfCalling(halfway), USED);
  halfway.next();
  assertEquals(errorOfCalling(halfway), USED);
  assertEquals(errorOfCalling(autostart(sub)()), USED);

  const elsewhere = sub();
  const calling = compose((function* (): Coroutine {
    yield elsewhere;
  })());
  calling.next();
  assertEquals(errorOfCalling(elsewhere), USED);
});

Deno.test("compose() throws TypeError at the yield*, when call() is given a used coroutine", () => {
  const exhausted = empty();
  function* main(): Coroutine<string> {
    yield* call(exhausted);
    try {
      yield* call(exhausted);
    } catch (error) {
      return (error as Error).message;
    }
    return "no error";
  }
  assertEquals(compose(main()).next().value, USED);
});

Deno.test("yield* throws TypeError, when what call() made is used again, there or elsewhere", () => {
  // deno-lint-ignore weightless/yield-request
  const reading = call((function* (): Coroutine<string> {
    return `read ${yield}`;
  })());
  function* main(): Coroutine<string[]> {
    const data = yield* reading;
    return [data, yield];
  }
  const first = compose(main()), second = compose(main());
  first.next();
  assertThrows(() => second.next(), TypeError, "Cannot give what call() made to yield* again");
  assertEquals(first.next("data").value, undefined);
  assertThrows(() => compose(main()).next(), TypeError, "make a new one for each call");
  assertEquals(first.next("more"), { done: true, value: ["read data", "more"] });
});

Deno.test("call() throws TypeError, when it is given something else than a coroutine", () => {
  assertThrows(
    () => call(sub as unknown as Coroutine),
    TypeError,
    "Cannot call [GeneratorFunction: sub]: give a coroutine, call(sub()), not call(sub)",
  );
  assertThrows(() => call(undefined as unknown as Coroutine), TypeError, "Cannot call undefined");
});

Deno.test("compose() throws TypeError at the yield, when the star of yield* call() was forgotten", () => {
  const message =
    "Cannot call by `yield call(sub())`: write `yield* call(sub())`, or `yield sub()`";
  assertEquals(errorOfCalling(call(sub())), message);
  function* uncaught(): Coroutine {
    // deno-lint-ignore weightless/yield-star -- the slip that is told
    yield call(sub());
  }
  assertThrows(() => compose(uncaught()).next(), TypeError, message);
});

Deno.test("next(), throw() and return() throw TypeError, when the coroutine is running", () => {
  const log: string[] = [];
  const composed = compose((function* (): Coroutine {
    for (
      const again of [
        () => composed.next(),
        () => composed.next("data"),
        () => composed.throw(new Error()),
        () => composed.return(undefined),
      ]
    ) {
      log.push(assertThrows(again, TypeError).message);
    }
    yield "still running";
  })());
  assertEquals(composed.next().value, "still running");
  assertEquals(log, Array(4).fill("Cannot resume a composed coroutine that is already running"));
  assertEquals(composed.next().done, true);
});

Deno.test("compose() throws TypeError at the yield, when a coroutine calls itself or who runs it", () => {
  const self: Coroutine[] = [];
  const messages: unknown[] = [];
  function* inner(): Coroutine {
    for (const coroutine of self) {
      try {
        yield coroutine;
      } catch (error) {
        messages.push((error as Error).message);
      }
    }
  }
  const innermost = inner();
  const nested = compose(innermost);
  const outer = compose((function* (): Coroutine {
    yield nested;
  })());
  self.push(innermost, nested, outer);
  outer.next();
  assertEquals(messages, [USED, USED, USED]);
});

Deno.test("compose() takes nothing else for a coroutine: what is merely iterable is data", () => {
  const data = [
    [1],
    [1].values(),
    new Map(),
    { next() {} },
    function* () {},
    async function* () {},
  ];
  function* main(): Coroutine {
    for (const value of data) yield value;
  }
  assertEquals([...compose(main())], data);
});
