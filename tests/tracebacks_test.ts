/*
 * Tracebacks show the frames of whoever uses the modules, in order, and none of the modules' own, whichever of them an
 * error passes. How compose makes them is tested in compose/traceback_test.ts.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { call, compose, type Coroutine, readLine, trace } from "@weightless/io/compose";
import { all, asProcess, type Gio, gio, race, sleep, spawn, wait } from "@weightless/io/gio";
import {
  HttpProtocol,
  type HttpRequest,
  HttpServer,
  IpFilter,
  ok,
  PathFilter,
  PathRename,
  serveHttp,
  Server,
} from "@weightless/io/http";
import { be, map, Observable, pipe, type Strand, tee, Transparent } from "@weightless/io/pipeline";
import { Reactor } from "@weightless/io/reactor";
import * as modules from "../mod.ts";
import { isMachinery } from "../compose/_machinery.ts";
import { leakTest, turns } from "./_leaks.ts";
import { listening } from "./_sockets.ts";

const source = Deno.readTextFileSync(new URL(import.meta.url)).split("\n");
const here = decodeURIComponent(import.meta.url);

/** The functions on a traceback, each checked to be of this file, and at the line that is marked `// AT name`. */
function frames(lines: readonly string[]): string[] {
  return lines.map((line) => {
    const [, name = line, at] = /^ {4}at (?:\w+\.)?#?(\w+)\S* \((.*)\)$/.exec(line) ?? [];
    const number = source.findIndex((line) => line.endsWith(`// AT ${name}`)) + 1;
    if (number > 0) assertMatch(decodeURIComponent(at!), new RegExp(`:${number}:\\d+$`), line);
    else if (at !== undefined && !line.includes(here)) return line;
    return name;
  });
}

/** What an error shows, without the frames of Deno, and of the anonymous functions of the tests. */
function shown(error: unknown): string[] {
  assert(error instanceof Error, `${error}`);
  const lines = error.stack!.split("\n").filter((line) => line.startsWith("    at "));
  return frames(
    lines.filter((line) => !/\bext:|^ {4}at (async )?file:.*\btests\/\w+\.ts/.test(line)),
  );
}

// What users write.

function* failing(): Coroutine {
  throw new Error("oops"); // AT failing
}
function* failingLater(): Coroutine {
  yield* sleep(0);
  throw new Error("oops"); // AT failingLater
}
async function rejected(): Promise<void> {
  await undefined;
  throw new Error("oops"); // AT rejected
}
function* rejecting(): Coroutine {
  yield* wait(rejected()); // AT rejecting
}
function* middle(): Coroutine {
  yield* call(failing()); // AT middle
}
function* middleLater(): Coroutine {
  yield* call(failingLater()); // AT middleLater
}
function* handling(_request: HttpRequest): Coroutine {
  yield ok();
  yield* call(middle()); // AT handling
}
function* handlingLater(_request: HttpRequest): Coroutine {
  yield* call(middleLater()); // AT handlingLater
}
function* handlingTheEnd(_request: HttpRequest): Coroutine {
  yield ok();
  try {
    for (;;) yield;
  } catch {
    yield* call(middle()); // AT handlingTheEnd
  }
}
function refusing(_request: HttpRequest): Coroutine {
  throw new Error("oops"); // AT refusing
}
function doubling(n: number): number {
  if (n === 2) throw new Error("oops"); // AT doubling
  return n * 2;
}
class Failing extends Observable {
  constructor(readonly body: () => Coroutine = failing) {
    super();
  }
  *processRequest(_request: HttpRequest): Coroutine {
    const { body } = this;
    yield* call(body()); // AT processRequest
  }
  *ask(): Coroutine {
    const { body } = this;
    yield* call(body()); // AT ask
  }
  tell(): void {
    throw new Error("oops"); // AT tell
  }
}
class Sending extends Observable {
  *throughAll(): Coroutine {
    yield* call(this.all.ask() as Coroutine); // AT throughAll
  }
  *throughAny(): Coroutine {
    yield* call(this.any.ask() as Coroutine); // AT throughAny
  }
  *throughOnce(): Coroutine {
    yield* call(this.once.ask() as Coroutine); // AT throughOnce
  }
  *throughDo(): Coroutine {
    this.do.tell(); // AT throughDo
  }
  *throughCall(): Coroutine {
    this.call.tell(); // AT throughCall
  }
  *toNobody(): Coroutine {
    yield* call(this.any.nothing() as Coroutine); // AT toNobody
  }
}
function sending(body?: () => Coroutine): Sending {
  return be([new Sending(), [new Transparent(), [new Failing(body)]]]);
}
function* oneTwo(): Coroutine {
  yield 1;
  yield 2;
}
function* stage(): Coroutine {
  for (;;) {
    const n: number = yield;
    yield* call(counting(n)); // AT stage
  }
}
function* counting(n: number): Coroutine {
  if (n === 2) throw new Error("oops"); // AT counting
}
function* sink(): Coroutine {
  for (;;) yield;
}
function* piping(): Coroutine {
  yield* call(pipe(oneTwo(), stage())); // AT piping
}
function* teeing(): Coroutine {
  yield* call(pipe(oneTwo(), tee(stage()))); // AT teeing
}
function* mapping(): Coroutine {
  yield* call(pipe(oneTwo(), map(doubling), sink())); // AT mapping
}
function* beside(): Coroutine {
  yield* all(middle(), sleep(1000)); // AT beside
}
function* besideLater(): Coroutine {
  yield* all(sleep(1000), middleLater()); // AT besideLater
}
function* racing(): Coroutine {
  yield* race(sleep(1000), middleLater()); // AT racing
}
function* nested(): Coroutine {
  yield* all(besideLater()); // AT nested
}
function* joining(): Coroutine {
  const task: Gio = yield* spawn(middleLater());
  yield* task; // AT joining
}

