import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { stub } from "@std/testing/mock";
import dgram from "node:dgram";
import { datagrams, gio } from "../../gio/mod.ts";
import { DatagramAcceptor, DatagramSocket, Reactor, TestClock } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { hostname, SELECTORS } from "../_sockets.ts";

leakTest("DatagramSocket receives datagrams whole, with who sent them", async () => {
  using reactor = new Reactor();
  using a = await DatagramSocket.bind(reactor, { hostname });
  using b = await DatagramSocket.bind(reactor, { hostname });
  const seen: unknown[] = [];
  assertEquals([b.recv(), b.readable, a.writable], [undefined, false, true]);
  reactor.addReader(b, () => seen.push(b.recv()));
  assertEquals(a.send(new Uint8Array([1, 2]), b.addr), 2);
  assertEquals(a.send(new Uint8Array([3]), b.addr), 1);
  await drive(reactor, () => seen.length === 2);
  const { port } = a.addr;
  const from = { transport: "udp", hostname, port };
  assertEquals(seen, [
    { data: new Uint8Array([1, 2]), from },
    { data: new Uint8Array([3]), from },
  ]);
  await turns(2);
});

leakTest("DatagramSocket accepts no more when too many are on their way", async () => {
  using reactor = new Reactor();
  using socket = await DatagramSocket.bind(reactor, { hostname });
  let accepted = 0;
  while (socket.send(new Uint8Array(1), socket.addr) === 1) accepted++;
  assertEquals([accepted, socket.writable], [64, false]);
  let called = false;
  reactor.addWriter(socket, () => called = true);
  await drive(reactor, () => called);
});

leakTest("DatagramSocket tells of what could not be sent, once", async () => {
  using reactor = new Reactor();
  using socket = await DatagramSocket.bind(reactor, { hostname });
  socket.send(new Uint8Array(70_000), socket.addr);
  reactor.addReader(socket, () => {});
  await drive(reactor, () => socket.readable);
  assertThrows(() => socket.recv(), Error, "EMSGSIZE");
  assertEquals(socket.recv(), undefined);
});

leakTest("DatagramSocket refuses an address in use, and anything when closed", async () => {
  using reactor = new Reactor();
  const socket = await DatagramSocket.bind(reactor, { hostname });
  const { port } = socket.addr;
  await assertRejects(() => DatagramSocket.bind(reactor, { hostname, port }), Error, "EADDRINUSE");
  let calls = 0;
  reactor.addReader(socket, () => calls++);
  socket.close();
  socket.close();
  assertEquals([reactor.step(), reactor.step(), calls, socket.closed], [1, 0, 1, true]);
  assertThrows(() => socket.recv(), Deno.errors.BadResource, "Cannot receive");
  assertThrows(() => socket.send(new Uint8Array(1), socket.addr), Deno.errors.BadResource);
});

leakTest("DatagramSocket closes when the reactor shuts down", async () => {
  const reactor = new Reactor();
  const socket = await DatagramSocket.bind(reactor, { hostname });
  reactor.shutdown();
  assert(socket.closed);
});

leakTest("DatagramAcceptor goes on after an error of its callback", async () => {
  const errors: string[] = [];
  using reactor = new Reactor({ onError: (_, where) => errors.push(where) });
  let count = 0;
  using acceptor = await DatagramAcceptor.bind(reactor, { hostname }, ({ data }) => {
    if (++count === 1) throw new Error("oops");
    assertEquals(data.length, 2);
  });
  using client = await DatagramSocket.bind(reactor, { hostname });
  client.send(new Uint8Array(1), acceptor.addr);
  client.send(new Uint8Array(2), acceptor.addr);
  await drive(reactor, () => count === 2);
  assertEquals(errors, [`callback of udp ${hostname}:${acceptor.addr.port}`]);
});

