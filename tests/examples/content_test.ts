/** upload.ts and events.ts, each run as a person would run it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromIterable } from "../../pipeline/mod.ts";
import { parseEvents, type ReceivedEvent } from "../../http/mod.ts";
import { ExampleServer, runExample } from "./_server.ts";

const linux = Deno.build.os === "linux";
const SELECTORS = linux ? ["deno", "epoll"] : ["deno"];

for (const selector of SELECTORS) {
  Deno.test(`upload.ts writes files to a directory, and nothing else (${selector})`, async () => {
    const dir = await Deno.makeTempDir();
    const args = ["--port", "0", "--dir", dir, "--max-mib", "2", "--selector", selector];
    const rights = ["--allow-net", "--allow-ffi", `--allow-read=${dir}`, `--allow-write=${dir}`];
    await using server = await ExampleServer.start("upload.ts", args, rights);
    const post = async (...files: File[]) => {
      const form = new FormData();
      form.append("note", "skipped");
      for (const file of files) form.append("file", file);
      return await fetch(server.url, { method: "POST", body: form });
    };
    const content = crypto.getRandomValues(new Uint8Array(65_536));
    const answer = await post(
      new File([content, content, content, content], "../../a \x1b.bin"),
      new File(["x"], "b.txt"),
      new File(["y"], "b.txt"),
      new File([], ""),
    );
    assertEquals(await answer.text(), "a .bin: 262144 bytes\nb.txt: 1 bytes\n2-b.txt: 1 bytes\n");
    assertEquals(await (await post()).text(), "There was no file\n");
    assertStringIncludes(await (await fetch(server.url)).text(), "multipart/form-data");
    const statuses = [];
    for (
      const init of [
        { method: "POST", body: "x" },
        { method: "PUT" },
        {
          method: "POST",
          headers: { "content-type": "multipart/form-data; boundary=x" },
          body: "x",
        },
      ]
    ) {
      const response = await fetch(server.url, init);
      await response.body?.cancel();
      statuses.push(response.status);
    }
    assertEquals(statuses, [415, 405, 400]);

    // A client that goes in the middle leaves nothing behind.
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const part = '--x\r\nContent-Disposition: form-data; name=f; filename="c"\r\n\r\n1234';
    await conn.write(new TextEncoder().encode(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n" +
        `Content-Length: 1000\r\n\r\n${part}${"x".repeat(200)}`,
    ));
    const lines: string[] = [];
    while (lines.at(-1)?.startsWith('"c": ') !== true) lines.push(await server.line());
    conn.closeWrite();
    while (lines.at(-1) !== '"c": not complete, and removed') lines.push(await server.line());
    assert(lines.includes('"a .bin": 262144 bytes'), lines.join("\n"));

    assertEquals(await server.stop(), { code: 0, errors: "" });
    const files = [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
    assertEquals(files, ["2-b.txt", "a .bin", "b.txt"]);
    const written = await Deno.readFile(`${dir}/a .bin`);
    assertEquals([written.length, written.slice(-65_536)], [262_144, content]);
    await Deno.remove(dir, { recursive: true });
  });

  Deno.test(`events.ts sends ticks, and those that were missed (${selector})`, async () => {
    const args = ["--port", "0", "--every-ms", "50", "--selector", selector];
    await using server = await ExampleServer.start("events.ts", args, [
      "--allow-net",
      "--allow-ffi",
    ]);
    assertStringIncludes(await (await fetch(server.url)).text(), "EventSource");

    /** The ids of the next ticks. */
    const ticks = async (number: number, last?: number): Promise<number[]> => {
      const headers: HeadersInit = last === undefined ? {} : { "last-event-id": `${last}` };
      const response = await fetch(`${server.url}events`, { headers });
      assertEquals(response.headers.get("content-type"), "text/event-stream");
      const ids: number[] = [];
      for await (const event of fromIterable<ReceivedEvent>(response.body!, parseEvents())) {
        assertEquals([event.event, new Date(event.data).getTime()], [
          "tick",
          50 * Number(event.id),
        ]);
        if (ids.length === 0) assertEquals(event.retry, 1000);
        if (ids.push(Number(event.id)) === number) break;
      }
      return ids;
    };
    const [first, second, third] = await ticks(3);
    assertEquals([second, third], [first! + 1, first! + 2]);
    assertEquals(await ticks(3, first), [second, third, third! + 1]);
    assert((await ticks(1, NaN))[0]! > first!);
    assert((await ticks(1, Infinity))[0]! > first!);
    assertEquals((await ticks(61, 0)).length, 61);
    assertEquals(await server.stop(), { code: 0, errors: "" });
  });
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`events.ts ends its streams on ${signal}, so that browsers connect again`, async () => {
    const args = ["--port", "0", "--every-ms", "3600000", "--selector", "auto"];
    await using server = await ExampleServer.start("events.ts", args);
    using idle = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const { body } = await fetch(`${server.url}events`);
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
    assertStringIncludes((await reader.read()).value!, "retry: 1000\n\n");
    const ended = server.stop(signal);
    while (!(await reader.read()).done);
    assertEquals(await idle.read(new Uint8Array(1)), null);
    assertEquals(await ended, { code: 0, errors: "" });
  });
}

Deno.test("upload.ts and events.ts answer bad options by one line and exit code 1", async () => {
  const cases: [string, string[], RegExp][] = [
    ["upload.ts", [], /^Cannot write to --dir "": /],
    ["upload.ts", ["--dir", ".", "--max-mib", "0"], /^Cannot use max-mib 0: /],
    ["upload.ts", ["--port", "http"], /^Cannot use port http: /],
    ["events.ts", ["--every-ms", "0"], /^Cannot use every-ms 0: /],
    ["events.ts", ["--colour", "red"], /^Unknown option '--colour'\. Usage: /],
  ];
  await Promise.all(cases.map(async ([name, args, message]) => {
    const rights = ["--allow-net", "--allow-read"];
    const { code, stdout, stderr } = await runExample(name, args, rights);
    assertEquals([code, stdout], [1, ""], args.join(" "));
    assertMatch(stderr, message);
    assertMatch(stderr, /^[^\n]*\n$/);
  }));
});
