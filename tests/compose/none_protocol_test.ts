import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { call, compose, type Coroutine, pushBack } from "@weightless/io/compose";

const REFUSED = "Cannot accept data. First send undefined";

function* echo(): Coroutine {
  for (;;) yield yield;
}

Deno.test("compose() sends data to a bare yield, at any depth", () => {
  function* read(): Coroutine<unknown> {
    return yield;
  }
  function* main(): Coroutine<unknown[]> {
    return [yield, yield read(), yield* call(read())];
  }
  const composed = compose(main());
  assertStrictEquals(composed.next().value, undefined);
  assertStrictEquals(composed.next(1).value, undefined);
  assertStrictEquals(composed.next(2).value, undefined);
  assertEquals(composed.next(3).value, [1, 2, 3]);
});

Deno.test("compose() takes each falsy value but undefined for data, when sent and when yielded", () => {
  const composed = compose(echo());
  composed.next();
  for (const value of ["", 0, null, false, NaN, 0n, -0]) {
    assertStrictEquals(composed.next(value).value, value);
    assertStrictEquals(composed.next().value, undefined);
  }
  const empty: unknown[] = [];
  assertStrictEquals(composed.next(empty).value, empty);
});

Deno.test("compose() refuses data, when a value was yielded, and goes on as if nothing had been sent", () => {
  const composed = compose(echo());
  composed.next();
  composed.next("a");
  assertThrows(() => composed.next("b"), TypeError, REFUSED);
  assertThrows(() => composed.next(0), TypeError, REFUSED);
  assertEquals(composed.next(), { done: false, value: undefined });
  assertEquals(composed.next("c").value, "c");
});

Deno.test("compose() refuses data, when nothing has run yet", () => {
  const composed = compose(echo());
  assertThrows(() => composed.next("a"), TypeError, REFUSED);
  assertEquals(composed.next(), { done: false, value: undefined });
});

Deno.test("compose() refuses data, when a falsy value was yielded", () => {
  function* main(): Coroutine {
    yield null;
  }
  const composed = compose(main());
  assertEquals(composed.next().value, null);
  assertThrows(() => composed.next("x"), TypeError, REFUSED);
});

Deno.test("compose() resumes a bare yield with undefined, when undefined is sent", () => {
  const composed = compose((function* (): Coroutine {
    return yield;
  })());
  composed.next();
  assertEquals(composed.next(), { done: true, value: undefined });
});

Deno.test("compose() sends no superfluous undefined to anyone", () => {
  const received: unknown[] = [];
  function* inner(): Coroutine<string> {
    received.push(["inner", yield]);
    received.push(["inner", yield "data"]);
    return pushBack("result", "rest");
  }
  function* main(): Coroutine {
    received.push(["main", yield inner()]);
    received.push(["main", yield]);
    received.push(["main", yield]);
  }
  const composed = compose(main());
  composed.next();
  composed.next(1);
  composed.next();
  composed.next(2);
  assertEquals(received, [
    ["inner", 1],
    ["inner", undefined],
    ["main", "result"],
    ["main", "rest"],
    ["main", 2],
  ]);
});
