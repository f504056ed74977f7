// deno-lint-ignore-file require-yield
import { assertEquals, assertThrows } from "@std/assert";
import { call, compose, type Coroutine, Local } from "@weightless/io/compose";

const user = new Local<string | undefined>();

function* who(): Coroutine<string | undefined> {
  return user.get();
}
function* sets(name: string): Coroutine<void> {
  user.set(name);
}
/** Calls `next`, which calls the one after it, and so on. */
function* through(next: () => Coroutine): Coroutine {
  return yield* call(next());
}

Deno.test("Local.get() gives what was set by the coroutine itself or any caller", () => {
  function* main(): Coroutine<unknown[]> {
    user.set("Ada");
    return [user.get(), yield who(), yield through(() => through(who))];
  }
  assertEquals(compose(main()).next().value, ["Ada", "Ada", "Ada"]);
});

Deno.test("Local.get() gives the nearest binding, and the outer one again when that is gone", () => {
  function* inner(): Coroutine<unknown> {
    user.set("inner");
    return yield* call(through(who));
  }
  function* main(): Coroutine<unknown[]> {
    user.set("outer");
    return [yield* call(inner()), user.get(), yield* call(who())];
  }
  assertEquals(compose(main()).next().value, ["inner", "outer", "outer"]);
});

Deno.test("Local.get() gives the latest, when the same coroutine sets it again", () => {
  function* main(): Coroutine<unknown> {
    user.set("a");
    user.set("b");
    return yield who();
  }
  assertEquals(compose(main()).next().value, "b");
});

Deno.test("Local.get() gives undefined and other falsy values that were set", () => {
  function* main(): Coroutine<unknown> {
    user.set("outer");
    return yield (function* (): Coroutine<unknown> {
      user.set(undefined);
      return [yield who()];
    })();
  }
  assertEquals(compose(main()).next().value, [undefined]);
});

Deno.test("Local.get() throws ReferenceError, when nobody up the stack has set it", () => {
  function* main(): Coroutine<void> {
    yield sets("Ada");
    yield* call(sets("Ada"));
    assertThrows(() => user.get(), ReferenceError, "Cannot get a Local that is not set");
  }
  compose(main()).next();
});

Deno.test("Local.get() throws ReferenceError outside of composed coroutines", () => {
  assertThrows(() => user.get(), ReferenceError, "Cannot get a Local that is not set");
});

Deno.test("Local.set() throws TypeError outside of composed coroutines", () => {
  assertThrows(() => user.set("Ada"), TypeError, "Cannot set a Local here");
});

Deno.test("Local.get() does not see bindings outside, between the resumes of a coroutine", () => {
  function* main(): Coroutine<void> {
    user.set("Ada");
    yield "now outside";
  }
  const composed = compose(main());
  composed.next();
  assertThrows(() => user.get(), ReferenceError);
});

Deno.test("Local.get() and set() work in plain functions that coroutines call", () => {
  function greet(): string {
    return `Hello, ${user.get()}!`;
  }
  function login(name: string): void {
    user.set(name);
  }
  function* main(): Coroutine<unknown[]> {
    login("Ada");
    return [greet(), [1].map(greet), yield who()];
  }
  assertEquals(compose(main()).next().value, ["Hello, Ada!", ["Hello, Ada!"], "Ada"]);
});

Deno.test("Local.get() sees through composed coroutines that are called", () => {
  function* main(): Coroutine<unknown[]> {
    user.set("Ada");
    return [yield compose(who()), yield* call(compose(through(() => compose(who()))))];
  }
  assertEquals(compose(main()).next().value, ["Ada", "Ada"]);
});

Deno.test("Local.get() sees through composed coroutines that are driven by hand, also when resumed later", () => {
  function* inner(): Coroutine<void> {
    yield user.get();
    yield user.get();
  }
  function* main(): Coroutine {
    user.set("first");
    const composed = compose(inner());
    yield composed.next().value;
    user.set("second");
    yield composed.next().value;
  }
  assertEquals([...compose(main())], ["first", "second"]);
});

