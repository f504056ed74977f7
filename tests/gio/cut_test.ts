/** What the peer sees when a coroutine ends, and what `result` says: all and a clean end, or a reset; never a part that passes for the whole. */
import { assertEquals } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { Acceptor, Reactor, type Socket, subprocess, TestClock } from "../../reactor/mod.ts";
import { EndOfStream, type Gio, gio, sleep, timeout } from "../../gio/mod.ts";
import { leakTest, turnsUntil } from "../_leaks.ts";
import { hostname, SELECTORS } from "../_sockets.ts";

interface Sender {
  reactor: Reactor;
  task: Gio;
}

/** What was sent before the end, and whether the peer reads before it is over. */
const SENT: Record<string, { size: number; reads: boolean }> = {
  nothing: { size: 0, reads: true },
  all: { size: 1000, reads: true },
  "a part that the peer does not read": { size: 1000, reads: false },
};

/** Lets bytes of its own go first, again and again, so that what a coroutine sends from now on stays here. */
function occupy(socket: Socket): void {
  const { send } = socket;
  const filler = new Uint8Array(1 << 20);
  Object.assign(socket, { send: () => (send.call(socket, filler), 0), sendv: undefined });
}

/** After it has sent something, a coroutine stands in one of these ways, and is ended. */
const WAYS: Record<string, {
  stands: () => Coroutine;
  end?: (sender: Sender) => void;
  /** What the result says when nothing was left to be sent. */
  result: string;
  /** Whether that is in the middle of something, so the peer is to see a reset. */
  isCut: boolean;
}> = {
  "returns": { *stands() {}, result: "value", isCut: false },
  "throws": {
    *stands() {
      throw new Error("thrown");
    },
    result: "thrown",
    isCut: true,
  },
  "lets EndOfStream through": {
    *stands() {
      throw new EndOfStream("ended");
    },
    result: "ended",
    isCut: false,
  },
  "is cancelled in the middle": {
    *stands() {
      yield* sleep(60_000);
    },
    end: ({ task }) => task.cancel(new Error("cancelled")),
    result: "cancelled",
    isCut: true,
  },
  "is cancelled while it waits for the peer": {
    *stands() {
      yield;
    },
    end: ({ task }) => task.cancel(new Error("cancelled")),
    result: "cancelled",
    isCut: false,
  },
  "is timed out": {
    *stands() {
      timeout(1);
      yield* sleep(60_000);
    },
    result: "Timed out after 1 ms",
    isCut: true,
  },
  "is in the middle at shutdown()": {
    *stands() {
      yield* sleep(60_000);
    },
    end: ({ reactor }) => reactor.shutdown(),
    result: "The reactor was shut down",
    isCut: true,
  },
  "is in the middle at requestShutdown()": {
    *stands() {
      yield* sleep(60_000);
    },
    end: ({ reactor }) => reactor.requestShutdown(),
    result: "The reactor was shut down",
    isCut: true,
  },
  "waits for the peer at requestShutdown()": {
    *stands() {
      yield;
    },
    end: ({ reactor }) => reactor.requestShutdown(),
    result: "The reactor was shut down",
    isCut: false,
  },
};

/** All that a peer gets, and how it ends. */
async function drain(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(1 << 16);
  let size = 0;
  try {
    for (let count; (count = await conn.read(buffer)) !== null;) size += count;
    return `${size}, clean end`;
  } catch (error) {
    return (error as Error).name;
  } finally {
    conn.close();
  }
}

for (const selector of SELECTORS) {
  for (const [way, { stands, end, result, isCut }] of Object.entries(WAYS)) {
    for (const [sent, { size, reads }] of Object.entries(SENT)) {
      leakTest(`a coroutine that ${way}, with ${sent} sent (${selector})`, async () => {
        const errors: unknown[] = [];
        // A peer that reads does so beside the reactor: then the clock waits until nothing has happened for a while.
        const clock = new TestClock({ autojump: true, quietMs: reads ? 20 : 0 });
        const reactor = new Reactor({
          selector,
          clock,
          onError: (error) => errors.push(error),
        });
        const running = reactor.run();
        const accepted = Promise.withResolvers<Socket>();
        const acceptor = new Acceptor(reactor, { hostname, port: 0 }, accepted.resolve);
        const conn = await Deno.connect({ hostname, port: acceptor.port });
        const socket = await accepted.promise;
        if (!reads) occupy(socket);
        let stood = false;
        const task = gio(
          reactor,
          socket,
          function* () {
            if (size > 0) yield new Uint8Array(size);
            yield* sleep(0);
            stood = true;
            yield stands();
            return "value";
          }(),
        );
        const seen = task.result.then((value) => value, (error) => error.message);
        if (end !== undefined) await turnsUntil(() => stood);
        end?.({ reactor, task });
        // Who does not read sees what came of it only when it is over.
        if (!reads) await seen;
        const [peer, said] = [drain(conn), await seen];
        if (reads) {
          const expected = isCut ? "ConnectionReset" : `${size}, clean end`;
          assertEquals([await peer, said], [expected, result]);
        } else {
          const how = await peer;
          assertEquals([how, said === "value"], ["ConnectionReset", false], said);
        }
        acceptor.close();
        reactor.requestShutdown();
        await running;
        assertEquals(errors, []);
      });
    }
  }

  leakTest(
    `a coroutine that is cancelled has its last words in its finally (${selector})`,
    async () => {
      const reactor = new Reactor({ selector });
      const running = reactor.run();
      const accepted = Promise.withResolvers<Socket>();
      const acceptor = new Acceptor(reactor, { hostname, port: 0 }, accepted.resolve);
      const conn = await Deno.connect({ hostname, port: acceptor.port });
      const task = gio(
        reactor,
        await accepted.promise,
        function* () {
          try {
            yield "begun; ";
            yield* sleep(60_000);
          } finally {
            yield "closed";
          }
        }(),
      );
      const result = task.result.catch((error) => error.message);
      task.cancel(new Error("cancelled"));
      const text = await new Response(conn.readable).text();
      assertEquals([text, await result], ["begun; closed", "cancelled"]);
      acceptor.close();
      reactor.requestShutdown();
      await running;
    },
  );

  leakTest(
    `what the peer has said can be read after a write has failed (${selector})`,
    async () => {
      if (Deno.build.os === "windows") return;
      const reactor = new Reactor({ selector });
      const running = reactor.run();
      const program = subprocess(reactor, "sh", { args: ["-c", "echo usage: a file; exit 2"] });
      const seen = await gio(
        reactor,
        program.io,
        function* () {
          const seen: string[] = [];
          for (let i = 0; i < 2; i++) {
            try {
              yield new Uint8Array(10_000_000);
              yield* sleep(0);
            } catch (error) {
              seen.push((error as Error).name);
            }
          }
          seen.push(new TextDecoder().decode(yield));
          try {
            yield;
          } catch (error) {
            seen.push((error as Error).name);
          }
          return seen;
        }(),
      ).result;
      assertEquals(seen, ["BrokenPipe", "BrokenPipe", "usage: a file\n", "EndOfStream"]);
      await program.status;
      reactor.requestShutdown();
      await running;
    },
  );
}
