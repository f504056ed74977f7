import type { Request } from "../../compose/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { Asking, type Client } from "./_asking.ts";
import type { HttpClientOptions, RequestOptions } from "./client_options.ts";
import type { Awaitable, HttpResponse } from "./http_response.ts";
import { OwnReactor } from "./_own_reactor.ts";
import { type OriginInspected, Pool } from "./_pool.ts";
import { settingsOf } from "./_settings.ts";
import { openWebSocket } from "../websocket/_open.ts";
import type { ClientWebSocket } from "../websocket/client_web_socket.ts";
import type { WebSocketClientOptions } from "../websocket/web_socket_client_options.ts";

export type { OriginInspected } from "./_pool.ts";

/** RFC 9110 9.3, RFC 5789. */
const USUAL = /^(?:get|head|post|put|patch|delete|options)$/;

/**
 * A request to `yield*` in a coroutine, or to `await` elsewhere. In a coroutine it goes out when it is
 * yielded, or awaited, and can be asked once. Outside of coroutines it goes out at once.
 *
 * @category Client
 */
export type ResponseRequest = Request<HttpResponse> & Promise<HttpResponse>;

/**
 * Asks servers, and keeps the connections to them.
 *
 * `const response = yield* client.get(url)` in a coroutine, `await client.get(url)` in any program.
 * The response is there when its head has come; see {@linkcode HttpResponse} for its body.
 *
 * Connections are used again, the one that was used last first. A request that gets no answer on a
 * connection that was used before is asked once more, if it may be repeated (RFC 9110 9.2.2).
 *
 * @example In any program
 * ```ts
 * import { HttpClient } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = Deno.serve({ port: 0, onListen() {} }, async (request) => {
 *   return new Response(`You say ${await request.text()}`);
 * });
 * const url = `http://127.0.0.1:${server.addr.port}/`;
 *
 * using client = new HttpClient();
 * const response = await client.post(url, { body: "hello" });
 * assertEquals(await response.text(), "You say hello");
 * ```
 *
 * @example Many at once, in a coroutine
 * ```ts
 * import { call } from "@weightless/io/compose";
 * import { all, asProcess } from "@weightless/io/gio";
 * import { HttpClient } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = Deno.serve({ port: 0, onListen() {} }, (request) => {
 *   return new Response(new URL(request.url).pathname);
 * });
 *
 * using client = new HttpClient({ maxConnectionsPerOrigin: 2 });
 * function* ask(path: string) {
 *   const response = yield* client.get(`http://127.0.0.1:${server.addr.port}${path}`);
 *   return yield* call(response.text());
 * }
 * const texts = await asProcess(function* () {
 *   return yield* all(ask("/a"), ask("/b"), ask("/c"));
 * }());
 * assertEquals(texts, ["/a", "/b", "/c"]);
 * ```
 *
 * @category Client
 */
export class HttpClient implements Disposable {
  readonly #client: Client;
  readonly #pools = new Map<Reactor, Pool>();
  #own: OwnReactor | undefined;
  #isClosed = false;

