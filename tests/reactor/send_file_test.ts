import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { sendFile, type SendFileOptions, TransferError, zeroCopy } from "../../reactor/mod.ts";
import { pipes } from "../../reactor/linux/_pipe_pool.ts";
import { leakTest } from "../_leaks.ts";
import { output } from "../_peers.ts";
import { type Faults, faultyLibc } from "./_faulty_libc.ts";
import {
  assertSameBytes,
  concat,
  conns,
  END_KINDS,
  pattern,
  readAll,
  readSome,
  resettable,
  socketPath,
  stalled,
} from "./_transfer_ends.ts";

const MIB = 1024 * 1024;
const CONTENT = pattern(3 * MIB + 77);

/** A file with this content, removed at the end of the scope. */
function file(content: Uint8Array = CONTENT): { path: string } & Disposable {
  const path = Deno.makeTempFileSync();
  Deno.writeFileSync(path, content);
  return { path, [Symbol.dispose]: () => Deno.removeSync(path) };
}

/** What a peer of the connection that is sent to receives, until that is closed. */
async function sent(
  send: (to: Deno.Conn) => PromiseLike<unknown>,
): Promise<Uint8Array> {
  const [near, far] = await conns();
  const reading = readAll(() => readSome(far));
  try {
    await send(near);
  } finally {
    near.close();
  }
  const received = await reading;
  far.close();
  return received;
}

/** A test for the kernel's way and for the other; with a file, and with nothing left. */
function test(
  name: string,
  fn: (path: string, copy: boolean) => Promise<void>,
  content?: Uint8Array,
): void {
  for (const copy of [false, true]) {
    leakTest(`sendFile() ${name}${copy ? ", with copy: true" : ""}`, async () => {
      using _ = file(content);
      await fn(_.path, copy);
      assertEquals(pipes.open, 0);
    });
  }
}

for (const kind of END_KINDS) {
  test(`sends a file to ${kind.name}`, async (path, copy) => {
    await using end = await kind.open();
    const reading = kind.name === "a file" ? undefined : end.readAll();
    const transferred = await sendFile(end.near, path, { copy });
    if ("shutdown" in end.near) end.near.shutdown!();
    else if ("closeWrite" in end.near) await end.near.closeWrite!();
    assertSameBytes(await (reading ?? end.readAll()), CONTENT);
    assertEquals(transferred.bytes, CONTENT.length);
    if (copy || !kind.splices || !zeroCopy.supported) assertEquals(transferred.spliced, 0);
    else assert(transferred.spliced > 0.9 * CONTENT.length, Deno.inspect(transferred));
  });
}

const PARTS: SendFileOptions[] = [
  { offset: 0, length: 0 },
  { offset: 1, length: 1 },
  { offset: MIB },
  { length: 4097 },
  { offset: 12_345, length: MIB },
  { offset: CONTENT.length - 1 },
  { offset: CONTENT.length },
  { offset: CONTENT.length + 1 },
];
for (const part of PARTS) {
  test(`sends a part: ${JSON.stringify(part)}`, async (path, copy) => {
    const { offset = 0, length = Infinity } = part;
    const expected = CONTENT.subarray(offset, offset + length);
    const received = await sent(async (to) => {
      const { bytes } = await sendFile(to, path, { ...part, copy });
      assertEquals(bytes, expected.length);
    });
    assertSameBytes(received, expected);
  });
}

test("sends nothing of an empty file", async (path, copy) => {
  assertEquals((await sent((to) => sendFile(to, path, { copy }))).length, 0);
}, new Uint8Array(0));

test("takes a URL", async (path, copy) => {
  assertSameBytes(await sent((to) => sendFile(to, new URL(`file://${path}`), { copy })), CONTENT);
});

test("leaves a file open that is open, and may be used for many at once", async (path, copy) => {
  using file = await Deno.open(path);
  const options = { copy };
  const all = await Promise.all(
    Array.from({ length: 5 }, () => sent((to) => sendFile(to, file, options))),
  );
  for (const received of all) assertSameBytes(received, CONTENT);
  assertEquals((await file.stat()).size, CONTENT.length);
});

test("fails when the file is shorter than what is to be sent", async (path, copy) => {
  await sent(async (to) => {
    const error = await assertRejects(
      () => sendFile(to, path, { offset: 100, length: CONTENT.length, copy }),
      TransferError,
      "The file is shorter than what was to be sent",
    );
    assertEquals([error.side, error.transferred.bytes], ["from", CONTENT.length - 100]);
  });
});

test("fails when the file is truncated meanwhile", async (path, copy) => {
  const [near, far] = await conns();
  const transfer = sendFile(near, path, { copy });
  const rejected = assertRejects(
    () => transfer,
    TransferError,
    "The file is shorter than what was to be sent",
  );
  await stalled(transfer);
  Deno.truncateSync(path, MIB);
  const reading = readAll(() => readSome(far));
  const error = await rejected;
  near.close();
  assertEquals([error.side, error.transferred.bytes], ["from", (await reading).length]);
  far.close();
}, pattern(24 * MIB));

