import type { HttpClientOptions } from "./client_options.ts";
import { HttpClient, type OriginInspected } from "./http_client.ts";

/**
 * The connections of a client as a component: {@linkcode Client}s that it observes use them.
 *
 * They are those of an {@linkcode HttpClient}: kept for each origin when a response is complete, and
 * used again, the latest first. The options tell how many there may be, how long one is kept that
 * nobody uses (`timeouts: { idleMs }`), and all that counts for each request.
 *
 * @example One pool for two clients
 * ```ts
 * import { Client, SocketPool } from "@weightless/io/http";
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * using pool = new SocketPool({
 *   maxConnections: 100,
 *   maxConnectionsPerOrigin: 10,
 *   timeouts: { idleMs: 5000 },
 * });
 * const application = be([new Observable(), [new Client(), [pool]], [new Client(), [pool]]]);
 * assertEquals(application.observers.length, 2);
 * assertEquals(pool.inspect(), []); // nothing was asked yet
 * ```
 *
 * @category Components
 */
export class SocketPool implements Disposable {
  readonly #client: HttpClient;

  /**
   * Makes a pool without connections.
   *
   * @param options The options of the client.
   * @throws {TypeError} If an option does not exist, or makes no sense.
   * @throws {RangeError} If a number is out of its range.
   */
  constructor(options: HttpClientOptions = {}) {
    this.#client = new HttpClient(options);
  }

  /**
   * Gives the client whose connections these are: the answer to the message of {@linkcode Client}.
   *
   * @returns The client.
   */
  httpClient(): HttpClient {
    return this.#client;
  }

  /**
   * Tells of the connections to each origin, as {@linkcode HttpClient.inspect} does.
   *
   * @returns What there is now, for each origin.
   */
  inspect(): OriginInspected[] {
    return this.#client.inspect();
  }

  /** Closes the connections that nobody uses, and refuses requests. */
  close(): void {
    this.#client.close();
  }

  /** As {@linkcode SocketPool.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
