/** Makes connections: by TCP or a Unix socket, through a proxy, secured by TLS. */
import { TimeoutError } from "../../gio/timeout_error.ts";
import { connect, type Reactor, type Socket, startTls } from "../../reactor/mod.ts";
import { RemoteProtocolError } from "../remote_protocol_error.ts";
import { ClientConnection, type ConnectionOwner } from "./_client_connection.ts";
import type { ClientTimeouts } from "./client_timeouts.ts";
import type { Proxy } from "./_proxy.ts";
import { RequestHead } from "./_request_head.ts";
import type { ClientSettings } from "./_settings.ts";
import type { Target } from "./_target.ts";

/** RFC 9113 3.2, RFC 7301: what is offered, the best first. */
const ALPN = ["h2", "http/1.1"] as const;

/** Where to connect to. */
export interface Route {
  /** The origin, and how to get there, for messages. */
  readonly name: string;
  /** What connections must have in common to be used for the same requests. */
  readonly key: string;
  readonly target: Target;
  readonly proxy: Proxy | undefined;
  /** Whether the proxy is asked for a tunnel, and not for the response. */
  readonly isTunnelled: boolean;
  readonly socketPath: string | undefined;
  /** What may be spoken there: HTTP/2 only, or what the server chooses (ALPN). */
  readonly wire: "HTTP/1.1" | "HTTP/2" | "either";
}

/** The same route, for requests that cannot go by HTTP/2. */
export function byHttp1(route: Route): Route {
  return { ...route, key: `${route.key} by HTTP/1.1`, wire: "HTTP/1.1" };
}

/**
 * Connects, each phase within its time.
 *
 * @param abort Gives up. If a phase takes too long, it is aborted by a TimeoutError.
 */
export async function connectBy(
  reactor: Reactor,
  route: Route,
  timeouts: ClientTimeouts,
  settings: ClientSettings,
  abort: AbortController,
): Promise<Socket> {
  const { name: asked, target, proxy, isTunnelled, socketPath, wire } = route;
  const { connectMs, tlsMs } = timeouts;
  const { tls } = settings;
  const { signal } = abort;
  /** Limits the time of a phase. */
  const within = async <R>(ms: number, phase: string, act: () => Promise<R>): Promise<R> => {
    // Deno tells an abort by that reason.
    const timer = ms === Infinity ? undefined : reactor.addTimer(ms, () => {
      abort.abort(new TimeoutError(`Cannot ask ${asked}: ${phase} took longer than ${ms} ms`));
    });
    try {
      return await act();
    } finally {
      if (timer !== undefined && !reactor.isShutDown) reactor.removeTimer(timer);
    }
  };
  const first = proxy ?? target;
  const { hostname, port } = first;
  const alpnProtocols = wire === "HTTP/2" ? ["h2"] : wire === "either" ? [...ALPN] : ["http/1.1"];
  const toProxy = { ...tls, alpnProtocols: ["http/1.1"] };
  const toServer = { ...tls, alpnProtocols };
  const toFirst = proxy === undefined ? toServer : toProxy;
  const connectTo = () =>
    socketPath !== undefined ? connect(reactor, { path: socketPath, signal }) : connect(reactor, {
      hostname,
      port,
      signal,
      ...(first.isSecure && tls.cert !== undefined && { tls: toFirst }),
    });
  if (proxy !== undefined && target.isSecure) checkTunnel(proxy, tls.cert);
  if (socketPath !== undefined && target.isSecure) {
    throw new TypeError(`Cannot ask ${asked}: Deno secures TCP, but no Unix socket; ask by http`);
  }
  let socket = await within(connectMs, "connecting", connectTo);
  const secure = (name: string, options = toServer) =>
    within(
      tlsMs,
      "the TLS handshake",
      () => {
        expectNothing(socket, first === target ? "the server" : "the proxy", asked);
        return startTls(reactor, socket, { ...options, hostname: name, signal });
      },
    );
  const isReady = first.isSecure && tls.cert !== undefined;
  if (first.isSecure && !isReady) socket = await secure(hostname, toFirst);
  if (proxy !== undefined && isTunnelled) {
    socket = await within(
      tlsMs,
      "the proxy's answer to CONNECT",
      () => tunnel(reactor, socket, target, proxy, settings, signal),
    );
    if (target.isSecure) socket = await secure(target.hostname);
  }
  if (wire === "HTTP/2" && target.isSecure && socket.alpnProtocol !== "h2") {
    socket.abort();
    throw new RemoteProtocolError(`Cannot ask ${asked}: the server does not speak HTTP/2`, {
      status: 502,
    });
  }
  return socket;
}

/** Asks a proxy for a tunnel (RFC 9110 9.3.6). */
function tunnel(
  reactor: Reactor,
  socket: Socket,
  target: Target,
  { authorization }: Proxy,
  { limits, timeouts }: ClientSettings,
  signal: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const { authority } = target;
  const owner: ConnectionOwner = {
    free: (one) => one.close(),
    gone() {},
    canDrain: () => false,
    hold: () => () => {},
  };
  const connection = new ClientConnection(reactor, socket, limits, owner, false);
  let result: (() => void) | undefined;
  const cancel = () => connection.fail(signal.reason);
  signal.addEventListener("abort", cancel);
  connection.ask({
    method: "CONNECT",
    what: `CONNECT ${authority}`,
    head: new RequestHead({
      method: "CONNECT",
      target: authority,
      host: authority,
      made: { "proxy-authorization": authorization },
    }),
    content: undefined,
    continueMs: 0,
    timeouts,
    interim() {},
    answered: ({ status }, body) => {
      if (!(body instanceof Uint8Array)) {
        result = () =>
          reject(
            new RemoteProtocolError(
              `Cannot ask ${target.host}: the proxy answered CONNECT with status ${status}`,
              { status: 502 },
            ),
          );
      } else if (body.length === 0) result = () => resolve(socket);
      else {
        result = () => {
          socket.abort();
          reject(tooEarly("the proxy", "sent something", target.host));
        };
      }
    },
    deliver: () => {
      result!();
      if (!connection.isClosed) connection.abort();
    },
    lost: reject,
    over() {},
  });
  return promise.finally(() => signal.removeEventListener("abort", cancel));
}

/** Deno cannot do everything by startTls. */
function checkTunnel({ isSecure }: Proxy, cert: string | undefined): void {
  if (isSecure) {
    throw new TypeError(
      "Cannot ask https through a proxy of https: TLS within TLS is not possible in Deno, use a proxy of http",
    );
  }
  if (cert !== undefined) {
    throw new TypeError(
      "Cannot ask https through a proxy with a certificate: only a new connection takes one in Deno",
    );
  }
}

/**
 * TLS begins with what the client says. If something else has come, or the end, that is not TLS.
 */
function expectNothing(socket: Socket, who: string, asked: string): void {
  try {
    const came = socket.recv();
    if (came === undefined) return;
    throw tooEarly(who, came === null ? "closed the connection" : "sent something", asked);
  } catch (error) {
    socket.abort();
    throw error;
  }
}

function tooEarly(who: string, what: string, asked: string): RemoteProtocolError {
  return new RemoteProtocolError(`Cannot ask ${asked}: ${who} ${what} before TLS began`, {
    status: 502,
  });
}
