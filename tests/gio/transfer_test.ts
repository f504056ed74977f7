/** Transfers in the middle of a protocol, on every back end. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  call,
  type Coroutine,
  EndOfStream,
  pushBack,
  readAll as readRest,
  readLine,
  readUntil,
} from "../../compose/mod.ts";
import {
  asProcess,
  connectTo,
  currentGio,
  enter,
  type Gio,
  gio,
  memory,
  open,
  sleep,
  spawn,
  timeout,
  TimeoutError,
  wait,
} from "../../gio/mod.ts";
import {
  Acceptor,
  type Clock,
  here,
  Reactor,
  type SelectorName,
  sendFile,
  type Socket,
  splice,
  TestClock,
  type Transfer,
  TransferError,
  type TransferredBothWays,
  zeroCopy,
} from "../../reactor/mod.ts";
import { pipes } from "../../reactor/linux/_pipe_pool.ts";
import { currentDriver } from "../../gio/_driver.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { FakeConnection } from "./_fake.ts";
import {
  assertSameBytes,
  concat,
  pattern,
  readAll,
  readSome,
  resettable,
  stalled,
  writeAll,
} from "../reactor/_transfer_ends.ts";
import { hostname, SELECTORS } from "../_sockets.ts";

const MIB = 1024 * 1024;

const bytes = (text: string) => new TextEncoder().encode(text);

/** A coroutine on a connection that a reactor accepted, and the client of that. */
async function served(selector: SelectorName, coroutine: () => Coroutine, clock?: Clock) {
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const reactor = new Reactor({ selector, onError, ...(clock && { clock }) });
  const running = reactor.run();
  running.catch(() => {}); // An assertion of the coroutine is told at the end.

  const started = Promise.withResolvers<Gio>();
  using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
    started.resolve(gio(reactor, socket, coroutine()));
  });
  const client = await Deno.connect({ hostname, port: acceptor.port });
  const task = await started.promise;
  return {
    client,
    task,
    errors,
    reactor,
    read: () => readAll(() => readSome(client)),
    async [Symbol.asyncDispose]() {
      client.close();
      reactor.shutdown();
      await running;
    },
  };
}

/** Listens, and gives the first connection. */
function upstream() {
  const listener = Deno.listen({ hostname, port: 0 });
  const conns: Deno.Conn[] = [];
  return {
    address: { hostname, port: (listener.addr as Deno.NetAddr).port },
    async accept() {
      conns.push(await listener.accept());
      return conns.at(-1)!;
    },
    [Symbol.dispose]() {
      for (const conn of [...conns, listener]) conn.close();
    },
  };
}

function file(content: Uint8Array = new Uint8Array(0)) {
  const path = Deno.makeTempFileSync();
  Deno.writeFileSync(path, content);
  return { path, [Symbol.dispose]: () => Deno.removeSync(path) };
}

type Serve = (coroutine: () => Coroutine, clock?: Clock) => ReturnType<typeof served>;

/** A test on each back end, of which nothing is left at its end. */
function test(name: string, fn: (serve: Serve) => Promise<void>): void {
  for (const selector of SELECTORS) {
    leakTest(`${name} (${selector})`, async () => {
      await fn((coroutine, clock) => served(selector, coroutine, clock));
      assertEquals(pipes.open, 0);
    });
  }
}

