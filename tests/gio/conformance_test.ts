/**
 * What Weightless promises of gio, one line a behaviour, each with its test.
 *
 * The rows are written from the published description of Weightless I/O; `gio_test.ts` has what this library adds.
 */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { call, type Coroutine, EndOfStream } from "../../compose/mod.ts";
import { Acceptor, connect, Reactor, type SelectorName, TestClock } from "../../reactor/mod.ts";
import {
  asProcess as onReactorOfItsOwn,
  type AsProcessOptions,
  connectTo,
  enter,
  gio,
  memory,
  open,
  sleep,
  Suspend,
  timeout,
  TimeoutError,
} from "../../gio/mod.ts";
import { leakTest, turns } from "../_leaks.ts";
import { FakeConnection } from "./_fake.ts";
import { SELECTORS } from "../_sockets.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** The back end that the running test is about. */
let selector: SelectorName = "deno";

function asProcess<R>(coroutine: Coroutine<R>, options: AsProcessOptions = {}): Promise<R> {
  return onReactorOfItsOwn(coroutine, { selector, ...options });
}

/** A file with this content, removed at the end of the scope. */
function file(content = ""): { path: string; content: string } & Disposable {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, content);
  return {
    path,
    get content() {
      return Deno.readTextFileSync(path);
    },
    [Symbol.dispose]: () => Deno.removeSync(path),
  };
}

/** Everything until the end of the stream of the innermost context. */
function* everything(): Coroutine<string> {
  let all = "";
  try {
    for (;;) {
      const data: Uint8Array | string = yield;
      all += typeof data === "string" ? data : text(data);
    }
  } catch (error) {
    if (error instanceof EndOfStream) return all;
    throw error;
  }
}

/** Two coroutines, one at each end of a TCP connection. */
async function both(server: () => Coroutine, client: () => Coroutine): Promise<unknown[]> {
  const reactor = new Reactor({ selector });
  const ends: Promise<unknown>[] = [];
  const accepted = Promise.withResolvers<void>();
  using acceptor = new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, (socket) => {
    ends[0] = gio(reactor, socket, server()).result;
    accepted.resolve();
  });
  const running = reactor.run();
  const { port } = acceptor.addr as Deno.NetAddr;
  const socket = await connect(reactor, { hostname: "127.0.0.1", port });
  ends[1] = gio(reactor, socket, client()).result;
  await accepted.promise;
  const results = await Promise.all(ends);
  reactor.requestShutdown();
  await running;
  return results;
}

/** A coroutine on a connection that the test plays the peer of, on a clock that the test moves. */
function played(coroutine: () => Coroutine) {
  const clock = new TestClock();
  const errors: unknown[] = [];
  const reactor = new Reactor({ selector, clock, onError: (error) => errors.push(error) });
  const connection = new FakeConnection();
  const task = gio(reactor, connection, coroutine());
  return {
    reactor,
    connection,
    task,
    errors,
    arrive(...items: Parameters<FakeConnection["arrive"]>) {
      connection.arrive(...items);
      reactor.step();
    },
    pass(ms: number) {
      clock.advance(ms);
      reactor.step();
    },
    [Symbol.dispose]: () => reactor.shutdown(),
  };
}

