import { assertEquals } from "@std/assert";
import { found } from "./_found.ts";

const ROOT = new URL("../../", import.meta.url);

/** The code of a text: its blocks of TypeScript, in Markdown or in comments. */
function blocks(text: string): string[] {
  return [...text.matchAll(/^( \* )?```ts\b.*\n([^]*?)^( \* )?```$/gm)]
    .map(([, isComment, code]) => isComment ? code!.replaceAll(/^ \* ?/gm, "") : code!);
}

function* files(folder: URL, ending: string): Generator<URL> {
  for (const { name, isFile, isDirectory } of Deno.readDirSync(folder)) {
    if (isFile && name.endsWith(ending)) yield new URL(name, folder);
    else if (isDirectory) yield* files(new URL(`${name}/`, folder), ending);
  }
}

Deno.test("the lint plugin finds nothing in the code of the guides and docstrings", async () => {
  const folders = ["compose", "pipeline", "reactor", "gio", "http", "lint"];
  const sources = [
    new URL("README.md", ROOT),
    ...files(new URL("docs/", ROOT), ".md"),
    ...folders.flatMap((folder) => [...files(new URL(`${folder}/`, ROOT), ".ts")]),
  ];
  let count = 0;
  for (const url of sources) {
    for (const block of blocks(await Deno.readTextFile(url))) {
      count++;
      const slips = found(block).map(({ text, message }) => `${text}: ${message}`);
      assertEquals(slips, [], url.pathname);
    }
  }
  assertEquals(count > 100, true);
});
