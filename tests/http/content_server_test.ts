/** Content coroutines in handlers, on sockets of both kinds. */
import { assertEquals } from "@std/assert";
import { call, type Coroutine, readAll } from "../../compose/mod.ts";
import { sleep } from "../../gio/mod.ts";
import {
  compress,
  type ContentCoding,
  decompress,
  encodeWhole,
  type HttpRequest,
  HttpServer,
  ok,
} from "../../http/mod.ts";
import { pipe } from "../../pipeline/mod.ts";
import { Reactor } from "../../reactor/mod.ts";
import { leakTest } from "../_leaks.ts";
import { listening, SELECTORS } from "../_sockets.ts";

const BODY = "All work and no play makes Jack a dull boy.\n".repeat(5000);

/** Reads a body in a content coding, and answers with it in the same. */
function* again(request: HttpRequest): Coroutine {
  const coding = request.headers.get("content-encoding") as ContentCoding;
  const body = yield* call(pipe(decompress(coding), read()));
  yield ok({ "content-encoding": coding });
  yield pipe(slowly(body), compress(coding));
}

function* read(): Coroutine<string> {
  const body = (yield* call(readAll(Infinity))) as Uint8Array;
  return new TextDecoder().decode(body);
}

function* slowly(body: string): Coroutine {
  yield body.slice(0, 1000);
  yield* sleep(1);
  yield body.slice(1000);
}

for (const selector of SELECTORS) {
  leakTest(`a handler reads and answers in content codings (${selector})`, async () => {
    const errors: unknown[] = [];
    using reactor = new Reactor({ selector, onError: (error) => errors.push(error) });
    const server = new HttpServer(reactor, { ...listening, handler: again });
    const running = reactor.run();
    // Others are not understood by every fetch().
    for (const coding of ["gzip", "br"] as const) {
      const response = await fetch(`http://127.0.0.1:${(server.addr as Deno.NetAddr).port}/`, {
        method: "POST",
        headers: { "content-encoding": coding },
        body: encodeWhole(coding, BODY) as Uint8Array<ArrayBuffer>,
      });
      assertEquals(await response.text(), BODY);
      const faulty = await fetch(`http://127.0.0.1:${(server.addr as Deno.NetAddr).port}/`, {
        method: "POST",
        headers: { "content-encoding": coding, connection: "close" },
        body: "Hello",
      });
      assertEquals([faulty.status, (await faulty.text()).includes(coding)], [400, true]);
    }
    server.close();
    reactor.requestShutdown();
    await running;
    assertEquals(errors, []);
  });
}
