/** smtp.ts against curl, and against clients that are up to no good. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hasCommand, output } from "../_peers.ts";
import { hostname, SELECTORS } from "../_sockets.ts";
import { CA_CERT, CERT, KEY } from "../reactor/_tls.ts";
import { ExampleServer, runExample } from "./_server.ts";

const ignore = !hasCommand("curl");
const bytes = (text: string) => new TextEncoder().encode(text);

/** The server, and the folder of its mails and certificates. */
class Receiver implements AsyncDisposable {
  constructor(readonly server: ExampleServer, readonly dir: string) {}

  static async start(selector: string, ...more: string[]): Promise<Receiver> {
    const dir = await Deno.makeTempDir();
    for (const [file, text] of [["ca.pem", CA_CERT], ["cert.pem", CERT], ["key.pem", KEY]]) {
      await Deno.writeTextFile(`${dir}/${file}`, text!);
    }
    await Deno.mkdir(`${dir}/mails`);
    const pair = ["--cert", `${dir}/cert.pem`, "--key", `${dir}/key.pem`, "--tls-port", "0"];
    const args = ["--dir", `${dir}/mails`, "--port", "0", "--selector", selector, ...pair, ...more];
    const rights = ["--allow-net", "--allow-ffi", "--allow-read", `--allow-write=${dir}/mails`];
    return new Receiver(await ExampleServer.start("smtp.ts", args, rights), dir);
  }

  get port(): number {
    return this.server.port;
  }

  get tlsPort(): number {
    return Number(/smtps:.*:(\d+)/.exec(this.server.listening)![1]);
  }

  /** What it says of the next mail, and its content. */
  async mail(): Promise<{ from: string; to: string[]; size: number; content: Uint8Array }> {
    const { file, ...about } = JSON.parse(await this.server.line());
    return { ...about, content: await Deno.readFile(file) };
  }

  get files(): string[] {
    return [...Deno.readDirSync(`${this.dir}/mails`)].map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** All that comes back to what is said, up to the end. */
async function say(port: number, text: string): Promise<string> {
  using conn = await Deno.connect({ hostname, port });
  const [answer] = await Promise.all([rest(conn), send(conn, bytes(text)).catch(() => {})]);
  return answer;
}

async function send(conn: Deno.Conn, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length;) at += await conn.write(data.subarray(at));
}

async function rest(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(65_536);
  let answer = "";
  for (let n; (n = await conn.read(buffer)) !== null;) {
    answer += new TextDecoder().decode(buffer.subarray(0, n));
  }
  return answer;
}

/** The codes of the answers. */
function codes(answer: string): string {
  return answer.split("\r\n").filter((line) => /^\d{3} /.test(line)).map((line) => line.slice(0, 3))
    .join(" ");
}

const TO = "EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n";

for (const selector of SELECTORS) {
  Deno.test({
    name: `smtp.ts receives mail of curl: in the open, by STARTTLS and by smtps (${selector})`,
    ignore,
    async fn() {
      await using receiver = await Receiver.start(selector);
      const { dir, port, tlsPort, server } = receiver;
      const text = "Subject: Hello\r\n\r\n.\r\n..dots\r\nand \u00e4\r\n";
      await Deno.writeTextFile(`${dir}/mail.txt`, text);
      const envelope = [
        "--mail-from",
        "me@a.example",
        "--mail-rcpt",
        "you@b.example",
        "--mail-rcpt",
        "she@b.example",
      ];
      const ways = [
        [`smtp://localhost:${port}`],
        [`smtp://localhost:${port}`, "--ssl-reqd"],
        [`smtps://localhost:${tlsPort}`],
      ];
      for (const way of ways) {
        const { code, errors } = await output("curl", [
          "-sS",
          "--ipv4",
          ...way,
          "--cacert",
          `${dir}/ca.pem`,
          ...envelope,
          "-T",
          `${dir}/mail.txt`,
        ]);
        assertEquals([code, errors], [0, ""], way.join(" "));
        const { from, to, size, content } = await receiver.mail();
        assertEquals([from, to], ["me@a.example", ["you@b.example", "she@b.example"]]);
        assertEquals([new TextDecoder().decode(content), size], [text, bytes(text).length]);
      }
      const attached = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7);
      await Deno.writeFile(`${dir}/attached.bin`, attached);
      const form = [
        "-F",
        "=Some text;type=text/plain",
        "-F",
        `file=@${dir}/attached.bin;encoder=base64`,
      ];
      const { code } = await output("curl", [
        "-sS",
        `smtp://127.0.0.1:${port}`,
        ...envelope,
        ...form,
        "-H",
        "Subject: File",
      ]);
      assertEquals(code, 0);
      const mail = new TextDecoder().decode((await receiver.mail()).content);
      const base64 = /base64\r\n\r\n([A-Za-z0-9+/=\r\n]+)/.exec(mail)![1]!.replaceAll("\r\n", "");
      assertEquals(Uint8Array.fromBase64(base64), attached);
      assertEquals(await server.stop(), { code: 0, errors: "" });
      assertEquals(receiver.files.length, 4);
    },
  });

