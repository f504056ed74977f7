// deno-lint-ignore-file require-yield
import { assertEquals, assertThrows } from "@std/assert";
import { call, compose, type Coroutine, Yield } from "@weightless/io/compose";

const log: string[] = [];
function* sub(name: string): Coroutine<string> {
  log.push(`${name} runs`);
  return name;
}
function* main(): Coroutine<string> {
  log.push("main runs");
  const a: string = yield sub("a");
  const b = yield* call(sub("b"));
  return a + b;
}

Deno.test("compose() yields Yield at each call, before the callee runs, when stepping", () => {
  log.length = 0;
  const composed = compose(main(), { stepping: true });
  assertEquals(composed.next(), { done: false, value: Yield });
  assertEquals(log, ["main runs"]);
  assertEquals(composed.next(), { done: false, value: Yield });
  assertEquals(log, ["main runs", "a runs"]);
  assertEquals(composed.next(), { done: true, value: "ab" });
  assertEquals(log, ["main runs", "a runs", "b runs"]);
});

Deno.test("compose() does not yield Yield, when not stepping", () => {
  assertEquals(compose(main()).next().done, true);
  assertEquals(compose(main(), { stepping: false }).next().done, true);
});

Deno.test("compose() of a function passes the option on", () => {
  assertEquals(compose(main, { stepping: true })().next().value, Yield);
});

Deno.test("compose() passes on Yield that a coroutine yields itself, and refuses data for it", () => {
  function* polite(): Coroutine<string> {
    yield Yield;
    return "done";
  }
  function* calling(): Coroutine<string> {
    return yield* call(polite());
  }
  const composed = compose(calling());
  assertEquals(composed.next().value, Yield);
  assertThrows(() => composed.next("data"), TypeError, "First send undefined");
  assertEquals(composed.next().value, "done");
});

Deno.test("compose() refuses data at a step", () => {
  const composed = compose(main(), { stepping: true });
  composed.next();
  assertThrows(() => composed.next("data"), TypeError, "First send undefined");
});

Deno.test("throw() at a step is caught by the caller, and the callee does not run", () => {
  log.length = 0;
  function* catching(): Coroutine<string> {
    try {
      return yield* call(sub("a"));
    } catch (error) {
      return `caught ${error}`;
    }
  }
  const composed = compose(catching(), { stepping: true });
  composed.next();
  assertEquals(composed.throw("stop"), { done: true, value: "caught stop" });
  assertEquals(log, []);
});

Deno.test("return() at a step closes the caller, and the callee does not run", () => {
  log.length = 0;
  function* cleaning(): Coroutine<string> {
    try {
      return yield* call(sub("a"));
    } finally {
      log.push("finally");
    }
  }
  const composed = compose(cleaning(), { stepping: true });
  composed.next();
  assertEquals(composed.return("value"), { done: true, value: "value" });
  assertEquals(log, ["finally"]);
});

Deno.test("Yield lets a scheduler interleave coroutines call by call", () => {
  log.length = 0;
  function* task(name: string): Coroutine<void> {
    for (let i = 0; i < 2; i++) yield sub(`${name}${i}`);
  }
  let tasks = ["x", "y"].map((name) => compose(task(name), { stepping: true }));
  while (tasks.length > 0) tasks = tasks.filter((task) => !task.next().done);
  assertEquals(log, ["x0 runs", "y0 runs", "x1 runs", "y1 runs"]);
});

Deno.test("compose() keeps stepping of what it composes again, or calls", () => {
  const twice = compose(compose(main(), { stepping: true }));
  assertEquals(twice.next().value, Yield);
  function* calling(): Coroutine<void> {
    yield compose(main(), { stepping: true });
  }
  const called = compose(calling());
  assertEquals(called.next().value, Yield);
});