for (const copy of [false, true]) {
  const how = copy ? ", with copy: true" : "";

  test(`splice.both(here, …) relays after a head, what was read too far first${how}`, async (serve) => {
    using far = upstream();
    await using t = await serve(function* () {
      const head = yield* call(readUntil("\r\n\r\n", 1000));
      assertEquals(head, "CONNECT far");
      using conn = yield* connectTo(far.address);
      yield "200 OK\r\n\r\n";
      return yield* splice.both(here, conn, { copy });
    });
    const [up, down] = [pattern(3 * MIB + 1, 1), pattern(2 * MIB + 1, 2)];
    const sending = writeAll(t.client, concat([bytes("CONNECT far\r\n\r\n"), up]))
      .then(() => t.client.closeWrite());
    const server = await far.accept();
    const answering = writeAll(server, down).then(() => server.closeWrite());
    const [there, back] = await Promise.all([readAll(() => readSome(server)), t.read()]);
    await Promise.all([sending, answering]);
    assertSameBytes(there, up);
    assertSameBytes(back, concat([bytes("200 OK\r\n\r\n"), down]));
    const { forth, back: backwards } = await t.task.result as TransferredBothWays;
    assertEquals([forth.bytes, backwards.bytes], [up.length, down.length]);
    assertEquals(t.errors, []);
  });

  // What arrives is cut in different ways: with the head, in the middle of what is transferred, and after it.
  const BODY = pattern(100_000, 3);
  const INPUT = concat([bytes("PUT 100000\n"), BODY, bytes("GET\nBYE\n")]);
  const cuts = [INPUT.length, 3, 11, 50, 50_000, INPUT.length - 8, INPUT.length - 5];
  for (const cut of cuts) {
    test(`splice(here, …) with a limit leaves what follows, input cut at ${cut}${how}`, async (serve) => {
      using record = file();
      await using t = await serve(function* () {
        const [, length] = (yield* call(readLine())).split(" ");
        {
          using to = open(record.path, { write: true });
          const { bytes } = yield* splice(here, to, { limit: Number(length), copy });
          yield `stored ${bytes}\n`;
        }
        assertEquals(yield* call(readLine()), "GET");
        yield* sendFile(here, record.path, { copy });
        return yield* call(readLine());
      });
      await writeAll(t.client, INPUT.subarray(0, cut));
      await turns(10);
      await writeAll(t.client, INPUT.subarray(cut));
      assertSameBytes(await t.read(), concat([bytes("stored 100000\n"), BODY]));
      assertEquals(await t.task.result, "BYE");
      assertSameBytes(await Deno.readFile(record.path), BODY);
      assertEquals(t.errors, []);
    });
  }

  test(`splice() from another context with a limit leaves what follows${how}`, async (serve) => {
    using far = upstream();
    await using t = await serve(function* () {
      using conn = yield* connectTo(far.address);
      yield* splice(conn, here, { limit: 150_000, copy });
      let rest = 0;
      using _ = enter(conn);
      try {
        for (;;) rest += (yield).length;
      } catch (error) {
        assert(error instanceof EndOfStream);
      }
      return rest;
    });
    const reading = t.read();
    const server = await far.accept();
    await writeAll(server, pattern(200_000));
    await server.closeWrite();
    assertEquals(await t.task.result, 50_000);
    assertSameBytes(await reading, pattern(150_000));
  });

  test(`splice() from a context that was read before goes on where that was${how}`, async (serve) => {
    using far = upstream();
    const first = Promise.withResolvers<void>();
    const more = Promise.withResolvers<void>();
    await using t = await serve(function* () {
      using conn = yield* connectTo(far.address);
      const seen: Uint8Array[] = [];
      {
        using _ = enter(conn);
        seen.push(yield);
        first.resolve();
        // Is still being read, of which the transfer must not lose anything.
        yield* wait(more.promise);
      }
      yield concat(seen);
      yield* splice(conn, here, { copy });
    });
    const server = await far.accept();
    const reading = t.read();
    await writeAll(server, pattern(MIB).subarray(0, 10));
    await first.promise;
    const writing = writeAll(server, pattern(MIB).subarray(10));
    await turns(2);
    more.resolve();
    await writing;
    await server.closeWrite();
    assertSameBytes(await reading, pattern(MIB));
  });

  test(`splice.tee(here, …) records what passes${how}`, async (serve) => {
    using far = upstream();
    using record = file();
    await using t = await serve(function* () {
      assertEquals(yield* call(readLine()), "go");
      using conn = yield* connectTo(far.address);
      using tap = open(record.path, { write: true });
      yield* splice.tee(here, conn, tap, { copy });
    });
    const sending = writeAll(t.client, concat([bytes("go\n"), pattern(2 * MIB)]))
      .then(() => t.client.closeWrite());
    const server = await far.accept();
    assertSameBytes(await readAll(() => readSome(server)), pattern(2 * MIB));
    await sending;
    await t.task.result;
    assertSameBytes(await Deno.readFile(record.path), pattern(2 * MIB));
  });

  test(`sendFile(here, …) keeps its place among what is written${how}`, async (serve) => {
    using one = file(pattern(300_000));
    const before = "x".repeat(500_000);
    await using t = await serve(function* () {
      yield before;
      yield* sendFile(here, one.path, { copy });
      yield "between";
      yield* sendFile(here, one.path, { copy, offset: 10, length: 20 });
      yield "after";
    });
    assertSameBytes(
      await t.read(),
      concat([
        bytes(before),
        pattern(300_000),
        bytes("between"),
        pattern(300_000).subarray(10, 30),
        bytes("after"),
      ]),
    );
  });

  test(`splice(here, …) in a block is of the context of the block${how}`, async (serve) => {
    using one = file(bytes("of the file"));
    await using t = await serve(function* () {
      {
        using inner = open(one.path);
        const to = memory();
        using _ = enter(inner);
        yield* splice(here, to, { copy });
        assertEquals(to.text, "of the file");
      }
      const to = memory();
      yield* splice(here, to, { copy, limit: 7 });
      assertEquals(to.text, "of the ");
      return yield* call(readLine());
    });
    await t.client.write(bytes("of the peer\n"));
    assertEquals(await t.task.result, "peer");
  });

  const CUTS: Record<string, (t: Awaited<ReturnType<typeof served>>, clock: TestClock) => void> = {
    "timeout()": (_, clock) => clock.advance(100),
    "cancel()": (t) => t.task.cancel(new Error("enough")),
    "reactor.shutdown()": (t) => t.reactor.shutdown(),
  };
  for (const [what, cut] of Object.entries(CUTS)) {
    for (const stage of ["nothing to read", "nobody reads"]) {
      test(`${what} ends a transfer while there is ${stage}${how}`, async (serve) => {
        using far = upstream();
        const clock = new TestClock();
        const seen: unknown[] = [];
        let transfer: Transfer | undefined;
        await using t = await serve(function* () {
          using conn = yield* connectTo(far.address);
          try {
            using _ = timeout(100);
            yield* transfer = splice(here, conn, { copy });
          } catch (error) {
            seen.push(error);
          } finally {
            seen.push("finally");
          }
        }, clock);
        const server = await far.accept();
        const writing = stage === "nothing to read"
          ? undefined
          : writeAll(t.client, pattern(64 * MIB)).catch(() => {});
        await turnsUntil(() => transfer !== undefined);
        if (writing) await stalled(transfer!);
        cut(t, clock);
        await t.task.result.catch(() => {});
        await assertRejects(() => transfer!, TransferError);
        assertEquals(seen.pop(), "finally");
        assertEquals(seen.length, what === "timeout()" ? 1 : 0);
        if (seen.length > 0) assert(seen[0] instanceof TimeoutError);
        assertEquals([pipes.open, t.errors], [0, []]);
        // The connections of the coroutine are closed: the peers see it.
        await readAll(() => readSome(server)).catch(() => {});
        await writing;
      });
    }
  }

  test(`a transfer that is cut names the side in the coroutine${how}`, async (serve) => {
    const [broken, far] = await resettable();
    await using t = await serve(function* () {
      try {
        yield* splice.both(here, broken, { copy });
      } catch (error) {
        return error;
      }
    });
    await t.client.write(bytes("some data"));
    far.once("data", () => far.resetAndDestroy());
    const error = await t.task.result as TransferError;
    assert(error instanceof TransferError);
    assertEquals(error.side, "from");
    assertStrictEquals(error.end, broken);
    assertEquals(t.errors, []);
    broken.close();
  });
}

