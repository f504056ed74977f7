import type { Datagram, DatagramSocket } from "../reactor/mod.ts";
import type { Context } from "./context.ts";

/**
 * What a coroutine yields in the context of {@linkcode datagrams}: bytes and their destination.
 *
 * @category Contexts
 */
export interface OutgoingDatagram {
  /** What to send, as one datagram. */
  data: Uint8Array;
  /** Where to send it. */
  to: Pick<Deno.NetAddr, "hostname" | "port">;
}

class DatagramContext implements Context {
  readonly #socket: DatagramSocket;

  constructor(socket: DatagramSocket) {
    this.#socket = socket;
  }

  get readable(): boolean {
    return this.#socket.readable;
  }

  get writable(): boolean {
    return this.#socket.writable;
  }

  get closed(): boolean {
    return this.#socket.closed;
  }

  recv(): Datagram | null | undefined {
    return this.#socket.closed ? null : this.#socket.recv();
  }

  send(): number {
    return 0;
  }

  put(value: unknown): boolean {
    const { data, to } = value as OutgoingDatagram;
    if (!(data instanceof Uint8Array) || typeof to?.hostname !== "string") {
      throw new TypeError(
        `Cannot send a ${typeof value} as a datagram: yield { data: bytes, to: { hostname, port } }`,
      );
    }
    const accepted = this.#socket.writable;
    if (accepted) this.#socket.send(data, to);
    return accepted;
  }

  close(): void {
    this.#socket.close();
  }

  watch(interest: "read" | "write", notify: () => void): void {
    this.#socket.watch(interest, notify);
  }

  unwatch(interest: "read" | "write"): void {
    this.#socket.unwatch(interest);
  }

  describe(): string {
    return this.#socket.describe();
  }
}

/**
 * Makes a context of a UDP socket. A bare `yield` gives the next datagram and its sender, and
 * `yield { data, to }` sends one. If a datagram could not be sent, a later bare `yield` throws the
 * error, once. The coroutine may catch it and go on.
 *
 * @param socket A bound socket of the reactor. It is closed with the context.
 * @returns The context.
 *
 * @example A coroutine that answers datagrams
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { datagrams, gio } from "@weightless/io/gio";
 * import { type Datagram, DatagramSocket, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * function* echo(): Coroutine {
 *   for (;;) {
 *     const { data, from }: Datagram = yield;
 *     yield { data, to: from };
 *   }
 * }
 *
 * function* ask(to: Deno.NetAddr): Coroutine<string> {
 *   yield { data: new TextEncoder().encode("ping"), to };
 *   const { data }: Datagram = yield;
 *   return new TextDecoder().decode(data);
 * }
 *
 * using reactor = new Reactor();
 * const server = await DatagramSocket.bind(reactor, { hostname: "127.0.0.1" });
 * const client = await DatagramSocket.bind(reactor, { hostname: "127.0.0.1" });
 * gio(reactor, datagrams(server), echo());
 * const answer = gio(reactor, datagrams(client), ask(server.addr)).result;
 * const running = reactor.run();
 * assertEquals(await answer, "ping");
 * reactor.requestShutdown();
 * await running;
 * ```
 *
 * @category Contexts
 */
export function datagrams(socket: DatagramSocket): Context {
  return new DatagramContext(socket);
}
