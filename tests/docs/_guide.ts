/**
 * Follows a guide as a reader does, by copy and paste.
 *
 * 1. `ts` blocks are modules by themselves, which `deno test --doc` runs.
 * 2. `ts ignore [server.ts]` is a file that the reader saves. A later block of the same name replaces it.
 * 3. `sh` are commands. What they print to stdout is the next block, if that is `text`; `…` in it stands for anything.
 * 4. `sh server` is a command that goes on until the guide ends. It prints the next block, `text`, when it is ready.
 * 5. `sh ignore` changes the reader's machine, and is not run.
 *
 * Each guide has an empty folder. Its ports, written as `127.0.0.1:8000`, `127.0.0.1 8000` or `port: 8000`, are replaced
 * by free ones.
 */
import { fileURLToPath } from "node:url";
import { assert, assertMatch } from "@std/assert";
import { PATIENCE_MS } from "../_leaks.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

interface Block {
  readonly language: string;
  readonly attributes: string[];
  readonly text: string;
  /** The line of the guide where it begins, from 1. */
  readonly line: number;
}

/** The code blocks of a Markdown text, in order. */
function blocksOf(markdown: string): Block[] {
  const found: Block[] = [];
  for (const match of markdown.matchAll(/^([ ]*)```(\S+)([^\n]*)\n([\s\S]*?)^\1```$/gm)) {
    const [, indent, language, attributes, text] = match;
    found.push({
      language: language!,
      attributes: attributes!.trim().split(/\s+/).filter(Boolean),
      text: text!.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      line: markdown.slice(0, match.index).split("\n").length,
    });
  }
  return found;
}

/** What must hold of the text that a block shows: `…` is anything in a line, and alone any lines. */
function pattern(text: string): string {
  const lines = text.trimEnd().split("\n").map((line) =>
    line.trim() === "…"
      ? "(?:.*\n)*?.*"
      : line.trimEnd().split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
        .join(".*")
  );
  return lines.join("\n");
}

/** Replaces each port of a guide by one that is free now. */
function withFreePorts(markdown: string): string {
  const ports = new Set(
    [...markdown.matchAll(/(?:127\.0\.0\.1[: ]|\bport: )(\d{4,5})\b/g)].map(([, port]) => port!),
  );
  let text = markdown;
  const taken: Deno.Listener[] = [];
  for (const port of ports) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    taken.push(listener);
    text = text.replaceAll(new RegExp(`\\b${port}\\b`, "g"), String(listener.addr.port));
  }
  for (const listener of taken) listener.close();
  return text;
}

class Guide implements AsyncDisposable {
  readonly #name: string;
  readonly #folder: string;
  readonly #servers: Deno.ChildProcess[] = [];
  /** The files that were saved since the last check of their types. */
  readonly #unchecked = new Set<string>();

  constructor(name: string, folder: string) {
    this.#name = name;
    this.#folder = folder;
  }

  #command(text: string): Deno.Command {
    return new Deno.Command("bash", {
      args: ["-ec", text],
      cwd: this.#folder,
      env: {
        PATH: `${Deno.execPath().replace(/\/[^/]*$/, "")}:${Deno.env.get("PATH")}`,
        NO_COLOR: "1",
        DENO_NO_PROMPT: "1",
        DENO_NO_UPDATE_CHECK: "1",
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }

  /** Checks the types of the files that were saved. */
  async check(): Promise<void> {
    if (this.#unchecked.size === 0) return;
    const files = [...this.#unchecked].join(" ");
    const { code, stderr } = await this.#command(`deno check ${files}`).output();
    assert(code === 0, `${this.#name}: the types of ${files}: ${new TextDecoder().decode(stderr)}`);
    this.#unchecked.clear();
  }

  async save(name: string, text: string): Promise<void> {
    if (this.#unchecked.has(name)) await this.check();
    await Deno.writeTextFile(`${this.#folder}/${name}`, text);
    if (name.endsWith(".ts")) this.#unchecked.add(name);
  }

  async run({ text, line }: Block, printed: Block | undefined): Promise<void> {
    const { code, stdout, stderr } = await this.#command(text).output();
    const said = new TextDecoder().decode(stdout);
    const where = `${this.#name}:${line}`;
    assert(code === 0, `${where} ended with ${code}: ${said}${new TextDecoder().decode(stderr)}`);
    if (printed) {
      assertMatch(said.trimEnd(), new RegExp(`^${pattern(printed.text)}$`), `${where}: ${said}`);
    }
  }

  async serve({ text, line }: Block, ready: Block): Promise<void> {
    const process = this.#command(`exec ${text}`).spawn();
    this.#servers.push(process);
    const errors = new Response(process.stderr).text();
    const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const isReady = new RegExp(`^${pattern(ready.text)}$`, "m");
    let said = "";
    while (!isReady.test(said)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`${this.#name}:${line} ended after ${said}${await errors}`);
      said += value;
    }
    (async () => {
      while (!(await reader.read()).done);
    })();
  }

  /** Ends the servers as a reader does, by Ctrl-C, and deletes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.reverse()) {
      server.kill("SIGINT");
      const timer = setTimeout(() => server.kill("SIGKILL"), PATIENCE_MS);
      await server.status;
      clearTimeout(timer);
    }
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Follows a guide from its first block to its last; `name` is where it is in the project. */
export async function follow(name: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  let map = Deno.env.get("IMPORT_MAP") ?? `${root}tests/offline/import_map.json`;
  if (map.startsWith("data:")) { // A deno.json must name a file.
    await Deno.writeTextFile(`${folder}/import_map.json`, await (await fetch(map)).text());
    map = "./import_map.json";
  }
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ importMap: map }));
  await using guide = new Guide(name, folder);
  const blocks = blocksOf(withFreePorts(await Deno.readTextFile(root + name)));
  for (const [i, block] of blocks.entries()) {
    const { language, attributes, text } = block;
    const isIgnored = attributes.includes("ignore");
    const file = attributes.find((one) => /^\[.*\]$/.test(one))?.slice(1, -1);
    const next = blocks[i + 1]?.language === "text" ? blocks[i + 1] : undefined;
    if (language === "sh" && attributes.includes("server")) {
      assert(next, `${name}:${block.line}: a server must be followed by what it prints`);
      await guide.serve(block, next);
    } else if (language === "sh") {
      if (!isIgnored) await guide.run(block, next);
    } else if (file !== undefined) await guide.save(file, text);
    else assert(!isIgnored, `${name}:${block.line}: a block that is not run needs a file name`);
  }
  await guide.check();
}

/** The guides that have something to follow, as they are named in the project. */
export function guides(): string[] {
  return [...Deno.readDirSync(`${root}docs`)].map(({ name }) => `docs/${name}`)
    .filter((name) => name.endsWith(".md"))
    .filter((name) => /^ *```(sh|\S+ .*(ignore|\[))/m.test(Deno.readTextFileSync(root + name)))
    .sort();
}
