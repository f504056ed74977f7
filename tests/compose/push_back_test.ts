// deno-lint-ignore-file weightless/call-coroutine -- the slip is tested as well
// deno-lint-ignore-file require-yield
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { call, compose, type Coroutine, pushBack } from "@weightless/io/compose";

function* back<T>(value: T, ...rest: unknown[]): Coroutine<T> {
  return pushBack(value, ...rest);
}
function* read(): Coroutine<unknown> {
  return yield;
}
function* readAndReturn(value: unknown): Coroutine<unknown> {
  yield;
  return value;
}

Deno.test("pushBack() gives the value to the caller and the rest to the next bare yields, in order", () => {
  function* main(): Coroutine<unknown[]> {
    const value: string = yield* call(back("v", 1, 2, 3));
    return [value, yield, yield, yield];
  }
  assertEquals(compose(main()).next().value, ["v", 1, 2, 3]);
});

Deno.test("pushBack() is read before anything is asked from outside, and only then the outside is asked", () => {
  function* main(): Coroutine<unknown[]> {
    yield back(undefined, 1);
    return [yield, yield];
  }
  const composed = compose(main());
  assertEquals(composed.next(), { done: false, value: undefined });
  assertEquals(composed.next(2).value, [1, 2]);
});

Deno.test("pushBack() of a later coroutine is read before what was pushed back earlier", () => {
  function* main(): Coroutine<unknown[]> {
    yield back(0, "c", "d");
    yield back(0, "a", "b");
    return [yield, yield, yield, yield];
  }
  assertEquals(compose(main()).next().value, ["a", "b", "c", "d"]);
});

Deno.test("pushBack() nests, when callers push back what they were given", () => {
  function* inner(): Coroutine<string> {
    const all: string = yield;
    return pushBack(all.slice(0, 1), all.slice(1));
  }
  function* outer(): Coroutine<string> {
    const a = yield* call(inner());
    const b = yield* call(inner());
    return pushBack(a + b, "x");
  }
  function* main(): Coroutine<unknown[]> {
    return [yield* call(outer()), yield, yield];
  }
  const composed = compose(main());
  composed.next();
  assertEquals(composed.next("1234").value, ["12", "x", "34"]);
});

Deno.test("pushBack() is read by coroutines that are called later", () => {
  function* main(): Coroutine<unknown[]> {
    yield back(0, 1, 2);
    return [yield read(), yield* call(read())];
  }
  assertEquals(compose(main()).next().value, [1, 2]);
});

Deno.test("pushBack() pushes back falsy values and undefined is not one of them to be lost", () => {
  function* main(): Coroutine<unknown[]> {
    yield back(0, "", 0, null, false);
    return [yield, yield, yield, yield];
  }
  assertEquals(compose(main()).next().value, ["", 0, null, false]);
});

Deno.test("pushBack() with no rest gives just the value", () => {
  function* main(): Coroutine<unknown[]> {
    return [yield back("v"), yield];
  }
  const composed = compose(main());
  assertEquals(composed.next(), { done: false, value: undefined });
  assertEquals(composed.next("x").value, ["v", "x"]);
  assertEquals(composed.rest, []);
});

Deno.test("Composed.rest has what was pushed back and not read, when the outermost has ended", () => {
  const composed = compose(back("v", 1, 2));
  assertEquals(composed.next(), { done: true, value: "v" });
  assertEquals(composed.rest, [1, 2]);
});

Deno.test("Composed.rest has what callees pushed back behind what the outermost did", () => {
  function* main(): Coroutine<string> {
    yield back(0, 3);
    return pushBack("v", 1, 2);
  }
  const composed = compose(main());
  assertEquals(composed.next().value, "v");
  assertEquals(composed.rest, [1, 2, 3]);
});

Deno.test("pushBack() goes through a nested Composed to the one around it, in order", () => {
  function* inner(): Coroutine<string> {
    yield back(0, "b", "c");
    return pushBack("v", "a");
  }
  function* main(): Coroutine<unknown[]> {
    yield back(0, "d");
    const value: string = yield* call(compose(inner()));
    return [value, yield, yield, yield, yield];
  }
  assertEquals(compose(main()).next().value, ["v", "a", "b", "c", "d"]);
});

