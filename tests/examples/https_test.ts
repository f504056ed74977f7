/** https.ts, run as a person would run it. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CA_CERT, CERT, KEY, OTHER_CA_CERT, OTHER_CERT, OTHER_KEY } from "../reactor/_tls.ts";
import { SELECTORS } from "../_sockets.ts";
import { ExampleServer, runExample } from "./_server.ts";

/** Asks for a name, and trusts one authority. */
async function ask(port: number, name: string, authority: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  using secured = await Deno.startTls(conn, { hostname: name, caCerts: [authority] });
  const request = `GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`;
  await secured.write(new TextEncoder().encode(request));
  const buffer = new Uint8Array(1000);
  let answer = "";
  for (let n; (n = await secured.read(buffer)) !== null;) {
    answer += new TextDecoder().decode(buffer.subarray(0, n));
  }
  return answer;
}

function write(dir: string, name: string, cert: string, key: string): void {
  Deno.writeTextFileSync(`${dir}/${name}.crt`, cert);
  Deno.writeTextFileSync(`${dir}/${name}.key`, key);
}

for (const selector of SELECTORS) {
  Deno.test({
    name: `https.ts has certificates by name, and new ones while it runs (${selector})`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const dir = await Deno.makeTempDir();
      write(dir, "localhost", CERT, KEY);
      const args = ["--port", "0", "--directory", dir, "--selector", selector];
      const rights = ["--allow-net", "--allow-ffi", `--allow-read=${dir}`];
      await using server = await ExampleServer.start("https.ts", args, rights);
      const { port } = server;
      assertMatch(
        await ask(port, "localhost", CA_CERT),
        /^HTTP\/1\.1 200 [^]*Hello from localhost!/,
      );
      await assertRejects(() => ask(port, "example.org", OTHER_CA_CERT));

      write(dir, "example.org", OTHER_CERT, OTHER_KEY);
      server.signal("SIGHUP");
      assertEquals(await server.line(), "Uses the certificates of example.org, localhost");
      assertMatch(await ask(port, "example.org", OTHER_CA_CERT), /Hello from example.org!/);
      assertMatch(await ask(port, "localhost", CA_CERT), /Hello from localhost!/);

      write(dir, "localhost", OTHER_CERT, OTHER_KEY);
      server.signal("SIGHUP");
      await server.line();
      assertMatch(await ask(port, "localhost", OTHER_CA_CERT), /Hello from localhost!/);
      await assertRejects(() => ask(port, "localhost", CA_CERT));

      assertEquals(await server.stop(), { code: 0, errors: "" });
      await Deno.remove(dir, { recursive: true });
    },
  });
}

Deno.test("https.ts answers bad options by one line and exit code 1", async () => {
  const dir = await Deno.makeTempDir();
  const rights = ["--allow-net", `--allow-read=${dir}`];
  for (const args of [["--port", "x"], ["--directory", dir], ["--directory", `${dir}/none`]]) {
    const { code, stderr } = await runExample("https.ts", args, rights);
    assertEquals([code, stderr.split("\n").length], [1, 2], stderr);
  }
  await Deno.remove(dir);
});
