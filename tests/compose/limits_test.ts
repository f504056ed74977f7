import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  call,
  compose,
  type Composed,
  type Coroutine,
  pushBack,
  retval,
  Yield,
} from "@weightless/io/compose";
import { be, Observable, pipe, Transparent } from "@weightless/io/pipeline";

/** Ways to recurse without end. Each begins with a function of this name, so that the error can tell it. */
const endless: Record<string, (maxDepth?: number) => Composed> = {
  "yield* call(sub())": (maxDepth) => {
    function* recurse(): Coroutine {
      yield* call(recurse());
    }
    return compose(recurse(), { maxDepth: maxDepth! });
  },
  "yield sub()": (maxDepth) => {
    function* recurse(): Coroutine {
      yield recurse();
    }
    return compose(recurse(), { maxDepth: maxDepth! });
  },
  "yield compose(sub())": (maxDepth) => {
    function* recurse(): Coroutine {
      yield compose(recurse());
    }
    return compose(recurse(), { maxDepth: maxDepth! });
  },
  "in a finally": (maxDepth) => {
    function* recurse(): Coroutine {
      try {
        return;
      } finally {
        yield* call(recurse());
      }
    }
    return compose(recurse(), { maxDepth: maxDepth! });
  },
  "with stepping": (maxDepth) => {
    function* recurse(): Coroutine {
      yield* call(recurse());
    }
    return compose(recurse(), { maxDepth: maxDepth!, stepping: true });
  },
  "in a stage": (maxDepth) => {
    function* recurse(): Coroutine {
      yield* call(recurse());
    }
    return pipe(compose(recurse(), { maxDepth: maxDepth! }));
  },
  "two by turns": (maxDepth) => {
    function* recurse(): Coroutine {
      yield* call(other());
    }
    function* other(): Coroutine {
      yield recurse();
    }
    return compose(recurse(), { maxDepth: maxDepth! });
  },
};

/** Runs it to its end, also if it is stepping. */
function run(composed: Composed): unknown {
  for (;;) {
    const { done, value } = composed.next();
    if (done) return value;
    assertEquals(value, Yield);
  }
}

for (const [how, make] of Object.entries(endless)) {
  Deno.test(`compose() ends an endless recursion by a RangeError that names the coroutine: ${how}`, () => {
    const error = assertThrows(() => run(make(100)), RangeError);
    assert(
      /^Cannot call (recurse|other): 101 coroutines wait for each other already\. .*maxDepth/.test(
        error.message,
      ),
      error.message,
    );
    assertStringIncludes(error.stack!, "limits_test.ts");
  });
}

Deno.test("compose() has a maxDepth of a million, unless it is told otherwise", () => {
  let depth = 0;
  function* recurse(): Coroutine {
    depth++;
    yield recurse();
  }
  const error = assertThrows(() => compose(recurse()).next(), RangeError);
  assertStringIncludes(error.message, "Cannot call recurse: 1000001 coroutines wait");
  assertEquals(depth, 1_000_001);
});

Deno.test("compose() throws at the call that goes too deep, where it can be caught", () => {
  function* down(depth: number): Coroutine<number> {
    try {
      return yield* call(down(depth + 1));
    } catch (error) {
      assert(error instanceof RangeError);
      return depth;
    }
  }
  for (const maxDepth of [0, 1, 2, 10]) {
    assertEquals(compose(down(0), { maxDepth }).next(), { done: true, value: maxDepth });
  }
});

Deno.test("compose() counts the calls that wait, not those that have returned", () => {
  function* sub(): Coroutine<number> {
    return 1;
  }
  function* main(): Coroutine<number> {
    let sum = 0;
    for (let i = 0; i < 100; i++) sum += yield* call(sub());
    return sum;
  }
  assertEquals(compose(main(), { maxDepth: 1 }).next().value, 100);
});

Deno.test("compose() takes the smaller limit of a composed coroutine that is called, and any of one it composes", () => {
  function* down(depth: number): Coroutine<void> {
    if (depth > 0) yield* call(down(depth - 1));
  }
  function* calling(maxDepth: number): Coroutine<void> {
    yield* call(compose(down(5), { maxDepth }));
  }
  compose(calling(5)).next();
  assertThrows(() => compose(calling(4)).next(), RangeError, "Cannot call down");
  assertThrows(() => compose(calling(9), { maxDepth: 5 }).next(), RangeError, "Cannot call down");
  assertThrows(() => compose(compose(down(5), { maxDepth: 4 })).next(), RangeError);
  compose(compose(down(5), { maxDepth: 4 }), { maxDepth: 5 }).next();
});

Deno.test("compose() takes Infinity for no limit, and refuses what is no size", () => {
  function* down(depth: number): Coroutine<string> {
    return depth > 0 ? yield* call(down(depth - 1)) : "deep";
  }
  assertEquals(compose(down(1_000_100), { maxDepth: Infinity }).next().value, "deep");
  for (const maxDepth of [-1, 1.5, NaN]) {
    assertThrows(() => compose(down(0), { maxDepth }), RangeError, `Cannot use ${maxDepth} as`);
  }
});

Deno.test("Transparents in a circle end by an error, whoever sends", () => {
  for (const verb of ["all", "any", "do", "call"]) {
    const sender = new Observable();
    const circle = new Transparent();
    be([sender, [circle, [new Transparent()]]]);
    (circle.observers[0] as Transparent).addObserver(circle);
    const send = () => {
      const sent = (sender as unknown as Record<string, Record<string, () => Coroutine>>)[verb]!
        .nothing!();
      if (verb === "all" || verb === "any") compose(sent, { maxDepth: 1000 }).next();
    };
    assertThrows(send, RangeError);
  }
});

Deno.test("pipe() of a pipe of a pipe without end is a RangeError, and others work after it", () => {
  function* nested(): Coroutine {
    yield* call(pipe(nested()));
  }
  assertThrows(() => compose(nested()).next(), RangeError);
  let pipes: Coroutine<unknown> = (function* (): Coroutine<string> {
    return `${yield}!`;
  })();
  for (let i = 0; i < 100; i++) pipes = pipe(pipes);
  pipes.next();
  assertEquals(pipes.next("works"), { done: true, value: "works!" });
});

Deno.test("pushBack() of ever more than is read is a RangeError at the caller's yield", () => {
  function* twice(): Coroutine<string> {
    const read = yield;
    return pushBack(read, read, read);
  }
  function* main(): Coroutine<string> {
    try {
      for (;;) yield* call(twice());
    } catch (error) {
      return (error as Error).message;
    }
  }
  assertStringIncludes(
    retval(main(), ["more"]),
    "Cannot push back more than 1000000 values that nobody has read",
  );
});

Deno.test("pipe() takes over a great number of values that were pushed back", () => {
  const many = Array.from({ length: 300_000 }, (_, i) => i);
  function* pushing(): Coroutine<string> {
    return pushBack("first", ...many.slice(0, 100_000));
  }
  function* first(): Coroutine {
    for (let i = 0; i < 3; i++) yield* call(pushing());
    return "ended";
  }
  const composed = compose(pipe(first()));
  assertEquals(composed.next(), { done: true, value: "ended" });
  assertEquals(composed.rest.length, 300_000);
});
