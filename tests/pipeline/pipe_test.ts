import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  call,
  compose,
  type Coroutine,
  EndOfStream,
  isCoroutine,
  pushBack,
  Yield,
} from "../../compose/mod.ts";
import { batch, flatMap, lines, map, pipe, type Stage, take } from "../../pipeline/mod.ts";
import { Ask, collect, feed, items, logged } from "./_stages.ts";

const add = (n: number): Stage => map((x: number) => x + n);

Deno.test("pipe() reads what the first stage reads and yields what the last one yields", () => {
  const p = pipe(add(1), map((n: number) => `${n}!`));
  assertEquals(p.next(), { done: false, value: undefined });
  assertEquals(p.next(1), { done: false, value: "2!" });
  assertEquals(p.next(), { done: false, value: undefined });
  assertEquals(p.next(5), { done: false, value: "6!" });
});

Deno.test("pipe() of one stage is that stage", () => {
  assertEquals(feed(pipe(add(1)), [1, 2]).out, [2, 3]);
});

Deno.test("pipe() takes functions that make coroutines", () => {
  assertEquals(
    feed(
      pipe(() => items(1, 2), function* () {
        for (;;) yield -(yield);
      }),
    ).out,
    [-1, -2],
  );
});

Deno.test("pipe() returns what the last stage returns", () => {
  assertEquals(feed(pipe(items(1, 2), collect())).value, [1, 2]);
});

Deno.test("pipe() is a coroutine: composed, called, and a stage of another pipe", () => {
  const inner = () => pipe(add(1), add(1));
  assert(isCoroutine(inner()));
  function* outer(): Coroutine {
    return yield* call(pipe(add(1), collect()));
  }
  assertEquals(feed(outer(), [1, 2]).value, [2, 3]);
  assertEquals(feed(pipe(inner(), inner(), inner()), [1, 2]).out, [7, 8]);
});

Deno.test("pipe() runs on demand: the last stage first, and nothing ahead of it", () => {
  const log: string[] = [];
  const p = pipe(logged("a", log), logged("b", log));
  p.next();
  assertEquals(log, ["b begins", "a begins"]);
  p.next(1);
  assertEquals(log.splice(0), ["b begins", "a begins", "a got 1", "b got 1"]);
  p.next();
  assertEquals(log, []);
});

Deno.test("pipe() does not read when the last stage only yields", () => {
  const log: string[] = [];
  const p = pipe(logged("a", log), items(1, 2));
  assertEquals([p.next().value, p.next().value], [1, 2]);
  assertEquals(log, []);
});

Deno.test("pipe() passes empty values as data", () => {
  for (const value of [null, 0, "", false, NaN]) {
    assertEquals(feed(pipe(items(value), add(0) && collect())).value, [value]);
  }
});

Deno.test("pipe() composes its stages: they call others, which push back what they did not need", () => {
  function* word(): Coroutine<string> {
    let text = "";
    for (;;) {
      text += yield;
      const end = text.indexOf(" ");
      if (end >= 0) return pushBack(text.slice(0, end), text.slice(end + 1));
    }
  }
  function* words(): Coroutine {
    for (;;) yield yield* call(word());
  }
  assertEquals(feed(pipe(words(), collect()), ["to b", "e or", " not ", "x"]).value, [
    "to",
    "be",
    "or",
    "not",
  ]);
});

Deno.test("pipe() gives EndOfStream at each read after the stage before has ended", () => {
  let ends = 0;
  function* stubborn(): Coroutine {
    while (ends < 3) {
      try {
        yield;
      } catch (error) {
        assertInstanceOf(error, EndOfStream);
        ends++;
      }
    }
    return "enough";
  }
  assertEquals(feed(pipe(items(1, 2), stubborn())).value, "enough");
});

Deno.test("pipe() ends quietly when a stage does not catch EndOfStream", () => {
  assertEquals(feed(pipe(add(1), add(1)), [1]), { out: [3], value: undefined });
});

