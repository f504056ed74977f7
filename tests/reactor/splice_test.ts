import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  type ByteStream,
  Reactor,
  type Receiver,
  sendFile,
  type Socket,
  splice,
  TransferError,
  zeroCopy,
} from "../../reactor/mod.ts";
import { type Libc, libc } from "../../reactor/linux/_libc.ts";
import { pipes } from "../../reactor/linux/_pipe_pool.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { type Faults, faultyLibc } from "./_faulty_libc.ts";
import {
  type Accepted,
  assertSameBytes,
  concat,
  conns,
  type End,
  END_KINDS,
  type EndKind,
  pattern,
  readAll,
  readSome,
  resettable,
  stalled,
  writeAll,
} from "./_transfer_ends.ts";

const MIB = 1024 * 1024;

/** A test with ends of these kinds, of which nothing is left at its end. */
function test(
  name: string,
  kinds: EndKind[],
  fn: (...ends: End[]) => Promise<void>,
): void {
  leakTest(name, async () => {
    await using stack = new AsyncDisposableStack();
    const ends: End[] = [];
    for (const kind of kinds) ends.push(stack.use(await kind.open()));
    await fn(...ends);
    assertEquals(pipes.open, 0);
  });
}

const byName = (name: string): EndKind => END_KINDS.find((kind) => kind.name === name)!;
const TCP = byName("a TCP connection");

for (const from of END_KINDS) {
  for (const to of END_KINDS) {
    for (const copy of [false, true]) {
      const how = copy ? ", with copy: true" : "";
      test(`splice() moves all bytes and the end from ${from.name} to ${to.name}${how}`, [
        from,
        to,
      ], async (source, target) => {
        const bytes = pattern(4 * MIB + 12_345);
        const sending = source.write(bytes).then(() => source.end());
        if (from.name === "a file") await sending;
        const reading = to.name === "a file" ? undefined : target.readAll();
        let told = 0;
        const transferred = await splice(source.near, target.near, {
          copy,
          onProgress: ({ bytes }) => {
            assert(bytes > told);
            told = bytes;
          },
        });
        assertSameBytes(await (reading ?? target.readAll()), bytes);
        await sending;
        assertEquals([transferred.bytes, told], [bytes.length, bytes.length]);
        assertEquals(transferred.spliced + transferred.copied, bytes.length);
        const canSplice = zeroCopy.supported && from.splices && to.splices && !copy;
        if (canSplice) assert(transferred.spliced > 0.9 * bytes.length, Deno.inspect(transferred));
        else assertEquals(transferred.spliced, 0);
      });
    }
  }
}

for (const kind of END_KINDS) {
  for (const copy of [false, true]) {
    const how = copy ? ", with copy: true" : "";
    test(`splice() leaves what is beyond its limit in ${kind.name}${how}`, [kind, TCP], async (
      source,
      target,
    ) => {
      const bytes = pattern(2 * MIB);
      const sending = source.write(bytes).then(() => source.end());
      if (kind.name === "a file") await sending;
      const reading = target.readAll();
      // What one leaves, the next begins with: after some, after none, after much.
      const limits = [1, 0, 4095, 4097, 16 * 1024, 100_001, MIB];
      for (const limit of limits) {
        const { bytes } = await splice(source.near, target.near, { limit, copy });
        assertEquals(bytes, limit);
      }
      await (target.near as Deno.Conn).closeWrite();
      const rest = await readAll(source.readNear);
      await sending;
      const moved = limits.reduce((sum, limit) => sum + limit);
      assertSameBytes(await reading, bytes.subarray(0, moved));
      assertSameBytes(rest, bytes.subarray(moved));
    });
  }
}

/** Chunks to be received, of which `recv` gives all that it has, or what was asked for. */
function receiver(chunks: Uint8Array[], obeys: boolean): Receiver {
  return {
    readable: true,
    writable: false,
    recv(most = Infinity) {
      const chunk = chunks.shift() ?? null;
      if (chunk === null || chunk.length <= most || !obeys) return chunk;
      chunks.unshift(chunk.subarray(most));
      return chunk.subarray(0, most);
    },
    watch: (_: unknown, notify: () => void) => notify(),
    unwatch() {},
  };
}

test(
  "splice() of a selectable that belongs to no reactor needs a coroutine, whose reactor waits for it",
  [TCP],
  async (target) => {
    await assertRejects(
      () => splice(receiver([], true), target.near),
      TypeError,
      "Cannot transfer Object: no reactor is known for it, yield* the transfer in a coroutine",
    );
    const bytes = pattern(10_000);
    using reactor = new Reactor();
    const given = receiver([bytes.subarray(0, 9000), bytes.subarray(9000)], true);
    reactor.addProcess(function* () {
      for (const limit of [10, 4000, 4980, 20]) {
        yield* splice(given, target.near as Deno.Conn, { limit });
      }
      yield* splice(given, target.near as Deno.Conn);
      reactor.requestShutdown();
    }());
    await reactor.run();
    assertSameBytes(await target.readAll(), bytes);
  },
);

