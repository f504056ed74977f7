/** What every kind of socket does, on every back end: add a kind to `_kinds.ts`, or a back end to `SELECTORS`. */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import {
  Reactor,
  type ReactorOptions,
  type SelectorName,
  TestClock,
  zeroCopy,
} from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { type Kind, KINDS, type Peer } from "./_kinds.ts";
import { fill, SELECTORS } from "../_sockets.ts";

// The runtime opens descriptors of its own at the first subprocess.
await new Deno.Command("true").output();

const MIB = 1024 * 1024;

function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255);
}

function concat(chunks: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}

async function readAll(peer: Peer): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk; (chunk = await peer.read()) !== null;) chunks.push(chunk);
  return concat(chunks);
}

function conformance(kind: Kind, selector: SelectorName): void {
  /** A test with a reactor, a socket and its peer, all gone at its end. */
  function test(
    name: string,
    fn: (t: {
      reactor: Reactor;
      socket: Awaited<ReturnType<Kind["pair"]>>["socket"];
      peer: Peer;
      errors: unknown[];
    }) => Promise<void>,
    options: ReactorOptions = {},
  ): void {
    leakTest(`${kind.name} socket (${selector}) ${name}`, async () => {
      const errors: unknown[] = [];
      const onError = (error: unknown) => errors.push(error);
      using reactor = new Reactor({ selector, onError, ...options });
      const { socket, peer, ended } = await kind.pair(reactor);
      try {
        await fn({ reactor, socket, peer, errors });
        // What was closed while the program did something else may not be gone yet.
        await turns(2);
      } finally {
        reactor.shutdown();
        peer.close();
        await ended;
      }
      assertEquals(reactor.openConnections.size, 0);
    });
  }

  test("is readable when something has come, and not before", async ({ reactor, socket, peer }) => {
    const seen: unknown[] = [];
    reactor.addReader(socket, () => seen.push(socket.recv()));
    await turns(3);
    assertEquals([reactor.step(), socket.readable, socket.recv()], [0, false, undefined]);
    await peer.write(pattern(10));
    await drive(reactor, () => seen.length > 0);
    assertEquals(seen, [pattern(10)]);
    assertEquals([socket.readable, socket.recv()], [false, undefined]);
  });

  test("stays readable until all is received", async ({ reactor, socket, peer }) => {
    let calls = 0;
    reactor.addReader(socket, () => calls++);
    await peer.write(pattern(10));
    await drive(reactor, () => calls === 1);
    assertEquals([reactor.step(), reactor.step(), calls], [1, 1, 3]);
    assertEquals(socket.recv(), pattern(10));
    assertEquals([reactor.step(), calls], [0, 3]);
  });

  test("is writable at once, and stays so", async ({ reactor, socket }) => {
    let calls = 0;
    assert(socket.writable);
    reactor.addWriter(socket, () => calls++);
    await reactor.wait();
    reactor.step();
    reactor.step();
    assertEquals(calls, 2);
  });

  test("receives what the peer sends, in order, in chunks of the caller's own", async (t) => {
    const { reactor, socket, peer } = t;
    const received: Uint8Array[] = [];
    let length = 0;
    reactor.addReader(socket, () => {
      const chunk = socket.recv();
      if (!chunk) return;
      received.push(chunk.slice());
      length += chunk.length;
      chunk.fill(0);
    });
    const writing = peer.write(pattern(MIB));
    await drive(reactor, () => length === MIB);
    await writing;
    assert(concat(received).every((byte, i) => byte === ((i * 7 + (i >> 8)) & 255)));
  });

  test("sends in the parts it accepts, in order", async ({ reactor, socket, peer }) => {
    let rest = pattern(MIB);
    let parts = 0;
    reactor.addWriter(socket, () => {
      rest = rest.subarray(socket.send(rest));
      parts++;
      if (rest.length > 0) return;
      reactor.removeWriter(socket);
      socket.shutdown();
    });
    let received: Uint8Array | undefined;
    readAll(peer).then((all) => received = all).then(() => reactor.addTimer(0, () => {}));
    await drive(reactor, () => received !== undefined);
    assert(parts > 1);
    assertEquals(received!.length, MIB);
    assert(received!.every((byte, i) => byte === ((i * 7 + (i >> 8)) & 255)));
  });

  test("accepts no more while the peer does not read", async ({ reactor, socket, peer }) => {
    const piece = new Uint8Array(256 * 1024);
    let accepted = 0;
    let calls = 0;
    reactor.addWriter(socket, () => {
      calls++;
      accepted += socket.send(piece);
    });
    for (let before = -1; accepted !== before;) {
      before = accepted;
      for (let i = 0; i < 20; i++) {
        await turns(2);
        reactor.step();
      }
    }
    assert(accepted < 64 * MIB);
    const atRest = calls;
    reactor.step();
    assertEquals([calls, socket.writable, socket.send(piece)], [atRest, false, 0]);
    let read = 0;
    const reading = (async () => {
      while (read < accepted) read += (await peer.read())!.length;
    })();
    await drive(reactor, () => calls > atRest);
    reactor.removeWriter(socket);
    await reading;
  });

  test("half-closes after what was accepted, and goes on receiving", async (t) => {
    const { reactor, socket, peer } = t;
    assertEquals(socket.send(pattern(1000)), 1000);
    socket.shutdown();
    socket.shutdown();
    assertEquals(await readAll(peer), pattern(1000));
    assertThrows(() => socket.send(pattern(1)), Deno.errors.BadResource, "Cannot send");
    const seen: unknown[] = [];
    reactor.addReader(socket, () => seen.push(socket.recv()));
    await Promise.all([peer.write(pattern(5)), drive(reactor, () => seen.length > 0)]);
    assertEquals(seen, [pattern(5)]);
  });

  test("gives null at the end of the stream, again and again, and goes on sending", async (t) => {
    const { reactor, socket, peer } = t;
    const seen: unknown[] = [];
    reactor.addReader(socket, () => seen.push(socket.recv()));
    await Promise.all([
      peer.write(pattern(3)).then(() => peer.end()),
      drive(reactor, () => seen.length === 3),
    ]);
    assertEquals(seen, [pattern(3), null, null]);
    reactor.removeReader(socket);
    assertEquals(socket.send(pattern(20)), 20);
    assertEquals(await peer.read(), pattern(20));
  });

  test("tells of a reset by the peer, and holds nothing after that", async (t) => {
    const { reactor, peer, errors } = t;
    let { socket } = t;
    let reset = () => peer.reset();
    if (kind.resettable) {
      socket.abort();
      ({ socket, reset } = await kind.resettable(reactor));
    } else {
      socket.send(new Uint8Array(200 * 1024));
      await peer.read();
    }
    let ended = false;
    reactor.addReader(socket, () => {
      if (socket.recv() === null) ended = true;
    });
    reset();
    await drive(reactor, () => ended || errors.length > 0);
    assertEquals(ended, !kind.resets);
    if (!kind.resets) return;
    assert(errors[0] instanceof Error);
    assertThrows(() => socket.recv());
    assertThrows(() => socket.send(pattern(1)));
    assertThrows(() => socket.detach());
    assertEquals([socket.closed, reactor.openConnections.size], [false, 0]);
  });

  test("tells who sends that the peer is gone", async ({ reactor, socket, peer, errors }) => {
    peer.close();
    reactor.addWriter(socket, () => socket.send(pattern(1000)));
    await drive(reactor, () => errors.length > 0);
    assert(errors[0] instanceof Error);
  });

  test("keeps what comes when nobody waits any more", async ({ reactor, socket, peer }) => {
    reactor.addReader(socket, () => {});
    reactor.removeReader(socket);
    await peer.write(pattern(10));
    await turns(20);
    assertEquals(reactor.step(), 0);
    const seen: unknown[] = [];
    reactor.addReader(socket, () => seen.push(socket.recv()));
    await drive(reactor, () => seen.length > 0);
    assertEquals(seen, [pattern(10)]);
  });

  test("calls its reader once more when it is closed elsewhere", async ({ reactor, socket }) => {
    let calls = 0;
    reactor.addReader(socket, () => calls++);
    socket.close();
    assertEquals([socket.closed, reactor.step(), reactor.step(), calls], [true, 1, 0, 1]);
    await Promise.resolve();
  });

  test("does not call back when its own reader closes it", async ({ reactor, socket, peer }) => {
    let calls = 0;
    reactor.addReader(socket, () => {
      calls++;
      socket.close();
    });
    await peer.write(pattern(1));
    await drive(reactor, () => calls > 0);
    assertEquals([reactor.step(), calls], [0, 1]);
  });

  test("calls a reader that is added after it closed, once", async ({ reactor, socket }) => {
    socket.close();
    let calls = 0;
    reactor.addReader(socket, () => calls++);
    await reactor.wait();
    assertEquals([reactor.step(), reactor.step(), calls], [1, 0, 1]);
  });

  test("refuses to receive a number of bytes that is none", async ({ reactor, socket, peer }) => {
    const refuses = () => {
      for (const wrong of [-1, -(2 ** 31), -(2 ** 32), -Infinity, NaN, 0.5, 1.5, "1" as never]) {
        const message =
          `Cannot receive: the number of bytes must be a whole number of at least 0, not ${
            Deno.inspect(wrong)
          }`;
        assertThrows(() => socket.recv(wrong), RangeError, message);
      }
    };
    refuses();
    reactor.addReader(socket, () => {});
    const written = peer.write(pattern(10));
    await drive(reactor, () => socket.readable);
    await written;
    refuses();
    assertEquals(socket.recv(), pattern(10));
  });

  test("receives at most so many bytes, and none for 0", async ({ reactor, socket, peer }) => {
    const none = new Uint8Array(0);
    assertEquals(socket.recv(0), none);
    reactor.addReader(socket, () => {});
    const written = peer.write(pattern(10));
    const received: unknown[] = [];
    for (const most of [0, -0, 1, 4, 2 ** 31]) {
      await drive(reactor, () => socket.readable);
      received.push(socket.recv(most));
    }
    const all = pattern(10);
    assertEquals(received, [none, none, all.subarray(0, 1), all.subarray(1, 5), all.subarray(5)]);
    await written;
    await peer.end();
    let end: unknown;
    reactor.removeReader(socket);
    reactor.addReader(socket, () => end = socket.recv(Infinity));
    await drive(reactor, () => end === null);
    assertEquals([socket.recv(0), socket.recv()], [none, null]);
    socket.close();
    assertThrows(() => socket.recv(0), Deno.errors.BadResource);
  });

  test("refuses everything when it is closed", async ({ socket }) => {
    socket.close();
    socket.close();
    socket.abort();
    socket.shutdown();
    assertThrows(() => socket.recv(), Deno.errors.BadResource, "Cannot receive");
    assertThrows(() => socket.send(pattern(1)), Deno.errors.BadResource, "Cannot send");
    assertThrows(() => socket.detach(), Deno.errors.BadResource, "Cannot detach");
    await Promise.resolve();
  });

  test("sends what it accepted before it closes", async ({ reactor, socket, peer }) => {
    const accepted = socket.send(pattern(MIB));
    assert(accepted > 0);
    socket.close();
    assertEquals((await readAll(peer)).length, accepted);
    await turnsUntil(() => reactor.openConnections.size === 0);
  });

  const clock = new TestClock();
  test("gives up closing after the linger time", async ({ reactor, socket }) => {
    await fill(socket);
    socket.close();
    // A descriptor has nothing to wait for: what it accepted is with the kernel.
    if ("descriptor" in socket) return assertEquals(reactor.openConnections.size, 0);
    assertEquals(reactor.openConnections.size, 1);
    clock.advance(299);
    reactor.step();
    assertEquals(reactor.openConnections.size, 1);
    clock.advance(1);
    reactor.step();
    assertEquals(reactor.openConnections.size, 0);
  }, { clock, lingerMs: 300 });

  test("aborts at once, whatever is pending", async ({ reactor, socket }) => {
    reactor.addReader(socket, () => {});
    await fill(socket);
    socket.abort();
    assertEquals(reactor.openConnections.size, 0);
  });

  if (kind.resettable !== undefined && zeroCopy.supported) {
    test("that is aborted is reset, instead of seeming to have ended", async ({ socket, peer }) => {
      socket.send(pattern(3));
      assertEquals((await peer.read())?.length, 3);
      socket.abort();
      await assertRejects(() => peer.read(), Deno.errors.ConnectionReset);
    });

    test("ends when the reactor is shut down, and keeps what it sent", async (t) => {
      t.socket.send(pattern(3));
      await turnsUntil(() => t.socket.writable);
      t.reactor.shutdown();
      assertEquals(await readAll(t.peer), pattern(3));
    });
  }

  test("does not call a writer that a reader removed in the same step", async (t) => {
    const { reactor, socket, peer } = t;
    const seen: string[] = [];
    reactor.addReader(socket, () => {});
    await Promise.all([peer.write(pattern(1)), drive(reactor, () => socket.readable)]);
    reactor.removeReader(socket);
    reactor.addReader(socket, () => {
      seen.push("reader");
      reactor.removeWriter(socket);
      socket.recv();
    });
    reactor.addWriter(socket, () => seen.push("writer"));
    assertEquals([reactor.step(), reactor.step(), seen], [1, 0, ["reader"]]);
  });

  test("has a name for messages", async ({ socket }) => {
    assertMatch(socket.describe!(), kind.describes);
    await Promise.resolve();
  });
}

for (const selector of SELECTORS) for (const kind of KINDS) conformance(kind, selector);