Deno.test("pipe() lets a stage yield what it has left at the end of the stream", () => {
  assertEquals(feed(pipe(batch(2), batch(2)), [1, 2, 3, 4, 5]).out, [[[1, 2], [3, 4]], [[5]]]);
});

Deno.test("pipe() ends with the last stage and closes those before it, last to first", () => {
  const log: string[] = [];
  const p = pipe(logged("a", log), logged("b", log), take(1));
  p.next();
  p.next(1);
  log.length = 0;
  assertEquals(p.next(), { done: true, value: undefined });
  assertEquals(log, ["b closed", "a closed"]);
});

Deno.test("pipe() closes the stages before one that ends at once, and goes on with those after it", () => {
  const log: string[] = [];
  const p = pipe(logged("a", log), take(1), collect());
  p.next();
  assertEquals(p.next("x").value, ["x"]);
  assertEquals(log.slice(-1), ["a closed"]);
  assertEquals(p.next(), { done: true, value: ["x"] });
});

Deno.test("pipe() closes all other stages when one fails, last to first, once", () => {
  for (const position of [0, 1, 2]) {
    const log: string[] = [];
    const stages: Stage[] = [logged("a", log), logged("b", log)];
    stages.splice(
      position,
      0,
      map(() => {
        throw new RangeError("bad");
      }),
    );
    const p = pipe(...stages);
    p.next();
    assertThrows(() => p.next(1), RangeError, "bad");
    assertEquals(log.filter((line) => line.includes("closed")), ["b closed", "a closed"]);
    assertEquals(p.next(), { done: true, value: undefined });
  }
});

Deno.test("pipe() closes all stages when it is closed, last to first, once", () => {
  const log: string[] = [];
  const p = pipe(logged("a", log), logged("b", log), logged("c", log));
  p.next();
  assertEquals(p.return("given"), { done: true, value: "given" });
  assertEquals(log.splice(0), [
    "c begins",
    "b begins",
    "a begins",
    "c closed",
    "b closed",
    "a closed",
  ]);
  p.return(undefined);
  assertEquals(log, []);
});

Deno.test("pipe() that was not started can be closed", () => {
  const log: string[] = [];
  pipe(logged("a", log), logged("b", log)).return(undefined);
  assertEquals(log, []);
});

Deno.test("pipe() runs a finally that yields to its end before the next stage is closed", () => {
  const log: string[] = [];
  function* slow(name: string): Coroutine {
    try {
      for (;;) yield yield;
    } finally {
      log.push(`${name}: ${yield* new Ask(name)}`);
      yield "lost unless it is the last";
      log.push(`${name} closed`);
    }
  }
  const p = pipe(slow("a"), slow("b"));
  p.next();
  const out: unknown[] = [];
  let result = p.return(undefined);
  while (!result.done) {
    const isAsked = result.value instanceof Ask;
    if (!isAsked) out.push(result.value);
    result = p.next(isAsked ? "waited" : undefined);
  }
  assertEquals(log, ["b: waited", "b closed", "a: waited", "a closed"]);
  assertEquals(out, ["lost unless it is the last"]);
});

Deno.test("pipe() throws what the driver throws in at the stage that waits while it is closed", () => {
  const log: string[] = [];
  function* slow(name: string): Coroutine {
    try {
      for (;;) yield yield;
    } finally {
      try {
        yield* new Ask(name);
      } catch (error) {
        log.push(`${name} caught ${(error as Error).message}`);
        yield* new Ask(name);
        log.push(`${name} closed`);
      }
    }
  }
  const p = pipe(slow("a"), slow("b"));
  p.next();
  assertInstanceOf(p.return(undefined).value, Ask);
  assertInstanceOf(p.throw(new Error("one")).value, Ask);
  assertInstanceOf(p.next().value, Ask);
  assertInstanceOf(p.throw(new Error("two")).value, Ask);
  assertEquals(p.next().done, true);
  assertEquals(log, ["b caught one", "b closed", "a caught two", "a closed"]);
});

