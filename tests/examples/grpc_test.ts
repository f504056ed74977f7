/** grpc_echo.ts, which a client of other people asks: itself, and through proxies. */
import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import http2 from "node:http2";
import type { Duplex } from "node:stream";
import { file, startNginx, startOnFreePort } from "../../bench/_ends.ts";
import { type Server, stop } from "../../bench/_servers.ts";
import { hasCommand } from "../_peers.ts";
import { hostname, SELECTORS } from "../_sockets.ts";
import { ExampleServer, runExample } from "./_server.ts";

// The types of grpc-js come with types of Node for the whole program, which are not those of Deno. So it comes without.
const GRPC: string = "@grpc/grpc-js";
const grpc = await import(GRPC);

const messages = {
  requestSerialize: (message: Uint8Array) => Buffer.from(message),
  requestDeserialize: (message: Buffer) => new Uint8Array(message),
  responseSerialize: (message: Uint8Array) => Buffer.from(message),
  responseDeserialize: (message: Buffer) => new Uint8Array(message),
};

function method(path: string, isStream: boolean): unknown {
  return { path, requestStream: isStream, responseStream: isStream, ...messages };
}

const Echo = grpc.makeGenericClientConstructor({
  say: method("/echo.Echo/Say", false),
  chat: method("/echo.Echo/Chat", true),
  none: method("/echo.Echo/None", false),
}, "Echo");

/** What comes of a call: a message, or why there is none. */
type Answer = { message: Uint8Array } | { code: number; details: string };

class Client implements Disposable {
  readonly #client;

  constructor(port: number, options: Record<string, number> = {}) {
    const unlimited = { "grpc.max_receive_message_length": -1 };
    const credentials = grpc.credentials.createInsecure();
    this.#client = new Echo(`${hostname}:${port}`, credentials, { ...unlimited, ...options });
  }

  call(name: "say" | "none", message: Uint8Array): Promise<Answer> {
    return new Promise((resolve) => {
      const done = (error: { code: number; details: string } | null, answer: Uint8Array) =>
        resolve(
          error === null ? { message: answer } : { code: error.code, details: error.details },
        );
      this.#client[name](message, done);
    });
  }

