import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { call, type Coroutine } from "../../compose/mod.ts";
import { Acceptor, Reactor, TestClock } from "../../reactor/mod.ts";
import {
  all,
  connectTo,
  enter,
  type Gio,
  gio,
  memory,
  open,
  sleep,
  spawn,
  Suspend,
  timeout,
  wait,
} from "../../gio/mod.ts";
import { leakTest, turns } from "../_leaks.ts";
import { FakeConnection } from "./_fake.ts";
import { SELECTORS } from "../_sockets.ts";

/** What a random coroutine does; each step is one of these, within a `try … finally` that is counted. */
type Step =
  | "read"
  | "write"
  | "sleep"
  | "wait"
  | "suspend"
  | "timeout"
  | "answer"
  | { call: Step[] }
  | { spawn: Step[] }
  | { all: Step[][] }
  | { enter: Step[] };

/** How many blocks were entered and left, and of those that were cancelled, how many finished their cleanup. */
class Counts {
  entered = 0;
  left = 0;
  cancelled = 0;
  cleanedUp = 0;
}

function* run(steps: Step[], counts: Counts): Coroutine {
  counts.entered++;
  let cancelled = true;
  try {
    for (const step of steps) {
      if (step === "read") yield;
      else if (step === "write") yield "x".repeat(30_000);
      else if (step === "sleep") yield* sleep(3);
      else if (step === "wait") yield* wait(Promise.resolve());
      else if (step === "suspend") {
        yield* new Suspend((handle) => queueMicrotask(() => handle.resume()));
      } else if (step === "timeout") {
        using _ = timeout(1000);
        yield* sleep(1);
      } else if (step === "answer") {
        const answer: Suspend = new Suspend(undefined, {
          timeoutMs: 3,
          onTimeout: () => answer.resume(),
        });
        yield* answer;
      } else if ("call" in step) yield* call(run(step.call, counts));
      else if ("spawn" in step) yield* spawn(run([{ enter: step.spawn }], counts));
      else if ("all" in step) {
        yield* all(...step.all.map((steps) => run([{ enter: steps }], counts)));
      } else {
        using _ = enter(memory("a", "b", "c", "d", "e", "f"));
        yield* call(run(step.enter, counts));
      }
    }
    cancelled = false;
  } catch (error) {
    cancelled = false;
    throw error;
  } finally {
    counts.left++;
    if (cancelled) {
      counts.cancelled++;
      yield* sleep(1); // cleanup that takes time
      counts.cleanedUp++;
    }
  }
}

const { steps } = fc.letrec<{ step: Step; steps: Step[] }>((tie) => ({
  step: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<Step>("read", "write", "sleep", "wait", "suspend", "timeout", "answer"),
    fc.record({ call: tie("steps") }),
    fc.record({ spawn: tie("steps") }),
    fc.record({ all: fc.array(tie("steps"), { maxLength: 3 }) }),
    fc.record({ enter: tie("steps") }),
  ) as fc.Arbitrary<Step>,
  steps: fc.array(tie("step"), { maxLength: 5 }),
}));

Deno.test("cancel() of 1,000 coroutines at random points runs every finally once and leaves nothing behind", async () => {
  const clock = new TestClock();
  const errors: unknown[] = [];
  const reactor = new Reactor({ selector: "deno", clock, onError: (error) => errors.push(error) });
  const programs = fc.sample(steps, { numRuns: 1000, seed: 42 });
  const counts = new Counts();
  const connections: FakeConnection[] = [];
  const tasks: Gio[] = programs.map((steps, i) => {
    const connection = new FakeConnection();
    connection.capacity = 40_000 * (i % 4);
    connection.arrive("1", "2", "3");
    connections.push(connection);
    const task = gio(reactor, connection, run(steps, counts), { lingerMs: 5 });
    task.result.catch(() => {});
    return task;
  });
  const turn = async () => {
    clock.advance(1);
    reactor.step();
    await turns();
  };
  // The i-th is cancelled after i % 10 turns, wherever it is by then.
  for (let i = 0; i < 10; i++) {
    tasks.forEach((task, j) => {
      if (j % 10 === i) task.cancel(new Error("enough"));
    });
    await turn();
  }
  for (let i = 0; i < 20; i++) await turn();

  assertEquals(tasks.filter((task) => !task.done).length, 0);
  assertEquals(counts.left, counts.entered);
  assertEquals(counts.cleanedUp, counts.cancelled);
  assert(counts.cancelled > 2500);
  assertEquals(errors.length, 0);
  assertEquals(
    connections.filter(({ calls }) => !calls.includes("close") && !calls.includes("abort")).length,
    0,
  );
  assertEquals(connections.filter(({ watched }) => watched.length > 0).length, 0);
  assertEquals(reactor.inspect(), []);
  reactor.shutdown();
});

for (const selector of SELECTORS) {
  leakTest(
    `cancel() of 500 coroutines with connections and files leaves none of them open (${selector})`,
    async () => {
      const errors: unknown[] = [];
      const clock = new TestClock({ autojump: true });
      const reactor = new Reactor({ selector, clock, onError: (error) => errors.push(error) });
      const path = await Deno.makeTempFile();
      await Deno.writeTextFile(path, "x".repeat(100_000));
      const acceptor = new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, (socket) => {
        gio(
          reactor,
          socket,
          function* () {
            for (;;) yield yield;
          }(),
          { lingerMs: 20 },
        );
      });
      const counts = { begun: 0, connected: 0, ended: 0, cleanedUp: 0 };
      /** Reads a file and sends it to a server that sends it back, beside a task that only waits for another connection. */
      function* client(port: number): Coroutine {
        counts.begun++;
        const hostname = "127.0.0.1";
        try {
          using peer = yield* connectTo({ hostname, port });
          counts.connected++;
          yield* spawn(function* () {
            using other = yield* connectTo({ hostname, port });
            using _ = enter(other);
            yield;
          }());
          for (;;) {
            using file = open(path);
            let chunk: Uint8Array;
            {
              using _ = enter(file);
              chunk = yield;
            }
            using _ = enter(peer);
            yield chunk;
            for (let left = chunk.length; left > 0;) {
              const echoed: Uint8Array = yield;
              left -= echoed.length;
            }
            yield* sleep(0);
          }
        } finally {
          counts.ended++;
          yield* sleep(1);
          counts.cleanedUp++;
        }
      }
      const tasks: Promise<unknown>[] = [];
      for (let wave = 0; wave < 10; wave++) {
        const some = Array.from(
          { length: 50 },
          () => gio(reactor, undefined, client(acceptor.port)),
        );
        for (const { result } of some) tasks.push(result.catch((error) => error));
        // The i-th is cancelled after i turns, wherever it is by then.
        for (const task of some) {
          task.cancel(new Error("enough"));
          await turns();
          reactor.step();
        }
        // The descriptors of one wave are gone before the next one begins.
        while (some.some(({ done }) => !done)) {
          clock.advance(1);
          reactor.step();
          await turns();
        }
      }
      const ended = Promise.all(tasks).then((results) => {
        reactor.requestShutdown();
        return results;
      });
      await reactor.run();
      assertEquals((await ended).filter((error) => (error as Error).message !== "enough"), []);
      assertEquals(counts, { ...counts, begun: 500, ended: 500, cleanedUp: 500 });
      assert(counts.connected > 50);
      assertEquals([errors, reactor.openConnections.size, reactor.inspect()], [[], 0, []]);
      await Deno.remove(path);
    },
  );
}
