/** What reactor.inspect() tells of requests that are being handled. */
import { assertEquals, assertMatch } from "@std/assert";
import { sleep, wait } from "../../gio/mod.ts";
import { HttpServer, ok } from "../../http/mod.ts";
import type { Inspected, Reactor } from "../../reactor/mod.ts";
import { turnsUntil } from "../_leaks.ts";
import { hostname, listening } from "../_sockets.ts";
import { serverTest } from "./_live.ts";

const handled = (reactor: Reactor) => reactor.inspect().filter(({ kind }) => kind === "coroutine");

for (const compression of [false, true]) {
  const WAITS: [target: string, waits: Inspected["waits"], isKnown: boolean][] = [
    ["/sleep", "for an answer", true],
    ["/wait", "for an answer", true],
    ["/body", "to read", false],
    ["/full", "to write", false],
  ];
  for (const [target, waits, isKnown] of WAITS) {
    serverTest(
      `inspect() tells where a handler waits: ${target}, compression ${compression}`,
      async (reactor) => {
        using server = new HttpServer(reactor, {
          ...listening,
          compression,
          *handler({ path }) {
            if (path === "/sleep") yield* sleep(60_000);
            if (path === "/wait") yield* wait(new Promise(() => {}));
            if (path === "/body") yield;
            yield ok();
            for (;;) yield new Uint8Array(65_536);
          },
        });
        const conn = await Deno.connect({ hostname, port: server.port });
        assertEquals(handled(reactor), []);
        const head = `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n`;
        await conn.write(new TextEncoder().encode(head));
        await turnsUntil(() => handled(reactor)[0]?.waits === waits);
        const [told] = handled(reactor);
        assertMatch(told!.what, new RegExp(`^POST ${target} on tcp `));
        assertMatch(
          told!.where!,
          isKnown ? /^at handler \(.*inspect_test\.ts:\d+:\d+\)$/ : /^at handler \(line unknown\)$/,
        );
        conn.close();
        await server.shutdown({ deadlineMs: 0 });
        await turnsUntil(() => handled(reactor).length === 0);
      },
    );
  }
}

serverTest("inspect() tells where a handler waits in its finally", async (reactor) => {
  using server = new HttpServer(reactor, {
    ...listening,
    *handler() {
      try {
        yield;
      } finally {
        yield* sleep(60_000);
      }
    },
  });
  const conn = await Deno.connect({ hostname, port: server.port });
  await conn.write(
    new TextEncoder().encode("POST /fin HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"),
  );
  await turnsUntil(() => handled(reactor)[0]?.waits === "to read");
  conn.close();
  await turnsUntil(() => handled(reactor)[0]?.waits === "for an answer");
  assertMatch(handled(reactor)[0]!.where!, /^at handler \(.*inspect_test\.ts:\d+:\d+\)$/);
});
