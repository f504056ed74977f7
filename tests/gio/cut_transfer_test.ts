/** A transfer that is cut leaves a part: closing what it went to must not look like the end. */
import { assertEquals } from "@std/assert";
import type { Coroutine } from "../../compose/mod.ts";
import { connectTo, enter, gio, timeout } from "../../gio/mod.ts";
import { Acceptor, here, Reactor, splice, TestClock } from "../../reactor/mod.ts";
import { resetTcp } from "../../reactor/linux/_tcp.ts";
import { hostname, SELECTORS } from "../_sockets.ts";
import { leakTest } from "../_leaks.ts";

const SENT = 1000;

interface Cut {
  options?: { idleMs?: number; maxBytes?: number };
  timeoutMs?: number;
  /** What the client does when all has arrived. */
  client?: "resets" | "ends";
  /** Who cuts it then. */
  cancels?: boolean;
  /** How much time passes then. */
  passesMs?: number;
}

const CUTS: Record<string, Cut> = {
  "the client resets": { client: "resets" },
  "nothing moves": { options: { idleMs: 5 }, passesMs: 5 },
  "there is too much": { options: { maxBytes: 100 } },
  "it is cancelled": { cancels: true },
  "it takes too long": { timeoutMs: 5, passesMs: 5 },
  "the client ends": { client: "ends" },
};

type Relay = (port: number, cut: Cut) => Coroutine<void>;

const RELAYS: Record<string, Relay> = {
  *"with using"(port, { options = {}, timeoutMs = Infinity }) {
    using _ = timeout(timeoutMs);
    using peer = yield* connectTo({ hostname, port });
    yield* splice.both(here, peer, options);
  },
  *"without using"(port, { options = {}, timeoutMs = Infinity }) {
    using _ = timeout(timeoutMs);
    const peer = yield* connectTo({ hostname, port });
    yield* splice.both(here, peer, options);
  },
  *"that catches the error"(port, { options = {}, timeoutMs = Infinity }) {
    using peer = yield* connectTo({ hostname, port });
    try {
      using _ = timeout(timeoutMs);
      yield* splice.both(here, peer, options);
    } catch {
      // It says nothing to the peer.
    }
  },
};

async function readAll(conn: Deno.Conn, onBytes: (count: number) => void): Promise<string> {
  const buffer = new Uint8Array(4096);
  let total = 0;
  try {
    for (let count; (count = await conn.read(buffer)) !== null;) onBytes(total += count);
    return "end";
  } catch (error) {
    return (error as Error).name;
  }
}

for (const selector of SELECTORS) {
  for (const [kind, relay] of Object.entries(RELAYS)) {
    for (const [what, cut] of Object.entries(CUTS)) {
      const does = cut.client === "ends" ? "ends" : "resets";
      leakTest(`a relay ${kind} ${does} its other side when ${what} (${selector})`, async () => {
        using upstream = Deno.listen({ hostname, port: 0 });
        const clock = new TestClock();
        using reactor = new Reactor({ selector, clock, onError: () => {} });
        const running = reactor.run();
        const controller = new AbortController();
        using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
          gio(reactor, socket, relay(upstream.addr.port, cut), { signal: controller.signal })
            .result.catch(() => {});
        });
        const client = await Deno.connect({ hostname, port: acceptor.port });
        await client.write(new Uint8Array(SENT));
        using peer = await upstream.accept();
        const ended = await readAll(peer, (total) => {
          if (total < SENT) return;
          if (cut.client === "resets") resetTcp(client);
          if (cut.client === "ends") client.closeWrite().then(() => peer.closeWrite());
          if (cut.cancels) controller.abort();
          if (cut.passesMs !== undefined) clock.advance(cut.passesMs);
        });
        assertEquals(ended, does === "ends" ? "end" : "ConnectionReset");
        client.close();
        acceptor.close();
        reactor.requestShutdown();
        await running;
      });
    }
  }

  leakTest(`what is written after a cut transfer is the last word (${selector})`, async () => {
    using upstream = Deno.listen({ hostname, port: 0 });
    using reactor = new Reactor({ selector, onError: () => {} });
    const running = reactor.run();
    const cut = new AbortController();
    using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
      gio(
        reactor,
        socket,
        function* () {
          using peer = yield* connectTo({ hostname, port: upstream.addr.port });
          try {
            yield* splice(here, peer, { signal: cut.signal });
          } catch {
            using _ = enter(peer);
            yield "sorry";
          }
        }(),
      );
    });
    using client = await Deno.connect({ hostname, port: acceptor.port });
    await client.write(new Uint8Array(SENT));
    using peer = await upstream.accept();
    let received = 0;
    const onBytes = (total: number) => {
      received = total;
      if (total === SENT) cut.abort();
    };
    assertEquals(await readAll(peer, onBytes), "end");
    assertEquals(received, SENT + "sorry".length);
    acceptor.close();
    reactor.requestShutdown();
    await running;
  });
}