test(
  "splice() tells when a receiver gives more than the limit, which nobody could keep",
  [TCP],
  async (target) => {
    using reactor = new Reactor();
    let caught: unknown;
    reactor.addProcess(function* () {
      try {
        yield* splice(receiver([pattern(100)], false), target.near as Deno.Conn, { limit: 10 });
      } catch (error) {
        caught = error;
      }
      reactor.requestShutdown();
    }());
    await reactor.run();
    assert(caught instanceof TypeError);
    assert(caught.message.startsWith("Cannot transfer only a part: recv(max) gave more than"));
  },
);

for (
  const [method, counts] of [["read", [-1, 0.5, NaN, 1e9, "1"]], ["write", [
    -1,
    0,
    0.5,
    NaN,
    1e9,
    "1",
  ]]] as const
) {
  for (const count of counts) {
    for (const copy of [false, true]) {
      test(
        `splice() fails when ${method}() gives ${Deno.inspect(count)} (copy: ${copy})`,
        [TCP],
        async (end) => {
          const odd = { [method]: () => Promise.resolve(count as number) } as never;
          await end.write(pattern(100));
          const error = await assertRejects(
            () =>
              method === "read" ? splice(odd, end.near, { copy }) : splice(end.near, odd, { copy }),
            TransferError,
            `what ${method}() gives must be a whole number from`,
          );
          assert(error.cause instanceof RangeError);
          assertEquals([error.side, error.transferred.bytes], [
            method === "read" ? "from" : "to",
            0,
          ]);
        },
      );
    }
  }
}

/** Connections that are closed at the end, unless the test did. */
function closing(conns: Deno.Conn[]) {
  const open = new Set(conns);
  const close = (conn: Deno.Conn) => void (open.delete(conn) && conn.close());
  return { close, [Symbol.dispose]: () => open.forEach(close) };
}

/** Two connections, of which the test has the outer ends, and transfers between the inner ones. */
async function line() {
  const [from, client] = await conns();
  const [to, server] = await conns();
  return { client, from, to, server, ...closing([client, from, to, server]) };
}

/** A connection that can be reset by its far end, and one that is read and written by the test. */
async function resettableLine() {
  const [broken, far] = await resettable();
  const [whole, peer] = await conns();
  return { broken, far, whole, peer, ...closing([broken, whole, peer]) };
}

async function readExactly(from: Deno.Conn, length: number): Promise<Uint8Array> {
  const all = new Uint8Array(length);
  for (let got = 0; got < length;) got += (await from.read(all.subarray(got)))!;
  return all;
}

/** Writes for ever; resolves when that fails, or the connection is closed. */
async function writeForEver(to: Deno.Conn): Promise<void> {
  const bytes = pattern(MIB);
  try {
    for (;;) await to.write(bytes);
  } catch {
    // That is how it ends.
  }
}

function transferTest(name: string, fn: () => Promise<void>): void {
  leakTest(name, async () => {
    await fn();
    assertEquals(pipes.open, 0);
  });
}

transferTest("splice() splices nearly all of much", async () => {
  if (!zeroCopy.supported) return;
  using ends = await line();
  const bytes = pattern(64 * MIB);
  const sending = writeAll(ends.client, bytes).then(() => ends.client.closeWrite());
  const reading = readAll(() => readSome(ends.server));
  const { spliced, copied } = await splice(ends.from, ends.to);
  await sending;
  assertSameBytes(await reading, bytes);
  assert(spliced >= 0.99 * bytes.length, `${copied} bytes were copied`);
});

transferTest("splice() passes a little on at once, and copies it", async () => {
  using ends = await line();
  const transfer = splice(ends.from, ends.to);
  const sizes = [1, 64, 4096, 5000, 8192];
  for (const size of sizes) {
    await writeAll(ends.client, pattern(size, size));
    assertSameBytes(await readExactly(ends.server, size), pattern(size, size));
  }
  await ends.client.closeWrite();
  const bytes = sizes.reduce((sum, size) => sum + size);
  assertEquals(await transfer, { bytes, spliced: 0, copied: bytes });
  assertEquals(await ends.server.read(new Uint8Array(1)), null);
});

transferTest("splice() waits for a slow reader, and loses nothing", async () => {
  using ends = await line();
  const bytes = pattern(32 * MIB);
  const sending = writeAll(ends.client, bytes).then(() => ends.client.closeWrite());
  const transfer = splice(ends.from, ends.to);
  await stalled(transfer);
  const chunks: Uint8Array[] = [];
  const reading = readAll(async () => {
    await turns(chunks.push() % 7);
    return await readSome(ends.server);
  });
  assertSameBytes(await reading, bytes);
  await sending;
  assertEquals((await transfer).bytes, bytes.length);
});