test("a transfer that a lost connection cuts ends the coroutine quietly, as reading would", async (serve) => {
  let caught: unknown;
  await using t = await serve(function* () {
    try {
      yield* splice(here, { write: () => Promise.reject(new Error("never")) });
    } catch (error) {
      caught = error;
      throw error;
    }
  });
  await t.reactor.openConnections.values().next().value!.abort();
  await turnsUntil(() => t.task.done);
  assert(caught instanceof TransferError);
  assertEquals([caught.side, caught.end !== undefined], ["from", true]);
  await turns(2);
  assertEquals(t.errors, []);
});

test("a relay that fails, or is shut down, lets nobody take a part for the whole", async (serve) => {
  for (const fails of [true, false]) {
    await using t = await serve(function* () {
      yield "a part";
      yield* splice(here, { write: () => Promise.reject(new Error("no more")) });
    });
    assertEquals((await readSome(t.client))?.length, 6);
    if (fails) await t.client.write(bytes("some data"));
    else t.reactor.shutdown();
    const read = readSome(t.client);
    if (zeroCopy.supported) await assertRejects(() => read, Deno.errors.ConnectionReset);
    else assertEquals(await read, null);
    assertEquals(t.errors.length, fails ? 1 : 0);
  }
});

test("a transfer of a connection that another coroutine reads, or would read, is refused", async (serve) => {
  const seen: string[] = [];
  const note = (error: unknown) => void seen.push((error as Error).message);
  await using t = await serve(function* () {
    const connection = currentDriver("test").lending.innermost as Socket;
    const reader = yield* spawn(function* () {
      using _ = enter(connection);
      return yield;
    }());
    try {
      yield* splice(here, memory());
    } catch (error) {
      note(error);
    }
    yield "1";
    yield* reader;
    // What has read it, and does not want to now, gives way.
    const transfer = yield* spawn(function* () {
      return yield* splice(connection, memory(), { limit: 4 });
    }());
    try {
      yield;
    } catch (error) {
      note(error);
    }
    yield "2";
    yield* transfer;
    yield "3";
    return yield;
  });
  const room = new Uint8Array(1);
  for (const text of ["read", "kept", "rest"]) {
    await t.client.read(room);
    await t.client.write(bytes(text));
  }
  assertEquals(new TextDecoder().decode(await t.task.result as Uint8Array), "rest");
  assertEquals(seen.length, 2);
  assertMatch(seen[0]!, /^Cannot add a reader of tcp .*: it has one \(at .*\), remove that first$/);
  assertMatch(
    seen[1]!,
    /^Cannot add a reader of tcp .*: it has one \(transfer to MemoryContext\), remove/,
  );
  assertEquals(t.errors, []);
});

