/* Pipes on a connection: stages wait, read and write as any coroutine that gio runs. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { asProcess, memory, sleep, wait } from "../../gio/mod.ts";
import { fromIterable, lines, map, pipe, take, tee } from "../../pipeline/mod.ts";
import { sendFile, Suspend } from "../../reactor/mod.ts";

const text = (chunks: string) =>
  memory(...chunks.split("|").map((s) => new TextEncoder().encode(s)));

Deno.test("pipe() is run by gio on a connection, and its stages may wait", async () => {
  function* shout(): Coroutine<void> {
    for (;;) {
      const line: string = yield;
      const loud = yield* wait(Promise.resolve(line.toUpperCase()));
      yield* sleep(0);
      yield `${loud}!\n`;
    }
  }
  const connection = text("he|llo\nwor|ld\nno end");
  await asProcess(pipe(lines(), shout()), { connection });
  assertEquals(connection.text, "HELLO!\nWORLD!\nNO END!\n");
});

Deno.test("pipe() is called by a coroutine of gio, which goes on with the rest of the connection", async () => {
  function* protocol(): Coroutine<string> {
    yield* call(pipe(lines(), take(2), map((line: string) => `<${line}>`)));
    yield "done";
    return yield;
  }
  const connection = text("a\nb\n|rest");
  assertEquals(
    new TextDecoder().decode(await asProcess(protocol(), { connection }) as never),
    "rest",
  );
  assertEquals(connection.text, "<a><b>done");
});

Deno.test("pipe() passes what its stages yield of the reactor to gio, at each place", async () => {
  function* waiting(): Coroutine<void> {
    for (;;) {
      const chunk: Uint8Array = yield;
      const n = yield* new Suspend<number>((suspend) => suspend.resume(chunk.length));
      yield new Uint8Array(n + 1);
    }
  }
  function* described(): Coroutine<void> {
    for (;;) yield `${(yield).length};`;
  }
  const connection = text("ab|c");
  await asProcess(pipe(waiting(), waiting(), described()), { connection });
  assertEquals(connection.text, "4;3;");
  assertThrows(
    () => [...fromIterable(["x"], waiting())],
    TypeError,
    "Cannot perform Suspend in a stream: run the stage with gio() instead",
  );
});

Deno.test("pipe() of gio can transfer in any of its stages", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  function* sending(to: Deno.Conn, source: Deno.FsFile): Coroutine<void> {
    yield;
    const { bytes } = yield* sendFile(to, source);
    yield new Uint8Array(bytes);
  }
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "contents");
  try {
    using to = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    using from = await listener.accept();
    using source = await Deno.open(file);
    const sizes = map((chunk: Uint8Array) => `${chunk.length} bytes`);
    const connection = text("go");
    await asProcess(pipe(sending(to, source), sizes), { connection });
    assertEquals(connection.text, "8 bytes");
    const buffer = new Uint8Array(16);
    assertEquals(await from.read(buffer), 8);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("pipe() closes its stages when gio ends it, also those that wait while they are closed", async () => {
  const log: string[] = [];
  function* careful(name: string): Coroutine {
    try {
      for (;;) yield yield;
    } finally {
      yield* sleep(1);
      log.push(name);
    }
  }
  const failing = map(() => {
    throw new RangeError("bad");
  });
  await assertRejects(
    () => asProcess(pipe(careful("a"), careful("b"), failing), { connection: text("x") }),
    RangeError,
    "bad",
  );
  assertEquals(log, ["b", "a"]);
});

Deno.test("tee() is run by gio on a connection", async () => {
  const connection = text("a|b");
  const both = tee(
    map((chunk: Uint8Array) => chunk),
    map((chunk: Uint8Array) => `${chunk.length};`),
  );
  await asProcess(both, { connection });
  assertEquals(connection.text, "a1;b1;");
});
