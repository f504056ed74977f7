/** http2.ts, which browsers and curl ask. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Browser } from "../_browser.ts";
import { hasCommand, output } from "../_peers.ts";
import { hostname, SELECTORS } from "../_sockets.ts";
import { CA_CERT, CERT, KEY } from "../reactor/_tls.ts";
import { ExampleServer, runExample } from "./_server.ts";

const dir = Deno.makeTempDirSync();
addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
const [ca, cert, key] = [`${dir}/ca.pem`, `${dir}/cert.pem`, `${dir}/key.pem`];
Deno.writeTextFileSync(ca, CA_CERT);
Deno.writeTextFileSync(cert, CERT);
Deno.writeTextFileSync(key, KEY);

const RIGHTS = ["--allow-net", "--allow-ffi", `--allow-read=${dir}`];

function start(selector: string): Promise<ExampleServer> {
  const args = ["--cert", cert, "--key", key, "--port", "0", "--selector", selector];
  return ExampleServer.start("http2.ts", args, RIGHTS);
}

for (const selector of SELECTORS) {
  if (hasCommand("chromium")) {
    Deno.test(`Chromium gets 200 images of http2.ts on one connection (${selector})`, async () => {
      await using server = await start(selector);
      await using browser = await Browser.start();
      await browser.trustAll();
      await browser.open(`https://localhost:${server.port}/`);
      await browser.until('document.getElementById("result").textContent !== "…"');
      const result = await browser.evaluate('document.getElementById("result").textContent');
      assertMatch(String(result), /^200 images by h2; connections: 1; \d+ ms$/);
      const shown = "[...document.images].filter((image) => image.naturalWidth > 0).length";
      assertEquals(await browser.evaluate(shown), 200);
      assertEquals(browser.problems, []);
      await browser.open("about:blank");
      assertEquals(await server.stop(), { code: 0, errors: "" });
    });
  }

  if (hasCommand("curl")) {
    Deno.test(`curl gets all images of http2.ts on one connection (${selector})`, async () => {
      await using server = await start(selector);
      const url = `https://${hostname}:${server.port}`;
      const told = "%{http_version} %{num_connects} %{http_code} %{content_type}\\n";
      const ask = async (protocol: string, path: string, ...args: string[]) => {
        const always = ["--silent", "--show-error", "--cacert", ca, "--write-out", told];
        return await output("curl", [...always, protocol, ...args, url + path]);
      };
      const { text } = await ask("--http2", "/tile/[1-200].svg", "--output", `${dir}/#1.svg`);
      const lines = text.trim().split("\n");
      assertEquals(lines[0], "2 1 200 image/svg+xml");
      assertEquals(new Set(lines.slice(1)), new Set(["2 0 200 image/svg+xml"]));
      assertEquals(lines.length, 200);
      for (const n of [1, 77, 200]) {
        assertStringIncludes(await Deno.readTextFile(`${dir}/${n}.svg`), `>${n}</text>`);
      }
      const old = await ask("--http1.1", "/tile/7.svg");
      assertMatch(old.text, />7<\/text>\n<\/svg>\n1\.1 1 200 image\/svg\+xml\n$/);
      for (const path of ["/tile/0.svg", "/tile/201.svg", "/tile/x.svg", "/other"]) {
        assertMatch((await ask("--http2", path)).text, /2 1 404 /);
      }
      assertMatch((await ask("--http2", "/", "--data", "x")).text, /2 1 405 /);
      const head = await ask("--http2", "/", "--head");
      assertMatch(head.text, /^HTTP\/2 200 \r\ncontent-type: text\/html; charset=utf-8\r\n/);
      assertEquals(await server.stop(), { code: 0, errors: "" });
    });
  }
}

Deno.test("http2.ts answers bad options by one line and exit code 1", async () => {
  const good = ["--cert", cert, "--key", key];
  const bad = [["--port", "x", ...good], [], ["--cert", cert], ["--cert", key, "--key", cert]];
  for (const args of bad) {
    const { code, stderr } = await runExample("http2.ts", args, RIGHTS);
    assertEquals([code, stderr.split("\n").length], [1, 2], stderr);
  }
});