  /**
   * Makes a client. It connects when it is asked to.
   *
   * @param options What holds for all its requests.
   * @throws {TypeError} If an option does not exist, or makes no sense.
   * @throws {RangeError} If a number is out of its range.
   */
  constructor(options: HttpClientOptions = {}) {
    this.#client = {
      settings: settingsOf(options),
      plain: new WeakMap(),
      poolOf: (reactor) => this.#poolOf(reactor),
    };
  }

  /**
   * Asks for a URL by any method. {@linkcode HttpClient.get} and the like are shorter.
   *
   * @param method The method, such as `"GET"`. It is case-sensitive (RFC 9110 9.1); only the usual
   * ones may be written in lower case.
   * @param url What to ask for: http or https. A name and a password in it are sent (RFC 7617).
   * @param options Headers, a body, limits of time; what a client has as well counts for this request
   * only.
   * @returns The request: `yield*` or `await` it to get the response.
   * @throws {TypeError} If the URL or an option makes no sense, or the client is closed.
   * @throws {RangeError} If a number is out of its range.
   * @throws {LocalProtocolError} If the headers cannot be sent.
   * @throws From the request: {@linkcode RemoteProtocolError} if there is no proper response, a
   * TimeoutError of gio, {@linkcode TooManyConnections}, the reason of the signal, or what connecting
   * throws.
   */
  request(method: string, url: string | URL, options: RequestOptions = {}): ResponseRequest {
    if (this.#isClosed) throw closed();
    return new Asking(
      this.#client,
      USUAL.test(method) ? method.toUpperCase() : method,
      url,
      options,
    );
  }

  /**
   * Asks by GET, as {@linkcode HttpClient.request} does.
   *
   * @param url What to ask for: http or https.
   * @param options Headers, limits of time and the like.
   * @returns The request: `yield*` or `await` it to get the response.
   * @throws What {@linkcode HttpClient.request} throws.
   */
  get(url: string | URL, options?: RequestOptions): ResponseRequest {
    return this.request("GET", url, options);
  }

  /**
   * Asks by HEAD, as {@linkcode HttpClient.request} does.
   *
   * @param url What to ask for: http or https.
   * @param options Headers, limits of time and the like.
   * @returns The request, for `yield*` or `await`. Its response has no body.
   * @throws What {@linkcode HttpClient.request} throws.
   */
  head(url: string | URL, options?: RequestOptions): ResponseRequest {
    return this.request("HEAD", url, options);
  }

  /**
   * Asks by POST, as {@linkcode HttpClient.request} does.
   *
   * @param url What to ask for: http or https.
   * @param options The `body`, or a value as `json`; headers, limits of time and the like.
   * @returns The request: `yield*` or `await` it to get the response.
   * @throws What {@linkcode HttpClient.request} throws.
   */
  post(url: string | URL, options?: RequestOptions): ResponseRequest {
    return this.request("POST", url, options);
  }

  /**
   * Asks by PUT, as {@linkcode HttpClient.request} does.
   *
   * @param url What to ask for: http or https.
   * @param options The `body`, or a value as `json`; headers, limits of time and the like.
   * @returns The request: `yield*` or `await` it to get the response.
   * @throws What {@linkcode HttpClient.request} throws.
   */
  put(url: string | URL, options?: RequestOptions): ResponseRequest {
    return this.request("PUT", url, options);
  }

  /**
   * Asks by PATCH, as {@linkcode HttpClient.request} does.
   *
   * @param url What to ask for: http or https.
   * @param options The `body`, or a value as `json`; headers, limits of time and the like.
   * @returns The request: `yield*` or `await` it to get the response.
   * @throws What {@linkcode HttpClient.request} throws.
   */
  patch(url: string | URL, options?: RequestOptions): ResponseRequest {
    return this.request("PATCH", url, options);
  }

  /**
   * Asks by OPTIONS, as {@linkcode HttpClient.request} does.
   *
   * @param url What to ask for: http or https.
   * @param options Headers, limits of time and the like.
   * @returns The request: `yield*` or `await` it to get the response.
   * @throws What {@linkcode HttpClient.request} throws.
   */
  options(url: string | URL, options?: RequestOptions): ResponseRequest {
    return this.request("OPTIONS", url, options);
  }

  /**
   * Asks by DELETE, as {@linkcode HttpClient.request} does.
   *
   * @param url What to ask for: http or https.
   * @param options Headers, limits of time and the like.
   * @returns The request: `yield*` or `await` it to get the response.
   * @throws What {@linkcode HttpClient.request} throws.
   */
  delete(url: string | URL, options?: RequestOptions): ResponseRequest {
    return this.request("DELETE", url, options);
  }

  /**
   * Opens a WebSocket: `const socket = yield* client.webSocket(url)` in a coroutine, which is in it from
   * then on, or `const socket = await client.webSocket(url)` elsewhere. It belongs to the coroutine that
   * has opened it, and is closed with that.
   *
   * It goes by HTTP/1.1, or on a connection of HTTP/2 that is there already and allows it (RFC 8441).
   *
   * @param url Where to: a URL of ws or wss, http or https.
   * @param options Subprotocols, compression, headers and the like.
   * @returns The request, for `yield*` or `await`. As others, it goes out at once outside of coroutines.
   * @throws {TypeError} If the URL or an option makes no sense, or the client is closed.
   * @throws {RangeError} If a number is out of its range.
   * @throws {LocalProtocolError} If a subprotocol or a header cannot be sent.
   * @throws From the request: `WebSocketRefused` if the server answers, but does not open it; another
   * {@linkcode RemoteProtocolError} if its answer breaks the rules; and what {@linkcode HttpClient.request}
   * throws.
   *
   * @example In a coroutine
   * ```ts
   * import { asProcess } from "@weightless/io/gio";
   * import { HttpClient } from "@weightless/io/http";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = Deno.serve({ port: 0, onListen() {} }, (request) => {
   *   const { socket, response } = Deno.upgradeWebSocket(request);
   *   socket.onmessage = ({ data }) => socket.send(data.toUpperCase());
   *   return response;
   * });
   *
   * using client = new HttpClient();
   * const answer = await asProcess(function* () {
   *   yield* client.webSocket(`ws://127.0.0.1:${server.addr.port}/`);
   *   yield "hello";
   *   return yield;
   * }());
   * assertEquals(answer, "HELLO");
   * ```
   */
  webSocket(
    url: string | URL,
    options: WebSocketClientOptions = {},
  ): Awaitable<ClientWebSocket> {
    if (this.#isClosed) throw closed();
    return openWebSocket(this.#client, url, options);
  }

  /**
   * Tells of the connections to each origin, and of the requests that wait for one.
   *
   * @returns What there is now: one entry for each origin that has a connection or a request that
   * waits. An origin that is asked in several reactors has one for each.
   */
  inspect(): OriginInspected[] {
    return [...this.#pools.values()].flatMap((pool) => pool.inspect());
  }

  /**
   * Closes the connections that are free, and the others when they are. WebSockets are closed with code
   * 1001. It cannot ask any more.
   */
  close(): void {
    this.#isClosed = true;
    for (const pool of [...this.#pools.values()]) pool.close();
    this.#endOwn();
  }

  /** As {@linkcode HttpClient.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #poolOf(given: Reactor | undefined): Pool {
    if (this.#isClosed) throw closed();
    const { settings } = this.#client;
    const reactor = settings.reactor ?? given ?? this.#ownReactor().reactor;
    let pool = this.#pools.get(reactor);
    if (pool === undefined) {
      const own = this.#own?.reactor === reactor ? this.#own : undefined;
      pool = new Pool(settings, reactor, own, () => this.#pools.delete(reactor));
      this.#pools.set(reactor, pool);
    }
    return pool;
  }

  #ownReactor(): OwnReactor {
    return this.#own ??= new OwnReactor(() => this.#endOwn());
  }

  /** Nothing is awaited: lets go of what a client of its own reactor keeps. */
  #endOwn(): void {
    const own = this.#own;
    if (own === undefined || own.isAwaited) return;
    const pool = this.#pools.get(own.reactor);
    pool?.closeIdle();
    // Somebody may still have a response to read.
    if (!this.#isClosed || pool?.isEmpty === false) return;
    this.#own = undefined;
    own.close();
  }
}

function closed(): TypeError {
  return new TypeError(
    "Cannot ask: the client is closed; make a new HttpClient, or close this one later",
  );
}
