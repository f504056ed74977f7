/** What the tables of docs/from_async.md say is to be written here is part of a program that is run. */
import { assert, assertEquals } from "@std/assert";
import { bare, programsOf } from "./_programs.ts";

const guide = await Deno.readTextFile(new URL("../../docs/from_async.md", import.meta.url));

Deno.test("what docs/from_async.md says to write is in one of its programs", () => {
  const programs = programsOf(guide);
  const rows = guide.split("\n").filter((line) => /^\|.*`/.test(line));
  const missing = rows.flatMap((row) => {
    const here = row.split("|").at(-2)!;
    const codes = [...here.matchAll(/(?<!\[)`([^`]+)`/g)].map(([, code]) => code!);
    return codes.filter((code) => !programs.some((program) => program.includes(bare(code))));
  });
  assert(rows.length >= 40, `${rows.length} needs`);
  assertEquals(missing, []);
});
