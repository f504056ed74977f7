import { assertEquals } from "@std/assert";
import deno from "../deno.json" with { type: "json" };
import { documented } from "./_doc.ts";
import { EXPORTS } from "./_exports.ts";

/** What `deno doc` shows of a module, types as well. */
async function shown(path: string): Promise<string[]> {
  const { symbols } = await documented(path);
  return [...new Set(symbols.map(({ name }) => name))].sort();
}

const paths: Record<string, string> = deno.exports;

Deno.test("every entry of the package is listed here", () => {
  const entries = Object.keys(EXPORTS).map((entry) => `./${entry}`);
  assertEquals([".", ...entries].sort(), Object.keys(paths).sort());
});

for (const [entry, { values, types }] of Object.entries(EXPORTS)) {
  const path = paths[`./${entry}`]!.slice("./".length);

  Deno.test(`${entry} exports the names that are listed here, and no others`, async () => {
    const all = [...Object.keys(values), ...Object.keys(types)];
    assertEquals(Object.keys(await import(`../${path}`)).sort(), Object.keys(values));
    assertEquals(await shown(path), all.sort());
  });

  Deno.test(`${entry} exports nothing without a reason`, () => {
    const reasons = Object.entries({ ...values, ...types });
    assertEquals(reasons.filter(([, why]) => !/^(of \w+: )?to \w+ .*[^.]$/.test(why)), []);
  });
}

Deno.test("the package exports all names of its modules, and each means one thing", async () => {
  // What needs an npm package, or is for other runtimes or no module for programs, has an entry of its own only.
  const {
    "http/files": _,
    "http/protocol": __,
    "http/websocket": ___,
    lint: ____,
    ...modules
  } = EXPORTS;
  const all = Object.values(modules).flatMap(({ values, types }) => [
    ...Object.keys(values),
    ...Object.keys(types),
  ]);
  assertEquals(await shown("mod.ts"), [...new Set(all)].sort());
});