const BEHAVIOURS: Record<string, () => void | Promise<void>> = {
  // Files
  "open() makes a bare yield read the file": async () => {
    using data = file("some data");
    const seen = await asProcess(function* () {
      using _ = open(data.path).enter();
      return text(yield);
    }());
    assertEquals(seen, "some data");
  },
  "open() for writing makes yield data write the file": async () => {
    using data = file();
    await asProcess(function* () {
      using _ = open(data.path, { write: true }).enter();
      yield "some data";
    }());
    assertEquals(data.content, "some data");
  },
  "open() of what is not there throws in the coroutine": async () => {
    const missing = await asProcess(function* () {
      try {
        open("/does/not/exist");
      } catch (error) {
        return error;
      }
    }());
    assertInstanceOf(missing, Deno.errors.NotFound);
  },
  "a file is read in chunks until EndOfStream": async () => {
    using data = file("x".repeat(200_000));
    const length = await asProcess(function* () {
      using _ = open(data.path).enter();
      return (yield* call(everything())).length;
    }());
    assertEquals(length, 200_000);
  },
  "a file that was entered by itself is closed when its block is left": async () => {
    using data = file("x");
    await asProcess(function* () {
      const context = open(data.path);
      {
        using _ = context.enter();
        yield;
        assertEquals(context.closed, false);
      }
      assertEquals(context.closed, true);
    }());
  },
  "a file that was lent to a block stays open after it": async () => {
    using data = file("x");
    await asProcess(function* () {
      using context = open(data.path);
      {
        using _ = enter(context);
        yield;
      }
      assertEquals(context.closed, false);
    }());
  },
  "a file that its coroutine forgot is closed when the coroutine ends": async () => {
    using data = file("x");
    const context = await asProcess(function* () {
      return open(data.path);
    }());
    assertEquals(context.closed, true);
  },
  "two files are swapped by alternating": async () => {
    using jan = file("jan"), piet = file("piet");
    await asProcess(function* () {
      const options = { read: true, write: true };
      const read = function* (path: string): Coroutine<string> {
        using _ = open(path).enter();
        return yield* call(everything());
      };
      const fromJan = yield* call(read(jan.path));
      const fromPiet = yield* call(read(piet.path));
      using a = open(jan.path, { ...options, truncate: true }),
        b = open(piet.path, { ...options, truncate: true });
      {
        using _ = enter(a);
        yield fromPiet;
      }
      using _ = enter(b);
      yield fromJan;
    }());
    assertEquals([jan.content, piet.content], ["piet", "jan"]);
  },
  "two files are swapped by nesting": async () => {
    using jan = file("jan!"), piet = file("piet");
    await asProcess(function* () {
      using outer = open(jan.path, { read: true, write: true }).enter();
      const fromJan = text(yield);
      {
        using inner = open(piet.path, { read: true, write: true }).enter();
        const fromPiet = text(yield);
        yield fromJan; // after what was read
        void inner;
        yield fromPiet;
      }
      yield "end";
      void outer;
    }());
    assertEquals([jan.content, piet.content], ["jan!end", "pietjan!piet"]);
  },
  "what was written to a file is there when the block has been left and the coroutine goes on":
    async () => {
      using data = file();
      const seen = await asProcess(function* () {
        {
          using _ = open(data.path, { write: true }).enter();
          yield "x".repeat(300_000);
        }
        yield* sleep(0);
        return data.content.length;
      }());
      assertEquals(seen, 300_000);
    },

  // Contexts
  "a read without a context is an error that says so": async () => {
    await assertRejects(
      () =>
        asProcess(function* () {
          yield;
        }()),
      Error,
      "Cannot read: there is no context",
    );
  },
  "a write without a context is an error that says so": async () => {
    await assertRejects(
      () =>
        asProcess(function* () {
          yield "data";
        }()),
      Error,
      "Cannot write: there is no context",
    );
  },
  "a context that was left is not used any more": async () => {
    const inner = memory("in");
    await assertRejects(
      () =>
        asProcess(function* () {
          {
            using _ = enter(inner);
            yield;
          }
          yield "out";
        }()),
      Error,
      "Cannot write: there is no context",
    );
    assertEquals(inner.text, "");
  },
  "leaving contexts out of order is an error": async () => {
    await assertRejects(
      () =>
        asProcess(function* () {
          const outer = enter(memory());
          const inner = enter(memory());
          outer[Symbol.dispose]();
          inner[Symbol.dispose]();
        }()),
      Error,
      "Cannot leave this context before the ones entered after it",
    );
  },
  "a context is left when an error passes": async () => {
    const outer = memory("outer");
    const seen = await asProcess(
      function* () {
        try {
          using _ = enter(memory());
          throw new Error("passes");
        } catch { /* as intended */ }
        return text(yield);
      }(),
      { connection: outer },
    );
    assertEquals(seen, "outer");
  },
  "a context is left when the coroutine that entered it is called and returns": async () => {
    const seen = await asProcess(
      function* () {
        const inner = yield* call(function* () {
          using _ = enter(memory("inner"));
          return text(yield);
        }());
        return [inner, text(yield)];
      }(),
      { connection: memory("outer") },
    );
    assertEquals(seen, ["inner", "outer"]);
  },
  "a coroutine that is called uses the context of its caller": async () => {
    const seen = await asProcess(
      function* () {
        using _ = enter(memory("inner"));
        return yield* call(everything());
      }(),
      { connection: memory("outer") },
    );
    assertEquals(seen, "inner");
  },
  "three contexts nest": async () => {
    const seen = await asProcess(function* () {
      using _a = enter(memory("a1", "a2"));
      const order = [text(yield)];
      {
        using _b = enter(memory("b1", "b2"));
        order.push(text(yield));
        {
          using _c = enter(memory("c1"));
          order.push(text(yield));
        }
        order.push(text(yield));
      }
      order.push(text(yield));
      return order;
    }());
    assertEquals(seen, ["a1", "b1", "c1", "b2", "a2"]);
  },
  "each context keeps what waits to be written apart": async () => {
    const outer = memory(), inner = memory();
    await asProcess(
      function* () {
        yield "o1";
        {
          using _ = enter(inner);
          yield "i1";
        }
        yield "o2";
      }(),
      { connection: outer },
    );
    assertEquals([outer.text, inner.text], ["o1o2", "i1"]);
  },

  // Sockets
  "two coroutines shake hands over a socket": async () => {
    const results = await both(function* () {
      const hello = text(yield);
      yield `${hello}, too`;
      return hello;
    }, function* () {
      yield "Hello";
      return text(yield);
    });
    assertEquals(results, ["Hello", "Hello, too"]);
  },
  "large buffers go both ways": async () => {
    const size = 3_000_000;
    const results = await both(function* () {
      const received = yield* call(everything());
      yield received;
      return received.length;
    }, function* () {
      yield "x".repeat(size);
      return size;
    });
    assertEquals(results, [size, size]);
  },
  "many small writes arrive in order": async () => {
    const results = await both(function* () {
      return yield* call(everything());
    }, function* () {
      for (let i = 0; i < 10_000; i++) yield `${i},`;
    });
    assertEquals(results[0], Array.from({ length: 10_000 }, (_, i) => `${i},`).join(""));
  },
  "a coroutine connects to another by name": async () => {
    const reactor = new Reactor({ selector });
    using acceptor = new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, (socket) => {
      gio(
        reactor,
        socket,
        function* () {
          yield "welcome";
        }(),
      );
    });
    const { port } = acceptor.addr as Deno.NetAddr;
    const running = reactor.run();
    const seen = await asProcess(function* () {
      using peer = yield* connectTo({ hostname: "localhost", port });
      using _ = enter(peer);
      return yield* call(everything());
    }());
    assertEquals(seen, "welcome");
    reactor.requestShutdown();
    await running;
  },
  "the peer's close is an EndOfStream at the yield": async () => {
    const results = await both(function* () {
      try {
        yield;
      } catch (error) {
        return error instanceof EndOfStream;
      }
    }, function* () {});
    assertEquals(results[0], true);
  },
  "a broken connection throws at the yield that writes": () => {
    using p = played(function* () {
      yield* sleep(1);
      try {
        yield "x";
        yield;
      } catch (error) {
        return assertInstanceOf(error, Deno.errors.BrokenPipe);
      }
    });
    p.connection.break(new Deno.errors.BrokenPipe("gone"));
    p.pass(1);
    assert(p.task.done);
  },

  // Timers
  "a timer that is over throws TimeoutError at the yield": async () => {
    using p = played(function* () {
      using _ = timeout(10);
      yield;
    });
    p.pass(10);
    await assertRejects(() => p.task.result, TimeoutError);
  },
  "a timer that was left in time does not throw": () => {
    using p = played(function* () {
      {
        using _ = timeout(10);
        yield;
      }
      yield;
    });
    p.arrive("x");
    p.pass(100);
    assertEquals(p.task.done, false);
  },
  "a timer is removed when an error passes": () => {
    using p = played(function* () {
      try {
        using _ = timeout(10);
        throw new Error("passes");
      } catch { /* as intended */ }
      yield;
    });
    p.pass(100);
    assertEquals(p.task.done, false);
  },
  "TimeoutError can be caught outside of the block, and the coroutine goes on": async () => {
    using p = played(function* () {
      try {
        using _ = timeout(10);
        yield;
      } catch (error) {
        assertInstanceOf(error, TimeoutError);
      }
      return yield;
    });
    p.pass(10);
    p.arrive("later");
    assertEquals(await p.task.result, "later");
  },
  "the timers of different coroutines do not touch each other": () => {
    using p = played(function* () {
      using _ = timeout(10);
      yield;
    });
    const other = gio(
      p.reactor,
      new FakeConnection(),
      function* () {
        using _ = timeout(20);
        yield;
      }(),
    );
    p.pass(10);
    assertEquals([p.task.done, other.done], [true, false]);
    p.pass(10);
    assertEquals(other.done, true);
  },
  "a timer inside a called coroutine guards the call": async () => {
    using p = played(function* () {
      return yield* call(function* () {
        try {
          using _ = timeout(5);
          yield;
        } catch {
          return "timed out";
        }
      }());
    });
    p.pass(5);
    assertEquals(await p.task.result, "timed out");
  },

  // Suspending
  "new Suspend() lets a callback resume the coroutine": async () => {
    let handle!: Suspend<string>;
    using p = played(function* () {
      return yield* new Suspend<string>((suspended) => {
        handle = suspended;
      });
    });
    handle.resume("resumed");
    assertEquals(await p.task.result, "resumed");
  },
  "new Suspend() lets a callback throw into the coroutine": async () => {
    let handle!: Suspend<string>;
    using p = played(function* () {
      yield* new Suspend<string>((suspended) => {
        handle = suspended;
      });
    });
    handle.throw(new RangeError("thrown"));
    await assertRejects(() => p.task.result, RangeError, "thrown");
  },
  "a suspended coroutine does not read": () => {
    using p = played(function* () {
      yield;
      yield* new Suspend(() => {});
    });
    p.arrive("one");
    p.arrive("two");
    p.reactor.step();
    assertEquals(p.connection.reads, 1);
  },
  "a suspended coroutine can be timed out, and its suspension is undone": async () => {
    let undone = 0;
    using p = played(function* () {
      using _ = timeout(10);
      yield* new Suspend(() => () => undone++);
    });
    p.pass(10);
    await assertRejects(() => p.task.result, TimeoutError);
    assertEquals(undone, 1);
  },

  // Ends
  "a coroutine that ends closes its connection": () => {
    using p = played(function* () {
      yield;
    });
    p.arrive("x", null);
    p.reactor.step();
    assertEquals(p.connection.calls.at(-1), "close");
  },
  "an error that the coroutine does not catch is reported and the reactor goes on": async () => {
    using p = played(function* () {
      yield;
      throw new Error("uncaught");
    });
    let other = 0;
    p.reactor.addTimer(1, () => other++);
    p.arrive("x");
    await turns();
    assertEquals(p.errors.map((error) => (error as Error).message), ["uncaught"]);
    p.pass(1);
    assertEquals(other, 1);
  },
  "a reactor that shuts down closes the coroutine": () => {
    let closed = 0;
    const p = played(function* () {
      try {
        yield;
      } finally {
        closed++;
      }
    });
    p.reactor.shutdown();
    assertEquals(closed, 1);
  },
  "asProcess() gives the result of a coroutine": async () => {
    assertEquals(
      await asProcess(function* () {
        yield* sleep(0);
        return 42;
      }()),
      42,
    );
  },
  "asProcess() rejects with what the coroutine throws": async () => {
    await assertRejects(
      () =>
        asProcess(function* () {
          throw new SyntaxError("no");
        }()),
      SyntaxError,
      "no",
    );
  },
  "what needs a running coroutine says so elsewhere": () => {
    for (const use of [() => enter(memory()), () => timeout(1), () => open("x")]) {
      assertThrows(use, TypeError, "call it in a coroutine that gio() is running");
    }
  },
};

for (const which of SELECTORS) {
  for (const [behaviour, test] of Object.entries(BEHAVIOURS)) {
    leakTest(`gio (${which}): ${behaviour}`, async () => {
      selector = which;
      await test();
    });
  }
}
