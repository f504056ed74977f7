import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { call, compose, type Coroutine, EndOfStream, Request, trace } from "@weightless/io/compose";
import { Thrown } from "../../compose/_thrown.ts";
import { throwInto } from "../../compose/compose.ts";
import { asProcess } from "../../gio/mod.ts";
import { pipe } from "../../pipeline/mod.ts";

// Types that Deno removes: lines in what it runs are others than here.
interface Erased {
  readonly lines: number;
  of(code: string): string;
}

const source = Deno.readTextFileSync(new URL(import.meta.url)).split("\n");

/** The file and the number of the line that ends in a comment of AT and this mark. */
function at(mark: string): string {
  const index = source.findIndex((line) => line.endsWith(`// AT ${mark}`));
  assert(index >= 0, mark);
  return shown(`${import.meta.url}:${index + 1}:`);
}

/** Deno decodes what is percent-encoded in the URLs of a stack, such as spaces, or does not. */
function shown(stack: string | undefined): string {
  return decodeURIComponent(stack!);
}

/** Checks frames by `name mark`; `name` alone stands for one whose line is not known, `? mark` for one without a name. */
function assertFrames(actual: string[], expected: string[]) {
  assertEquals(actual.length, expected.length, actual.join("\n"));
  for (const [i, frame] of actual.entries()) {
    const [name, mark] = expected[i]!.split(" ");
    if (mark === undefined) assertEquals(frame, `    at ${name} (line unknown)`);
    else {assertStringIncludes(
        shown(frame),
        name === "?" ? at(mark) : `    at ${name} (${at(mark)}`,
      );}
  }
}

/** What is thrown. */
function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown");
}

