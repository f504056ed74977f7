/** What a forwarder needs of splice.both(): an idle time, and a limit. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { gio, memory, type MemoryContext } from "../../gio/mod.ts";
import {
  Acceptor,
  here,
  Reactor,
  type SelectorName,
  type Socket,
  splice,
  TestClock,
  type Transfer,
  TransferError,
  type TransferredBothWays,
} from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { writeAll } from "./_transfer_ends.ts";

const hostname = "127.0.0.1";
const SELECTORS: SelectorName[] = Deno.build.os === "linux" ? ["deno", "epoll"] : ["deno"];

/** Two connections, to be relayed, on a reactor whose clock the test moves. */
async function forwarder(selector: SelectorName) {
  const stack = new AsyncDisposableStack();
  const clock = new TestClock();
  const reactor = new Reactor({ selector, clock });
  const running = reactor.run();
  stack.defer(async () => {
    reactor.requestShutdown();
    await running;
  });
  const near: Socket[] = [];
  using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => near.push(socket));
  const far: Deno.Conn[] = [];
  for (let i = 0; i < 2; i++) {
    far.push(stack.use(await Deno.connect({ hostname, port: acceptor.port })));
    await turnsUntil(() => near.length > i);
  }
  const [one, other] = near as [Socket, Socket];
  const [client, server] = far as [Deno.Conn, Deno.Conn];
  return {
    reactor,
    clock,
    one,
    other,
    client,
    server,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type Both = Transfer<TransferredBothWays>;

/** Begins the transfer by `await`, or in a coroutine by `yield*`; gives how it has ended. */
const WAYS: Record<
  string,
  (reactor: Reactor, one: Socket, make: (end: Socket | typeof here) => Both) => Promise<unknown>
> = {
  "await": async (_, one, make) => await make(one),
  "yield*": (reactor, one, make) =>
    gio(
      reactor,
      one,
      function* () {
        return yield* make(here);
      }(),
    ).result,
};

for (const selector of SELECTORS) {
  for (const [way, begin] of Object.entries(WAYS)) {
    for (const copy of [false, true]) {
      const how = `${selector}, ${way}${copy ? ", with copy: true" : ""}`;

      leakTest(
        `splice.both() is cut when nothing has moved either way for idleMs (${how})`,
        async () => {
          await using f = await forwarder(selector);
          let transfer!: Both;
          const outcome = assertRejects(
            () =>
              begin(
                f.reactor,
                f.one,
                (one) => transfer = splice.both(one, f.other, { idleMs: 1000, copy }),
              ),
            TransferError,
            "Nothing has moved for 1000 ms",
          );
          await turns(3);
          let [forth, back] = [0, 0];
          for (const from of ["client", "client", "server", "client", "server"] as const) {
            f.clock.advance(999);
            await turns(3);
            await writeAll(f[from], new Uint8Array(10));
            if (from === "client") {
              forth += 10;
            } else back += 10;
            await turnsUntil(() =>
              transfer.transferred.forth.bytes === forth && transfer.transferred.back.bytes === back
            );
          }
          f.clock.advance(999);
          await turns(3);
          assertEquals([transfer.transferred.forth.bytes, transfer.transferred.back.bytes], [
            30,
            20,
          ]);
          f.clock.advance(1);
          const error = await outcome;
          assertEquals([error.side, error.lost, error.transferred.bytes], ["signal", 0, 50]);
          assertEquals((error.cause as Error).name, "TimeoutError");
          for (const end of [f.one, f.other]) {
            end.abort();
          }
        },
      );

      leakTest(`splice.both() that has ended is not cut any more (${how})`, async () => {
        await using f = await forwarder(selector);
        const outcome = begin(
          f.reactor,
          f.one,
          (one) => splice.both(one, f.other, { idleMs: 1000, maxBytes: 4, copy }),
        );
        await writeAll(f.client, new Uint8Array(4));
        for (const end of [f.client, f.server]) await (end as Deno.TcpConn).closeWrite();
        const { forth, back } = await outcome as TransferredBothWays;
        assertEquals([forth.bytes, back.bytes], [4, 0]);
        // What is left is the time that gio gives a connection to close.
        assertEquals(f.reactor.inspect().filter(({ dueMs }) => (dueMs ?? 2000) < 2000), []);
        f.clock.advance(5000);
        await turns(3);
        for (const end of [f.one, f.other]) end.close();
      });

      leakTest(`splice.both() is cut when one way has more than maxBytes (${how})`, async () => {
        for (const from of ["client", "server"] as const) {
          await using f = await forwarder(selector);
          const outcome = assertRejects(
            () =>
              begin(
                f.reactor,
                f.one,
                (one) => splice.both(one, f.other, { maxBytes: 100_000, copy }),
              ),
            TransferError,
            "More than 100000 bytes came from tcp 127.0.0.1:",
          );
          const to = f[from === "client" ? "server" : "client"];
          let received = 0;
          const reading = (async () => {
            const room = new Uint8Array(65536);
            try {
              for (let n; (n = await to.read(room)) !== null;) received += n;
            } catch { /* it is reset */ }
          })();
          await writeAll(f[from], new Uint8Array(100_001));
          const error = await outcome;
          assertEquals([error.side, error.lost, error.transferred.bytes], ["signal", 1, 100_000]);
          assertEquals((error.cause as Error).name, "RangeError");
          await turnsUntil(() => received === 100_000);
          for (const end of [f.one, f.other]) end.abort();
          await reading;
        }
      });
    }
  }
}

Deno.test("splice() and splice.tee() are cut when nothing has moved for idleMs", async () => {
  const begin: ((from: MemoryContext, to: MemoryContext) => Transfer)[] = [
    (from, to) => splice(from, to, { idleMs: 10 }),
    (from, to) => splice.tee(from, memory(), to, { idleMs: 10 }),
  ];
  for (const make of begin) {
    for (const stuck of [false, true]) {
      const clock = new TestClock();
      using reactor = new Reactor({ selector: "deno", clock });
      const [from, to] = [memory(), memory()];
      if (stuck) to.room = 0;
      const task = gio(
        reactor,
        undefined,
        function* () {
          return yield* make(from, to);
        }(),
      );
      const outcome = assertRejects(
        () => task.result,
        TransferError,
        "Nothing has moved for 10 ms",
      );
      from.write("data");
      const pass = async (ms: number) => {
        clock.advance(ms);
        for (let i = 0; i < 3; i++) {
          reactor.step();
          await turns();
        }
      };
      await pass(9);
      if (!stuck) await pass(9);
      assertEquals([to.text, task.done], [stuck ? "" : "data", false]);
      await pass(1);
      const error = await outcome;
      assertEquals(error.side, "signal");
    }
  }
});

Deno.test("splice.both() of connections of Deno is cut when nothing moves", async () => {
  using listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const connect = () => Promise.all([Deno.connect({ hostname, port }), listener.accept()]);
  const ends = [...await connect(), ...await connect()] as const;
  const error = await assertRejects(
    () => splice.both(ends[0]!, ends[2]!, { idleMs: 1 }),
    TransferError,
  );
  assertStringIncludes(error.message, "Nothing has moved for 1 ms");
  for (const end of ends) end.close();
});

Deno.test("idleMs and maxBytes are checked", () => {
  for (const wrong of [-1, NaN, "1" as unknown as number]) {
    assertThrows(() => splice.both(memory(), memory(), { idleMs: wrong }), RangeError, "idleMs");
    assertThrows(() => splice(memory(), memory(), { idleMs: wrong }), RangeError, "idleMs");
    assertThrows(
      () => splice.both(memory(), memory(), { maxBytes: wrong }),
      RangeError,
      "maxBytes",
    );
  }
  assertThrows(() => splice.both(memory(), memory(), { maxBytes: 0.5 }), RangeError, "maxBytes");
});