async function aborted(
  begin: (signal: AbortSignal) => ReturnType<typeof splice>,
  act: (abort: () => void, transfer: ReturnType<typeof splice>) => void | Promise<void>,
  bytes?: number,
): Promise<void> {
  const controller = new AbortController();
  const reason = new Error("Enough");
  const transfer = begin(controller.signal);
  const rejected = assertRejects(() => transfer, TransferError);
  await act(() => controller.abort(reason), transfer);
  const error = await rejected;
  assertEquals([error.side, error.end], ["signal", undefined]);
  assertStrictEquals(error.cause, reason);
  assertEquals(error.transferred.bytes, bytes ?? transfer.transferred.bytes);
  assertEquals(pipes.open, 0);
}

for (const copy of [false, true]) {
  const how = copy ? ", with copy: true" : "";

  const stages: Record<string, (ends: Awaited<ReturnType<typeof line>>) => Promise<void>> = {
    "before it begins"({ from, to }) {
      return aborted((signal) => splice(from, to, { signal, copy }), (abort) => abort(), 0);
    },
    async "while it waits for something to read"({ client, server, from, to }) {
      await aborted((signal) => splice(from, to, { signal, copy }), async (abort) => {
        await client.write(pattern(10));
        await readExactly(server, 10);
        abort();
      }, 10);
    },
    async "from onProgress"({ client, from, to, close }) {
      const writing = writeForEver(client);
      const controller = new AbortController();
      const reason = new Error("Enough");
      const error = await assertRejects(() =>
        splice(from, to, {
          signal: controller.signal,
          copy,
          onProgress: ({ bytes }) => bytes > 100_000 && controller.abort(reason),
        }), TransferError);
      assertStrictEquals(error.cause, reason);
      assert(error.transferred.bytes > 100_000);
      close(client);
      await writing;
    },
    async "while nobody reads"({ client, from, to, close }) {
      const writing = writeForEver(client);
      await aborted((signal) => splice(from, to, { signal, copy }), async (abort, transfer) => {
        await stalled(transfer);
        abort();
      });
      close(client);
      await writing;
    },
  };

  for (const [stage, run] of Object.entries(stages)) {
    transferTest(`splice() ends at once when its signal aborts ${stage}${how}`, async () => {
      using ends = await line();
      await run(ends);
    });
  }

  transferTest(`splice() names the reader when that has gone${how}`, async () => {
    using ends = await resettableLine();
    const { broken, far, whole, peer } = ends;
    const writing = writeForEver(peer);
    far.once("data", () => far.resetAndDestroy());
    const error = await assertRejects(() => splice(whole, broken, { copy }), TransferError);
    assertEquals(error.side, "to");
    assertStrictEquals(error.end, broken);
    assert(error.transferred.bytes > 0);
    assert(error.message.startsWith("Cannot write to tcp 127.0.0.1:"), error.message);
    ends.close(whole);
    await writing;
  });

  transferTest(`splice() names the writer when that has gone${how}`, async () => {
    using ends = await resettableLine();
    const { broken, far, whole, peer } = ends;
    const transfer = splice(broken, whole, { copy });
    const rejected = assertRejects(() => transfer, TransferError);
    far.write(pattern(200_000));
    assertSameBytes(await readExactly(peer, 200_000), pattern(200_000));
    far.resetAndDestroy();
    const error = await rejected;
    assertEquals([error.side, error.transferred.bytes], ["from", 200_000]);
    assertStrictEquals(error.end, broken);
    assert(error.cause instanceof Deno.errors.ConnectionReset);
    assertEquals(
      error.message.replaceAll(/:\d+/g, ""),
      "Cannot read from tcp 127.0.0.1 <- 127.0.0.1 any more, after 200000 bytes: " +
        (error.cause as Error).message,
    );
  });

  transferTest(`splice.both() is cut both ways when one end breaks${how}`, async () => {
    using ends = await resettableLine();
    const { broken, far, whole, peer } = ends;
    const transfer = splice.both(whole, broken, { copy });
    const rejected = assertRejects(() => transfer, TransferError);
    await peer.write(pattern(10));
    far.once("data", () => far.resetAndDestroy());
    const error = await rejected;
    assertStrictEquals(error.end, broken);
    assertEquals(transfer.transferred.forth.bytes, 10);
  });

  transferTest(`splice.both() goes on one way when the other has ended${how}`, async () => {
    using ends = await line();
    const { client, from, to, server } = ends;
    const transfer = splice.both(from, to, { copy });
    await client.write(pattern(10));
    await client.closeWrite();
    assertEquals((await readAll(() => readSome(server))).length, 10);
    const bytes = pattern(3 * MIB);
    const sending = writeAll(server, bytes).then(() => server.closeWrite());
    assertSameBytes(await readAll(() => readSome(client)), bytes);
    await sending;
    const { forth, back } = await transfer;
    assertEquals([forth.bytes, back.bytes], [10, bytes.length]);
  });
}

