/**
 * The common part of HttpServer and Server: it runs a coroutine on each connection that it accepts,
 * counts the connections, and ends them.
 */
import type { Coroutine } from "../compose/mod.ts";
import { type Gio, gio } from "../gio/mod.ts";
import { duration, whole } from "../reactor/_whole.ts";
import { Acceptor, type Reactor, type Socket } from "../reactor/mod.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { ServerOptions, ServerStatistics, ShutdownOptions } from "./server_options.ts";

/** What is spoken on one connection. */
export interface Speaker {
  run(): Coroutine;
  /** Whether it waits for its client to ask for something, so that nothing is lost if it ends. */
  readonly isIdle: boolean;
  /** Comes to the end, as soon as that is possible without a loss. */
  finish?(): void;
}

/** Makes what is spoken on a connection. */
export type Speak = (info: ConnectionInfo) => Speaker;

/** A connection that is open. */
interface Open {
  readonly speaker: Speaker;
  readonly task: Gio;
  readonly isRefused: boolean;
}

export class Listener {
  readonly #reactor: Reactor;
  readonly #acceptor: Acceptor;
  readonly #speak: Speak;
  /** What is spoken where there are too many connections. If it is missing, they are aborted. */
  readonly #refuse: Speak | undefined;
  /** Whether connections beyond the maximum are refused, and do not wait. */
  readonly #refusesOverload: boolean;
  readonly #open = new Map<Socket, Open>();
  /** How many connections each address has, if that is limited. */
  readonly #addresses = new Map<string, number>();
  readonly #maxPerAddress: number;
  #max = Infinity;
  #accepted = 0;
  #refused = 0;
  /** How many of those that are open were refused. */
  #openRefused = 0;
  #whenEmpty: (() => void) | undefined;

  constructor(
    reactor: Reactor,
    options: ServerOptions,
    speak: Speak,
    refuse?: Speak,
    refusesOverload = false,
  ) {
    const { maxConnectionsPerAddress = Infinity, maxConnections = Infinity, ...rest } = options;
    this.#reactor = reactor;
    this.#speak = speak;
    this.#refuse = refuse;
    this.#refusesOverload = refusesOverload;
    this.#maxPerAddress = whole(maxConnectionsPerAddress, PER_ADDRESS, 1);
    const onReleased = (socket: Socket) => {
      this.#released(socket);
      options.onReleased?.(socket);
    };
    this.#acceptor = new Acceptor(reactor, { ...rest, onReleased }, (socket) => this.#run(socket));
    try {
      this.maxConnections = maxConnections;
    } catch (error) {
      this.#acceptor.close();
      throw error;
    }
  }

  get addr(): Deno.Addr {
    return this.#acceptor.addr;
  }

  get port(): number {
    return this.#acceptor.port;
  }

  get url(): string {
    const { addr } = this;
    const scheme = this.#acceptor.tls ? "https" : "http";
    if (!("hostname" in addr)) return `${scheme}://localhost/`;
    const { hostname, port } = addr;
    // A server that listens on all addresses is reached by localhost. The address itself cannot be
    // opened everywhere.
    if (hostname === "0.0.0.0" || hostname === "::") return `${scheme}://localhost:${port}/`;
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    return `${scheme}://${host}:${port}/`;
  }

  get maxConnections(): number {
    return this.#max;
  }

  set maxConnections(max: number) {
    // Those that are refused must be accepted first. They are limited as well.
    this.#acceptor.maxConnections = this.#refusesOverload ? 2 * max : max;
    this.#max = max;
  }

  statistics(): ServerStatistics {
    let idle = 0;
    for (const { speaker } of this.#open.values()) if (speaker.isIdle) idle++;
    return { open: this.#open.size, idle, accepted: this.#accepted, refused: this.#refused };
  }

  close(): void {
    this.#acceptor.close();
  }

  /** Ends the connections that are idle; waits for the others, and aborts them at the deadline. */
  async shutdown({ deadlineMs = 10_000 }: ShutdownOptions): Promise<void> {
    duration(deadlineMs, "shut down: deadlineMs");
    this.close();
    for (const { speaker, task } of this.#open.values()) {
      if (speaker.isIdle) task.cancel();
      else speaker.finish?.();
    }
    if (this.#open.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whenEmpty = resolve;
    const timer = deadlineMs === Infinity ? undefined : this.#reactor.addTimer(deadlineMs, () => {
      for (const [socket, { task }] of this.#open) {
        socket.abort();
        task.cancel();
      }
    });
    await promise;
    if (timer !== undefined) this.#reactor.removeTimer(timer);
  }

  #run(socket: Socket): void {
    this.#accepted++;
    const { remoteAddr, localAddr } = socket;
    const isRefused = this.#isTooMany(remoteAddr);
    const speak = isRefused ? this.#refuse : this.#speak;
    if (isRefused) this.#refused++;
    if (speak === undefined) return socket.abort();
    const speaker = speak({ remoteAddr, localAddr, tls: this.#acceptor.tls });
    const task = gio(this.#reactor, socket, speaker.run());
    if (socket.closed) return;
    if (isRefused) this.#openRefused++;
    else this.#count(remoteAddr, 1);
    this.#open.set(socket, { speaker, task, isRefused });
  }

  #released(socket: Socket): void {
    const open = this.#open.get(socket);
    if (open === undefined) return;
    this.#open.delete(socket);
    if (open.isRefused) this.#openRefused--;
    else this.#count(socket.remoteAddr, -1);
    if (this.#open.size === 0) this.#whenEmpty?.();
  }

  #isTooMany(addr: Deno.Addr | undefined): boolean {
    const isTooMany = this.#refusesOverload &&
      this.#open.size - this.#openRefused >= this.#max;
    return isTooMany ||
      this.#maxPerAddress < Infinity && this.#of(addr) >= this.#maxPerAddress;
  }

  #of(addr: Deno.Addr | undefined): number {
    return this.#addresses.get(hostnameOf(addr)) ?? 0;
  }

  #count(addr: Deno.Addr | undefined, change: 1 | -1): void {
    if (this.#maxPerAddress === Infinity) return;
    const count = this.#of(addr) + change;
    if (count === 0) this.#addresses.delete(hostnameOf(addr));
    else this.#addresses.set(hostnameOf(addr), count);
  }
}

const PER_ADDRESS = "listen: maxConnectionsPerAddress";

/** Connections that have no IP address count as from one. */
function hostnameOf(addr: Deno.Addr | undefined): string {
  return addr !== undefined && "hostname" in addr ? addr.hostname : "";
}