  chat(): Chat {
    return new Chat(this.#client.chat());
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** A call whose messages go both ways. */
class Chat {
  readonly #call: Duplex & { cancel(): void };
  readonly #messages: AsyncIterator<Uint8Array>;
  readonly status: Promise<number>;

  constructor(call: Duplex & { cancel(): void }) {
    this.#call = call;
    this.status = new Promise((resolve) => call.on("status", ({ code }) => resolve(code)));
    call.on("error", () => {}); // The status tells.
    this.#messages = call[Symbol.asyncIterator]();
  }

  /** Sends a message and returns that which comes back. */
  async say(message: Uint8Array): Promise<Uint8Array | undefined> {
    this.#call.write(message);
    return (await this.#messages.next()).value;
  }

  cancel(): void {
    this.#call.cancel();
  }

  /** Ends the sending, and waits for the end. */
  async end(): Promise<number> {
    this.#call.end();
    assertEquals((await this.#messages.next()).done, true);
    return await this.status;
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);

function nginx(far: number): Promise<Server> {
  return startNginx((port) => [
    "client_max_body_size 0;",
    `server { listen ${hostname}:${port} http2;`,
    `location / { grpc_pass grpc://${hostname}:${far}; } }`,
  ]);
}

function haproxy(far: number): Promise<Server> {
  return startOnFreePort("haproxy", (port, folder) => [
    ...["-db", "-q", "-f"],
    file(`${folder}/haproxy.cfg`, [
      "global",
      "nbthread 1",
      "defaults",
      "mode http",
      "option http-no-delay",
      ...["connect", "client", "server"].map((what) => `timeout ${what} 60s`),
      "listen relay",
      `bind ${hostname}:${port} proto h2`,
      `server far ${hostname}:${far} proto h2`,
    ]),
  ]);
}

const FRONTS = { nginx, haproxy };
const RIGHTS = ["--allow-net", "--allow-ffi"];

/** What a client finds, wherever the service is. */
async function tryAll(port: number): Promise<void> {
  using client = new Client(port);
  for (const size of [5, 0, 1, 100_000, 4 * 1024 * 1024]) {
    const message = new Uint8Array(size).map((_, i) => i * 31);
    const answer = await client.call("say", message);
    assert("message" in answer, JSON.stringify(answer));
    assertEquals(Buffer.compare(answer.message, message), 0);
  }
  const many = Array.from({ length: 200 }, (_, i) => bytes(`Message ${i}`));
  const answers = await Promise.all(many.map((message) => client.call("say", message)));
  assertEquals(answers, many.map((message) => ({ message })));

  // Each message waits for the answer of the one before.
  const chats = [client.chat(), client.chat(), client.chat()];
  for (const message of many.slice(0, 50)) {
    for (const chat of chats) assertEquals(await chat.say(message), message);
  }
  chats[0]!.cancel();
  assertEquals(await chats[0]!.status, grpc.status.CANCELLED);
  assertEquals(await chats[1]!.say(bytes("still here")), bytes("still here"));
  assertEquals([await chats[1]!.end(), await chats[2]!.end()], [0, 0]);

  assertEquals(await client.call("none", bytes("x")), {
    code: grpc.status.UNIMPLEMENTED,
    details: "There is no /echo.Echo/None",
  });
}

for (const selector of SELECTORS) {
  const args = ["--port", "0", "--selector", selector];

  Deno.test(`grpc_echo.ts answers grpc-js (${selector})`, async () => {
    await using server = await ExampleServer.start("grpc_echo.ts", args, RIGHTS);
    await tryAll(server.port);
    using client = new Client(server.port);
    assertEquals(await client.call("say", new Uint8Array(4 * 1024 * 1024 + 1)), {
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: "4194305 bytes are more than 4194304",
    });
    using compressing = new Client(server.port, {
      "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip,
    });
    assertEquals(await compressing.call("say", bytes("x".repeat(1000))), {
      code: grpc.status.UNIMPLEMENTED,
      details: "Messages must not be compressed",
    });
    const chat = client.chat();
    assertEquals(await chat.say(bytes("hello")), bytes("hello"));
    assertEquals(await chat.end(), 0);
    assertEquals(await server.stop(), { code: 0, errors: "" });
  });

  Deno.test(`grpc_echo.ts tells of messages that do not come (${selector})`, async () => {
    await using server = await ExampleServer.start("grpc_echo.ts", args, RIGHTS);
    const session = http2.connect(`http://${hostname}:${server.port}`);
    const ask = (path: string, sent: Uint8Array | undefined, headers = {}) => {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        ...headers,
      });
      const told = new Promise((resolve, reject) => {
        stream.on("trailers", (trailers) => resolve(trailers["grpc-status"]));
        stream.on("error", reject);
      });
      stream.resume();
      if (sent !== undefined) stream.end(sent);
      return told;
    };
    const one = [0, 0, 0, 0, 1, 120];
    assertEquals(await ask("/echo.Echo/Chat", new Uint8Array()), "0");
    assertEquals(await ask("/echo.Echo/Say", new Uint8Array()), "13");
    assertEquals(await ask("/echo.Echo/Say", new Uint8Array(one.slice(0, 3))), "13");
    assertEquals(await ask("/echo.Echo/Say", new Uint8Array(one.slice(0, 5))), "13");
    assertEquals(await ask("/echo.Echo/Say", new Uint8Array([...one, ...one])), "13");
    assertEquals(await ask("/echo.Echo/Chat", undefined, { "grpc-timeout": "1m" }), "4");
    await new Promise<void>((resolve) => session.close(resolve));
    assertEquals(await server.stop(), { code: 0, errors: "" });
  });

  for (const [command, front] of Object.entries(FRONTS)) {
    if (!hasCommand(command)) continue;
    Deno.test(`grpc_echo.ts answers through ${command} (${selector})`, async () => {
      await using server = await ExampleServer.start("grpc_echo.ts", args, RIGHTS);
      const proxy = await front(server.port);
      try {
        await tryAll(proxy.port);
      } finally {
        await stop(proxy);
      }
      assertEquals(await server.stop(), { code: 0, errors: "" });
    });
  }
}

Deno.test("grpc_echo.ts answers bad options by one line and exit code 1", async () => {
  const { code, stderr } = await runExample("grpc_echo.ts", ["--port", "x"]);
  assertEquals([code, stderr.split("\n").length], [1, 2], stderr);
});