transferTest("splice() goes on with what an aborted one was reading", async () => {
  using ends = await line();
  const { client, from, to, server } = ends;
  const first = splice(from, to);
  first.catch(() => {});
  await client.write(pattern(10));
  await readExactly(server, 10);
  first.abort();
  const second = splice(from, to); // waits for the same read
  second.catch(() => {});
  await turns(2);
  second.abort();
  const bytes = pattern(MIB);
  const sending = writeAll(client, bytes).then(() => client.closeWrite());
  const reading = readAll(() => readSome(server));
  assertEquals((await splice(from, to)).bytes, bytes.length);
  await sending;
  assertSameBytes(await reading, bytes);
});

transferTest("splice() fails when an end is closed under it", async () => {
  using ends = await line();
  const rejected = assertRejects(() => splice(ends.from, ends.to), TransferError);
  await turns(2);
  ends.close(ends.from);
  assertEquals((await rejected).side, "from");
});

transferTest("Transfer fails, and nothing else does, when onProgress throws", async () => {
  using ends = await line();
  await ends.client.write(pattern(10));
  const onProgress = () => {
    throw new RangeError("Oh");
  };
  await assertRejects(() => splice(ends.from, ends.to, { onProgress }), RangeError, "Oh");
});

Deno.test("splice() refuses what it cannot do", async () => {
  const end = { read: () => Promise.resolve(null), write: () => Promise.resolve(0) };
  for (const limit of [-1, NaN, 1.5]) {
    assertThrows(() => splice(end, end, { limit }), RangeError, "whole number");
  }
  const nothing = {} as Deno.Conn;
  await assertRejects(() => splice(nothing, end), TypeError, "it has no read()");
  await assertRejects(() => splice(end, nothing), TypeError, "it has no write()");
  await assertRejects(() => splice.tee(end, end, nothing), TypeError, "it has no write()");
  const missing = undefined as unknown as Deno.Conn;
  await assertRejects(
    () => splice(missing, end),
    TypeError,
    "Cannot transfer from or to undefined",
  );
});

Deno.test("Transfer.abort() has no effect when it is over", async () => {
  const end = { read: () => Promise.resolve(null), write: () => Promise.resolve(0) };
  const transfer = splice(end, end);
  await transfer;
  transfer.abort();
  assertEquals(await transfer, { bytes: 0, spliced: 0, copied: 0 });
});

transferTest("splice() counts what a writer took before it failed", async () => {
  const from = { read: (p: Uint8Array) => Promise.resolve(Math.min(p.length, 100)) };
  const takes = (...lengths: number[]) => ({
    write(p: Uint8Array) {
      const length = Math.min(p.length, lengths.shift() ?? NaN);
      return length >= 0 ? Promise.resolve(length) : Promise.reject(new Error("no more"));
    },
  });
  const to = await assertRejects(() => splice(from, takes(30, 20)), TransferError);
  assertEquals([to.side, to.transferred.bytes], ["to", 50]);
  const tap = await assertRejects(
    () => splice.tee(from, takes(100, 30, 70), takes(100)),
    TransferError,
  );
  assertEquals([tap.side, tap.transferred.bytes], ["tap", 200]);
  const nothing = await assertRejects(
    () => splice(from, takes(30, 0)),
    TransferError,
    "what write() gives must be a whole number from 1 to 70, not 0",
  );
  assertEquals([nothing.side, nothing.transferred.bytes], ["to", 30]);
});

test("splice.both() tells what went both ways when its signal aborts", [TCP, TCP], async (
  one,
  other,
) => {
  const controller = new AbortController();
  const transfer = splice.both(one.near as Deno.Conn, other.near as Deno.Conn, {
    signal: controller.signal,
  });
  const rejected = assertRejects(() => transfer, TransferError, "Cannot go on any more, after 30 ");
  await Promise.all([one.write(pattern(10)), other.write(pattern(20))]);
  await stalled({
    get transferred() {
      const { forth, back } = transfer.transferred;
      return { bytes: forth.bytes * back.bytes };
    },
  });
  controller.abort();
  assertEquals((await rejected).transferred, { bytes: 30, spliced: 0, copied: 30 });
});

