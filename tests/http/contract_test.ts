/** Each row of the table in docs/http_handlers.md, through a live socket of both kinds. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import {
  fetchHandler,
  type HttpHandler,
  type HttpRequest,
  HttpServer,
  ok,
} from "../../http/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { listening } from "../_sockets.ts";
import { type Form, type Slip, slips, type World } from "./_contract.ts";
import { NEXT, outcomeOf } from "./_contract_client.ts";
import { serverTest } from "./_live.ts";

/** What no client may see: a stack, a path, the name of a class or a file of ours. */
const INTERNAL =
  /\bat .*:\d+|file:|\/\w+\/\w+\.\w+|Error:|secret|\b[a-z_]+\.ts\b|ProtocolError|EndOfStream/;

function nameOf({ what }: Slip): string {
  return `a handler ${what}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** Says `par` to each that connects, and ends. */
function truncated(): Disposable & { port: number } {
  const listener = Deno.listen(listening);
  (async () => {
    for await (const conn of listener) {
      await conn.write(new TextEncoder().encode("par"));
      conn.close();
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    [Symbol.dispose]: () => listener.close(),
  };
}

function requestOf({ method = "GET", fields = "", body = "" }: Slip, form: Form): string {
  const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
  const version = form === "1.0" ? "1.0" : "1.1";
  const keep = form === "1.0" ? "Connection: keep-alive\r\n" : "";
  const target = method === "CONNECT" ? "x:80" : "/slip";
  return `${method} ${target} HTTP/${version}\r\nHost: ${
    method === "CONNECT" ? target : "x"
  }\r\n${keep}${fields}${length}\r\n${body}`;
}

for (const slip of slips) {
  serverTest(nameOf(slip), async (reactor, errors) => {
    const told: unknown[] = [];
    let running = 0;
    let world!: World;
    let earlier!: HttpRequest;
    const handler = slip.fetch === undefined
      ? slipping
      : fetchHandler((request) => slip.fetch!(request, world));
    function slipping(request: HttpRequest): Coroutine {
      const coroutine = slip.handler!({ ...world, request });
      if (Symbol.iterator in Object(coroutine)) return counted(coroutine as Coroutine);
      return coroutine as Coroutine;
    }
    function* counted(coroutine: Coroutine): Coroutine {
      running++;
      try {
        return yield coroutine;
      } finally {
        running--;
      }
    }
    using server = new HttpServer(reactor, {
      ...listening,
      handler: function (request) {
        if (request.path !== "/next") return handler(request);
        earlier = request;
        return next();
      } as HttpHandler,
      onError: (error) => told.push(error),
      compression: slip.compression ?? false,
    });
    using upstream = truncated();
    const short = await Deno.makeTempFile();
    await Deno.writeTextFile(short, "abc");
    assertEquals((await outcomeOf(server.port, NEXT)).body, "next");
    for (const form of slip.forms) {
      told.length = 0;
      world = {
        request: earlier,
        earlier,
        later: [],
        head: ok(form === "length" ? { "content-length": 6 } : {}),
        form,
        missing: `${short}.missing`,
        short,
        upstream: upstream.port,
      };
      const expected = typeof slip.sees === "function" ? slip.sees(form) : slip.sees;
      const { received, ...outcome } = await outcomeOf(
        server.port,
        requestOf(slip, form),
        slip,
      );
      const isCut = !outcome.isWhole || outcome.connection === "reset";
      for (const read of world.later) await assertRejects(read, TypeError);
      const isAborted = expected.then === "aborted" && outcome.connection !== "open";
      assertEquals(outcome.status, expected.status, form);
      if (expected.body !== undefined) assertEquals(outcome.body, expected.body, form);
      const then = isAborted ? "aborted" : isCut && !slip.leaves ? "cut" : outcome.connection;
      assertEquals(then, expected.then, `${form}: ${received}`);
      assert(!INTERNAL.test(received), received);
      // Nothing is left, and others are served.
      await turnsUntil(() => server.statistics().open === 0 && running === 0);
      assertEquals((await outcomeOf(server.port, NEXT)).body, "next");
      await turnsUntil(() => server.statistics().open === 0);
      assertEquals(told.length, slip.told.length, `${form}: ${told.map(textOf)}`);
      for (const [i, pattern] of slip.told.entries()) {
        assertMatch(textOf(told[i]), pattern, `${form}: ${textOf(told[i])}`);
      }
      assertEquals(
        reactor.inspect().filter(({ kind }) => kind === "timer" || kind === "connection"),
        [],
      );
    }
    await Deno.remove(short);
    assertEquals(errors, []);
  });
}

function* next(): Coroutine {
  yield ok();
  yield "next";
}

Deno.test("docs/http_handlers.md has the mistakes that are tested, and no others", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/http_handlers.md", import.meta.url));
  const table = text.slice(text.indexOf("| A handler …")).split("\n").slice(2, -1);
  const rows = table.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  assertEquals(rows, slips.map(({ what, answer, reported }) => [what, answer, reported]));
});