const process: Record<string, [main: () => Coroutine, frames: string[]]> = {
  "a coroutine that gio runs": [middle, ["failing", "middle"]],
  "one that has waited": [middleLater, ["failingLater", "middleLater"]],
  "a promise that was waited for": [rejecting, ["rejected", "rejecting"]],
  "a component, by all": [() => sending().throughAll(), ["failing", "ask", "throughAll"]],
  "a component, by any": [() => sending().throughAny(), ["failing", "ask", "throughAny"]],
  "a component, by once": [() => sending().throughOnce(), ["failing", "ask", "throughOnce"]],
  "a component that has waited, by any": [
    () => sending(failingLater).throughAny(),
    ["failingLater", "ask", "throughAny"],
  ],
  "a component, by do": [() => sending().throughDo(), ["tell", "throughDo"]],
  "a component, by call": [() => sending().throughCall(), ["tell", "throughCall"]],
  "a message that nobody answers": [() => sending().toNobody(), ["toNobody"]],
  "a stage of a pipe": [piping, ["counting", "stage", "piping"]],
  "a stage in a tee": [teeing, ["counting", "stage", "teeing"]],
  "a function that a stage calls": [mapping, ["doubling", "mapping"]],
  "a task of all()": [beside, ["failing", "middle", "beside"]],
  "a task of all() that has waited": [besideLater, ["failingLater", "middleLater", "besideLater"]],
  "a task of race()": [racing, ["failingLater", "middleLater", "racing"]],
  "a task of a task": [nested, ["failingLater", "middleLater", "besideLater", "nested"]],
  "a task that is joined": [joining, ["failingLater", "middleLater", "joining"]],
};

for (const [kind, [main, expected]] of Object.entries(process)) {
  Deno.test(`a traceback shows who uses the modules, and no machinery, of ${kind}`, async () => {
    const error = await asProcess(main()).then(() => undefined, (error) => error);
    assertEquals(shown(error), expected);
  });
}

Deno.test("a traceback shows no machinery when nobody asks for the result of a coroutine", async () => {
  const errors: unknown[] = [];
  using reactor = new Reactor({ onError: (error) => errors.push(error) });
  gio(reactor, undefined, middleLater());
  while (errors.length === 0) {
    reactor.step();
    await turns();
  }
  assertEquals(shown(errors[0]), ["failingLater", "middleLater"]);
});

const REQUEST = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

const handlers: Record<
  string,
  [handler: (request: HttpRequest) => Coroutine, frames: string[]]
> = {
  "a handler": [handling, ["failing", "middle", "handling"]],
  "a handler that has waited": [handlingLater, ["failingLater", "middleLater", "handlingLater"]],
  "a handler at the end of the body": [handlingTheEnd, ["failing", "middle", "handlingTheEnd"]],
  "a handler that is no coroutine": [refusing, ["refusing"]],
};