for (const kind of END_KINDS) {
  if (!kind.name.includes("socket (")) continue;

  test(`splice() from and to ${kind.name} is its reader and its writer, and lets no other be`, [
    kind,
    TCP,
    TCP,
  ], async (one, other, third) => {
    const [socket, conn] = [one.near as Socket, other.near as Deno.Conn];
    const { reactor } = one as Accepted;
    const registered = () =>
      reactor.inspect().filter(({ what }) => what === socket.describe!())
        .map(({ kind, where }) => [kind, where?.replaceAll(/:\d+/g, "")]);
    const by = "(transfer to tcp 127.0.0.1";
    await assertRejects(() => splice.both(socket, socket), TypeError, "it has one");
    const both = splice.both(socket, conn);
    await turnsUntil(() => registered().length === 2);
    const far = "tcp 127.0.0.1 <- 127.0.0.1";
    assertEquals(registered(), [
      ["reader", `transfer to ${far}`],
      ["writer", `transfer from ${far}`],
    ]);
    const refused = `Cannot add a reader of ${socket.describe!()}: it has one ${by}`;
    await assertRejects(() => splice(socket, third.near), TypeError, refused);
    await assertRejects(() => splice(third.near, socket), TypeError, "it has one (is suspended, ");
    assertThrows(() => reactor.addReader(socket, () => {}), TypeError, refused);
    assertThrows(() => reactor.addWriter(socket, () => {}), TypeError, ", remove that first");
    await Promise.all([one.write(pattern(10)), other.write(pattern(20))]);
    await Promise.all([one.end(), other.end()]);
    assertEquals([(await one.readAll()).length, (await other.readAll()).length], [20, 10]);
    await both;
    assert(!registered().some(([kind]) => kind !== "connection"));
    assertEquals((await splice(socket, third.near)).bytes, 0);
  });

  test(`splice() refuses ${kind.name} that has a reader or a writer, suspended or not`, [
    kind,
    TCP,
  ], async (one, other) => {
    const [socket, conn] = [one.near as Socket, other.near as Deno.Conn];
    const { reactor } = one as Accepted;
    let calls = 0;
    const suspend = () => ++calls && void reactor.suspend();
    reactor.addReader(socket, suspend);
    await assertRejects(() => splice(socket, conn), TypeError, "it has one, remove that first");
    await one.write(pattern(10));
    await turnsUntil(() => calls === 1);
    await assertRejects(() => splice(socket, conn), TypeError, "it has one (is suspended), remove");
    reactor.removeReader(socket);
    reactor.addWriter(socket, suspend);
    await assertRejects(() => splice(conn, socket), TypeError, "Cannot add a writer of ");
    await turnsUntil(() => calls === 2);
    await assertRejects(() => splice(conn, socket), TypeError, "Cannot add a writer of ");
    reactor.removeWriter(socket);
    const both = splice.both(socket, conn);
    await other.write(pattern(20));
    await Promise.all([one.end(), other.end()]);
    assertEquals([(await one.readAll()).length, (await other.readAll()).length], [20, 10]);
    await both;
    reactor.addReader(socket, suspend);
  });

  for (const selector of zeroCopy.supported ? ["deno", "epoll"] as const : ["deno"] as const) {
    test(`splice() from ${kind.name} goes on in a coroutine of another reactor (${selector})`, [
      kind,
    ], async (one) => {
      using reactor = new Reactor({ selector });
      const running = reactor.run();
      const sizes: number[] = [];
      const to = { write: (p: Uint8Array) => Promise.resolve(p.length) };
      reactor.addProcess(function* () {
        for (;;) sizes.push((yield* splice(one.near, to, { limit: 10 })).bytes);
      }());
      for (const count of [1, 2]) {
        await turns(50); // until both reactors wait
        await one.write(pattern(10));
        await turnsUntil(() => sizes.length === count);
      }
      reactor.requestShutdown();
      await running;
      assertEquals(sizes, [10, 10]);
    });
  }

  test(`splice() from ${kind.name} is not called while it waits for its target`, [kind], async (
    one,
  ) => {
    const { reactor } = one as Accepted;
    const written = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const to = {
      async write(p: Uint8Array) {
        asked.resolve();
        await written.promise;
        return p.length;
      },
    };
    const transfer = splice(one.near, to);
    await one.write(pattern(10));
    await asked.promise;
    await one.write(pattern(10)); // which waits to be read
    await turns(10);
    let steps = 0;
    using _ = { [Symbol.dispose]: () => reactor.removeProcess(count) };
    function count() {
      steps += reactor.inspect().filter(({ kind, suspended }) => kind === "reader" && !suspended)
        .length;
    }
    reactor.addProcess(count);
    await turns(10);
    assertEquals(steps, 0);
    written.resolve();
    await one.end();
    assertEquals((await transfer).bytes, 20);
  });

  for (const copy of [false, true]) {
    const how = copy ? ", with copy: true" : "";

    test(`splice() from ${kind.name} leaves what comes after a cut on the write side${how}`, [
      kind,
    ], async (one) => {
      const bytes = pattern(200_000);
      let taken = 0;
      const to = {
        write(p: Uint8Array) {
          if (taken > 0) return Promise.reject(new Error("no more"));
          return Promise.resolve(taken = Math.min(100, p.length));
        },
      };
      const sending = one.write(bytes).then(() => one.end());
      const error = await assertRejects(() => splice(one.near, to, { copy }), TransferError);
      assertEquals([error.side, error.end, error.transferred.bytes], ["to", to, 100]);
      const rest = await readAll(one.readNear);
      await sending;
      assertEquals(rest.length, bytes.length - 100 - error.lost);
      assertSameBytes(rest, bytes.subarray(100 + error.lost));
    });

    test(`splice() to ${kind.name} leaves it to be written after a cut on the read side${how}`, [
      kind,
    ], async (one) => {
      const chunks = [pattern(100)];
      const from = {
        read(p: Uint8Array) {
          const chunk = chunks.shift();
          if (chunk === undefined) return Promise.reject(new Error("no more"));
          p.set(chunk);
          return Promise.resolve(chunk.length);
        },
      };
      const socket = one.near as Socket;
      const error = await assertRejects(() => splice(from, socket, { copy }), TransferError);
      assertEquals([error.side, error.end, error.lost], ["from", from, 0]);
      assertEquals(socket.send(pattern(50, 1)), 50);
      socket.shutdown();
      assertSameBytes(await one.readAll(), concat([pattern(100), pattern(50, 1)]));
    });
  }

  // Of Unix connections, nobody can be told so.
  if (kind.name.includes("Unix")) continue;
  test(`reactor.shutdown() cuts a transfer of ${kind.name}, of which the peers see no end`, [
    kind,
    kind,
  ], async (one, other) => {
    const transfer = splice.both(one.near, other.near);
    const rejected = assertRejects(() => transfer, TransferError);
    await one.write(pattern(10));
    await turnsUntil(() => transfer.transferred.forth.bytes === 10);
    for (const { reactor } of [one, other] as Accepted[]) reactor.shutdown();
    const { side, cause } = await rejected;
    assert(side === "from" && cause instanceof Deno.errors.BadResource);
    for (const end of [one, other]) {
      if (!zeroCopy.supported) assert((await end.readAll()).length <= 10);
      else await assertRejects(() => end.readAll(), Deno.errors.ConnectionReset);
    }
  });

  if (kind.name.includes("deno")) continue; // What that has accepted is sent later.
  test(`splice() to ${kind.name} counts what the kernel has taken when it is cut`, [kind], async (
    target,
  ) => {
    using ends = await line();
    const writing = writeForEver(ends.client);
    const transfer = splice(ends.from, target.near, { copy: true });
    const rejected = assertRejects(() => transfer, TransferError);
    await stalled(transfer);
    transfer.abort();
    ends.close(ends.from);
    await writing;
    (target.near as Socket).shutdown();
    assertEquals((await target.readAll()).length, (await rejected).transferred.bytes);
  });
}

