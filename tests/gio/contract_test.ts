// deno-lint-ignore-file weightless/yield-request
/** What a coroutine on a plain connection can do wrong, and what comes of it, on sockets of both kinds. */
import { assertEquals, assertMatch } from "@std/assert";
import { call, type Coroutine, EndOfStream, readLine } from "../../compose/mod.ts";
import { all, connectTo, enter, gio, sleep, spawn } from "../../gio/mod.ts";
import { Acceptor, here, Reactor, sendFile, splice, type Transfer } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { hostname, listening, SELECTORS } from "../_sockets.ts";
import { FakeConnection } from "./_fake.ts";

interface Slip {
  run: (far: number) => Coroutine;
  /** What the client gets before the end. */
  got: string;
  /** Whether its connection is aborted. */
  isCut: boolean;
  told: RegExp[];
}

/** Reads from a connection to `port` until that ends, which it does not catch. */
function* relay(port: number, read: () => Coroutine): Coroutine {
  yield "abc";
  yield* sleep(0);
  using peer = yield* connectTo({ hostname, port });
  for (;;) {
    using _in = enter(peer);
    yield read();
  }
}

function* bare(): Coroutine {
  return yield;
}

const OTHER = /^Error: Cannot end the connection: .* at the end of another stream/;
const FORGOTTEN = /^TypeError: Cannot transfer from or to `here`: write yield\* sendFile/;

const slips: Record<string, Slip> = {
  "makes a transfer from or to `here`, does not yield it, and ends": {
    *run() {
      sendFile(here, "/missing");
    },
    got: "",
    isCut: true,
    told: [FORGOTTEN],
  },
  "makes a transfer from or to `here`, does not yield it, and waits": {
    *run() {
      yield "abc";
      yield* sleep(0);
      splice(here, { write: (p) => Promise.resolve(p.length) });
      yield* sleep(10_000);
    },
    got: "abc",
    isCut: true,
    told: [FORGOTTEN],
  },
  "makes a transfer from or to `here`, yields it too late, and catches the error": {
    *run() {
      const transfer = sendFile(here, "/missing");
      try {
        yield* sleep(10_000);
      } catch {
        try {
          yield* transfer;
        } catch {
          yield "caught";
        }
      }
    },
    got: "caught",
    isCut: false,
    told: [],
  },
  "makes a transfer between others, does not yield it, and that fails": {
    *run() {
      sendFile({ write: (p) => Promise.resolve(p.length) }, "/missing");
      yield "abc";
      yield* sleep(5);
    },
    got: "abc",
    isCut: false,
    told: [/No such file/],
  },
  "lets the end of another connection out": {
    run: (far) => relay(far, bare),
    got: "abc",
    isCut: true,
    told: [OTHER],
  },
  "lets the end of another connection out of a reader": {
    run: (far) => relay(far, readLine),
    got: "abc",
    isCut: true,
    told: [OTHER],
  },
  "lets an `EndOfStream` that it made itself out": {
    *run() {
      yield "abc";
      throw new EndOfStream("All was said");
    },
    got: "abc",
    isCut: false,
    told: [],
  },
  "has a task that lets the end of another connection out": {
    *run(far) {
      yield* spawn(listen(far));
      yield "abc";
      yield* sleep(5);
    },
    got: "abc",
    isCut: false,
    told: [],
  },
  "lets the end of its own connection out of a reader": {
    *run() {
      yield "abc";
      for (;;) yield* call(readLine());
    },
    got: "abc",
    isCut: false,
    told: [],
  },
  "yields a promise that rejects": {
    *run() {
      yield Promise.reject(new Error("in the promise"));
    },
    got: "",
    isCut: true,
    told: [/^TypeError: Cannot do anything with a yielded /],
  },
};

function* listen(port: number): Coroutine {
  using peer = yield* connectTo({ hostname, port });
  using _in = enter(peer);
  for (;;) yield;
}

/** What comes until the end, and whether that is a reset. */
async function received(port: number): Promise<{ got: string; isCut: boolean }> {
  let got = "";
  try {
    using conn = await Deno.connect({ hostname, port });
    await conn.closeWrite();
    const buffer = new Uint8Array(1000);
    for (let n; (n = await conn.read(buffer)) !== null;) {
      got += new TextDecoder().decode(buffer.subarray(0, n));
    }
    return { got, isCut: false };
  } catch { // It may be reset before anything was done with it.
    return { got, isCut: true };
  }
}

for (const selector of SELECTORS) {
  for (const [what, slip] of Object.entries(slips)) {
    leakTest(`a coroutine that ${what} (${selector})`, async () => {
      const told: unknown[] = [];
      using far = Deno.listen(listening);
      (async () => {
        for await (const conn of far) {
          await conn.write(new TextEncoder().encode("par"));
          conn.close();
        }
      })();
      using reactor = new Reactor({ selector, onError: (error) => told.push(error) });
      using acceptor = new Acceptor(reactor, listening, (socket) => {
        gio(reactor, socket, slip.run((far.addr as Deno.NetAddr).port));
      });
      const running = reactor.run();
      const { got, isCut } = await received(acceptor.port);
      await turnsUntil(() => reactor.openConnections.size === 0);
      assertEquals(isCut, slip.isCut);
      // What has come before a reset may be lost.
      if (!isCut) assertEquals(got, slip.got);
      assertEquals(told.length, slip.told.length, String(told));
      for (const [i, pattern] of slip.told.entries()) assertMatch(String(told[i]), pattern);
      assertEquals(reactor.inspect().filter(({ kind }) => kind === "timer"), []);
      reactor.requestShutdown();
      await running;
    });
  }
}

const wraps: Record<string, (transfer: Transfer) => unknown> = {
  "by `yield`": (transfer) => transfer,
  "in `all()`": (transfer) => all(transfer),
};

for (const [how, wrap] of Object.entries(wraps)) {
  Deno.test(`a coroutine may yield a transfer ${how} while what it has written waits to be sent`, async () => {
    using reactor = new Reactor();
    const running = reactor.run();
    const connection = new FakeConnection();
    connection.capacity = 0;
    const pieces = [new TextEncoder().encode("end")];
    const from = {
      read(p: Uint8Array) {
        const piece = pieces.pop();
        if (piece !== undefined) p.set(piece);
        return Promise.resolve(piece?.length ?? null);
      },
    };
    const task = gio(
      reactor,
      connection,
      function* () {
        yield "first ";
        yield wrap(splice(from, here));
      }(),
    );
    await turns();
    connection.accept(Infinity);
    await task.result;
    assertEquals(connection.sent.join(""), "first end");
    reactor.requestShutdown();
    await running;
  });
}
