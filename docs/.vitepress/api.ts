/** The API pages, by `deno doc --html`. */
import { dirname } from "node:path";
import project from "../../deno.json" with { type: "json" };

/** What `deno doc` knows of a symbol or of a member, as far as it is needed here. */
interface Found {
  name: string;
  file: string;
  url: string;
  category?: string;
}

/** The files of a directory and of those below it. */
function* filesIn(directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) yield* filesIn(`${directory}/${name}`);
    else yield `${directory}/${name}`;
  }
}

/**
 * Copies the published modules without what is exported twice: mod.ts exports all modules, and modules export a little
 * of others. So each symbol has one page, in the module that it belongs to.
 */
async function copyWithoutReExports(entries: readonly string[], to: string): Promise<void> {
  const folders = new Set(entries.map((path) => path.split("/")[1]!));
  folders.delete("mod.ts");
  for (const path of ["mod.ts", ...[...folders].flatMap((name) => [...filesIn(name)])]) {
    if (!path.endsWith(".ts")) continue;
    const text = await Deno.readTextFile(path);
    await Deno.mkdir(dirname(`${to}/${path}`), { recursive: true });
    const own = path === "mod.ts"
      ? text.replaceAll(/^export .*$/gm, "")
      : path.endsWith("/mod.ts")
      ? text.replaceAll(/^export (type )?(\{[^}]*\}|\*) from "\.\.\/[^"]*";$/gm, "")
      : text;
    await Deno.writeTextFile(`${to}/${path}`, own);
  }
  await Deno.copyFile("deno.json", `${to}/deno.json`);
}

function link(url: string, text: string): string {
  return `<a href="${url}" class="link">${text}</a>`;
}

/** The pages are for wide screens: this lets telephones show them. */
const css = `
#searchbar { min-width: 0; flex-shrink: 1; }
#content, #topnav > div { gap: 1rem; }
#content > * { min-width: 0; }
.ddoc > div { min-width: 0; overflow-wrap: anywhere; }
.ddoc div, .ddoc code { min-width: 0; }
.ddoc :not(pre) > code, .ddoc :not(pre) > code * { overflow-wrap: anywhere !important; white-space: normal !important; }
.ddoc .namespaceItemContentTypeInfo { font-size: 14px !important; }
@media (width < 1024px) { #content { flex-direction: column; } .toc { display: none; } }
@media (width < 640px) { .ddoc > div { padding: .25rem .5rem; } .breadcrumbs { flex-wrap: wrap; } }
`;

/** A page with the way back to the guides and to all modules, with true specifiers, and with its symbols in groups. */
function mend(page: string, root: string, modules: readonly string[], symbols: Found[]): string {
  const list = modules.map((name) => `<li>${link(`${root}${name}/index.html`, name)}</li>`);
  const groups = Map.groupBy(symbols, ({ category }) => category!);
  const rows = [...groups].map(([name, found]) => {
    const links = found.map(({ name, url }) => link(`${root}${url}`, name));
    return `<li><b>${name}</b>: ${links.join(", ")}</li>`;
  });
  return page
    .replace("</head>", `<link rel="icon" href="data:,"><style>${css}</style></head>`)
    .replace(
      '<button id="theme-toggle"',
      `${link(`${root}../index.html`, "Guides")}<button id="theme-toggle"`,
    )
    // The source is a file of the machine that makes the pages.
    .replaceAll(/<a\s+class="sourceButton"[^]*?<\/a>/g, "")
    // `deno doc` links to keys of mapped types and to inferred types, which it describes nowhere.
    .replaceAll(
      / href="#(type_param_\w+)"/g,
      (all, id) => page.includes(`id="${id}"`) ? all : "",
    )
    .replaceAll(
      /(from &quot;)([\w/]+)(&quot;)/g,
      (all, before, name, after) =>
        modules.includes(name) ? `${before}${project.name}/${name}${after}` : all,
    )
    .replaceAll(
      new RegExp(`<code>${project.name}/([\\w/]+)</code>`, "g"),
      (all, name) => modules.includes(name) ? link(`${root}${name}/index.html`, all) : all,
    )
    .replace(
      /<nav class="topSymbols">[^]*?<\/nav>/,
      `<nav class="topSymbols"><h3>Modules</h3><ul>${list.join("")}</ul></nav>`,
    )
    .replace(
      '<section class="section"',
      (all) =>
        rows.length > 0 ? `<ul class="markdown" id="groups">${rows.join("")}</ul>${all}` : all,
    );
}

/** Writes the API pages into a directory. */
export async function writeApi(output: string): Promise<void> {
  const entries = Object.values(project.exports);
  const modules = Object.keys(project.exports).map((name) => name.slice(2)).filter(Boolean);
  const copy = await Deno.makeTempDir();
  await copyWithoutReExports(entries, copy);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--html", "--name=API", `--output=${Deno.cwd()}/${output}`, ...entries],
    cwd: copy,
  }).spawn().status;
  await Deno.remove(copy, { recursive: true });
  if (!success) throw new Error("Cannot make the API pages: see above");

  const index = await Deno.readTextFile(`${output}/search_index.js`);
  const { nodes }: { nodes: Found[] } = JSON.parse(
    index.slice(index.indexOf("{", index.indexOf("=")), index.lastIndexOf("};") + 1),
  );
  for (const path of filesIn(output)) {
    if (!path.endsWith(".html")) continue;
    const page = path.slice(output.length + 1);
    const root = "../".repeat(page.split("/").length - 1);
    const symbols = nodes.filter(({ file, name, category }) =>
      page === `${file}/index.html` && category !== undefined && !name.includes(".")
    );
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, mend(text, root, modules, symbols));
  }
}
