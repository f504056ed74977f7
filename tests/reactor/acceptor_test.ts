import net from "node:net";
import { once } from "node:events";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  Acceptor,
  type AcceptorOptions,
  Reactor,
  type Socket,
  TestClock,
  zeroCopy,
} from "../../reactor/mod.ts";
import { leakTest, turns } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { CERT } from "./_tls.ts";
import { hostname, SELECTORS } from "../_sockets.ts";

/** A listener that gives what a test puts in it. */
class FakeListener implements Deno.Listener {
  readonly addr: Deno.Addr = { transport: "tcp", hostname, port: 1 };
  readonly rid = -1;
  accepts = 0;
  #next = Promise.withResolvers<Deno.Conn>();

  accept(): Promise<Deno.Conn> {
    this.accepts++;
    return this.#next.promise;
  }

  fail(error: Error): void {
    const failing = this.#next;
    this.#next = Promise.withResolvers();
    failing.reject(error);
  }

  close(): void {
    this.fail(new Deno.errors.BadResource());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  ref(): void {}
  unref(): void {}
  async *[Symbol.asyncIterator](): AsyncIterableIterator<Deno.Conn> {}
}

function echo(reactor: Reactor, options: Partial<AcceptorOptions>, sockets: Socket[]): Acceptor {
  return new Acceptor(reactor, { hostname, port: 0, ...options }, (socket) => sockets.push(socket));
}

leakTest("Acceptor throws at once when the port is in use", () => {
  using listener = Deno.listen({ hostname, port: 0 });
  using reactor = new Reactor();
  const { port } = listener.addr;
  assertThrows(() => echo(reactor, { port }, []), Deno.errors.AddrInUse);
});

Deno.test("Acceptor says what is missing", () => {
  using reactor = new Reactor();
  assertThrows(() => new Acceptor(reactor, {}, () => {}), TypeError, "give a port");
  assertThrows(() => echo(reactor, { cert: CERT }, []), TypeError, "both a cert and a key");
});

leakTest("Acceptor accepts no more than maxConnections, and goes on when one closes", async () => {
  using reactor = new Reactor();
  const sockets: Socket[] = [];
  using acceptor = echo(reactor, { maxConnections: 2 }, sockets);
  const { port } = acceptor;
  const conns = await Promise.all([1, 2, 3, 4].map(() => Deno.connect({ hostname, port })));
  await drive(reactor, () => sockets.length === 2);
  await turns(5);
  assertEquals([reactor.step(), sockets.length], [0, 2]);
  sockets[0]!.close();
  await drive(reactor, () => sockets.length === 3);
  await turns(5);
  assertEquals([reactor.step(), sockets.length], [0, 3]);
  sockets[1]!.close();
  sockets[2]!.close();
  await drive(reactor, () => sockets.length === 4);
  for (const conn of conns) conn.close();
});

leakTest("Acceptor survives an error of its callback, and aborts that connection", async () => {
  const errors: string[] = [];
  using reactor = new Reactor({ onError: (_, where) => errors.push(where) });
  let calls = 0;
  using acceptor = new Acceptor(reactor, { hostname, port: 0 }, () => {
    if (++calls === 1) throw new Error("oops");
  });
  const { port } = acceptor;
  using a = await Deno.connect({ hostname, port });
  await drive(reactor, () => calls === 1);
  const read = a.read(new Uint8Array(1));
  if (zeroCopy.supported) await assertRejects(() => read, Deno.errors.ConnectionReset);
  else assertEquals(await read, null);
  using _b = await Deno.connect({ hostname, port });
  await drive(reactor, () => calls === 2);
  assertEquals(errors, [`callback of listener tcp ${hostname}:${port}`]);
  assertEquals(reactor.openConnections.size, 1);
});

Deno.test("Acceptor pauses when it cannot accept, says so once, and tries again", async () => {
  const clock = new TestClock();
  const errors: string[] = [];
  const onError = (error: unknown) => errors.push((error as Error).message);
  using reactor = new Reactor({ selector: "deno", clock, onError });
  const listener = new FakeListener();
  using acceptor = new Acceptor(reactor, { listener }, () => {});
  for (let round = 1; round <= 3; round++) {
    listener.fail(new Error("Too many open files (os error 24)"));
    await turns();
    assertEquals([reactor.step(), reactor.step(), listener.accepts], [1, 0, round]);
    clock.advance(100);
    reactor.step();
  }
  assertEquals(errors, ["Too many open files (os error 24)"]);
  acceptor.close();
  await turns();
});

/** A listener to which somebody has connected already, again and again. */
class BusyListener extends FakeListener {
  readonly conns: FakeConn[] = [];

