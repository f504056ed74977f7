/**
 * A TCP relay, by one of several means.
 *
 *     deno run -A bench/peers/relay.ts PORT MEANS [epoll]
 *
 * Relays to 127.0.0.1:PORT, and prints where it listens. MEANS is `splice` or `copy` (both by `splice.both`, of sockets of a
 * reactor on epoll, or of Deno's), `pipeTo`, or a number: the size of the buffer of a loop that reads and writes. For each
 * connection that `splice.both` has relayed, a line of JSON tells the bytes and how many of them were spliced.
 */
import { Acceptor, connect, Reactor, splice, type TransferPeer } from "../../reactor/mod.ts";

const hostname = "127.0.0.1";
const [far, means, selector] = Deno.args;
const port = Number(far);

if (selector === "epoll") await ofReactor();
else await ofDeno();

async function ofReactor(): Promise<void> {
  using reactor = new Reactor({ selector: "epoll" });
  using acceptor = new Acceptor(reactor, { hostname, port: 0 }, async (socket) => {
    const peer = await connect(reactor, { hostname, port });
    await splicing(socket, peer);
  });
  console.log(`Listening on ${hostname}:${acceptor.port}`);
  await reactor.run();
}

async function ofDeno(): Promise<void> {
  const relay = means === "splice" || means === "copy"
    ? splicing
    : means === "pipeTo"
    ? piping
    : looping;
  const listener = Deno.listen({ hostname, port: 0 });
  console.log(`Listening on ${hostname}:${listener.addr.port}`);
  for await (const conn of listener) {
    conn.setNoDelay(true);
    Deno.connect({ hostname, port }).then(async (peer) => {
      peer.setNoDelay(true);
      await relay(conn, peer);
    });
  }
}

async function splicing(
  one: TransferPeer & { close(): void },
  other: TransferPeer & { close(): void },
): Promise<void> {
  try {
    const { forth, back } = await splice.both(one, other, { copy: means === "copy" });
    const bytes = forth.bytes + back.bytes;
    console.log(JSON.stringify({ bytes, spliced: forth.spliced + back.spliced }));
  } catch {
    // One of them is gone.
  }
  one.close();
  other.close();
}

async function piping(one: Deno.Conn, other: Deno.Conn): Promise<void> {
  // The end of a `readable`, and of a `writable`, closes the connection.
  await Promise.allSettled([
    one.readable.pipeTo(other.writable),
    other.readable.pipeTo(one.writable),
  ]);
}

async function looping(one: Deno.Conn, other: Deno.Conn): Promise<void> {
  await Promise.allSettled([loop(one, other), loop(other, one)]);
  one.close();
  other.close();
}

async function loop(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(Number(means));
  for (let length; (length = await from.read(buffer)) !== null;) {
    for (let sent = 0; sent < length;) sent += await to.write(buffer.subarray(sent, length));
  }
  await to.closeWrite();
}
