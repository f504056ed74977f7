import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Acceptor, acceptTls, Reactor, type Socket } from "@weightless/io/reactor";
import { type Coroutine, gio, wait } from "@weightless/io/gio";
import { leakTest, turns } from "../_leaks.ts";
import { listening, SELECTORS } from "../_sockets.ts";
import { CA_CERT, CERT, KEY, OTHER_KEY } from "./_tls.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const GO = bytes("go");

function* echo(): Coroutine {
  for (;;) yield yield;
}

/** A server that secures each connection after its first bytes, and runs a coroutine on it. */
async function withServer(
  selector: "deno" | "epoll",
  coroutine: () => Coroutine,
  use: (port: number, errors: unknown[], sockets: Socket[]) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  const sockets: Socket[] = [];
  using reactor = new Reactor({ selector, onError: (error) => errors.push(error) });
  using acceptor = new Acceptor(reactor, listening, (socket) => {
    reactor.addReader(socket, () => {
      socket.recv();
      reactor.removeReader(socket);
      socket.send(GO);
      const secured = acceptTls(reactor, socket, {
        cert: CERT,
        key: KEY,
        alpnProtocols: ["x", "y"],
      });
      sockets.push(secured);
      gio(reactor, secured, coroutine());
    });
  });
  const running = reactor.run();
  try {
    await use(acceptor.port, errors, sockets);
  } finally {
    reactor.requestShutdown();
    await running;
  }
}

/** A client that has been told to go on. */
async function start(port: number): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(bytes("please"));
  await conn.read(new Uint8Array(10));
  return conn;
}

async function secure(port: number, alpnProtocols: string[] = []): Promise<Deno.TlsConn> {
  const caCerts = [CA_CERT];
  return await Deno.startTls(await start(port), { hostname: "localhost", caCerts, alpnProtocols });
}

for (const selector of SELECTORS) {
  leakTest(`acceptTls() secures a connection, both ways, however much (${selector})`, async () => {
    await withServer(selector, echo, async (port, errors, sockets) => {
      using conn = await secure(port, ["y"]);
      const { alpnProtocol } = await conn.handshake();
      assertEquals(alpnProtocol, "y");
      const sent = Uint8Array.from({ length: 3_000_000 }, (_, i) => i * 31 >> 3);
      const writing = (async () => {
        for (let at = 0; at < sent.length;) at += await conn.write(sent.subarray(at));
        await conn.closeWrite();
      })();
      const received = new Uint8Array(sent.length + 1);
      let length = 0;
      for (let n; (n = await conn.read(received.subarray(length))) !== null;) length += n;
      await writing;
      assertEquals(length, sent.length);
      assertEquals(received.subarray(0, length), sent);
      assertEquals(sockets[0]!.alpnProtocol, "y");
      assertEquals(
        (sockets[0]!.remoteAddr as Deno.NetAddr).port,
        (conn.localAddr as Deno.NetAddr).port,
      );
      assertEquals(errors, []);
    });
  });

  // The end comes while nobody reads, with much or little before it that was not read.
  for (const size of [0, 1, 16_384, 200_000, 1_000_000]) {
    leakTest(
      `acceptTls() tells one who reads slowly of the end, after ${size} bytes (${selector})`,
      async () => {
        let length = 0, isClosed = false;
        const ended = Promise.withResolvers<void>();
        const slow = function* (): Coroutine {
          try {
            yield "ready";
            for (;;) {
              yield* wait(turns(isClosed ? 20 : 3));
              length += (yield).length;
            }
          } finally {
            ended.resolve();
          }
        };
        await withServer(selector, slow, async (port, errors) => {
          const conn = await secure(port);
          await conn.read(new Uint8Array(10));
          const sent = new Uint8Array(size);
          for (let at = 0; at < size;) at += await conn.write(sent.subarray(at));
          conn.close();
          isClosed = true;
          await ended.promise;
          assertEquals([length, errors], [size, []]);
        });
      },
    );
  }

  leakTest(`acceptTls() lets the server speak first, and end (${selector})`, async () => {
    const bye = function* (): Coroutine {
      yield "bye";
    };
    await withServer(selector, bye, async (port, errors) => {
      using conn = await secure(port);
      const buffer = new Uint8Array(10);
      assertEquals(await conn.read(buffer), 3);
      assertEquals(await conn.read(buffer), null);
      assertEquals(errors, []);
    });
  });

  leakTest(
    `acceptTls() tells the reader of a peer that does not speak TLS, or is gone (${selector})`,
    async () => {
      const ended = Promise.withResolvers<unknown>();
      const failing = function* (): Coroutine {
        try {
          yield;
        } catch (error) {
          ended.resolve(error);
          throw error;
        }
      };
      await withServer(selector, failing, async (port, errors) => {
        using conn = await start(port);
        await conn.write(bytes("GET / HTTP/1.1\r\n\r\n"));
        assertMatch(`${await ended.promise}`, /wrong version number/);
        while (await conn.read(new Uint8Array(1000)).catch(() => null) !== null);
        assertEquals(errors, []);
      });
    },
  );

  leakTest(`acceptTls() fails if the peer goes before the handshake (${selector})`, async () => {
    const ended = Promise.withResolvers<unknown>();
    const failing = function* (): Coroutine {
      try {
        yield;
      } catch (error) {
        ended.resolve(error);
      }
    };
    await withServer(selector, failing, async (port) => {
      (await start(port)).close();
      const error = await ended.promise;
      assertMatch(`${error}`, /the peer went before the handshake/);
    });
  });

  leakTest(
    `acceptTls() refuses a certificate that is none, and leaves the connection open (${selector})`,
    async () => {
      using reactor = new Reactor({ selector });
      const accepted = Promise.withResolvers<Socket>();
      using acceptor = new Acceptor(reactor, listening, accepted.resolve);
      const running = reactor.run();
      using _conn = await Deno.connect({ hostname: "127.0.0.1", port: acceptor.port });
      const socket = await accepted.promise;
      for (
        const [cert, key, why] of [["none", KEY, "PEM"], [CERT, "none", "PEM"], [
          CERT,
          OTHER_KEY,
          "not that of the cert",
        ]]
      ) {
        const options = { cert: cert!, key: key! };
        assertThrows(() => acceptTls(reactor, socket, options), TypeError, why);
      }
      assertThrows(
        () => acceptTls(reactor, socket, {} as never),
        TypeError,
        "Cannot accept TLS: give the cert and the key of the server",
      );
      assertThrows(() => acceptTls(reactor, socket, { cert: CERT } as never), TypeError, "key");
      assertEquals(socket.closed, false);
      reactor.requestShutdown();
      await running;
    },
  );
}
