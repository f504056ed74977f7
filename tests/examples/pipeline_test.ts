import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";

const examples = new URL("../../examples/", import.meta.url);

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs an example to its end with something on its standard input. */
async function run(
  name: string,
  args: string[],
  permissions: string[],
  input = "",
): Promise<Ended> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...permissions, fileURLToPath(new URL(name, examples)), ...args],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writing = new Response(input).body?.pipeTo(process.stdin) ?? process.stdin.close();
  writing.catch(() => {}); // it may end without reading all
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** What an example says of a mistake: one line, and code 1. */
function assertFails(ended: Ended, line: RegExp): void {
  assertMatch(ended.stderr, line);
  assertEquals([ended.code, ended.stderr.split("\n").length], [1, 2], ended.stderr);
}

const csv = (input: string) => run("csv_to_json_lines.ts", [], [], input);

Deno.test("csv_to_json_lines.ts converts as RFC 4180 says", async () => {
  const { code, stdout, stderr } = await csv(
    '\uFEFFname,"the ""note""",n\r\nAda,"one, two",1\r\n"Grace","two\r\nlines",\r\n,,\n\nÉva,"""",9',
  );
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.trimEnd().split("\n").map((line) => JSON.parse(line)), [
    { name: "Ada", 'the "note"': "one, two", n: "1" },
    { name: "Grace", 'the "note"': "two\r\nlines", n: "" },
    { name: "", 'the "note"': "", n: "" },
    { name: "Éva", 'the "note"': '"', n: "9" },
  ]);
});

Deno.test("csv_to_json_lines.ts converts a table larger than any chunk", async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => `${i},"line ""${i}""\n€"`);
  const { code, stdout } = await csv(["id,text", ...rows].join("\r\n"));
  const lines = stdout.trimEnd().split("\n");
  assertEquals([code, lines.length], [0, rows.length]);
  assertEquals(JSON.parse(lines[12_345]!), { id: "12345", text: 'line "12345"\n€' });
});

Deno.test("csv_to_json_lines.ts converts a field of many chunks, in quotes or not", async () => {
  const long = "x".repeat(1 << 24);
  const { code, stdout, stderr } = await csv(`a,b\n"${long}""",${long}`);
  assertEquals([code, stderr], [0, ""]);
  const { a, b } = JSON.parse(stdout);
  assertEquals([a === `${long}"`, b === long], [true, true]);
});

Deno.test("csv_to_json_lines.ts tells an empty line from a record of one empty field", async () => {
  const { stdout } = await csv('a\n\n""\n\r\n"1"\r\n');
  assertEquals(stdout, '{"a":""}\n{"a":"1"}\n');
});

Deno.test("csv_to_json_lines.ts writes nothing for nothing", async () => {
  assertEquals(await csv(""), { code: 0, stdout: "", stderr: "" });
  assertEquals(await csv("a,b\n"), { code: 0, stdout: "", stderr: "" });
});

Deno.test("csv_to_json_lines.ts says where a table is wrong", async () => {
  assertFails(
    await csv("a,b\n1\n"),
    /^Cannot convert: record 2 has 1 fields where the header has 2/,
  );
  assertFails(await csv('a,b\n1,x"y\n'), /^Cannot convert: record 2 has a quote/);
  assertFails(await csv('a,b\n1,"x"y\n'), /^Cannot convert: record 2 has a quote/);
  assertFails(
    await csv('a,b\n1,"xy\n'),
    /^Cannot convert: record 2 has a quote that is never closed/,
  );
  assertFails(await csv('a,b\n\n1,""x\n'), /^Cannot convert: record 2 has a quote/);
  assertFails(await csv("a,b\r1,2\r"), /^Cannot convert: record 1 has a carriage return/);
});

Deno.test("word_lengths.ts counts the words and lines of a file", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "to be or not to be,\nthat is the question\n");
    const { code, stdout, stderr } = await run("word_lengths.ts", [file], [`--allow-read=${file}`]);
    assertEquals([code, stderr], [0, ""]);
    const counts = stdout.trimEnd().split("\n").map((line) => line.replace(/ #+$/, "").trim());
    assertEquals(counts.map((line) => line.split(/\s+/)), [
      ["10", "words"],
      ["2", "6"],
      ["3", "2"],
      ["4", "1"],
      ["8", "1"],
      ["2", "lines"],
      ["0-19", "1"],
      ["20-39", "1"],
    ]);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("word_lengths.ts says what is wrong in one line", async () => {
  const missing = "/no/such/file";
  assertFails(
    await run("word_lengths.ts", [missing], [`--allow-read=${missing}`]),
    /^Cannot count \/no\/such\/file: No such file/,
  );
  assertFails(await run("word_lengths.ts", [], []), /^Usage: word_lengths.ts FILE/);
  assertFails(await run("word_lengths.ts", ["a", "b"], []), /^Usage/);
});

Deno.test("log_pipeline.ts splits a log, and changes the file as it goes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const log = Array.from({ length: 5000 }, (_, i) => `${i % 2 ? "INFO" : "WARN"} ${i}`);
    const args = ["--to", folder, "--every", "1000", "--only", "WARN"];
    const { code, stdout, stderr } = await run(
      "log_pipeline.ts",
      args,
      [`--allow-write=${folder}`],
      log.join("\n"),
    );
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout.trimEnd().split("\n").map((line) => line.trim()), [
      "Input",
      "Only",
      "Rotation",
      "LogFile",
    ]);
    const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assertEquals(files, ["1.log", "2.log", "3.log"]);
    const written = files.map((name) => Deno.readTextFileSync(`${folder}/${name}`));
    assertEquals(written.map((text) => text.split("\n").length - 1), [1000, 1000, 500]);
    const warnings = log.filter((line) => line.startsWith("WARN"));
    assertEquals(written.join("").trimEnd().split("\n"), warnings);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("log_pipeline.ts says what is wrong in one line", async () => {
  const wrong = (...args: string[]) => run("log_pipeline.ts", args, ["--allow-write=/no/such"]);
  assertFails(await wrong(), /^Cannot write anywhere/);
  assertFails(await wrong("--to", "/no/such", "--every", "x"), /^Cannot split every x lines/);
  assertFails(await wrong("--to", "/no/such"), /^Cannot write the log: No such file/);
  assertFails(await wrong("--unknown"), /Usage: log_pipeline.ts/);
});
