// deno-lint-ignore-file require-yield
import { assert, assertEquals, assertThrows } from "@std/assert";
import { call, compose, type Coroutine, trace } from "@weightless/io/compose";
import { tailCall } from "../../compose/_tail_call.ts";

function* readTwo(): Coroutine<unknown[]> {
  return [yield, yield];
}
function* first<R>(other: Coroutine<R>): Coroutine<R> {
  return tailCall(other);
}

Deno.test("tailCall() goes on with the other coroutine, whose result is the result", () => {
  const composed = compose(first(readTwo()));
  assertEquals(composed.next().value, undefined);
  composed.next(1);
  assertEquals(composed.next(2), { done: true, value: [1, 2] });
});

Deno.test("tailCall() in a coroutine that was called gives its caller the result", () => {
  function* main(): Coroutine<unknown[]> {
    return [...(yield* call(first(readTwo()))), yield];
  }
  const composed = compose(main());
  for (const message of [undefined, 1, 2]) composed.next(message);
  assertEquals(composed.next(3).value, [1, 2, 3]);
});

Deno.test("tailCall() keeps nothing of the first coroutine", () => {
  const composed = compose(first(readTwo()));
  composed.next();
  const lines = trace(composed);
  assertEquals(lines.length, 1);
  assert(lines[0]!.includes("readTwo"));
});

Deno.test("tailCall() lets errors of the other coroutine out, and closes it", () => {
  const log: string[] = [];
  function* other(): Coroutine<void> {
    try {
      yield;
    } finally {
      log.push("closed");
    }
  }
  const failing = compose(first(other()));
  failing.next();
  assertThrows(() => failing.throw(new Error("broken")), Error, "broken");
  const closed = compose(first(other()));
  closed.next();
  closed.return(undefined);
  assertEquals(log, ["closed", "closed"]);
});

Deno.test("tailCall() may be repeated any number of times, and goes no deeper", () => {
  function* count(n: number): Coroutine<string> {
    return n === 0 ? "end" : tailCall(count(n - 1));
  }
  assertEquals(compose(count(1_000_000)).next().value, "end");
});
