// deno-lint-ignore-file weightless/yield-star -- slips are what is tested
/** What people write by mistake: each slip is an error that names it, at its line. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { stub } from "@std/testing/mock";
import { FakeTime } from "@std/testing/time";
import { call, type Coroutine } from "../../compose/mod.ts";
import {
  all,
  asProcess,
  connectTo,
  type Context,
  enter,
  gio,
  memory,
  open,
  race,
  sleep,
  spawn,
  wait,
} from "../../gio/mod.ts";
import { HttpServer, Server } from "../../http/mod.ts";
import { Acceptor, Reactor, type SelectorName } from "../../reactor/mod.ts";

function* main(): Coroutine<string> {
  yield* sleep(0);
  return "done";
}

/** The line of this file that an error names first. */
function lineOf(error: Error): string {
  return /slips_test\.ts:(\d+)/.exec(error.stack!)?.[1] ?? "none";
}

/** The line where this is called. */
function here(): string {
  return /slips_test\.ts:(\d+)/.exec(new Error().stack!.split("\n").slice(2).join("\n"))![1]!;
}

Deno.test("gio() and servers with their arguments in each other's place are errors at that line", () => {
  using reactor = new Reactor();
  const handler = () => main();
  const wrong: Record<string, (reactor: Reactor, other: never) => unknown> = {
    "gio(reactor, connection, main())": (a, b) => gio(b, a as never, main()),
    "new Acceptor(reactor, options, onAccept)": (a, b) => new Acceptor(b, a as never, () => {}),
  };
  for (const [right, make] of Object.entries(wrong)) {
    for (const other of [memory(), { port: 0 }, undefined, null, main()]) {
      const error = assertThrows(() => make(reactor, other as never), TypeError);
      assertStringIncludes(error.message, `give a reactor first, ${right}`);
    }
  }
  let line = "";
  const error = assertThrows(() => {
    line = here(), gio(memory() as never, reactor as never, main());
  }, TypeError);
  assertEquals(lineOf(error), line);
  assertThrows(
    () => new HttpServer({ port: 0, handler } as never, reactor as never),
    TypeError,
    "give a reactor first",
  );
  assertThrows(
    () => new Server({ port: 0 } as never, reactor as never),
    TypeError,
    "give a reactor",
  );
  assertEquals(reactor.inspect(), []);
});

const NO_CONTEXTS: [what: string, value: unknown, instead: string][] = [
  ["a connection of Deno", { read() {}, write() {}, close() {} }, "reactor.adopt()"],
  ["what only writes", { write() {} }, "reactor.adopt()"],
  ["a coroutine", main(), "give undefined where there is none"],
  ["an object", {}, "give a socket of the reactor, memory()"],
  ["null", null, "give a socket of the reactor, memory()"],
  ["text", "text", "give a socket of the reactor, memory()"],
];

for (const [what, value, instead] of NO_CONTEXTS) {
  Deno.test(`${what} is no context, for gio() and enter()`, async () => {
    using reactor = new Reactor();
    const context = value as Context;
    const uses: (() => unknown)[] = [
      () => gio(reactor, context, main()),
      () => asProcess(main(), { connection: context }),
      () =>
        asProcess(function* () {
          enter(context);
        }()),
    ];
    for (const use of uses) {
      const error = await assertRejects(async () => await use(), TypeError);
      assertStringIncludes(error.message, "as a context: ");
      assertStringIncludes(error.message, instead);
    }
  });
}

Deno.test("what open() gives is entered, and no connection of gio()", async () => {
  await asProcess(function* () {
    using file = open("/dev/null");
    using reactor = new Reactor();
    assertThrows(
      () => gio(reactor, file as never, main()),
      TypeError,
      "enter() it in the coroutine",
    );
  }());
});

Deno.test("yield of a request gives its answer, as yield* does", async () => {
  const requests: [unknown, () => Coroutine][] = [
    [["done", "done"], function* () {
      return yield all(main(), main());
    }],
    ["done", function* () {
      return yield race(main());
    }],
    ["value", function* () {
      return yield wait(Promise.resolve("value"));
    }],
    ["done", function* () {
      return yield (yield spawn(main()));
    }],
  ];
  for (const [answer, coroutine] of requests) {
    assertEquals(await asProcess(coroutine()), answer);
  }
});

Deno.test("call() of a request, and all() of a call(), are told what to write", async () => {
  const requests: (() => unknown)[] = [
    () => sleep(1),
    () => all(),
    () => wait(Promise.resolve()),
    () => spawn(main()),
    () => connectTo({ port: 1 }),
  ];
  for (const make of requests) {
    const message = "it is a request, give it to yield* without call()";
    assertThrows(() => call(make() as Coroutine), TypeError, message);
  }
  for (const together of [all, race]) {
    await assertRejects(
      () =>
        asProcess(function* () {
          yield* together(call(main()) as never);
        }()),
      TypeError,
      `Cannot run what call() gives in ${together.name}(): give the coroutine itself`,
    );
  }
});

const SELECTORS: SelectorName[] = Deno.build.os === "linux" ? ["deno", "epoll"] : ["deno"];

const SERVERS: Record<string, (reactor: Reactor) => { close(): void }> = {
  Acceptor: (reactor) => new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, () => {}),
  HttpServer: (reactor) =>
    new HttpServer(reactor, { hostname: "127.0.0.1", port: 0, handler: () => main() }),
  Server: (reactor) => new Server(reactor, { hostname: "127.0.0.1", port: 0 }),
};

for (const selector of SELECTORS) {
  for (const [name, serve] of Object.entries(SERVERS)) {
    const on = (errors: [Error, string][]) =>
      new Reactor({ selector, onError: (error, where) => errors.push([error as Error, where]) });

    Deno.test(`${name} says so when nobody runs its reactor (${selector})`, () => {
      using time = new FakeTime();
      using unref = stub(Deno, "unrefTimer");
      const errors: [Error, string][] = [];
      using reactor = on(errors);
      let line = "";
      const server = (line = here(), serve(reactor));
      time.tick(4999);
      assertEquals([errors.length, unref.calls.length], [0, 1]);
      time.tick(1);
      assertEquals([errors.length, time.next()], [1, false]);
      const [error, where] = errors[0]!;
      assertStringIncludes(error.message, "Nobody runs the reactor");
      assertStringIncludes(error.stack!, `slips_test.ts:${line}:`);
      assertStringIncludes(where, "tcp 127.0.0.1:");
      server.close();
    });

    Deno.test(`${name} says nothing when its reactor is stepped, run or shut down (${selector})`, async () => {
      const errors: [Error, string][] = [];
      const attends: ((reactor: Reactor, server: { close(): void }) => void | Promise<void>)[] = [
        (reactor) => void reactor.step(),
        (reactor) => reactor.run(),
        (reactor) => reactor.shutdown(),
        (_, server) => server.close(),
      ];
      for (const attend of attends) {
        const reactor = on(errors);
        {
          using time = new FakeTime();
          using _ = stub(Deno, "unrefTimer");
          const server = serve(reactor);
          const running = attend(reactor, server);
          time.tick(5000);
          server.close();
          reactor.requestShutdown();
          await running;
          assertEquals(time.next(), false);
        }
        reactor.shutdown();
      }
      assertEquals(errors, []);
    });
  }
}
