import { assert, assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { call, compose, type Coroutine, Local, pushBack } from "@weightless/io/compose";

/** Deeper than any call stack is. */
const DEEP = 100_000;

Deno.test("compose() returns from a great depth", () => {
  function* down(depth: number): Coroutine<number> {
    return depth === 0 ? yield : 1 + (yield* call(down(depth - 1)));
  }
  const composed = compose(down(DEEP));
  assertEquals(composed.next(), { done: false, value: undefined });
  assertEquals(composed.next(0), { done: true, value: DEEP });
});

Deno.test("compose() returns from a great depth of plain yields and of composed coroutines", () => {
  function* down(depth: number): Coroutine<number> {
    if (depth === 0) return yield;
    const callee = down(depth - 1);
    return 1 + (yield depth % 2 === 0 ? callee : compose(callee));
  }
  const composed = compose(down(DEEP));
  composed.next();
  assertEquals(composed.next(0).value, DEEP);
});

Deno.test("compose() throws from a great depth, through all callers", () => {
  let caught = 0;
  function* down(depth: number): Coroutine<void> {
    if (depth === 0) throw new Error("deep");
    try {
      yield* call(down(depth - 1));
    } catch (error) {
      caught++;
      throw error;
    }
  }
  let thrown: unknown;
  try {
    compose(down(DEEP)).next();
  } catch (error) {
    thrown = error;
  }
  assertEquals((thrown as Error).message, "deep");
  assertEquals(caught, DEEP);
  const { stack } = thrown as Error;
  assertEquals(stack!.match(/at down /g)!.length, 1001);
  assertStringIncludes(stack!, `${DEEP - 1000} more callers`);
});

Deno.test("compose() closes a great depth, the topmost coroutine first", () => {
  const closed: number[] = [];
  function* down(depth: number): Coroutine<void> {
    try {
      if (depth === 0) yield;
      else yield* call(down(depth - 1));
    } finally {
      closed.push(depth);
    }
  }
  const composed = compose(down(DEEP));
  composed.next();
  composed.return();
  assertEquals(closed.length, DEEP + 1);
  assert(closed.every((depth, i) => depth === i));
});

Deno.test("compose() gives back what was pushed back at each of many depths, in order", () => {
  function* down(depth: number): Coroutine<number> {
    if (depth > 0) yield* call(down(depth - 1));
    return pushBack(depth, depth);
  }
  const composed = compose(down(DEEP));
  assertEquals(composed.next().value, DEEP);
  const { rest } = composed;
  assertEquals(rest.length, DEEP + 1);
  assert(rest.every((value, i) => value === DEEP - i));
});

Deno.test("Local.get() finds what was set at the bottom of a great depth", () => {
  const local = new Local<object>();
  const value = {};
  function* down(depth: number): Coroutine<object> {
    return depth === 0 ? local.get() : yield* call(down(depth - 1));
  }
  function* main(): Coroutine<object> {
    local.set(value);
    return yield* call(down(DEEP));
  }
  assertStrictEquals(compose(main()).next().value, value);
});
