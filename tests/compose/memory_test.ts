// deno-lint-ignore-file require-yield
/*
 * What has finished is not held: frames, messages, responses, errors. V8 is told to collect garbage, so that nothing
 * here depends on when it would.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  call,
  compose,
  type Composed,
  type Coroutine,
  Local,
  pushBack,
} from "@weightless/io/compose";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

/** What is big enough to be noticed, and can be asked for. */
class Thing {
  static readonly made: WeakRef<Thing>[] = [];
  readonly ballast = new Uint8Array(1000);
  constructor() {
    Thing.made.push(new WeakRef(this));
  }
}

/** How many Things are still held after `f`, while what it returned lives. */
async function held(f: () => unknown): Promise<number> {
  Thing.made.length = 0;
  const alive = f();
  // A WeakRef keeps what it refers to until the end of the turn.
  await new Promise((resolve) => setTimeout(resolve, 0));
  gc();
  const count = Thing.made.filter((ref) => ref.deref() !== undefined).length;
  return alive === null ? -1 : count;
}

function* keeps(thing: unknown, then: unknown): Coroutine<unknown> {
  try {
    const data = yield then;
    return data ?? thing;
  } finally {
    thing = undefined;
  }
}

/** Waits, after having called something that uses up Things in all ways. */
function* waiting(): Coroutine<void> {
  yield keeps(new Thing(), new Thing());
  yield* call(keeps(new Thing(), undefined));
  try {
    yield* call((function* (): Coroutine {
      const thing = new Thing();
      throw Object.assign(new Error("oops"), { thing });
    })());
  } catch {
    // gone
  }
  yield (function* (): Coroutine {
    new Local<Thing>().set(new Thing());
  })();
  yield (function* (): Coroutine<void> {
    return pushBack(undefined, new Thing());
  })();
  yield;
  yield compose(keeps(new Thing(), undefined));
  yield "waiting";
}

function run(): Composed<void> {
  const composed = compose(waiting());
  composed.next();
  composed.next();
  composed.next(new Thing());
  composed.next(new Thing());
  return composed;
}

Deno.test("compose() holds nothing of what has finished, while the coroutine waits", async () => {
  assertEquals(
    await held(() => {
      const composed = run();
      return composed;
    }),
    0,
  );
});

Deno.test("compose() holds nothing, when all is over: by its end, an error, a close", async () => {
  assertEquals(
    await held(() => {
      const ended = run();
      ended.next();
      const thrown = run();
      assertThrows(() => thrown.throw(Object.assign(new Error("oops"), { thing: new Thing() })));
      const closed = compose(keeps(new Thing(), undefined));
      closed.next();
      closed.return(new Thing());
      const gone = compose(keeps(new Thing(), undefined));
      assertThrows(() => gone.throw(Object.assign(new Error("oops"), { thing: new Thing() })));
      return [ended, thrown, closed, gone];
    }),
    0,
  );
});

Deno.test("compose() holds nothing by what call() made, when it has ended by returning or an error", async () => {
  function* sub(fails: boolean): Coroutine<void> {
    if (fails) throw new Error("oops");
  }
  function* main(calls: ReturnType<typeof call>[]): Coroutine<void> {
    new Local<Thing>().set(new Thing());
    for (const each of calls) {
      try {
        yield* each;
      } catch {
        // as expected
      }
    }
  }
  assertEquals(
    await held(() => {
      const calls = [call(sub(false)), call(sub(true))];
      compose(main(calls)).next();
      return calls;
    }),
    0,
  );
});

Deno.test("compose() holds a coroutine as long as it waits, and no longer", async () => {
  function* main(): Coroutine<void> {
    yield* call(keeps(new Thing(), undefined));
    yield "after";
  }
  const composed = compose(main());
  assertEquals(await held(() => composed.next()), 1);
  assertEquals(
    await held(() => {
      composed.next(new Thing());
      return composed;
    }),
    0,
  );
});

Deno.test("compose() does not grow, when it is resumed and calls a million times", () => {
  function* sub(n: number): Coroutine<number> {
    return n + 1;
  }
  function* main(): Coroutine<void> {
    for (let n = 0;;) {
      if ((n = yield* call(sub(n))) % 10 === 0) yield n;
      else yield;
    }
  }
  const composed = compose(main());
  composed.next();
  const resume = (times: number) => {
    for (let i = 0; i < times; i++) composed.next();
    gc();
    return Deno.memoryUsage().heapUsed;
  };
  resume(100_000);
  const before = resume(100_000);
  const after = resume(1_000_000);
  assert(after - before < 1_000_000, `the heap grew by ${after - before} bytes`);
});

Deno.test("compose() does not grow, when data is pushed back and read 300,000 times", () => {
  function* peek(): Coroutine<number> {
    const n: number = yield;
    return pushBack(n, n);
  }
  function* main(): Coroutine<void> {
    for (;;) {
      yield* call(peek());
      yield;
    }
  }
  const composed = compose(main());
  composed.next();
  const resume = (times: number) => {
    for (let i = 0; i < times; i++) composed.next(i);
    gc();
    return Deno.memoryUsage().heapUsed;
  };
  resume(100_000);
  const before = resume(100_000);
  const after = resume(300_000);
  assert(after - before < 1_000_000, `the heap grew by ${after - before} bytes`);
});

Deno.test("compose() does not grow, when the same error passes it 40,000 times", () => {
  const error = new Error("always the same");
  function* failing(): Coroutine<void> {
    throw error;
  }
  function* main(): Coroutine<void> {
    yield* call(failing());
  }
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) {
      try {
        compose(main()).next();
      } catch {
        // as expected
      }
    }
    gc();
    return Deno.memoryUsage().heapUsed;
  };
  fail(5000);
  const before = fail(5000);
  const after = fail(40_000);
  assert(after - before < 1_000_000, `the heap grew by ${after - before} bytes`);
});
