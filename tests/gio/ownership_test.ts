/** What branches of all() and race() and tasks have opened: who gets it, and when it is closed. */
import { assertEquals } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { Acceptor, Reactor, type SelectorName, TestClock } from "../../reactor/mod.ts";
import {
  all,
  connectTo,
  type Gio,
  gio,
  open,
  type Opened,
  race,
  sleep,
  spawn,
} from "../../gio/mod.ts";
import { leakTest, turnsUntil } from "../_leaks.ts";
import { hostname, SELECTORS } from "../_sockets.ts";

interface Thing {
  closed?: boolean;
  done?: boolean;
}

/** All that the branches of a test have made. */
class Made {
  readonly things: Thing[] = [];
  constructor(readonly port: number) {}

  *connection(): Coroutine<Opened> {
    return this.note(yield* connectTo({ hostname, port: this.port }));
  }
  *file(): Coroutine<Opened> {
    yield* sleep(0);
    return this.note(open("/dev/null"));
  }
  *task(): Coroutine<Gio> {
    return this.note(yield* spawn(forever()));
  }
  note<T extends Thing>(thing: T): T {
    this.things.push(thing);
    return thing;
  }
}

function* forever(): Coroutine {
  yield* sleep(60_000);
}

function isOpen(thing: Thing): boolean {
  return thing.closed === false || thing.done === false;
}

/** How a branch gives what it has made. */
const SHAPES: Record<string, (make: (made: Made) => Coroutine) => (made: Made) => Coroutine> = {
  "as it is": (make) => make,
  "by a call": (make) =>
    function* (made) {
      return yield* call(make(made));
    },
  "in an object": (make) =>
    function* (made) {
      return { some: { thing: yield* call(make(made)) } };
    },
  "in an array, with a second": (make) =>
    function* (made) {
      return [yield* call(make(made)), yield* call(make(made))];
    },
  "in a map": (make) =>
    function* (made) {
      return new Map([["thing", yield* call(make(made))]]);
    },
  "by a joined task": (make) =>
    function* (made) {
      return yield* yield* spawn(make(made));
    },
  "by all()": (make) =>
    function* (made) {
      return yield* all(make(made), make(made));
    },
  "by race()": (make) =>
    function* (made) {
      return yield* race(make(made), sleep(60_000));
    },
};

/** The requests themselves, as branches. */
const MAKES: Record<string, (made: Made) => Coroutine> = {
  "a connection": (made) => made.connection(),
  "a file": (made) => made.file(),
  "a task": (made) => made.task(),
};

async function withPeer(
  selector: SelectorName,
  main: (made: Made, reactor: Reactor) => Coroutine,
): Promise<Made> {
  const errors: unknown[] = [];
  // A branch connects, which the clock does not see, so it waits until nothing has happened for a while.
  const clock = new TestClock({ autojump: true, quietMs: 5 });
  const reactor = new Reactor({ selector, clock, onError: (error) => errors.push(error) });
  const running = reactor.run();
  const acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
    gio(
      reactor,
      socket,
      function* () {
        for (;;) yield;
      }(),
    );
  });
  const made = new Made(acceptor.port);
  try {
    await gio(reactor, undefined, main(made, reactor)).result;
    await turnsUntil(() => !made.things.some(isOpen));
  } finally {
    acceptor.close();
    reactor.requestShutdown();
    await running;
  }
  assertEquals(errors, []);
  return made;
}

for (const selector of SELECTORS) {
  for (const [what, make] of Object.entries(MAKES)) {
    for (const [shape, shaped] of Object.entries(SHAPES)) {
      const branch = shaped(make);
      const name = `${what}, given ${shape} (${selector})`;

      leakTest(`all() gives what is open, and ends with the caller: ${name}`, async () => {
        await withPeer(selector, function* (made) {
          yield* all(branch(made), sleep(0), branch(made));
          yield* sleep(2);
          assertEquals(made.things.map(isOpen), made.things.map(() => true));
        });
      });

      leakTest(`race() gives what is open, and ends with the caller: ${name}`, async () => {
        await withPeer(selector, function* (made) {
          yield* race(branch(made), sleep(60_000));
          yield* sleep(2);
          assertEquals(made.things.map(isOpen), made.things.map(() => true));
        });
      });

      leakTest(`a task gives what is open, and ends with who joins it: ${name}`, async () => {
        await withPeer(selector, function* (made) {
          yield* yield* spawn(branch(made));
          yield* sleep(2);
          assertEquals(made.things.map(isOpen), made.things.map(() => true));
        });
      });

      leakTest(`what all() that fails had opened is closed: ${name}`, async () => {
        await withPeer(selector, function* (made) {
          try {
            yield* all(
              branch(made),
              function* () {
                yield* sleep(5);
                throw new Error("expected");
              }(),
            );
          } catch (error) {
            assertEquals((error as Error).message, "expected");
          }
          assertEquals(made.things.filter(isOpen), []);
        });
      });

      leakTest(`what losers of race() had opened is closed: ${name}`, async () => {
        await withPeer(selector, function* (made) {
          const winner = yield* race(
            function* () {
              yield* call(branch(made));
              yield* sleep(60_000);
            }(),
            function* () {
              yield* sleep(5);
              return "won";
            }(),
          );
          assertEquals([winner, made.things.filter(isOpen)], ["won", []]);
        });
      });

      leakTest(`what is opened is closed when its caller is cancelled: ${name}`, async () => {
        await withPeer(selector, function* (made) {
          const task = yield* spawn(function* () {
            yield* all(branch(made), branch(made));
            yield* sleep(60_000);
          }());
          yield* sleep(5);
          task.cancel();
        });
      });

      leakTest(`what is opened while it is cancelled is closed: ${name}`, async () => {
        await withPeer(selector, function* (made) {
          yield* race(all(branch(made), branch(made)), race(branch(made), branch(made)), sleep(0));
        });
      });

      leakTest(`what a task leaves when it ends without giving it is closed: ${name}`, async () => {
        await withPeer(selector, function* (made) {
          yield* yield* spawn(function* () {
            yield branch(made);
          }());
          assertEquals(made.things.filter(isOpen), []);
        });
      });
    }
  }

  leakTest(
    `all() and race() of the requests themselves give what is open (${selector})`,
    async () => {
      await withPeer(selector, function* (made) {
        const { port } = made;
        const [one, two, task] = yield* all(
          connectTo({ port, hostname }),
          connectTo({ port, hostname }),
          spawn(forever()),
        );
        const three = yield* race(connectTo({ port, hostname }), sleep(60_000));
        const four = yield* race(spawn(forever()), connectTo({ port, hostname }));
        for (const thing of [one, two, task, three!, four]) made.note(thing as Thing);
        yield* sleep(2);
        assertEquals(made.things.map(isOpen), [true, true, true, true, true]);
      });
    },
  );
}
