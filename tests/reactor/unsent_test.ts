/** What ends with accepted bytes unsent does not end cleanly: a peer gets all that was accepted, or an error. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Reactor, type Socket, TestClock, zeroCopy } from "../../reactor/mod.ts";
import { leakTest, PATIENCE_MS, turns, turnsUntil } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { type Kind, KINDS, type Peer } from "./_kinds.ts";
import { fill, SELECTORS } from "../_sockets.ts";

// The runtime opens descriptors of its own at the first subprocess.
await new Deno.Command("true").output();

async function lengthOfAll(peer: Peer): Promise<number> {
  let length = 0;
  for (let chunk; (chunk = await peer.read()) !== null;) length += chunk.length;
  return length;
}

interface Ended {
  reactor: Reactor;
  socket: Socket;
  clock: TestClock;
}

/** The ways in which a socket whose peer does not read can end. */
const ENDS: Record<string, (t: Ended) => unknown> = {
  "its linger expires after close()": ({ reactor, socket, clock }) => {
    socket.close();
    clock.advance(300);
    reactor.step();
  },
  "its linger expires after shutdown() and close()": ({ reactor, socket, clock }) => {
    socket.shutdown();
    socket.close();
    clock.advance(300);
    reactor.step();
  },
  "it is aborted": ({ socket }) => socket.abort(),
  "it is aborted after close()": ({ socket }) => {
    socket.close();
    socket.abort();
  },
  "the reactor shuts down": ({ reactor }) => reactor.shutdown(),
  "the reactor shuts down after close()": ({ reactor, socket }) => {
    socket.close();
    reactor.shutdown();
  },
  "the reactor shuts down while somebody waits": ({ reactor, socket }) => {
    reactor.addReader(socket, () => {});
    reactor.addWriter(socket, () => {});
    reactor.shutdown();
  },
  "run() ends": async ({ reactor, clock }) => {
    reactor.requestShutdown();
    const running = reactor.run();
    await turns(2);
    clock.advance(300);
    await running;
  },
};

/** The ways in which a peer that has said something goes. */
const LEAVES: Record<string, (peer: Peer, socket: Socket) => unknown> = {
  "the peer closes": (peer) => peer.close(),
  "the peer ends and closes": async (peer) => {
    await Promise.race([peer.end(), turns(5)]);
    peer.close();
  },
  "the peer closes with something unread": async (peer, socket) => {
    socket.send(new Uint8Array(1000));
    await turns(5);
    peer.close();
  },
};

async function failToSend(socket: Socket): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  try {
    while (performance.now() < deadline) {
      socket.send(new Uint8Array(1000));
      await turns();
    }
  } catch {
    return;
  }
  throw new Error("Sending did not fail");
}

/** Where the back end can tell the peer. */
function canReset({ name }: Kind): boolean {
  return name === "Web streams" || zeroCopy.supported && /TCP|TLS/.test(name);
}

for (const selector of SELECTORS) {
  for (const kind of KINDS) {
    for (const [how, leave] of Object.entries(LEAVES)) {
      leakTest(
        `a ${kind.name} socket (${selector}) of which sending fails when ${how} gives what was said before`,
        async () => {
          using reactor = new Reactor({ selector });
          const { socket, peer, ended } = await kind.pair(reactor);
          const said = new TextEncoder().encode("usage: less");
          // The peer's streams wait for their reader.
          const saying = peer.write(said);
          if (kind.name !== "Web streams") await saying;
          await leave(peer, socket);
          await failToSend(socket);
          assert(socket.writable);
          const seen: unknown[] = [];
          reactor.addReader(socket, () => {
            try {
              seen.push(socket.recv());
            } catch (error) {
              seen.push(error);
            }
            if (!(seen.at(-1) instanceof Uint8Array)) reactor.removeReader(socket);
          });
          await drive(reactor, () => seen.length > 1);
          assertEquals(seen[0], said);
          assert(seen[1] === null || seen[1] instanceof Error);
          assertThrows(() => socket.send(new Uint8Array(1)));
          peer.close();
          socket.close();
          await ended;
        },
      );
    }
  }

  for (const kind of KINDS.filter(canReset)) {
    for (const [how, end] of Object.entries(ENDS)) {
      leakTest(
        `a ${kind.name} socket (${selector}) gives all or an error when ${how}`,
        async () => {
          const clock = new TestClock();
          using reactor = new Reactor({ selector, clock, lingerMs: 300 });
          const { socket, peer } = await kind.pair(reactor);
          const accepted = await fill(socket);
          await end({ reactor, socket, clock });
          assertEquals(reactor.openConnections.size, 0);
          const got = await lengthOfAll(peer).catch((error) => error);
          assert(got === accepted || got instanceof Error, `${got} of ${accepted}`);
          // A descriptor has handed all to the system; else it cannot have been all.
          const isAll = "descriptor" in socket && !how.includes("aborted");
          assertEquals(
            got === accepted,
            isAll || "descriptor" in socket && how.includes("close()"),
          );
          peer.close();
        },
      );
    }

    leakTest(`a ${kind.name} socket (${selector}) that has sent all is not reset`, async () => {
      for (const ends of [[(s: Socket) => s.close()], [(s: Socket) => s.shutdown()], []]) {
        using reactor = new Reactor({ selector });
        const { socket, peer } = await kind.pair(reactor);
        socket.send(new Uint8Array(1000));
        const length = lengthOfAll(peer);
        await turnsUntil(() => socket.writable);
        for (const end of ends) end(socket);
        reactor.shutdown();
        assertEquals(await length, 1000);
        peer.close();
      }
    });
  }
}
