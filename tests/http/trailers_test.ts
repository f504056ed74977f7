/** Trailers, and answers whose bytes the handler writes itself. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { gunzipSync } from "node:zlib";
import type { Coroutine } from "../../compose/mod.ts";
import { sleep } from "../../gio/mod.ts";
import {
  type HttpHandler,
  HttpServer,
  LocalProtocolError,
  ok,
  raw,
  response,
  trailers,
} from "../../http/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { leakTest } from "../_leaks.ts";
import { listening, SELECTORS } from "../_sockets.ts";

function serves(
  name: string,
  handler: HttpHandler,
  test: (talk: (head: string) => Promise<Uint8Array>, errors: unknown[]) => Promise<void>,
): void {
  for (const selector of SELECTORS) {
    leakTest(`${name} (${selector})`, async () => {
      const errors: unknown[] = [];
      using reactor = new Reactor({ selector, onError: (error) => errors.push(error) });
      const server = new HttpServer(reactor, { ...listening, handler, compression: true });
      const running = reactor.run();
      try {
        await test(async (head) => {
          using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
          await conn.write(new TextEncoder().encode(`${head}Connection: close\r\n\r\n`));
          return new Uint8Array(await new Response(conn.readable).arrayBuffer());
        }, errors);
      } finally {
        reactor.requestShutdown();
        await running;
      }
    });
  }
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const GET = "GET / HTTP/1.1\r\nHost: x\r\n";

const ENDINGS: Record<string, () => Coroutine> = {
  *"after the body"() {
    yield ok();
    yield "abc";
    yield trailers({ "x-sum": "1" });
  },
  *"before the body"() {
    yield ok();
    yield trailers({ "x-sum": "0" });
    yield trailers([["x-sum", 1]]);
    yield "abc";
  },
  *"after a wait"() {
    yield ok();
    yield "abc";
    yield* sleep(0);
    yield trailers(new Headers({ "x-sum": "1" }));
  },
};

for (const [when, handler] of Object.entries(ENDINGS)) {
  serves(`trailers that are yielded ${when} are sent after it`, handler, async (talk, errors) => {
    assertStringIncludes(decode(await talk(GET)), "\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n");
    const old = decode(await talk("GET / HTTP/1.0\r\n"));
    assert(old.endsWith("\r\n\r\nabc"), old);
    const head = decode(await talk("HEAD / HTTP/1.1\r\nHost: x\r\n"));
    assert(head.endsWith("\r\n\r\n") && !head.includes("x-sum"), head);
    assertEquals(errors, []);
  });
}

serves("trailers follow a compressed body", function* () {
  yield ok({ "content-type": "text/plain" });
  yield "abc".repeat(1000);
  yield trailers({ "x-sum": "1" });
  yield "def";
}, async (talk, errors) => {
  const bytes = await talk(`${GET}Accept-Encoding: gzip\r\n`);
  const text = new TextDecoder("latin1").decode(bytes);
  assertStringIncludes(text, "content-encoding: gzip\r\n");
  assert(text.endsWith("0\r\nx-sum: 1\r\n\r\n"));
  assertEquals(decode(gunzipSync(dechunked(bytes))), `${"abc".repeat(1000)}def`);
  assertEquals(errors, []);
});

/** The data of the chunks. */
function dechunked(bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder("latin1").decode(bytes);
  const data: number[] = [];
  for (let at = text.indexOf("\r\n\r\n") + 4;;) {
    const end = text.indexOf("\r\n", at);
    const length = parseInt(text.slice(at, end), 16);
    if (length === 0) return Uint8Array.from(data);
    for (let i = 0; i < length; i++) data.push(bytes[end + 2 + i]!);
    at = end + 2 + length + 2;
  }
}

const WRONG: Record<string, [() => Coroutine, string]> = {
  "before the head": [function* () {
    yield trailers({ "x-sum": "1" });
  }, "before the head"],
  "with a Content-Length": [function* () {
    yield ok({ "content-length": 3 });
    yield trailers({ "x-sum": "1" });
  }, "leave it out"],
};

for (const [when, [handler, message]] of Object.entries(WRONG)) {
  serves(`trailers ${when} are an error of the handler`, handler, async (talk, errors) => {
    assertStringIncludes(decode(await talk(GET)), "HTTP/1.1 500 ");
    assertStringIncludes(String(errors[0]), message);
  });
}

Deno.test("trailers() refuses fields that are needed before the body, or cannot be sent", () => {
  for (const name of ["Content-Length", "transfer-encoding", "set-cookie", "Trailer", "date"]) {
    assertThrows(() => trailers({ [name]: "1" }), LocalProtocolError, "needed before the body");
    assertThrows(() => trailers([[name, "1"]]), LocalProtocolError, "needed before the body");
  }
  assertThrows(() => trailers({ "x": "a\r\nb" }), LocalProtocolError, "line break");
});

serves("a handler may write the bytes of its answer itself", function* (request) {
  yield raw;
  yield "HTTP/1.1 200 Fine\r\nX: ";
  yield new TextEncoder().encode("y\r\n\r\n");
  if (request.hasBody) { for (;;) yield yield; }
}, async (talk, errors) => {
  assertEquals(decode(await talk(GET)), "HTTP/1.1 200 Fine\r\nX: y\r\n\r\n");
  const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n";
  assertEquals(decode(await talk(post)), "HTTP/1.1 200 Fine\r\nX: y\r\n\r\n");
  assertEquals(errors, []);
});

serves("raw bytes that were not sent are taken back when the handler fails", function* () {
  yield raw;
  yield "HTTP/1.1 200 Fine\r\n";
  throw new Error("no");
}, async (talk, errors) => {
  assertStringIncludes(decode(await talk(GET)), "HTTP/1.1 500 ");
  assertEquals(errors.length, 1);
});

serves("raw after a head is an error of the handler", function* () {
  yield response(200);
  yield raw;
}, async (talk, errors) => {
  assertStringIncludes(decode(await talk(GET)), "HTTP/1.1 500 ");
  assertStringIncludes(String(errors[0]), "has been yielded before");
});
