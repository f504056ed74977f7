import type { AcceptorOptions } from "../reactor/mod.ts";

/**
 * Options of {@linkcode Server} and {@linkcode HttpServer}: where to listen
 * ({@linkcode AcceptorOptions}), and how much to take.
 *
 * @category Server
 */
export interface ServerOptions extends AcceptorOptions {
  /**
   * How many connections one address may have open. A connection beyond that is closed at once; an
   * {@linkcode HttpServer} answers its request with 503.
   *
   * @default {Infinity}
   */
  maxConnectionsPerAddress?: number;
}

/**
 * Options of `shutdown` of a server.
 *
 * @category Server
 */
export interface ShutdownOptions {
  /**
   * How long connections that are busy may take to come to their end, in milliseconds. Then they
   * are aborted.
   *
   * @default {10_000}
   */
  deadlineMs?: number;
}

/**
 * What `statistics` of a server tells.
 *
 * @category Server
 */
export interface ServerStatistics {
  /** Connections that are open. */
  readonly open: number;
  /** Of these, the ones that wait for their client to ask for something. */
  readonly idle: number;
  /** Connections that were accepted so far. */
  readonly accepted: number;
  /** Of these, the ones that were refused, because there were too many. */
  readonly refused: number;
}