Deno.test("pushBack() is read by a nested Composed, when it asks", () => {
  function* main(): Coroutine<unknown[]> {
    yield back(0, 1, 2);
    return [yield compose(read()), yield];
  }
  assertEquals(compose(main()).next().value, [1, 2]);
});

Deno.test("pushBack() keeps the rest, when the caller then throws, and it is caught further out", () => {
  function* failing(): Coroutine<void> {
    yield back(0, "kept");
    throw new Error("oops");
  }
  function* main(): Coroutine<unknown> {
    try {
      yield* call(failing());
    } catch {
      return yield;
    }
  }
  assertEquals(compose(main()).next().value, "kept");
});

Deno.test("compose() hands out what is yielded first, however much pushed-back input waits", () => {
  const log: unknown[] = [];
  function* main(): Coroutine<void> {
    yield back(0, 1, 2);
    log.push(yield "first");
    log.push(yield);
    log.push(yield "second");
    log.push(yield);
  }
  const composed = compose(main());
  assertEquals(composed.next().value, "first");
  assertThrows(() => composed.next("data"), TypeError, "First send undefined");
  assertEquals(composed.next().value, "second");
  assertEquals(composed.next().done, true);
  assertEquals(log, [undefined, 1, undefined, 2]);
});

Deno.test("compose() keeps the data that came for a callee apart from its result", () => {
  function* main(): Coroutine<unknown[]> {
    return [yield readAndReturn("a"), yield* call(readAndReturn("b"))];
  }
  const composed = compose(main());
  composed.next();
  composed.next("x");
  assertEquals(composed.next("y").value, ["a", "b"]);
});

Deno.test("pushBack() of many values, one by one, takes linear time", () => {
  // 200,000 chunks are pushed back at once; each is read, and pushed back in part. Quadratic code takes minutes.
  const many = Array.from({ length: 200_000 }, (_, i) => i);
  function* half(): Coroutine<number> {
    return pushBack(1, yield);
  }
  function* everything(): Coroutine<void> {
    const chunk: number[] = yield;
    return pushBack(undefined, ...chunk.slice(0, 100_000)) as void;
  }
  function* main(): Coroutine<number> {
    let sum = 0;
    yield* call(everything());
    for (let i = 0; i < 100_000; i++) {
      sum += yield* call(half());
      assertStrictEquals(yield, i);
    }
    return sum;
  }
  const composed = compose(main());
  composed.next();
  assertEquals(composed.next(many).value, 100_000);
});

Deno.test("Composed.rest goes along, when it was set before the coroutine is called, or composed again", () => {
  function* main(): Coroutine<unknown[]> {
    yield back(0, "c");
    const called = compose(read());
    called.rest = ["a", "b"];
    const results = [yield called, yield, yield];
    assertEquals(called.rest, []);
    return results;
  }
  assertEquals(compose(main()).next().value, ["a", "b", "c"]);
  const inner = compose(read());
  inner.rest = ["x", "y"];
  const outer = compose(inner);
  assertEquals([outer.rest, inner.rest], [["x", "y"], []]);
  assertEquals(outer.next(), { done: true, value: "x" });
});

Deno.test("Composed.rest can be set, and takes the place of what was pushed back", () => {
  function* main(): Coroutine<unknown[]> {
    const first = yield* call(back("first", "dropped"));
    yield first;
    return [yield, yield, yield];
  }
  const composed = compose(main());
  composed.next();
  assertEquals(composed.rest, ["dropped"]);
  composed.rest = ["dropped too"];
  composed.rest = ["a", "b"];
  assertEquals(composed.rest, ["a", "b"]);
  assertEquals(composed.next().value, undefined);
  assertEquals(composed.next("c").value, ["a", "b", "c"]);
});

Deno.test("what pushBack() returned refuses to be text or a number, where nobody took it apart", () => {
  function* text(): Coroutine<string> {
    return `got ${yield* back("a", "b")}`;
  }
  function* sum(): Coroutine<number> {
    return 1 + (yield* back(1));
  }
  for (const main of [text, sum]) {
    assertThrows(() => compose<unknown>(main()).next(), TypeError, "yield* call(sub())");
  }
});
