import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import {
  asProcess,
  type Context,
  type Coroutine,
  EndOfStream,
  enter,
  gio,
  messages,
  race,
  sleep,
  timeout,
  TimeoutError,
  transferring,
} from "../../gio/mod.ts";
import { Reactor, TestClock } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { output } from "../_peers.ts";
import { SELECTORS } from "../_sockets.ts";

function workerOf(act: string, selector = "deno"): Worker {
  const url = import.meta.resolve("./_worker.ts");
  return new Worker(url, { type: "module", name: `${act} ${selector}` });
}

// Deno keeps some descriptors after the first worker, whichever test comes first.
await asProcess(readToEnd(), { connection: messages(workerOf("three")) });

/** Two contexts, the ends of one channel, which are closed in the end. */
function ends(capacity = 2): { here: Context; there: Context } & Disposable {
  const { port1, port2 } = new MessageChannel();
  const here = messages(port1, { capacity }), there = messages(port2, { capacity });
  return {
    here,
    there,
    [Symbol.dispose]() {
      here.close();
      there.close();
    },
  };
}

function* write(...values: unknown[]): Coroutine {
  for (const value of values) yield value;
}

function* readToEnd(): Coroutine<unknown[]> {
  const seen: unknown[] = [];
  try {
    for (;;) seen.push(yield);
  } catch (error) {
    if (!(error instanceof EndOfStream)) throw error;
  }
  return seen;
}

for (const selector of SELECTORS) {
  leakTest(`messages() carries values in order, to the end (${selector})`, async () => {
    using pair = ends();
    const values = [0, "", false, "text", { a: [1] }, new Uint8Array([1, 2]), NaN, [], 7n];
    const writing = asProcess(write(...values), { connection: pair.here, selector });
    const seen = await asProcess(readToEnd(), { connection: pair.there, selector });
    await writing;
    assertEquals(seen, values);
    assert(pair.here.closed && pair.there.closed);
  });

  leakTest(`messages() of a worker: both ends end by themselves (${selector})`, async () => {
    const worker = workerOf("square", selector);
    const results = await asProcess(
      function* () {
        const results: number[] = [];
        for (const n of [1, 2, 3]) {
          yield n;
          results.push(yield);
        }
        return results;
      }(),
      { connection: messages(worker), selector },
    );
    assertEquals(results, [1, 4, 9]);
  });
}

Deno.test("yield waits while the other end holds as much as it may, and inspect() shows where", async () => {
  using pair = ends(4);
  using reactor = new Reactor({ selector: "deno" });
  let sent = 0;
  gio(
    reactor,
    pair.here,
    function* count(): Coroutine {
      for (;; sent++) yield sent;
    }(),
  );
  const running = reactor.run();
  await turnsUntil(() => sent === 3);
  await turns(50);
  assertEquals(sent, 3); // the fourth is posted, and its yield waits
  const waits = reactor.inspect().find(({ kind }) => kind === "writer");
  assertEquals(waits!.what, "messages of a MessagePort");
  assertMatch(waits!.where!, /count/);
  const seen: number[] = [];
  gio(
    reactor,
    pair.there,
    function* (): Coroutine {
      for (; seen.length < 100;) seen.push(yield);
    }(),
    { keepOpen: true },
  );
  await turnsUntil(() => seen.length === 100 && sent >= 100);
  await turns(50);
  assertEquals(seen, Array.from({ length: 100 }, (_, i) => i));
  assert(sent <= 104);
  reactor.requestShutdown();
  await running;
});

Deno.test("an end that begins later is told how much the first one holds", async () => {
  const { port1, port2 } = new MessageChannel();
  const reading = asProcess(readToEnd(), { connection: messages(port1, { capacity: 1 }) });
  await turns(5);
  await asProcess(write(1, 2, 3), { connection: messages(port2) });
  assertEquals(await reading, [1, 2, 3]);
});

Deno.test("after the other end has closed, yield of a value fails", async () => {
  using pair = ends();
  pair.there.close();
  await assertRejects(
    () =>
      asProcess(
        function* () {
          yield* readToEnd();
          yield "too late";
        }(),
        { connection: pair.here },
      ),
    Deno.errors.BrokenPipe,
    "Cannot post: the other end is closed",
  );
});

Deno.test("a coroutine that fails breaks the port, after what it has posted", async () => {
  using pair = ends();
  const failing = asProcess(
    function* () {
      yield "part";
      throw new RangeError("broken");
    }(),
    { connection: pair.here },
  );
  const seen: unknown[] = [];
  const reading = asProcess(
    function* () {
      for (;;) seen.push(yield);
    }(),
    { connection: pair.there, onError() {} },
  );
  await assertRejects(() => failing, RangeError);
  await assertRejects(
    () => reading,
    Deno.errors.ConnectionReset,
    "The other end of the port has failed",
  );
  assertEquals(seen, ["part"]);
});

Deno.test("a value that cannot be posted is an error at its yield, and the next one goes", async () => {
  using pair = ends();
  const errors: unknown[] = [];
  const writing = asProcess(
    function* () {
      for (const value of [() => {}, null, transferring(1, [{} as never]), "good"]) {
        try {
          yield value;
        } catch (error) {
          errors.push(`${error}`);
        }
      }
    }(),
    { connection: pair.here },
  );
  assertEquals(await asProcess(readToEnd(), { connection: pair.there }), ["good"]);
  await writing;
  assertEquals(errors.length, 3);
  assertMatch(`${errors[0]}`, /^DataCloneError/);
  assertEquals(
    errors[1],
    "TypeError: Cannot post null: the other end could not tell it from no message; post { value: null }",
  );
});

