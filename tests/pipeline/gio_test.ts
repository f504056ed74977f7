/* Pipes on a connection: stages wait, read and write as any coroutine that gio runs. */
import { assertEquals, assertRejects } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { asProcess, memory, sleep, wait } from "../../gio/mod.ts";
import { lines, map, pipe, take, tee } from "../../pipeline/mod.ts";

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
