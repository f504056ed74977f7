/** Every option that is given is honoured, or is an error where it is given. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { HttpServer } from "../../http/mod.ts";
import {
  Acceptor,
  type AcceptorOptions,
  connect,
  type ConnectOptions,
  DatagramAcceptor,
  DatagramSocket,
  Reactor,
  type ReactorOptions,
  type Socket,
  startTls,
  subprocess,
  type SubprocessOptions,
} from "../../reactor/mod.ts";
import { findTcp } from "../../reactor/linux/_descriptor_of.ts";
import { IPPROTO_TCP, libc, socketOption, TCP_NODELAY } from "../../reactor/linux/_libc.ts";
import { leakTest } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { CA_CERT, CERT, KEY } from "./_tls.ts";
import { hostname, SELECTORS } from "../_sockets.ts";

type Wrong = [
  options: Record<string, unknown>,
  error: typeof TypeError | typeof RangeError,
  message: string,
];

const LINUX = Deno.build.os === "linux";
const path = `${Deno.env.get("TMPDIR") ?? "/tmp"}/weightless-options-${Deno.pid}.sock`;
const NO_NUMBERS = [NaN, -1, 1.5, Infinity, "7", null, 2 ** 32];

const wrongNumbers = (name: string, others: object, except: unknown[] = []): Wrong[] =>
  NO_NUMBERS.filter((value) => !except.includes(value)).map((value) => [
    { ...others, [name]: value },
    RangeError,
    `${name} must be a whole number`,
  ]);

/** The options of TCP, which nothing else has. */
const OF_PORT = {
  hostname,
  cert: CERT,
  key: KEY,
  alpnProtocols: ["h2"],
  reusePort: true,
  tcpBacklog: 5,
};

const TO_LISTEN: Wrong[] = [
  [{}, TypeError, "give a port"],
  [{ hostname }, TypeError, "give a port"],
  [{ path, port: 0 }, TypeError, "port has no effect with a path"],
  ...Object.entries({ ...OF_PORT, noDelay: true }).map(([name, value]): Wrong => [
    { path, [name]: value },
    TypeError,
    `${name} has no effect with a path`,
  ]),
  [{ path, cert: CERT, key: KEY }, TypeError, "cert has no effect with a path"],
  [{ path: "" }, TypeError, "path must be"],
  [{ path: 5 }, TypeError, "path must be"],
  ...Object.entries({ ...OF_PORT, port: 0, path }).map(([name, value]): Wrong => [
    { descriptor: 3, [name]: value },
    TypeError,
    `${name} has no effect with a descriptor`,
  ]),
  ...wrongNumbers("descriptor", {}),
  [{ port: 0, cert: CERT }, TypeError, "both a cert and a key"],
  [{ port: 0, key: KEY }, TypeError, "both a cert and a key"],
  [{ port: 0, alpnProtocols: ["h2"] }, TypeError, "alpnProtocols has no effect without TLS"],
  ...wrongNumbers("port", { hostname }),
  [{ hostname, port: 65536 }, RangeError, "port must be a whole number from 0 to 65535"],
  ...wrongNumbers("tcpBacklog", { port: 0 }),
  ...wrongNumbers("maxConnections", { port: 0 }, [Infinity, 2 ** 32]),
  [{ port: 0, maxConnections: 0 }, RangeError, "maxConnections must be a whole number"],
  ...wrongNumbers("maxConnections", { path }, [Infinity, 2 ** 32]),
  ...NO_NUMBERS.map((priority): Wrong => [{ port: 0, priority }, RangeError, "priority"]),
];

