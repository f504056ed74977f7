/** application.ts, run as a person would run it, and asked by curl. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hasCommand, output } from "../_peers.ts";
import { SELECTORS } from "../_sockets.ts";
import { ExampleServer, runExample } from "./_server.ts";

/** Arguments of curl, the path, the status, and the answer. */
const CASES: [args: string[], path: string, status: number, answer: RegExp][] = [
  [[], "/", 200, /^Hello!\n$/],
  [[], "/any/page?x=y", 200, /^Hello!\n$/],
  [["-X", "DELETE"], "/", 405, /^$/],
  [[], "/members", 401, /^Unauthorized$/],
  [["-u", "ada:wrong"], "/members", 401, /^Unauthorized$/],
  [["-u", "ada:lovelace"], "/members/x", 200, /^Hello, ada!\n$/],
  [["-u", "ada:lovelace"], "/private", 200, /^Hello, ada!\n$/],
  [[], "/private/x", 401, /^Unauthorized$/],
  [[], "/%6dembers", 401, /^Unauthorized$/],
  [["--path-as-is"], "/x/../members", 404, /^Not Found$/],
  [["--path-as-is"], "//members", 404, /^Not Found$/],
  [["--path-as-is"], "/x/%2e%2e/admin", 404, /^Not Found$/],
  [[], "/members%2fx", 404, /^Not Found$/],
  [[], "/admin", 200, /^\{"open":\d+,"idle":\d+,"accepted":\d+,"refused":0\}$/],
];

for (const selector of SELECTORS) {
  Deno.test({
    name: `application.ts serves each area to its own (${selector})`,
    ignore: !hasCommand("curl"),
    async fn() {
      const args = ["--port", "0", "--selector", selector, "--password", "lovelace"];
      const rights = ["--allow-net", "--allow-ffi"];
      await using server = await ExampleServer.start("application.ts", args, rights);
      const base = server.url.replace(/\/$/, "");
      const ask = async (args: string[], path: string) => {
        const { text } = await output("curl", ["-s", "-w", "\n%{http_code}", ...args, base + path]);
        const end = text.lastIndexOf("\n");
        return [Number(text.slice(end + 1)), text.slice(0, end)] as const;
      };
      for (const [args, path, expected, answer] of CASES) {
        const [status, text] = await ask(args, path);
        assertEquals(status, expected, path);
        assertMatch(text, answer);
        const line = await server.line();
        assertMatch(line, /^127\.0\.0\.1 - - \[.*\] "[^"]*" \d+ (?:\d+|-) "-" "curl\/[^"]*"$/);
        assertStringIncludes(line, ` ${path} HTTP/1.1" ${status} `);
      }
      if (Deno.build.os === "linux") {
        // From another address of this machine
        const from = ["--interface", "127.0.0.2"];
        assertEquals(await ask(from, "/admin"), [403, "Forbidden"]);
        assertEquals(await ask(from, "/"), [200, "Hello!\n"]);
      }
      assertEquals(await server.stop(), { code: 0, errors: "" });
    },
  });
}

Deno.test("application.ts answers bad options by one line and exit code 1", async () => {
  const cases: [string[], RegExp][] = [
    [["--admin", "localhost"], /^Cannot start: Cannot filter addresses by "localhost": [^\n]*\n$/],
    [["--user", "a:b"], /^Cannot start: Cannot know the user "a:b": [^\n]*\n$/],
    [["--port", "http"], /^Cannot use port http: [^\n]*\n$/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runExample("application.ts", ["--port", "0", ...args]);
    assertEquals([code, stdout], [1, ""], args.join(" "));
    assertMatch(stderr, message);
  }
});
