/** syslog.ts against logger, and on the messages of the RFCs. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { EndOfStream, retval } from "@weightless/io/compose";
import { messages, parse } from "../../examples/syslog.ts";
import { hasCommand, output } from "../_peers.ts";
import { hostname, SELECTORS } from "../_sockets.ts";
import { ExampleServer, runExample, waitedFor } from "./_server.ts";

const ignore = !hasCommand("logger");
const bytes = (text: string) => new TextEncoder().encode(text);

function start(selector: string, ...more: string[]): Promise<ExampleServer> {
  const rights = ["--allow-net", "--allow-env", "--allow-ffi", "--allow-write"];
  return ExampleServer.start("syslog.ts", ["--port", "0", "--selector", selector, ...more], rights);
}

async function log(port: number, ...args: string[]): Promise<void> {
  const { code, errors } = await output("logger", ["-n", hostname, "-P", `${port}`, ...args]);
  assertEquals([code, errors], [0, ""]);
}

for (const selector of SELECTORS) {
  Deno.test({
    name: `syslog.ts prints what logger sends, by UDP and by TCP (${selector})`,
    ignore,
    async fn() {
      await using server = await start(selector, "--severity", "5");
      const { port } = server;
      const ways = [["-d"], ["-T"], ["-T", "--octet-count"]];
      for (const way of ways) {
        for (const [format, app] of [["--rfc3164", "old"], ["--rfc5424", "new"]]) {
          await log(port, ...way, format!, "-t", app!, "-p", "local0.debug", "not severe enough");
          await log(port, ...way, format!, "-t", app!, "-p", "local3.err", `hello [${app}] ü`);
          const { facility, severity, app: of, text } = JSON.parse(await server.line());
          const expected = ["local3", "err", app, `hello [${app}] ü`];
          assertEquals([facility, severity, of, text], expected, way.join());
        }
      }
      await log(
        port,
        "-d",
        "--rfc5424",
        "--sd-id",
        "a@1",
        "--sd-param",
        `b="c"`,
        "--msgid",
        "M",
        "x",
      );
      const { data, id } = JSON.parse(await server.line());
      assertEquals([data["a@1"], id], [{ b: "c" }, "M"]);
      const { code, errors } = await server.stop();
      assertEquals(code, 0);
      assertMatch(errors, /^Messages of ".*": 7\n$/);
    },
  });

  Deno.test(`syslog.ts has a file for each host, whatever the name (${selector})`, async () => {
    const dir = await Deno.makeTempDir();
    await using server = await start(selector, "--dir", dir);
    const message = (host: string) => `<13>1 - ${host} app - - - text\n`;
    using conn = await Deno.connect({ hostname, port: server.port });
    const sent = ["web-1", "web-1", "../../etc/x", "..", "web-2"].map(message).join("");
    await conn.write(bytes(sent));
    const files = () => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
    await waitedFor(() => files().includes("web-2.log"));
    assertEquals(files(), ["_.log", "__.._etc_x.log", "web-1.log", "web-2.log"]);
    const lines = (await Deno.readTextFile(`${dir}/web-1.log`)).trim().split("\n");
    assertEquals(lines.map((line) => JSON.parse(line).text), ["text", "text"]);
    assertEquals((await server.stop()).code, 0);
    await Deno.remove(dir, { recursive: true });
  });
}

Deno.test("syslog.ts answers bad options by one line and exit code 1", async () => {
  for (const args of [["--severity", "8"], ["--port", "x"]]) {
    const { code, stderr } = await runExample("syslog.ts", args);
    assertEquals([code, stderr.split("\n").length], [1, 2], stderr);
  }
});

Deno.test("parse() takes the examples of RFC 5424 and RFC 3164 apart, and keeps what is none", () => {
  const cases: [message: string, parts: Record<string, unknown>][] = [
    [
      "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \ufeff'su root' failed",
      {
        facility: "auth",
        severity: "crit",
        time: "2003-10-11T22:14:15.003Z",
        host: "mymachine.example.com",
        app: "su",
        id: "ID47",
        text: "'su root' failed",
      },
    ],
    [
      `<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [a@1 x="1" y="\\"]\\\\"][b@2]`,
      {
        facility: "local4",
        severity: "notice",
        time: "2003-10-11T22:14:15.003Z",
        host: "host",
        app: "evntslog",
        id: "ID47",
        data: { "a@1": { x: "1", y: `"]\\` }, "b@2": {} },
        text: "",
      },
    ],
    [
      "<34>Oct 11 22:14:15 mymachine su[12]: 'su root' failed\n",
      {
        facility: "auth",
        severity: "crit",
        time: "Oct 11 22:14:15",
        host: "mymachine",
        app: "su",
        pid: "12",
        text: "'su root' failed",
      },
    ],
    ["<0>just text", {
      facility: "kern",
      severity: "emerg",
      time: "",
      host: "1.2.3.4",
      app: "",
      text: "just text",
    }],
    ["no priority", {
      facility: "user",
      severity: "notice",
      time: "",
      host: "1.2.3.4",
      app: "",
      text: "no priority",
    }],
    ["<999>x", {
      facility: "124",
      severity: "debug",
      time: "",
      host: "1.2.3.4",
      app: "",
      text: "x",
    }],
    ["", { facility: "user", severity: "notice", time: "", host: "1.2.3.4", app: "", text: "" }],
  ];
  for (const [message, parts] of cases) {
    assertEquals(JSON.parse(JSON.stringify(parse(bytes(message), "1.2.3.4"))), parts, message);
  }
});

Deno.test("messages() reads both framings, cut anywhere, and refuses what is too long", () => {
  const all = bytes("5 <1>ab<2>line\n6 <3>c\nd<4>\n");
  for (let cut = 0; cut <= all.length; cut++) {
    const taken: string[] = [];
    const reading = messages((message) => void taken.push(new TextDecoder().decode(message)));
    assertThrows(
      () => retval(reading, [all.subarray(0, cut), all.subarray(cut)]),
      EndOfStream,
    );
    assertEquals(taken, ["<1>ab", "<2>line", "<3>c\nd", "<4>"], `cut at ${cut}`);
  }
  for (const text of ["99999 x", "123456 x", "<1>" + "x".repeat(9000)]) {
    assertThrows(() => retval(messages(() => {}), [bytes(text)]), RangeError, "longer than", text);
  }
});
