/**
 * Runs `deno` with the given arguments, and with the offline import map if JSR does not answer.
 *
 * The tests and examples import a little of `@std` from JSR. Where JSR cannot be reached, the thin adapters beside this
 * file stand in for it, with the same names; nothing else changes. To run with the true packages there as well, get their
 * sources (`git clone https://github.com/denoland/std`) and say where they are: `STD=/path/to/std deno task test`.
 */
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import offline from "./import_map.json" with { type: "json" };

const TIMEOUT_MS = 5000;

async function jsrAnswers(): Promise<boolean> {
  try {
    const response = await fetch("https://jsr.io/@std/assert/meta.json", {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** The offline import map with the packages in `folder` in place of the adapters. */
function mapOf(folder: string): string {
  const imports: Record<string, string> = {};
  for (const [name, path] of Object.entries(offline.imports)) {
    if (name.startsWith("@std/")) continue;
    imports[name] = path.startsWith(".") ? new URL(path, import.meta.url).href : path;
  }
  for (const { name: folderName, isDirectory } of Deno.readDirSync(folder)) {
    if (!isDirectory) continue;
    const root = pathToFileURL(resolve(folder, folderName)).href;
    let config;
    try {
      config = JSON.parse(Deno.readTextFileSync(new URL(`${root}/deno.json`)));
    } catch {
      continue; // not a package
    }
    const exports = typeof config.exports === "string" ? { ".": config.exports } : config.exports;
    for (const [entry, path] of Object.entries<string>(exports ?? {})) {
      imports[config.name + entry.slice(1)] = root + path.slice(1);
    }
  }
  return `data:application/json,${encodeURIComponent(JSON.stringify({ imports }))}`;
}

const [subcommand = "test", ...args] = Deno.args;
const sources = Deno.env.get("STD");
let map;
if (sources !== undefined) {
  map = mapOf(sources);
  // The sources do not keep to isolatedDeclarations, which is for what we publish.
  args.unshift(`--config=${fileURLToPath(new URL("std.json", import.meta.url))}`);
  console.error(`@std comes from ${sources}`);
} else if (await jsrAnswers()) {
  console.error("@std comes from JSR");
} else {
  map = new URL("import_map.json", import.meta.url).href;
  console.error("JSR does not answer: @std comes from the adapters in tests/offline");
}
if (map !== undefined) args.unshift(`--import-map=${map}`);
// The tests start programs of their own, which import the same.
const env: Record<string, string> = map === undefined ? {} : { IMPORT_MAP: map };
const command = new Deno.Command(Deno.execPath(), { args: [subcommand, ...args], env });
const { code } = await command.spawn().status;
Deno.exit(code);
