/*
 * Files that import each other in a circle can only be understood together, and which of them is evaluated first is left to
 * chance. Imports of types count as well.
 */
import { assertEquals } from "@std/assert";

/** These have none; the others follow. */
const MODULES = ["compose", "pipeline", "reactor", "gio", "http"];

/** What each file of a module imports of the same module. */
function imports(module: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const root = new URL(`../${module}/`, import.meta.url);
  const visit = (folder: URL) => {
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      const url = new URL(isDirectory ? `${name}/` : name, folder);
      if (isDirectory) visit(url);
      else if (name.endsWith(".ts")) {
        const code = Deno.readTextFileSync(url).replaceAll(/^ *\*.*$/gm, "");
        const targets = code.matchAll(/^(?:import|export)\b[^;"]*?"(\.[^"]+)"/gm)
          .map(([, target]) => new URL(target!, url).href.replace(root.href, ""));
        found.set(url.href.replace(root.href, ""), [...targets]);
      }
    }
  };
  visit(root);
  return found;
}

/** The groups of files of which each can be reached from each other (Tarjan's strongly connected components). */
function circles(graph: Map<string, string[]>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const path: string[] = [];
  const visit = (file: string): number => {
    const own = order.size;
    order.set(file, own);
    path.push(file);
    let lowest = own;
    for (const target of graph.get(file) ?? []) {
      const seen = order.get(target);
      if (seen === undefined) lowest = Math.min(lowest, visit(target));
      else if (path.includes(target)) lowest = Math.min(lowest, seen);
    }
    if (lowest === own) {
      const group = path.splice(path.indexOf(file));
      if (group.length > 1) found.push(group.sort());
    }
    return lowest;
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return found;
}

Deno.test("circles() finds the files that import each other", () => {
  const graph = new Map([["a", ["b", "x"]], ["b", ["c"]], ["c", ["a", "d"]], ["d", ["e"]], ["e", [
    "d",
  ]]]);
  assertEquals(circles(graph), [["d", "e"], ["a", "b", "c"]]);
});

for (const module of MODULES) {
  Deno.test(`no files of ${module} import each other in a circle`, () => {
    const graph = imports(module);
    assertEquals(graph.get("mod.ts")!.length > 5, true);
    assertEquals(circles(graph), []);
  });
}
