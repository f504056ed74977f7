/*
 * compose, pipeline and the wire of HTTP run wherever JavaScript does: what they load uses nothing of Deno, and nothing
 * of the modules that do.
 */
import { assert, assertEquals } from "@std/assert";

const root = new URL("../", import.meta.url);

/** What may be loaded by each entry, and the built-in modules of Node that it may need. */
const PURE: Record<string, { files: RegExp; builtins: string[] }> = {
  "compose/mod.ts": { files: /^compose\//, builtins: [] },
  "pipeline/mod.ts": { files: /^(compose|pipeline)\//, builtins: [] },
  "http/protocol/mod.ts": {
    // These of the reactor say what is wrong with a value.
    files: /^(compose|http)\/|^reactor\/_(describe|known|whole)\.ts$/,
    builtins: ["node:util"],
  },
};

interface Module {
  specifier: string;
  dependencies?: { code?: { specifier: string } }[];
}

/** The files and other modules that are there at run time when this one is imported. Types are not. */
async function loaded(entry: string): Promise<{ files: string[]; others: string[] }> {
  const start = new URL(entry, root).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", start] })
    .output();
  const { modules }: { modules: Module[] } = JSON.parse(new TextDecoder().decode(stdout));
  const imports = new Map(modules.map(({ specifier, dependencies = [] }) => [
    specifier,
    dependencies.flatMap(({ code }) => code === undefined ? [] : [code.specifier]),
  ]));
  const all = new Set([start]);
  // A set goes on with what is added meanwhile.
  for (const specifier of all) for (const target of imports.get(specifier) ?? []) all.add(target);
  const isFile = (specifier: string) => specifier.startsWith(root.href);
  return {
    files: [...all].filter(isFile).map((specifier) => specifier.slice(root.href.length)),
    others: [...all].filter((specifier) => !isFile(specifier)),
  };
}

/** The lines of a file that use Deno, or a global of Node by its name, comments and types aside. */
function impureLines(file: string): string[] {
  const text = Deno.readTextFileSync(new URL(file, root));
  const withoutComments = text.replaceAll(/^\s*(\/?\*|\/\/).*$/gm, "");
  return withoutComments.split("\n").filter((line) =>
    /(?<![.\w"])(Deno|Buffer|process)\./.test(line.replaceAll(/\bDeno\.\w*Addr\b/g, "")) ||
    /\bimport\.meta\.(?!url\b)|\bimport\(/.test(line)
  );
}

for (const [entry, { files, builtins }] of Object.entries(PURE)) {
  Deno.test(`${entry} loads nothing of Deno, and only what is pure`, async () => {
    const found = await loaded(entry);
    assert(found.files.length > 20, `${entry} loads only ${found.files}`);
    assertEquals(found.files.filter((file) => !files.test(file)), []);
    assertEquals(found.others, builtins);
    assertEquals(found.files.flatMap(impureLines), []);
  });
}

Deno.test("what is not pure is found", async () => {
  const { files, others } = await loaded("gio/mod.ts");
  assert(files.includes("reactor/acceptor.ts"));
  assert(others.includes("node:timers"));
  assert(impureLines("reactor/_about_address.ts").length > 0);
  assertEquals(impureLines("reactor/_describe.ts"), []);
});
