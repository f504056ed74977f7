import { once } from "node:events";
import net from "node:net";
import {
  Acceptor,
  connect,
  fromStreams,
  type Reactor,
  type Socket,
  subprocess,
} from "../../reactor/mod.ts";
import { CA_CERT, CERT, KEY } from "./_tls.ts";
import { drive } from "./_drive.ts";
import { hostname } from "../_sockets.ts";

/** The other end of a socket, by means of Deno alone. */
export interface Peer {
  /** Some bytes, or `null` at the end. */
  read(): Promise<Uint8Array | null>;
  write(bytes: Uint8Array): Promise<void>;
  /** Half-close. */
  end(): Promise<void>;
  close(): void;
  /** Closes as rudely as it can; with something unread, so that the kernel may tell. */
  reset(): void;
}

/** A kind of socket, for the conformance suite. */
export interface Kind {
  name: string;
  /** A socket of the reactor, and its peer. */
  pair(reactor: Reactor): Promise<{ socket: Socket; peer: Peer; ended?: Promise<unknown> }>;
  /** What describe() gives. */
  describes: RegExp;
  /** A socket, and what resets its connection; without it, `peer.reset()` does. */
  resettable?(reactor: Reactor): Promise<{ socket: Socket; reset(): void }>;
  /** Whether a reset by the peer is an error to who receives; if not, it is the end of the stream. */
  resets: boolean;
}

function connPeer(conn: Deno.Conn): Peer {
  let closed = false;
  const close = () => {
    if (!closed) conn.close();
    closed = true;
  };
  return {
    async read() {
      const buffer = new Uint8Array(16 * 1024);
      const length = await conn.read(buffer);
      return length === null ? null : buffer.subarray(0, length);
    },
    async write(bytes) {
      while (bytes.length > 0) bytes = bytes.subarray(await conn.write(bytes));
    },
    end: () => conn.closeWrite(),
    close,
    reset: close,
  };
}

/** Deno half-closes before it closes, so only Node's sockets can reset a TCP connection. */
async function resettableAccepted(reactor: Reactor) {
  let socket: Socket | undefined;
  using acceptor = new Acceptor(reactor, { hostname, port: 0 }, (s) => socket = s);
  const client = net.connect(acceptor.port, hostname);
  const connected = once(client, "connect");
  await drive(reactor, () => socket !== undefined, "a connection");
  await connected;
  return { socket: socket!, reset: () => client.resetAndDestroy() };
}

async function resettableConnected(reactor: Reactor) {
  const server = net.createServer().listen(0, hostname);
  await once(server, "listening");
  const connection = once(server, "connection");
  const { port } = server.address() as net.AddressInfo;
  const socket = await connect(reactor, { hostname, port });
  const [peer] = await connection;
  server.close();
  return { socket, reset: () => (peer as net.Socket).resetAndDestroy() };
}

interface Transport {
  listen: { cert?: string; key?: string; path?: string };
  connect(port: number): Promise<Deno.Conn>;
  accept(): Deno.Listener;
  tls?: { caCerts: string[] };
}

const caCerts = [CA_CERT];
const path = `${Deno.env.get("TMPDIR") ?? "/tmp"}/weightless-test-${Deno.pid}.sock`;

const TCP: Transport = {
  listen: {},
  connect: (port) => Deno.connect({ hostname, port }),
  accept: () => Deno.listen({ hostname, port: 0 }),
};

const TLS: Transport = {
  listen: { cert: CERT, key: KEY },
  connect: (port) => Deno.connectTls({ hostname, port, caCerts }),
  accept: () => Deno.listenTls({ hostname, port: 0, cert: CERT, key: KEY }),
  tls: { caCerts },
};

const UNIX: Transport = {
  listen: { path },
  connect: () => Deno.connect({ transport: "unix", path }),
  accept: () => Deno.listen({ transport: "unix", path }),
};

function accepted({ listen, connect }: Transport): Kind["pair"] {
  return async (reactor) => {
    let socket: Socket | undefined;
    const address = listen.path ? {} : { hostname, port: 0 };
    using acceptor = new Acceptor(reactor, { ...address, ...listen }, (s) => socket = s);
    const connecting = connect(acceptor.port);
    await drive(reactor, () => socket !== undefined, "a connection");
    const conn = await connecting;
    if ("handshake" in conn) {
      // The server's half of the handshake goes with its first read or write.
      let shaken = false;
      (conn as Deno.TlsConn).handshake().then(() => {
        shaken = true;
        reactor.addTimer(0, () => {}); // which wakes it up
      });
      reactor.addReader(socket!, () => {});
      await drive(reactor, () => shaken, "a handshake");
      reactor.removeReader(socket!);
    }
    return { socket: socket!, peer: connPeer(conn) };
  };
}

