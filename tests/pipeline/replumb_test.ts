import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { call, type Coroutine, EndOfStream, pushBack, readLine } from "../../compose/mod.ts";
import { batch, flatMap, map, type Pipe, pipe, type Stage, take } from "../../pipeline/mod.ts";
import { Ask, collect, feed, items, logged } from "./_stages.ts";

const add = (n: number): Stage => map((x: number) => x + n);
const times = (n: number): Stage => map((x: number) => x * n);

/** Sends one item; gives all that comes out before more is wanted. */
function send(p: Pipe, item: unknown): unknown[] {
  const out: unknown[] = [];
  for (let { value } = p.next(item); value !== undefined; { value } = p.next()) out.push(value);
  return out;
}

function started(...stages: Stage[]): Pipe {
  const p = pipe(...stages);
  p.next();
  return p;
}

Deno.test("Pipe.insert() puts a stage at the beginning, in between and at the end", () => {
  const p = started(times(10));
  assertEquals(send(p, 1), [10]);
  p.insert(0, add(1));
  assertEquals(send(p, 1), [20]);
  p.insert(1, add(2));
  assertEquals(send(p, 1), [40]);
  p.insert(p.length, add(3));
  assertEquals(send(p, 1), [43]);
  assertEquals(p.length, 4);
});

Deno.test("Pipe.replace() and remove() work at each place", () => {
  const p = started(add(1), times(10), add(5));
  assertEquals(send(p, 1), [25]);
  p.replace(1, times(100));
  assertEquals(send(p, 1), [205]);
  p.replace(0, add(2));
  assertEquals(send(p, 1), [305]);
  p.replace(2, add(6));
  assertEquals(send(p, 1), [306]);
  p.remove(1);
  assertEquals(send(p, 1), [9]);
  p.remove(1);
  assertEquals(send(p, 1), [3]);
  assertEquals(p.length, 1);
  assertThrows(() => p.remove(0), RangeError, "Cannot remove the only stage of a pipe");
});

Deno.test("Pipe can be changed before it starts; stages that never ran are not run", () => {
  const log: string[] = [];
  const p = pipe(logged("never", log), add(1));
  p.replace(0, add(10));
  p.insert(0, logged("neither", log));
  p.remove(0);
  assertEquals(feed(p, [1]).out, [12]);
  assertEquals(log, []);
});

Deno.test("Pipe.replace() lets the old stage yield what it has left, before the new one gets anything", () => {
  const p = started(batch(3), collect());
  send(p, 1);
  send(p, 2);
  p.replace(0, batch(2));
  send(p, 3);
  send(p, 4);
  assertEquals(feed(finishing(p)).out, [[[1, 2], [3, 4]]]);
});

Deno.test("Pipe.replace() gives the new stage what the old one pushed back and did not read", () => {
  function* pair(): Coroutine<string> {
    const text: string = yield;
    return pushBack(text.slice(0, 2), text.slice(2));
  }
  function* onePair(): Coroutine<void> {
    yield yield* call(pair());
    yield* new Ask("go on?");
  }
  const p = started(onePair());
  assertEquals(p.next("abcdef").value, "ab");
  p.replace(0, map((text: string) => text.toUpperCase()));
  p.next();
  assertEquals(p.next(), { done: false, value: "CDEF" });
});

Deno.test("Pipe.replace() lets the old stage not even read what it has pushed back", () => {
  function* oneByOne(): Coroutine<void> {
    for (;;) yield yield* call(readLine());
  }
  const text = "a\nb\nc\nd";
  for (const before of ["a", "b", "c", "d"]) {
    for (const inside of [true, false]) {
      const out: unknown[] = [];
      const p: Pipe = pipe(
        function* () {
          for (;;) {
            const line = yield* call(readLine());
            if (inside && line === before) p.replace(0, oneByOne());
            yield line;
          }
        },
        function* () {
          for (;;) {
            const line = yield;
            if (!inside && line === before) p.replace(0, oneByOne());
            out.push(line);
          }
        },
      );
      feed(p, [text, "", "e\nf", "g\n"]);
      assertEquals(out, ["a", "b", "c", "de", "fg"], `before ${before}, inside: ${inside}`);
    }
  }
});

