/** A page for each file that the guides link to and that is no page itself. */
import { readFileSync } from "node:fs";
import { links, pages } from "../.vitepress/links.ts";

export default {
  paths: (): { params: { path: string }; content: string }[] => {
    const targets = [...pages()].flatMap((page) => links(...page)).map(({ target }) => target);
    return [...new Set(targets)].filter((path) => !/\.(md|svg)$/.test(path)).map((path) => {
      const language = path.endsWith(".ts") ? "ts" : "";
      const text = readFileSync(path, "utf8");
      return { params: { path }, content: `# ${path}\n\n~~~~${language}\n${text}~~~~\n` };
    });
  },
};
