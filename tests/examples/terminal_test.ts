/** terminal.ts: what a shell says, by a WebSocket. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { asProcess, timeout } from "../../gio/mod.ts";
import { HttpClient, RemoteProtocolError } from "../../http/mod.ts";
import { WebSocketEnd } from "../../http/websocket/mod.ts";
import { Browser } from "../_browser.ts";
import { PATIENCE_MS } from "../_leaks.ts";
import { hasCommand } from "../_peers.ts";
import { SELECTORS } from "../_sockets.ts";
import { ExampleServer, runExample, waitedFor } from "./_server.ts";

const RIGHTS = ["--allow-net=127.0.0.1", "--allow-run", "--allow-ffi"];

function start(selector: string): Promise<ExampleServer> {
  return ExampleServer.start("terminal.ts", ["--port", "0", "--selector", selector], RIGHTS);
}

/** Where the shell of the printed URL is. */
function shellOf({ url }: ExampleServer): string {
  return url.replace("#", "shell?token=");
}

/** Reads until `text` has come; returns everything up to it. */
function* until(text: string): Coroutine<string> {
  const decoder = new TextDecoder();
  let said = "";
  while (!said.includes(text)) said += decoder.decode(yield, { stream: true });
  return said;
}

for (const selector of SELECTORS) {
  Deno.test({
    name: `terminal.ts runs commands, and ends its shell with the page (${selector})`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using server = await start(selector);
      using client = new HttpClient();

      let said = "";
      const end = await asProcess(function* () {
        using _ = timeout(PATIENCE_MS);
        yield* client.webSocket(shellOf(server));
        yield "echo $((6 * 7)) Grüße\n";
        yield* call(until("42 Grüße\n"));
        yield "seq 100000; echo to stderr >&2; exit 3\n";
        const decoder = new TextDecoder();
        try {
          for (;;) said += decoder.decode(yield);
        } catch (error) {
          if (!(error instanceof WebSocketEnd)) throw error;
          return `${error.code} ${error.reason}`;
        }
      }());
      assertEquals(end, "1000 The shell has ended with code 3");
      assertStringIncludes(said, "to stderr\n");
      assert(said.length > 588_000, `${said.length}`); // all that seq says

      await asProcess(function* () {
        using _ = timeout(PATIENCE_MS);
        using _socket = yield* client.webSocket(shellOf(server));
        yield "echo here; exec sleep 1000\n";
        yield* call(until("here\n"));
        assert(server.children[0]! > 0);
      }());
      // The page has gone.
      assertEquals(await waitedFor(() => server.children[0] === 0), true);
      assertEquals(await server.stop(), { code: 0, errors: "" });
    },
  });

  Deno.test(`terminal.ts opens nothing without its token (${selector})`, async () => {
    await using server = await start(selector);
    using client = new HttpClient();
    const { origin } = new URL(server.url);
    for (const path of ["/shell", "/shell?token=", "/shell?token=undefined"]) {
      const failure = await client.webSocket(origin + path).then(
        () => undefined,
        (error) => error,
      );
      assert(failure instanceof RemoteProtocolError, `${failure}`);
      assertMatch(failure.message, /403/);
    }
    assertEquals(await server.stop(), { code: 0, errors: "" });
  });
}

Deno.test({
  name: "Chromium is a terminal, by terminal.ts",
  ignore: !hasCommand("chromium"),
  async fn() {
    await using server = await start("auto");
    await using browser = await Browser.start();
    await browser.open(server.url);
    const screen = 'document.getElementById("screen").textContent';
    const type = (line: string) =>
      browser.evaluate(`document.getElementById("line").value = ${JSON.stringify(line)};
        document.getElementById("form").requestSubmit()`);
    await browser.until(`/[$#] $/.test(${screen})`);
    await type("echo '<b>' $((6 * 7)) 🙂");
    await browser.until(`${screen}.includes("\\n<b> 42 🙂\\n")`);
    await type("exit");
    await browser.until(`${screen}.endsWith("\\nThe shell has ended with code 0\\n")`);
    assertEquals(browser.problems, []);
    await browser.open("about:blank");
    assertEquals(await server.stop(), { code: 0, errors: "" });
  },
});

Deno.test("terminal.ts answers bad options by one line and exit code 1", async () => {
  const { code, stderr } = await runExample("terminal.ts", ["--port", "x"], RIGHTS);
  assertEquals([code, stderr.split("\n").length], [1, 2], stderr);
});