function serving(
  kind: string,
  serve: (reactor: Reactor) => Disposable & { port: number },
  expected: string[],
) {
  leakTest(`a traceback shows who uses the modules, and no machinery, of ${kind}`, async () => {
    const errors: unknown[] = [];
    using reactor = new Reactor({ onError: (error) => errors.push(error) });
    using server = serve(reactor);
    const running = reactor.run();
    try {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      await conn.write(new TextEncoder().encode(REQUEST));
      await new Response(conn.readable).text().catch(() => {});
    } finally {
      reactor.requestShutdown();
      await running;
    }
    assertEquals(errors.map(shown), [expected]);
  });
}

for (const [kind, [handler, expected]] of Object.entries(handlers)) {
  serving(
    `${kind} in HttpServer`,
    (reactor) => new HttpServer(reactor, { ...listening, handler }),
    expected,
  );
}
for (const body of [failing, failingLater]) {
  serving(
    `a component behind Server, ${body.name}`,
    (reactor) => be([new Server(reactor, listening), [new HttpProtocol(), [new Failing(body)]]]),
    [body.name, "processRequest"],
  );
  serving(
    `a component behind others, ${body.name}`,
    (reactor) => {
      const failing: Strand = [new PathFilter(["/"]), [new Failing(body)]];
      return be([new Server(reactor, listening), [
        new HttpProtocol(),
        [new IpFilter({ deny: [] }), [new PathRename((path) => path), failing]],
      ]]);
    },
    [body.name, "processRequest"],
  );
}

Deno.test("serveHttp() tells onError() an error without machinery when it runs without a reactor", () => {
  for (const [handler, expected] of Object.values(handlers)) {
    if (handler === handlingLater) continue;
    const errors: unknown[] = [];
    const protocol = compose(serveHttp(handler, { onError: (error) => errors.push(error) }));
    protocol.next();
    protocol.next(new TextEncoder().encode(REQUEST));
    assertEquals(errors.map(shown), [expected]);
  }
});

Deno.test("no generator function of the modules is left out when machinery is hidden", () => {
  const GeneratorFunction = oneTwo.constructor as FunctionConstructor;
  const isMachine = (fn: unknown) =>
    fn instanceof GeneratorFunction && isMachinery(Object.create(fn.prototype));
  const left: string[] = [];
  for (const [name, exported] of Object.entries(modules)) {
    if (typeof exported !== "function") continue;
    if (exported instanceof GeneratorFunction && !isMachine(exported)) left.push(name);
    for (
      const [key, { value }] of Object.entries(
        Object.getOwnPropertyDescriptors(exported.prototype ?? {}),
      )
    ) {
      if (value instanceof GeneratorFunction && !isMachine(value)) left.push(`${name}.${key}`);
    }
  }
  assertEquals(left, []);
});

function* reading(): Coroutine {
  yield* call(readLine()); // AT reading
}
function* asking(): Coroutine {
  return yield;
}
function* waiting(): Coroutine {
  yield* call(pipe(map(doubling), sink())); // AT waiting
}
function* together(): Coroutine {
  yield* all(sleep(1000), sleep(1000)); // AT together
}
const traced: Record<string, [main: () => Coroutine, frames: string[]]> = {
  "a component, by all": [() => sending(asking).throughAll(), ["asking", "ask", "throughAll"]],
  "a component, by any": [() => sending(asking).throughAny(), ["asking", "ask", "throughAny"]],
  "a component, by once": [() => sending(asking).throughOnce(), ["asking", "ask", "throughOnce"]],
  "a pipe": [waiting, ["sink", "waiting"]],
  "a reader": [reading, ["reading"]],
};

for (const [kind, [main, expected]] of Object.entries(traced)) {
  Deno.test(`trace() shows who uses the modules, and no machinery, of ${kind}`, () => {
    const composed = compose(main());
    composed.next();
    assertEquals(
      frames(trace(composed)).map((line) => line.replace(/^ +at (\w+) \(line unknown\)$/, "$1")),
      expected,
    );
  });
}

Deno.test("toString() of a coroutine that gio runs shows no machinery", () => {
  using reactor = new Reactor();
  const task = gio(reactor, undefined, together());
  task.result.catch(() => {});
  assertEquals(frames(String(task).split(", ").map((line) => `    ${line}`)), ["together"]);
});
