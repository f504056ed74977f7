/** The monitor of examples: it finds what hangs. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Browser } from "../_browser.ts";
import { PATIENCE_MS, turns } from "../_leaks.ts";
import { hasCommand } from "../_peers.ts";
import { ExampleServer } from "./_server.ts";

const RIGHTS = ["--allow-net", "--allow-ffi"];

/** Starts an example with its monitor. Gives the URL of that as well. */
async function withMonitor(name: string, ...args: string[]) {
  const server = await ExampleServer.start(
    name,
    ["--port", "0", "--monitor", "0", ...args],
    RIGHTS,
  );
  const url = /Its monitor is on (\S+)/.exec(await server.line())![1]!;
  return { server, url };
}

/** The text of the monitor must become like `pattern`. */
async function tells(url: string, pattern: RegExp): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const told = await (await fetch(`${url}text`)).text();
    if (pattern.test(told)) return;
    if (performance.now() > deadline) assertMatch(told, pattern);
    await turns(100);
  }
}

/** What a client says and then is silent, and where the example waits for it. */
const HANGS: [example: string, said: string, where: RegExp][] = [
  ["hello.ts", "GET / HT", /^reader tcp \S+ <- \S+ \(for \d+ ms\)$/m],
  ["echo.ts", "half a line", /^coroutine \w+ on tcp .* \(waits to read\)\n {4}at \w+ /m],
  ["chat.ts", "Ada\n", /^coroutine \w+ on tcp .* \(waits to read\)\n( {4}at .*\n)* {4}at /m],
  ["greet.ts", "Ada", /^coroutine \w+ on tcp .* \(waits to read\)\n {4}at /m],
  ["socks5.ts", "\x05", /^coroutine \w+ on tcp .*\n( {4}at .*\n)* {4}at .*socks5\.ts:\d+/m],
  [
    "events.ts",
    "GET /events HTTP/1.1\r\nHost: x\r\n\r\n",
    /^coroutine GET \/events on tcp .* \(waits for an answer\)\n( {4}at .*\n)* {4}at .*events\.ts:\d+/m,
  ],
  [
    "monitor.ts",
    "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n",
    /^coroutine GET \/slow on tcp .*\n {4}at Slow\.processRequest \(.*monitor\.ts:\d+:\d+\)/m,
  ],
];

for (const [example, said, where] of HANGS) {
  Deno.test(`${example} --monitor tells where it waits for a silent client`, async () => {
    const { server, url } = await withMonitor(example);
    await using _ = server;
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await conn.write(new TextEncoder().encode(said));
    await tells(url, where);
    const { code, errors } = await server.stop();
    assertEquals([code, errors], [0, ""]);
  });
}

Deno.test({
  name: "Chromium shows the monitor: coroutines with their lines, rates, and the components",
  ignore: !hasCommand("chromium"),
  async fn() {
    const { server, url } = await withMonitor("monitor.ts");
    await using _ = server;
    const gone = new AbortController();
    const slow = fetch(`${server.url}slow`, { signal: gone.signal }).catch(() => {});
    await using browser = await Browser.start();
    await browser.open(url);
    const until = (expression: string) => browser.until(expression);
    const cells = (id: string) => `document.getElementById("${id}").textContent`;
    await until(`/Slow\\.processRequest.*monitor\\.ts:\\d+/.test(${cells("coroutines")})`);
    assert(await browser.evaluate(`${cells("connections")}.includes("listener tcp")`));
    assert(await browser.evaluate(`${cells("timers")}.includes("sleep")`));
    await until(`dna.complete && dna.naturalWidth > 50`);
    // It is live: what has ended is gone from the page, and what happens is counted.
    gone.abort();
    await slow;
    await until(`!${cells("coroutines")}.includes("Slow")`);
    const counted = (async () => {
      for (let i = 0; i < 100; i++) await (await fetch(server.url)).text();
    })();
    await until(`/received[1-9]/.test(${cells("rates")})`);
    await counted;
    // On a small screen nothing but its tables is wider.
    assert(await browser.evaluate("document.documentElement.scrollWidth <= innerWidth"));
  },
});
