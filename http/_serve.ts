/**
 * The common part of HttpServer and Server: it runs a coroutine on each connection that it accepts,
 * counts the connections, and ends them.
 */
import { ACCEPTOR } from "../reactor/_all_options.ts";
import { names, refuseUnknown } from "../reactor/_known.ts";
import type { Coroutine } from "../compose/mod.ts";
import { gio } from "../gio/mod.ts";
import { duration, whole } from "../reactor/_whole.ts";
import { Acceptor, type Reactor, type Socket } from "../reactor/mod.ts";
import { AcceptedConnection } from "./_accepted_connection.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { ServerOptions, ServerStatistics, ShutdownOptions } from "./server_options.ts";

/** Makes the coroutine that speaks on a connection. */
export type Speak = (info: ConnectionInfo) => Coroutine;

export class Listener {
  readonly #reactor: Reactor;
  readonly #acceptor: Acceptor;
  readonly #speak: Speak;
  /** What is spoken where there are too many connections. If it is missing, they are aborted. */
  readonly #refuse: Speak | undefined;
  /** Whether connections beyond the maximum are refused, and do not wait. */
  readonly #refusesOverload: boolean;
  readonly #open = new Map<Socket, AcceptedConnection>();
  /** Those of them that were refused. */
  readonly #openRefused = new Set<Socket>();
  /** How many connections each address has, if that is limited. */
  readonly #addresses = new Map<string, number>();
  readonly #maxPerAddress: number;
  #max = Infinity;
  #accepted = 0;
  #refused = 0;
  readonly #closing = new AbortController();
  /** Resolves when the last connection has ended, after a shutdown. */
  #empty: PromiseWithResolvers<void> | undefined;

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
    this.#max = whole(max, "listen: maxConnections", 1);
    this.#admit();
  }

  statistics(): ServerStatistics {
    let idle = 0;
    for (const { speaker } of this.#open.values()) if (speaker?.isIdle) idle++;
    return { open: this.#open.size, idle, accepted: this.#accepted, refused: this.#refused };
  }

  close(): void {
    this.#acceptor.close();
  }

  /** Ends the connections that are idle; waits for the others, and aborts them at the deadline. */
  async shutdown(options: ShutdownOptions): Promise<void> {
    refuseUnknown("shut down", options, TO_SHUT_DOWN);
    const { deadlineMs = 10_000 } = options;
    duration(deadlineMs, "shut down: deadlineMs");
    this.close();
    this.#closing.abort(new DOMException("The server shuts down", "AbortError"));
    for (const { speaker } of this.#open.values()) speaker?.finish();
    if (this.#open.size === 0) return;
    const { promise } = this.#empty ??= Promise.withResolvers();
    const timer = deadlineMs === Infinity ? undefined : this.#reactor.addTimer(deadlineMs, () => {
      for (const [socket, { task }] of this.#open) {
        socket.abort();
        task?.cancel();
      }
    });
    await promise;
    if (timer !== undefined) this.#reactor.removeTimer(timer);
  }

  #run(socket: Socket): void {
    this.#accepted++;
    const { remoteAddr } = socket;
    const isRefused = this.#isTooMany(remoteAddr);
    if (isRefused) this.#refused++;
    const speak = isRefused ? this.#refusal(remoteAddr) : this.#speak;
    if (speak === undefined) return socket.abort();
    const info = new AcceptedConnection(socket, this.#acceptor.tls, this.#closing.signal);
    info.task = gio(this.#reactor, socket, speak(info));
    if (socket.closed) return;
    this.#open.set(socket, info);
    this.#count(remoteAddr, 1);
    if (!isRefused) return;
    this.#openRefused.add(socket);
    this.#admit();
  }

  #released(socket: Socket): void {
    if (!this.#open.delete(socket)) return;
    this.#count(socket.remoteAddr, -1);
    if (this.#openRefused.delete(socket)) this.#admit();
    if (this.#open.size === 0) this.#empty?.resolve();
  }

  #isTooMany(addr: Deno.Addr | undefined): boolean {
    const isTooMany = this.#refusesOverload &&
      this.#open.size - this.#openRefused.size >= this.#max;
    return isTooMany ||
      this.#maxPerAddress < Infinity && this.#of(addr) >= this.#maxPerAddress;
  }

  /** What is spoken on a connection that is refused, unless there are too many of these as well. */
  #refusal(addr: Deno.Addr | undefined): Speak | undefined {
    const isTooMany = this.#openRefused.size >= Math.min(this.#max, MAX_REFUSED) ||
      this.#of(addr) >= 2 * this.#maxPerAddress;
    return isTooMany ? undefined : this.#refuse;
  }

  /** Those that are refused take no place of those that are served. */
  #admit(): void {
    this.#acceptor.maxConnections = this.#refusesOverload
      ? Infinity
      : this.#max + this.#openRefused.size;
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

/** The options of a server that listens. */
export const SERVER: readonly string[] = [...ACCEPTOR, "maxConnectionsPerAddress"];

/** How many connections that are refused are open at most; others are aborted. */
const MAX_REFUSED = 64;

const TO_SHUT_DOWN = names<ShutdownOptions>({ deadlineMs: 1 });

const PER_ADDRESS = "listen: maxConnectionsPerAddress";

/** Connections that have no IP address count as from one. */
function hostnameOf(addr: Deno.Addr | undefined): string {
  return addr !== undefined && "hostname" in addr ? addr.hostname : "";
}
