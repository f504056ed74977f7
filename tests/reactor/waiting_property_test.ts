/** Who waits for a socket is told, whatever happens in whatever order: on every kind of socket and every back end. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Reactor, type SelectorName, type Socket } from "../../reactor/mod.ts";
import { leakTest, turns, turnsUntil } from "../_leaks.ts";
import { drive } from "./_drive.ts";
import { type Kind, KINDS, type Peer } from "./_kinds.ts";
import { SELECTORS } from "../_sockets.ts";

// The runtime opens descriptors of its own at the first subprocess.
await new Deno.Command("true").output();

const PIECE = new Uint8Array(256 * 1024);

/** A socket of which somebody waits to read and somebody to write. */
class Waited {
  readonly reactor: Reactor;
  readonly socket: Socket;
  readonly peer: Peer;
  toldReader = 0;
  toldWriter = 0;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(reactor: Reactor, socket: Socket, peer: Peer) {
    this.reactor = reactor;
    this.socket = socket;
    this.peer = peer;
  }

  /** Waits for the end of what the peer says, and takes what comes. */
  read(): void {
    this.reactor.addReader(this.socket, () => {
      if (attempt(() => this.socket.recv()) instanceof Uint8Array) return;
      this.toldReader++;
      this.reactor.removeReader(this.socket);
    });
  }

  /** Waits for room, once. */
  write(): void {
    this.reactor.addWriter(this.socket, () => {
      this.toldWriter++;
      this.reactor.removeWriter(this.socket);
    });
  }

  async fill(): Promise<void> {
    while (attempt(() => this.socket.send(PIECE))) await turns(3);
  }

  /** The peer takes some, if there is any, or all that comes; nobody waits for that. */
  peerReads(times: number): void {
    this.#reading = this.#reading.then(async () => {
      for (let i = 0; i < times && (await this.peer.read()) !== null; i++);
    }).catch(() => {});
  }
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

const STEPS: Record<string, (waited: Waited) => unknown> = {
  "a write": ({ socket }) => attempt(() => socket.send(new Uint8Array(1000))),
  "a large write": ({ socket }) => attempt(() => socket.send(PIECE)),
  "writes until it is full": (waited) => waited.fill(),
  shutdown: ({ socket }) => socket.shutdown(),
  "the peer reads some": (waited) => waited.peerReads(2),
  "the peer writes": ({ peer }) => void peer.write(new Uint8Array(100)).catch(() => {}),
  "the peer ends": ({ peer }) => void peer.end().catch(() => {}),
  "a step": ({ reactor }) => reactor.step(),
  "a turn": () => turns(2),
};

/** After these, nobody has anything to wait for any more. */
const ENDS: Record<string, (waited: Waited) => unknown> = {
  close: ({ socket }) => socket.close(),
  abort: ({ socket }) => socket.abort(),
  "shutdown and close": ({ socket }) => (socket.shutdown(), socket.close()),
  "the peer reads all and ends": (waited) => {
    waited.peerReads(Infinity);
    waited.peer.end().catch(() => {});
  },
  "shutdown, and the peer reads all and ends": (waited) => {
    waited.socket.shutdown();
    waited.peerReads(Infinity);
    waited.peer.end().catch(() => {});
  },
  "the peer closes": ({ peer }) => peer.close(),
  "the peer resets": ({ peer }) => peer.reset(),
};

/** When each begins to wait: before the steps, or after them. */
const WAITING = fc.record({ readFirst: fc.boolean(), writeFirst: fc.boolean() });
const ORDER = fc.array(fc.constantFrom(...Object.keys(STEPS)), { maxLength: 6 });
const END = fc.constantFrom(...Object.keys(ENDS));

async function isTold(
  kind: Kind,
  selector: SelectorName,
  order: string[],
  end: string,
  { readFirst, writeFirst }: { readFirst: boolean; writeFirst: boolean },
): Promise<void> {
  using reactor = new Reactor({ selector, onError: () => {} });
  const { socket, peer, ended } = await kind.pair(reactor);
  const waited = new Waited(reactor, socket, peer);
  try {
    if (readFirst) waited.read();
    if (writeFirst) {
      // Only a full socket makes a writer wait.
      await waited.fill();
      waited.write();
    }
    for (const step of order) await STEPS[step]!(waited);
    if (!readFirst) waited.read();
    if (!writeFirst || waited.toldWriter > 0) waited.write();
    const before = waited.toldWriter;
    await ENDS[end]!(waited);
    await drive(reactor, () => waited.toldReader > 0, "the reader to be told");
    await drive(reactor, () => waited.toldWriter > before, "the writer to be told");
    assertEquals(waited.toldReader, 1);
  } finally {
    socket.abort();
    peer.close();
    reactor.shutdown();
    await ended;
  }
  await turnsUntil(() => reactor.openConnections.size === 0);
}

for (const selector of SELECTORS) {
  for (const kind of KINDS) {
    leakTest(`who waits for a ${kind.name} socket (${selector}) is told, always`, async () => {
      const property = fc.asyncProperty(
        ORDER,
        END,
        WAITING,
        (order, end, waiting) => isTold(kind, selector, order, end, waiting),
      );
      const numRuns = kind.name === "subprocess" ? 10 : 40;
      const examples = Object.keys(ENDS).map((end): [
        string[],
        string,
        { readFirst: boolean; writeFirst: boolean },
      ] => [["shutdown"], end, { readFirst: true, writeFirst: true }]);
      await fc.assert(property, { numRuns, examples });
    });

    leakTest(
      `shutdown() of a full ${kind.name} socket (${selector}) tells who waits to write`,
      async () => {
        using reactor = new Reactor({ selector });
        const { socket, peer, ended } = await kind.pair(reactor);
        const waited = new Waited(reactor, socket, peer);
        await waited.fill();
        waited.write();
        assertEquals([reactor.step(), socket.writable], [0, false]);
        socket.shutdown();
        assertEquals([socket.writable, reactor.step(), waited.toldWriter], [true, 1, 1]);
        socket.abort();
        peer.close();
        await ended;
      },
    );
  }
}
