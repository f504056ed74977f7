/** The site that `deno task docs` makes, in Chromium. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { HttpServer } from "@weightless/io/http";
import { files } from "@weightless/io/http/files";
import { Reactor } from "@weightless/io/reactor";
import { pages } from "../../docs/.vitepress/links.ts";
import { Browser } from "../_browser.ts";
import { hasCommand } from "../_peers.ts";

const SITE = "site";
/** Of so many pages of symbols or of examples, which are all alike, one is shown. */
const SAMPLE = 30;
const WIDTH = 380;

function* htmlIn(directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) yield* htmlIn(`${directory}/${name}`);
    else if (name.endsWith(".html")) yield `${directory}/${name}`.slice(SITE.length + 1);
  }
}

function unescape(text: string): string {
  return text.replaceAll("&#x2F;", "/").replaceAll("&amp;", "&");
}

/** The files and the anchors that pages lead to, and that are not there. */
function deadLinks(paths: readonly string[]): string[] {
  const html = new Map(paths.map((path) => [path, Deno.readTextFileSync(`${SITE}/${path}`)]));
  const ids = new Map([...html].map(([path, text]) => {
    return [path, new Set([...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => unescape(id!)))];
  }));
  const dead: string[] = [];
  for (const [path, text] of html) {
    for (const [, escaped] of text.matchAll(/\s(?:href|src)="([^"]*)"/g)) {
      const url = unescape(escaped!);
      if (/^(https?|data|mailto):/.test(url)) continue;
      const { origin, pathname, hash } = new URL(url, `http://site/${path}`);
      const target = decodeURIComponent(pathname).slice(1).replace(/(^|\/)$/, "$1index.html");
      const isThere = ids.has(target) || isFile(`${SITE}/${target}`);
      const anchor = decodeURIComponent(hash).slice(1);
      if (origin !== "http://site" || !isThere) dead.push(`${path}: ${url}`);
      else if (anchor !== "" && !ids.get(target)!.has(anchor)) dead.push(`${path}: ${url}`);
    }
  }
  return dead;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** What cannot be read on a telephone: a page that is too wide, small text, pictures that are not there. */
const UNREADABLE = `(() => {
  const faults = [];
  const { scrollWidth } = document.documentElement;
  if (scrollWidth > ${WIDTH}) faults.push("is " + scrollWidth + " wide");
  const main = document.querySelector("main") ?? document.body;
  const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const element = node.parentElement;
    if (node.data.trim() === "" || !element.checkVisibility()) continue;
    if (element.closest(".lang, .visually-hidden, .prev-next, .docNodeKindIcon, svg, .header-anchor")) continue;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < 13.9) faults.push(size + " px: " + element.tagName + "." + element.className + " " + node.data.trim().slice(0, 40));
  }
  for (const image of document.images) {
    if (image.complete && image.naturalWidth === 0) faults.push("no picture " + image.src);
  }
  return faults.slice(0, 5);
})()`;

Deno.test({
  name: "the site has no dead link, is readable at 380 px, and finds guides and symbols",
  ignore: !hasCommand("chromium"),
  fn: async (t) => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "docs"],
      stdout: "null",
      stderr: "piped",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const paths = [...htmlIn(SITE)].sort();
    const guides = paths.filter((path) => !path.startsWith("api/"));

    await t.step(
      "has a page for each guide and example, one for each symbol, and no dead link",
      () => {
        for (const path of pages().keys()) {
          const page = path === "README.md" ? "index.html" : path.replace(/md$/, "html");
          assert(guides.includes(page), page);
        }
        assert(guides.includes("examples/chat.ts.html"));
        assert(paths.includes("api/gio/~/sleep.html"));
        const symbols = paths.map((path) => path.match(/\/~\/(\w+)\.html$/)?.[1]).filter(Boolean);
        const twice = symbols.filter((name, i) => symbols.indexOf(name) !== i);
        assertEquals(twice, []);
        assertEquals(deadLinks(paths), []);
      },
    );

    await t.step("shows the symbols of a module in groups, before all others", () => {
      const text = Deno.readTextFileSync(`${SITE}/api/gio/index.html`);
      const [, groups] = text.match(/<ul class="markdown" id="groups">([^]*?)<section/)!;
      assertStringIncludes(groups!, '/sleep.html" class="link">sleep</a>');
      assert(!text.slice(0, text.indexOf('id="groups"')).includes("<h2"));
    });

    await t.step("says nothing of the machine that made it", () => {
      for (const path of paths.filter((path) => path.startsWith("api/"))) {
        assert(!Deno.readTextFileSync(`${SITE}/${path}`).includes("file:&#x2F;"), path);
      }
    });

    using reactor = new Reactor();
    const server = new HttpServer(reactor, {
      hostname: "127.0.0.1",
      port: 0,
      handler: files(SITE),
    });
    const running = reactor.run();
    await using browser = await Browser.start();

    await t.step("is readable at 380 px, without errors", async () => {
      await browser.narrow(WIDTH);
      // These lead to other pages at once.
      const left = paths.filter((path) => path.endsWith(".prototype.html"));
      const alike = paths.filter((path) => /\/~\/|\.ts\.html$/.test(path) && !left.includes(path));
      const shown = paths.filter((path) => !alike.includes(path) && !left.includes(path));
      const faults: Record<string, unknown> = {};
      for (const path of [...shown, ...alike.filter((_, i) => i % SAMPLE === 0)]) {
        await browser.open(`${server.url}${path}`);
        const found = await browser.evaluate(UNREADABLE) as string[];
        if (found.length > 0) faults[path] = found;
      }
      assertEquals(faults, {});
      assertEquals(browser.problems, []);
    });

    await t.step("finds a guide by its title", async () => {
      await browser.open(server.url);
      await browser.until(`document.querySelector(".VPNavBarSearch button")`);
      await browser.evaluate(`document.querySelector(".VPNavBarSearch button").click()`);
      await browser.until(`document.querySelector("#localsearch-input")`);
      await browser.evaluate(`(() => {
        const input = document.querySelector("#localsearch-input");
        input.value = "Handlers of HTTP";
        input.dispatchEvent(new Event("input"));
      })()`);
      const guide = `document.querySelector('.results a[href*="/docs/http_handlers.html"]')`;
      await browser.until(`${guide} !== null`);
    });

    await t.step("leads from the guides to a symbol of the API, and back", async () => {
      await browser.narrow(1200);
      await browser.open(server.url);
      await browser.loaded(() =>
        browser.evaluate(
          `document.querySelector('.VPNavBarMenu a[href="/api/index.html"]').click()`,
        )
      );
      await browser.evaluate(`(() => {
        const input = document.querySelector("#searchbar");
        input.value = "HttpServer";
        input.dispatchEvent(new Event("input"));
      })()`);
      const symbol = `[...document.querySelectorAll("#searchResults a")]
        .find((link) => link.href.endsWith("/http/~/HttpServer.html"))`;
      await browser.until(`${symbol} !== undefined`);
      await browser.loaded(() => browser.evaluate(`${symbol}.click()`));
      assertStringIncludes(
        await browser.evaluate("document.body.innerText") as string,
        "HttpServer",
      );
      await browser.loaded(() =>
        browser.evaluate(`[...document.links].find((link) => link.text === "Guides").click()`)
      );
      assertEquals(await browser.evaluate("location.pathname"), "/index.html");
      assertEquals(browser.problems, []);
    });

    await browser.open("about:blank");
    await server.shutdown({ deadlineMs: 5_000 });
    reactor.requestShutdown();
    await running;
  },
});