Deno.test("a message that cannot be made again is an error at a bare yield, once", async () => {
  const { port1, port2 } = new MessageChannel();
  const reading = messages(port1);
  port1.dispatchEvent(new MessageEvent("messageerror"));
  await asProcess(write("good"), { connection: messages(port2) });
  const seen = await asProcess(
    function* () {
      let message = "";
      try {
        yield;
      } catch (error) {
        ({ message } = error as Error);
      }
      return [message, ...yield* readToEnd()];
    }(),
    { connection: reading },
  );
  assertEquals(seen, ["Cannot read a message: it cannot be made again at this end", "good"]);
});

Deno.test("transferring() hands over buffers and ports", async () => {
  using pair = ends();
  const bytes = new Uint8Array(10);
  const inner = new MessageChannel();
  const writing = asProcess(
    write(transferring(bytes, [bytes.buffer]), transferring([inner.port2], [inner.port2])),
    { connection: pair.here },
  );
  const [got, [port]] = await asProcess(readToEnd(), { connection: pair.there }) as [
    Uint8Array,
    [MessagePort],
  ];
  await writing;
  assertEquals([got.length, bytes.length], [10, 0]);
  const reading = asProcess(readToEnd(), { connection: messages(inner.port1) });
  await asProcess(write("through the port"), { connection: messages(port) });
  assertEquals(await reading, ["through the port"]);
});

Deno.test("with plain code at the other end, plain: true; without it an error says so", async () => {
  const worker = workerOf("plain");
  const answer = await asProcess(
    function* () {
      yield "question";
      return yield;
    }(),
    { connection: messages(worker, { plain: true }) },
  );
  assertEquals(answer, { plain: "question" });
  const { port1, port2 } = new MessageChannel();
  port2.postMessage({ some: "thing" });
  await assertRejects(
    () => asProcess(readToEnd(), { connection: messages(port1), onError() {} }),
    TypeError,
    "Cannot read { some: 'thing' }: the other end does not use messages(); give the option plain: true",
  );
  port2.close();
  // Who writes first, as most do, is told as well.
  await assertRejects(
    () =>
      asProcess(
        function* (): Coroutine {
          yield "question";
          yield;
        }(),
        { connection: messages(workerOf("plain")), onError() {} },
      ),
    TypeError,
    "give the option plain: true",
  );
});

Deno.test("a worker that writes for ever stops when its reader has had enough", async () => {
  const worker = workerOf("count");
  const seen = await asProcess(
    function* () {
      const seen: unknown[] = [];
      while (seen.length < 50) seen.push(yield);
      return seen;
    }(),
    { connection: messages(worker, { capacity: 3 }) },
  );
  assertEquals(seen.at(-1), 50);
});

for (
  const [act, error, message] of [
    ["fail", Deno.errors.ConnectionReset, "The other end of the port has failed"],
    ["crash", Deno.errors.ConnectionReset, "The other end of the port has failed"],
    ["crash_reading", Deno.errors.ConnectionReset, "The other end of the port has failed"],
    ["unknown", Error, "The worker has failed: "],
  ] as const
) {
  Deno.test(`a worker that fails is an error at the bare yield (${act})`, async () => {
    const worker = workerOf(act);
    const seen: unknown[] = [];
    await assertRejects(
      () =>
        asProcess(
          function* () {
            for (;;) seen.push(yield);
          }(),
          { connection: messages(worker), onError() {} },
        ),
      error,
      message,
    );
    assertEquals(seen, act === "unknown" ? [] : ["before"]);
  });
}

Deno.test("a reader that times out or is cancelled loses no message", async () => {
  const clock = new TestClock({ autojump: true });
  using pair = ends();
  const seen = await asProcess(
    function* () {
      using _ = enter(pair.there);
      try {
        using _ = timeout(10);
        yield;
      } catch (error) {
        assert(error instanceof TimeoutError);
      }
      yield* race(
        sleep(10),
        function* () {
          using _ = enter(pair.there);
          yield;
        }(),
      );
      {
        using _ = enter(pair.here);
        yield "kept";
      }
      return yield;
    }(),
    { clock },
  );
  assertEquals(seen, "kept");
});

Deno.test("messages() refuses what is no port, and a capacity that is none", () => {
  assertThrows(
    () => messages({} as never),
    TypeError,
    "Cannot read messages of {}: give a MessagePort, a Worker, or self in a worker",
  );
  assertThrows(() => messages(globalThis), TypeError, "give a MessagePort");
  const { port1, port2 } = new MessageChannel();
  for (const capacity of [0, -1, 1.5, Infinity]) {
    assertThrows(() => messages(port1, { capacity }), RangeError, "at least 1");
  }
  port1.close();
  port2.close();
});

Deno.test("a program ends by itself when both ends are closed", async () => {
  const program = `
    import { asProcess, messages } from ${JSON.stringify(import.meta.resolve("../../gio/mod.ts"))};
    const url = ${JSON.stringify(import.meta.resolve("./_worker.ts"))};
    for (const act of ["three", "square"]) {
      const worker = new Worker(url, { type: "module", name: act + " deno" });
      await asProcess(function* () {
        if (act === "three") {
          console.log(yield, yield, yield);
          try { yield; } catch { /* the worker has closed its end */ }
        }
        yield 5;
        if (act === "square") console.log(yield);
      }(), { connection: messages(worker) }).catch((error) => console.log(error.name));
    }`;
  const { code, text } = await output(
    Deno.execPath(),
    ["run", "-A", "-"],
    new TextEncoder().encode(program),
  );
  assertEquals([code, text], [0, "1 2 3\nBrokenPipe\n25\n"]);
});
