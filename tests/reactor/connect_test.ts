import { assert, assertEquals, assertRejects } from "@std/assert";
import { stub } from "@std/testing/mock";
import { connectTo, gio } from "../../gio/mod.ts";
import { connect, type ConnectOptions, Reactor, type Socket, startTls } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { CA_CERT, CERT, KEY } from "./_tls.ts";
import { hostname, SELECTORS } from "../_sockets.ts";

const caCerts = [CA_CERT];
const PATH = `${Deno.env.get("TMPDIR") ?? "/tmp"}/weightless-connect-${Deno.pid}.sock`;

function listenUnix(): Deno.Listener {
  const listener = Deno.listen({ transport: "unix", path: PATH });
  const close = listener.close.bind(listener);
  return Object.assign(listener, { close: () => (close(), Deno.removeSync(PATH)) });
}

leakTest("connect() rejects with Deno's error when nobody listens", async () => {
  using reactor = new Reactor();
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assertRejects(() => connect(reactor, { hostname, port }), Deno.errors.ConnectionRefused);
  await assertRejects(() => connect(reactor, { path: "/nowhere" }), Deno.errors.NotFound);
  await assertRejects(() => connect(reactor, {}), TypeError, "give a port or a path");
});

leakTest("connect() takes a name", async () => {
  using listener = Deno.listen({ hostname, port: 0 });
  using reactor = new Reactor();
  using socket = await connect(reactor, { hostname: "localhost", port: listener.addr.port });
  assertEquals(socket.remoteAddr, listener.addr);
});

leakTest("connect() gives up when its signal aborts, before or meanwhile", async () => {
  using reactor = new Reactor();
  using listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  const reason = new Error("enough");
  await assertRejects(
    () => connect(reactor, { hostname, port, signal: AbortSignal.abort(reason) }),
    Error,
    "enough",
  );
  // Nobody shakes hands here.
  const controller = new AbortController();
  const connecting = connect(reactor, { hostname, port, tls: true, signal: controller.signal });
  const conn = await listener.accept();
  controller.abort(reason);
  await assertRejects(() => connecting, Error, "enough");
  conn.close();
  await turnsUntil(() => reactor.openConnections.size === 0);
});

leakTest("connect() gives up when its signal aborts just as the handshake is done", async () => {
  using reactor = new Reactor();
  const controller = new AbortController();
  let closed = 0;
  const conn = {
    handshake() {
      queueMicrotask(() => controller.abort(new Error("enough")));
      return Promise.resolve();
    },
    close() {
      if (closed++ > 0) throw new Deno.errors.BadResource("closed twice");
    },
  };
  {
    using _ = stub(Deno, "connectTls", () => Promise.resolve(conn as unknown as Deno.TlsConn));
    const { signal } = controller;
    const tls = { cert: CERT, key: KEY };
    await assertRejects(() => connect(reactor, { port: 1, tls, signal }), Error, "enough");
  }
  await turns();
  assertEquals(closed, 1);
});

leakTest("connect() with TLS refuses a certificate that it does not trust", async () => {
  using listener = Deno.listenTls({ hostname, port: 0, cert: CERT, key: KEY });
  using reactor = new Reactor();
  const { port } = listener.addr;
  const connecting = connect(reactor, { hostname, port, tls: true });
  const conn = await listener.accept();
  conn.handshake().catch(() => {});
  await assertRejects(() => connecting, Deno.errors.InvalidData);
  conn.close();
});

leakTest("connect() into a reactor that is shut down leaves nothing open", async () => {
  using listener = Deno.listen({ hostname, port: 0 });
  const reactor = new Reactor();
  reactor.shutdown();
  const { port } = listener.addr;
  await assertRejects(() => connect(reactor, { hostname, port }), TypeError, "shut down");
});