Deno.test("pipe() that is closed again while it waits cuts off this finally only", () => {
  const log: string[] = [];
  function* slow(name: string): Coroutine {
    try {
      for (;;) yield yield;
    } finally {
      try {
        yield* new Ask(name);
        log.push("never");
      } finally {
        log.push(`${name} closed`);
      }
    }
  }
  const p = pipe(slow("a"), logged("b", log), slow("c"));
  p.next();
  log.length = 0;
  assertEquals((p.return(1).value as Ask).question, "c");
  assertEquals((p.return(2).value as Ask).question, "a");
  assertEquals(log, ["c closed", "b closed"]);
  assertEquals(p.return(3), { done: true, value: 3 });
  assertEquals(log, ["c closed", "b closed", "a closed"]);

  const failing = map(() => {
    throw new Error("first");
  });
  const q = pipe(logged("a", log), slow("b"), failing);
  q.next();
  assertInstanceOf(q.next(1).value, Ask);
  log.length = 0;
  assertThrows(() => q.return(), Error, "first");
  assertEquals(log, ["b closed", "a closed"]);
});

Deno.test("pipe() closed while a stage that has ended has those before it closed closes all", () => {
  const log: string[] = [];
  function* slow(): Coroutine {
    try {
      for (;;) yield yield;
    } finally {
      yield* new Ask("closing");
    }
  }
  const p = pipe(logged("a", log), slow(), take(1), logged("d", log));
  p.next();
  p.next("x");
  assertInstanceOf(p.next().value, Ask);
  log.length = 0;
  assertEquals(p.return(0).done, true);
  assertEquals(log, ["a closed", "d closed"]);
});

Deno.test("pipe() gives EndOfStream to a stage that reads while it is closed", () => {
  let caught: unknown;
  function* reading(): Coroutine {
    try {
      yield;
    } finally {
      try {
        yield;
      } catch (error) {
        caught = error;
      }
    }
  }
  pipeTo(reading());
  assertInstanceOf(caught, EndOfStream);

  function pipeTo(stage: Coroutine): void {
    const p = pipe(add(1), stage);
    p.next();
    assertEquals(p.return(undefined).done, true);
  }
});

Deno.test("pipe() lets its first stage read from outside while it is closed", () => {
  let farewell: unknown;
  function* polite(): Coroutine {
    try {
      for (;;) yield yield;
    } finally {
      farewell = yield;
    }
  }
  const p = pipe(polite(), add(1));
  p.next();
  assertEquals(p.return(undefined), { done: false, value: undefined });
  assertEquals(p.next("bye").done, true);
  assertEquals(farewell, "bye");
});

Deno.test("pipe() lets the first error out when others follow while closing", () => {
  function* failing(name: string): Coroutine {
    try {
      for (;;) yield yield;
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new Error(name);
    }
  }
  const p = pipe(failing("a"), failing("b"));
  p.next();
  assertThrows(() => p.return(undefined), Error, "b");

  const q = pipe(
    failing("a"),
    map(() => {
      throw new Error("first");
    }),
  );
  q.next();
  assertThrows(() => q.next(1), Error, "first");
});

Deno.test("pipe() passes Requests and Yield of any stage to the driver, and the answer to that stage", () => {
  function* asking(name: string): Coroutine {
    for (;;) {
      const item = yield;
      const answer = yield* new Ask(name);
      yield Yield;
      yield `${item}${answer}`;
    }
  }
  const p = pipe(asking("a"), asking("b"));
  p.next();
  const seen: unknown[] = [];
  let result = p.next("x");
  while (result.value !== undefined) {
    let answer: unknown;
    if (result.value instanceof Ask) {
      seen.push(result.value.question);
      answer = result.value.question.toUpperCase();
    } else seen.push(result.value);
    result = p.next(answer);
  }
  assertEquals(seen, ["a", Yield, "b", Yield, "xAB"]);
});

