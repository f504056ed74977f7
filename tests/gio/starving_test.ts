/** A coroutine that could go on for ever lets the others have their turn: timers, its own timeout, other connections. */
import { assertEquals } from "@std/assert";
import { type Coroutine, Request, type Waiter, Yield } from "../../compose/mod.ts";
import { Acceptor, Reactor, type SelectorName, subprocess } from "../../reactor/mod.ts";
import {
  all,
  type Context,
  enter,
  gio,
  memory,
  open,
  sleep,
  spawn,
  timeout,
  TimeoutError,
  wait,
} from "../../gio/mod.ts";
import { HttpServer, ok } from "../../http/mod.ts";
import { leakTest, PATIENCE_MS } from "../_leaks.ts";
import { hostname, SELECTORS } from "../_sockets.ts";

/** Answers at once. */
class Now extends Request<number> {
  override begin(waiter: Waiter<number>): void {
    waiter.resume(1);
  }
}

/** Takes all values, always. */
class Takes implements Context {
  readonly readable = true;
  readonly writable = true;
  taken = 0;
  recv(): null {
    return null;
  }
  send(): number {
    return 0;
  }
  put(): boolean {
    this.taken++;
    return true;
  }
  close(): void {}
  watch(_interest: "read" | "write", notify: () => void): void {
    notify();
  }
  unwatch(): void {}
}

/** What happened, and whether the coroutine that never ends by itself may end. */
class Events {
  readonly seen: Set<string> = new Set();
  readonly #expected: string[];
  readonly #giveUp = performance.now() + PATIENCE_MS;

  constructor(...expected: string[]) {
    this.#expected = expected;
  }

  get enough(): boolean {
    return this.seen.size === this.#expected.length || performance.now() > this.#giveUp;
  }

  /** None of them came only after the end. */
  check(): void {
    assertEquals([...this.seen].sort(), this.#expected.sort());
  }
}

function* repeat(value: unknown, events: Events): Coroutine {
  while (!events.enough) yield value;
}

/** Throws a TimeoutError at a coroutine that does nothing but this. */
function* limited(body: Coroutine, events: Events): Coroutine {
  try {
    using _ = timeout(2);
    yield body;
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    events.seen.add("own timeout");
  }
}

/** What goes on for ever, if nobody is told. */
const ENDLESS: Record<string, (events: Events) => Coroutine> = {
  *"small texts to memory"(events) {
    using _ = enter(memory());
    yield repeat("x", events);
  },
  *"large chunks to memory"(events) {
    const context = memory();
    using _ = enter(context);
    const chunk = new Uint8Array(70_000);
    while (!events.enough) {
      yield chunk;
      context.chunks.length = 0;
    }
  },
  *"nothing to memory"(events) {
    using _ = enter(memory());
    yield repeat("", events);
  },
  *"chunks to a file"(events) {
    using _ = open("/dev/null", { write: true }).enter();
    yield repeat(new Uint8Array(100_000), events);
  },
  *"values to a context that takes all"(events) {
    using _ = enter(new Takes());
    yield repeat({ any: "value" }, events);
  },
  *"texts to a context that takes all"(events) {
    using _ = enter(new Takes());
    yield repeat("x", events);
  },
  *"requests that are answered at once"(events) {
    while (!events.enough) yield* new Now();
  },
  *"requests and writes in turn"(events) {
    using _ = enter(memory());
    while (!events.enough) {
      yield* new Now();
      yield "x";
    }
  },
  *"spawned tasks that end at once"(events) {
    while (!events.enough) yield* spawn((function* () {})());
  },
  *"all() of what ends at once"(events) {
    while (!events.enough) yield* all(new Now(), new Now());
  },
  *"Yield"(events) {
    yield repeat(Yield, events);
  },
  *"errors of misuse that it catches"(events) {
    while (!events.enough) {
      try {
        yield 42;
      } catch (error) {
        if (error instanceof TimeoutError) throw error;
      }
    }
  },
  *"the end of a stream that it catches"(events) {
    const ended = memory();
    ended.end();
    using _ = enter(ended);
    while (!events.enough) {
      try {
        yield;
      } catch (error) {
        if (error instanceof TimeoutError) throw error;
      }
    }
  },
};

/** Connects, says `request`, and reads all there is as fast as it comes, in a process of its own. */
function reader(port: number, request = ""): Deno.ChildProcess {
  const script =
    `exec 3<>/dev/tcp/${hostname}/${port}; printf '${request}' >&3; exec cat <&3 >/dev/null`;
  return new Deno.Command("bash", { args: ["-c", script], stderr: "null" }).spawn();
}

/** One connection of another coroutine on the same reactor says something, and gets it back. */
async function echo(port: number): Promise<string> {
  using conn = await Deno.connect({ hostname, port });
  await conn.write(new TextEncoder().encode("echo"));
  const buffer = new Uint8Array(100);
  return new TextDecoder().decode(buffer.subarray(0, (await conn.read(buffer))!));
}

function withReactor(
  name: string,
  test: (
    reactor: Reactor,
    others: (events: Events) => void,
    selector: SelectorName,
  ) => Promise<void>,
): void {
  for (const selector of SELECTORS) {
    leakTest(`${name} (${selector})`, async () => {
      const errors: unknown[] = [];
      const reactor = new Reactor({ selector, onError: (error) => errors.push(error) });
      const running = reactor.run();
      const acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
        gio(
          reactor,
          socket,
          function* () {
            yield yield;
          }(),
        );
      });
      const echoes: Promise<unknown>[] = [];
      /** What goes on beside it, once it runs. */
      const others = (events: Events) => {
        reactor.addTimer(3, () => events.seen.add("timer"));
        setTimeout(() => events.seen.add("timer of Deno"), 3);
        gio(
          reactor,
          undefined,
          function* () {
            yield* sleep(1);
            yield* wait(Promise.resolve());
            events.seen.add("sleeper");
          }(),
        );
        echoes.push(echo(acceptor.port).then((text) => events.seen.add(text)));
      };
      try {
        await test(reactor, others, selector);
      } finally {
        await Promise.all(echoes);
        acceptor.close();
        reactor.requestShutdown();
        await running;
      }
      assertEquals(errors, []);
    });
  }
}

