import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { call, compose, type Coroutine, trace } from "../../compose/mod.ts";
import { be, lines, Observable, pipe, tee, Transparent } from "../../pipeline/mod.ts";

class Culprit {
  plain(): void {
    throw new Error("plain");
  }
  *coroutine(): Coroutine {
    yield "before";
    throw new Error("coroutine");
  }
}

class Root extends Observable {
  sendDo(): void {
    this.do.plain();
  }
  sendCall(): void {
    this.call.plain();
  }
  *sendAll(): Coroutine {
    yield* call(this.all.coroutine() as Coroutine);
  }
  *sendAny(): Coroutine {
    yield* call(this.any.coroutine() as Coroutine);
  }
  *sendOnce(): Coroutine {
    yield* call(this.once.coroutine() as Coroutine);
  }
}

/** The functions in the traceback, down to the anonymous one of the test: what comes after it is of who runs that. */
function functions(error: Error): string[] {
  const lines = error.stack!.split("\n").slice(1);
  return lines.slice(0, lines.findIndex((line) => line.startsWith("    at file:")))
    .map((line) => /at ([\w.$#]+) \(/.exec(line)?.[1] ?? line);
}

Deno.test("Observable tracebacks of do and call name sender and observer only", () => {
  const root = be([new Root(), [new Transparent(), [new Culprit()]]]);
  assertEquals(functions(assertThrows(() => root.sendDo(), Error, "plain")), [
    "Culprit.plain",
    "Root.sendDo",
  ]);
  assertEquals(functions(assertThrows(() => root.sendCall(), Error, "plain")), [
    "Culprit.plain",
    "Root.sendCall",
  ]);
});

Deno.test("Observable tracebacks of all, any and once name the observer, and no dispatch", () => {
  const root = be([new Root(), [new Culprit()]]);
  for (const coroutine of [root.sendAll(), root.sendAny(), root.sendOnce()]) {
    const error = assertThrows(() => [...compose(coroutine)], Error, "coroutine");
    assert(error.stack!.includes("at Culprit.coroutine (file://"), error.stack);
    assert(/at Root\.send(All|Any|Once)/.test(error.stack!), error.stack);
    assert(!/pipeline\/_?\w+\.ts/.test(error.stack!.replaceAll("tests/pipeline", "")), error.stack);
  }
});

Deno.test("Observable tracebacks of checks show the sender first", () => {
  const root = be([new Root(), [{ plain: () => 1 }]]);
  const error = assertThrows(() => root.sendDo(), TypeError, "must return nothing");
  assert(/^ {4}at Root.sendDo/.test(error.stack!.split("\n")[1]!), error.stack);
  const none = assertThrows(() => new Root().sendCall(), Error, "no observers");
  assert(/^ {4}at Root.sendCall/.test(none.stack!.split("\n")[1]!), none.stack);
});

Deno.test("Observable passes what is no Error, or frozen, as it is", () => {
  for (const thrown of ["text", undefined, null, Object.freeze(new Error("frozen"))]) {
    const root = be([new Observable(), [{
      m: () => {
        throw thrown;
      },
    }]]);
    let caught: unknown = "nothing";
    try {
      root.do.m();
    } catch (error) {
      caught = error;
    }
    assertStrictEquals(caught, thrown);
  }
});

Deno.test("trace() tells where the stages of a pipe stand, the first one first", () => {
  function* word(): Coroutine<string> {
    return yield;
  }
  function* first(): Coroutine {
    for (;;) yield yield* call(word());
  }
  function* last(): Coroutine {
    for (;;) yield yield* call(word());
  }
  function* main(): Coroutine {
    yield* call(pipe(lines(), first(), pipe(last())));
  }
  for (const inner of [main(), pipe(main())]) {
    const composed = compose(inner);
    composed.next();
    assertEquals(
      trace(composed).map((line) => /at (\w+)/.exec(line)![1]),
      ["word", "first", "word", "last", "main"],
    );
  }
  const both = pipe(lines(), tee(first(), last()));
  both.next();
  assertEquals(trace(both).map((line) => /at (\w+)/.exec(line)![1]), [
    "word",
    "first",
    "word",
    "last",
  ]);
  const ended = pipe(function* brief(): Coroutine {}, last());
  ended.next();
  assertEquals(trace(ended), []);
});
