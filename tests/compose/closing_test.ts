// deno-lint-ignore-file require-yield
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { call, compose, type Coroutine, pushBack } from "@weightless/io/compose";

/** A coroutine that calls `callee` and logs what of it runs. */
function* caller(log: string[], name: string, callee?: Coroutine): Coroutine {
  try {
    if (callee) yield* call(callee);
    else yield "ready";
    log.push(`${name} ran on`);
  } finally {
    log.push(`${name} finally`);
  }
  log.push(`${name} ran on after finally`);
}

/** A coroutine whose finally yields. */
function* cleaning(log: string[], name: string, callee?: Coroutine): Coroutine {
  try {
    if (callee) yield callee;
    else yield "ready";
    log.push(`${name} ran on`);
  } finally {
    log.push(`${name} begins`);
    log.push(`${name} reads ${yield}`);
    yield `${name} writes`;
    log.push(`${name} ends`);
  }
  log.push(`${name} ran on after finally`);
}

Deno.test("return() closes from the innermost outwards, and gives its value", () => {
  const log: string[] = [];
  const composed = compose(caller(log, "a", caller(log, "b", caller(log, "c"))));
  composed.next();
  assertEquals(composed.return("value"), { done: true, value: "value" });
  assertEquals(log, ["c finally", "b finally", "a finally"]);
  assertEquals(composed.next(), { done: true, value: undefined });
});

Deno.test("return() waits for a finally that yields, and no code of the callers runs on", () => {
  const log: string[] = [];
  const composed = compose(caller(log, "a", caller(log, "b", cleaning(log, "c"))));
  composed.next();
  assertEquals(composed.return("value"), { done: false, value: undefined });
  assertEquals(log, ["c begins"]);
  assertEquals(composed.next("data").value, "c writes");
  assertEquals(composed.next(), { done: true, value: "value" });
  assertEquals(log, ["c begins", "c reads data", "c ends", "b finally", "a finally"]);
});

Deno.test("return() waits for the finally of each frame, when all of them yield", () => {
  const log: string[] = [];
  const composed = compose(cleaning(log, "a", cleaning(log, "b", cleaning(log, "c"))));
  composed.next();
  const out = [composed.return("value")];
  for (let i = 1; !out.at(-1)!.done; i++) {
    out.push(composed.next(out.at(-1)!.value === undefined ? i : undefined));
  }
  assertEquals(out.map(({ value }) => value), [
    undefined,
    "c writes",
    undefined,
    "b writes",
    undefined,
    "a writes",
    "value",
  ]);
  assertEquals(log, [
    "c begins",
    "c reads 1",
    "c ends",
    "b begins",
    "b reads 3",
    "b ends",
    "a begins",
    "a reads 5",
    "a ends",
  ]);
});

Deno.test("return() lets a finally call coroutines, which run to their end", () => {
  const log: string[] = [];
  function* flush(): Coroutine<string> {
    yield "flush";
    return `flushed ${yield}`;
  }
  function* inner(): Coroutine {
    try {
      yield;
    } finally {
      log.push(yield* call(flush()));
      log.push(yield flush());
    }
  }
  const composed = compose(caller(log, "a", inner()));
  composed.next();
  assertEquals(composed.return(undefined).value, "flush");
  composed.next();
  assertEquals(composed.next(1).value, "flush");
  composed.next();
  assertEquals(composed.next(2), { done: true, value: undefined });
  assertEquals(log, ["flushed 1", "flushed 2", "a finally"]);
});

Deno.test("return() serves a finally with what was pushed back", () => {
  function* back(): Coroutine<void> {
    return pushBack(undefined, "waiting");
  }
  const log: string[] = [];
  function* main(): Coroutine {
    yield back();
    yield* call(cleaning(log, "c"));
  }
  const composed = compose(main());
  composed.next();
  assertEquals(composed.return(undefined).value, "c writes");
  assertEquals(composed.next().done, true);
  assertEquals(log, ["c begins", "c reads waiting", "c ends"]);
});

Deno.test("return() gives what a finally of the outermost returns instead", () => {
  const composed = compose((function* (): Coroutine<string> {
    try {
      yield;
    } finally {
      // deno-lint-ignore no-unsafe-finally
      return "instead";
    }
  })());
  composed.next();
  assertEquals(composed.return("value"), { done: true, value: "instead" });
});

