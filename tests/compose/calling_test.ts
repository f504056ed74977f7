// deno-lint-ignore-file require-yield
import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { call, compose, Composed, type Coroutine, isCoroutine } from "@weightless/io/compose";

function* answer(): Coroutine<number> {
  return 42;
}
function* echo(): Coroutine<string> {
  return yield;
}

Deno.test("compose() gives the caller what a yielded coroutine returns", () => {
  function* main(): Coroutine<number> {
    return 1 + (yield answer());
  }
  assertEquals(compose(main()).next(), { done: true, value: 43 });
});

Deno.test("call() gives the caller what the coroutine returns, with its type", () => {
  function* main(): Coroutine<string> {
    const n: number = yield* call(answer());
    const s: string = yield* call(echo());
    return s.repeat(n);
  }
  const composed = compose(main());
  assertEquals(composed.next(), { done: false, value: undefined });
  assertEquals(composed.next("a").value, "a".repeat(42));
});

Deno.test("compose() calls by yield and by call() the same, when they are mixed and nested", () => {
  function* inner(name: string): Coroutine<string> {
    yield `in ${name}`;
    return name.toUpperCase();
  }
  function* middle(): Coroutine<string> {
    return (yield inner("a")) + (yield* call(inner("b")));
  }
  function* main(): Coroutine {
    yield yield* call(middle());
    yield yield middle();
  }
  assertEquals([...compose(main())], ["in a", "in b", "AB", "in a", "in b", "AB"]);
});

Deno.test("compose() goes on with the caller when the coroutine yields nothing at all", () => {
  function* empty(): Coroutine<void> {}
  function* main(): Coroutine {
    for (let i = 0; i < 3; i++) assertStrictEquals(yield empty(), undefined);
    return "end";
  }
  assertEquals(compose(main()).next().value, "end");
});

Deno.test("compose() gives the caller falsy results as they are", () => {
  function* returning(value: unknown): Coroutine<unknown> {
    return value;
  }
  function* main(): Coroutine<unknown[]> {
    const results = [];
    for (const value of [0, "", null, false, NaN]) results.push(yield returning(value));
    return results;
  }
  assertEquals(compose(main()).next().value, [0, "", null, false, NaN]);
});

Deno.test("compose() passes on what is yielded from any depth, in order", () => {
  function* nested(depth: number): Coroutine<void> {
    yield `down ${depth}`;
    if (depth > 1) yield* call(nested(depth - 1));
    yield `up ${depth}`;
  }
  assertEquals([...compose(nested(3))], ["down 3", "down 2", "down 1", "up 1", "up 2", "up 3"]);
});

Deno.test("compose() calls a composed coroutine that is yielded", () => {
  function* inner(): Coroutine<string> {
    return (yield* call(echo())) + "!";
  }
  function* main(): Coroutine<string[]> {
    return [yield compose(inner()), yield* call(compose(inner()))];
  }
  const composed = compose(main());
  composed.next();
  composed.next("a");
  assertEquals(composed.next("b").value, ["a!", "b!"]);
});

Deno.test("compose() makes a composed coroutine of a composed one", () => {
  const composed = compose(compose(compose(echo())));
  composed.next();
  assertEquals(composed.next("x"), { done: true, value: "x" });
});

Deno.test("compose() wraps a generator function, when it is given one", () => {
  const repeat = compose(function* (this: unknown, text: string, times: number) {
    return text.repeat(times + (yield* call(answer())) - 42);
  });
  assertEquals(repeat("ab", 2).next().value, "abab");
  assertInstanceOf(repeat("ab", 2), Composed);
});

Deno.test("compose() passes `this` to the generator function that it wraps", () => {
  class Greeter {
    greeting = "Hello";
    greet = compose(function* (this: Greeter, name: string): Coroutine {
      yield `${this.greeting}, ${name}!`;
    });
  }
  assertEquals([...new Greeter().greet("Ada")], ["Hello, Ada!"]);
});

Deno.test("Composed is a generator", () => {
  const composed = compose(answer());
  assertInstanceOf(composed, Composed);
  assertEquals(isCoroutine(composed), true);
  assertStrictEquals(composed[Symbol.iterator](), composed);
  assertEquals(Object.prototype.toString.call(composed), "[object Generator]");
});

Deno.test("Composed has what iterators have, when used as one", () => {
  function* numbers(): Coroutine {
    for (let i = 0; i < 5; i++) yield i;
  }
  function* main(): Coroutine {
    yield* call(numbers());
  }
  assertEquals([...compose(main())], [0, 1, 2, 3, 4]);
  assertEquals(compose(main()).drop(1).take(2).toArray(), [1, 2]);
  const seen = [];
  for (const n of compose(main())) {
    seen.push(n);
    if (n === 2) break;
  }
  assertEquals(seen, [0, 1, 2]);
});

Deno.test("Composed can be delegated to, by yield* of a plain generator", () => {
  function* outer(): Generator<unknown, number, unknown> {
    return yield* compose(answer());
  }
  assertEquals(outer().next().value, 42);
});

Deno.test("Composed.next() gives done and undefined, when all is over", () => {
  const composed = compose(answer());
  composed.next();
  const over = { done: true as const, value: undefined as never };
  assertEquals(composed.next(), over);
  assertEquals(composed.next("ignored"), over);
});

Deno.test("compose() calls what async-free code yields in a loop without growing", () => {
  function* main(): Coroutine<number> {
    let sum = 0;
    for (let i = 0; i < 1000; i++) sum += yield* call(answer());
    return sum;
  }
  assertEquals(compose(main()).next().value, 42_000);
});
