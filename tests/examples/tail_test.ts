/** tail.ts on logs that grow, are truncated and rotated. */
import { assertEquals, assertMatch } from "@std/assert";
import { fromIterable, lines, pipe } from "@weightless/io/pipeline";
import { cut } from "../../examples/tail.ts";
import { ExampleServer, runExample } from "./_server.ts";

// Its files are read in the same way on both back ends: by Deno.
const RIGHTS = ["--allow-read"];

async function inFolder(fn: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await fn(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const append = (path: string, text: string) => Deno.writeTextFileSync(path, text, { append: true });

for (const rights of [RIGHTS, [...RIGHTS, "--allow-ffi"]]) {
  const how = rights.includes("--allow-ffi") ? "epoll" : "deno";

  Deno.test(`tail.ts follows a log through truncation and rotation (${how})`, async () => {
    await inFolder(async (dir) => {
      const log = `${dir}/app.log`;
      append(log, "one\ntwo\nthr");
      await using tail = await ExampleServer.start("tail.ts", [log], rights);
      assertEquals([tail.listening, await tail.line()], ["one", "two"]);
      append(log, "ee\nfour\n");
      assertEquals([await tail.line(), await tail.line()], ["three", "four"]);

      Deno.writeTextFileSync(log, "new\n"); // truncated, as copytruncate does
      assertEquals(await tail.line(), "new");

      Deno.renameSync(log, `${log}.1`); // as logrotate does
      append(`${log}.1`, "last of the old\nnot ended");
      append(log, "first of the next\n");
      assertEquals(await tail.line(), "last of the old");
      assertEquals(await tail.line(), "not ended");
      assertEquals(await tail.line(), "first of the next");
      append(log, "more\n");
      assertEquals(await tail.line(), "more");

      Deno.removeSync(log);
      append(log, "again\n");
      assertEquals(await tail.line(), "again");
      assertEquals(await tail.stop("SIGINT"), { code: 0, errors: "" });
    });
  });

  Deno.test(`tail.ts follows several files, also one that comes later, and prints what matches (${how})`, async () => {
    await inFolder(async (dir) => {
      const [a, b] = [`${dir}/a`, `${dir}/b`];
      append(a, "error 1\nfine\nwarning 2\n");
      const args = ["--match", "error|warning", a, b];
      await using tail = await ExampleServer.start("tail.ts", args, rights);
      assertEquals([tail.listening, await tail.line()], [`${a}: error 1`, `${a}: warning 2`]);
      append(b, "fine\nerror 3\n");
      assertEquals(await tail.line(), `${b}: error 3`);
      assertEquals(await tail.stop(), { code: 0, errors: "" });
    });
  });

  Deno.test(`tail.ts tells how fast it has caught up with a big file (${how})`, async () => {
    await inFolder(async (dir) => {
      const log = `${dir}/big`;
      append(log, `${"x".repeat(99)}\n`.repeat(50_000) + "the last\n");
      const args = ["--once", "--match", "last", log];
      const { code, stdout, stderr } = await runExample("tail.ts", args, rights);
      assertEquals([code, stdout], [0, "the last\n"]);
      assertMatch(stderr, /^\S+big: 4\.8 MiB, \d+\.\d MiB\/s\n$/);
    });
  });
}

Deno.test("tail.ts answers bad options by one line and exit code 1", async () => {
  for (const args of [[], ["--match", "(", "x"], ["--from", "x", "x"], ["--once", "/none"]]) {
    const { code, stderr } = await runExample("tail.ts", args, RIGHTS);
    assertEquals([code, stderr.split("\n").length], [1, 2], stderr);
  }
});

Deno.test("cut() ends lines that are too long, and leaves others alone", () => {
  const encoder = new TextEncoder();
  const split = (
    ...chunks: string[]
  ) => [
    ...fromIterable<string>(chunks.map((chunk) => encoder.encode(chunk)), pipe(cut(5), lines())),
  ];
  assertEquals(split("abc", "de\nf", "ghi", "\n"), ["abcde", "fghi"]);
  assertEquals(split("abc", "def", "ghi", "j\n"), ["abc", "def", "ghij"]);
});
