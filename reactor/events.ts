import type { Socket } from "./socket.ts";

/**
 * What a {@linkcode Reactor} tells for measurements. Every event is optional and costs nothing if
 * it is missing. If a callback throws, the error is reported to `onError`.
 *
 * @example Counting bytes
 * ```ts
 * import { Acceptor, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * let received = 0;
 * using reactor = new Reactor({ events: { received: (_, length) => received += length } });
 * using acceptor = new Acceptor(reactor, { hostname: "127.0.0.1", port: 0 }, (socket) => {
 *   reactor.addReader(socket, () => {
 *     if (socket.recv() === null) reactor.requestShutdown();
 *   });
 * });
 * {
 *   using conn = await Deno.connect({ hostname: "127.0.0.1", port: acceptor.port });
 *   await conn.write(new Uint8Array(100));
 * }
 * await reactor.run();
 * assertEquals(received, 100);
 * ```
 *
 * @category Reactor
 */
export interface ReactorEvents {
  /**
   * A connection was accepted.
   *
   * @param socket The socket.
   */
  accepted?(socket: Socket): void;
  /**
   * A socket has released its connection.
   *
   * @param socket The socket.
   */
  closed?(socket: Socket): void;
  /**
   * Bytes were received.
   *
   * @param socket The socket.
   * @param length How many bytes.
   */
  received?(socket: Socket, length: number): void;
  /**
   * Bytes were sent.
   *
   * @param socket The socket.
   * @param length How many bytes.
   */
  sent?(socket: Socket, length: number): void;
  /**
   * An error was reported to `onError`.
   *
   * @param error The error.
   * @param where What threw it, for example `reader of tcp 127.0.0.1:80`.
   */
  error?(error: unknown, where: string): void;
  /**
   * A step has ended.
   *
   * @param ms How long it took, in milliseconds of real time.
   * @param callbacks How many callbacks it called.
   */
  step?(ms: number, callbacks: number): void;
}