for (const selector of SELECTORS) {
  leakTest(`Acceptor and HttpServer (${selector}) refuse options that are wrong`, () => {
    using reactor = new Reactor({ selector });
    const handler = function* () {};
    for (const [options, error, message] of TO_LISTEN) {
      assertThrows(() => new Acceptor(reactor, options, () => {}), error, message);
      assertThrows(() => new HttpServer(reactor, { ...options, handler }), error, message);
    }
  });

  leakTest(`Acceptor (${selector}) refuses what a listener cannot have any more`, () => {
    using reactor = new Reactor({ selector });
    for (const [name, value] of Object.entries({ ...OF_PORT, port: 0, path })) {
      using listener = Deno.listen({ hostname, port: 0 });
      assertThrows(
        () => new Acceptor(reactor, { listener, [name]: value } as AcceptorOptions, () => {}),
        TypeError,
        `${name} has no effect with a listener`,
      );
    }
  });

  leakTest(`Acceptor (${selector}) takes what is honoured, or asks for nothing`, () => {
    using reactor = new Reactor({ selector });
    const nothing = { cert: undefined, key: undefined, reusePort: false, noDelay: false };
    const rest = { maxConnections: 1, priority: 9 };
    for (
      const options of [
        { path, ...rest, ...nothing },
        { listener: Deno.listen({ hostname, port: 0 }), ...rest, ...nothing },
        { listener: Deno.listen({ hostname, port: 0 }), noDelay: true },
        { port: 0, tcpBacklog: 0, hostname, alpnProtocols: [], ...rest, ...nothing },
        { port: 0, cert: CERT, key: KEY, alpnProtocols: ["h2"] },
      ]
    ) new Acceptor(reactor, options as AcceptorOptions, () => {}).close();
  });

  leakTest(`connect() (${selector}) refuses options that are wrong`, async () => {
    using reactor = new Reactor({ selector });
    const wrong: Wrong[] = [
      [{}, TypeError, "give a port or a path"],
      [{ hostname }, TypeError, "give a port or a path"],
      [{ path, port: 1 }, TypeError, "port has no effect with a path"],
      [{ path, hostname }, TypeError, "hostname has no effect with a path"],
      [{ path, tls: true }, TypeError, "tls has no effect with a path"],
      [{ path, tls: {} }, TypeError, "tls has no effect with a path"],
      [{ path, noDelay: true }, TypeError, "noDelay has no effect with a path"],
      [{ path: "" }, TypeError, "path must be"],
      [{ port: 1, tls: { cert: CERT } }, TypeError, "both a cert and a key"],
      [{ port: 1, tls: { key: KEY } }, TypeError, "both a cert and a key"],
      [{ port: 1, tls: "yes" }, TypeError, "tls must be"],
      ...wrongNumbers("port", { hostname }),
      [{ port: 0 }, RangeError, "port must be a whole number from 1 to 65535"],
      [{ port: 65536 }, RangeError, "port must be a whole number from 1 to 65535"],
    ];
    for (const [options, error, message] of wrong) {
      await assertRejects(() => connect(reactor, options as ConnectOptions), error, message);
    }
  });

  leakTest(
    `startTls() (${selector}) refuses a certificate, and keeps the socket`,
    async () => {
      using listener = Deno.listen({ hostname, port: 0 });
      using reactor = new Reactor({ selector });
      using socket = await connect(reactor, { hostname, port: listener.addr.port });
      using _peer = await listener.accept();
      for (const tls of [{ cert: CERT }, { key: KEY }, { cert: CERT, key: KEY }]) {
        await assertRejects(
          () => startTls(reactor, socket, tls),
          TypeError,
          "only connect() takes one",
        );
      }
      assertEquals(socket.closed, false);
    },
  );
}

leakTest("DatagramAcceptor and DatagramSocket refuse options that are wrong", async () => {
  using reactor = new Reactor();
  const bind = (options: object) => DatagramAcceptor.bind(reactor, options, () => {});
  for (const port of [...NO_NUMBERS, 65536] as number[]) {
    await assertRejects(() => bind({ hostname, port }), RangeError, "port");
    await assertRejects(() => DatagramSocket.bind(reactor, { hostname, port }), RangeError, "port");
  }
  for (const priority of NO_NUMBERS) {
    await assertRejects(() => bind({ hostname, priority }), RangeError, "priority");
  }
});

Deno.test("Reactor refuses options that are wrong", () => {
  const wrong: Wrong[] = [
    [{ selector: "kqueue" }, TypeError, "selector"],
    ...[NaN, -1, "5", null].map((lingerMs): Wrong => [{ lingerMs }, RangeError, "linger"]),
    [{ clock: {} }, TypeError, "clock"],
    [{ onError: "print" }, TypeError, "onError: it must be a function"],
    [{ onShutdown: true }, TypeError, "onShutdown: it must be a function"],
    [{ events: { step: "print" } }, TypeError, "events.step: it must be a function"],
    [{ events: null }, TypeError, "events: it must be an object, not null"],
  ];
  for (const [options, error, message] of wrong) {
    assertThrows(() => new Reactor(options as ReactorOptions), error, message);
  }
  for (const lingerMs of [0, 0.5, Infinity]) new Reactor({ lingerMs }).shutdown();
});

