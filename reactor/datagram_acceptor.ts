import type { Datagram, DatagramOptions } from "./datagram_socket.ts";
import { DatagramSocket } from "./datagram_socket.ts";
import { describe } from "./_describe.ts";
import type { Reactor } from "./reactor.ts";
import type { RegistrationOptions } from "./reactor_options.ts";

/**
 * Binds a UDP socket and calls back with each datagram. An error of the callback or of the network
 * is reported to the reactor's `onError`. Receiving goes on.
 *
 * @example Echo
 * ```ts
 * import { DatagramAcceptor, DatagramSocket, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * const echo = await DatagramAcceptor.bind(
 *   reactor,
 *   { hostname: "127.0.0.1" },
 *   ({ data, from }, socket) => socket.send(data, from),
 * );
 * using client = await DatagramSocket.bind(reactor, { hostname: "127.0.0.1" });
 * client.send(new Uint8Array([1, 2, 3]), echo.addr);
 * reactor.addReader(client, () => {
 *   assertEquals(client.recv()!.data, new Uint8Array([1, 2, 3]));
 *   reactor.requestShutdown();
 * });
 * await reactor.run();
 * ```
 *
 * @category Datagrams
 */
export class DatagramAcceptor implements Disposable {
  #reactor: Reactor;
  #socket: DatagramSocket;
  #onDatagram: (datagram: Datagram, socket: DatagramSocket) => unknown;

  private constructor(
    reactor: Reactor,
    socket: DatagramSocket,
    options: RegistrationOptions,
    onDatagram: (datagram: Datagram, socket: DatagramSocket) => unknown,
  ) {
    this.#reactor = reactor;
    this.#socket = socket;
    this.#onDatagram = onDatagram;
    reactor.addReader(socket, () => this.#receive(), options);
  }

  /**
   * Begins to receive.
   *
   * @param reactor The reactor that receives.
   * @param options The address, and the priority.
   * @param onDatagram Called with each datagram, and the socket to answer with.
   * @returns The acceptor.
   * @throws {TypeError} If the reactor is shut down; and whatever else
   * {@linkcode DatagramSocket.bind} throws.
   */
  static async bind(
    reactor: Reactor,
    options: DatagramOptions & RegistrationOptions,
    onDatagram: (datagram: Datagram, socket: DatagramSocket) => unknown,
  ): Promise<DatagramAcceptor> {
    const { priority, where, suspended, ...address } = options;
    const socket = await DatagramSocket.bind(reactor, address);
    try {
      const registration = {
        ...(priority !== undefined && { priority }),
        ...(where !== undefined && { where }),
        ...(suspended !== undefined && { suspended }),
      };
      return new DatagramAcceptor(reactor, socket, registration, onDatagram);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** The address that it is bound to. */
  get addr(): Deno.NetAddr {
    return this.#socket.addr;
  }

  /** Ends receiving. */
  close(): void {
    this.#reactor.removeReader(this.#socket);
    this.#socket.close();
  }

  /** The same as {@linkcode DatagramAcceptor.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #receive(): void {
    if (this.#socket.closed) return;
    try {
      const datagram = this.#socket.recv();
      if (datagram) this.#onDatagram(datagram, this.#socket);
    } catch (error) {
      this.#reactor.onError(error, `callback of ${describe(this.#socket)}`);
    }
  }
}
