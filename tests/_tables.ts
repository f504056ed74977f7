/** The tables of docs/, whose rows name tests. */

/** The rows of a document whose first cell is like `first`: the text of each cell. */
export async function rowsOf(document: string, first: RegExp): Promise<string[][]> {
  const text = await Deno.readTextFile(new URL(`../docs/${document}`, import.meta.url));
  return text.split("\n").filter((line) => line.startsWith("| ")).map((line) =>
    line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim().replaceAll("\\|", "|"))
  ).filter(([cell]) => first.test(cell!));
}

/** The names of all tests, as far as they are written out; `*` stands for what a name is put together of. */
export async function testNames(folder: string): Promise<Set<string>> {
  const names = new Set<string>();
  const at = new URL(`${folder}/`, import.meta.url);
  for (const { name } of Deno.readDirSync(at)) {
    if (!name.endsWith("_test.ts")) continue;
    const source = await Deno.readTextFile(new URL(name, at));
    const calls =
      /(?:[tT]est|both|each)\(\s*(?:\{\s*name: )?("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)/g;
    for (const [, literal] of source.matchAll(calls)) {
      names.add(
        literal!.slice(1, -1).replaceAll(/\\(.)/g, "$1").replaceAll(/\$\{[^}]*\}/g, "*"),
      );
    }
  }
  return names;
}