leakTest("DatagramSocket refuses a port that cannot be, and goes on", async () => {
  using reactor = new Reactor();
  using a = await DatagramSocket.bind(reactor, { hostname });
  using b = await DatagramSocket.bind(reactor, { hostname });
  assertEquals(a.send(new Uint8Array(1), b.addr), 1);
  for (const port of [0, -1, 65536, NaN]) {
    assertThrows(() => a.send(new Uint8Array(1), { hostname, port }), RangeError, `not ${port}`);
  }
  assertEquals(a.send(new Uint8Array(2), b.addr), 2);
  const seen: number[] = [];
  reactor.addReader(b, () => seen.push(b.recv()!.data.length));
  await drive(reactor, () => seen.length === 2);
  assertEquals(seen, [1, 2]);
});

leakTest("DatagramSocket goes on after an address that nobody can send to", async () => {
  using reactor = new Reactor();
  using a = await DatagramSocket.bind(reactor, { hostname });
  using b = await DatagramSocket.bind(reactor, { hostname });
  const failed: unknown[] = [];
  reactor.addReader(a, () => {
    try {
      a.recv();
    } catch (error) {
      failed.push(error);
    }
  });
  a.send(new Uint8Array(1), { hostname: 5 as unknown as string, port: 9 });
  a.send(new Uint8Array(2), b.addr);
  const seen: number[] = [];
  reactor.addReader(b, () => seen.push(b.recv()!.data.length));
  await drive(reactor, () => seen.length === 1 && failed.length === 1);
  assertEquals(seen, [2]);
  assert(failed[0] instanceof TypeError);
});

leakTest("DatagramAcceptor reports a datagram that cannot be answered, and goes on", async () => {
  const errors: string[] = [];
  using reactor = new Reactor({ onError: (error) => errors.push((error as Error).message) });
  using acceptor = await DatagramAcceptor.bind(reactor, { hostname }, ({ data, from }, socket) => {
    // As one from a sender who claims to have port 0.
    socket.send(data, data[0] === 0 ? { ...from, port: 0 } : from);
  });
  using client = await DatagramSocket.bind(reactor, { hostname });
  const seen: Uint8Array[] = [];
  reactor.addReader(client, () => seen.push(client.recv()!.data));
  client.send(new Uint8Array([0]), acceptor.addr);
  client.send(new Uint8Array([1]), acceptor.addr);
  await drive(reactor, () => seen.length === 1);
  assertEquals([seen, errors], [
    [new Uint8Array([1])],
    ["Cannot send: the port must be a whole number from 1 to 65535, not 0"],
  ]);
});

leakTest(
  "DatagramSocket and DatagramAcceptor leave nothing open when they cannot begin",
  async () => {
    using reactor = new Reactor();
    await assertRejects(
      () => DatagramAcceptor.bind(reactor, { hostname, priority: 10 }, () => {}),
      RangeError,
      "its priority must be a whole number from 0 to 9, not 10",
    );
    await assertRejects(() => DatagramSocket.bind(reactor, { hostname, port: 70_000 }), RangeError);
    reactor.shutdown();
    await assertRejects(() => DatagramSocket.bind(reactor, { hostname }), TypeError, "shut down");
  },
);

Deno.test("DatagramSocket rejects an address that it is not permitted", {
  permissions: { net: ["127.0.0.1:1"] },
}, async () => {
  using reactor = new Reactor({ selector: "deno" });
  await assertRejects(
    () => DatagramSocket.bind(reactor, { hostname, port: 2 }),
    Deno.errors.NotCapable,
    'Requires net access to "127.0.0.1:2"',
  );
});

/** The ways in which a socket that has accepted datagrams can be closed. */
const CLOSINGS: Record<string, (socket: DatagramSocket, reactor: Reactor) => unknown> = {
  "close()": (socket) => socket.close(),
  using: (socket) => {
    using _ = socket;
  },
  "close(), and then run() ends": (socket, reactor) => {
    socket.close();
    reactor.requestShutdown();
    return reactor.run();
  },
  "the end of run()": (_, reactor) => {
    reactor.requestShutdown();
    return reactor.run();
  },
};

