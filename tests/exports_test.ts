import { assertEquals } from "@std/assert";
import { EXPORTS, names } from "./_exports.ts";

/** What `deno doc` shows of a module, types as well. */
async function documented(path: string): Promise<string[]> {
  const url = new URL(path, import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["doc", "--json", url] })
    .output();
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const files = Object.values(nodes) as { symbols?: { name: string }[] }[];
  return [...new Set(files.flatMap(({ symbols = [] }) => symbols.map(({ name }) => name)))].sort();
}

for (const [module, { values, types }] of Object.entries(EXPORTS)) {
  Deno.test(`${module} exports the names that are listed here, and no others`, async () => {
    assertEquals(Object.keys(await import(`../${module}/mod.ts`)).sort(), names(values));
    const all = [...names(values), ...names(types)].sort();
    assertEquals(await documented(`../${module}/mod.ts`), all);
  });
}

Deno.test("the package exports all names of its modules, and each means one thing", async () => {
  // What needs an npm package has an entry of its own, and is not in the package's.
  const { "http/files": _, ...modules } = EXPORTS;
  const all = Object.values(modules).flatMap(({ values, types }) => names(`${values} ${types}`));
  assertEquals(await documented("../mod.ts"), [...new Set(all)].sort());
});
