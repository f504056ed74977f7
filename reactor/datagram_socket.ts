import { names, refuseUnknown } from "./_known.ts";
import dgram from "node:dgram";
import { closedError } from "./_closed_error.ts";
import { describeAddr } from "./_describe.ts";
import { owners } from "./_owners.ts";
import type { Reactor } from "./reactor.ts";
import type { Interest, Selectable } from "./selectable.ts";
import type { SocketOwner } from "./_socket_owner.ts";
import type { Timer } from "./timer.ts";
import { Waiters } from "./_waiters.ts";
import { MAX_PORT, whole } from "./_whole.ts";

/**
 * A datagram that was received.
 *
 * @category Datagrams
 */
export interface Datagram {
  /** The bytes that were sent. */
  data: Uint8Array;
  /** The address of the sender. */
  from: Deno.NetAddr;
}

/**
 * Options of {@linkcode DatagramSocket.bind}.
 *
 * @category Datagrams
 */
export interface DatagramOptions {
  /**
   * The UDP port. 0 is any free port.
   *
   * @default {0}
   */
  port?: number;
  /**
   * An IP address of this machine.
   *
   * @default {"0.0.0.0"}
   */
  hostname?: string;
}

const OPTIONS = names<DatagramOptions>({ port: 1, hostname: 1 });

/** How many datagrams may be waiting to be sent. */
const MAX_SENDING = 64;
/** How many received datagrams are kept. More are dropped, as the network may do. */
const MAX_WAITING = 1024;

/**
 * Sends and receives UDP datagrams without ever blocking.
 *
 * @example Sending and receiving
 * ```ts
 * import { DatagramSocket, Reactor } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * using reactor = new Reactor();
 * using a = await DatagramSocket.bind(reactor, { hostname: "127.0.0.1" });
 * using b = await DatagramSocket.bind(reactor, { hostname: "127.0.0.1" });
 * a.send(new TextEncoder().encode("hello"), b.addr);
 * reactor.addReader(b, () => {
 *   const { data, from } = b.recv()!;
 *   assertEquals(new TextDecoder().decode(data), "hello");
 *   assertEquals(from.port, a.addr.port);
 *   reactor.requestShutdown();
 * });
 * await reactor.run();
 * ```
 *
 * @category Datagrams
 */
export class DatagramSocket implements Selectable, Disposable {
  /** The address that it is bound to. */
  readonly addr: Deno.NetAddr;
  #reactor: Reactor;
  #owner: SocketOwner;
  #socket: dgram.Socket;
  #waiting: Datagram[] = [];
  #dropped = 0;
  #outgoing: { data: Uint8Array; hostname: string; port: number }[] = [];
  #sending = false;
  #failure: { error: unknown } | undefined;
  #closed = false;
  #released = false;
  #linger: Timer | undefined;
  #waiters = new Waiters();