test("a coroutine that ends while a transfer reads its connection closes that", async (serve) => {
  let transfer: Transfer | undefined;
  await using t = await serve(function* () {
    transfer = splice(currentDriver("test").lending.innermost as Socket, memory());
    transfer.catch(() => {});
    yield* sleep(0);
  });
  await t.task.result;
  await assertRejects(() => transfer!, TransferError, "closed");
  assertEquals([(await t.read()).length, t.errors], [0, []]);
});

Deno.test("splice() moves between contexts in memory, up to the limit", async () => {
  const [one, other] = [memory("some ", "data", bytes(" and more")), memory()];
  await asProcess(function* () {
    yield* splice(one, other, { limit: 7 });
    assertEquals(other.text, "some da");
    yield* splice(one, other, { limit: 1 });
    yield* splice(one, other);
  }());
  assertEquals(other.text, "some data and more");
});

test("splice() changes nothing that memory() keeps", async (serve) => {
  const content = pattern(600_000);
  const saved = memory();
  await using there = await serve(function* () {
    yield* splice(here, saved);
  });
  await writeAll(there.client, content);
  await there.client.closeWrite();
  await there.read();
  assertSameBytes(saved.bytes, content);
});

for (const how of ["its signal", "its target", "timeout()", "onProgress"]) {
  for (const limit of [Infinity, 13]) {
    for (const written of [0, 1, 2]) {
      const name =
        `splice(here, …) leaves what was pushed back and not begun, cut by ${how} after ${written}, limit ${limit}`;
      Deno.test(name, async () => {
        const clock = new TestClock();
        const controller = new AbortController();
        const saved: string[] = [];
        const cut: Record<string, (length: number) => Promise<number>> = {
          "its signal": () => Promise.resolve(controller.abort()).then(() => 1),
          "its target": () => Promise.reject(new Error("full")),
          "timeout()": () => (clock.advance(100), new Promise(() => {})),
          "onProgress": (length) => Promise.resolve(length),
        };
        const to = {
          write(p: Uint8Array): Promise<number> {
            if (p.length > 0 && saved.length === written) return cut[how]!(p.length);
            if (p.length > 0) saved.push(new TextDecoder().decode(p));
            return Promise.resolve(p.length);
          },
        };
        let transfer: Transfer | undefined;
        const rest = await asProcess(
          function* () {
            yield* call(function* () {
              return pushBack("head", bytes("aaaaa"), "bbbbb", bytes("ccccc"));
            }());
            const onProgress = (t: { bytes: number }) =>
              how === "onProgress" && t.bytes > 5 * written && controller.abort();
            try {
              using _ = timeout(100);
              yield* transfer = splice(here, to, {
                limit,
                signal: controller.signal,
                onProgress: onProgress as () => void,
              });
            } catch {
              // It is looked at below.
            }
            return new TextDecoder().decode(yield* call(readRest<Uint8Array>()));
          }(),
          { connection: memory(bytes("after")), clock },
        );
        const error = await assertRejects(() => transfer!, TransferError);
        const begun = how === "onProgress" ? 5 * written + 5 : 5 * written;
        assertEquals(error.transferred.bytes, Math.min(begun, limit));
        // Everything is written, lost or left.
        const whole = "aaaaabbbbbcccccafter";
        assertEquals(rest, whole.slice(error.transferred.bytes + error.lost));
        assertEquals(rest, whole.slice(Math.min(5 * written + 5, limit)));
      });
    }
  }
}

