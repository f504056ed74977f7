/** Whatever fails while something is described, all goes on: errors are reported, messages come, a shutdown closes everything. */
import { assertEquals, assertThrows } from "@std/assert";
import { stub } from "@std/testing/mock";
import { type Process, Reactor, type Selectable } from "../../reactor/mod.ts";
import { leakTest } from "../_leaks.ts";
import { Fake } from "./_fake.ts";

function fail(): never {
  throw new RangeError("nobody can tell");
}

/** A selectable that is ready, with something odd about it. */
function selectable(change: (fake: Fake) => void): Fake {
  const fake = new Fake();
  fake.readable = true;
  change(fake);
  return fake;
}

function define(target: object, name: PropertyKey, descriptor: PropertyDescriptor): void {
  Object.defineProperty(target, name, { configurable: true, ...descriptor });
}

const ODD_TEXTS: Record<string, () => never> = {
  "an error": fail,
  "a symbol": () => Symbol("odd") as never,
  "what has no text": () => Object.create(null) as never,
  "what fails to give its text": () => ({ toString: fail }) as never,
  "endless recursion": function again(): never {
    return again();
  },
};

const ODD_SELECTABLES: Record<string, () => Selectable> = {
  "without a describe() and a prototype": () =>
    Object.assign(Object.create(null), {
      readable: true,
      writable: true,
      watch: (_: unknown, notify: () => void) => notify(),
      unwatch() {},
    }),
  "whose constructor has no text": () =>
    selectable((fake) => {
      define(fake, "describe", { value: undefined });
      define(fake, "constructor", { get: fail });
    }),
  "that is a proxy without has()": () =>
    new Proxy(selectable(() => {}), {
      has: fail,
      get: (fake, name) => {
        const value = Reflect.get(fake, name, fake);
        return typeof value === "function" ? value.bind(fake) : value;
      },
    }),
};
const ODD_PROCESSES: Record<string, () => Process> = {
  "that is a proxy without has()": () => {
    const coroutine = function* () {
      for (;;) yield;
    }();
    return new Proxy(coroutine, {
      has: fail,
      get: (_, name) =>
        (coroutine as never)[name] &&
        ((...args: []) => (coroutine[name as "next"] as (...args: unknown[]) => unknown)(...args)),
    });
  },
};
for (const [what, odd] of Object.entries(ODD_TEXTS)) {
  ODD_SELECTABLES[`whose describe() gives ${what}`] = () =>
    selectable((fake) => fake.describe = odd);
  ODD_PROCESSES[`whose name is ${what}`] = () => {
    const process = () => {};
    define(process, "name", { get: odd });
    return process;
  };
}

/** A reactor with a connection, and the lines that onShutdown got. */
async function connected() {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const left: string[] = [];
  const reported: unknown[] = [];
  const reactor = new Reactor({
    onShutdown: (lines) => left.push(...lines),
    onError: (error) => reported.push(error),
  });
  const peer = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  reactor.adopt(await listener.accept());
  return { reactor, left, reported, peer };
}

function odd(
  what: string,
  use: (reactor: Reactor, reported: unknown[]) => void,
): void {
  leakTest(`Reactor goes on and shuts down with ${what}`, async () => {
    const { reactor, left, reported, peer } = await connected();
    use(reactor, reported);
    const count = reactor.inspect().length;
    reactor.shutdown();
    peer.close();
    assertEquals([left.length, reactor.isShutDown, reactor.openConnections.size], [count, true, 0]);
  });
}

for (const [what, make] of Object.entries(ODD_SELECTABLES)) {
  odd(`a selectable ${what}`, (reactor, reported) => {
    const error = new Error("of the callback");
    const one = make();
    reactor.addReader(one, () => {
      throw error;
    });
    assertThrows(() => reactor.addReader(one, () => {}), TypeError, "Cannot add a reader of");
    assertThrows(() => reactor.resumeReader(one), TypeError, "Cannot resume a reader of");
    reactor.step();
    assertEquals(reported, [error]);
    reactor.addReader(one, () => {});
    reactor.addWriter(one, () => {});
  });
}

for (const [what, make] of Object.entries(ODD_PROCESSES)) {
  odd(`a process ${what}`, (reactor) => {
    const process = make();
    reactor.addProcess(process);
    assertThrows(() => reactor.addProcess(process), TypeError, "Cannot add a process of");
    assertThrows(() => reactor.resumeProcess(process), TypeError, "Cannot resume a process of");
    reactor.step();
  });
}

for (const [what, toString] of Object.entries(ODD_TEXTS)) {
  for (const trace of [false, true]) {
    Deno.test(`Reactor goes on with a \`where\` whose text is ${what}, trace: ${trace}`, () => {
      const reported: unknown[] = [];
      using reactor = new Reactor({ trace, onError: (error) => reported.push(error) });
      const error = new Error("of the callback");
      const fake = new Fake();
      fake.readable = true;
      reactor.addReader(fake, () => {
        throw error;
      }, { where: { toString } });
      assertEquals(reactor.inspect().length, 1);
      reactor.step();
      assertEquals(reported, [error]);
    });
  }

  odd(`a callback whose name is ${what}`, (reactor, reported) => {
    const error = new Error("of the callback");
    const callback = () => {
      throw error;
    };
    define(callback, "name", { get: toString });
    const fake = new Fake();
    fake.readable = true;
    reactor.addReader(fake, callback);
    reactor.addTimer(0, callback);
    assertEquals(reactor.inspect().length, 3);
    reactor.step();
    assertEquals(reported, [error, error]);
    reactor.addTimer(1000, callback);
  });
}

odd("a selectable that cannot be unwatched", (reactor) => {
  const fake = new Fake();
  reactor.addReader(fake, () => {});
  fake.unwatch = fail;
});

Deno.test("Reactor.addReader() refuses what is no selectable, whatever it is", () => {
  using reactor = new Reactor();
  for (const wrong of [undefined, null, 5, Symbol("odd"), {}, Object.create(null), () => {}]) {
    assertThrows(() => reactor.addReader(wrong, () => {}), TypeError, "it is not a Selectable");
  }
});

Deno.test("Reactor reports errors of which nothing can be told to the console", () => {
  const odd = new Proxy(new Error(), { get: fail, getPrototypeOf: fail });
  using reactor = new Reactor();
  using error = stub(console, "error", (...args) => {
    if (args.includes(odd)) fail();
  });
  reactor.addTimer(0, function tick() {
    throw odd;
  });
  reactor.step();
  const last = error.calls.at(-1)!.args;
  assertEquals(last, ["Error in timer tick: of which nothing can be told"]);
});
