import type { Socket } from "./socket.ts";

/**
 * Options of {@linkcode Acceptor}: a `port`, a `path`, a `listener` or a `descriptor`, and others. An option that
 * would have no effect, such as a `cert` beside a `path`, is an error.
 *
 * @category Sockets
 */
export interface AcceptorOptions {
  /** The TCP port. 0 is any free port. */
  port?: number;
  /**
   * A literal IP address or a name that resolves to one.
   *
   * @default {"0.0.0.0"}
   */
  hostname?: string;
  /**
   * The path of a Unix socket, instead of a port. The path is removed when the acceptor closes;
   * Deno removes it a moment later at the latest. This happens even if another server has taken the
   * path since, so give each server its own path.
   */
  path?: string;
  /** An open listener, instead of a port. */
  listener?: Deno.Listener;
  /**
   * The number of a descriptor that listens already, instead of a port: a supervisor has passed it,
   * see {@linkcode listenDescriptors}. It is closed with the acceptor. Connections that wait then are
   * kept for the next server that gets it. It needs the `"epoll"` selector. TLS is not possible,
   * because Deno cannot use the descriptor.
   */
  descriptor?: number;
  /**
   * Certificate chain in PEM format. Makes every connection TLS. Needs `key`.
   *
   * It counts as long as the acceptor listens: Deno can neither replace the certificate of a listener,
   * nor choose one by the name that a client asks for, nor ask clients for theirs. A server of
   * `node:tls` can: `examples/https.ts` shows how its connections are adopted.
   */
  cert?: string;
  /** Private key in PEM format. */
  key?: string;
  /** The protocols to offer by ALPN, with TLS. */
  alpnProtocols?: string[];
  /**
   * Lets several processes listen on the same port. Deno has it only with `--unstable-net`, on each
   * back end, because Deno itself listens. Processes that a supervisor starts can share a `descriptor`
   * instead.
   *
   * @default {false}
   */
  reusePort?: boolean;
  /**
   * How many connections wait in the kernel.
   *
   * @default {as Deno}
   */
  tcpBacklog?: number;
  /**
   * How many of its connections may be open. While there are so many, others wait in the kernel.
   *
   * @default {Infinity}
   */
  maxConnections?: number;
  /**
   * Sends small pieces at once (TCP_NODELAY). With TLS this needs Linux and `--allow-ffi`.
   *
   * @default {true}
   */
  noDelay?: boolean;
  /**
   * Priority of accepting, 0 to 9.
   *
   * @default {0}
   */
  priority?: number;
  /** Called when one of its sockets has released its connection. */
  onReleased?: (socket: Socket) => void;
}
