/** The links of what people read: README.md, CHANGELOG.md, the guides and the docstrings. */
import { assertEquals } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import { links, pages, slug } from "../../docs/.vitepress/links.ts";

const all = pages();

/** The anchors of the headings of a text. */
function anchors(text: string): Set<string> {
  const found = new Set<string>();
  const prose = text.replaceAll(/^ *(```+)[^]*?^ *\1$/gm, "");
  for (const [, heading] of prose.matchAll(/^#+ (.*)$/gm)) {
    const base = slug(heading!.replaceAll(/\[(.*?)\]\(.*?\)/g, "$1"));
    let anchor = base;
    for (let n = 1; found.has(anchor); n++) anchor = `${base}-${n}`;
    found.add(anchor);
  }
  return found;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Whether JSR has the file: it shows README.md and the guides, and only published files are there. */
function isPublished(path: string): boolean {
  const isOf = (pattern: string) =>
    path === pattern || path.startsWith(`${pattern}/`) ||
    pattern.includes("*") && new RegExp(`^${pattern.replace("*", "[^/]+")}$`).test(path);
  return project.publish.include.some(isOf) && !project.publish.exclude.some(isOf);
}

function faults(path: string, text: string): string[] {
  return links(path, text).flatMap(({ target, anchor }) => {
    const url = `${path} -> ${target}#${anchor}`;
    if (!isFile(target)) return [`${url}: no such file`];
    if (!isPublished(target)) return [`${url}: not published, see deno.json`];
    if (anchor === "") return [];
    const headings = anchors(all.get(target) ?? "");
    return headings.has(anchor) ? [] : [`${url}: none of ${[...headings].join(" ")}`];
  });
}

Deno.test("links in Markdown lead to published files and to headings that are there", () => {
  assertEquals([...all].flatMap(([path, text]) => faults(path, text)), []);
});

Deno.test("links() finds what is dead, and no links in code", () => {
  const text =
    "[a](gone.md) [b](README.md#gone) [c](tests/_leaks.ts)\n```ts\nx[0](y)\n```\n`[d](e)`";
  assertEquals(faults("README.md", text).map((fault) => fault.split(": ")[1]!.split(" ")[0]), [
    "no",
    "none",
    "not",
  ]);
});

Deno.test("docstrings have no links that depend on where they are shown", async () => {
  const relative: string[] = [];
  for (const [path, text] of await sources()) {
    for (const [comment] of text.matchAll(/\/\*\*[^]*?\*\//g)) {
      relative.push(...links(path, comment.replaceAll(/^ *\*/gm, "")).map(({ target }) => target));
    }
  }
  assertEquals(relative, []);
});

Deno.test("JSR shows the pictures: their last characters are </svg>", async () => {
  for (const [path, text] of all) {
    for (const { target } of links(path, text).filter(({ target }) => target.endsWith(".svg"))) {
      assertEquals((await Deno.readTextFile(target)).slice(-6), "</svg>", target);
    }
  }
});

/** The published sources, by path. */
async function sources(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const visit = async (path: string) => {
    if ((await Deno.stat(path)).isDirectory) {
      for await (const { name } of Deno.readDir(path)) await visit(`${path}/${name}`);
    } else if (path.endsWith(".ts")) found.set(path, await Deno.readTextFile(path));
  };
  for (const path of ["mod.ts", "compose", "pipeline", "reactor", "gio", "http"]) await visit(path);
  return found;
}