/** Lets V8 take note of so many frames, also of compose, which are then left out. */
function withLimit(limit: number, run: () => void) {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = limit;
  try {
    run();
    assertEquals(Error.stackTraceLimit, limit);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The frames of an error that thrownBy() has caught, down to that. */
function frames(error: unknown): string[] {
  const lines = (error as Error).stack!.split("\n").filter((line) => line.startsWith("    at "));
  return lines.slice(0, lines.findIndex((line) => line.includes("at thrownBy ")));
}

class Sleep extends Request<Erased> {
  override begin(): void {}
}

function* failing(): Coroutine<Erased> {
  const data: unknown = yield;
  throw new Error(`Cannot use ${data}`); // AT failing
}
function* third(): Coroutine<number> {
  const { lines } = yield* call(failing()); // AT third
  return lines;
}
function* second(): Coroutine {
  return yield* call( // AT second
    third(),
  );
}
function* first(): Coroutine {
  yield "first";
  yield* call(second()); // AT first
}
function* sleeping(): Coroutine<Erased> {
  return yield* new Sleep(); // AT sleeping
}
function* plain(): Coroutine {
  yield first();
}
function* reading(): Coroutine {
  yield;
}

Deno.test("compose() shows each caller with file and line, in order, when an error leaves it", () => {
  const composed = compose(first());
  composed.next();
  composed.next();
  const error = thrownBy(() => composed.next("this")); // AT driver
  assertEquals((error as Error).stack!.split("\n")[0], "Error: Cannot use this");
  assertFrames(frames(error), [
    "failing failing",
    "third third",
    "second second",
    "first first",
    "? driver",
  ]);
});

Deno.test("compose() shows no frame of its own when an error leaves it", () => {
  const composed = compose(first());
  composed.next();
  composed.next();
  const { stack } = thrownBy(() => composed.next()) as Error;
  for (const file of ["compose", "_frame", "_traceback", "_generator"]) {
    assertFalse(stack!.includes(`/compose/${file}.ts`), stack);
  }
  assertFalse(stack!.includes("<anonymous>"), stack);
});

Deno.test("compose() shows the name of a caller when it uses a plain yield", () => {
  const composed = compose(plain());
  composed.next();
  composed.next();
  assertFrames(frames(thrownBy(() => composed.next())).slice(0, 5), [
    "failing failing",
    "third third",
    "second second",
    "first first",
    "plain",
  ]);
});

Deno.test("compose() shows names of methods, private methods and anonymous functions", () => {
  class Protocol {
    *read(): Coroutine {
      yield this.#line();
    }
    *#line(): Coroutine {
      yield (function* (): Coroutine {
        throw new Error();
      })();
    }
  }
  const lines = frames(thrownBy(() => compose(new Protocol().read()).next()));
  assertEquals(lines.slice(1, 3), [
    "    at #line (line unknown)",
    "    at read (line unknown)",
  ]);
});

Deno.test("compose() shows what stands upon others by native yield*", () => {
  function* upper(): Coroutine {
    yield* call(failing()); // AT upper
  }
  function* lower(): Coroutine {
    yield* upper(); // AT lower
  }
  const composed = compose(lower());
  composed.next();
  assertFrames(frames(thrownBy(() => composed.next())).slice(0, 3), [
    "failing failing",
    "upper upper",
    "lower lower",
  ]);
});

Deno.test("compose() shows the callers in order when composed coroutines run others", () => {
  function* driving(): Coroutine {
    const inner = compose(second());
    inner.next();
    inner.next("that"); // AT driving
  }
  function* outer(): Coroutine {
    yield* call(compose(driving())); // AT outer
  }
  withLimit(20, () => {
    const error = thrownBy(() => compose(outer()).next()); // AT outermost
    assertFrames(frames(error), [
      "failing failing",
      "third third",
      "second second",
      "driving driving",
      "outer outer",
      "? outermost",
    ]);
  });
});

Deno.test("compose() shows the callers in order when a driver throws without being thrown at", () => {
  function* ending(): Coroutine {
    try {
      yield;
    } catch {
      throw new Error("late"); // AT ending
    }
  }
  function* called(): Coroutine {
    yield* call(ending()); // AT called
  }
  function* throwing(): Coroutine {
    const inner = compose(called());
    inner.next();
    const result = throwInto(inner, new EndOfStream()); // AT throwing
    if (result instanceof Thrown) throw result.error;
  }
  function* above(): Coroutine {
    yield* call(throwing()); // AT above
  }
  withLimit(20, () => {
    const error = thrownBy(() => compose(above()).next()); // AT furthest
    assertFrames(frames(error), [
      "ending ending",
      "called called",
      "throwing throwing",
      "above above",
      "? furthest",
    ]);
  });
});

Deno.test("compose() shows the callers when an error is thrown in from outside", () => {
  function* main(): Coroutine {
    yield* call(reading()); // AT main
  }
  const composed = compose(main());
  composed.next();
  const error = thrownBy(() => composed.throw(new Error("outside"))); // AT outside
  assertFrames(frames(error), ["? outside"]);
  const { stack } = error as Error;
  const inside = stack!.split("\n").filter((line) => /at (reading|main) /.test(line));
  assertFrames(inside, ["reading", "main main"]);
});

Deno.test("compose() shows the line of yield* command when its driver throws", () => {
  const composed = compose(sleeping());
  composed.next();
  const { stack } = thrownBy(() => composed.throw(new Error("broken"))) as Error;
  assertStringIncludes(shown(stack), `at sleeping (${at("sleeping")}`);
  assertEquals(stack!.match(/at sleeping /g)!.length, 1);
});

Deno.test("compose() shows callers only as far as an error came when it is caught", () => {
  let caught: unknown;
  function* catching(): Coroutine<string> {
    try {
      yield* call(second()); // AT catching
    } catch (error) {
      caught = error;
    }
    return yield;
  }
  function* main(): Coroutine<string> {
    return yield* call(catching());
  }
  const composed = compose(main());
  composed.next();
  composed.next();
  assertEquals(composed.next("on").value, "on");
  const lines = (caught as Error).stack!.split("\n").slice(1, 5);
  assertFrames(lines, ["failing failing", "third third", "second second", "catching catching"]);
});

Deno.test("compose() shows the frames of an error when it is thrown again by a caller", () => {
  function* again(): Coroutine {
    try {
      yield* call(third()); // AT again
    } catch (error) {
      throw new TypeError("Cannot go on", { cause: error }); // AT rethrow
    }
  }
  function* main(): Coroutine {
    yield* call(again()); // AT calling
  }
  const composed = compose(main());
  composed.next();
  const error = thrownBy(() => composed.next()) as Error;
  assertFrames(frames(error).slice(0, 2), ["again rethrow", "main calling"]);
  const cause = (error.cause as Error).stack!.split("\n").slice(1, 4);
  assertFrames(cause, ["failing failing", "third third", "again again"]);
});

Deno.test("compose() keeps a message of several lines and the name of an error", () => {
  function* main(): Coroutine {
    yield* call((function* (): Coroutine {
      throw new RangeError("one\ntwo");
    })());
  }
  const { stack } = thrownBy(() => compose(main()).next()) as Error;
  assertMatch(stack!, /^RangeError: one\ntwo\n {4}at /);
});

Deno.test("compose() lets what is not an Error, or frozen, pass untouched", () => {
  const frozen = Object.freeze(new Error("frozen"));
  const { stack } = frozen;
  function* thrower(thrown: unknown): Coroutine {
    throw thrown;
  }
  function* main(thrown: unknown): Coroutine {
    yield* call(thrower(thrown));
  }
  for (const thrown of ["text", undefined, null, 0, { stack: "mine" }, Object.freeze({}), frozen]) {
    assertStrictEquals(thrownBy(() => compose(main(thrown)).next()), thrown);
  }
  assertEquals(frozen.stack, stack);
});

Deno.test("compose() leaves the stack readable, and Error as it was, when the error is sealed in other ways", () => {
  function* thrower(thrown: unknown): Coroutine {
    throw thrown;
  }
  function* main(thrown: unknown): Coroutine {
    yield* call(thrower(thrown)); // AT sealing
  }
  const { stackTraceLimit } = Error;
  const inextensible = Object.preventExtensions(new Error("inextensible"));
  assertStrictEquals(thrownBy(() => compose(main(inextensible)).next()), inextensible);
  assertStringIncludes(shown(inextensible.stack), `at main (${at("sealing")}`);
  const proxied = new Proxy(new Error("proxied"), {});
  const { stack } = proxied;
  assertStrictEquals(thrownBy(() => compose(main(proxied)).next()), proxied);
  assertEquals(proxied.stack, stack);
  assertEquals(Error.stackTraceLimit, stackTraceLimit);
});

Deno.test("compose() shows no frame of a pipe, or of gio and its reactor", async () => {
  function* source(): Coroutine {
    yield "this";
  }
  function* piping(): Coroutine {
    yield* call(pipe(source(), third())); // AT piping
  }
  let error: unknown;
  try {
    await asProcess(piping());
  } catch (caught) {
    error = caught;
  }
  const lines = (error as Error).stack!.split("\n").slice(1);
  assertFrames(lines.slice(0, 3), ["failing failing", "third third", "piping piping"]);
  for (const folder of ["../../gio/", "../../pipeline/"]) {
    const { href } = new URL(folder, import.meta.url);
    assertFalse(lines.some((line) => line.includes(href)));
  }
});

Deno.test("compose() adds callers to a stack that was replaced", () => {
  function* replacing(): Coroutine {
    try {
      yield* call(failing());
    } catch (error) {
      (error as Error).stack = "Error: replaced";
      throw error;
    }
  }
  function* main(): Coroutine {
    yield* call(replacing()); // AT replacing
  }
  const composed = compose(main());
  composed.next();
  const lines = (thrownBy(() => composed.next()) as Error).stack!.split("\n");
  assertEquals(lines[0], "Error: replaced");
  assertFrames(lines.slice(1), ["main replacing"]);
});

Deno.test("compose() lets the stack of an error be replaced", () => {
  const composed = compose(second());
  composed.next();
  const error = thrownBy(() => composed.next()) as Error;
  error.stack = "replaced";
  assertEquals(error.stack, "replaced");
});

Deno.test("compose() shows the callers when the stack is cut off by Error.stackTraceLimit", () => {
  withLimit(1, () => {
    const composed = compose(first());
    composed.next();
    composed.next();
    const lines = (thrownBy(() => composed.next()) as Error).stack!.split("\n").slice(1);
    assertFrames(lines, ["failing failing", "third third", "second second", "first first"]);
  });
});

Deno.test("Deno prints the callers when nobody catches the error", () => {
  const program = `
    import { call, compose } from "${new URL("../../compose/mod.ts", import.meta.url)}";
    function* inner() {
      throw new Error("uncaught");
    }
    function* outer() {
      yield* call(inner());
    }
    compose(outer()).next();`;
  const { code, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    env: { NO_COLOR: "1" },
  }).outputSync();
  assertEquals(code, 1);
  assertMatch(
    new TextDecoder().decode(stderr),
    /Error: uncaught\n +at inner \(.*:4:\d+\)\n +at outer \(.*:7:\d+\)\n +at .*:9:\d+/,
  );
});

