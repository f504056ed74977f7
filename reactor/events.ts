import type { Socket } from "./socket.ts";

/**
 * What a {@linkcode Reactor} tells whoever measures it. Every one is optional, and costs nothing when it is not there.
 * What they throw is reported to `onError`.
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
  /** A socket has released what it held. */
  closed?(socket: Socket): void;
  /** Bytes have come in. */
  received?(socket: Socket, length: number): void;
  /** Bytes have gone out. */
  sent?(socket: Socket, length: number): void;
  /** An error was reported; as `onError`. */
  error?(error: unknown, where: string): void;
  /** A step has taken so many milliseconds of real time, and called so many callbacks. */
  step?(ms: number, callbacks: number): void;
}