Deno.test("Pipe.remove() gives what the stage had not read to the next one, or the outside", () => {
  function* pair(): Coroutine<string> {
    const text: string = yield;
    return pushBack(text.slice(0, 2), text.slice(2));
  }
  function* onePair(): Coroutine<void> {
    yield yield* call(pair());
  }
  const middle = started(map((x) => x), onePair(), map((text: string) => `<${text}>`));
  assertEquals(middle.next("abcd").value, "<ab>");
  middle.remove(1);
  assertEquals([middle.next().value, middle.next().value], ["<cd>", undefined]);
  assertEquals(send(middle, "ef"), ["<ef>"]);

  const last = started(map((x) => x), onePair());
  assertEquals(last.next("abcd").value, "ab");
  last.remove(1);
  assertEquals([last.next().value, last.next().value], ["cd", undefined]);
  assertEquals(send(last, "ef"), ["ef"]);
});

Deno.test("Pipe.replace() gives the new stage what the old one pushes back at its end, before what came later", () => {
  function* holding(): Coroutine<void> {
    const text: string = yield;
    try {
      yield;
    } catch {
      return pushBack(undefined, text);
    }
  }
  const p = started(holding());
  assertEquals(send(p, "a"), []);
  p.replace(0, map((x) => x));
  assertEquals(send(p, "b"), ["a", "b"]);
});

Deno.test("Pipe.remove() of the last stage gives out what it had not read, although those before have ended", () => {
  function* pushing(text: string): Coroutine<string> {
    return pushBack(text[0]!, text.slice(1));
  }
  function* untilEnd(): Coroutine<void> {
    const text: string = yield;
    try {
      yield;
    } catch {
      yield yield* call(pushing(text));
    }
  }
  const p = pipe(items("abc"), untilEnd() as Stage);
  assertEquals(p.next().value, "a");
  p.remove(1);
  assertEquals(p.next().value, "bc");
  assertEquals<unknown>(p.next(), { done: true, value: "items done" });
});

Deno.test("Pipe ends when a last stage is removed that has not begun, and those before it have ended", () => {
  function* persistent(): Coroutine {
    for (let n = 0; n < 2;) {
      try {
        yield yield;
      } catch {
        n++;
        yield `end ${n}`;
      }
    }
  }
  const p = pipe(items(1), persistent());
  assertEquals([p.next().value, p.next().value], [1, "end 1"]);
  p.insert(2, map((x) => x));
  p.remove(1);
  p.remove(1);
  assertEquals(p.next().value, "end 2");
  assertEquals(p.next().done, true);

  const q = pipe(items(1), persistent());
  assertEquals([q.next().value, q.next().value], [1, "end 1"]);
  q.insert(2, persistent());
  assertEquals([q.next().value, q.next().value], ["end 2", "end 1"]);
  q.remove(1);
  q.replace(1, persistent());
  q.replace(1, map((x) => x));
  q.remove(1);
  assertEquals(q.next().value, "end 2");
  assertEquals<unknown>(q.next(), { done: true, value: "items done" });
});

Deno.test("Pipe.remove() of the last stage while its rest is given out, and the driver fails", () => {
  function* untilEnd(): Coroutine<void> {
    const text: string = yield;
    try {
      yield;
    } catch {
      yield "first";
      return pushBack(undefined, text, text);
    }
  }
  const draining = () => {
    const p = pipe(items("abc"), untilEnd() as Stage);
    assertEquals(p.next().value, "first");
    p.remove(1);
    assertEquals(p.next().value, "abc");
    return p;
  };
  assertThrows(() => draining().throw(new RangeError("cannot write")), RangeError, "cannot write");
  assertEquals<unknown>(draining().throw(new EndOfStream("closed")), {
    done: true,
    value: "items done",
  });
});