Deno.test("Local.set() in a nested Composed is not seen outside of it", () => {
  function* main(): Coroutine<unknown> {
    user.set("outer");
    yield compose((function* (): Coroutine {
      user.set("nested");
      assertEquals(user.get(), "nested");
    })());
    return user.get();
  }
  assertEquals(compose(main()).next().value, "outer");
});

Deno.test("Local bindings go with their frame, when it ends by an error or by return()", () => {
  function* failing(): Coroutine {
    user.set("failing");
    yield "ready";
    throw new Error("oops");
  }
  function* main(): Coroutine<unknown[]> {
    user.set("main");
    try {
      yield* call(failing());
    } catch {
      return [user.get(), yield who()];
    }
    return [];
  }
  const failed = compose(main());
  failed.next();
  assertEquals(failed.next().value, ["main", "main"]);
  const thrown = compose(main());
  thrown.next();
  assertEquals(thrown.throw(new Error("from outside")).value, ["main", "main"]);

  function* closing(): Coroutine<unknown> {
    user.set("main");
    try {
      yield* call(failing());
    } finally {
      // deno-lint-ignore no-unsafe-finally
      return user.get();
    }
  }
  const closed = compose(closing());
  closed.next();
  assertEquals(closed.return(undefined).value, "main");
});

Deno.test("Local.get() is right after an error came out of a composed coroutine driven by hand", () => {
  function* failing(): Coroutine {
    user.set("nested");
    throw new Error("oops");
  }
  function* main(): Coroutine<unknown> {
    user.set("main");
    assertThrows(() => compose(failing()).next(), Error, "oops");
    return user.get();
  }
  assertEquals(compose(main()).next().value, "main");
});

Deno.test("Local.get() is right after a composed coroutine that is driven by hand was thrown into, or closed", () => {
  function* inner(): Coroutine {
    user.set("inner");
    try {
      yield;
    } catch {
      yield;
    }
  }
  function* main(): Coroutine<unknown[]> {
    user.set("main");
    const composed = compose(inner());
    composed.next();
    composed.throw(new Error("oops"));
    const afterThrow = user.get();
    composed.return(undefined);
    return [afterThrow, user.get()];
  }
  assertEquals(compose(main()).next().value, ["main", "main"]);
});

Deno.test("Local bindings of different coroutines do not mix, when they take turns", () => {
  function* task(name: string): Coroutine<void> {
    user.set(name);
    for (let i = 0; i < 3; i++) yield yield* call(through(who));
  }
  const [a, b] = [compose(task("a")), compose(task("b"))];
  const seen = [];
  for (let i = 0; i < 3; i++) seen.push(a.next().value, b.next().value);
  assertEquals(seen, ["a", "b", "a", "b", "a", "b"]);
});

Deno.test("Local is one variable each", () => {
  const other = new Local<number>();
  function* main(): Coroutine<unknown[]> {
    user.set("Ada");
    other.set(1);
    yield (function* (): Coroutine {
      other.set(2);
      assertEquals([user.get(), other.get()], ["Ada", 2]);
    })();
    return [user.get(), other.get()];
  }
  assertEquals(compose(main()).next().value, ["Ada", 1]);
});

Deno.test("Local.get() sees the bindings of those who wait, in a finally while closing", () => {
  const log: unknown[] = [];
  function* inner(): Coroutine {
    try {
      yield "ready";
    } finally {
      log.push(user.get());
      yield "cleanup";
      log.push(yield* call(who()));
    }
  }
  function* main(): Coroutine {
    user.set("Ada");
    yield* call(inner());
  }
  const composed = compose(main());
  composed.next();
  composed.return(undefined);
  composed.next();
  assertEquals(log, ["Ada", "Ada"]);
});

Deno.test("Local.get() sees what runs the coroutine now, not what ran it before", () => {
  function* reading(): Coroutine {
    for (;;) yield user.get();
  }
  const inner = compose(reading());
  function* outer(name: string): Coroutine<void> {
    user.set(name);
    yield inner.next().value; // and keeps its binding
  }
  assertEquals(compose(outer("Ada")).next().value, "Ada");
  assertEquals(compose(outer("Grace")).next().value, "Grace");
  assertThrows(() => inner.next(), ReferenceError, "Cannot get a Local that is not set");
});
