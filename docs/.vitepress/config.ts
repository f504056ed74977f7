/** The site: README.md is its first page, and says in which order the guides are read. */
import type { UserConfig } from "vitepress";
import { links, pages, slug } from "./links.ts";

const all = pages();

/** The guides as README.md links to them, then the rest, each with its title. */
function sidebar(): { text: string; link: string }[] {
  const read = links("README.md", all.get("README.md")!).map(({ target }) => target);
  const order = [
    ...new Set([...read.filter((path) => /^docs\/.*\.md$/.test(path)), ...all.keys()]),
  ];
  return order.filter((path) => path !== "README.md").map((path) => {
    const [, title] = all.get(path)!.match(/^# (.*)$/m)!;
    return { text: title!.replaceAll("`", ""), link: `/${path}` };
  });
}

const css = `
.vp-doc :not(pre, h1, h2, h3) > code { font-size: 14px; word-break: break-word; }
.vp-doc td code { word-break: normal; }
.vp-doc .file { margin-bottom: -12px; font-weight: 500; }
`;

const config: UserConfig = {
  title: "Weightless for Deno",
  srcDir: "..",
  outDir: "../site",
  srcExclude: ["!(docs)/**/*.md"],
  rewrites: { "README.md": "index.md", "docs/sources/:path*": ":path*" },
  head: [["style", {}, css], ["link", { rel: "icon", href: "data:," }]],
  router: { prefetchLinks: false },
  markdown: {
    anchor: { slugify: slug },
    config({ renderer: { rules } }) {
      const { link_open: link, fence } = rules;
      // A file that is no page itself is shown as a page: see ../sources.
      rules["link_open"] = (tokens, i, ...rest) => {
        const href = tokens[i]!.attrGet("href")!;
        if (!/^#|^[a-z]+:|\.md(#|$)/.test(href)) tokens[i]!.attrSet("href", `${href}.md`);
        return link!(tokens, i, ...rest);
      };
      // ```ts ignore [server.ts] shows the name of the file.
      rules["fence"] = (tokens, i, ...rest) => {
        const name = tokens[i]!.info.match(/\[(.+)\]/)?.[1];
        const title = name ? `<p class="file"><code>${name}</code></p>` : "";
        return title + fence!(tokens, i, ...rest);
      };
    },
  },
  themeConfig: {
    nav: [
      { text: "Guides", link: "/" },
      { text: "API", link: "/api/index.html", target: "_self" },
    ],
    sidebar: [{ text: "Guides", items: [{ text: "Overview", link: "/" }, ...sidebar()] }],
    search: { provider: "local" },
  },
};
export default config;
