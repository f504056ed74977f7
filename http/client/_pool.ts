import { TimeoutError } from "../../gio/timeout_error.ts";
import type { Reactor, Socket, Timer } from "../../reactor/mod.ts";
import { ClientConnection } from "./_client_connection.ts";
import type { ClientTimeouts } from "./client_timeouts.ts";
import { connectBy, type Route } from "./_connect.ts";
import type { OwnReactor } from "./_own_reactor.ts";
import type { ClientSettings } from "./_settings.ts";
import { TooManyConnections } from "./too_many_connections.ts";

/*
 * The connections of a client with one reactor:
 *
 *  1. They are kept by origin: scheme, host and port, and how to get there. The one that was used last
 *     is used first, so that the others end by themselves.
 *  2. Whoever asks gets a free connection, or a new one, or waits. If there are too many connections
 *     in all, a free one of another origin is closed.
 *  3. Of those that wait and can be served, the one is served that has waited longest. When something
 *     has changed, all are served that can be. So nobody who comes can overtake somebody who waits.
 *  4. A free connection is read, so that it ends when the server closes it.
 */

/** Who wants a connection. */
export interface Asker {
  readonly route: Route;
  readonly timeouts: ClientTimeouts;
  /** Whether only a new connection will do. */
  readonly isAgain: boolean;
  connected(connection: ClientConnection): void;
  lost(error: unknown): void;
}

/**
 * The connections to one origin, as {@linkcode HttpClient.inspect} tells them.
 *
 * @category Client
 */
export interface OriginInspected {
  /** The scheme, the host and the port; and the proxy or the path of the Unix socket, if any. */
  readonly origin: string;
  /** How many connections are free. */
  readonly idle: number;
  /** How many connections are in use, or being made. */
  readonly active: number;
  /** How many requests wait for a connection. */
  readonly waiting: number;
}

class Origin {
  readonly route: Route;
  /** The free ones, the one that was used last at the end. */
  readonly idle: ClientConnection[] = [];
  /** How many are in use, or being made. */
  active = 0;
  /** Those that wait, the one that has waited longest first. */
  readonly waiting: Place[] = [];

  constructor(route: Route) {
    this.route = route;
  }

  get name(): string {
    return this.route.name;
  }

  get isUnused(): boolean {
    return this.idle.length === 0 && this.active === 0 && this.waiting.length === 0;
  }
}

/** The place of somebody who waits. */
interface Place {
  readonly asker: Asker;
  /** Those before it have lower numbers. */
  readonly number: number;
  readonly timer: Timer | undefined;
  /** Calls off what is done for it, when it does not wait any more. */
  callOff(): void;
}

export class Pool {
  readonly reactor: Reactor;
  /** What runs the reactor, if nobody else does. */
  readonly own: OwnReactor | undefined;
  readonly #settings: ClientSettings;
  readonly #origins = new Map<string, Origin>();
  readonly #connections = new Set<ClientConnection>();
  /** How many are being made. */
  #connecting = 0;
  /** How many wait, and how many have ever waited. */
  #waiting = 0;
  #numbers = 0;
  /** Whether those that wait are being served, and whether something has changed meanwhile. */
  #serving: "not now" | "now" | "once more" = "not now";
  #isClosed = false;
  readonly #whenEnded: () => void;

  /** @param whenEnded Is called when the reactor shuts down, or when all is closed. */
  constructor(
    settings: ClientSettings,
    reactor: Reactor,
    own: OwnReactor | undefined,
    whenEnded: () => void,
  ) {
    this.#settings = settings;
    this.reactor = reactor;
    this.own = own;
    this.#whenEnded = whenEnded;
    reactor.addShutdownHook(this);
  }

