/** A protocol does on memory() what it does on a socket, whatever its peer does. */
import { assertEquals, assertThrows } from "@std/assert";
import net from "node:net";
import { call, type Coroutine, pushBack, readLine } from "../../compose/mod.ts";
import { Acceptor, Reactor, type SelectorName, TestClock } from "../../reactor/mod.ts";
import { asProcess, type Context, enter, gio, memory, sleep, timeout } from "../../gio/mod.ts";
import { turns, turnsUntil } from "../_leaks.ts";

/** What the test plays: the other end of the connection of a protocol. */
interface Peer {
  write(text: string): void;
  /** Closes its half. */
  end(): void;
  reset(): void;
  /** Reads no more. */
  stop(): void;
  /** What it has received. */
  readonly text: string;
}

type Pair = { context: Context; peer: Peer };

const hostname = "127.0.0.1";

function inMemory(): Pair {
  const peer = memory();
  return {
    context: peer,
    peer: {
      write: (text) => peer.write(text),
      end: () => peer.end(),
      reset: () => peer.fail(),
      stop: () => peer.room = 0,
      get text() {
        return peer.text;
      },
    },
  };
}

/** Node's sockets can reset a connection. */
async function onSocket(reactor: Reactor): Promise<Pair> {
  let context: Context | undefined;
  using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => context = socket);
  const client = net.connect({ host: hostname, port: acceptor.port, allowHalfOpen: true });
  let text = "";
  client.on("data", (data) => text += data).on("error", () => {});
  await turnsUntil(() => context !== undefined);
  return {
    context: context!,
    peer: {
      write: (text) => client.write(text),
      end: () => client.end(),
      reset: () => client.resetAndDestroy(),
      stop: () => client.pause(),
      get text() {
        return text;
      },
    },
  };
}

const KINDS: Record<
  string,
  { selector: SelectorName; pair: (r: Reactor) => Pair | Promise<Pair> }
> = {
  "memory()": { selector: "deno", pair: inMemory },
  "a socket (deno)": { selector: "deno", pair: onSocket },
  ...(Deno.build.os === "linux" && { "a socket (epoll)": { selector: "epoll", pair: onSocket } }),
};

/** Repeats lines, until something happens. */
function* repeats(log: string[]): Coroutine {
  using _ = timeout(10_000);
  try {
    yield "hello\n";
    for (;;) {
      const line = yield* call(readLine());
      log.push(line);
      if (line === "flood") { for (;;) yield new Uint8Array(1 << 20); }
      yield `${line}!\n`;
    }
  } catch (error) {
    log.push((error as Error).name);
    if (log.at(-1) === "EndOfStream") yield "bye\n";
    throw error;
  }
}

interface Play {
  /** What the peer does. */
  play(peer: Peer, clock: TestClock, logged: readonly string[]): void | Promise<void>;
  log: string[];
  /** What the peer has received, if that is known. */
  text?: string;
}

const seen = (peer: Peer, text: string) => turnsUntil(() => peer.text.includes(text));

const PLAYS: Record<string, Play> = {
  "says all at once, and ends": {
    play(peer) {
      peer.write("one\ntwo\n");
      peer.end();
    },
    log: ["one", "two", "EndOfStream"],
    text: "hello\none!\ntwo!\nbye\n",
  },
  "goes on when it is answered, and ends its half": {
    async play(peer) {
      await seen(peer, "hello\n");
      peer.write("on");
      await turns(3);
      peer.write("e\n");
      await seen(peer, "one!\n");
      peer.write("two\n");
      await seen(peer, "two!\n");
      peer.end();
      await seen(peer, "bye\n");
    },
    log: ["one", "two", "EndOfStream"],
    text: "hello\none!\ntwo!\nbye\n",
  },
  "ends in the middle of a line": {
    play(peer) {
      peer.write("on");
      peer.end();
    },
    log: ["EndOfStream"],
    text: "hello\nbye\n",
  },
  "resets": {
    async play(peer) {
      peer.write("one\n");
      await seen(peer, "one!\n");
      peer.reset();
    },
    log: ["one", "ConnectionReset"],
    text: "hello\none!\n",
  },
  "is silent": {
    async play(peer, clock) {
      await seen(peer, "hello\n");
      clock.advance(10_000);
    },
    log: ["TimeoutError"],
    text: "hello\n",
  },
  "says half a line, and then nothing": {
    async play(peer, clock) {
      await seen(peer, "hello\n");
      peer.write("on");
      clock.advance(10_000);
    },
    log: ["TimeoutError"],
    text: "hello\n",
  },
  "does not read": {
    async play(peer, clock, logged) {
      await seen(peer, "hello\n");
      peer.stop();
      peer.write("flood\n");
      await turnsUntil(() => logged.includes("flood"));
      clock.advance(10_000);
    },
    log: ["flood", "TimeoutError"],
  },
};

