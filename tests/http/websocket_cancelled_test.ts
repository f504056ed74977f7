/** Reads that are called off lose nothing: what they would have got is there for the next one, in order. */
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { call, type Coroutine, pushBack } from "../../compose/mod.ts";
import { all, gio, race, timeout, TimeoutError, wait } from "../../gio/mod.ts";
import { IncomingMessage, type WebSocketConnection } from "../../http/websocket/mod.ts";
import { turns, turnsUntil } from "../_leaks.ts";
import { Peer } from "./_web_socket_peer.ts";
import { connected, gathered, socketTest, stalled } from "./_web_sockets.ts";
import { Frames } from "./_websocket.ts";

type Reading = ReturnType<WebSocketConnection["next" | "receive"]>;

/** How a message is waited for. */
const READS: Record<string, (socket: WebSocketConnection) => Reading> = {
  "next()": (socket) => socket.next(),
  "receive()": (socket) => socket.receive(),
};

/** How that is called off when it has got something. */
const CALLS_OFF: Record<string, (read: Reading, hasCome: Promise<void>) => Coroutine> = {
  *"a branch of all() that fails"(read, hasCome) {
    function* failing(): Coroutine<void> {
      yield* wait(hasCome);
      throw new RangeError("bad");
    }
    try {
      yield* all(read, failing());
    } catch (error) {
      assertInstanceOf(error, RangeError);
    }
  },
  *"a race() around all()"(read, hasCome) {
    yield* race(all(read, never()), wait(hasCome));
  },
};

function* never(): Coroutine<never> {
  yield* wait(new Promise(() => {}));
  throw new Error("It came");
}

/** What a read has given, as text. */
function* textOf(message: unknown): Coroutine<string> {
  return message instanceof IncomingMessage ? yield* call(gathered(message)) : String(message);
}

for (const [how, read] of Object.entries(READS)) {
  for (const [what, callOff] of Object.entries(CALLS_OFF)) {
    socketTest(`what ${how} has got is not lost by ${what}`, async (world) => {
      const [socket, peer] = await connected(world);
      for (const when of ["before", "meanwhile"]) {
        const send = () => {
          void peer.send("one");
          void peer.send("two");
        };
        if (when === "before") send();
        const { received } = world.counts;
        const hasCome = when === "before"
          ? turnsUntil(() => socket.context.readable)
          : turnsUntil(() => world.counts.received > received);
        if (when === "before") await hasCome;
        const running = world.run(function* () {
          yield* callOff(read(socket), hasCome.then(() => turns(3)));
        }());
        if (when === "meanwhile") send();
        await running;
        assertEquals([await socket.next(), await socket.next()], ["one", "two"], when);
      }
      socket.close();
      await socket.closed;
    });
  }

  socketTest(`${how} of a race that another wins in the same turn loses nothing`, async (world) => {
    const [socket, peer] = await connected(world);
    for (let number = 0; number < 3; number++) void peer.send(`${number}`);
    await turnsUntil(() => socket.context.readable);
    await world.run(function* () {
      for (let number = 0; number < 3; number++) {
        const other = wait(Promise.resolve(undefined));
        const got = yield* race(other, read(socket));
        assertEquals(got === undefined ? yield* socket.next() : yield* textOf(got), `${number}`);
      }
    }());
    socket.close();
    await socket.closed;
  });
}

/** A message that was begun: whoever is cancelled then drops it. */
const DROPPED = Symbol("dropped");

/** Readers that read on and on. */
const READERS: Record<string, (socket: WebSocketConnection, got: unknown[]) => Coroutine> = {
  *"a bare yield"(socket, got) {
    using _ = socket.enter();
    for (;;) got.push(yield);
  },
  *"next()"(socket, got) {
    for (;;) got.push(yield* socket.next());
  },
  *"receive()"(socket, got) {
    for (;;) {
      const message = yield* socket.receive();
      const at = got.push(DROPPED) - 1;
      got[at] = yield* call(gathered(message));
    }
  },
};

for (const [how, reader] of Object.entries(READERS)) {
  socketTest(`a coroutine that reads by ${how} and is cancelled loses nothing`, async (world) => {
    const count = 300;
    const numbers = Array.from({ length: count }, (_, number) => `${number}`);
    const [socket, peer] = await connected(world);
    for (const number of numbers) void peer.send(number);
    const got: unknown[] = [];
    for (let i = 0; got.length < count; i++) {
      const task = gio(world.reactor, undefined, reader(socket, got));
      const ended = assertRejects(() => task.result, DOMException);
      await turns(i % 3);
      task.cancel();
      await ended;
      if (got.length < count) got.push(await socket.next());
    }
    assertEquals(got, numbers.map((number, at) => got[at] === DROPPED ? DROPPED : number));
    socket.close();
    await socket.closed;
  });
}

socketTest(
  "what a coroutine that is cancelled has begun to read outside is not lost",
  async (world) => {
    const [socket, peer] = await connected(world);
    void peer.send("one");
    await turnsUntil(() => socket.context.readable);
    const next = socket.next();
    const task = gio(
      world.reactor,
      undefined,
      function* (): Coroutine {
        yield* all(next, never());
      }(),
    );
    const ended = assertRejects(() => task.result, DOMException);
    await turns(2);
    task.cancel();
    await ended;
    assertEquals(await socket.next(), "one");
    socket.close();
    await socket.closed;
  },
);

for (const how of ["a bare yield", "next()", "receive()", "for await"]) {
  socketTest(`what was pushed back comes first, read by ${how}`, async (world) => {
    const [socket, peer] = await connected(world);
    for (const text of ["one", "two", "three"]) void peer.send(text);
    function* peek(): Coroutine<string> {
      const [one, two] = [yield, yield];
      return pushBack(one, two);
    }
    function* read(): Coroutine<unknown> {
      if (how === "a bare yield") return yield;
      if (how === "next()") return yield* socket.next();
      if (how === "receive()") return yield* call(gathered(yield* socket.receive()));
      const messages = socket[Symbol.asyncIterator]();
      return (yield* wait(messages.next())).value;
    }
    await world.run(function* () {
      using _ = socket.enter();
      assertEquals(yield* call(peek()), "one");
      assertEquals([yield* call(read()), yield* call(read())], ["two", "three"]);
    }());
    socket.close();
    await socket.closed;
  });
}

socketTest(
  "who would have read, and is cancelled while it writes, reads no more",
  async (world) => {
    let text: string | undefined;
    let isBlocked = false;
    const { promise: isTold, resolve: tell } = Promise.withResolvers<void>();
    function* writeAndRead(): Coroutine {
      try {
        using _ = timeout(10);
        yield new Uint8Array(50_000);
        yield;
      } catch (error) {
        assertInstanceOf(error, TimeoutError);
      }
    }
    const limits = { maxMessageBytes: 50_000 };
    const [conn] = await stalled(world, { limits }, function* (socket) {
      while (socket.context.writable) yield* call(writeAndRead());
      isBlocked = true;
      yield* wait(isTold);
      // If somebody read whole messages, it would be too large.
      text = yield* call(gathered(yield* socket.receive()));
      socket.abort();
    });
    while (!isBlocked) {
      await turns(3);
      world.clock.advance(10);
    }
    const { received } = world.counts;
    const message = new Frames("client").text("x".repeat(100_000));
    for (let rest = message; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
    await turnsUntil(() => world.counts.received > received + 60_000);
    tell();
    using _ = new Peer(conn); // It takes all from now on.
    await turnsUntil(() => text !== undefined);
    assertEquals(text!.length, 100_000);
  },
  { wire: "1.1" },
);
