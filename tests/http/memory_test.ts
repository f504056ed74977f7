import { assert, assertEquals } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { call, type Coroutine, readAll, Request } from "../../compose/mod.ts";
import { gio, memory } from "../../gio/mod.ts";
import { accept } from "../../http/websocket/mod.ts";
import { Opening } from "../../http/_opening.ts";
import { settingsOf } from "../../http/_settings.ts";
import { type HttpRequest, ok, serveHttp } from "../../http/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { turns } from "../_leaks.ts";
import { bytes, Driver } from "./_drive.ts";

setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

/** What is in use, after all that can be freed was. */
function inUse(): number {
  gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

Deno.test("HttpRequest.bytes() takes little more than the body, also when that comes byte by byte", () => {
  const size = 200_000;
  let length = 0;
  const driver = new Driver(serveHttp(function* (request): Coroutine {
    length = (yield* call(request.bytes())).length;
    yield ok();
  }));
  driver.feed("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const chunks = bytes("1\r\nx\r\n".repeat(1000));
  const before = inUse();
  for (let i = 0; i < size; i += 1000) driver.feed(chunks);
  const each = (inUse() - before) / size;
  assert(each < 30, `${each} bytes for each`);
  driver.feed("0\r\n\r\n");
  assertEquals(length, size);
});

class Ask extends Request<unknown> {
  override begin(): void {}
}

Deno.test("an idle connection holds on to nothing of its last request", async () => {
  /** Serves one request on `protocol`, and gives what it was made of. */
  function serve(protocol: Coroutine, kept: Map<string, WeakRef<WeakKey>>, request: string): void {
    const chunk = bytes(request);
    kept.set("the chunk that was received", new WeakRef(chunk));
    let { value } = protocol.next(chunk);
    while (value !== undefined) {
      if (!(value instanceof Ask)) {
        value = protocol.next().value;
        continue;
      }
      const answer = { answer: true };
      kept.set("the request", new WeakRef(value)).set("its answer", new WeakRef(answer));
      value = protocol.next(answer).value;
    }
  }
  const POST = "POST / HTTP/1.1\r\nHost: x\r\n";
  const requests = {
    "in one piece": `${POST}Content-Length: 1\r\n\r\na`,
    "of an unknown method": `UN${POST}Content-Length: 1\r\n\r\na`,
    "in chunks, with a trailer":
      `${POST}Transfer-Encoding: chunked\r\n\r\n1;a=b\r\na\r\n0\r\nB: c\r\n\r\n`,
  };
  for (const [name, text] of Object.entries(requests)) {
    for (const ends of ["well", "by an error", "with its body unread"]) {
      const kept = new Map<string, WeakRef<WeakKey>>();
      const keep = <T extends WeakKey>(name: string, value: T): T => {
        kept.set(name, new WeakRef(value));
        return value;
      };
      const protocol = serveHttp(function* (request): Coroutine {
        keep("the request", request);
        yield* new Ask();
        if (ends !== "with its body unread") {
          keep("the body", yield);
          yield* call(readAll());
          if (request.trailers) keep("the trailers", request.trailers);
        }
        if (ends === "by an error") throw keep("the error", new Error());
        yield keep("the head", ok({ "content-type": "text/plain" }));
        yield keep("the data", bytes("data"));
        return keep("what the handler returned", {});
      }, { onError: () => {} });
      protocol.next();
      serve(protocol, kept, text);
      ok({ "content-type": "text/html" }); // of the heads that were made, the last is kept, for all connections
      await turns(); // what a WeakRef was made of lives to the end of the turn
      gc();
      const held = [...kept].filter(([, ref]) => ref.deref() !== undefined).map(([name]) => name);
      assertEquals([held, kept.size > 4], [[], true], `a request ${name} that ends ${ends}`);
      assertEquals(protocol.return(undefined).done, true);
    }
  }
});

Deno.test("a request does not hold the part of its body that came with its head", async () => {
  let request: HttpRequest | undefined;
  let length = 0;
  const protocol = serveHttp(function* (got): Coroutine {
    request = got;
    for (;;) length += ((yield) as Uint8Array).length;
  });
  const feed = (text: string): WeakRef<Uint8Array> => {
    const chunk = bytes(text);
    assertEquals(protocol.next(chunk).value, undefined);
    return new WeakRef(chunk);
  };
  protocol.next();
  const head = "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\n";
  const first = feed(head + "x".repeat(50_000));
  feed("y");
  await turns();
  gc();
  assertEquals([first.deref(), length], [undefined, 50_001]);
  assertEquals(request!.headers.get("host"), "here");
  protocol.return(undefined);
});

Deno.test("a request that has opened a WebSocket does not hold what was received, and tells its headers", async () => {
  using reactor = new Reactor();
  let request: HttpRequest | undefined;
  function open(): WeakRef<Uint8Array> {
    const chunk = bytes(
      "GET /chat HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Name: Zo\xeb\r\n\r\n",
    );
    const protocol = serveHttp(function* (got): Coroutine {
      request = got;
      yield* accept(got);
      yield;
    });
    gio(reactor, memory(chunk), protocol).result.catch(() => {});
    reactor.step();
    return new WeakRef(chunk);
  }
  const chunk = open();
  await turns();
  gc();
  assertEquals(chunk.deref(), undefined);
  const { headers, target } = request!;
  assertEquals([target, headers.get("x-name"), headers.get("host")], ["/chat", "Zo\xeb", "here"]);
});

const FIRST_BYTES = {
  "HTTP/1.1": "GET / HTTP/1.1\r\nHost: here\r\n\r\n",
  "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
};
for (const [version, text] of Object.entries(FIRST_BYTES)) {
  Deno.test(`an idle connection of a server holds nothing of what came first, in ${version}`, async () => {
    using reactor = new Reactor();
    const handler = function* () {
      yield ok();
    };
    const info = { remoteAddr: undefined, localAddr: undefined, tls: undefined };
    const connection = memory();
    gio(reactor, connection, new Opening(handler, settingsOf({}), info).run());
    function send(): WeakRef<Uint8Array> {
      const chunk = bytes(text);
      connection.write(chunk);
      reactor.step();
      assert(connection.bytes.length > 0, "it has answered");
      return new WeakRef(chunk);
    }
    const chunk = send();
    await turns();
    gc();
    assertEquals(chunk.deref(), undefined);
    connection.end();
    reactor.step();
  });
}
