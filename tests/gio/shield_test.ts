import { assertEquals } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { asProcess, gio, memory, shield, sleep, spawn, Suspend } from "../../gio/mod.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";

Deno.test("shield() lets a finally that waits come to its end, whatever it runs for", async () => {
  for (const body of ["returns", "throws", "is cancelled"] as const) {
    const log: string[] = [];
    const clock = new TestClock();
    using reactor = new Reactor({ clock, onError: () => {} });
    const cleanup = function* (): Coroutine<void> {
      yield* sleep(20);
      log.push("told");
      yield* sleep(1);
    };
    const task = gio(
      reactor,
      undefined,
      function* () {
        try {
          log.push("work");
          if (body === "throws") throw new RangeError("of the body");
          if (body === "is cancelled") yield* sleep(1000);
        } finally {
          yield* shield(cleanup());
          log.push("released");
        }
      }(),
    );
    if (body === "is cancelled") task.cancel();
    task.cancel(new Error("cancelled"));
    const ended = task.result.then(() => undefined, (error: unknown) => error);
    for (const ms of [20, 1]) {
      clock.advance(ms);
      reactor.step();
    }
    assertEquals(log, ["work", "told", "released"]);
    const error = await ended;
    // What came first is told. A coroutine that has returned all the same was not cut off.
    const expected = {
      returns: undefined,
      throws: "of the body",
      "is cancelled": "The coroutine was cancelled",
    };
    assertEquals((error as Error | undefined)?.message, expected[body]);
  }
});

Deno.test("shield() runs in the context of who waits, and gives its result or throws its error", async () => {
  const connection = memory("answer");
  const result = await asProcess(
    function* () {
      const answer: unknown = yield* shield(function* (): Coroutine<unknown> {
        yield "question";
        return new TextDecoder().decode(yield);
      }());
      try {
        yield* shield(function* (): Coroutine {
          throw new RangeError("oops");
        }());
      } catch (error) {
        return [answer, (error as Error).message];
      }
    }(),
    { connection },
  );
  assertEquals([result, connection.text], [["answer", "oops"], "question"]);
});

Deno.test("a coroutine that was cancelled in a shield() is closed at its next yield", async () => {
  const log: string[] = [];
  await asProcess(function* () {
    let resume!: () => void;
    const task = yield* spawn(function* () {
      yield* shield(function* (): Coroutine {
        yield* new Suspend<void>((suspended) => void (resume = () => suspended.resume()));
      }());
      log.push("goes on to here");
      yield* sleep(0);
      log.push("and not to here");
    }());
    task.cancel();
    task.cancel();
    log.push(String(task.done));
    resume();
    log.push(String(task.done));
  }());
  assertEquals(log, ["false", "goes on to here", "true"]);
});

Deno.test("a reactor that shuts down does not wait for a shield()", () => {
  const reactor = new Reactor({ selector: "deno" });
  const log: string[] = [];
  const task = gio(
    reactor,
    undefined,
    function* () {
      try {
        yield* shield(function* (): Coroutine {
          try {
            yield* sleep(1000);
          } finally {
            log.push("inner");
          }
        }());
      } finally {
        log.push("outer");
      }
    }(),
  );
  task.result.catch(() => {});
  reactor.shutdown();
  assertEquals([log, task.done], [["inner", "outer"], true]);
});