function connected({ accept, tls }: Transport): Kind["pair"] {
  return async (reactor) => {
    using listener = accept();
    const { port } = listener.addr as Deno.NetAddr;
    const address = port === undefined ? { path } : { hostname, port };
    const connecting = connect(reactor, { ...address, ...(tls && { tls }) });
    const conn = await listener.accept();
    if ("handshake" in conn) await (conn as Deno.TlsConn).handshake();
    const socket = await connecting;
    if (port === undefined) Deno.removeSync(path);
    return { socket, peer: connPeer(conn) };
  };
}

function streamPeer(
  writable: WritableStream<Uint8Array>,
  readable: ReadableStream<Uint8Array>,
): Peer {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  const ignore = () => {};
  writer.closed.catch(ignore);
  return {
    async read() {
      const { value, done } = await reader.read();
      return done ? null : value;
    },
    write: (bytes) => writer.write(bytes),
    end: () => writer.close(),
    close() {
      writer.close().catch(ignore);
      reader.cancel(new Error("The peer is gone")).catch(ignore);
    },
    reset() {
      const error = new Deno.errors.ConnectionReset("Reset by the peer");
      writer.abort(error).catch(ignore);
      reader.cancel(error).catch(ignore);
    },
  };
}

/** A program whose output comes from one FIFO and whose input goes to another, of which the peer has the other ends. */
async function pipes(reactor: Reactor): ReturnType<Kind["pair"]> {
  const dir = await Deno.makeTempDir();
  const [source, sink] = [`${dir}/source`, `${dir}/sink`];
  await new Deno.Command("mkfifo", { args: [source, sink] }).output();
  const script = 'cat "$0" & exec cat > "$1"';
  const { io, stderr, status } = subprocess(reactor, "sh", { args: ["-c", script, source, sink] });
  const [writer, reader] = await Promise.all([
    Deno.open(source, { write: true }),
    Deno.open(sink, { read: true }),
  ]);
  await Deno.remove(dir, { recursive: true });
  stderr.close();
  const open = new Set([writer, reader]);
  const close = (file: Deno.FsFile) => open.delete(file) && file.close();
  return {
    socket: io,
    peer: {
      ...connPeer(reader as unknown as Deno.Conn),
      async write(bytes) {
        while (bytes.length > 0) bytes = bytes.subarray(await writer.write(bytes));
      },
      end: () => Promise.resolve(void close(writer)),
      close: () => open.forEach(close),
      reset: () => open.forEach(close),
    },
    ended: status,
  };
}

export const KINDS: Kind[] = [
  {
    name: "accepted TCP",
    pair: accepted(TCP),
    describes: /^tcp .* <- .*/,
    resettable: resettableAccepted,
    resets: true,
  },
  {
    name: "connected TCP",
    pair: connected(TCP),
    describes: /^tcp .* <- .*/,
    resettable: resettableConnected,
    resets: true,
  },
  { name: "accepted TLS", pair: accepted(TLS), describes: /^tcp .* <- .*/, resets: false },
  { name: "connected TLS", pair: connected(TLS), describes: /^tcp .* <- .*/, resets: false },
  { name: "accepted Unix", pair: accepted(UNIX), describes: /^unix .*/, resets: true },
  { name: "connected Unix", pair: connected(UNIX), describes: /^unix .*/, resets: true },
  {
    name: "Web streams",
    pair(reactor) {
      const out = new TransformStream<Uint8Array, Uint8Array>();
      const back = new TransformStream<Uint8Array, Uint8Array>();
      const pair = { readable: back.readable, writable: out.writable, name: "streams" };
      return Promise.resolve({
        socket: reactor.adopt(fromStreams(pair)),
        peer: streamPeer(back.writable, out.readable),
      });
    },
    describes: /^streams$/,
    resets: true,
  },
  { name: "subprocess", pair: pipes, describes: /^sh \d+$/, resets: false },
];
