import { assertEquals } from "@std/assert";
import { documented } from "./_doc.ts";
import { EXPORTS, names } from "./_exports.ts";

/** What `deno doc` shows of a module, types as well. */
async function shown(path: string): Promise<string[]> {
  const { symbols } = await documented(path);
  return [...new Set(symbols.map(({ name }) => name))].sort();
}

for (const [module, { values, types }] of Object.entries(EXPORTS)) {
  Deno.test(`${module} exports the names that are listed here, and no others`, async () => {
    assertEquals(Object.keys(await import(`../${module}/mod.ts`)).sort(), names(values));
    const all = [...names(values), ...names(types)].sort();
    assertEquals(await shown(`${module}/mod.ts`), all);
  });
}

Deno.test("the package exports all names of its modules, and each means one thing", async () => {
  // What needs an npm package has an entry of its own, and is not in the package's.
  const { "http/files": _, ...modules } = EXPORTS;
  const all = Object.values(modules).flatMap(({ values, types }) => names(`${values} ${types}`));
  assertEquals(await shown("mod.ts"), [...new Set(all)].sort());
});
