// deno-lint-ignore-file require-yield
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { call, compose, type Composed, type Coroutine, pushBack } from "@weightless/io/compose";
import { Thrown } from "../../compose/_thrown.ts";
import { throwInto } from "../../compose/compose.ts";

function* failing(error: unknown): Coroutine<never> {
  throw error;
}

Deno.test("compose() throws what a coroutine throws at the yield of its caller", () => {
  const error = new Error("oops");
  function* main(): Coroutine<unknown[]> {
    const caught: unknown[] = [];
    try {
      yield failing(error);
    } catch (thrown) {
      caught.push(thrown);
    }
    try {
      yield* call(failing(error));
    } catch (thrown) {
      caught.push(thrown);
    }
    return caught;
  }
  const [first, second] = compose(main()).next().value as unknown[];
  assertStrictEquals(first, error);
  assertStrictEquals(second, error);
});

Deno.test("compose() throws it further out, when nobody catches it", () => {
  function* middle(): Coroutine {
    yield failing(new RangeError("oops"));
  }
  function* main(): Coroutine {
    yield* call(middle());
  }
  const composed = compose(main());
  assertThrows(() => composed.next(), RangeError, "oops");
  assertEquals(composed.next(), { done: true, value: undefined });
});

Deno.test("compose() resumes normally after an error that was caught halfway, and its response is not lost", () => {
  function* middle(): Coroutine<string> {
    try {
      yield failing(new Error("oops"));
    } catch {
      const data = yield "caught";
      assertStrictEquals(data, undefined);
    }
    return yield;
  }
  function* main(): Coroutine {
    yield yield* call(middle());
    yield "end";
  }
  const composed = compose(main());
  assertEquals(composed.next().value, "caught");
  assertEquals(composed.next().value, undefined);
  assertEquals(composed.next("data").value, "data");
  assertEquals(composed.next().value, "end");
});

Deno.test("compose() gives the callee's result of a catch clause to the caller", () => {
  function* middle(): Coroutine<string> {
    try {
      yield failing(new Error("oops"));
    } catch {
      return pushBack("recovered", "rest");
    }
    return "never";
  }
  function* main(): Coroutine {
    return [yield middle(), yield];
  }
  assertEquals(compose(main()).next().value, ["recovered", "rest"]);
});

Deno.test("throw() enters at the innermost coroutine", () => {
  const log: string[] = [];
  function* inner(): Coroutine<string> {
    try {
      yield;
    } catch (error) {
      log.push(`inner ${error}`);
      throw "from inner";
    }
    return "";
  }
  function* main(): Coroutine {
    try {
      yield* call(inner());
    } catch (error) {
      log.push(`main ${error}`);
      yield "response";
    }
  }
  const composed = compose(main());
  composed.next();
  assertEquals(composed.throw("from outside"), { done: false, value: "response" });
  assertEquals(log, ["inner from outside", "main from inner"]);
  assertEquals(composed.next().done, true);
});

Deno.test("throw() that is caught lets the coroutine ask for data, and pushed-back data serves it", () => {
  function* back(): Coroutine<void> {
    return pushBack(undefined, "waiting");
  }
  function* main(): Coroutine<unknown> {
    yield back();
    try {
      yield "response";
    } catch {
      return yield;
    }
  }
  const composed = compose(main());
  assertEquals(composed.next().value, "response");
  assertEquals(composed.throw(new Error("oops")), { done: true, value: "waiting" });
});

Deno.test("throw() ends a composed coroutine that has not run, and none of it runs", () => {
  let ran = false;
  const composed = compose((function* (): Coroutine {
    ran = true;
  })());
  assertThrows(() => composed.throw(new Error("oops")), Error, "oops");
  assertEquals(ran, false);
  assertEquals(composed.next(), { done: true, value: undefined });
});

Deno.test("throw() throws the error, when all is over", () => {
  const composed = compose((function* (): Coroutine {})());
  composed.next();
  const error = new Error("oops");
  assertStrictEquals(assertThrows(() => composed.throw(error)), error);
});

Deno.test("compose() passes errors of all kinds: undefined, null, strings, frozen objects", () => {
  function* main(error: unknown): Coroutine<unknown[]> {
    try {
      yield* call(failing(error));
    } catch (caught) {
      return [caught];
    }
    return [];
  }
  function thrownBy(f: () => void): unknown[] {
    try {
      f();
    } catch (caught) {
      return [caught];
    }
    return [];
  }
  for (const error of [undefined, null, "text", 0, Object.freeze(new Error("frozen")), {}]) {
    for (
      const caught of [
        compose(main(error)).next().value as unknown[],
        thrownBy(() => compose(failing(error)).next()),
      ]
    ) {
      assertEquals(caught.length, 1);
      assertStrictEquals(caught[0], error);
    }
  }
});

Deno.test("compose() runs finally clauses from the innermost outwards, when an error passes", () => {
  const log: string[] = [];
  function* nested(depth: number): Coroutine<void> {
    try {
      if (depth === 0) throw new Error("oops");
      yield* call(nested(depth - 1));
    } finally {
      log.push(`${depth}`);
      yield `cleanup ${depth}`;
    }
  }
  const composed = compose(nested(2));
  assertEquals(composed.next().value, "cleanup 0");
  assertEquals(composed.next().value, "cleanup 1");
  assertEquals(composed.next().value, "cleanup 2");
  assertThrows(() => composed.next(), Error, "oops");
  assertEquals(log, ["0", "1", "2"]);
});

Deno.test("compose() passes an error through a nested Composed to its caller", () => {
  function* main(): Coroutine<unknown> {
    try {
      yield compose(failing(new Error("oops")));
    } catch (error) {
      return (error as Error).message;
    }
  }
  assertEquals(compose(main()).next().value, "oops");
});

Deno.test("next() works, when an error has passed before, and Composed is not left running", () => {
  function* main(): Coroutine {
    for (;;) {
      try {
        yield* call(failing(new Error("oops")));
      } catch {
        yield "again";
      }
    }
  }
  const composed = compose(main());
  for (let i = 0; i < 3; i++) assertEquals(composed.next().value, "again");
});

const meets: Record<string, () => Coroutine> = {
  "lets it out": function* () {
    yield "a";
  },
  "catches it": function* () {
    try {
      yield "a";
    } catch {
      yield "caught";
    }
  },
  "returns": function* () {
    try {
      yield "a";
    } catch {
      return "returned";
    }
  },
  "throws another one": function* () {
    try {
      yield "a";
    } catch (cause) {
      throw new Error("another", { cause });
    }
  },
  "calls one that lets it out": function* () {
    yield* call(meets["lets it out"]!());
  },
  "has ended": function* () {},
};

for (const [does, make] of Object.entries(meets)) {
  for (const isStarted of [true, false]) {
    Deno.test(`throwInto() gives what throw() does when a coroutine that ${isStarted ? "was" : "was not"} started ${does}`, () => {
      const error = new Error("oops");
      const outcomes = [
        (composed: Composed) => composed.throw(error),
        (composed: Composed) => {
          const result = throwInto(composed, error);
          if (result instanceof Thrown) throw result.error;
          return result;
        },
      ].map((throwAt) => {
        const composed = compose(make());
        if (isStarted) composed.next();
        const outcome: unknown[] = [];
        try {
          outcome.push(throwAt(composed));
        } catch (thrown) {
          outcome.push("thrown", thrown === error || (thrown as Error).message);
        }
        return [...outcome, composed.next()];
      });
      assertEquals(outcomes[1], outcomes[0]);
    });
  }
}
