import { TimeoutError } from "../../gio/timeout_error.ts";
import type { Reactor, Socket, Timer } from "../../reactor/mod.ts";
import { ClientStream } from "../h2/_client_stream.ts";
import { H2Connection } from "../h2/_client_connection.ts";
import type { Attention, Carrier } from "./_carrier.ts";
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
 *  5. One connection of HTTP/2 is shared by all who ask the origin. While the first connection to an
 *     origin is made that may turn out to be one, the others wait for it.
 */

/** Who wants a connection. */
export interface Asker {
  readonly route: Route;
  readonly timeouts: ClientTimeouts;
  /** Whether no connection will do that was used before by somebody else alone. */
  readonly isAgain: boolean;
  /** What an extended CONNECT asks for, if it is one. */
  readonly protocol: string | undefined;
  connected(carrier: Carrier): void;
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
  /** The one that all share. */
  shared: H2Connection | undefined = undefined;
  /** How many others are in use, or being made. */
  active = 0;
  /** Whether a connection may be shared: one is being made that may show it. */
  sharing: "perhaps" | "will be seen" | "no";
  /** Those that wait, the one that has waited longest first. */
  readonly waiting: Place[] = [];

  constructor(route: Route) {
    this.route = route;
    this.sharing = route.wire === "HTTP/1.1" ? "no" : "perhaps";
  }

  get name(): string {
    return this.route.name;
  }

  /** Whether the shared connection can carry a request now. */
  canOpen({ protocol }: Asker): boolean {
    const { shared } = this;
    // RFC 8441 3: an extended CONNECT MUST NOT be sent before the server has allowed it.
    return shared !== undefined && shared.canOpen &&
      (protocol === undefined || shared.isSettled);
  }

  get isUnused(): boolean {
    return this.idle.length === 0 && this.active === 0 && this.waiting.length === 0 &&
      this.shared === undefined;
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

/** A WebSocket, for the client that has opened it. */
interface KeptWebSocket {
  goAway(): void;
  whenOver(tell: () => void): unknown;
}

export class Pool {
  readonly reactor: Reactor;
  /** What runs the reactor, if nobody else does. */
  readonly own: OwnReactor | undefined;
  /** Those that were opened by it, and end with it. */
  readonly #webSockets = new Set<KeptWebSocket>();
  readonly #settings: ClientSettings;
  readonly #origins = new Map<string, Origin>();
  readonly #connections = new Set<ClientConnection | H2Connection>();
  /** How many are being made. */
  #connecting = 0;
  /** How many wait, and how many have ever waited. */
  #waiting = 0;
  #numbers = 0;
  /** Whether those that wait are being served, and whether something has changed meanwhile. */
  #serving: "not now" | "now" | "once more" = "not now";
  #isClosed = false;
  readonly #whenEnded: () => void;
  readonly #attention: Attention = {
    canDrain: () => this.own?.isAwaited ?? true,
    hold: () => this.own?.hold() ?? (() => {}),
  };

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
    if (origin.waiting.length > 0 && origin.canOpen(asker)) { // See rule 3.
      const leave = this.#wait(origin, asker);
      this.#serveWaiting();
      return leave;
    }
    const free = this.#free(origin, asker);
    if (free !== undefined) {
      asker.connected(free);
      return () => {};
    }
    if (this.#canConnect(origin, asker)) return this.#connect(origin, asker);
    if (this.#settings.overload === "wait" || origin.sharing === "will be seen") {
      return this.#wait(origin, asker);
    }
    this.#refuse(origin, asker);
    this.#forget(origin);
    return () => {};
  }

  /** Whether there is a connection on which an extended CONNECT may be sent now. */
  canConnect({ key }: Route): boolean {
    const shared = this.#origins.get(key)?.shared;
    return shared !== undefined && shared.canOpen && shared.canConnect;
  }

  #refuse(origin: Origin, asker: Asker): void {
    const why = origin.shared === undefined
      ? `there are ${this.#count} connections, ${origin.active} of them to it`
      : "as many requests are under way as it allows on its connection";
    asker.lost(new TooManyConnections(`Cannot ask ${origin.name}: ${why}`));
  }

  #wait(origin: Origin, asker: Asker): () => void {
    const { waitMs } = asker.timeouts;
    const leave = () => {
      if (!this.#unwait(origin, place)) place.callOff();
      else this.#forget(origin);
    };
    const timer = waitMs === Infinity ? undefined : this.reactor.addTimer(waitMs, () => {
      leave();
      const what = origin.shared === undefined ? "connection" : "stream";
      asker.lost(
        new TimeoutError(
          `Cannot ask ${origin.name}: no ${what} was free within ${waitMs} ms; a response keeps its own until it ` +
            "has been read, or closed",
        ),
      );
    });
    const place: Place = { asker, number: this.#numbers++, timer, callOff() {} };
    origin.waiting.push(place);
    this.#waiting++;
    return leave;
  }

  /** The place is given up. Returns whether its asker was waiting. */
  #unwait(origin: Origin, place: Place): boolean {
    if (place.timer !== undefined) this.reactor.removeTimer(place.timer);
    const at = origin.waiting.indexOf(place);
    if (at < 0) return false;
    origin.waiting.splice(at, 1);
    this.#waiting--;
    return true;
  }

