import type { ByteStream } from "./byte_stream.ts";
import type { Selectable } from "./selectable.ts";

/**
 * A connection whose operations never block: what they cannot do now, they say so, and a {@linkcode Reactor} calls back
 * when they can. Every kind of connection (TCP, TLS, Unix, pipes, streams) has this face.
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
 */
export interface Socket extends Selectable, Disposable {
  /** Whether {@linkcode Socket.close} or {@linkcode Socket.abort} was called. */
  readonly closed: boolean;
  /** The near address, where there is one. */
  readonly localAddr: Deno.Addr | undefined;
  /** The far address, where there is one. */
  readonly remoteAddr: Deno.Addr | undefined;
  /**
   * Takes what has arrived: bytes (yours to keep and to alter), `null` at the end of the stream, or `undefined` when it
   * would block. Of `most` bytes at most; what is more is there the next time. `recv(0)` takes nothing and tells nothing: it
   * gives an empty array. @default {all there is}
   *
   * @throws {RangeError} when `most` is no whole number of at least 0, or Infinity
   * @throws the error with which the connection broke (for example `Deno.errors.ConnectionReset`)
   * @throws {Deno.errors.BadResource} when the socket is closed
   */
  recv(most?: number): Uint8Array | null | undefined;
  /**
   * Offers bytes, and gives the number of them that were accepted, from the front: 0 when it would block. Do not alter
   * accepted bytes afterwards: they are sent from where they are.
   *
   * @throws the error with which the connection broke (for example `Deno.errors.BrokenPipe`)
   * @throws {Deno.errors.BadResource} when the socket is closed
   */
  send(bytes: Uint8Array): number;
  /**
   * As {@linkcode Socket.send} of `chunks` one after the other, as if they were one: a head and a body, say, for the
   * price of one. Where the back end has it.
   */
  sendv?(chunks: readonly Uint8Array[]): number;
  /** Half-close: what was accepted goes out, then the peer sees the end of the stream. Receiving goes on. */
  shutdown(): void;
  /**
   * Closes, after what was accepted has gone out. What has not when the reactor's `lingerMs` has passed, is dropped as by
   * {@linkcode Socket.abort}. Idempotent.
   */
  close(): void;
  /**
   * Closes at once; what has not gone out is dropped. Where that is possible (TCP and TLS on Linux with `--allow-ffi`, Web
   * streams), the peer sees a reset instead of the end of the stream, so that it does not take a part for the whole.
   */
  abort(): void;
  /**
   * Gives back the connection, unclosed, to be used in another way (as {@linkcode startTls} does). The socket is closed.
   *
   * @throws {TypeError} when something is being read or sent, or was received and not taken
   * @throws the error with which the connection broke, if it did
   * @throws {Deno.errors.BadResource} when the socket is closed
   */
  detach(): Deno.Conn | ByteStream;
}

/**
 * A listener that never blocks: `readable` when there is a connection to accept. An {@linkcode Acceptor} is the
 * convenient way to use one.
 */
export interface Listening extends Selectable {
  /** The address listened on. */
  readonly addr: Deno.Addr;
  /**
   * A connection, or `undefined` when it would block.
   *
   * @throws the error with which accepting failed (too many open files, for example); it may be tried again
   */
  accept(): Socket | undefined;
  /** Stops listening. */
  close(): void;
}

/** What is closed and has not sent all, or is a program that was told to end. */
export interface Draining {
  /** Gives up. */
  abort(): void;
  /** How it is called in messages. */
  describe?(): string;
}
