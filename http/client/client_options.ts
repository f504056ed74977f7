import type { Coroutine } from "../../compose/mod.ts";
import type { Reactor, TlsOptions } from "../../reactor/mod.ts";
import type { HeadersToSend } from "../headers_to_send.ts";
import type { ClientLimits } from "./client_limits.ts";
import type { ClientTimeouts } from "./client_timeouts.ts";
import type { InterimResponse } from "./interim_response.ts";

/**
 * What to do with a response that redirects (RFC 9110 15.4): `"follow"` it, give it as it is
 * (`"manual"`), or fail (`"error"`).
 *
 * @category Client
 */
export type RedirectPolicy = "follow" | "manual" | "error";

/**
 * Keeps cookies, if there are to be any. `get` gives the value of the Cookie header for a URL;
 * `set` gets the values of the Set-Cookie headers of a response.
 *
 * @category Client
 */
export interface CookieStore {
  /**
   * Gives the value of the Cookie header for a request.
   *
   * @param url The URL that is asked for. It may be changed.
   * @returns The value, such as `"a=1; b=2"`; undefined if there are no cookies.
   */
  get(url: URL): string | undefined;
  /**
   * Takes the Set-Cookie headers of a response.
   *
   * @param url The URL that has answered.
   * @param setCookie The values of the headers, at least one.
   */
  set(url: URL, setCookie: string[]): void;
}

/**
 * Options of {@linkcode HttpClient}. `timeouts`, `redirect`, `decompression` and `socketPath` are
 * those of {@linkcode RequestOptions}, for all requests that do not have their own.
 *
 * @category Client
 */
export interface HttpClientOptions
  extends Pick<RequestOptions, "timeouts" | "redirect" | "decompression" | "socketPath"> {
  /**
   * The reactor of the connections, which must run: `await reactor.run()`. If it is missing, it is
   * that of the coroutine that asks. Outside of coroutines the client has one of its own then, which
   * runs while something is awaited.
   *
   * @default {that of the coroutine, or one of its own}
   */
  reactor?: Reactor;
  /**
   * How many connections there may be. One that has become a WebSocket does not count.
   *
   * @default {256}
   */
  maxConnections?: number;
  /**
   * How many connections there may be to the same scheme, host and port. A response keeps its
   * connection until it has been read to its end, or closed. With HTTP/2 there is one for all requests;
   * as many of them as the server allows are under way at once, and the others wait.
   *
   * @default {64}
   */
  maxConnectionsPerOrigin?: number;
  /**
   * What to do with a request when there are so many connections: let it `"wait"`, or `"fail"` it
   * with a {@linkcode TooManyConnections}.
   *
   * @default {"wait"}
   */
  overload?: "wait" | "fail";
  /**
   * How many redirections are followed for one request.
   *
   * @default {20}
   */
  maxRedirects?: number;
  /**
   * How much a server may send. Those that are missing are the defaults.
   *
   * @default {defaultClientLimits}
   */
  limits?: Partial<ClientLimits>;
  /**
   * Headers of each request. Those of the request itself take their place.
   *
   * @default {none}
   */
  headers?: HeadersToSend;
  /**
   * Whether to speak HTTP/2: with `true`, to servers of https that choose it (ALPN, RFC 7301); with
   * `"prior-knowledge"`, to all servers, also to those of http, which must speak it then (RFC 9113
   * 3.3); with `false`, to none. Requests with an Upgrade or `Connection: close`, and those that a
   * proxy of http forwards, go by HTTP/1.1 in any case.
   *
   * @default {true}
   */
  http2?: boolean | "prior-knowledge";
  /**
   * Certificates for https: those of authorities to trust beside the usual ones, and one of the
   * client with its key.
   *
   * @default {the usual authorities}
   */
  tls?: Omit<TlsOptions, "alpnProtocols">;
  /**
   * The URL of a proxy, which may have a name and a password; or `"environment"` for the usual
   * variables (`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`, and all but the first in upper
   * case as well), which needs `--allow-env`; or a function that gives the proxy for a URL, if any.
   *
   * @default {no proxy}
   */
  proxy?: string | ((url: URL) => string | undefined);
  /**
   * Keeps cookies. Without it none are kept or sent.
   *
   * @default {no cookies}
   */
  cookies?: CookieStore;
}

/**
 * What the body of a request may be. A coroutine yields its pieces, and may transfer to `here`.
 *
 * @category Client
 */
export type RequestContent =
  | string
  | ArrayBuffer
  | ArrayBufferView<ArrayBuffer>
  | URLSearchParams
  | FormData
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<string | Uint8Array>
  | Iterable<string | Uint8Array>
  | Coroutine;

/**
 * Options of a request. Some are options of a client as well, for all its requests.
 *
 * @category Client
 */
export interface RequestOptions {
  /**
   * Timeouts for the phases of a request. Those that are missing are the ones of the client.
   *
   * @default {those of the client, or defaultClientTimeouts}
   */
  timeouts?: Partial<ClientTimeouts>;
  /**
   * What to do with a redirection.
   *
   * @default {"follow"}
   */
  redirect?: RedirectPolicy;
  /**
   * Whether to ask for encoded bodies, and to decode them: gzip, deflate, br, and zstd where
   * node:zlib has it. If not, a body is given as it is sent.
   *
   * @default {true}
   */
  decompression?: boolean;
  /**
   * The path of a Unix socket to connect to, instead of the host of the URL.
   *
   * @default {none}
   */
  socketPath?: string;
  /** Headers to send. A Content-Length is the length of a body that is not known otherwise. */
  headers?: HeadersToSend;
  /**
   * The body to send.
   *
   * @default {none}
   */
  body?: RequestContent;
  /**
   * A value to send as JSON, instead of a body. The Content-Type is `application/json`, if the headers
   * have none.
   *
   * @example JSON both ways
   * ```ts
   * import { HttpClient } from "@weightless/io/http";
   * import { assertEquals } from "@std/assert";
   *
   * await using server = Deno.serve({ port: 0, onListen() {} }, async (request) => {
   *   return Response.json({ got: await request.json() });
   * });
   * using client = new HttpClient();
   * const url = `http://127.0.0.1:${server.addr.port}/`;
   * const response = await client.post(url, { json: { a: 1 } });
   * assertEquals(await response.json(), { got: { a: 1 } });
   * ```
   */
  json?: unknown;
  /**
   * The same as `timeouts: { totalMs }`: how long all of it may take, in milliseconds.
   *
   * @default {Infinity}
   */
  timeoutMs?: number;
  /** Gives up when it aborts, also within the body of the response. */
  signal?: AbortSignal;
  /**
   * Sends the body only when the server has said so (RFC 9110 10.1.1), or has been silent for a
   * second. Give a number for another time, in milliseconds.
   *
   * @default {false}
   */
  expectContinue?: boolean | number;
  /** Is told of each interim response (1xx), such as 103. */
  onInterim?: (response: InterimResponse) => void;
}
