import type { ByteStream } from "./byte_stream.ts";
import type { Selectable } from "./selectable.ts";

/**
 * A connection whose operations never block. If an operation would block, it tells so, and a
 * {@linkcode Reactor} calls back when it will not. All kinds of connections (TCP, TLS, Unix, pipes,
 * streams) have this interface.
 *
 * @example A socket that sends back what it gets
 * ```ts
 * import { Acceptor, connect, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * using acceptor = new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, (socket) => {
 *   reactor.addReader(socket, () => {
 *     const bytes = socket.recv();
 *     if (bytes) socket.send(bytes);
 *     else if (bytes === null) socket.close();
 *   });
 * });
 * const { port } = acceptor;
 * const connected = connect(reactor, { hostname: "127.0.0.1", port }).then((socket) => {
 *   socket.send(new TextEncoder().encode("hello"));
 *   reactor.addReader(socket, () => {
 *     assertEquals(new TextDecoder().decode(socket.recv()!), "hello");
 *     socket.close();
 *     reactor.requestShutdown();
 *   });
 * });
 * await reactor.run();
 * await connected;
 * ```
 *
 * @category Sockets
 */
export interface Socket extends Selectable, Disposable {
  /** Whether {@linkcode Socket.close} or {@linkcode Socket.abort} was called. */
  readonly closed: boolean;
  /** The near address, if there is one. */
  readonly localAddr: Deno.Addr | undefined;
  /** The far address, if there is one. */
  readonly remoteAddr: Deno.Addr | undefined;
  /**
   * Receives bytes that have arrived. They are yours to keep and to change. `recv(0)` receives
   * nothing: it returns an empty array.
   *
   * @param max How many bytes to receive, at most; everything if it is missing. The next call
   * returns the others.
   * @returns The bytes, `null` at the end of the stream, or `undefined` if it would block.
   * @throws {RangeError} If `max` is not a whole number of at least 0, or Infinity.
   * @throws {Deno.errors.BadResource} If the socket is closed.
   * @throws {Deno.errors.ConnectionReset} Or another error with which the connection broke.
   */
  recv(max?: number): Uint8Array | null | undefined;
  /**
   * Sends bytes. Do not change accepted bytes afterwards, because they are not copied.
   *
   * @param bytes The bytes.
   * @returns How many bytes were accepted, from the front. 0 if it would block.
   * @throws {Deno.errors.BadResource} If the socket is closed.
   * @throws {Deno.errors.BrokenPipe} Or another error with which the connection broke.
   */
  send(bytes: Uint8Array): number;
  /**
   * Sends several chunks like one, for example a head and a body. Not every back end has this
   * method.
   *
   * @param chunks The chunks.
   * @returns How many bytes were accepted, from the front.
   * @throws What {@linkcode Socket.send} throws.
   */
  sendv?(chunks: readonly Uint8Array[]): number;
  /**
   * The protocol that was chosen by ALPN, with TLS; undefined if there is none. The side that accepts
   * knows it when the first bytes have been received.
   */
  readonly alpnProtocol?: string | undefined;
  /** How many bytes were accepted and have not been sent. Only some back ends hold any. */
  readonly unsent?: number;
  /**
   * Ends sending. When accepted bytes are sent, the peer gets the end of the stream. Receiving goes
   * on.
   */
  shutdown(): void;
  /**
   * Closes the socket when accepted bytes are sent. After the reactor's `lingerMs` it drops the
   * others, as {@linkcode Socket.abort} does. Idempotent.
   */
  close(): void;
  /**
   * Closes the socket at once and drops what is not sent. If possible (TCP and TLS on Linux with
   * `--allow-ffi`, Web streams), the peer gets a reset instead of the end of the stream, so that it
   * does not take a part for the whole.
   */
  abort(): void;
  /**
   * Closes the socket, but not its connection, which can be used in another way, as
   * {@linkcode startTls} does.
   *
   * @returns The connection.
   * @throws {TypeError} If something is being read or sent, or was received and not taken.
   * @throws {Deno.errors.BadResource} If the socket is closed.
   * @throws The error with which the connection broke, if it did.
   */
  detach(): Deno.Conn | ByteStream;
}

/**
 * A listener that never blocks. It is `readable` if there is a connection to accept.
 * {@linkcode Acceptor} is the convenient way to use one.
 *
 * @category Sockets
 */
export interface Listening extends Selectable {
  /** The address that it listens on. */
  readonly addr: Deno.Addr;
  /**
   * Accepts a connection.
   *
   * @returns The connection, or `undefined` if it would block.
   * @throws The error with which accepting failed, for example too many open files. You may try
   * again.
   */
  accept(): Socket | undefined;
  /** Stops listening. */
  close(): void;
}

/** What is closed and still has to send something, or a program that was told to end. */
export interface Draining {
  /** Gives up. */
  abort(): void;
  /** Its name in messages. */
  describe?(): string;
}
