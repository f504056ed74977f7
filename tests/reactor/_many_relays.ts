/**
 * Relays many connections at once, of random sizes, with random half-closes and resets, and prints what
 * came of it as JSON. Every byte that arrives is compared with what was sent.
 *
 *     deno run -A tests/reactor/_many_relays.ts CONNECTIONS conn|deno|epoll [nearly-no-pipes]
 */
import { once } from "node:events";
import net from "node:net";
import { Buffer } from "node:buffer";
import {
  Acceptor,
  connect,
  Reactor,
  splice,
  TransferError,
  type TransferredBothWays,
  zeroCopy,
} from "../../reactor/mod.ts";
import { pipes } from "../../reactor/linux/_pipe_pool.ts";
import { openDescriptors, turns } from "../_leaks.ts";
import { pattern } from "./_transfer_ends.ts";

const [connections, kind] = [Number(Deno.args[0]), Deno.args[1] as "conn" | "deno" | "epoll"];
const hostname = "127.0.0.1";
const MOST = 512 * 1024;
const BYTES = pattern(2 * MOST);

let state = 12_345;
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor(state / 2 ** 32 * below);
}

/** What one side sends: the number of the connection, then anything; and whether it resets the connection then. */
interface Part {
  bytes: Uint8Array<ArrayBuffer>;
  resets: boolean;
}

function part(resets: boolean): Part {
  const size = 4 + random(random(10) > 0 ? 32 * 1024 : MOST);
  const offset = random(MOST);
  return { bytes: BYTES.subarray(offset, offset + size), resets };
}

const plans = Array.from({ length: connections }, () => {
  const cut = random(10);
  return { client: part(cut === 0), server: part(cut === 1), isCut: cut < 2 };
});

class Peer {
  received = 0;
  ended = false;
  readonly closed: Promise<void>;
  readonly #socket: net.Socket;
  readonly #sends: Part;

  constructor(socket: net.Socket, sends: Part, expects: Part) {
    this.#socket = socket;
    this.#sends = sends;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {});
    socket.on("end", () => this.ended = true);
    socket.on("data", (chunk: Buffer) => {
      const expected = expects.bytes.subarray(this.received, this.received + chunk.length);
      if (Buffer.compare(chunk, expected) !== 0) problems.push(`wrong bytes at ${this.received}`);
      this.received += chunk.length;
    });
  }

  /** In two parts, the second when the first is gone. */
  async send(): Promise<void> {
    const { bytes, resets } = this.#sends;
    const half = random(bytes.length);
    await this.#write(bytes.subarray(0, half));
    if (resets) return void this.#socket.resetAndDestroy();
    await this.#write(bytes.subarray(half));
    this.#socket.end();
  }

  #write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once("close", resolve);
      this.#socket.write(bytes, () => resolve());
    });
  }
}

/**
 * What this program has open, apart from files, and from Unix sockets, of which the runtime opens a pair when it has run for
 * a while; 0 where nobody may know.
 */
function open(): number {
  try {
    const unix = new Set(Deno.readTextFileSync("/proc/net/unix").match(/\d+/g));
    return [...openDescriptors().values()]
      .filter((what) => !what.startsWith("/") && !unix.has(what.match(/\d+/)?.[0] ?? "")).length;
  } catch {
    return 0;
  }
}

const problems: string[] = [];
const outcomes = { whole: 0, cut: 0, spliced: 0, copied: 0, mostPipes: 0 };
const sampler = setInterval(() => {
  outcomes.mostPipes = Math.max(outcomes.mostPipes, pipes.open);
}, 1);

async function relayed(transfer: PromiseLike<TransferredBothWays>): Promise<void> {
  try {
    const { forth, back } = await transfer;
    outcomes.whole++;
    outcomes.spliced += forth.spliced + back.spliced;
    outcomes.copied += forth.copied + back.copied;
  } catch (error) {
    if (!(error instanceof TransferError)) problems.push(String(error));
    outcomes.cut++;
  }
}

/** Listens, and relays to `port`. */
async function relay(port: number): Promise<{ port: number; stop(): Promise<void> }> {
  if (kind === "conn") {
    const listener = Deno.listen({ hostname, port: 0 });
    const relays: Promise<void>[] = [];
    const accepting = (async () => {
      for await (const conn of listener) {
        relays.push((async () => {
          const peer = await Deno.connect({ hostname, port });
          await relayed(splice.both(conn, peer));
          conn.close();
          peer.close();
        })());
      }
    })();
    return {
      port: (listener.addr as Deno.NetAddr).port,
      async stop() {
        await Promise.all(relays);
        listener.close();
        await accepting;
      },
    };
  }
  const reactor = new Reactor({ selector: kind });
  const running = reactor.run();
  const relays: Promise<void>[] = [];
  const acceptor = new Acceptor(reactor, { hostname, port: 0 }, (socket) => {
    relays.push((async () => {
      const peer = await connect(reactor, { hostname, port });
      await relayed(splice.both(socket, peer));
      socket.close();
      peer.close();
    })());
  });
  await turns();
  return {
    port: acceptor.port,
    async stop() {
      await Promise.all(relays);
      acceptor.close();
      reactor.requestShutdown();
      await running;
    },
  };
}

/** Relays the first `count` connections of the plans, all of which are open before any is used. */
async function run(count: number): Promise<void> {
  const servers = new Map<number, Peer>();
  const all = Promise.withResolvers<void>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.once("error", () => {});
    socket.once("readable", () => {
      const id = (socket.read(4) as Buffer).readUInt32LE();
      servers.set(id, new Peer(socket, plans[id]!.server, plans[id]!.client));
      if (servers.size === count) all.resolve();
    });
  }).listen({ port: 0, host: hostname, backlog: 4096 });
  await once(server, "listening");
  const relaying = await relay((server.address() as net.AddressInfo).port);
  const clients: Peer[] = [];
  for (let id = 0; id < count; id++) {
    const socket = net.connect({ host: hostname, port: relaying.port, allowHalfOpen: true });
    await once(socket, "connect");
    clients.push(new Peer(socket, plans[id]!.client, plans[id]!.server));
    socket.write(new Uint8Array(new Uint32Array([id]).buffer));
  }
  await all.promise;
  const peers = [...clients, ...servers.values()];
  await Promise.all(peers.map((peer) => peer.send()));
  await Promise.all(peers.map((peer) => peer.closed));
  await relaying.stop();
  server.close();
  await once(server, "close");
  clients.forEach((client, id) => {
    const { client: up, server: down, isCut } = plans[id]!;
    const server = servers.get(id)!;
    if (isCut) return;
    if (server.received !== up.bytes.length || !server.ended) problems.push(`${id} not all forth`);
    if (client.received !== down.bytes.length || !client.ended) problems.push(`${id} not all back`);
  });
}

/** Takes all the room for pipes that the kernel gives to one user, but for one. */
function takePipes(): void {
  const taken = [];
  do taken.push(zeroCopy.pipe()); while (taken.at(-1)!.size === 1024 * 1024 && taken.length < 1000);
  for (const pipe of taken.splice(-2)) pipe.close();
}
if (Deno.args[2] === "nearly-no-pipes") takePipes();

// What the runtime opens when it is used first is not a leak.
await run(1);
Object.assign(outcomes, { whole: 0, cut: 0, spliced: 0, copied: 0, mostPipes: 0 });
const before = open();
await run(connections);
for (let i = 0; i < 1000 && open() > before; i++) await turns();
clearInterval(sampler);
console.log(JSON.stringify({
  ...outcomes,
  uid: Deno.uid(),
  problems: problems.slice(0, 10),
  left: open() - before + pipes.open,
}));
