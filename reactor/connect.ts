import { names, refuseUnknown } from "./_known.ts";
import type { ByteStream } from "./byte_stream.ts";
import { endTcp } from "./linux/_tcp.ts";
import { aboutAddress } from "./_about_address.ts";
import { shown } from "./_describe.ts";
import { checkPair, checkPath, refuse } from "./_options.ts";
import type { Reactor } from "./reactor.ts";
import type { Socket } from "./socket.ts";
import { MAX_PORT, whole } from "./_whole.ts";

/**
 * How to secure a connection. See {@linkcode connect} and {@linkcode startTls}.
 *
 * @category Sockets
 */
export interface TlsOptions {
  /** Root certificates in PEM format to trust besides the usual ones. */
  caCerts?: string[];
  /** The protocols to propose by ALPN. */
  alpnProtocols?: string[];
  /**
   * Certificate chain in PEM format that identifies this client. Needs `key`. {@linkcode startTls}
   * does not take it.
   */
  cert?: string;
  /** Private key in PEM format. */
  key?: string;
}

/**
 * Options of {@linkcode connect}: a `port` or a `path`, and others. An option that would have no
 * effect, such as `tls` beside a `path`, is an error.
 *
 * @category Sockets
 */
export interface ConnectOptions {
  /** The TCP port. */
  port?: number;
  /**
   * An IP address or a name. All addresses of a name are tried (Happy Eyeballs).
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /** The path of a Unix socket, instead of a port. */
  path?: string;
  /**
   * Whether and how to secure the connection.
   *
   * @default {false}
   */
  tls?: boolean | TlsOptions;
  /** Gives up when it aborts. */
  signal?: AbortSignal;
  /**
   * Sends small pieces at once (TCP_NODELAY). With a `cert` this needs Linux and `--allow-ffi`.
   *
   * @default {true}
   */
  noDelay?: boolean;
}

/**
 * Makes a TCP, TLS or Unix connection whose socket belongs to `reactor`. With TLS, it resolves
 * after the handshake. Pass a `signal` in case the peer never answers.
 *
 * @param reactor The reactor that the socket belongs to.
 * @param options Where and how to connect.
 * @returns The socket.
 * @throws {TypeError} If there is neither a port nor a path, if a `cert` has no `key`, or if an
 * option has no effect.
 * @throws {RangeError} If the port is not 1 to 65535.
 * @throws {Deno.errors.NotSupported} If `noDelay: true` is given with a `cert` and is not possible.
 * @throws {Deno.errors.ConnectionRefused} If nobody listens there; and whatever else Deno throws.
 * @throws The reason of `signal` if it aborts first.
 *
 * @example Connecting to a port
 * ```ts
 * import { connect, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * using socket = await connect(reactor, { hostname: "127.0.0.1", port: listener.addr.port });
 * assertEquals(socket.remoteAddr, listener.addr);
 * ```
 *
 * @category Sockets
 */
export async function connect(reactor: Reactor, options: ConnectOptions): Promise<Socket> {
  refuseUnknown("connect", options, TO_CONNECT);
  const { signal, noDelay } = options;
  signal?.throwIfAborted();
  return adopt(reactor, await orAborted(open(options), signal), noDelay, signal);
}

/**
 * Secures an open TCP connection as client (STARTTLS). Call it from the callback that received the
 * go-ahead, after removing the reader.
 *
 * @param reactor The reactor that the new socket belongs to.
 * @param socket The connection. It is closed; use the new socket instead.
 * @param options The name of the server, and how to secure the connection.
 * @returns The socket of the secured connection.
 * @throws {TypeError} If the socket has an outstanding operation, or holds data that came
 * unsecured.
 * @throws {Deno.errors.InvalidData} If the peer does not speak TLS; and whatever else the handshake
 * throws.
 *
 * @example A peer that does not go along
 * ```ts
 * import { connect, Reactor, startTls } from "@weightless/io/reactor";
 * import { assertRejects } from "@std/assert";
 *
 * using reactor = new Reactor();
 * using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const socket = await connect(reactor, { hostname: "127.0.0.1", port: listener.addr.port });
 * const secured = startTls(reactor, socket, { hostname: "example.com" });
 * (await listener.accept()).close(); // no TLS here
 * await assertRejects(() => secured);
 * ```
 *
 * @category Sockets
 */
export async function startTls(
  reactor: Reactor,
  socket: Socket,
  options: TlsOptions & Pick<ConnectOptions, "hostname" | "signal"> = {},
): Promise<Socket> {
  refuseUnknown("start TLS", options, TO_START_TLS);
  const { signal, cert, key, ...rest } = options;
  if (cert !== undefined || key !== undefined) {
    throw new TypeError("Cannot start TLS with a certificate: only connect() takes one");
  }
  signal?.throwIfAborted();
  const conn = socket.detach() as Deno.TcpConn;
  return adopt(reactor, await orAborted(secure(conn, rest, signal), signal), false, signal);
}

const TLS = names<TlsOptions>({ caCerts: 1, alpnProtocols: 1, cert: 1, key: 1 });
const TO_START_TLS = [...TLS, "hostname", "signal"];
const TO_CONNECT = names<ConnectOptions>({
  port: 1,
  hostname: 1,
  path: 1,
  tls: 1,
  signal: 1,
  noDelay: 1,
});

