/** chat_ws.ts, by which two pages talk. */
import { assertEquals, assertMatch } from "@std/assert";
import { Browser } from "../_browser.ts";
import { hasCommand } from "../_peers.ts";
import { SELECTORS } from "../_sockets.ts";
import { CERT, KEY } from "../reactor/_tls.ts";
import { ExampleServer, runExample } from "./_server.ts";

const dir = Deno.makeTempDirSync();
addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
const [cert, key] = [`${dir}/cert.pem`, `${dir}/key.pem`];
Deno.writeTextFileSync(cert, CERT);
Deno.writeTextFileSync(key, KEY);

const RIGHTS = ["--allow-net", "--allow-ffi", `--allow-read=${dir}`];

function start(selector: string, port: number, isTls: boolean): Promise<ExampleServer> {
  const args = ["--port", String(port), "--selector", selector];
  if (isTls) args.push("--cert", cert, "--key", key);
  return ExampleServer.start("chat_ws.ts", args, RIGHTS);
}

/** Somebody before a page of the chat. */
class Person implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(url: string, name: string): Promise<Person> {
    const browser = await Browser.start();
    await browser.trustAll();
    await browser.open(url);
    const person = new Person(browser);
    await person.#submit("join", "name", name);
    return person;
  }

  async #submit(form: string, input: string, text: string): Promise<void> {
    await this.type(input, text);
    await this.#browser.evaluate(`document.querySelector("#${form} button").click()`);
  }

  async type(input: string, text: string): Promise<void> {
    await this.#browser.evaluate(`{
      const input = document.getElementById("${input}");
      input.value = ${JSON.stringify(text)};
      input.dispatchEvent(new Event("input"));
    }`);
  }

  say(text: string): Promise<void> {
    return this.#submit("say", "text", text);
  }

  /** Waits until an element shows a text, or the log a line. */
  sees(id: string, text: string): Promise<void> {
    const shown = `document.getElementById("${id}").textContent`;
    const test = id === "log"
      ? `.endsWith(${JSON.stringify(text)})`
      : ` === ${JSON.stringify(text)}`;
    return this.#browser.until(shown + test);
  }

  async log(): Promise<string> {
    return await this.#browser.evaluate('document.getElementById("log").textContent') as string;
  }

  get problems(): string[] {
    return this.#browser.problems;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#browser[Symbol.asyncDispose]();
  }
}

for (const selector of SELECTORS) {
  for (const wire of ["HTTP/1.1", "HTTP/2"]) {
    Deno.test({
      name: `two pages of chat_ws.ts talk in Chromium by ${wire} (${selector})`,
      ignore: !hasCommand("chromium"),
      async fn() {
        const isTls = wire === "HTTP/2";
        await using server = await start(selector, 0, isTls);
        const { port } = server;
        const url = `http${isTls ? "s" : ""}://localhost:${port}/`;
        await using ada = await Person.start(url, "Ada");
        await ada.sees("log", `* Ada joins by ${wire}\n`);
        {
          await using bob = await Person.start(url, "<b>Bob");
          await ada.sees("here", "Ada, <b>Bob");
          await bob.sees("here", "Ada, <b>Bob");
          await bob.type("text", "Gr");
          await ada.sees("types", "<b>Bob types…");
          await bob.say("Grüße <script> 🙂");
          await ada.sees("log", "<b>Bob: Grüße <script> 🙂\n");
          await ada.sees("types", "");
          await ada.say("Hi");
          await bob.sees("log", "Ada: Hi\n");
          assertEquals([ada.problems, bob.problems], [[], []]);
        }
        await ada.sees("log", "* <b>Bob leaves\n");
        await ada.sees("here", "Ada");

        assertEquals(await server.stop(), { code: 0, errors: "" });
        await ada.sees("state", "(connecting again)");
        await using again = await start(selector, port, isTls);
        await ada.sees("state", "");
        await ada.say("Still here");
        await ada.sees("log", "Ada: Still here\n");
        assertEquals((await ada.log()).split("\n"), [
          `* Ada joins by ${wire}`,
          `* <b>Bob joins by ${wire}`,
          "<b>Bob: Grüße <script> 🙂",
          "Ada: Hi",
          "* <b>Bob leaves",
          "* Ada joins by HTTP/1.1", // There is no connection of HTTP/2 any more.
          "Ada: Still here",
          "",
        ]);
        assertEquals(await again.stop(), { code: 0, errors: "" });
      },
    });
  }
}

Deno.test("chat_ws.ts refuses pages of others, people without names and bytes", async () => {
  await using server = await start("deno", 0, false);
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const { socket, response } = await opened(server.port, path, headers);
    socket.close();
    return response;
  };
  const own = { Origin: `http://127.0.0.1:${server.port}` };
  assertMatch(await ask("/chat?name=Eve", { Origin: "http://example.org" }), /^HTTP\/1.1 403 /);
  assertMatch(await ask("/chat?name=", own), /^HTTP\/1.1 400 /);
  assertMatch(await ask(`/chat?name=${"x".repeat(31)}`, own), /^HTTP\/1.1 400 /);
  assertMatch(await ask("/chat?name=Ada", own), /^HTTP\/1.1 101 /);

  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/chat?name=Ada`);
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  socket.onopen = () => socket.send(new Uint8Array(1));
  const { code, reason } = await closed;
  assertEquals([code, reason], [1003, "Text only"]);
  assertEquals(await server.stop(), { code: 0, errors: "" });
});

/** Asks for a WebSocket as a page does, whose headers Deno would not let us choose. */
async function opened(port: number, path: string, headers: Record<string, string>) {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  const lines = Object.entries({
    Host: `127.0.0.1:${port}`,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    ...headers,
  }).map((pair) => pair.join(": "));
  await socket.write(
    new TextEncoder().encode(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`),
  );
  const buffer = new Uint8Array(1000);
  let response = "";
  while (!response.includes("\r\n\r\n")) {
    const length = await socket.read(buffer);
    if (length === null) break;
    response += new TextDecoder().decode(buffer.subarray(0, length));
  }
  return { socket, response };
}

Deno.test("chat_ws.ts answers bad options by one line and exit code 1", async () => {
  for (const args of [["--port", "x"], ["--cert", `${dir}/none`, "--key", key]]) {
    const { code, stderr } = await runExample("chat_ws.ts", args, RIGHTS);
    assertEquals([code, stderr.split("\n").length], [1, 2], stderr);
  }
});
