/** A clock that moves by itself to the next timer when everything waits. */
import { assertEquals, assertThrows } from "@std/assert";
import { Acceptor, connect, Reactor, type Socket, TestClock } from "../../reactor/mod.ts";
import { all, gio, memory, open, sleep, timeout, wait } from "../../gio/mod.ts";
import { leakTest, turns } from "../_leaks.ts";
import { fill, hostname, SELECTORS } from "../_sockets.ts";
import { Fake } from "./_fake.ts";

const HOUR = 3_600_000;

/** Runs `body` beside a reactor that runs on a clock that jumps. */
async function jumping(
  body: (reactor: Reactor, clock: TestClock) => Promise<void>,
  options: { selector?: "deno" | "epoll"; quietMs?: number } = {},
): Promise<void> {
  const { selector = "deno", ...more } = options;
  const clock = new TestClock({ autojump: true, ...more });
  const reactor = new Reactor({ selector, clock });
  const running = reactor.run();
  try {
    await body(reactor, clock);
  } finally {
    reactor.requestShutdown();
    await running;
  }
}

/** Resolves with the time at which a timer of `ms` was called. */
function called(reactor: Reactor, ms: number): Promise<number> {
  return new Promise((resolve) => reactor.addTimer(ms, () => resolve(reactor.clock.now())));
}

for (const selector of SELECTORS) {
  leakTest(
    `TestClock jumps to each timer in turn, and no further (${selector})`,
    () =>
      jumping(async (reactor, clock) => {
        const times = await Promise.all([HOUR, 5, 0, 2 * HOUR].map((ms) => called(reactor, ms)));
        assertEquals(times, [HOUR, 5, 0, 2 * HOUR]);
        await turns(200);
        assertEquals(clock.now(), 2 * HOUR);
      }, { selector }),
  );

  leakTest(
    `TestClock does not jump to a timer that was removed (${selector})`,
    () =>
      jumping(async (reactor, clock) => {
        const removed = [reactor.addTimer(5, () => {}), reactor.addTimer(5, () => {})];
        await turns(2);
        for (const timer of removed) reactor.removeTimer(timer);
        await turns(200);
        assertEquals(clock.now(), 0);
        assertEquals(await called(reactor, 7), 7);
      }, { selector }),
  );

  leakTest(
    `TestClock does not jump while a process is active (${selector})`,
    () =>
      jumping(async (reactor, clock) => {
        let calls = 0;
        const process = () => void calls++;
        reactor.addProcess(process);
        const timer = called(reactor, 1);
        await turns(300);
        assertEquals([clock.now(), calls > 0], [0, true]);
        reactor.removeProcess(process);
        assertEquals(await timer, 1);
      }, { selector }),
  );

  leakTest(
    `TestClock jumps only between the messages of two sockets (${selector})`,
    () =>
      jumping(async (reactor, clock) => {
        // Each message is late by as much as its number, and no timeout strikes in between.
        const COUNT = 20;
        using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
          gio(
            reactor,
            socket,
            function* () {
              for (let i = 1; i <= COUNT; i++) {
                yield;
                yield* sleep(i);
                yield "x";
              }
            }(),
          );
        });
        const socket: Socket = await connect(reactor, { hostname, port: acceptor.port });
        const times = await gio(
          reactor,
          socket,
          function* () {
            const times = [];
            for (let i = 1; i <= COUNT; i++) {
              using _ = timeout(i + 1);
              yield "x";
              yield;
              times.push(clock.now());
            }
            return times;
          }(),
        ).result;
        const expected = Array.from({ length: COUNT }, (_, i) => (i + 1) * (i + 2) / 2);
        assertEquals(times, expected);
      }, { selector }),
  );
}

leakTest("TestClock jumps to the end of a linger", async () => {
  const clock = new TestClock({ autojump: true });
  const reactor = new Reactor({ selector: "deno", clock, lingerMs: HOUR });
  const running = reactor.run();
  using listener = Deno.listen({ hostname, port: 0 });
  const socket = await connect(reactor, { hostname, port: listener.addr.port });
  using _peer = await listener.accept(); // which reads nothing
  await fill(socket);
  socket.close();
  reactor.requestShutdown();
  await running;
  assertEquals([clock.now(), reactor.openConnections.size], [HOUR, 0]);
});

