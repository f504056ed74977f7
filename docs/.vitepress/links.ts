/** Links of Markdown texts. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path/posix";

/** The Markdown texts that people read, by their paths in the repository. */
export function pages(): Map<string, string> {
  const guides = readdirSync("docs").filter((name) => name.endsWith(".md")).sort();
  const paths = ["README.md", "CHANGELOG.md", ...guides.map((name) => `docs/${name}`)];
  return new Map(paths.map((path) => [path, readFileSync(path, "utf8")]));
}

/** The anchor of a heading, as GitHub and JSR make it. */
export function slug(heading: string): string {
  return heading.trim().toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-");
}

/** The links of a text within the repository: the path in the repository, and the anchor or `""`. */
export function links(path: string, text: string): { target: string; anchor: string }[] {
  const prose = text.replaceAll(/^ *(```+)[^]*?^ *\1$/gm, "").replaceAll(/`[^`\n]+`/g, "code");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, url]) => url!)
    .filter((url) => !/^[a-z]+:/.test(url))
    .map((url) => {
      const [target, anchor = ""] = url.split("#");
      return { target: target === "" ? path : join(path, "..", target!), anchor };
    });
}