Deno.test("Pipe pushes back what its first stage had not read, also if that is being replaced or removed", () => {
  function* pair(): Coroutine<string> {
    const text: string = yield;
    return pushBack(text.slice(0, 2), text.slice(2));
  }
  function* pairs(): Coroutine<void> {
    for (;;) yield yield* call(pair());
  }
  for (const change of ["replace", "remove"] as const) {
    const p = started(pairs(), take(1));
    assertEquals(p.next("abcd").value, "ab");
    p[change](0, map((x) => x));
    assertEquals(p.next(), { done: true, value: undefined });
    assertEquals(p.rest, ["cd"]);
  }
});

Deno.test("Pipe.replace() of a stage that is in the middle of an item lets it finish", () => {
  const p = started(flatMap((text: string) => text.split("")), map((c) => `${c}1`));
  assertEquals(p.next("abc").value, "a1");
  p.replace(0, map((text: string) => text.length));
  p.replace(1, map((c) => `${c}2`));
  assertEquals(p.next().value, "b2");
  assertEquals(p.next().value, "c2");
  assertEquals(p.next().value, undefined);
  assertEquals(send(p, "hello"), ["52"]);
});

Deno.test("Pipe.replace() twice before anything runs uses the last one", () => {
  const p = started(add(1));
  p.replace(0, add(2));
  p.replace(0, add(3));
  p.insert(0, times(10));
  p.insert(2, times(2));
  assertEquals(p.length, 3);
  assertEquals(send(p, 1), [26]);
});

Deno.test("Pipe.remove() takes back a replacement", () => {
  const p = started(add(1), times(2));
  p.replace(0, add(5));
  p.remove(0);
  assertEquals(p.length, 1);
  assertEquals(send(p, 1), [2]);
});

Deno.test("Pipe can be changed by its own stages, from their next yield on", () => {
  const p = pipe(
    function* (): Coroutine {
      for (;;) {
        const item = yield;
        if (item === "loud") p.replace(1, map((x: string) => `${x}!`));
        yield item;
      }
    },
    map((x: string) => x),
  );
  p.next();
  assertEquals(send(p, "a"), ["a"]);
  assertEquals(send(p, "loud"), ["loud!"]);
  assertEquals(send(p, "b"), ["b!"]);
});

Deno.test("Pipe stages can replace or remove themselves", () => {
  const p = pipe(function* (): Coroutine {
    const header = yield;
    p.replace(0, map((x) => `${header}:${x}`));
  }, map((x) => x));
  p.next();
  assertEquals([send(p, "h"), send(p, 1), send(p, 2)], [[], ["h:1"], ["h:2"]]);
  const q = pipe(function* (): Coroutine {
    yield `first ${yield}`;
    q.remove(0);
  }, map((x) => x));
  q.next();
  assertEquals([send(q, 1), send(q, 2), send(q, 3)], [["first 1"], [2], [3]]);
});

Deno.test("Pipe.replace() of a stage that has ended goes on with the new one", () => {
  function* persistent(): Coroutine {
    for (;;) {
      try {
        yield yield;
      } catch {
        yield* new Ask("more?");
      }
    }
  }
  const p = pipe(items(1), persistent());
  assertEquals([p.next().value, (p.next().value as Ask).question], [1, "more?"]);
  p.replace(0, items(2));
  assertEquals([p.next().value, (p.next().value as Ask).question], [2, "more?"]);
  p.replace(0, map((x) => x));
  assertEquals([p.next().value, p.next(3).value], [undefined, 3]);
});

Deno.test("Pipe.insert() of a stage that yields before it reads", () => {
  function* titled(): Coroutine {
    yield "title";
    for (;;) yield yield;
  }
  const p = started(map((x) => `<${x}>`));
  p.insert(0, titled());
  assertEquals(send(p, "a"), ["<title>", "<a>"]);
  p.insert(2, titled());
  assertEquals(send(p, "b"), ["title", "<b>"]);
});

Deno.test("Pipe.insert() while the driver's error is on its way keeps it for who reads next", () => {
  function* titled(): Coroutine {
    yield "title";
    for (;;) yield yield;
  }
  const p = started(collect());
  send(p, 1);
  p.insert(0, titled());
  assertEquals(feed(finishing(p)).out, [[1, "title"]]);
});

