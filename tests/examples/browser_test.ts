/** The pages of examples, in Chromium. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Browser } from "../_browser.ts";
import { hasCommand } from "../_peers.ts";
import { ExampleServer, runExample } from "./_server.ts";

const SELECTORS = Deno.build.os === "linux" ? ["deno", "epoll"] : ["deno"];
const RIGHTS = ["--allow-net", "--allow-ffi"];
const ENTRY = "<b>Grüße</b> & 🙂";

for (const selector of SELECTORS) {
  const args = ["--port", "0", "--selector", selector];

  Deno.test(`hono.ts keeps a guest book (${selector})`, async () => {
    await using server = await ExampleServer.start("hono.ts", args, RIGHTS);
    const post = (entry: string) =>
      fetch(server.url, {
        method: "POST",
        body: new URLSearchParams({ entry }),
        redirect: "manual",
      });
    const statuses: (number | string | null)[] = [];
    for (const entry of ["first", "", "x".repeat(201), "x".repeat(20_000)]) {
      const response = await post(entry);
      await response.body?.cancel();
      statuses.push(response.status, response.headers.get("location"));
    }
    assertEquals(statuses, [303, "/", 400, null, 400, null, 413, null]);
    const list = await fetch(`${server.url}entries`);
    assertEquals(await list.json(), ["first"]);
    assertMatch(list.headers.get("server-timing")!, /^app;dur=\d/);
    assertEquals(await (await fetch(`${server.url}entries/1`)).text(), "first\n");
    const missing = await fetch(`${server.url}entries/2`);
    await missing.body?.cancel();
    assertEquals(missing.status, 404);
    assertEquals(await server.stop(), { code: 0, errors: "" });
  });

  if (!hasCommand("chromium")) continue;

  Deno.test(`Chromium shows hono.ts and events.ts (${selector})`, async () => {
    await using browser = await Browser.start();
    const get = (what: string) => browser.evaluate(what);

    await using book = await ExampleServer.start("hono.ts", args, RIGHTS);
    await browser.open(book.url);
    assertEquals(await get("document.title"), "Guest book");
    for (const entry of [ENTRY, "second"]) {
      await browser.loaded(() =>
        get(`document.querySelector("input").value = ${JSON.stringify(entry)};
          document.querySelector("button").click()`)
      );
    }
    const shown = await get('[...document.querySelectorAll("li")].map((item) => item.textContent)');
    assertEquals(shown, [ENTRY, "second"]);
    assertStringIncludes(await get("document.body.innerHTML") as string, "&lt;b&gt;");

    const quick = [...args, "--every-ms", "50"];
    await using clock = await ExampleServer.start("events.ts", quick, RIGHTS);
    await browser.open(clock.url);
    const next = `new Promise((resolve) => {
      const tick = document.getElementById("tick");
      new MutationObserver(() => resolve(Number(tick.textContent))).observe(tick, { childList: true });
    })`;
    const first = await get(next) as number;
    const second = await get(next) as number;
    assert(second > first, `${first}, ${second}`);
    assertMatch(await get('document.getElementById("time").textContent') as string, /^20\d\d-/);
    await browser.open("about:blank");
  });
}

Deno.test("hono.ts answers bad options by one line and exit code 1", async () => {
  const { code, stdout, stderr } = await runExample("hono.ts", ["--port", "x"]);
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^Cannot use port x: [^\n]*\n$/);
});