if (Deno.build.os === "linux") {
  /** What these hold is not what their size tells: 0, and 4096. */
  const OTHER_SIZES = [
    "/proc/version",
    "/proc/self/limits",
    "/sys/kernel/mm/transparent_hugepage/enabled",
  ].filter((path) => {
    try {
      return Deno.readFileSync(path).length > 3;
    } catch {
      return false; // This kernel has none.
    }
  });
  for (const kind of END_KINDS) {
    for (const special of OTHER_SIZES) {
      test(`sends all of ${special} to ${kind.name}`, async (_, copy) => {
        await using end = await kind.open();
        const expected = await Deno.readFile(special);
        const reading = kind.name === "a file" ? undefined : end.readAll();
        const { bytes } = await sendFile(end.near, special, { copy });
        const { offset, length } = { offset: 3, length: expected.length - 3 };
        await sendFile(end.near, special, { copy, offset });
        await sendFile(end.near, special, { copy, offset, length });
        await assertRejects(
          () => sendFile(end.near, special, { copy, offset, length: length + 1 }),
          TransferError,
          "The file is shorter than what was to be sent",
        );
        // The connection is still open.
        if ("shutdown" in end.near) end.near.shutdown!();
        else if ("closeWrite" in end.near) await end.near.closeWrite!();
        const received = await (reading ?? end.readAll());
        assertEquals(bytes, expected.length);
        const rest = expected.subarray(3);
        assertSameBytes(received, concat([expected, rest, rest, rest]));
      });
    }
  }
}

test("sends what the file was when it grows meanwhile", async (path, copy) => {
  const received = await sent(async (to) => {
    const onProgress = () => Deno.writeFileSync(path, new Uint8Array(1000), { append: true });
    assertEquals((await sendFile(to, path, { copy, onProgress })).bytes, CONTENT.length);
  });
  assertSameBytes(received, CONTENT);
});

test("fails where there is no file, before anything is sent", async (path, copy) => {
  await sent(async (to) => {
    await assertRejects(() => sendFile(to, `${path}.not`, { copy }), Deno.errors.NotFound);
    const error = await assertRejects(() => sendFile(to, "/", { copy }), TransferError);
    assertEquals(error.side, "from");
    for (const offset of [-1, 1.5, NaN, Infinity, 2 ** 53, 2 ** 64]) {
      await assertRejects(
        () => sendFile(to, path, { copy, offset, length: 1 }),
        RangeError,
        `Cannot send a file: the offset must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, not ${offset}`,
      );
    }
    for (const length of [-1, 1.5, NaN]) {
      await assertRejects(
        () => sendFile(to, path, { copy, length }),
        RangeError,
        `Cannot transfer: the number of bytes must be a whole number of at least 0, not ${length}`,
      );
    }
  });
});

if (Deno.build.os !== "windows") {
  test("refuses a FIFO, instead of stopping everything", async (path, copy) => {
    const fifo = `${path}.fifo`;
    await output("mkfifo", [fifo]);
    await sent(async (to) => {
      await assertRejects(() => sendFile(to, fifo, { copy }), TypeError, "it is a FIFO");
    });
    await Deno.remove(fifo);
  });

  test("refuses a device without a length, because it may never end", async (_path, copy) => {
    using open = await Deno.open("/dev/zero");
    for (const zero of ["/dev/zero", new URL("file:///dev/zero"), open]) {
      const received = await sent(async (to) => {
        await assertRejects(() => sendFile(to, zero, { copy }), TypeError, "give a length");
        const { bytes } = await sendFile(to, zero, { copy, length: MIB });
        assertEquals(bytes, MIB);
      });
      assertSameBytes(received, new Uint8Array(MIB));
    }
  });
}

test("waits for a slow reader", async (path, copy) => {
  const [near, far] = await conns();
  const transfer = sendFile(near, path, { copy });
  await stalled(transfer);
  assert(transfer.transferred.bytes < 24 * MIB);
  const reading = readAll(() => readSome(far));
  await transfer;
  near.close();
  assertSameBytes(await reading, pattern(24 * MIB));
  far.close();
}, pattern(24 * MIB));

test("ends at once when its signal aborts", async (path, copy) => {
  const [near, far] = await conns();
  const controller = new AbortController();
  const transfer = sendFile(near, path, { copy, signal: controller.signal });
  const rejected = assertRejects(() => transfer, TransferError);
  await stalled(transfer);
  controller.abort("enough");
  const error = await rejected;
  assertEquals([error.side, error.cause], ["signal", "enough"]);
  assertEquals(error.transferred.bytes, transfer.transferred.bytes);
  near.close();
  far.close();
}, pattern(24 * MIB));

test("names the reader when that has gone", async (path, copy) => {
  const [near, far] = await resettable();
  far.once("data", () => far.resetAndDestroy());
  const error = await assertRejects(() => sendFile(near, path, { copy }), TransferError);
  assertEquals(error.side, "to");
  assertStrictEquals(error.end, near);
  near.close();
}, pattern(24 * MIB));

if (Deno.build.os !== "windows") {
  test("sends nothing to another when a Unix connection is closed already", async (path, copy) => {
    const address = { transport: "unix", path: socketPath() } as const;
    const listener = Deno.listen(address);
    const clients = [await Deno.connect(address), await Deno.connect(address)];
    const [closed, other] = [await listener.accept(), await listener.accept()];
    closed.close();
    const error = await assertRejects(() => sendFile(closed, path, { copy }), TransferError);
    assertEquals([error.side, error.transferred.bytes], ["to", 0]);
    other.close();
    assertEquals((await readAll(() => readSome(clients[1]!))).length, 0);
    for (const one of [...clients, listener]) one.close();
  });
}

const REFUSALS: Record<string, Faults> = {
  "nothing can be sent": { sendfile: () => -1 },
  "there is no fstat": { fstat: null },
};

if (zeroCopy.supported) {
  for (const [refusal, faults] of Object.entries(REFUSALS)) {
    leakTest(`sendFile() copies when ${refusal}`, async () => {
      using _ = faultyLibc(faults);
      using one = file();
      const received = await sent(async (to) => {
        const { bytes, spliced } = await sendFile(to, one.path);
        assertEquals([bytes, spliced], [CONTENT.length, 0]);
      });
      assertSameBytes(received, CONTENT);
    });
  }
}
