/** What a coroutine sees when a method of its context, or of the stream below, throws; and that nothing is left then. */
import { assertEquals } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { type ByteStream, Reactor, type SelectorName } from "../../reactor/mod.ts";
import { type Context, enter, type Gio, gio, sleep } from "../../gio/mod.ts";
import { turns } from "../_leaks.ts";
import { FakeConnection } from "./_fake.ts";
import { OnClock } from "./_clock.ts";

const SELECTORS: SelectorName[] = Deno.build.os === "linux" ? ["deno", "epoll"] : ["deno"];

function outcomeOf(task: Gio): { ended?: unknown } {
  const outcome: { ended?: unknown } = {};
  task.result.then(
    (value) => outcome.ended = value,
    (error) => outcome.ended = (error as Error).message,
  );
  return outcome;
}

/** Catches what a yield throws and tells of it. */
function* telling(act: () => Coroutine): Coroutine<string> {
  try {
    yield act();
    return "nothing";
  } catch (error) {
    return (error as Error).message;
  }
}

function* reads(): Coroutine {
  yield;
}

function* readsToTheEnd(): Coroutine {
  for (;;) yield;
}

/** Goes on until it is told that a write has failed. */
function* writes(): Coroutine {
  for (let i = 0; i < 100; i++) {
    yield "text";
    yield* sleep(0);
  }
}

function* writesAndReads(): Coroutine {
  yield "text";
  yield;
}

function* writesValues(): Coroutine {
  yield 1;
  yield 2;
}

/** Leaves the context before it waits. */
function within(act: () => Coroutine): (context: Context) => () => Coroutine {
  return (context) =>
    function* () {
      {
        using _ = enter(context);
        yield act();
      }
      yield* sleep(0);
    };
}

interface Case {
  /** What throws. */
  method: string;
  /** What the coroutine does. */
  act: () => Coroutine;
  /** What it sees; that of the method unless said. */
  sees?: string;
  /** What the context does before. */
  prepare?: (context: FakeConnection) => void;
}

const isFull = (context: FakeConnection) => context.capacity = 0;

const CONTEXT: Case[] = [
  { method: "recv", act: reads, prepare: (context) => context.arrive("text") },
  { method: "send", act: writes },
  {
    method: "sendv",
    *act(): Coroutine {
      yield "text";
      yield new Uint8Array(20_000);
      yield "text";
      yield* sleep(0);
    },
  },
  { method: "put", act: writesValues },
  { method: "watch read", act: reads },
  { method: "watch write", act: writesAndReads, prepare: isFull },
  { method: "watch write", act: writes, prepare: isFull },
  {
    method: "watch write",
    act: writesValues,
    prepare: (context) => Object.assign(context, { capacity: 0, put: () => false }),
  },
  {
    method: "unwatch write",
    act: writesValues,
    prepare: (context) => {
      const answers = [false, true, true];
      Object.assign(context, { put: () => answers.shift() });
    },
  },
  {
    method: "unwatch read",
    act: readsToTheEnd,
    sees: "The stream has ended",
    prepare: (context) => context.arrive("text", null),
  },
];

/** Makes a method throw: that of a name, or only for one interest. */
function broken(context: FakeConnection, method: string): FakeConnection {
  const [name, interest] = method.split(" ") as [keyof FakeConnection, string | undefined];
  const original = context[name] as ((...args: unknown[]) => unknown) | undefined;
  return Object.assign(context, {
    [name](...args: unknown[]) {
      if (interest !== undefined && args[0] !== interest) return original!.apply(context, args);
      throw new Error(`of ${method}`);
    },
  });
}

for (const { method, act, sees = `of ${method}`, prepare } of CONTEXT) {
  for (const how of ["connection", "entered"] as const) {
    Deno.test(`${act.name}() sees "${sees}" when ${method}() of its context throws (${how})`, async () => {
      using t = new OnClock();
      const context = broken(new FakeConnection(), method);
      prepare?.(context);
      const task = how === "connection"
        ? gio(t.reactor, context, telling(act))
        : gio(t.reactor, undefined, telling(within(act)(context)));
      const outcome = outcomeOf(task);
      for (let i = 0; i < 10; i++) await t.pass(1000);
      assertEquals(outcome.ended, sees);
      assertEquals(t.reactor.inspect(), []);
    });
  }
}

/** These are called when a coroutine has ended. Its result tells; and nothing waits for ever. */
const ENDINGS: { method: string; arrives?: null; result: string; calls: string[] }[] = [
  { method: "shutdown", result: "of shutdown", calls: ["abort"] },
  { method: "close", arrives: null, result: "ended", calls: ["shutdown"] },
  { method: "watch read", result: "ended", calls: ["shutdown", "close"] },
  { method: "unwatch read", arrives: null, result: "ended", calls: ["shutdown", "close"] },
];

for (const { method, arrives, result, calls } of ENDINGS) {
  Deno.test(`a coroutine whose context throws in ${method}() at the end has an end`, async () => {
    using t = new OnClock();
    const context = broken(new FakeConnection(), method);
    const outcome = outcomeOf(gio(
      t.reactor,
      context,
      function* () {
        yield "text";
        return "ended";
      }(),
    ));
    if (arrives !== undefined) context.arrive(arrives);
    for (let i = 0; i < 10; i++) await t.pass(1000);
    assertEquals([outcome.ended, context.calls], [result, calls]);
    assertEquals(t.reactor.inspect(), []);
  });
}

function thrower(method: string): () => never {
  return () => {
    throw new Error(`of ${method}`);
  };
}

const STREAM: { method: keyof ByteStream; act: () => Coroutine; sees?: string }[] = [
  { method: "read", act: reads },
  { method: "pull", act: reads },
  { method: "write", act: writes },
  { method: "closeWrite", act: reads, sees: "The stream has ended" },
  { method: "abort", act: reads, sees: "The stream has ended" },
  { method: "close", act: reads, sees: "The stream has ended" },
];

for (const selector of SELECTORS) {
  for (const { method, act, sees = `of ${method}` } of STREAM) {
    Deno.test(`${act.name}() sees "${sees}" when ${method}() of a stream throws (${selector})`, async () => {
      using reactor = new Reactor({ selector });
      const stream: ByteStream = {
        read: () => Promise.resolve(null),
        write: (bytes) => Promise.resolve(bytes.length),
        close() {},
        [method]: thrower(method),
      };
      const socket = reactor.adopt(stream);
      const outcome = outcomeOf(gio(reactor, socket, telling(act)));
      for (let i = 0; i < 20; i++) {
        reactor.step();
        await turns();
      }
      assertEquals(outcome.ended, sees);
      assertEquals([reactor.inspect(), reactor.openConnections.size], [[], 0]);
    });
  }

  Deno.test(`a write that throws when an earlier one has gone out is told (${selector})`, async () => {
    using reactor = new Reactor({ selector });
    let count = 0;
    const socket = reactor.adopt({
      write(bytes) {
        if (++count === 2) throw new Error("of the second write");
        return Promise.resolve(bytes.length - 1);
      },
      close() {},
    });
    const outcome = outcomeOf(gio(reactor, socket, telling(writes)));
    for (let i = 0; i < 20; i++) {
      reactor.step();
      await turns();
    }
    assertEquals(outcome.ended, "of the second write");
    assertEquals([reactor.inspect(), reactor.openConnections.size], [[], 0]);
  });
}