Deno.test("TestClock waits for all reactors on it", () =>
  jumping(async (reactor, clock) => {
    const other = new Reactor({ selector: "deno", clock });
    const busy = () => {};
    other.addProcess(busy);
    const running = other.run();
    const timer = called(reactor, 1);
    await turns(300);
    assertEquals(clock.now(), 0);
    other.removeProcess(busy);
    assertEquals(await Promise.all([timer, called(other, 1)]), [1, 1]);
    other.requestShutdown();
    await running;
  }));

Deno.test("TestClock does not jump while something is ready that has a low priority", () =>
  jumping(async (reactor) => {
    const fake = new Fake();
    const seen: string[] = [];
    reactor.addReader(fake, () => {
      seen.push("reader");
      fake.readable = false;
    }, { priority: 9 });
    fake.readable = true;
    await called(reactor, 1).then(() => seen.push("timer"));
    assertEquals(seen, ["reader", "timer"]);
  }));

Deno.test("TestClock does not jump for a reactor that nobody runs", async () => {
  const clock = new TestClock({ autojump: true });
  using reactor = new Reactor({ selector: "deno", clock });
  reactor.addTimer(1, () => {});
  reactor.step();
  await turns(200);
  assertEquals(clock.now(), 0);
  await reactor.wait();
  assertEquals(clock.now(), 1);
  await turns(200);
  assertEquals([clock.now(), reactor.step()], [1, 1]);
});

Deno.test("TestClock lets a timer that is due at once wake who waits, though it stands still", async () => {
  using reactor = new Reactor({ selector: "deno", clock: new TestClock() });
  const waiting = reactor.wait();
  await turns();
  reactor.addTimer(0, () => {});
  await waiting;
  assertEquals(reactor.step(), 1);
});

Deno.test("TestClock can be moved by hand as well", () =>
  jumping(async (reactor, clock) => {
    const timer = called(reactor, HOUR);
    clock.advance(2 * HOUR);
    assertEquals(await timer, 2 * HOUR);
    assertEquals(await called(reactor, 1), 2 * HOUR + 1);
  }));

Deno.test("TestClock lets timeouts strike in memory, in the order of their times", () =>
  jumping(async (reactor, clock) => {
    const task = (ms: number) =>
      (function* () {
        using _ = timeout(ms);
        try {
          yield* sleep(HOUR);
        } catch {
          return clock.now();
        }
      })();
    const times = await gio(
      reactor,
      memory(),
      function* () {
        return yield* all(task(30), task(10), task(20));
      }(),
    ).result;
    assertEquals(times, [30, 10, 20]);
  }));

Deno.test("TestClock waits quietMs for what comes from outside", () =>
  jumping(async (reactor, clock) => {
    const read = await gio(
      reactor,
      memory(),
      function* () {
        using _ = timeout(1);
        using file = open(new URL(import.meta.url));
        yield* wait(crypto.subtle.digest("SHA-256", new Uint8Array(1_000_000)));
        using _entered = file.enter();
        return ((yield) as Uint8Array).length > 0;
      }(),
    ).result;
    assertEquals([read, clock.now()], [true, 0]);
  }, { quietMs: 500 }));

Deno.test("TestClock refuses what is no time", () => {
  for (
    const [options, name] of [
      [NaN, "now"],
      [{ now: Infinity }, "now"],
      [{ quietMs: -1 }, "quietMs"],
      [{ quietMs: NaN }, "quietMs"],
      [{ quietMs: Infinity }, "quietMs"],
    ] as const
  ) {
    assertThrows(() => new TestClock(options), RangeError, `Cannot make a clock: ${name}`);
  }
});

Deno.test("a TestClock does not go back, or to no time at all", () => {
  const clock = new TestClock();
  for (const ms of [-1, NaN, "1" as never]) assertThrows(() => clock.advance(ms), RangeError);
  assertEquals(clock.now(), 0);
});
