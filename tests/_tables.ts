/** The tables of docs/, whose rows name tests. */

/** The rows of a document whose first cell is like `first`: the text of each cell. */
export async function rowsOf(document: string, first: RegExp): Promise<string[][]> {
  const text = await Deno.readTextFile(new URL(`../docs/${document}`, import.meta.url));
  return text.split("\n").filter((line) => line.startsWith("| ")).map((line) =>
    line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim().replaceAll("\\|", "|"))
  ).filter(([cell]) => first.test(cell!));
}

/** Tests of sockets have the back end in their names, which is not written in their files. */
const isSelector = (part: string) => part === "deno" || part === "epoll";

const NAMES = /[tT]est\(\s*(?:\{\s*name: )?("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)/g;

/**
 * Reads the tests of these folders. Gives a function that tells whether one has a name. Where a name is put together,
 * the parts must stand in the same file.
 */
export async function namedTests(...folders: string[]): Promise<(name: string) => boolean> {
  const written = new Set<string>();
  const composed: { like: RegExp; source: string }[] = [];
  for (const folder of folders) {
    const at = new URL(`${folder}/`, import.meta.url);
    for (const { name } of Deno.readDirSync(at)) {
      if (!name.endsWith("_test.ts")) continue;
      const source = await Deno.readTextFile(new URL(name, at));
      for (const [, literal] of source.matchAll(NAMES)) {
        const text = literal!.slice(1, -1).replaceAll(/\\(.)/g, "$1");
        const parts = text.split(/\$\{[^}]*\}/);
        if (parts.length === 1 || literal![0] === '"') written.add(text);
        else if (parts.join("").length > 8) {
          const escaped = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
          composed.push({ like: new RegExp(`^${escaped.join("(.*)")}$`), source });
        }
      }
    }
  }
  return (name) =>
    written.has(name) || composed.some(({ like, source }) => {
      const [, ...parts] = like.exec(name) ?? [];
      return parts.length > 0 && parts.every((part) => isSelector(part) || source.includes(part));
    });
}