Deno.test("return() closes the callers all the same, when a finally of the callee returns", () => {
  const log: string[] = [];
  function* stubborn(): Coroutine<string> {
    try {
      yield;
    } finally {
      // deno-lint-ignore no-unsafe-finally
      return "instead";
    }
  }
  const composed = compose(caller(log, "a", stubborn()));
  composed.next();
  assertEquals(composed.return("value"), { done: true, value: "value" });
  assertEquals(log, ["a finally"]);
});

Deno.test("return() throws the error of a finally, after the callers are closed", () => {
  const log: string[] = [];
  function* failing(): Coroutine {
    try {
      yield;
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new Error("cleanup failed");
    }
  }
  const composed = compose(caller(log, "a", caller(log, "b", failing())));
  composed.next();
  assertThrows(() => composed.return(undefined), Error, "cleanup failed");
  assertEquals(log, ["b finally", "a finally"]);
  assertEquals(composed.next(), { done: true, value: undefined });
});

Deno.test("throw() while closing enters the finally that yields", () => {
  const log: string[] = [];
  function* inner(): Coroutine {
    try {
      yield;
    } finally {
      try {
        yield "cleanup";
      } catch (error) {
        log.push(`caught ${error}`);
      }
      yield "more cleanup";
    }
  }
  const composed = compose(caller(log, "a", inner()));
  composed.next();
  assertEquals(composed.return("value").value, "cleanup");
  assertEquals(composed.throw("enough").value, "more cleanup");
  assertEquals(composed.next(), { done: true, value: "value" });
  assertEquals(log, ["caught enough", "a finally"]);
});

Deno.test("throw() while closing leaves with the error, when the finally does not catch it", () => {
  const log: string[] = [];
  const composed = compose(caller(log, "a", cleaning(log, "c")));
  composed.next();
  composed.return("value");
  assertThrows(() => composed.throw(new Error("enough")), Error, "enough");
  assertEquals(log, ["c begins", "a finally"]);
  assertEquals(composed.next().done, true);
});

Deno.test("return() while closing gives up the yield of the finally and closes on, with the later value", () => {
  const log: string[] = [];
  const composed = compose(cleaning(log, "a", cleaning(log, "c")));
  composed.next();
  composed.return("first");
  assertEquals(composed.return("second").value, undefined);
  assertEquals(log, ["c begins", "a begins"]);
  assertEquals(composed.next("x").value, "a writes");
  assertEquals(composed.next(), { done: true, value: "second" });
});

Deno.test("return() twice while a finally calls closes the called coroutine first", () => {
  const log: string[] = [];
  function* inner(): Coroutine {
    try {
      yield "ready";
    } finally {
      try {
        yield* call(cleaning(log, "flush"));
        log.push("inner ran on");
      } finally {
        log.push("inner ends");
      }
    }
  }
  const composed = compose(caller(log, "a", inner()));
  assertEquals(composed.next().value, "ready");
  assertEquals(composed.return(1).value, "ready");
  assertEquals(composed.return(2).value, undefined);
  assertEquals(composed.next("x").value, "flush writes");
  assertEquals(composed.next(), { done: true, value: 2 });
  assertEquals(log, ["flush begins", "flush reads x", "flush ends", "inner ends", "a finally"]);
});

Deno.test("return() ends at once, when nothing has run", () => {
  let ran = false;
  const composed = compose((function* (): Coroutine {
    ran = true;
  })());
  assertEquals(composed.return("value"), { done: true, value: "value" });
  assertEquals(composed.next().done, true);
  assertEquals(ran, false);
});

Deno.test("return() gives the value, when all is over", () => {
  const composed = compose((function* (): Coroutine {})());
  composed.next();
  assertEquals(composed.return("value"), { done: true, value: "value" });
  assertEquals(composed.return("again"), { done: true, value: "again" });
});

Deno.test("return() closes a nested Composed frame by frame, and then its callers", () => {
  const log: string[] = [];
  const composed = compose(
    caller(log, "a", compose(caller(log, "b", compose(cleaning(log, "c"))))),
  );
  composed.next();
  assertEquals(composed.return("value").value, undefined);
  composed.next(1);
  assertEquals(composed.next(), { done: true, value: "value" });
  assertEquals(log, ["c begins", "c reads 1", "c ends", "b finally", "a finally"]);
});