  private constructor(reactor: Reactor, socket: dgram.Socket) {
    this.#reactor = reactor;
    this.#owner = owners.get(reactor)!;
    this.#socket = socket;
    this.addr = netAddr(socket.address());
    socket.on("message", (data, { address, port }) => {
      if (this.#closed) return;
      if (this.#waiting.length >= MAX_WAITING) {
        this.#dropped++;
        return;
      }
      this.#waiting.push({
        data: new Uint8Array(data),
        from: { transport: "udp", hostname: address, port },
      });
      this.#waiters.read?.();
    });
    socket.on("error", (error) => this.#onError(error));
    reactor.addShutdownHook(this.#close);
  }

  /**
   * Makes a socket that is bound to an address. It closes when the reactor shuts down.
   *
   * @param reactor The reactor that the socket belongs to.
   * @param options The address.
   * @returns The socket.
   * @throws {Error} With code `EADDRINUSE` and the like, if the address cannot be used.
   * @throws {RangeError} If the port is not 0 to 65535.
   * @throws {TypeError} If the reactor is shut down.
   * @throws {Deno.errors.NotCapable} If `--allow-net` does not allow the address.
   */
  static async bind(reactor: Reactor, options: DatagramOptions = {}): Promise<DatagramSocket> {
    refuseUnknown("bind", options, OPTIONS);
    const { port = 0, hostname = "0.0.0.0" } = options;
    whole(port, "bind: the port", 0, MAX_PORT);
    await checkPermission(hostname, port);
    const socket = dgram.createSocket(hostname.includes(":") ? "udp6" : "udp4");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once("error", reject);
    try {
      socket.bind({ port, address: hostname }, resolve);
      await promise;
      socket.off("error", reject);
      if (reactor.isShutDown) throw new TypeError("Cannot bind: the reactor is shut down");
      return new DatagramSocket(reactor, socket);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** How many datagrams were dropped because nobody received them in time. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether {@linkcode DatagramSocket.recv} would not block. */
  get readable(): boolean {
    return this.#waiting.length > 0 || this.#failure !== undefined || this.#closed;
  }

  /** Whether {@linkcode DatagramSocket.send} would not block. */
  get writable(): boolean {
    return this.#outgoing.length < MAX_SENDING || this.#closed;
  }

  /**
   * Its name in messages.
   *
   * @returns Its address, as text.
   */
  describe(): string {
    return describeAddr(this.addr);
  }

  /**
   * For the reactor: see {@linkcode Selectable.watch}.
   *
   * @param interest What to watch for.
   * @param notify What to call then.
   */
  watch(interest: Interest, notify: () => void): void {
    this.#waiters.add(this, interest, notify);
  }

  /**
   * For the reactor: see {@linkcode Selectable.unwatch}.
   *
   * @param interest What not to watch for any more.
   */
  unwatch(interest: Interest): void {
    this.#waiters[interest] = undefined;
  }

  /**
   * Receives a datagram.
   *
   * @returns The datagram, or `undefined` if it would block.
   * @throws {Error} Once, if something that was sent before failed: the message was too long, or
   * nobody listens there.
   * @throws {Deno.errors.BadResource} If it is closed.
   */
  recv(): Datagram | undefined {
    if (this.#closed) throw closedError("receive");
    const failure = this.#failure;
    if (failure === undefined) return this.#waiting.shift();
    this.#failure = undefined;
    throw failure.error;
  }

  /**
   * Sends a datagram. It is accepted if {@linkcode DatagramSocket.writable} was true before, even
   * if it is empty. Accepted bytes are copied.
   *
   * @param data The bytes.
   * @param to The address to send to.
   * @returns The number of bytes accepted: all, or 0 if it would block.
   * @throws {RangeError} If the port is not 1 to 65535.
   * @throws {Deno.errors.BadResource} If it is closed.
   */
  send(data: Uint8Array, to: Pick<Deno.NetAddr, "hostname" | "port">): number {
    if (this.#closed) throw closedError("send");
    // Port 0 is valid only as the port of a sender that wants no answer.
    whole(to.port, "send: the port", 1, MAX_PORT);
    if (!this.writable) return 0;
    this.#outgoing.push({ data: data.slice(), hostname: to.hostname, port: to.port });
    if (!this.#sending) this.#sendNext();
    return data.length;
  }

  /** Closes it when accepted datagrams are sent, or after the reactor's `lingerMs`. Idempotent. */
  close(): void {
    this.#close();
  }

  /** Closes it at once. Datagrams that are not sent yet are dropped. */
  abort(): void {
    this.#close();
    this.#release();
  }

  /** The same as {@linkcode DatagramSocket.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Sends one at a time, so that they cannot overtake each other. */
  #sendNext(): void {
    const next = this.#outgoing[0];
    this.#sending = next !== undefined;
    if (next === undefined) return this.#closed ? this.#release() : undefined;
    const done = (error: unknown) => {
      if (this.#released) return;
      this.#outgoing.shift();
      if (error) this.#onError(error);
      this.#sendNext();
      this.#waiters.write?.();
    };
    try {
      this.#socket.send(next.data, next.port, next.hostname, done);
    } catch (error) {
      queueMicrotask(() => done(error));
    }
  }

  #close = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#reactor.removeShutdownHook(this.#close);
    this.#waiting.length = 0;
    if (this.#sending) {
      this.#owner.draining.add(this);
      this.#linger = this.#reactor.addTimer(this.#owner.lingerMs, this.#release);
    } else this.#release();
    this.#waiters.tellBoth();
  };

  #release = (): void => {
    if (this.#released) return;
    this.#released = true;
    if (this.#linger) this.#reactor.removeTimer(this.#linger);
    this.#socket.close();
    this.#owner.draining.delete(this);
    this.#owner.drained();
  };

  #onError(error: unknown): void {
    if (this.#closed) return;
    this.#failure = { error };
    this.#waiters.read?.();
  }
}

function netAddr({ address, port }: { address: string; port: number }): Deno.NetAddr {
  return { transport: "udp", hostname: address, port };
}

/** Asks before node:dgram does: an error of node:dgram cannot be caught. */
async function checkPermission(hostname: string, port: number): Promise<void> {
  const at = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  const { state } = await Deno.permissions.request({ name: "net", host: at });
  if (state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Requires net access to "${at}", run again with the --allow-net flag`,
  );
}
