import { Buffer } from "node:buffer";
import { once } from "node:events";
import net from "node:net";
import {
  Acceptor,
  type here,
  Reactor,
  type Reads,
  type Receiver,
  type SelectorName,
  type Socket,
  type TransferPeer,
  type Writes,
} from "../../reactor/mod.ts";
import { PATIENCE_MS, turns } from "../_leaks.ts";
import { CA_CERT, CERT, KEY } from "./_tls.ts";
import { hostname } from "../_sockets.ts";

/** One end of a transfer, and who is on the other side of it. */
export interface End extends AsyncDisposable {
  /** What is transferred from or to. */
  readonly near: Exclude<TransferPeer, typeof here>;
  /** Sends to `near`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Half-close. */
  end(): Promise<void>;
  /** All that was sent by `near`, up to its half-close. */
  readAll(): Promise<Uint8Array>;
  /** Some of what `near` has not transferred, by its own means; `null` at the end. */
  readNear(): Promise<Uint8Array | null>;
}

/** A kind of end, for tables of tests: add one, and it is tested. */
export interface EndKind {
  readonly name: string;
  /** Whether it has a descriptor that can be found. */
  readonly splices: boolean;
  open(): Promise<End>;
}

/** Bytes that tell where they belong. */
export function pattern(length: number, seed = 0): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0, x = seed * 2 + 1; i < words.length; i++) {
    words[i] = x = (Math.imul(x, 1664525) + 1013904223) | 0;
  }
  return new Uint8Array(words.buffer).subarray(0, length);
}

/** As assertEquals, for megabytes. */
export function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) === 0) return;
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  throw new Error(
    `${actual.length} bytes, of which the one at ${at} is the first other than expected (of ${expected.length})`,
  );
}

export function concat(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}

export async function readSome(from: Reads): Promise<Uint8Array | null> {
  const room = new Uint8Array(64 * 1024);
  const length = await from.read(room);
  return length === null ? null : room.subarray(0, length);
}

/** All there is, up to the end. */
export async function readAll(
  read: () => Promise<Uint8Array | null>,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for (let chunk; (chunk = await read()) !== null;) chunks.push(chunk);
  return concat(chunks);
}

export async function writeAll(to: Writes, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await to.write(bytes));
}

/** An end whose other side is a connection of Deno. */
function connEnd(
  near: End["near"],
  far: Deno.Conn,
  readNear: () => Promise<Uint8Array | null>,
  close: () => void | Promise<unknown>,
): End {
  return {
    near,
    write: (bytes) => writeAll(far, bytes),
    end: () => far.closeWrite(),
    readAll: () => readAll(() => readSome(far)),
    readNear,
    async [Symbol.asyncDispose]() {
      far.close();
      await close();
    },
  };
}

/** Two ends of a connection of Deno. */
export async function conns(
  options: Deno.TcpListenOptions | Deno.UnixListenOptions & { transport: "unix" } = {
    hostname,
    port: 0,
  },
): Promise<[near: Deno.Conn, far: Deno.Conn]> {
  using listener = Deno.listen(options as Deno.TcpListenOptions);
  const address = "path" in options ? options : listener.addr;
  const ends = await Promise.all([
    listener.accept(),
    Deno.connect(address as Deno.ConnectOptions),
  ]);
  if ("path" in options) await Deno.remove(options.path);
  return ends;
}

/** A connection of Deno, and the socket of Node that is its peer: that can reset it, which Deno cannot. */
export async function resettable(): Promise<[near: Deno.Conn, far: net.Socket]> {
  using listener = Deno.listen({ hostname, port: 0 });
  const far = net.connect((listener.addr as Deno.NetAddr).port, hostname);
  far.on("error", () => {});
  const [near] = await Promise.all([listener.accept(), once(far, "connect")]);
  return [near, far];
}

async function tlsConns(): Promise<[near: Deno.Conn, far: Deno.Conn]> {
  using listener = Deno.listenTls({ hostname, port: 0, cert: CERT, key: KEY });
  const { port } = listener.addr as Deno.NetAddr;
  const [near, far] = await Promise.all([
    listener.accept(),
    Deno.connectTls({ hostname, port, caCerts: [CA_CERT] }),
  ]);
  await Promise.all([near.handshake(), far.handshake()]);
  return [near, far];
}

