/** Errors say what they are about. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { HttpServer, ok } from "../../http/mod.ts";
import {
  Acceptor,
  type AcceptorOptions,
  connect,
  type ConnectOptions,
  Reactor,
} from "../../reactor/mod.ts";
import { leakTest } from "../_leaks.ts";
import { CERT, KEY } from "./_tls.ts";
import { hostname, SELECTORS } from "../_sockets.ts";

/** Has an error's class, code, and message, and the message is in its stack. */
function assertTells(error: Error, kind: new () => Error, code: string, message: string): void {
  assertEquals([error.constructor, error.message], [kind, message]);
  assertEquals((error as { code?: string }).code, code);
  assert(error.stack!.includes(message), error.stack);
}

for (const selector of SELECTORS) {
  leakTest(`what cannot be listened on is in the error (${selector})`, () => {
    using reactor = new Reactor({ selector });
    using taken = Deno.listen({ hostname, port: 0 });
    const { port } = taken.addr;
    const listen = (options: AcceptorOptions) =>
      assertThrows(() => new Acceptor(reactor, options, () => {}), Error);
    for (const tls of [{}, { cert: CERT, key: KEY }]) {
      assertTells(
        listen({ hostname, port, ...tls }),
        Deno.errors.AddrInUse,
        "EADDRINUSE",
        `Cannot listen on tcp ${hostname}:${port}: Address already in use (os error 98); end the program that listens there, or give another port, or 0 for any that is free`,
      );
      assertTells(
        listen({ hostname: "192.0.2.1", port: 0, ...tls }),
        Deno.errors.AddrNotAvailable,
        "EADDRNOTAVAIL",
        "Cannot listen on tcp 192.0.2.1:0: Cannot assign requested address (os error 99)",
      );
    }
    const path = "/nowhere/at/all";
    const error = listen({ path });
    assert(error instanceof Deno.errors.NotFound);
    assertEquals(error.message.split(": ")[0], `Cannot listen on unix ${path}`);
  });

  leakTest(`what cannot be connected to is in the error (${selector})`, async () => {
    using reactor = new Reactor({ selector });
    const listener = Deno.listen({ hostname, port: 0 });
    const { port } = listener.addr;
    listener.close();
    const connecting = (options: ConnectOptions) =>
      assertRejects(() => connect(reactor, options), Error);
    for (const tls of [false, true, { cert: CERT, key: KEY }]) {
      assertTells(
        await connecting({ hostname, port, tls }),
        Deno.errors.ConnectionRefused,
        "ECONNREFUSED",
        `Cannot connect to tcp ${hostname}:${port}: Connection refused (os error 111)`,
      );
      const lookup = await connecting({ hostname: "name.invalid", port: 1, tls });
      assert(lookup.message.startsWith("Cannot connect to tcp name.invalid:1: "), lookup.message);
    }
    const path = "/nowhere/at/all";
    const error = await connecting({ path });
    assert(error instanceof Deno.errors.NotFound);
    assertEquals(error.message.split(": ")[0], `Cannot connect to unix ${path}`);
  });
}

leakTest("what aborts a connect() passes untouched", async () => {
  using reactor = new Reactor();
  using listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  for (const reason of [new Error("enough"), new Deno.errors.Interrupted("enough"), "enough"]) {
    const controller = new AbortController();
    const connecting = connect(reactor, { hostname, port, tls: true, signal: controller.signal });
    const conn = await listener.accept();
    controller.abort(reason);
    assertEquals(await connecting.catch((error) => error === reason), true);
    conn.close();
  }
});

Deno.test("an error of a timer without a name shows the timer", () => {
  const told: string[] = [];
  using reactor = new Reactor({ onError: (_, where) => told.push(where) });
  const fail = (): never => {
    throw new Error("oops");
  };
  reactor.addTimer(0, () => fail());
  reactor.addTimer(0, fail);
  reactor.step();
  assertEquals(told.map((where) => where.replaceAll(" ", "")), ["timer()=>fail()", "timerfail"]);
});

leakTest("url of a server that listens everywhere can be opened", async () => {
  using reactor = new Reactor();
  const running = reactor.run();
  const handler = function* () {
    yield ok();
  };
  for (
    const [options, host] of [[{}, "localhost"], [{ hostname: "0.0.0.0" }, "localhost"], [{
      hostname,
    }, hostname]] as const
  ) {
    using server = new HttpServer(reactor, { port: 0, ...options, handler });
    assertEquals(server.url, `http://${host}:${server.port}/`);
    using client = Deno.createHttpClient({});
    await (await fetch(server.url, { client, headers: { connection: "close" } })).body?.cancel();
  }
  using server = new HttpServer(reactor, { port: 0, hostname: "::", handler });
  assertEquals(server.url, `http://localhost:${server.port}/`);
  reactor.requestShutdown();
  await running;
});