  /** The reactor shuts down: nobody gets an answer any more. */
  abandon(): void {
    this.#isClosed = true;
    this.#whenEnded();
    const error = new DOMException("The reactor was shut down", "AbortError");
    const places = [...this.#origins.values()].flatMap(({ waiting }) => waiting.splice(0));
    this.#waiting = 0;
    for (const { asker } of places) asker.lost(error);
    for (const connection of [...this.#connections]) connection.fail(error);
  }

  get #count(): number {
    return this.#connections.size + this.#connecting;
  }

  /** Gets a connection for `asker`, at once or later. Returns what calls that off. */
  take(asker: Asker): () => void {
    const origin = this.#originOf(asker.route);
    if (!asker.isAgain && origin.idle.length > 0) {
      asker.connected(this.#free(origin));
      return () => {};
    }
    if (this.#canConnect(origin, asker)) return this.#connect(origin, asker);
    if (this.#settings.overload === "wait") return this.#wait(origin, asker);
    asker.lost(
      new TooManyConnections(
        `Cannot ask ${origin.name}: there are ${this.#count} connections, ${origin.active} of them to it`,
      ),
    );
    this.#forget(origin);
    return () => {};
  }

  #wait(origin: Origin, asker: Asker): () => void {
    const { waitMs } = asker.timeouts;
    const leave = () => {
      if (place.timer !== undefined) this.reactor.removeTimer(place.timer);
      const at = origin.waiting.indexOf(place);
      if (at < 0) return place.callOff();
      origin.waiting.splice(at, 1);
      this.#waiting--;
      this.#forget(origin);
    };
    const timer = waitMs === Infinity ? undefined : this.reactor.addTimer(waitMs, () => {
      leave();
      asker.lost(
        new TimeoutError(
          `Cannot ask ${origin.name}: no connection was free within ${waitMs} ms; a response keeps its own until it ` +
            "has been read, or closed",
        ),
      );
    });
    const place: Place = { asker, number: this.#numbers++, timer, callOff() {} };
    origin.waiting.push(place);
    this.#waiting++;
    return leave;
  }

  /** Takes a free connection. There must be one. */
  #free(origin: Origin): ClientConnection {
    origin.active++;
    return origin.idle.pop()!;
  }

  /** Whether there may be another connection to an origin, if a free one is closed. */
  #canConnect(origin: Origin, { isAgain }: Asker): boolean {
    const { maxConnections, maxConnectionsPerOrigin } = this.#settings;
    const others = origin.active + (isAgain ? 0 : origin.idle.length);
    return others < maxConnectionsPerOrigin &&
      (this.#count < maxConnections || this.#idle() !== undefined);
  }

  /** A free connection, of any origin. */
  #idle(): ClientConnection | undefined {
    for (const { idle } of this.#origins.values()) if (idle.length > 0) return idle[0];
    return undefined;
  }

  /** Makes a connection. Returns what calls that off. */
  #connect(origin: Origin, asker: Asker): () => void {
    const abort = new AbortController();
    origin.active++;
    this.#connecting++;
    const { maxConnections, maxConnectionsPerOrigin } = this.#settings;
    if (origin.active + origin.idle.length > maxConnectionsPerOrigin) origin.idle[0]!.close();
    if (this.#count > maxConnections) this.#idle()!.close();
    const { reactor } = this;
    const { route, timeouts } = asker;
    connectBy(reactor, route, timeouts, this.#settings, abort).then((socket) => {
      this.#connecting--;
      const connection = this.#connection(origin, socket);
      if (abort.signal.aborted) connection.abort();
      else asker.connected(connection);
    }, (error) => {
      origin.active--;
      this.#connecting--;
      if (!abort.signal.aborted || error instanceof TimeoutError) asker.lost(error);
      this.#serveWaiting();
      this.#forget(origin);
    });
    return () => abort.abort();
  }

  /** The connection must not keep the one who has asked for it first. */
  #connection(origin: Origin, socket: Socket): ClientConnection {
    const { reactor, own } = this;
    const { isSecure } = origin.route.target;
    const connection = new ClientConnection(reactor, socket, this.#settings.limits, {
      free: (connection, idleMs) => this.#becomesFree(origin, connection, idleMs),
      gone: (connection) => this.#isGone(origin, connection),
      canDrain: () => own?.isAwaited ?? true,
      hold: () => own?.hold() ?? (() => {}),
    }, isSecure);
    this.#connections.add(connection);
    return connection;
  }

  #becomesFree(origin: Origin, connection: ClientConnection, idleMs: number): void {
    if (this.#isClosed && this.#waiting === 0) return connection.close();
    origin.active--;
    origin.idle.push(connection);
    connection.wait(idleMs);
    this.#serveWaiting();
  }

  #isGone(origin: Origin, connection: ClientConnection): void {
    this.#connections.delete(connection);
    const at = origin.idle.indexOf(connection);
    if (at < 0) origin.active--;
    else origin.idle.splice(at, 1);
    this.#serveWaiting();
    this.#forget(origin);
  }

  /** Serves those that wait, as far as there are connections. */
  #serveWaiting(): void {
    if (this.#waiting === 0) return;
    if (this.#serving !== "not now") {
      this.#serving = "once more";
      return;
    }
    try {
      do {
        this.#serving = "now";
        for (let next; (next = this.#next()) !== undefined;) this.#serve(next);
      } while ((this.#serving as string) === "once more");
    } finally {
      this.#serving = "not now";
    }
  }

  /** The origin of the one that has waited longest, of those that can be served. */
  #next(): Origin | undefined {
    if (this.#waiting === 0) return undefined;
    let found: Origin | undefined;
    let first = Infinity;
    for (const origin of this.#origins.values()) {
      const place = origin.waiting[0];
      if (place === undefined || place.number > first) continue;
      const hasFree = origin.idle.length > 0 && !place.asker.isAgain;
      if (!hasFree && !this.#canConnect(origin, place.asker)) continue;
      found = origin;
      first = place.number;
    }
    return found;
  }

  #serve(origin: Origin): void {
    const place = origin.waiting.shift()!;
    this.#waiting--;
    if (place.timer !== undefined) this.reactor.removeTimer(place.timer);
    const { asker } = place;
    if (origin.idle.length > 0 && !asker.isAgain) asker.connected(this.#free(origin));
    else place.callOff = this.#connect(origin, asker);
  }

  #originOf(route: Route): Origin {
    let origin = this.#origins.get(route.key);
    if (origin === undefined) this.#origins.set(route.key, origin = new Origin(route));
    return origin;
  }

  #forget(origin: Origin): void {
    if (origin.isUnused) this.#origins.delete(origin.route.key);
    this.#endIfOver();
  }

  /** The reactor need not know a client that is closed. */
  #endIfOver(): void {
    if (!this.#isClosed || !this.isEmpty) return;
    this.reactor.removeShutdownHook(this);
    this.#whenEnded();
  }

  /** Closes the free connections, and those that become free. */
  close(): void {
    this.#isClosed = true;
    this.closeIdle();
    this.#endIfOver();
  }

  /** Closes the connections that nobody uses. */
  closeIdle(): void {
    for (const connection of [...this.#connections]) {
      if (!connection.isUsed) connection.close();
    }
  }

  /** Whether there is no connection, and nobody wants one. */
  get isEmpty(): boolean {
    return this.#origins.size === 0;
  }

  inspect(): OriginInspected[] {
    return [...this.#origins.values()].map(({ name, idle, active, waiting }) => ({
      origin: name,
      idle: idle.length,
      active,
      waiting: waiting.length,
    }));
  }
}