  /** Takes what is free, if anything is. */
  #free(origin: Origin, asker: Asker): Carrier | undefined {
    const { shared, idle } = origin;
    if (origin.canOpen(asker)) return new ClientStream(shared!);
    if (asker.isAgain || idle.length === 0) return undefined;
    origin.active++;
    return idle.pop();
  }

  /** Whether there may be another connection to an origin, if a free one is closed. */
  #canConnect(origin: Origin, { isAgain }: Asker): boolean {
    const { maxConnections, maxConnectionsPerOrigin } = this.#settings;
    if (origin.shared !== undefined || origin.sharing === "will be seen") return false;
    const others = origin.active + (isAgain ? 0 : origin.idle.length);
    return others < maxConnectionsPerOrigin &&
      (this.#count < maxConnections || this.#idle() !== undefined);
  }

  /** A free connection, of any origin. */
  #idle(): ClientConnection | H2Connection | undefined {
    for (const { idle, shared } of this.#origins.values()) {
      if (idle.length > 0) return idle[0];
      if (shared?.isUsed === false) return shared;
    }
    return undefined;
  }

  /** Makes a connection. Returns what calls that off. */
  #connect(origin: Origin, asker: Asker): () => void {
    const abort = new AbortController();
    let callOff = () => abort.abort();
    origin.active++;
    this.#connecting++;
    if (origin.sharing === "perhaps") origin.sharing = "will be seen";
    const { maxConnections, maxConnectionsPerOrigin } = this.#settings;
    if (origin.active + origin.idle.length > maxConnectionsPerOrigin) origin.idle[0]!.close();
    if (this.#count > maxConnections) this.#idle()!.close();
    const { reactor } = this;
    const { route, timeouts } = asker;
    connectBy(reactor, route, timeouts, this.#settings, abort).then((socket) => {
      this.#connecting--;
      const isShared = socket.alpnProtocol === "h2" || route.wire === "HTTP/2";
      const carrier = isShared ? this.#share(origin, socket) : this.#connection(origin, socket);
      if (!abort.signal.aborted) {
        if (!isShared || origin.canOpen(asker)) asker.connected(carrier);
        else callOff = this.#wait(origin, asker);
      } else if (carrier instanceof ClientConnection) carrier.abort();
      if (origin.shared?.isUsed === false) this.#sharedIsFree(origin.shared, timeouts.idleMs);
      this.#shown(origin);
    }, (error) => {
      const isGivenUp = abort.signal.aborted && !(error instanceof TimeoutError);
      origin.active--;
      this.#connecting--;
      // The others try each for itself, unless it was this asker who has given up.
      if (origin.sharing === "will be seen") origin.sharing = isGivenUp ? "perhaps" : "no";
      if (!isGivenUp) asker.lost(error);
      this.#shown(origin);
      this.#forget(origin);
    });
    return () => callOff();
  }

  /** Those that have waited to see whether a connection can be shared are served, or refused. */
  #shown(origin: Origin): void {
    this.#serveWaiting();
    if (this.#settings.overload === "wait" || origin.sharing === "will be seen") return;
    for (const place of [...origin.waiting]) {
      if (origin.shared?.isSettled === false && place.asker.protocol !== undefined) continue;
      if (this.#unwait(origin, place)) this.#refuse(origin, place.asker);
    }
  }

  #sharedIsFree(connection: H2Connection, idleMs: number): void {
    if (this.#isClosed && this.#waiting === 0) return connection.close();
    connection.wait(idleMs);
    this.#serveWaiting();
  }

  /** Makes a connection that all share. Returns a stream of it. */
  #share(origin: Origin, socket: Socket): ClientStream {
    const { reactor } = this;
    origin.active--;
    if (origin.shared?.canOpen) { // Both were made at the same time.
      socket.close();
      return new ClientStream(origin.shared);
    }
    origin.shared?.retire();
    const connection = new H2Connection(reactor, socket, this.#settings.limits, {
      free: (idleMs) => this.#sharedIsFree(connection, idleMs),
      roomy: () => this.#serveWaiting(),
      retired: () => {
        origin.shared = undefined;
        origin.active++;
        this.#serveWaiting();
      },
      gone: () => {
        this.#connections.delete(connection);
        if (origin.shared === connection) origin.shared = undefined;
        else origin.active--;
        this.#serveWaiting();
        this.#forget(origin);
      },
      ...this.#attention,
    }, origin.route.target.isSecure);
    origin.shared = connection;
    origin.sharing = "perhaps";
    this.#connections.add(connection);
    return new ClientStream(connection);
  }

  /** The connection must not keep the one who has asked for it first. */
  #connection(origin: Origin, socket: Socket): ClientConnection {
    const { reactor } = this;
    const { isSecure } = origin.route.target;
    origin.sharing = "no";
    const connection = new ClientConnection(reactor, socket, this.#settings.limits, {
      free: (connection, idleMs) => this.#becomesFree(origin, connection, idleMs),
      gone: (connection) => this.#isGone(origin, connection),
      ...this.#attention,
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
      const hasFree = origin.canOpen(place.asker) || origin.idle.length > 0 && !place.asker.isAgain;
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
    const free = this.#free(origin, asker);
    if (free !== undefined) asker.connected(free);
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
    for (const one of [...this.#webSockets]) one.goAway();
    this.closeIdle();
    this.#endIfOver();
  }

  /** A WebSocket was opened. It ends with the client, which may have been closed meanwhile. */
  keep(webSocket: KeptWebSocket): void {
    this.#webSockets.add(webSocket);
    webSocket.whenOver(() => this.#webSockets.delete(webSocket));
    if (this.own !== undefined) webSocket.whenOver(this.own.hold());
    if (this.#isClosed) webSocket.goAway();
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
    return [...this.#origins.values()].map(({ name, idle, active, waiting, shared }) => ({
      origin: name,
      idle: idle.length + (shared?.isUsed === false ? 1 : 0),
      active: active + (shared?.isUsed ? 1 : 0),
      waiting: waiting.length,
    }));
  }
}