let count = 0;
export const socketPath = () =>
  `${Deno.env.get("TMPDIR") ?? "/tmp"}/weightless-transfer-${Deno.pid}-${count++}.sock`;

function connKind(
  name: string,
  splices: boolean,
  pair: () => Promise<[near: Deno.Conn, far: Deno.Conn]>,
): EndKind {
  return {
    name,
    splices,
    async open() {
      const [near, far] = await pair();
      return connEnd(near, far, () => readSome(near), () => near.close());
    },
  };
}

/** What a socket receives, by means of its reactor. */
export function receive(
  reactor: Reactor,
  socket: Socket,
  max?: number,
): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    reactor.addReader(socket, () => {
      try {
        const chunk = socket.recv(max);
        if (chunk === undefined) return;
        resolve(chunk);
      } catch (error) {
        reject(error);
      }
      reactor.removeReader(socket);
    });
  });
}

/** A socket that a running reactor has accepted. */
export interface Accepted extends End {
  readonly near: Receiver & Socket;
  readonly reactor: Reactor;
}

export async function accepted(selector: SelectorName, unix = false): Promise<Accepted> {
  const reactor = new Reactor({ selector });
  const running = reactor.run();
  const accepted = Promise.withResolvers<Socket>();
  const path = socketPath();
  using acceptor = new Acceptor(
    reactor,
    unix ? { path } : { hostname, port: 0 },
    accepted.resolve,
  );
  const connecting = unix
    ? Deno.connect({ transport: "unix", path })
    : Deno.connect({ hostname, port: acceptor.port });
  const socket = await accepted.promise;
  const end = connEnd(socket, await connecting, () => receive(reactor, socket), () => {
    reactor.shutdown();
    return running;
  });
  return Object.assign(end, { reactor }) as Accepted;
}

function socketKind(name: string, selector: SelectorName, unix = false): EndKind {
  return { name, splices: true, open: () => accepted(selector, unix) };
}

const file: EndKind = {
  name: "a file",
  splices: true,
  async open() {
    const path = await Deno.makeTempFile();
    const near = await Deno.open(path, { read: true, write: true });
    return {
      near,
      write: (bytes) => Deno.writeFile(path, bytes, { append: true }),
      end: () => Promise.resolve(),
      readAll: () => Deno.readFile(path),
      readNear: () => readSome(near),
      async [Symbol.asyncDispose]() {
        near.close();
        await Deno.remove(path);
      },
    };
  },
};

const object: EndKind = {
  name: "an object that reads and writes",
  splices: false,
  async open() {
    const [near, far] = await conns();
    const odd = {
      read: (p: Uint8Array) => near.read(p.subarray(0, 10_007)),
      write: (p: Uint8Array) => near.write(p.subarray(0, 10_009)),
      closeWrite: () => near.closeWrite(),
    };
    return connEnd(odd, far, () => readSome(near), () => near.close());
  },
};

const LINUX = Deno.build.os === "linux";

export const END_KINDS: EndKind[] = [
  connKind("a TCP connection", true, conns),
  connKind("a Unix connection", true, () => conns({ transport: "unix", path: socketPath() })),
  connKind("a TLS connection", false, tlsConns),
  socketKind("a socket (deno)", "deno"),
  ...(LINUX
    ? [socketKind("a socket (epoll)", "epoll"), socketKind("a Unix socket (epoll)", "epoll", true)]
    : []),
  file,
  object,
];

/** Until a transfer has not gone on for a while: everything between it and its reader is full. */
export async function stalled(transfer: { transferred: { bytes: number } }): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let before = 0, quiet = 0; quiet < 20; quiet++) {
    const { bytes } = transfer.transferred;
    if (bytes !== before || bytes === 0) quiet = 0;
    before = bytes;
    // It may have been cut before it began.
    if (performance.now() > deadline) throw new Error(`Waited in vain, ${bytes} bytes are there`);
    // Deno looks for input and output when it has nothing else to do: while another thread has.
    await crypto.subtle.digest("SHA-1", new Uint8Array(0));
    await turns(100);
  }
}
