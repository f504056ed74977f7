import type { Coroutine } from "../../compose/mod.ts";
import { Observable } from "../../pipeline/mod.ts";
import type { RequestOptions } from "./client_options.ts";
import type { HttpClient } from "./http_client.ts";
import type { HttpResponse } from "./http_response.ts";

/**
 * The messages of {@linkcode Client}.
 *
 * @category Components
 */
export interface ClientMessages {
  /**
   * Gives the client whose connections are used, as {@linkcode SocketPool} does.
   *
   * @returns The client.
   */
  httpClient(): HttpClient;
}

/**
 * What to ask for: the argument of the message `httpRequest`.
 *
 * @category Components
 */
export interface RequestToSend extends RequestOptions {
  /** The URL. */
  url: string | URL;
  /**
   * The method.
   *
   * @default {"GET"}
   */
  method?: string;
}

/**
 * The messages that {@linkcode Client} answers.
 *
 * @category Components
 */
export interface HttpRequestMessages {
  /**
   * Asks, as {@linkcode HttpClient.request} does.
   *
   * @param request What to ask for.
   * @returns A coroutine that gives the response when its head has come.
   */
  httpRequest(request: RequestToSend): Coroutine<HttpResponse>;
}

/**
 * An HTTP client as a component: it answers the message `httpRequest(request)`.
 *
 * It asks over the connections of the {@linkcode SocketPool} that observes it; with an
 * {@linkcode EmptySocketPool} each request has a connection of its own. Several components may share
 * a pool.
 *
 * @example A component that asks another server
 * ```ts
 * import { call } from "@weightless/io/compose";
 * import { asProcess } from "@weightless/io/gio";
 * import { Client, type HttpRequestMessages, SocketPool } from "@weightless/io/http";
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { assertEquals } from "@std/assert";
 *
 * class Weather extends Observable<HttpRequestMessages> {
 *   constructor(readonly url: string) {
 *     super();
 *   }
 *
 *   *today() {
 *     const response = yield* call(this.any.httpRequest({ url: this.url, timeoutMs: 5000 }));
 *     return yield* call(response.text());
 *   }
 * }
 *
 * await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () =>
 *   new Response("sunny"));
 * using pool = new SocketPool({ maxConnectionsPerOrigin: 10 });
 * const url = `http://127.0.0.1:${server.addr.port}/`;
 * const weather = be([new Weather(url), [new Client(), [pool]]]);
 * assertEquals(await asProcess(weather.today()), "sunny");
 * ```
 *
 * @category Components
 */
export class Client extends Observable<ClientMessages> {
  /**
   * Asks, as {@linkcode HttpClient.request} does. The body of the response is to be read, or the
   * response to be closed.
   *
   * @param request What to ask for.
   * @returns A coroutine that gives the response when its head has come.
   * @throws {NoneOfTheObserversRespond} If no pool observes this component.
   * @throws {RemoteProtocolError} If the server breaks the protocol, or the response is cut.
   * @throws {TimeoutError} If a phase takes too long.
   * @throws {TypeError} If the URL or an option makes no sense.
   */
  *httpRequest(request: RequestToSend): Coroutine<HttpResponse> {
    const { url, method = "GET", ...options } = request;
    return yield* this.call.httpClient().request(method, url, options);
  }
}