for (const selector of SELECTORS) {
  for (const [how, close] of Object.entries(CLOSINGS)) {
    leakTest(`DatagramSocket (${selector}) sends what it accepted before ${how}`, async () => {
      using others = new Reactor({ selector });
      using to = await DatagramSocket.bind(others, { hostname });
      using reactor = new Reactor({ selector });
      const socket = await DatagramSocket.bind(reactor, { hostname });
      const seen: number[] = [];
      others.addReader(to, () => seen.push(to.recv()!.data[0]!));
      let accepted = 0;
      while (socket.send(new Uint8Array([accepted]), to.addr) > 0) accepted++;
      await close(socket, reactor);
      assertEquals([socket.closed, accepted], [true, 64]);
      assertThrows(() => socket.send(new Uint8Array(1), to.addr), Deno.errors.BadResource);
      await drive(others, () => seen.length === accepted);
      assertEquals(seen, Array.from({ length: accepted }, (_, i) => i));
    });
  }

  leakTest(`a coroutine (${selector}) that sends datagrams and ends has sent them`, async () => {
    using reactor = new Reactor({ selector });
    using to = await DatagramSocket.bind(reactor, { hostname });
    const from = await DatagramSocket.bind(reactor, { hostname });
    const seen: number[] = [];
    reactor.addReader(to, () => {
      if (seen.push(to.recv()!.data[0]!) === 5) reactor.requestShutdown();
    });
    const sending = gio(
      reactor,
      datagrams(from),
      function* () {
        for (let i = 0; i < 5; i++) yield { data: new Uint8Array([i]), to: to.addr };
      }(),
    );
    await reactor.run();
    await sending.result;
    assertEquals(seen, [0, 1, 2, 3, 4]);
  });

  leakTest(`DatagramSocket (${selector}) sends what it accepted, as it was then`, async () => {
    using reactor = new Reactor({ selector });
    using a = await DatagramSocket.bind(reactor, { hostname });
    using b = await DatagramSocket.bind(reactor, { hostname });
    const seen: number[][] = [];
    reactor.addReader(b, () => seen.push([...b.recv()!.data]));
    const buffer = new Uint8Array(1);
    const empty = { data: new Uint8Array(0), to: b.addr };
    for (let i = 0; i < 63; i++) {
      buffer[0] = i;
      assertEquals(a.send(buffer, b.addr), 1);
    }
    const context = datagrams(a);
    // The 64th is an empty one: it counts.
    assertEquals([context.put!(empty), a.writable, context.put!(empty)], [true, false, false]);
    await drive(reactor, () => seen.length === 64 && a.writable);
    assertEquals(seen, [...Array.from({ length: 63 }, (_, i) => [i]), []]);
    assertEquals(context.put!(empty), true);
    await drive(reactor, () => seen.length === 65);
  });
}

for (const how of ["its linger expires", "it is aborted", "the reactor shuts down", "run() ends"]) {
  leakTest(`DatagramSocket drops what cannot go out when ${how}`, async () => {
    const clock = new TestClock();
    using reactor = new Reactor({ clock, lingerMs: 300 });
    const socket = await DatagramSocket.bind(reactor, { hostname });
    let closed = 0;
    {
      using _ = stub(dgram.Socket.prototype, "send", function (this: dgram.Socket) {
        this.on("close", () => closed++);
      });
      socket.send(new Uint8Array(1), socket.addr);
    }
    socket.close();
    clock.advance(299);
    reactor.step();
    await turns(3);
    assertEquals(closed, 0);
    if (how === "it is aborted") socket.abort();
    else if (how === "the reactor shuts down") reactor.shutdown();
    else if (how === "run() ends") {
      reactor.requestShutdown();
      const running = reactor.run();
      await turns(3);
      clock.advance(300);
      await running;
    } else {
      clock.advance(1);
      reactor.step();
    }
    await turnsUntil(() => closed === 1);
  });
}