Deno.test("splice(here, …) pushes back what a context gives beyond the limit", async () => {
  const to = memory();
  const rest = await asProcess(
    function* () {
      yield* splice(here, to, { limit: 6 });
      return yield* call(readLine());
    }(),
    { connection: memory("some ", "data\n") },
  );
  assertEquals([to.text, rest], ["some d", "ata"]);
});

Deno.test("splice() leaves what comes beyond the limit to the context it was read from, and may be read again", async () => {
  const whole = "first\nhello, world\nlast\n";
  for (let cut = 0; cut < whole.length; cut++) {
    const connection = memory(bytes(whole.slice(0, cut)), bytes(whole.slice(cut)));
    const saved = memory();
    const seen = await asProcess(
      function* () {
        const lines = [yield* call(readLine())];
        {
          using _ = enter(saved);
          yield* splice(connection, here, { limit: 5 });
          yield* splice(connection, here, { limit: 2 });
        }
        lines.push(yield* call(readLine()), yield* call(readLine()));
        return lines;
      }(),
      { connection },
    );
    assertEquals([saved.text, seen], ["hello, ", ["first", "world", "last"]], `cut at ${cut}`);
  }
});

Deno.test("a transfer loses nothing of what was pushed back if some of it is neither bytes nor text", async () => {
  const rest = await asProcess(
    function* () {
      yield* call(function* () {
        return pushBack(undefined, "a", 1, "b");
      }());
      let message = "";
      try {
        yield* splice(here, memory());
      } catch (error) {
        message = (error as Error).message;
      }
      return [message, yield, yield, yield, yield];
    }(),
    { connection: memory("c") },
  );
  assertMatch(rest[0] as string, /^Cannot transfer number that was pushed back/);
  assertEquals(rest.slice(1), ["a", 1, "b", bytes("c")]);
});