transferTest("splice() to a connection counts what was written when it is cut", async () => {
  using ends = await line();
  const writing = writeForEver(ends.client);
  const transfer = splice(ends.from, ends.to, { copy: true });
  const rejected = assertRejects(() => transfer, TransferError);
  await stalled(transfer);
  transfer.abort();
  ends.close(ends.to);
  ends.close(ends.from);
  await writing;
  const received = await readAll(() => readSome(ends.server));
  assertEquals(received.length, (await rejected).transferred.bytes);
});

const TAPS: Record<string, Deno.OpenOptions> = {
  "a file": { write: true },
  "a file that is appended to": { append: true },
};

for (const copy of [false, true]) {
  const how = copy ? ", with copy: true" : "";

  for (const [name, options] of Object.entries(TAPS)) {
    transferTest(`splice.tee() sends the same bytes to ${name}${how}`, async () => {
      const path = await Deno.makeTempFile();
      {
        using ends = await line();
        using tap = await Deno.open(path, options);
        const bytes = pattern(8 * MIB + 321);
        const sending = writeAll(ends.client, bytes).then(() => ends.client.closeWrite());
        const reading = readAll(() => readSome(ends.server));
        const transferred = await splice.tee(ends.from, ends.to, tap, { copy });
        await sending;
        assertSameBytes(await reading, bytes);
        assertSameBytes(await Deno.readFile(path), bytes);
        assertEquals(transferred.bytes, bytes.length);
        if (copy || !zeroCopy.supported) assertEquals(transferred.spliced, 0);
        else assert(transferred.spliced > 0.95 * bytes.length, Deno.inspect(transferred));
      }
      await Deno.remove(path);
    });
  }

  transferTest(`splice.tee() waits for the slower of both${how}`, async () => {
    using ends = await line();
    const [tap, record] = await conns();
    using _ = closing([tap, record]);
    const bytes = pattern(16 * MIB);
    const sending = writeAll(ends.client, bytes).then(() => ends.client.closeWrite());
    const reading = readAll(() => readSome(ends.server));
    const transfer = splice.tee(ends.from, ends.to, tap, { copy });
    await stalled(transfer);
    assert(transfer.transferred.bytes < bytes.length);
    assertSameBytes(await readAll(() => readSome(record)), bytes);
    assertSameBytes(await reading, bytes);
    await sending;
    assertEquals((await transfer).bytes, bytes.length);
  });

  transferTest(`splice.tee() names the tap when that has gone${how}`, async () => {
    using ends = await resettableLine();
    const [to, server] = await conns();
    using rest = closing([to, server]);
    const writing = writeForEver(ends.peer);
    const reading = readAll(() => readSome(server)).catch(() => {});
    ends.far.once("data", () => ends.far.resetAndDestroy());
    const error = await assertRejects(
      () => splice.tee(ends.whole, to, ends.broken, { copy }),
      TransferError,
      "Cannot write to the tap of tcp",
    );
    assertEquals(error.side, "tap");
    assertStrictEquals(error.end, ends.broken);
    ends.close(ends.whole);
    rest.close(to);
    await Promise.all([writing, reading]);
  });

  transferTest(`splice.tee() has a limit${how}`, async () => {
    using ends = await line();
    const [tap, record] = await conns();
    using _ = closing([tap, record]);
    const bytes = pattern(MIB);
    const sending = writeAll(ends.client, bytes);
    const reading = Promise.all([readExactly(ends.server, 700_000), readExactly(record, 700_000)]);
    await splice.tee(ends.from, ends.to, tap, { copy, limit: 700_000 });
    for (const read of await reading) assertSameBytes(read, bytes.subarray(0, 700_000));
    assertSameBytes(await readExactly(ends.from, MIB - 700_000), bytes.subarray(700_000));
    await sending;
  });
}

