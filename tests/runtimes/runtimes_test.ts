/**
 * Where else it runs: the tests of compose, pipeline and the wire of HTTP in Node and Bun, those of compose and pipeline
 * in a browser. What is missing of these programs is skipped by name.
 */
import { assert, assertEquals } from "@std/assert";
import importMap from "../offline/import_map.json" with { type: "json" };
import { Browser } from "../_browser.ts";
import { hasCommand } from "../_peers.ts";
import { FILES, type Runtime, TESTS } from "./_left_out.ts";
import type { Report } from "./_stand_in.ts";

const root = new URL("../../", import.meta.url);

/** The folders that are copied: what runs, and its tests. */
const COPIED = ["compose", "pipeline", "reactor", "gio", "http", "tests"];

/** The tests of HTTP that are about bytes only. */
const WIRE = ["protocol", "h1_response", "headers", "parameters", "websocket_wire"]
  .map((name) => `tests/http/${name}_test.ts`);

/** What is fetched from npm: esbuild makes JavaScript of TypeScript, and tsx gives that to Node. */
const PACKAGES = { esbuild: "^0.28.0", tsx: "^4.0.0", "fast-check": "^4.0.0", assert: "^2.1.0" };

function copy(from: URL, to: URL): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copy(new URL(`${name}/`, from), new URL(`${name}/`, to));
    else if (name.endsWith(".ts")) Deno.copyFileSync(new URL(name, from), new URL(name, to));
  }
}

async function succeed(command: string, args: string[], folder: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd: folder,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout);
  assertEquals(code, 0, `${command} ${args.join(" ")}: ${text}${decoder.decode(stderr)}`);
  return text;
}

let project: Promise<string> | undefined;
let made: string | undefined;

/** A copy of the sources as a project of npm, which Node, Bun and esbuild read alike. */
async function makeProject(): Promise<string> {
  const folder = made = await Deno.makeTempDir();
  const base = new URL(`file://${folder}/`);
  for (const name of COPIED) copy(new URL(`${name}/`, root), new URL(`${name}/`, base));
  const write = (name: string, value: unknown) =>
    Deno.writeTextFileSync(new URL(name, base), JSON.stringify(value));
  write("package.json", { type: "module", dependencies: PACKAGES });
  const paths = Object.entries(importMap.imports).filter(([, path]) => !path.startsWith("npm:"))
    .map(([name, path]) => [name, [path.replace(/^(\.\.\/)+/, "./")]] as const)
    .map(([name, [path]]) => [name, [path === "./assert.ts" ? "./tests/offline/assert.ts" : path]]);
  write("tsconfig.json", {
    compilerOptions: { target: "es2022", module: "esnext", paths: Object.fromEntries(paths) },
  });
  await succeed(Deno.execPath(), ["install", "--quiet"], folder);
  return folder;
}

/** The paths of the tests of these folders. */
function testsOf(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    [...Deno.readDirSync(new URL(`${folder}/`, root))].map(({ name }) => `${folder}/${name}`)
  ).filter((path) => path.endsWith("_test.ts") && !(path in FILES)).sort();
}

/** Writes a program that runs these tests, whose `end` starts them. */
function writeProgram(folder: string, runtime: Runtime, files: string[], end: string): string {
  const leftOut = namesFor(runtime);
  const lines = ["tests/runtimes/_stand_in.ts", ...files].map((path) => `import "./${path}";`);
  const program = `${runtime.toLowerCase()}.ts`;
  Deno.writeTextFileSync(
    `${folder}/${program}`,
    `${lines.join("\n")}
import { run } from "./tests/runtimes/_stand_in.ts";
const start = (ms?: number) => run(${JSON.stringify(leftOut)}, ms);
${end}
`,
  );
  return program;
}

function namesFor(runtime: Runtime): string[] {
  return TESTS.filter(({ runtimes }) => runtimes.includes(runtime)).map(({ name }) => name);
}

