// deno-lint-ignore-file weightless/call-coroutine -- slips are what is tested
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  autostart,
  call,
  compose,
  type Composed,
  copyBytes,
  type Coroutine,
  EndOfStream,
  identify,
  isRequest,
  pushBack,
  readAll,
  readExactly,
  readLine,
  readRe,
  readUntil,
  Request,
  retval,
  trace,
} from "@weightless/io/compose";

/** The line of this file that an error names first. */
function lineOf(error: Error): string {
  return /slips_test\.ts:(\d+)/.exec(error.stack!)?.[1] ?? "none";
}

/** The line where this is called. */
function here(): string {
  return /slips_test\.ts:(\d+)/.exec(new Error().stack!.split("\n").slice(2).join("\n"))![1]!;
}

const READERS: Record<string, () => Coroutine<unknown>> = {
  "readLine()": () => readLine(),
  "readUntil()": () => readUntil("."),
  "readAll()": () => readAll(),
  "readExactly()": () => readExactly(1),
  "readRe()": () => readRe(/./),
  "copyBytes()": () => copyBytes(1, () => {}),
};

for (const [name, make] of Object.entries(READERS)) {
  Deno.test(`yield* ${name} without call is an error at that line`, () => {
    let line = "";
    function* main(): Coroutine {
      line = here(), yield* make();
    }
    const error = assertThrows(() => compose(main()).next(), TypeError);
    assertStringIncludes(error.message, "write yield* call(readLine()), not yield* readLine()");
    assertEquals(lineOf(error), line);
  });
}

function* word(): Coroutine<string> {
  const [one, ...rest] = (yield).split(" ");
  return pushBack(one, ...rest);
}

/** How a value is used that pushBack() returned to who forgot the call. */
const USES: Record<string, (word: string) => unknown> = {
  "a method": (word) => word.trim(),
  "a property": (word) => word.length,
  "an index": (word) => word[0],
  "a template": (word) => `${word}`,
  "a sum": (word) => word + "!",
  "a number": (word) => Number(word),
  "a spread": (word) => [...word],
  "JSON": (word) => JSON.stringify({ word }),
  "a property named as those of the machinery": (word) => (word as unknown as Composed).rest,
};

for (const [how, use] of Object.entries(USES)) {
  Deno.test(`yield* sub() without call is an error where the value is used, if sub pushes back: ${how}`, () => {
    let line = "";
    function* main(): Coroutine {
      const one = yield* word();
      line = here(), use(one);
    }
    const composed = compose(main());
    composed.next();
    const error = assertThrows(() => composed.next("one two"), TypeError);
    assertStringIncludes(error.message, "call the coroutine with yield* call(sub()), not yield*");
    assertStringIncludes(error.stack!, `slips_test.ts:${line}:`);
  });
}

Deno.test("compose() refuses at the yield to hand out what pushBack() returned", () => {
  function* main(): Coroutine {
    const one = yield* word();
    try {
      yield one;
    } catch (error) {
      yield (error as Error).message;
    }
  }
  const composed = compose(main());
  composed.next();
  assertStringIncludes(composed.next("one two").value as string, "Cannot use what pushBack()");
});

Deno.test("what pushBack() returned can be inspected and tested", () => {
  const returned: unknown = pushBack("one", "two");
  assertStringIncludes(Deno.inspect(returned), "PushBack");
  assert(returned !== null && typeof returned === "object" && !(returned instanceof Error));
});

function* echo(): Coroutine {
  for (;;) yield yield;
}
function* asks(): Coroutine {
  return (yield).trim();
}

Deno.test("call() and compose() of a coroutine that was started by hand are errors when it uses what it got", () => {
  function* withStar(coroutine: Coroutine): Coroutine {
    coroutine.next();
    yield* call(coroutine);
  }
  function* withoutStar(coroutine: Coroutine): Coroutine {
    coroutine.next();
    yield coroutine;
  }
  for (const main of [withStar, withoutStar]) {
    for (const make of [echo, asks, () => readLine(), () => readRe(/./)]) {
      assertThrows(() => compose(main(make())).next(), TypeError, "started by hand");
    }
  }
  for (const make of [echo, asks, () => readLine(), () => readRe(/./)]) {
    const started = make();
    started.next();
    assertThrows(() => compose(started).next(), TypeError, "started by hand");
  }
});

Deno.test("call() of a coroutine that was started by hand and has handed out data goes on with it", () => {
  function* hands(): Coroutine<string> {
    yield "data";
    return "result";
  }
  const started = hands();
  assertEquals(started.next().value, "data");
  assertEquals(retval(started), "result");
});

Deno.test("compose(), autostart() and identify() keep the name of the function", () => {
  function* greet(): Coroutine {}
  for (const wrap of [compose, autostart, identify]) {
    assertEquals((wrap as (f: () => Coroutine) => unknown as typeof compose)(greet).name, "greet");
  }
  assertEquals(compose(compose(greet)).name, "greet");
});

class Ask extends Request {
  override begin(): void {}
}

Deno.test("trace() takes any coroutine", () => {
  function* main(): Coroutine {
    yield* call((function* sub(): Coroutine {
      yield* new Ask();
    })());
  }
  const plain = main();
  assertEquals(trace(plain), ["    at main (line unknown)"]);
  plain.next();
  assertEquals(trace(plain), ["    at main (line unknown)"]);

  const composed = compose(main());
  assertEquals(trace(composed), ["    at main (line unknown)"]);
  assert(isRequest(composed.next().value));
  assertEquals(trace(composed).map((line) => /at (\w+) /.exec(line)![1]), ["sub", "main"]);
  composed.next();
  assertEquals(trace(composed), []);
});

Deno.test("trace() calls a coroutine anonymous, if its function has no name", () => {
  assertEquals(trace((function* (): Coroutine {})()), ["    at anonymous (line unknown)"]);
});

Deno.test("trace() says what it wants when it gets something else", () => {
  function* main(): Coroutine {}
  for (
    const [value, shown] of [
      [main, "[GeneratorFunction: main]"],
      [undefined, "undefined"],
      [{}, "[Object]"],
      [[], "[Array(0)]"],
      [new Uint8Array(3), "[Uint8Array(3)]"],
      [new Map(), "[Map]"],
      [Promise.resolve(), "[Promise]"],
      [new TypeError("wrong"), "[TypeError: wrong]"],
      [Object.create(null), "[Object]"],
      [() => {}, "[Function: (anonymous)]"],
      [async () => {}, "[AsyncFunction: (anonymous)]"],
      [1n, "1n"],
      [Symbol("s"), "Symbol(s)"],
      ["text", '"text"'],
      ["x".repeat(50), `"${"x".repeat(40)}…"`],
      [
        {
          get length() {
            throw new Error("not to be asked");
          },
        },
        "object",
      ],
    ] as const
  ) {
    assertThrows(
      () => trace(value as unknown as Coroutine),
      TypeError,
      `Cannot trace ${shown}: give a coroutine`,
    );
  }
});

Deno.test("EndOfStream passes a reader that was given to yield* call()", () => {
  assertThrows(() => retval(readLine(), []), EndOfStream);
});