Deno.test("Pipe.remove() of the last stage while an item is on its way", () => {
  const log: string[] = [];
  const p = started(map((x) => x), logged("last", log));
  p.remove(1);
  assertEquals(send(p, "a"), ["a"]);
  assertEquals(log, ["last begins", "last caught EndOfStream", "last closed"]);
});

Deno.test("Pipe waits for a Request of the stage that is replaced", () => {
  function* asking(): Coroutine {
    for (;;) {
      const item = yield;
      yield `${item} ${yield* new Ask("?")}`;
    }
  }
  const p = started(asking(), map((x) => x));
  assertInstanceOf(p.next("a").value, Ask);
  p.replace(0, map((x) => `new ${x}`));
  assertEquals(p.next("answered").value, "a answered");
  assertEquals(send(p, undefined), []);
  assertEquals(send(p, "b"), ["new b"]);
});

Deno.test("Pipe closes a replaced stage that fails, like any other", () => {
  const log: string[] = [];
  const p = started(batch(2), logged("b", log));
  p.replace(
    0,
    map(() => {
      throw new Error("bad");
    }),
  );
  assertThrows(() => send(p, 1), Error, "bad");
  assertEquals(log.at(-1), "b closed");
});

Deno.test("Pipe positions that do not exist are errors", () => {
  const p = pipe(add(1));
  assertThrows(() => p.insert(2, add(1)), RangeError, "insert a stage at 2 of a pipe of 1 stages");
  assertThrows(() => p.replace(-1, add(1)), RangeError, "replace stage -1");
  assertThrows(() => p.remove(1), RangeError, "remove stage 1");
  p.next();
  p.return(undefined);
  assertThrows(() => p.insert(0, add(1)), Error, "the pipe has ended");
});

Deno.test("Pipe.insert() at a place that does not exist leaves the stage as it is", () => {
  const p = pipe(times(2));
  const stage = add(1) as Coroutine;
  assertThrows(() => p.insert(5, stage), RangeError);
  assertThrows(() => p.replace(5, stage), RangeError);
  p.insert(0, stage);
  assertEquals(feed(p, [1]).out, [4]);
});

Deno.test("Pipe.replace() and remove() of a stage that is being closed put what comes in its place", () => {
  function* slow(): Coroutine {
    try {
      for (;;) yield yield;
    } finally {
      yield* new Ask("closing");
    }
  }
  function* once(): Coroutine {
    yield yield;
  }
  function* persistent(): Coroutine {
    for (;;) {
      try {
        yield yield;
      } catch {
        yield* new Ask("more?");
      }
    }
  }
  const p = pipe(map((x) => x), slow(), once(), persistent());
  p.next();
  assertEquals(p.next(1).value, 1);
  assertEquals((p.next().value as Ask).question, "closing");
  p.remove(0);
  p.replace(0, add(10));
  assertEquals((p.next().value as Ask).question, "more?");
  p.remove(1); // the stage that has ended, so that the last one reads what the new one yields
  assertEquals(p.length, 2);
  assertEquals([p.next().value, p.next(1).value], [undefined, 11]);
});

Deno.test("Pipe keeps its result when the last stage is removed after the others have ended", () => {
  const p = started(items(1, 2), collect());
  assertEquals(p.length, 2);
  const q = pipe(items(1, 2), map((x) => x));
  assertEquals(q.next().value, 1);
  q.remove(1);
  assertEquals(q.next().value, 2);
  assertEquals<unknown>(q.next(), { done: true, value: "items done" });
});

/** A coroutine that goes on with a pipe that waits for data. */
function* finishing(p: Pipe): Coroutine {
  let method: "next" | "throw" = "next";
  let message: unknown;
  try {
    message = yield;
  } catch (error) {
    method = "throw";
    message = error;
  }
  for (;;) {
    const { done, value } = p[method](message);
    if (done) return value;
    method = "next";
    message = undefined;
    try {
      message = yield value;
    } catch (error) {
      method = "throw";
      message = error;
    }
  }
}