function check(runtime: Runtime, { passed, failed, leftOut }: Report): void {
  console.log(`${runtime}: ${passed.length} passed, ${leftOut.length} left out by name`);
  assertEquals(failed.map(({ name, error }) => `${name}: ${error}`), []);
  assertEquals(leftOut.sort(), namesFor(runtime).sort());
  assert(passed.length > 100, `Only ${passed.length} tests ran in ${runtime}`);
}

const MARK = "Report: ";
const PRINT = `console.log(${JSON.stringify(MARK)} + JSON.stringify(await start()));`;

const PROGRAMS: [runtime: Runtime, command: string, args: string[]][] = [
  ["Node", "node", ["--import", "tsx"]],
  ["Bun", "bun", ["run"]],
];

const PURE = testsOf("tests/compose", "tests/pipeline");

for (const [runtime, command, args] of PROGRAMS) {
  Deno.test({
    name: `compose, pipeline and the wire of HTTP pass their tests in ${runtime}`,
    ignore: !hasCommand(command),
  }, async () => {
    const folder = await (project ??= makeProject());
    const program = writeProgram(folder, runtime, [...PURE, ...WIRE], PRINT);
    const said = await succeed(command, [...args, program], folder);
    const line = said.split("\n").find((line) => line.startsWith(MARK));
    check(runtime, JSON.parse(line!.slice(MARK.length)));
  });
}

/** Makes one file of a program. */
async function bundle(folder: string, program: string, ...options: string[]): Promise<string> {
  const bundled = program.replace(".ts", ".js");
  const args = [program, "--bundle", "--target=es2022", `--outfile=${bundled}`, ...options];
  await succeed(`${folder}/node_modules/.bin/esbuild`, args, folder);
  return bundled;
}

/** A program of somebody who uses Node: `using` needs to be lowered for versions below 24. */
const USER = `
import { call, type Coroutine, readLine } from "@weightless/io/compose";
import { ServerWire } from "@weightless/io/http/protocol";
import { fromIterable, lines, map, pipe } from "@weightless/io/pipeline";

function* shout(): Coroutine<string> {
  using _ = { [Symbol.dispose]: () => console.log("disposed") };
  return (yield* call(readLine())).toUpperCase();
}
function* all(): Coroutine {
  yield yield* call(shout());
}
console.log([...fromIterable(["a\\nb", "\\n"], pipe(lines(), map((line: string) => line + "!")))]);
console.log([...fromIterable(["quiet\\n"], all())]);
console.log(new ServerWire().nextEvent());
`;

Deno.test({
  name: "a program that uses compose, pipeline and the wire of HTTP runs as one file in Node",
  ignore: !hasCommand("node"),
}, async () => {
  const folder = await (project ??= makeProject());
  Deno.writeTextFileSync(`${folder}/user.ts`, USER);
  const bundled = await bundle(folder, "user.ts", "--platform=node", "--format=esm");
  const said = await succeed("node", [bundled], folder);
  assertEquals(said, `[ 'a!', 'b!' ]\ndisposed\n[ 'QUIET' ]\nundefined\n`);
});

Deno.test({
  name: "compose and pipeline, bundled, pass their tests in Chromium",
  ignore: !hasCommand("chromium") || !hasCommand("node"),
}, async () => {
  const folder = await (project ??= makeProject());
  const program = writeProgram(folder, "Chromium", PURE, "Object.assign(globalThis, { start });");
  const bundled = await bundle(
    folder,
    program,
    "--platform=browser",
    "--alias:node:assert/strict=assert",
    "--define:global=globalThis",
    "--define:process.env.NODE_DEBUG=undefined",
    "--log-override:empty-import-meta=silent",
  );
  Deno.writeTextFileSync(`${folder}/page.html`, `<script src="${bundled}"></script>`);
  await using browser = await Browser.start();
  await browser.open(`file://${folder}/page.html`);
  // It answers again and again, so that a slow machine is not taken for a hang.
  let report: unknown;
  while ((report = await browser.evaluate("start(1000)")) === undefined);
  check("Chromium", report as Report);
});

addEventListener("unload", () => {
  if (made !== undefined) Deno.removeSync(made, { recursive: true });
});