const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const PAGE = 4096;
const isPipe = (fd: number) => libc()!.fcntl(fd, F_GETPIPE_SZ, 0) > 0;

/** What a kernel may refuse, and whether anything is spliced then. */
const REFUSALS: Record<string, { faults: Faults; splices: boolean }> = {
  "there are no descriptors left for pipes": { faults: { pipe2: () => -1 }, splices: false },
  "pipes are too small": {
    faults: { fcntl: (_, _fd, command) => command === F_SETPIPE_SZ ? -1 : 8192 },
    splices: false,
  },
  "pipes may not be enlarged": {
    faults: {
      fcntl: (real, fd, command, size) => command === F_SETPIPE_SZ ? -1 : real(fd, command, size),
    },
    splices: true,
  },
  "nothing can be spliced": { faults: { splice: () => -1 }, splices: false },
  "nothing can be spliced from the source": {
    faults: { splice: (real, from, ...rest) => isPipe(from) ? real(from, ...rest) : -1 },
    splices: false,
  },
  "nothing can be spliced to the target": {
    faults: { splice: (real, from, ...rest) => isPipe(from) ? -1 : real(from, ...rest) },
    splices: false,
  },
  "there is room just after nothing could be spliced for want of it": {
    get faults(): Faults {
      let refusals = 0;
      return {
        splice: (real, from, ...rest) =>
          isPipe(from) && refusals++ === 0 ? -1 : real(from, ...rest),
      };
    },
    splices: true,
  },
  "it cannot be told how much there is": { faults: { ioctl: () => -1 }, splices: true },
  "there is no fstat": { faults: { fstat: null }, splices: false },
};