for (const [name, { selector, pair }] of Object.entries(KINDS)) {
  for (const [does, { play, log, text }] of Object.entries(PLAYS)) {
    Deno.test(`a protocol on ${name}, whose peer ${does}`, async () => {
      const clock = new TestClock();
      const reactor = new Reactor({ selector, clock });
      const running = reactor.run();
      const { context, peer } = await pair(reactor);
      const logged: string[] = [];
      const task = gio(reactor, context, repeats(logged));
      await play(peer, clock, logged);
      await task.result.catch(() => {});
      if (text !== undefined) await seen(peer, text);
      peer.reset();
      reactor.requestShutdown();
      await running;
      assertEquals(logged, log);
      if (text !== undefined) assertEquals(peer.text, text);
    });
  }
}

Deno.test("memory() gives bytes, a piece for each read, and then the end", async () => {
  const given = new Uint8Array([1, 2]);
  const read: unknown[] = [];
  await asProcess(
    function* () {
      try {
        for (;;) read.push(yield);
      } finally {
        read.push("ended");
      }
    }(),
    { connection: memory("€", given, "", "b") },
  ).catch(() => {});
  const encoder = new TextEncoder();
  assertEquals(read, [encoder.encode("€"), given, new Uint8Array(0), encoder.encode("b"), "ended"]);
});

Deno.test("memory() shows how the protocol has left it", async () => {
  const ways: [string, () => Coroutine][] = [
    ["closed", function* () {}],
    ["aborted", function* () {
      throw new Error("oops");
    }],
  ];
  for (const [state, protocol] of ways) {
    const peer = memory();
    await asProcess(protocol(), { connection: peer }).catch(() => {});
    assertEquals([peer.state, peer.closed], [state, true]);
  }
});

Deno.test("memory() is half-closed until its peer ends as well, at most for lingerMs", () => {
  for (const ends of [true, false]) {
    const clock = new TestClock();
    using reactor = new Reactor({ selector: "deno", clock });
    const peer = memory();
    gio(
      reactor,
      peer,
      function* () {
        yield "bye";
      }(),
      { lingerMs: 100 },
    );
    reactor.step();
    assertEquals([peer.state, peer.text], ["half-closed", "bye"]);
    peer.write("what nobody reads");
    if (ends) peer.end();
    else clock.advance(100);
    for (let i = 0; i < 3; i++) reactor.step();
    assertEquals(peer.state, "closed");
  }
});

Deno.test("memory() takes as much as there is room for", () => {
  using reactor = new Reactor({ selector: "deno" });
  const peer = memory();
  peer.room = 2;
  const task = gio(
    reactor,
    peer,
    function* () {
      yield "hello";
    }(),
  );
  for (const [room, text] of [[0, "he"], [1, "hel"], [Infinity, "hello"]] as const) {
    peer.room = room;
    reactor.step();
    assertEquals(peer.text, text);
  }
  assertEquals(task.done, true);
  assertThrows(() => peer.room = NaN, RangeError, "Cannot have room for NaN bytes");
});

Deno.test("memory() fails with the error that is given, once what came before has been read", async () => {
  const peer = memory();
  peer.write("one\ntwo\n");
  const seen: unknown[] = [];
  await asProcess(function* () {
    using _ = enter(peer);
    seen.push(yield* call(readLine()));
    peer.fail(new RangeError("broken"));
    try {
      yield "is not sent";
      yield* sleep(0);
    } catch (error) {
      seen.push((error as Error).message);
    }
    seen.push(yield* call(readLine()));
  }());
  assertEquals(seen, ["one", "broken", "two"]);
});

Deno.test("memory() and write() take text and bytes only, and nothing after the end", () => {
  const peer = memory();
  for (const wrong of [42, null, ["a"], new Uint16Array(1)]) {
    assertThrows(() => peer.write(wrong as never), TypeError, "give text or a Uint8Array");
    assertThrows(() => memory(wrong as never), TypeError, "give text or a Uint8Array");
  }
  peer.end();
  peer.end();
  assertThrows(() => peer.write("more"), TypeError, "Cannot write: the peer has ended");
});

Deno.test("what was pushed back on memory() is read again by who enters it again", async () => {
  const peer = memory("one two");
  const seen = await asProcess(function* (): Coroutine<unknown[]> {
    function* word(): Coroutine<string> {
      const [first, ...rest] = new TextDecoder().decode(yield).split(" ");
      return pushBack(first!, new TextEncoder().encode(rest.join(" ")));
    }
    const words = [];
    for (let i = 0; i < 2; i++) {
      using _ = enter(peer);
      words.push(yield* call(word()));
    }
    return words;
  }());
  assertEquals(seen, ["one", "two"]);
});