Deno.test("Reactor refuses timers and callbacks that are none, at the call", () => {
  using reactor = new Reactor();
  for (const ms of ["7", NaN, -1, undefined, null, {}, 7n]) {
    assertThrows(() => reactor.addTimer(ms as number, () => {}), RangeError, "timer");
  }
  for (const callback of [undefined, null, "f", {}]) {
    assertThrows(() => reactor.addTimer(1, callback as never), TypeError, "function");
    const selectable = { readable: true, writable: true, watch() {}, unwatch() {} };
    assertThrows(() => reactor.addReader(selectable, callback as never), TypeError, "function");
    assertThrows(() => reactor.addWriter(selectable, callback as never), TypeError, "function");
  }
  assertEquals([reactor.inspect(), reactor.step()], [[], 0]);
  reactor.removeTimer(reactor.addTimer(Infinity, () => {}));
});

leakTest("subprocess() refuses pipes that it does not give", () => {
  using reactor = new Reactor();
  for (const [name, value] of [["stdin", "null"], ["stdout", "inherit"], ["stdout", "null"]]) {
    const options = { [name!]: value } as SubprocessOptions;
    assertThrows(() => subprocess(reactor, "true", options), TypeError, `${name} is always piped`);
  }
});

/** Whether a connection sends small pieces at once, whatever it is wrapped in. */
function sendsAtOnce({ localAddr, remoteAddr }: Socket): boolean {
  const ends = { localAddr: localAddr!, remoteAddr: remoteAddr! };
  const fd = findTcp(libc()!, ends);
  return socketOption(libc()!, fd!, IPPROTO_TCP, TCP_NODELAY) === 1;
}

for (const selector of LINUX ? SELECTORS : []) {
  for (const noDelay of [undefined, true, false]) {
    const given = noDelay === undefined ? {} : { noDelay };
    const expected = noDelay !== false;

    leakTest(`noDelay: ${noDelay} is honoured for what TLS accepts (${selector})`, async () => {
      using reactor = new Reactor({ selector });
      const at = { hostname, port: 0, cert: CERT, key: KEY };
      for (const options of [at, { listener: Deno.listenTls(at) }]) {
        let socket: Socket | undefined;
        using acceptor = new Acceptor(reactor, { ...options, ...given }, (s) => socket = s);
        assertEquals(acceptor.tls, true);
        using _conn = await Deno.connect({ hostname, port: acceptor.port });
        await drive(reactor, () => socket !== undefined, "a connection");
        assertEquals(sendsAtOnce(socket!), expected);
      }
    });

    leakTest(`noDelay: ${noDelay} is honoured for TLS that connects (${selector})`, async () => {
      using reactor = new Reactor({ selector });
      const caCerts = [CA_CERT];
      for (const tls of [{ caCerts }, { caCerts, cert: CERT, key: KEY }]) {
        using listener = Deno.listenTls({ hostname, port: 0, cert: CERT, key: KEY });
        const { port } = listener.addr as Deno.NetAddr;
        const connecting = connect(reactor, { hostname, port, tls, ...given });
        using conn = await listener.accept();
        await conn.handshake();
        using socket = await connecting;
        assertEquals(sendsAtOnce(socket), expected);
      }
    });

    leakTest(`noDelay: ${noDelay} is honoured for TLS that is adopted (${selector})`, async () => {
      using reactor = new Reactor({ selector });
      using listener = Deno.listenTls({ hostname, port: 0, cert: CERT, key: KEY });
      const { port } = listener.addr as Deno.NetAddr;
      const connecting = Deno.connectTls({ hostname, port, caCerts: [CA_CERT] });
      using conn = await listener.accept();
      await conn.handshake();
      using socket = reactor.adopt(await connecting, given);
      assertEquals(sendsAtOnce(socket), expected);
    });
  }
}

Deno.test("noDelay: true is an error with TLS where it cannot be honoured", async () => {
  const program = new URL("_tls_without_ffi.ts", import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--allow-net", program],
    stderr: "inherit",
  }).output();
  const refused =
    "NotSupported: Cannot use noDelay: true with TLS: it needs Linux, and --allow-ffi";
  assertEquals(new TextDecoder().decode(stdout).trim().split("\n"), [
    "listen undefined: well",
    "connect undefined: well",
    `listen true: ${refused}`,
    `connect true: ${refused}`,
  ]);
});

leakTest("HttpServer says https where it speaks TLS, and only there", () => {
  using reactor = new Reactor();
  const handler = function* () {};
  const at = { hostname, port: 0 };
  const tls = { ...at, cert: CERT, key: KEY };
  for (
    const [options, scheme] of [
      [at, "http:"],
      [{ listener: Deno.listen(at) }, "http:"],
      [{ path }, "http:"],
      [tls, "https:"],
      [{ listener: Deno.listenTls(tls) }, "https:"],
    ] as const
  ) {
    using server = new HttpServer(reactor, { ...options, handler });
    assertEquals(new URL(server.url).protocol, scheme);
  }
});
