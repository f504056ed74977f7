import type { Root } from "./_root.ts";
import { isName } from "./_names.ts";

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

/**
 * Makes a page with links to what would be served of a directory.
 *
 * @param path Its real path.
 * @param names Its names from the root on.
 */
export async function listing(root: Root, path: string, names: string[]): Promise<string> {
  const entries: string[] = [];
  for await (const { name } of Deno.readDir(path)) {
    if (!isName(name)) continue;
    const kind = root.kindOf([...names, name]);
    if (kind !== undefined) entries.push(kind === "directory" ? `${name}/` : name);
  }
  entries.sort();
  if (names.length > 0) entries.unshift("../");
  const title = escaped(`/${names.map((name) => `${name}/`).join("")}`);
  // "./" keeps a name with a colon from being a scheme.
  const links = entries.map((entry) => {
    const isDirectory = entry.endsWith("/");
    const name = encodeURIComponent(isDirectory ? entry.slice(0, -1) : entry).replaceAll(
      "'",
      "%27",
    );
    return `<li><a href="./${name}${isDirectory ? "/" : ""}">${escaped(entry)}</a>\n`;
  });
  return `<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<h1>${title}</h1>
<ul>
${links.join("")}</ul>
`;
}