  override accept(): Promise<Deno.Conn> {
    const conn = new FakeConn();
    this.conns.push(conn);
    return Promise.resolve(conn as unknown as Deno.Conn);
  }

  override close(): void {}

  get open(): number {
    return this.conns.filter(({ isOpen }) => isOpen).length;
  }
}

class FakeConn {
  isOpen = true;
  close(): void {
    this.isOpen = false;
  }
}

Deno.test("Acceptor takes several clients in a step when they come faster than it steps", async () => {
  using reactor = new Reactor({ selector: "deno", clock: new TestClock() });
  const listener = new BusyListener();
  const acceptor = new Acceptor(reactor, { listener }, () => {});
  for (let step = 1; step <= 3; step++) {
    await turns();
    reactor.step();
    assertEquals(acceptor.connections, 16 * step);
  }
  await turns();
  assertEquals(listener.open, 64);
  acceptor.close();
  await turns();
  // Those that nobody has taken are closed.
  assertEquals(listener.open, 48);
});

Deno.test("Acceptor that has as many connections as it may have accepts a few more, and no others", async () => {
  using reactor = new Reactor({ selector: "deno", clock: new TestClock() });
  const listener = new BusyListener();
  using acceptor = new Acceptor(reactor, { listener, maxConnections: 20 }, () => {});
  for (let step = 0; step < 10; step++) {
    await turns();
    reactor.step();
  }
  assertEquals([acceptor.connections, listener.conns.length], [20, 32]);
});

for (const selector of SELECTORS) {
  leakTest(`Acceptor passes over who has gone before being accepted (${selector})`, async () => {
    const errors: unknown[] = [];
    const listener = Deno.listen({ hostname, port: 0 });
    const { port } = listener.addr;
    for (let i = 0; i < 3; i++) {
      const client = net.connect({ host: hostname, port });
      await once(client, "connect");
      client.resetAndDestroy();
      await once(client, "close");
    }
    // The clock stands still: a pause would have no end.
    const clock = new TestClock();
    using reactor = new Reactor({ selector, clock, onError: (error) => errors.push(error) });
    const remotes: unknown[] = [];
    using _acceptor = new Acceptor(reactor, { listener }, ({ remoteAddr }) => {
      remotes.push(remoteAddr);
    });
    using conn = await Deno.connect({ hostname, port });
    const isThere = (addr: unknown) =>
      (addr as Deno.NetAddr).port === (conn.localAddr as Deno.NetAddr).port;
    await drive(reactor, () => remotes.some(isThere));
    assertEquals(errors, []);
  });
}

leakTest("Acceptor that is closed stops listening, and its connections live on", async () => {
  using reactor = new Reactor();
  const sockets: Socket[] = [];
  const acceptor = echo(reactor, {}, sockets);
  using conn = await Deno.connect({ hostname, port: acceptor.port });
  await drive(reactor, () => sockets.length === 1);
  acceptor.close();
  acceptor.close();
  sockets[0]!.send(new Uint8Array(3));
  assertEquals(await conn.read(new Uint8Array(10)), 3);
  using again = Deno.listen({ hostname, port: acceptor.port });
  assertEquals(again.addr.port, acceptor.port);
});

leakTest("Acceptor closes when the reactor shuts down, even while paused", async () => {
  const reactor = new Reactor();
  const sockets: Socket[] = [];
  const acceptor = echo(reactor, { maxConnections: 1 }, sockets);
  using _conn = await Deno.connect({ hostname, port: acceptor.port });
  await drive(reactor, () => sockets.length === 1);
  reactor.shutdown();
  using again = Deno.listen({ hostname, port: acceptor.port });
  assert(again);
});

leakTest("Acceptor of a Unix socket removes its file", async () => {
  const path = `${Deno.makeTempDirSync()}/socket`;
  using reactor = new Reactor();
  const acceptor = new Acceptor(reactor, { path }, () => {});
  assertEquals([acceptor.port, (acceptor.addr as Deno.UnixAddr).path], [0, path]);
  assert(Deno.statSync(path).isSocket);
  acceptor.close();
  assertThrows(() => Deno.statSync(path), Deno.errors.NotFound);
  Deno.removeSync(path.slice(0, -"/socket".length));
  await turns();
});

leakTest("events tell of accepted connections", async () => {
  const accepted: Socket[] = [];
  using reactor = new Reactor({ events: { accepted: (socket) => accepted.push(socket) } });
  const sockets: Socket[] = [];
  using acceptor = echo(reactor, {}, sockets);
  using _conn = await Deno.connect({ hostname, port: acceptor.port });
  await drive(reactor, () => sockets.length === 1);
  assertStrictEquals(accepted[0], sockets[0]);
});

leakTest("Acceptor refuses a maxConnections that is no number of connections", () => {
  using reactor = new Reactor();
  for (const maxConnections of [-1, 0, 1.5, NaN, "many" as never]) {
    assertThrows(
      () => new Acceptor(reactor, { port: 0, maxConnections }, () => {}),
      RangeError,
      `maxConnections must be a whole number of at least 1, not ${Deno.inspect(maxConnections)}`,
    );
  }
  new Acceptor(reactor, { port: 0, maxConnections: Infinity }, () => {});
});

leakTest("Acceptor refuses a tcpBacklog that is none", () => {
  using reactor = new Reactor();
  for (const tcpBacklog of [-1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 32]) {
    assertThrows(
      () => new Acceptor(reactor, { port: 0, tcpBacklog }, () => {}),
      RangeError,
      `tcpBacklog must be a whole number from 0 to 2147483647, not ${tcpBacklog}`,
    );
  }
});

leakTest("Acceptor leaves nothing open when it cannot begin", () => {
  const address = { hostname: "127.0.0.1", port: 0 };
  const reactor = new Reactor();
  assertThrows(
    () => new Acceptor(reactor, { ...address, priority: 10 }, () => {}),
    RangeError,
    "its priority must be a whole number from 0 to 9, not 10",
  );
  reactor.shutdown();
  assertThrows(() => new Acceptor(reactor, address, () => {}), TypeError, "shut down");
});

// The runtime opens descriptors of its own at the first subprocess.
await new Deno.Command("true").output();

/** More than a program may have open that is started with `MOST_OPEN`. */
const MANY = 80;
const MOST_OPEN = 70;

for (const selector of Deno.build.os === "linux" ? ["deno", "epoll"] : []) {
  leakTest(
    `Acceptor (${selector}) serves those who are there when the system has no more descriptors, and the others later`,
    async () => {
      const program = new URL("_few_descriptors.ts", import.meta.url).href;
      const shell = `ulimit -n ${MOST_OPEN} && exec "$0" run --no-check -A "$1" "$2"`;
      await using server = new Deno.Command("sh", {
        args: ["-c", shell, Deno.execPath(), program, selector],
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const output = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
      const errors = server.stderr.pipeThrough(new TextDecoderStream()).getReader();
      const conns: Deno.TcpConn[] = [];
      const echoed = async (conn: Deno.Conn) => {
        await conn.write(new Uint8Array(3));
        return await conn.read(new Uint8Array(10));
      };
      try {
        const port = Number((await output.read()).value);
        while (conns.length < MANY) conns.push(await Deno.connect({ hostname, port }));
        const { value: report } = await errors.read();
        assertMatch(
          report!,
          /^Error in accept of listener tcp .*, which pauses: \w+: Too many open files .*\n/,
        );
        assertEquals(await echoed(conns[0]!), 3);
        for (const conn of conns.splice(0, MANY / 2)) conn.close();
        for (const conn of conns) assertEquals(await echoed(conn), 3);
      } finally {
        for (const conn of conns) conn.close();
        server.kill();
        await Promise.all([output.cancel(), errors.cancel()]);
      }
    },
  );
}

leakTest(
  "Acceptor tells when its callback returns a coroutine, and aborts the connection",
  async () => {
    const told: unknown[] = [];
    using reactor = new Reactor({ onError: (error) => told.push(error) });
    function* serve() {
      yield "never";
    }
    using acceptor = new Acceptor(reactor, { hostname, port: 0 }, () => serve());
    const running = reactor.run();
    try {
      using conn = await Deno.connect({ hostname, port: acceptor.port });
      await conn.read(new Uint8Array(1));
    } catch (error) {
      assert(error instanceof Deno.errors.ConnectionReset, `${error}`);
    }
    assertMatch(
      `${told}`,
      /^TypeError: Cannot serve a connection: .*gio\(reactor, socket, main\(\)\)$/,
    );
    reactor.requestShutdown();
    await running;
  },
);
