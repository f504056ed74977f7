/** docs/llms.txt is short, its programs run, and what it says to write instead of a slip is part of them. */
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bare, programsOf } from "./_programs.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const text = await Deno.readTextFile(`${root}docs/llms.txt`);
const programs = programsOf(text);

Deno.test("docs/llms.txt has less than 200 lines", () => {
  assert(text.split("\n").length < 200, `${text.split("\n").length} lines`);
});

Deno.test("what docs/llms.txt says to write is in one of its programs", () => {
  const [, slips] = text.split("\n## Slips\n");
  const rows = slips!.split("\n").filter((line) => /^\|.*`/.test(line));
  const right = rows.map((row) => row.split("|").at(2)!.trim().slice(1, -1));
  assert(rows.length >= 20, `${rows.length} slips`);
  assertEquals(right.filter((code) => !programs.some((one) => one.includes(bare(code)))), []);
});

Deno.test("the programs of docs/llms.txt run", async () => {
  const folder = await Deno.makeTempDir();
  const importMap = `${root}tests/offline/import_map.json`;
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ importMap }));
  await Deno.writeTextFile(`${folder}/llms.md`, text); // deno test looks only into what is Markdown by its name
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--doc", "llms.md"],
    cwd: folder,
    env: { NO_COLOR: "1" },
  }).output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  assertStringIncludes(said, `| ${programs.length} passed | 0 failed`, said);
  await Deno.remove(folder, { recursive: true });
});