/** A server that answers the first line in clear, and goes on with TLS. */
async function serveStartTls(tcp: Deno.TcpListener, tls: Deno.TlsListener): Promise<void> {
  using conn = await tcp.accept();
  await conn.read(new Uint8Array(100));
  await conn.write(new TextEncoder().encode("go ahead\n"));
  // Deno has no TLS server on an open connection: a listener of its own is behind this one.
  using inner = await Deno.connect(tls.addr as Deno.ConnectOptions & Deno.NetAddr);
  const accepted = tls.accept().then(async (secured) => {
    const buffer = new Uint8Array(100);
    const n = await secured.read(buffer);
    await secured.write(buffer.subarray(0, n!));
    secured.close();
  });
  const relay = async (from: Deno.Conn, to: Deno.Conn) => {
    const buffer = new Uint8Array(10_000);
    try {
      for (let n; (n = await from.read(buffer)) !== null;) {
        await to.write(buffer.subarray(0, n));
      }
      await to.closeWrite();
    } catch {
      // The other end is gone.
    }
  };
  await Promise.all([relay(conn, inner), relay(inner, conn), accepted]);
}

leakTest("startTls() secures a connection that was in clear", async () => {
  using tcp = Deno.listen({ hostname, port: 0 });
  using tls = Deno.listenTls({ hostname, port: 0, cert: CERT, key: KEY });
  using reactor = new Reactor();
  const serving = serveStartTls(tcp, tls);
  const socket = await connect(reactor, { hostname, port: tcp.addr.port });
  const addr = socket.localAddr;
  socket.send(new TextEncoder().encode("STARTTLS\n"));
  let securing: Promise<Socket> | undefined;
  reactor.addReader(socket, () => {
    assertEquals(new TextDecoder().decode(socket.recv()!), "go ahead\n");
    reactor.removeReader(socket);
    securing = startTls(reactor, socket, { hostname: "localhost", caCerts });
  });
  await drive(reactor, () => securing !== undefined);
  const secured = await securing!;
  assertEquals([socket.closed, secured.localAddr], [true, addr]);
  secured.send(new TextEncoder().encode("hello"));
  let answer = "";
  reactor.addReader(secured, () => answer += new TextDecoder().decode(secured.recv()!));
  await drive(reactor, () => answer === "hello");
  secured.close();
  await serving;
});

leakTest("startTls() refuses a socket that is in use, or holds what came in clear", async () => {
  using listener = Deno.listen({ hostname, port: 0 });
  using reactor = new Reactor();
  const socket = await connect(reactor, { hostname, port: listener.addr.port });
  using conn = await listener.accept();
  reactor.addReader(socket, () => {});
  await assertRejects(() => startTls(reactor, socket), TypeError, "Cannot detach");
  await conn.write(new Uint8Array(3));
  await drive(reactor, () => socket.readable);
  await assertRejects(() => startTls(reactor, socket), TypeError, "not taken");
  assert(!socket.closed);
});

leakTest(
  "connect() with TLS that is aborted lets the program end, although the peer never answers",
  async () => {
    using listener = Deno.listen({ hostname, port: 0 });
    const program = `
    import { connect, Reactor } from ${JSON.stringify(import.meta.resolve("../../reactor/mod.ts"))};
    using reactor = new Reactor();
    const signal = AbortSignal.timeout(1);
    const options = { hostname: "${hostname}", port: ${listener.addr.port}, tls: true, signal };
    await connect(reactor, options).catch((error) => console.log(error.name));`;
    const running = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", program],
      stdout: "piped",
    }).output();
    using _conn = await listener.accept();
    assertEquals(new TextDecoder().decode((await running).stdout), "TimeoutError\n");
  },
);

leakTest("connect() closes a connection that is made just as its signal aborts", async () => {
  using reactor = new Reactor();
  const { connect: real } = Deno;
  for (const options of [{ port: 0 }, { port: 0, tls: true }, { path: PATH }]) {
    using listener = "path" in options ? listenUnix() : Deno.listen({ hostname, port: 0 });
    const { port = 0 } = listener.addr as Partial<Deno.NetAddr>;
    const controller = new AbortController();
    const { signal } = controller;
    {
      // As Deno does it: after the connection was made, it asks whether it is still wanted.
      using _ = stub(
        Deno,
        "connect",
        (async (to: Deno.ConnectOptions) => {
          const { signal: given, ...others } = to;
          const conn = await real(others);
          controller.abort(new Error("enough"));
          given?.throwIfAborted();
          return conn;
        }) as unknown as typeof Deno.connect,
      );
      const to: ConnectOptions = { ...options, ...("port" in options && { hostname, port }) };
      await assertRejects(() => connect(reactor, { ...to, signal }), Error, "enough");
    }
    const conn = await listener.accept();
    await untilEnd(conn);
  }
  assertEquals(reactor.openConnections.size, 0);
});

