/** feed.ts, both as server and as subscribers. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { call, type Coroutine } from "../../compose/mod.ts";
import { asProcess, timeout } from "../../gio/mod.ts";
import { HttpClient } from "../../http/mod.ts";
import { WebSocketEnd } from "../../http/websocket/mod.ts";
import { PATIENCE_MS } from "../_leaks.ts";
import { SELECTORS } from "../_sockets.ts";
import { ExampleServer, runExample } from "./_server.ts";

const RIGHTS = ["--allow-net", "--allow-ffi"];
const MANY = 400;

function start(selector: string, ...args: string[]): Promise<ExampleServer> {
  return ExampleServer.start("feed.ts", ["--port", "0", "--selector", selector, ...args], RIGHTS);
}

function subscribe(server: ExampleServer, selector: string, count: number, messages: number) {
  const args = ["--port", server.port, "--subscribe", count, "--messages", messages];
  return runExample("feed.ts", [...args.map(String), "--selector", selector], RIGHTS);
}

/** What the server tells: subscribers, messages, skipped. */
function* statistics(client: HttpClient, url: string): Coroutine<number[]> {
  const response = yield* client.get(url);
  const text: string = yield* call(response.text());
  return [...text.matchAll(/\d+/g)].map(Number);
}

for (const selector of SELECTORS) {
  Deno.test(`feed.ts feeds ${MANY} subscribers, none of which misses anything (${selector})`, async () => {
    await using server = await start(selector, "--every-ms", "50");
    const { code, stdout, stderr } = await subscribe(server, selector, MANY, 5);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(
      stdout,
      /^400 subscribers, 2000 messages, 0 missed\nHalf came within \d+ ms, 99 % within \d+ ms\n$/,
    );
    using client = new HttpClient();
    const left = await asProcess(function* () {
      using _ = timeout(PATIENCE_MS);
      for (;;) {
        const [subscribers] = yield* call(statistics(client, server.url));
        if (subscribers === 0) return subscribers;
      }
    }());
    assertEquals(left, 0);
    assertEquals(await server.stop(), { code: 0, errors: "" });
  });

  for (const slow of ["skip", "close"]) {
    Deno.test(`feed.ts --slow ${slow}: one that does not read holds up nobody (${selector})`, async () => {
      const args = ["--every-ms", "2", "--bytes", "100000", "--slow", slow];
      await using server = await start(selector, ...args);
      using client = new HttpClient();

      function* slowReader(): Coroutine<{ gap: number; code: number | undefined }> {
        using _ = timeout(PATIENCE_MS);
        const socket = yield* client.webSocket(`${server.url}feed`);
        for (let skipped = 0; skipped === 0;) {
          skipped = (yield* call(statistics(client, server.url)))[2]!;
        }
        let gap = 0;
        try {
          let { n: last } = JSON.parse(yield);
          while (gap === 0) {
            const { n } = JSON.parse(yield);
            gap = n - last - 1;
            last = n;
          }
        } catch (error) {
          if (!(error instanceof WebSocketEnd)) throw error;
          assertEquals(error.reason, "Too slow");
          return { gap, code: error.code };
        }
        assert(socket.isOpen);
        return { gap, code: undefined };
      }

      const reading = asProcess(slowReader());
      // Others get at the same time what they ask for: so little that they cannot be too slow for it.
      const { code, stdout } = await subscribe(server, selector, 5, 2);
      assertEquals(code, 0);
      assertMatch(stdout, /^5 subscribers, 10 messages, /);
      const { gap, code: end } = await reading;
      if (slow === "skip") {
        assert(gap > 0);
        assertEquals(end, undefined);
      } else assertEquals([gap, end], [0, 1008]);
      assertEquals(await server.stop(), { code: 0, errors: "" });
    });
  }
}

Deno.test("feed.ts answers bad options by one line and exit code 1", async () => {
  for (
    const args of [["--port", "x"], ["--slow", "x"], ["--every-ms", "0"], ["--subscribe", "-1"]]
  ) {
    const { code, stderr } = await runExample("feed.ts", args, RIGHTS);
    assertEquals([code, stderr.split("\n").length], [1, 2], stderr);
  }
});