Deno.test("compose() shows no frame of its own, or of a pipe, in a folder of any name", () => {
  const folder = Deno.makeTempDirSync({ suffix: " c++ (ä%)" });
  try {
    for (const module of ["compose", "pipeline"]) {
      Deno.mkdirSync(`${folder}/${module}`);
      const from = new URL(`../../${module}/`, import.meta.url);
      for (const { name } of Deno.readDirSync(from)) {
        Deno.copyFileSync(new URL(name, from), `${folder}/${module}/${name}`);
      }
    }
    Deno.writeTextFileSync(
      `${folder}/main.ts`,
      `import { call } from "./compose/mod.ts";
       import { pipe } from "./pipeline/mod.ts";
       function* inner() {
         throw new Error("oops");
       }
       function* outer() {
         yield* call(inner());
       }
       try {
         pipe(outer()).next();
       } catch (error) {
         console.log(error.stack);
       }`,
    );
    const { stdout } = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", `${folder}/main.ts`],
      stderr: "inherit",
    }).outputSync();
    assertMatch(
      new TextDecoder().decode(stdout),
      /^Error: oops\n +at inner \(.*main.ts:4:\d+\)\n +at outer \(.*main.ts:7:\d+\)\n +at .*main.ts:10:\d+\n$/,
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("trace() tells where each coroutine stands, and does not disturb it", () => {
  const composed = compose(plain());
  composed.next();
  composed.next();
  for (let i = 0; i < 2; i++) {
    assertFrames(trace(composed), [
      "failing",
      "third third",
      "second second",
      "first first",
      "plain",
    ]);
  }
  assertStringIncludes(String(thrownBy(() => composed.next("data"))), "Cannot use data");
});

Deno.test("trace() tells the line of yield* request, not of yield request", () => {
  const composed = compose((function* main(): Coroutine {
    yield* call(sleeping()); // AT traced
    yield new Sleep();
  })());
  composed.next();
  assertFrames(trace(composed), ["sleeping sleeping", "main traced"]);
  composed.next({ lines: 1, of: String });
  assertFrames(trace(composed), ["main"]);
  assertEquals(composed.next().done, true);
});

Deno.test("trace() tells the callers of a coroutine when it is running", () => {
  const lines: string[][] = [];
  function* inner(): Coroutine {
    lines.push(trace(composed));
  }
  const composed = compose((function* main(): Coroutine {
    yield* call(inner()); // AT running
  })());
  assertEquals(trace(composed), ["    at main (line unknown)"]);
  composed.next();
  assertFrames(lines[0]!, ["inner", "main running"]);
  assertEquals(trace(composed), []);
});

Deno.test("trace() does not disturb a coroutine that was thrown out of yield* command", () => {
  function* main(): Coroutine<unknown> {
    try {
      yield* new Sleep();
    } catch {
      return yield "caught";
    }
  }
  const composed = compose(main());
  composed.next();
  assertEquals(composed.throw(new Error("oops")).value, "caught");
  assertFrames(trace(composed), ["main"]);
  assertEquals(composed.next(), { done: true, value: undefined });
});

Deno.test("trace() tells nothing of a composed coroutine that was called: its caller runs it", () => {
  const called = compose(reading());
  const composed = compose((function* main(): Coroutine {
    yield* call(called); // AT calls
  })());
  composed.next();
  assertEquals(trace(called), []);
  assertFrames(trace(composed), ["reading", "main calls"]);
});