async function open(options: ConnectOptions): Promise<Deno.Conn | ByteStream> {
  try {
    return await openAt(options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw aboutAddress(error, "connect to", options.hostname ?? "127.0.0.1", options);
  }
}

async function openAt(options: ConnectOptions): Promise<Deno.Conn | ByteStream> {
  const { port, path, hostname = "127.0.0.1", tls, signal, noDelay = true } = options;
  if (path !== undefined) {
    refuse(options, ["port", "hostname", "tls", "noDelay"], "connect", "with a path");
    checkPath("connect", path);
    return await Deno.connect({ transport: "unix", path });
  }
  if (port === undefined) throw new TypeError("Cannot connect: give a port or a path");
  whole(port, "connect: port", 1, MAX_PORT);
  if (typeof (tls ?? false) !== "boolean" && typeof tls !== "object") {
    throw new TypeError(`Cannot connect: tls must be true or its options, not ${shown(tls)}`);
  }
  if (tls && tls !== true) refuseUnknown("connect with this tls", tls, TLS);
  const { cert, key, ...rest } = tls && tls !== true ? tls : {};
  checkPair("connect", cert, key);
  if (cert !== undefined && key !== undefined) {
    const conn = await Deno.connectTls({ port, hostname, cert, key, ...rest });
    return await handshake(conn, conn, signal);
  }
  const conn = await Deno.connect({ port, hostname, ...(signal && { signal: quiet(signal) }) });
  if (!tls) return conn;
  // Not connectTls: it leaves Nagle's algorithm on, which delays the first message by 40 ms.
  conn.setNoDelay(noDelay);
  return await secure(conn, { hostname, ...rest }, signal);
}

async function secure(
  plain: Deno.TcpConn,
  options: Deno.StartTlsOptions,
  signal: AbortSignal | undefined,
): Promise<ByteStream> {
  const { localAddr, remoteAddr } = plain;
  const conn = await handshake(
    await startTlsOrClose(plain, options, signal),
    { localAddr, remoteAddr },
    signal,
  );
  return {
    // Deno.startTls drops the addresses.
    localAddr,
    remoteAddr,
    alpnProtocol: conn.alpnProtocol,
    read: (p) => conn.read(p),
    write: (p) => conn.write(p),
    closeWrite: () => conn.closeWrite(),
    close: () => conn.close(),
  };
}

/**
 * If TLS cannot begin, for example because a certificate is invalid, nobody else closes the
 * connection.
 */
async function startTlsOrClose(
  plain: Deno.TcpConn,
  options: Deno.StartTlsOptions,
  signal: AbortSignal | undefined,
): Promise<Deno.TlsConn> {
  try {
    signal?.throwIfAborted();
    return await Deno.startTls(plain, options);
  } catch (error) {
    try {
      plain.close();
    } catch {
      // It is closed already.
    }
    throw error;
  }
}

/**
 * A signal that aborts when `signal` does, but never throws. When `Deno.connect()` has made a
 * connection, it calls `throwIfAborted()`, and if that throws it leaks the connection. With this
 * signal we get the connection and close it.
 */
function quiet(signal: AbortSignal): AbortSignal {
  return Object.defineProperty(AbortSignal.any([signal]), "throwIfAborted", { value() {} });
}

/**
 * Closes the connection when the signal aborts, so that a peer that does not shake hands cannot
 * keep it. Deno would continue the handshake in the background for as long as the peer is silent,
 * so the connection is shut down first, if that is possible.
 */
async function handshake(
  conn: Deno.TlsConn,
  ends: Pick<Deno.Conn, "localAddr" | "remoteAddr">,
  signal: AbortSignal | undefined,
): Promise<Deno.Conn & Pick<ByteStream, "alpnProtocol">> {
  let closed = false;
  const close = () => {
    if (!closed) conn.close();
    closed = true;
  };
  const cut = () => {
    endTcp(ends);
    close();
  };
  signal?.addEventListener("abort", cut);
  try {
    if (signal?.aborted) cut();
    signal?.throwIfAborted();
    const { alpnProtocol } = await conn.handshake();
    if (closed) throw signal!.reason; // just now
    return Object.assign(conn, { alpnProtocol: alpnProtocol ?? undefined });
  } catch (error) {
    close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", cut);
  }
}

/** Not every way to connect takes a signal. A connection that comes too late is closed. */
async function orAborted(
  connecting: Promise<Deno.Conn | ByteStream>,
  signal: AbortSignal | undefined,
): Promise<Deno.Conn | ByteStream> {
  if (signal === undefined) return connecting;
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([connecting, promise]);
  } catch (error) {
    connecting.then((conn) => conn.close(), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function adopt(
  reactor: Reactor,
  conn: Deno.Conn | ByteStream,
  noDelay: boolean | undefined,
  signal: AbortSignal | undefined,
): Socket {
  try {
    signal?.throwIfAborted(); // just now
    return reactor.adopt(conn, { ...(noDelay !== undefined && { noDelay }) });
  } catch (error) {
    conn.close();
    throw error;
  }
}