Deno.test("using closes a composed coroutine at the end of the block", () => {
  const log: string[] = [];
  {
    using composed = compose(caller(log, "a", caller(log, "b")));
    composed.next();
    log.push("block");
  }
  assertEquals(log, ["block", "b finally", "a finally"]);
});

Deno.test("using leaves a composed coroutine that was called to its caller, and closes one that was not", () => {
  const log: string[] = [];
  function* main(): Coroutine {
    using called = compose(caller(log, "a"));
    using open = compose(caller(log, "b"));
    open.next();
    yield called;
    log.push("end of block");
  }
  assertEquals([...compose(main())], ["ready"]);
  assertEquals(log, [
    "a ran on",
    "a finally",
    "a ran on after finally",
    "end of block",
    "b finally",
  ]);
  log.length = 0;
  const closed = compose(main());
  closed.next();
  closed.return(undefined);
  assertEquals(log, ["a finally", "b finally"]);
});

Deno.test("for...of closes a composed coroutine, when it is left by break", () => {
  const log: string[] = [];
  for (const value of compose(caller(log, "a", caller(log, "b")))) {
    assertEquals(value, "ready");
    break;
  }
  assertEquals(log, ["b finally", "a finally"]);
});

Deno.test("using inside a coroutine disposes, when the coroutine is closed", () => {
  const log: string[] = [];
  function* inner(): Coroutine {
    using _ = { [Symbol.dispose]: () => void log.push("disposed") };
    yield;
  }
  const composed = compose(caller(log, "a", inner()));
  composed.next();
  composed.return(undefined);
  assertEquals(log, ["disposed", "a finally"]);
});

Deno.test("return() keeps what was pushed back, in rest", () => {
  function* back(): Coroutine<void> {
    return pushBack(undefined, 1, 2);
  }
  function* main(): Coroutine {
    yield back();
    yield "ready";
  }
  const composed = compose(main());
  composed.next();
  composed.return(undefined);
  assertEquals(composed.rest, [1, 2]);
});

Deno.test("return() closes again, when a caller caught the error of a finally and went on", () => {
  const log: string[] = [];
  function* failing(): Coroutine {
    try {
      yield "ready";
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new Error("cleanup failed");
    }
  }
  function* main(): Coroutine<string> {
    try {
      yield* call(failing());
    } catch {
      // As in any generator: the error has taken the place of the closing.
      log.push("caught");
      yield "went on";
      log.push("ran on");
    }
    return "end";
  }
  const composed = compose(main());
  composed.next();
  assertEquals(composed.return("value").value, "went on");
  assertEquals(composed.return("again"), { done: true, value: "again" });
  assertStrictEquals(log.join(), "caught");
});

Deno.test("return() goes on with the callers, when one of them caught the error of a finally", () => {
  const log: string[] = [];
  function* failing(): Coroutine {
    try {
      yield "ready";
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new Error("cleanup failed");
    }
  }
  function* catching(): Coroutine {
    try {
      yield* call(failing());
    } catch (error) {
      log.push(`caught ${(error as Error).message}`);
      yield "clean up";
    }
  }
  const composed = compose(caller(log, "a", caller(log, "b", catching())));
  composed.next();
  assertEquals(composed.return("value").value, "clean up");
  assertEquals(composed.next(), { done: true, value: "value" });
  assertEquals(log, ["caught cleanup failed", "b finally", "a finally"]);
});

Deno.test("return() twice gives the earlier value, when the later close ended in an error that a finally caught", () => {
  function* inner(): Coroutine {
    try {
      yield "ready";
    } finally {
      try {
        try {
          yield "cleanup";
        } finally {
          yield "cleanup of the cleanup";
        }
      } catch (error) {
        assertEquals(error, "enough");
      }
    }
  }
  function* main(): Coroutine {
    yield* call(inner());
  }
  // As in a plain generator, at any depth.
  for (const coroutine of [inner(), compose(inner()), compose(main())]) {
    coroutine.next();
    assertEquals(coroutine.return("first").value, "cleanup");
    assertEquals(coroutine.return("second").value, "cleanup of the cleanup");
    assertEquals(coroutine.throw("enough"), { done: true, value: "first" });
  }
});