leakTest("connect() and startTls() that cannot begin TLS leave nothing open", async () => {
  using reactor = new Reactor();
  using listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  const caCerts = ["-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----"];
  await assertRejects(() => connect(reactor, { hostname, port, tls: { caCerts } }));
  const socket = await connect(reactor, { hostname, port });
  await assertRejects(() => startTls(reactor, socket, { hostname, caCerts }));
  for (let i = 0; i < 2; i++) {
    using conn = await listener.accept();
    assertEquals(await conn.read(new Uint8Array(1)), null);
  }
});

/** Reads to the end, or until the connection is reset. */
async function untilEnd(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  try {
    while ((await conn.read(buffer)) !== null);
  } catch {
    // It was reset.
  }
  conn.close();
}

/** Accepts whatever comes, and counts what it accepts and what ends. */
class Counting {
  accepted = 0;
  ended = 0;
  #listener: Deno.Listener;

  constructor(listener: Deno.Listener) {
    this.#listener = listener;
    this.#accept();
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      this.accepted++;
      untilEnd(conn).then(() => this.ended++);
    }
  }

  /** Everything before a last connection has been accepted when that has; then all ends. */
  async settle(last: () => Promise<Deno.Conn>): Promise<void> {
    const before = this.accepted;
    (await last()).close();
    await turnsUntil(() => this.accepted > before && this.accepted === this.ended);
  }
}

interface Way {
  listen(): Deno.Listener;
  to(port: number): ConnectOptions;
}

const TCP = (): Deno.Listener => Deno.listen({ hostname, port: 0, tcpBacklog: 4096 });
const TLS = (): Deno.Listener => Deno.listenTls({ hostname, port: 0, cert: CERT, key: KEY });

const WAYS: Record<string, Way> = {
  TCP: { listen: TCP, to: (port) => ({ hostname, port }) },
  TLS: { listen: TLS, to: (port) => ({ hostname, port, tls: { caCerts } }) },
  "TLS with a certificate": {
    listen: TLS,
    to: (port) => ({ hostname, port, tls: { caCerts, cert: CERT, key: KEY } }),
  },
  "TLS whose peer is silent": { listen: TCP, to: (port) => ({ hostname, port, tls: true }) },
  Unix: {
    listen: listenUnix,
    to: () => ({ path: PATH }),
  },
};

type Connecting = (reactor: Reactor, options: ConnectOptions, signal: AbortSignal) => unknown;

const CONNECTING: Record<string, Connecting> = {
  "connect()": async (reactor, options, signal) => {
    (await connect(reactor, { ...options, signal })).close();
  },
  "connectTo()": async (reactor, options, signal) => {
    const connecting = gio(
      reactor,
      undefined,
      function* () {
        using _ = yield* connectTo(options);
      }(),
    );
    signal.addEventListener("abort", () => connecting.cancel());
    await connecting.result;
  },
  "startTls()": async (reactor, { tls: _, ...options }, signal) => {
    const socket = await connect(reactor, options);
    const secured = await startTls(reactor, socket, { hostname, caCerts, signal })
      .finally(() => socket.close());
    secured.close();
  },
};

for (const selector of SELECTORS) {
  for (const [how, connecting] of Object.entries(CONNECTING)) {
    for (const [kind, { listen, to }] of Object.entries(WAYS)) {
      if (how === "startTls()" && !to(0).tls) continue;
      leakTest(
        `${how} with ${kind} (${selector}) that is cut at any moment leaves nothing open`,
        async () => {
          using reactor = new Reactor({ selector });
          const running = reactor.run();
          using listener = listen();
          const counting = new Counting(listener);
          const { port = 0 } = listener.addr as Partial<Deno.NetAddr>;
          const options = to(port);
          for (let round = 0; round < 3; round++) {
            await Promise.allSettled(Array.from({ length: 40 }, async (_, i) => {
              const controller = new AbortController();
              turns(10 * i + 3 * round).then(() => controller.abort());
              await connecting(reactor, options, controller.signal);
            }));
          }
          await counting.settle(() =>
            options.path
              ? Deno.connect({ transport: "unix", path: options.path })
              : Deno.connect({ hostname, port })
          );
          await turnsUntil(() => reactor.openConnections.size === 0);
          reactor.requestShutdown();
          await running;
        },
      );
    }
  }
}