const OTHERS = ["timer", "timer of Deno", "sleeper", "echo"];

for (const [what, endless] of Object.entries(ENDLESS)) {
  withReactor(`a coroutine of ${what} lets others go on`, async (reactor, others) => {
    const events = new Events(...OTHERS);
    const task = gio(
      reactor,
      undefined,
      function* () {
        others(events);
        yield endless(events);
        events.check();
      }(),
    );
    await task.result;
  });

  withReactor(`a coroutine of ${what} is timed out`, async (reactor) => {
    const events = new Events("own timeout");
    await gio(reactor, undefined, limited(endless(events), events)).result;
    events.check();
  });

  withReactor(
    `a coroutine of ${what} can be cancelled, as a task and as a branch`,
    async (reactor) => {
      const events = new Events("cancelled", "never");
      function* main(): Coroutine {
        try {
          yield endless(events);
        } finally {
          events.seen.add("cancelled");
        }
      }
      await gio(
        reactor,
        undefined,
        function* () {
          const task = yield* spawn(main());
          yield* sleep(1);
          task.cancel();
          assertEquals([...events.seen], ["cancelled"]);
          events.seen.clear();
          const branches = all(
            main(),
            function* () {
              yield* sleep(1);
              throw new RangeError("enough");
            }(),
          );
          try {
            yield* branches;
          } catch (error) {
            assertEquals((error as Error).message, "enough");
          }
          assertEquals([...events.seen], ["cancelled"]);
        }(),
      ).result;
    },
  );
}

const CHUNKS = { small: "x".repeat(100), large: new Uint8Array(100_000) };

for (const [size, chunk] of Object.entries(CHUNKS)) {
  withReactor(
    `a writer of ${size} chunks to a peer that reads all lets others go on`,
    async (reactor, others) => {
      if (Deno.build.os === "windows") return;
      const events = new Events(...OTHERS, "own timeout");
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
        const task = gio(
          reactor,
          socket,
          function* () {
            others(events);
            yield limited(repeat(chunk, new Events("never")), events);
            yield repeat(chunk, events);
            events.check();
          }(),
        );
        resolve(task.result);
      });
      const peer = reader(acceptor.port);
      await promise;
      acceptor.close();
      await peer.status;
    },
  );

  withReactor(
    `a writer of ${size} chunks to a program that reads all lets others go on`,
    async (reactor, others) => {
      if (Deno.build.os === "windows") return;
      const events = new Events(...OTHERS, "own timeout");
      const program = subprocess(reactor, "sh", { args: ["-c", "exec cat >/dev/null"] });
      await gio(
        reactor,
        program.io,
        function* () {
          others(events);
          yield limited(repeat(chunk, new Events("never")), events);
          yield repeat(chunk, events);
          events.check();
        }(),
      ).result;
      await program.status;
    },
  );

  withReactor(`an endless answer of ${size} pieces lets others go on`, async (reactor, others) => {
    if (Deno.build.os === "windows") return;
    const events = new Events(...OTHERS, "own timeout");
    const { promise, resolve } = Promise.withResolvers<void>();
    const server = new HttpServer(reactor, {
      hostname,
      port: 0,
      *handler() {
        others(events);
        yield ok();
        yield limited(repeat(chunk, new Events("never")), events);
        yield repeat(chunk, events);
        events.check();
        resolve();
      },
    });
    const peer = reader(server.port, "GET / HTTP/1.0\\r\\n\\r\\n");
    await promise;
    await peer.status;
    server.close();
  });
}
