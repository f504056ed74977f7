/**
 * How long the phases of a request may take, in milliseconds. `Infinity` turns a limit off. When one
 * is over, the request fails with a TimeoutError that names the phase.
 *
 * @example A patient client, and one request that is not
 * ```ts
 * import { type ClientTimeouts, HttpClient } from "@weightless/io/http";
 *
 * const timeouts: Partial<ClientTimeouts> = { headMs: 300_000 };
 * using client = new HttpClient({ timeouts });
 * const asking = client.get("http://127.0.0.1:1/", { timeouts: { headMs: 1000 } });
 * await asking.then(() => {}, () => {}); // nobody listens there
 * ```
 *
 * @category Client
 */
export interface ClientTimeouts {
  /**
   * To wait for a connection when there are too many. A response keeps its own until it has been read
   * to its end, or closed.
   *
   * @default {60_000}
   */
  waitMs: number;
  /**
   * To find the address of the name and to connect to it.
   *
   * @default {10_000}
   */
  connectMs: number;
  /**
   * For the TLS handshake, and for the answer of a proxy to CONNECT.
   *
   * @default {10_000}
   */
  tlsMs: number;
  /**
   * From the request to the head of its response. As long as the server takes parts of the request,
   * this time begins again.
   *
   * @default {60_000}
   */
  headMs: number;
  /**
   * How long the server may be silent within the body, while somebody reads it.
   *
   * @default {60_000}
   */
  bodyMs: number;
  /**
   * How long a connection is kept that nobody uses.
   *
   * @default {30_000}
   */
  idleMs: number;
  /**
   * From the first attempt to the end of the body, redirects included.
   *
   * @default {Infinity}
   */
  totalMs: number;
}

/**
 * The {@linkcode ClientTimeouts} that are used where none are given.
 *
 * @category Client
 */
export const defaultClientTimeouts: Readonly<ClientTimeouts> = Object.freeze({
  waitMs: 60_000,
  connectMs: 10_000,
  tlsMs: 10_000,
  headMs: 60_000,
  bodyMs: 60_000,
  idleMs: 30_000,
  totalMs: Infinity,
});
