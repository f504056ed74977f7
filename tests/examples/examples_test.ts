/** The other examples, each run as a person would run it. */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { ExampleServer, runExample } from "./_server.ts";

/** A line-based client of a TCP example. */
class Client implements Disposable {
  #text = "";

  constructor(readonly conn: Deno.TcpConn) {}

  static async connect(port: number): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async say(line: string): Promise<void> {
    await this.conn.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Reads until `text` has come; returns everything up to it. */
  async until(text: string): Promise<string> {
    const buffer = new Uint8Array(4096);
    while (!this.#text.includes(text)) {
      const length = await this.conn.read(buffer);
      if (length === null) {
        throw new Error(`The connection ended after ${JSON.stringify(this.#text)}`);
      }
      this.#text += new TextDecoder().decode(buffer.subarray(0, length));
    }
    const end = this.#text.indexOf(text) + text.length;
    const read = this.#text.slice(0, end);
    this.#text = this.#text.slice(end);
    return read;
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }
}

for (const selector of ["deno", "auto"]) {
  Deno.test(`echo.ts sends lines back (--selector ${selector})`, async () => {
    await using server = await ExampleServer.start("echo.ts", [
      "--port",
      "0",
      "--selector",
      selector,
    ], [
      "--allow-net",
      ...selector === "auto" ? ["--allow-ffi"] : [],
    ]);
    using client = await Client.connect(server.port);
    await client.say("one\r");
    assertEquals(await client.until("\n"), "one\n");
    await client.say(`two\n${"x".repeat(60_000)}`);
    assertEquals(await client.until("\n"), "two\n");
    assertEquals((await client.until("\n")).length, 60_001);
    assertEquals(await server.stop(), { code: 0, errors: "" });
  });
}

for (const name of ["echo.ts", "greet.ts", "chat.ts"]) {
  Deno.test(`${name} ends the connection of a line without end, and serves the others`, async () => {
    await using server = await ExampleServer.start(name, ["--port", "0"]);
    using attacker = await Client.connect(server.port);
    const piece = new Uint8Array(16_384).fill(120);
    let written = 0;
    try {
      for (; written < 1e8; written += piece.length) await attacker.conn.write(piece);
    } catch {
      // It was closed.
    }
    assert(written < 1e8);
    using client = await Client.connect(server.port);
    await client.say("Ada\nLondon");
    await client.until("Ada");
    const { code, errors } = await server.stop();
    assertEquals(code, 0);
    assertMatch(
      errors,
      /Cannot read a line: it is longer than \d+ characters, the maxLength of lines/,
    );
  });
}

Deno.test("echo.ts tells on SIGUSR2 what it waits for", async () => {
  await using server = await ExampleServer.start("echo.ts", ["--port", "0", "--selector", "deno"]);
  using client = await Client.connect(server.port);
  await client.say("hello");
  await client.until("\n");
  server.signal("SIGUSR2");
  await client.say("again"); // answered after the signal was
  await client.until("\n");
  const { errors } = await server.stop();
  assertMatch(errors, /^reader listener tcp 127\.0\.0\.1:\d+ \(for \d+ ms\)$/m);
  assertMatch(
    errors,
    /^coroutine \w+ on tcp 127\.0\.0\.1:\d+ <- 127\.0\.0\.1:\d+ \(waits to read\)\n {4}at /m,
  );
});

Deno.test("greet.ts holds its conversation over a socket", async () => {
  await using server = await ExampleServer.start("greet.ts", ["--port", "0"]);
  using client = await Client.connect(server.port);
  await client.until("Your name? ");
  await client.say("Ada");
  await client.until("Your city? ");
  await client.say("London");
  await client.until("Hello, Ada from London!\n");
  assertEquals(await server.stop(), { code: 0, errors: "" });
});

Deno.test("dna_server.ts asks one component after the other", async () => {
  await using server = await ExampleServer.start("dna_server.ts", ["--port", "0"]);
  const answers = await Promise.all(
    ["nl", "fr", "other"].map(async (path) => await (await fetch(server.url + path)).text()),
  );
  assertEquals(answers, ["Hallo!", "Salut!", "Hello!"]);
  assertEquals(await server.stop(), { code: 0, errors: "" });
});

Deno.test("chat.ts sends what one says to the others, and tells who comes and goes", async () => {
  await using server = await ExampleServer.start("chat.ts", ["--port", "0"]);
  using ada = await Client.connect(server.port);
  await ada.until("? ");
  await ada.say("Ada");
  await ada.until("* Ada joins 0 others\n");
  {
    using bob = await Client.connect(server.port);
    await bob.until("? ");
    await bob.say("Bob");
    await ada.until("* Bob joins 1 others\n");
    await ada.say("Hello");
    await bob.until("Ada: Hello\n");
    await bob.say("Hi");
    assertEquals(await ada.until("Bob: Hi\n"), "Bob: Hi\n");
  }
  await ada.until("* Bob leaves\n");
  assertEquals(await server.stop(), { code: 0, errors: "" });
});

Deno.test("udp_echo.ts sends datagrams back", async () => {
  await using server = await ExampleServer.start("udp_echo.ts", ["--port", "0"], [
    "--allow-net",
    "--allow-env",
  ]);
  const client = (await import("node:dgram")).createSocket("udp4");
  try {
    const answer = new Promise<string>((resolve) =>
      client.once("message", (data) => resolve(data.toString()))
    );
    client.send("ping", server.port, "127.0.0.1");
    assertEquals(await answer, "ping");
  } finally {
    client.close();
  }
  assertEquals(await server.stop(), { code: 0, errors: "" });
});

Deno.test("port_scanner.ts prints the ports that are open", async () => {
  using open = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = open.addr;
  const { code, stdout } = await runExample("port_scanner.ts", [
    "--ports",
    `${port - 20}-${port}`,
    "--at-once",
    "5",
  ]);
  assertEquals(code, 0);
  assert(stdout.split("\n").includes(String(port)), stdout);

  const wrong = await runExample("port_scanner.ts", ["--ports", "20-10"]);
  assertEquals([wrong.code, wrong.stdout], [1, ""]);
  assertMatch(wrong.stderr, /^Cannot scan ports 20-10: [^\n]*\n$/);

  const nowhere = await runExample("port_scanner.ts", ["--host", "nowhere.invalid"]);
  assertEquals([nowhere.code, nowhere.stdout], [1, ""]);
  assertMatch(nowhere.stderr, /^Cannot scan nowhere.invalid: [^\n]*\n$/);
});

Deno.test("supervisor.ts merges the output of programs and restarts those that fail", async () => {
  const { code, stdout } = await runExample("supervisor.ts", [
    `sh -c "echo one; echo two >&2"`,
    `sh -c "echo failing; exit 3"`,
  ], ["--allow-run"]);
  assertEquals(code, 1);
  for (const line of ["sh | one", "sh | two", "sh ended with code 0", "sh ended with code 3"]) {
    assertStringIncludes(stdout, `${line}\n`);
  }
  assertEquals(stdout.match(/failing/g)?.length, 4);

  const missing = await runExample("supervisor.ts", ["no-such-program"], ["--allow-run"]);
  assertEquals(missing.code, 1);
  assertMatch(missing.stderr, /^Cannot go on: [^\n]*no-such-program[^\n]*\n$/);
});

for (const name of ["echo.ts", "greet.ts", "dna_server.ts", "chat.ts"]) {
  Deno.test(`${name} ends cleanly on SIGINT and SIGTERM, also with a connection open`, async () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      await using server = await ExampleServer.start(name, ["--port", "0"]);
      assertMatch(server.listening, /^Listening on (http:\/\/)?127\.0\.0\.1:\d+\/?$/);
      using _conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      using busy = await Client.connect(server.port);
      await busy.say("some");
      assertEquals(await server.stop(signal), { code: 0, errors: "" });
    }
  });

  Deno.test(`${name} answers bad options by one line and exit code 1`, async () => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const cases: [string[], RegExp][] = [
      [["--port", "65536"], /^Cannot use port 65536: it must be a number from 0 to 65535$/],
      [["--port", ""], /^Cannot use port : [^\n]*$/],
      [["--port"], /^Option '--port <value>' argument missing\. Usage: [^\n]*$/],
      [["--colour", "red"], /^Unknown option '--colour'\. Usage: [^\n]*$/],
      [["--port", String(taken.addr.port)], /^Cannot start: [^\n]*[Aa]ddress[^\n]*in use[^\n]*$/],
    ];
    await Promise.all(cases.map(async ([args, message]) => {
      const { code, stdout, stderr } = await runExample(name, args);
      assertEquals([code, stdout], [1, ""], args.join(" "));
      assertMatch(stderr.trimEnd(), message, args.join(" "));
    }));
  });
}

Deno.test({ name: "dna_server.ts prints a URL that can be used", ignore: !hasIpv6() }, async () => {
  const args = ["--port", "0", "--hostname", "::1"];
  await using server = await ExampleServer.start("dna_server.ts", args);
  assertEquals(await (await fetch(server.url)).text(), "Hello!");
});

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`supervisor.ts ends its programs on ${signal}`, async () => {
    const begun = `sh -c "echo begun; exec sleep 20"`;
    await using supervisor = await ExampleServer.start("supervisor.ts", [begun], ["--allow-run"]);
    assertEquals(supervisor.listening, "sh | begun");
    const [child] = supervisor.children;
    assertEquals(await supervisor.stop(signal), { code: 0, errors: "" });
    assertThrows(() => Deno.statSync(`/proc/${child}`), Deno.errors.NotFound);
  });
}
