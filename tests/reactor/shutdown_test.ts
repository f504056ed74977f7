/** A shutdown goes on to its end whatever fails on the way, and what measures does no harm. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Reactor, type ReactorOptions, Suspend, TestClock } from "../../reactor/mod.ts";
import { leakTest, turnsUntil } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { Fake } from "./_fake.ts";
import { hostname } from "../_sockets.ts";

/** A reactor with three connections. */
async function connected(
  options: ReactorOptions,
): Promise<{ reactor: Reactor; peers: Deno.Conn[] }> {
  using listener = Deno.listen({ hostname, port: 0 });
  const reactor = new Reactor(options);
  const peers: Deno.Conn[] = [];
  for (let i = 0; i < 3; i++) {
    peers.push(await Deno.connect({ hostname, port: listener.addr.port }));
    reactor.adopt(await listener.accept());
  }
  return { reactor, peers };
}

function fail(): never {
  throw new RangeError("oops");
}

const FAILURES: Record<string, (options: ReactorOptions) => (reactor: Reactor) => void> = {
  "onShutdown": (options) => {
    options.onShutdown = fail;
    return () => {};
  },
  "event closed": (options) => {
    options.events = { closed: fail };
    return () => {};
  },
  "shutdown hook": () => (reactor) => reactor.addShutdownHook(fail),
  "process of coroutine": () => (reactor) => {
    reactor.addProcess(function* () {
      try {
        for (;;) yield;
      } finally {
        fail();
      }
    }());
    reactor.step();
    reactor.step();
  },
  "reader of fake": () => (reactor) => {
    const fake = new Fake();
    fake.close = fail;
    reactor.addReader(fake, () => {});
  },
};

for (const [what, prepare] of Object.entries(FAILURES)) {
  leakTest(
    `shutdown() closes everything when there is an error in ${what}, and reports it`,
    async () => {
      const reported: string[] = [];
      const options: ReactorOptions = {
        onError: (error, where) => reported.push(`${error}, ${where}`),
      };
      const act = prepare(options);
      const { reactor, peers } = await connected(options);
      act(reactor);
      reactor.shutdown();
      for (const peer of peers) peer.close();
      assertEquals([reactor.openConnections.size, reactor.isShutDown], [0, true]);
      assertEquals([...new Set(reported)], [`RangeError: oops, ${what}`]);
    },
  );
}

leakTest("shutdown() throws what onError throws, when everything is closed", async () => {
  const { reactor, peers } = await connected({
    onError: (error) => {
      throw error;
    },
  });
  const error = new Error("first");
  reactor.addShutdownHook(() => {
    throw error;
  });
  reactor.addShutdownHook(fail);
  assertStrictEquals(assertThrows(() => reactor.shutdown()), error);
  reactor.shutdown();
  for (const peer of peers) peer.close();
  assertEquals(reactor.openConnections.size, 0);
});

leakTest("shutdown() from a coroutine that is a process closes it, and all else", async () => {
  const { reactor, peers } = await connected({});
  const seen: string[] = [];
  reactor.addProcess(function* () {
    try {
      reactor.shutdown();
      seen.push("shut down");
      yield;
      seen.push("not this");
    } finally {
      seen.push("closed");
    }
  }());
  reactor.step();
  reactor.step();
  for (const peer of peers) peer.close();
  assertEquals([seen, reactor.openConnections.size, reactor.step()], [
    ["shut down", "closed"],
    0,
    0,
  ]);
});

leakTest("errors of events are reported, and lose nothing", async () => {
  const reported: string[] = [];
  const events = {
    accepted: fail,
    closed: fail,
    received: fail,
    sent: fail,
    step: fail,
    error: fail,
  };
  const { reactor, peers } = await connected({
    selector: "deno",
    events,
    onError: (_, where) => reported.push(where),
  });
  const [socket] = reactor.openConnections, [peer] = peers;
  let received: Uint8Array | null | undefined;
  reactor.addReader(socket!, () => received = socket!.recv());
  await peer!.write(new Uint8Array(3));
  await drive(reactor, () => received !== undefined);
  socket!.send(new Uint8Array(2));
  await peer!.read(new Uint8Array(2));
  await turnsUntil(() => reported.includes("event sent"));
  assertEquals(received, new Uint8Array(3));
  reactor.shutdown();
  for (const peer of peers) peer.close();
  assertEquals(
    [...new Set(reported)].sort(),
    ["event closed", "event error", "event received", "event sent", "event step"],
  );
});

Deno.test("a Suspend times out although its onTimeout throws, which is reported", () => {
  const clock = new TestClock();
  const seen: unknown[] = [];
  using reactor = new Reactor({ clock, onError: (error) => seen.push((error as Error).message) });
  reactor.addProcess(function* () {
    try {
      yield* new Suspend(undefined, { timeoutMs: 10, onTimeout: fail });
    } catch (error) {
      seen.push((error as Error).name);
    }
  }());
  reactor.step();
  reactor.step();
  clock.advance(10);
  reactor.step();
  reactor.step();
  assertEquals(seen, ["oops", "TimeoutError"]);
});

Deno.test("a Suspend that cannot start leaves no timer", () => {
  using reactor = new Reactor({ clock: new TestClock() });
  reactor.addProcess(function* () {
    yield* new Suspend(fail, { timeoutMs: 10 });
  }());
  assertThrows(
    () => {
      reactor.step();
      reactor.step();
    },
    RangeError,
    "oops",
  );
  assertEquals(reactor.inspect(), []);
});