Deno.test("a transfer takes an end with any other members as what it is", async () => {
  const from = Object.assign(memory("data"), { raw: 1, direct: 0, fault: 1 });
  const to = Object.assign(memory(), { raw: 1, direct: 0, isOut: false });
  await asProcess(function* () {
    yield* splice(from, to);
  }());
  assertEquals(to.text, "data");
});

/** What keeps a coroutine from its transfer, which waits for earlier output to be accepted. */
const OBSTACLES: Record<string, (task: Gio, connection: FakeConnection) => void> = {
  "cancel()": (task) => task.cancel(),
  "throw()": (task) => task.throw(new Error("enough")),
  "a broken connection": (_, connection) => connection.break(new Error("enough")),
  "reactor.shutdown()": (task) => task.reactor.shutdown(),
};
for (const [what, act] of Object.entries(OBSTACLES)) {
  Deno.test(`a transfer that ${what} keeps from beginning is over for all who wait for it`, async () => {
    using reactor = new Reactor();
    const connection = new FakeConnection();
    connection.capacity = 0;
    const transfer = splice(memory("data"), memory());
    const task = gio(
      reactor,
      connection,
      function* () {
        yield "unsent";
        yield* transfer;
      }(),
    );
    act(task, connection);
    if (!reactor.isShutDown) reactor.step();
    assert(task.done);
    const error = await assertRejects(() => transfer, TransferError);
    assertEquals([error.side, error.transferred.bytes], ["signal", 0]);
  });
}

Deno.test("a transfer in the cleanup of a coroutine that nobody reads is over in the end", async () => {
  const clock = new TestClock();
  using reactor = new Reactor({ clock });
  const connection = new FakeConnection();
  connection.capacity = 0;
  const transfer = splice(memory("data"), memory());
  const task = gio(
    reactor,
    connection,
    function* () {
      try {
        yield;
      } finally {
        yield "unsent";
        yield* transfer;
      }
    }(),
  );
  task.cancel();
  clock.advance(2000);
  reactor.step();
  assert(task.done);
  await assertRejects(() => transfer, TransferError, "not accepted within 2000 ms");
});

Deno.test("a transfer that needs a driver says so where there is none, and is over", async () => {
  const transfer = splice(memory("data"), memory());
  const coroutine = function* () {
    yield* transfer;
  }();
  coroutine.next();
  assertThrows(() => coroutine.next(), TypeError, "it needs a driver");
  await assertRejects(() => transfer, TransferError, "it needs a driver");
});

Deno.test("a transfer that cannot begin, and that nobody else awaits, is no unhandled rejection", async () => {
  using reactor = new Reactor();
  const connection = new FakeConnection();
  connection.capacity = 0;
  const task = gio(
    reactor,
    connection,
    function* () {
      yield "unsent";
      yield* splice(here, memory());
    }(),
  );
  task.cancel();
  assert(task.done);
  await turns();
});

Deno.test("here needs a context, and a coroutine", async () => {
  const to = memory();
  await assertRejects(
    () =>
      asProcess(function* () {
        yield* splice(here, to);
      }()),
    Error,
    "Cannot transfer: there is no context",
  );
  await assertRejects(() => splice(here, to), TypeError, "in a coroutine that gio runs");
});

Deno.test("a transfer cannot begin twice, and may be over before", async () => {
  const from = () => memory("data");
  await asProcess(function* () {
    const transfer = splice(from(), memory());
    transfer.begin({ reactor: currentGio().reactor, resume() {}, fail() {} });
    try {
      yield* transfer;
    } catch (error) {
      assert(error instanceof TypeError);
      assertEquals(
        error.message,
        "Cannot begin a transfer twice: await it, or yield* it, at once",
      );
    }
    const aborted = splice(from(), memory());
    aborted.abort();
    try {
      yield* aborted;
    } catch (error) {
      assertEquals((error as TransferError).side, "signal");
      return;
    }
    throw new Error("Expected the transfer to be aborted");
  }());
});