Deno.test("pipe() throws what the driver throws in at the stage that waits for the driver", () => {
  const log: string[] = [];
  function* careful(name: string): Coroutine {
    for (;;) {
      try {
        const item = yield;
        yield* new Ask(name);
        yield item;
      } catch (error) {
        log.push(`${name} ${(error as Error).message}`);
      }
    }
  }
  const p = pipe(careful("a"), careful("b"));
  p.next();
  p.throw(new Error("reading"));
  assertEquals(log.splice(0), ["a reading"]);
  p.next(1);
  p.throw(new Error("asking"));
  assertEquals(log.splice(0), ["a asking"]);
  p.next(2);
  const asked = p.next().value as Ask;
  assertEquals(asked.question, "b");
  p.throw(new Error("asking"));
  assertEquals(log.splice(0), ["b asking"]);
  p.next(3);
  p.next();
  assertEquals(p.next().value, 3);
  p.throw(new Error("writing"));
  assertEquals(log.splice(0), ["b writing"]);
  assertEquals(p.next(4).done, false);
});

Deno.test("pipe() of a pipe: EndOfStream, errors and closing go through both", () => {
  const log: string[] = [];
  const p = pipe(
    logged("a", log),
    pipe(logged("b", log), logged("c", log)),
    logged("d", log),
  );
  p.next();
  p.return(undefined);
  assertEquals(log.slice(4), ["d closed", "c closed", "b closed", "a closed"]);
  assertEquals(feed(pipe(pipe(batch(2)), pipe(collect())), [1, 2, 3]).value, [[1, 2], [3]]);
});

Deno.test("pipe() pushes back what its first stage read and pushed back", () => {
  function* first(count: number): Coroutine<void> {
    const text: string = yield;
    yield text.slice(0, count);
    return pushBack(undefined, text.slice(count));
  }
  const p = pipe(first(3), collect());
  p.next();
  p.next("abcdef");
  assertEquals(p.next(), { done: true, value: ["abc"] });
  assertEquals(p.rest, ["def"]);

  function* outer(): Coroutine {
    const begin = yield* call(pipe(first(3), collect()));
    return [begin, yield];
  }
  assertEquals(feed(outer(), ["abcdef"]), { out: [["abc"]], value: [["abc"], "def"] });
});

Deno.test("pipe() pushes back what its first stage had not read when the last one ended", () => {
  function* header(): Coroutine<string> {
    const text: string = yield;
    return pushBack(text.slice(0, 2), text.slice(2));
  }
  function* first(): Coroutine<void> {
    yield yield* call(header());
    yield "never read";
  }
  const p = pipe(first(), take(1));
  p.next();
  p.next("abcd");
  p.next();
  assertEquals(p.rest, ["cd"]);
});

Deno.test("pipe() without stages, or with something else, is an error", () => {
  assertThrows(() => pipe(), TypeError, "Cannot make a pipe without stages");
  // deno-lint-ignore no-explicit-any
  assertThrows(() => pipe(5 as any));
});

Deno.test("pipe() leaves what is no Error, or frozen, as it is", () => {
  const thrown: unknown[] = ["text", undefined, null, Object.freeze(new Error("frozen"))];
  for (const error of thrown) {
    const p = pipe(
      add(1),
      map(() => {
        throw error;
      }),
    );
    p.next();
    let caught: unknown = "nothing";
    try {
      p.next(1);
    } catch (e) {
      caught = e;
    }
    assertStrictEquals(caught, error);
  }
});

Deno.test("pipe() errors name the stage", () => {
  function inside(): never {
    throw new Error("inside");
  }
  function* culprit(): Coroutine {
    for (;;) yield inside() ?? (yield);
  }
  const p = pipe(lines(), culprit(), flatMap((x: string[]) => x));
  const error = assertThrows(
    () => {
      p.next();
      p.next("one\n");
    },
    Error,
    "inside",
  );
  assertStringIncludes(error.stack!, "at inside ");
  assertStringIncludes(error.stack!, "at culprit");
});

Deno.test("pipe() can run 100,000 items through 100 stages without a deep stack or memory", () => {
  const stages = Array.from({ length: 100 }, () => add(1));
  let sum = 0;
  const p = compose(pipe(...stages));
  p.next();
  for (let i = 0; i < 1000; i++) {
    sum += p.next(i).value as number;
    p.next();
  }
  assertEquals(sum, 499500 + 100_000);
});
