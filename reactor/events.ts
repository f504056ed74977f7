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
 */
export interface ReactorEvents {
  /** A connection was accepted. */
  accepted?(socket: Socket): void;
  /** A socket has released its connection. */
  closed?(socket: Socket): void;
  /** Bytes were received. */
  received?(socket: Socket, length: number): void;
  /** Bytes were sent. */
  sent?(socket: Socket, length: number): void;
  /** An error was reported to `onError`. */
  error?(error: unknown, where: string): void;
  /** A step took `ms` milliseconds of real time and called so many callbacks. */
  step?(ms: number, callbacks: number): void;
}