if (zeroCopy.supported) {
  for (const [refusal, { faults, splices }] of Object.entries(REFUSALS)) {
    transferTest(`splice() moves all bytes when ${refusal}`, async () => {
      using ends = await line();
      using _ = faultyLibc(faults);
      const bytes = pattern(5 * MIB);
      const sending = writeAll(ends.client, bytes).then(() => ends.client.closeWrite());
      const reading = readAll(() => readSome(ends.server));
      const transferred = await splice(ends.from, ends.to);
      await sending;
      assertSameBytes(await reading, bytes);
      assertEquals(transferred.bytes, bytes.length);
      assertEquals(transferred.spliced > 0, splices);
    });
  }

  /** Each call that moves bytes may be refused (EINTR, EAGAIN, ENOMEM, EINVAL), which is -1 here. */
  const CALLS = ["splice in", "splice out", "tee", "ioctl", "pipe2", "sendfile"] as const;
  const WHEN: Record<string, (nth: number) => boolean> = {
    "always": () => true,
    "at first": (nth) => nth === 0,
    "from the second time on": (nth) => nth > 0,
    "every other time": (nth) => nth % 2 === 1,
    "but every fifth time": (nth) => nth % 5 !== 4,
  };
  const refusing = (call: typeof CALLS[number], when: (nth: number) => boolean): Faults => {
    let nth = 0;
    const refused = () => when(nth++);
    switch (call) {
      case "splice in":
      case "splice out":
        return {
          splice: (real, from, ...rest) =>
            isPipe(from) === (call === "splice out") && refused() ? -1 : real(from, ...rest),
        };
      default:
        return {
          [call]: (real: Libc["tee"], ...args: Parameters<Libc["tee"]>) =>
            refused() ? -1 : real(...args),
        };
    }
  };
  const PAIR: EndKind[] = [TCP, ...END_KINDS.filter(({ name }) => name.startsWith("a socket ("))];
  for (const kind of PAIR) {
    for (const call of CALLS) {
      for (const [when, isRefused] of Object.entries(WHEN)) {
        const what = call === "sendfile" ? "sendFile()" : "splice.tee()";
        const name = `${what} loses nothing to ${kind.name} when ${call} is refused ${when}`;
        test(name, [TCP, kind, TCP], async (source, target, tap) => {
          using _ = faultyLibc(refusing(call, isRefused));
          const bytes = pattern(2 * MIB + 333);
          const reading = Promise.all([target.readAll(), tap.readAll()]);
          if (call === "sendfile") {
            const path = await Deno.makeTempFile();
            await Deno.writeFile(path, bytes);
            for (const end of [target, tap]) await sendFile(end.near, path);
            await Deno.remove(path);
            (target.near as Partial<Socket>).shutdown?.();
            await (target.near as Partial<Deno.Conn>).closeWrite?.();
            await (tap.near as Deno.Conn).closeWrite();
          } else {
            const sending = source.write(bytes).then(() => source.end());
            assertEquals(
              (await splice.tee(source.near, target.near, tap.near)).bytes,
              bytes.length,
            );
            await sending;
          }
          for (const received of await reading) assertSameBytes(received, bytes);
        });
      }
    }
  }

  for (const kind of END_KINDS) {
    if (!kind.splices || !kind.name.includes("TCP") && !kind.name.includes("socket (")) continue;

    const name =
      `splice() writes nothing to what is opened when onProgress has closed ${kind.name}`;
    transferTest(name, async () => {
      using ends = await line();
      const target = await kind.open();
      const path = await Deno.makeTempFile();
      let file: Deno.FsFile | undefined;
      const onProgress = ({ spliced }: { spliced: number }) => {
        if (spliced === 0 || file !== undefined) return;
        (target.near as Deno.Conn).close();
        file = Deno.openSync(path, { write: true });
      };
      const writing = writeForEver(ends.client);
      {
        // It takes many calls to empty a pipe.
        using _ = faultyLibc({
          splice: (real, from, offset, to, at, length, flags) =>
            real(from, offset, to, at, isPipe(from) ? Math.min(length, PAGE) : length, flags),
        });
        const error = await assertRejects(
          () => splice(ends.from, target.near, { onProgress }),
          TransferError,
        );
        assertEquals([error.side, error.transferred.spliced], ["to", PAGE]);
      }
      ends.close(ends.from);
      await writing;
      file!.close();
      assertEquals((await Deno.stat(path)).size, 0);
      await Deno.remove(path);
      await Promise.allSettled([target[Symbol.asyncDispose]()]); // A connection is closed already.
    });
  }

  transferTest("splice() keeps no pipe when it has come to copying", async () => {
    const path = await Deno.makeTempFile();
    {
      using one = await line();
      using other = await line();
      using file = await Deno.open(path, { append: true }); // to which nothing can be spliced
      const copying = splice(one.from, file);
      await writeAll(one.client, pattern(MIB));
      await turnsUntil(() => copying.transferred.bytes === MIB);
      const splicing = splice(other.from, other.to);
      const reading = readExactly(other.server, MIB);
      await writeAll(other.client, pattern(MIB));
      await reading;
      assert(splicing.transferred.spliced > 0);
      assertEquals(pipes.open, 1);
      await Promise.all([one.client.closeWrite(), other.client.closeWrite()]);
      await Promise.all([copying, splicing]);
    }
    await Deno.remove(path);
  });
}

/** A stream of this many chunks that is always ready, and one that takes everything. */
function alwaysReady(chunks: number): [from: ByteStream, to: ByteStream] {
  return [
    { read: (p) => Promise.resolve(chunks-- > 0 ? p.length : null), close() {} },
    { write: (p) => Promise.resolve(p.length), close() {} },
  ];
}

leakTest("splice() between sockets of the deno back end needs no step for each chunk", async () => {
  let steps = 0;
  const reactor = new Reactor({ selector: "deno", events: { step: () => steps++ } });
  const running = reactor.run();
  const [from, to] = alwaysReady(100).map((stream) => reactor.adopt(stream));
  const { bytes } = await splice(from!, to!);
  assert(bytes > 100 * 1024);
  assert(steps < 10, `${steps} steps`);
  reactor.requestShutdown();
  await running;
});

leakTest("splice() between sockets that are always ready lets the reactor go on", async () => {
  const reactor = new Reactor({ selector: "deno" });
  const running = reactor.run();
  const [from, to] = alwaysReady(Infinity).map((stream) => reactor.adopt(stream));
  const rejected = assertRejects(() => splice(from!, to!), TransferError);
  let left = 3;
  reactor.addTimer(1, function again() {
    if (--left > 0) reactor.addTimer(1, again);
    else from!.abort();
  });
  await rejected;
  assertEquals(left, 0);
  reactor.requestShutdown();
  await running;
});