  Deno.test({
    name:
      `smtp.ts writes a big mail while it comes, also by TLS, and keeps nothing of one that is cut or too big (${selector})`,
    ignore,
    async fn() {
      await using receiver = await Receiver.start(selector, "--max-mib", "8");
      const { dir, port, server } = receiver;
      const mail = bytes("x".repeat(70) + "\r\n");
      const big = new Uint8Array(mail.length * 100_000);
      for (let at = 0; at < big.length; at += mail.length) big.set(mail, at);
      await Deno.writeFile(`${dir}/big`, big);
      await Deno.writeFile(`${dir}/bigger`, new Uint8Array(9 * 2 ** 20).fill(10));
      const args = [
        "-sS",
        "--ipv4",
        `smtp://localhost:${port}`,
        "--cacert",
        `${dir}/ca.pem`,
        "--mail-from",
        "a@b.example",
        "--mail-rcpt",
        "c@d.example",
      ];
      const sent = await output("curl", [...args, "--ssl-reqd", "-T", `${dir}/big`]);
      assertEquals([sent.code, sent.errors], [0, ""]);
      assertEquals((await receiver.mail()).content, big);
      const tooBig = await output("curl", [...args, "-T", `${dir}/bigger`]); // which tells its size
      assertStringIncludes(tooBig.errors, "552");

      // It does not tell its size, and afterwards another one comes.
      const lines = "y".repeat(1000) + "\r\n";
      const answer = await say(
        port,
        `${TO}DATA\r\n${
          lines.repeat(9000)
        }.\r\nMAIL FROM:<>\r\nRCPT TO:<e@f.example>\r\nDATA\r\nsmall\r\n.\r\nQUIT\r\n`,
      );
      assertEquals(codes(answer), "220 250 250 250 354 552 250 250 354 250 221");
      assertEquals(new TextDecoder().decode((await receiver.mail()).content), "small\r\n");
      {
        using conn = await Deno.connect({ hostname, port });
        await send(conn, bytes(`${TO}DATA\r\n${lines.repeat(100)}`));
        await conn.closeWrite();
        await rest(conn);
      }
      assertEquals(await server.stop(), { code: 0, errors: "" });
      assertEquals(receiver.files.length, 2);
    },
  });

  Deno.test(`smtp.ts does nothing that was sent along with STARTTLS (${selector})`, async () => {
    await using receiver = await Receiver.start(selector);
    const conn = await Deno.connect({ hostname, port: receiver.port });
    await conn.write(
      bytes("EHLO me\r\nSTARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@evil.example>\r\n"),
    );
    let answer = "";
    while (!answer.includes("Go ahead\r\n")) {
      const buffer = new Uint8Array(1000);
      answer += new TextDecoder().decode(buffer.subarray(0, (await conn.read(buffer))!));
    }
    assertEquals(codes(answer), "220 250 220");
    using secured = await Deno.startTls(conn, { hostname: "localhost", caCerts: [CA_CERT] });
    await secured.write(
      bytes("RCPT TO:<a@b.example>\r\nEHLO me\r\nSTARTTLS\r\nRCPT TO:<a@b.example>\r\nQUIT\r\n"),
    );
    const then = await rest(secured);
    assertEquals(codes(then), "503 250 502 503 221");
    assert(!then.includes("STARTTLS"));
    assertEquals(await receiver.server.stop(), { code: 0, errors: "" });
  });

  Deno.test(`smtp.ts answers commands in one piece, and those that are wrong (${selector})`, async () => {
    await using receiver = await Receiver.start(selector, "--max-mib", "1");
    const cases: [said: string, codes: string][] = [
      ["noop\r\nRSET\r\nVRFY me\r\nHELP\r\nquit\r\n", "220 250 250 252 502 221"],
      ["MAIL FROM:<a@b>\r\nQUIT\r\n", "220 503 221"],
      ["EHLO\r\nHELO me\r\nRCPT TO:<a@b>\r\nDATA\r\nQUIT\r\n", "220 501 250 503 503 221"],
      [
        "HELO me\r\nMAIL a@b\r\nMAIL FROM:<a b>\r\nMAIL FROM:<a@b> SIZE=2000000\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\nDATA\r\nRCPT TO:<>\r\nRSET\r\nDATA\r\nQUIT\r\n",
        "220 250 501 501 552 250 503 503 501 250 503 221",
      ],
      [
        `EHLO me\r\nMAIL FROM:<>\r\n${"RCPT TO:<a@b>\r\n".repeat(101)}QUIT\r\n`,
        `220 250 250 ${"250 ".repeat(100)}452 221`,
      ],
      ["\r\n".repeat(30), `220 ${"502 ".repeat(20)}421`],
      ["x".repeat(1500), "220 500"],
      [`${TO}DATA\r\nbare\n.\nRSET\r\n.\r\nQUIT\r\n`, "220 250 250 250 354 250 221"],
    ];
    for (const [said, expected] of cases) {
      assertEquals(codes(await say(receiver.port, said)), expected, said.slice(0, 100));
    }
    assertEquals(new TextDecoder().decode((await receiver.mail()).content), "bare\n.\nRSET\r\n");
    assertMatch(
      await say(receiver.port, "EHLO me\r\nQUIT\r\n"),
      /250-STARTTLS\r\n250 SIZE 1048576\r\n/,
    );
    assertEquals(await receiver.server.stop(), { code: 0, errors: "" });
  });
}

Deno.test("smtp.ts answers bad options by one line and exit code 1", async () => {
  const rights = ["--allow-net", "--allow-read"];
  for (
    const args of [[], ["--dir", "/none"], ["--dir", "/", "--cert", "/none"], [
      "--dir",
      "/",
      "--tls-port",
      "0",
    ]]
  ) {
    const { code, stderr } = await runExample("smtp.ts", args, rights);
    assertEquals([code, stderr.split("\n").length], [1, 2], stderr);
  }
});
