import type { Coroutine } from "../compose/mod.ts";
import type { AccessLog } from "./access_log.ts";
import type { CompressionOptions } from "./content/compression_for.ts";
import type { DecompressOptions } from "./content/decompress.ts";
import type { ErrorHandler } from "./error_handler.ts";
import type { HttpLimits } from "./http_limits.ts";
import type { HttpRequest } from "./http_request.ts";
import type { HttpTimeouts } from "./http_timeouts.ts";

/**
 * Answers a request: a bare `yield` reads its body, a yielded {@linkcode ResponseHead} begins the
 * answer, and yielded data is its body.
 *
 * It may also transfer: `yield* sendFile(here, path)` and `yield* splice(upstream, here)` send a part
 * of the answer's body, and `yield* splice(here, to)` moves the body of the request, as far as it was
 * not read. The kernel moves what has a Content-Length, or ends with the connection of an HTTP/1.0
 * client; chunks are copied. The Content-Length is a limit: what the source has beyond it is left. The
 * end of the body is passed on as the end of a stream is, unless `limit` comes first. A malformed body
 * throws what a bare `yield` would throw, and so does a client that is too slow with it. After a transfer to the client that was cut, the answer is
 * cut too, unless the handler sends something else to complete it.
 *
 * What comes of a mistake in a handler, and how it is told, is in docs/http_handlers.md.
 *
 * @example A download and an upload
 * ```ts
 * import { HttpServer, ok } from "@weightless/io/http";
 * import { here, Reactor, sendFile, splice } from "@weightless/io/reactor";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * using reactor = new Reactor();
 * const running = reactor.run();
 * using server = new HttpServer(reactor, {
 *   port: 0,
 *   hostname: "127.0.0.1",
 *   *handler(request) {
 *     using file = Deno.openSync(path, { read: true, write: true });
 *     if (request.method === "PUT") yield* splice(here, file);
 *     const { size } = file.statSync();
 *     yield ok({ "content-length": size });
 *     yield* sendFile(here, file, { length: size });
 *   },
 * });
 * const answer = await fetch(server.url, { method: "PUT", body: "Hello" });
 * assertEquals(await answer.text(), "Hello");
 * reactor.requestShutdown();
 * await running;
 * await Deno.remove(path);
 * ```
 *
 * @category Server
 */
export type HttpHandler = (request: HttpRequest) => Coroutine<unknown>;

/**
 * Options of {@linkcode serveHttp}.
 *
 * @category Protocol
 */
export interface HttpProtocolOptions {
  /**
   * How much a client may send.
   *
   * @default {defaultLimits}
   */
  limits?: Partial<HttpLimits>;
  /**
   * How long a client may take. It counts if gio runs the protocol.
   *
   * @default {defaultTimeouts}
   */
  timeouts?: Partial<HttpTimeouts>;
  /**
   * The scheme by which clients reach the server. It is that of {@linkcode HttpRequest.url}. Requests for
   * an `https` resource are answered with 421 unless it is `"https"` (RFC 9110 7.4). Give `"https"` if
   * the server can be reached only through a gateway that you trust, which speaks TLS.
   *
   * @default {"https" for a server with TLS, otherwise "http"}
   */
  scheme?: "http" | "https";
  /**
   * Called with an error that a handler did not catch and the client was not told; once for each
   * request. What a client does wrong with its body is none.
   *
   * @default {the reactor's onError, or console.error when the coroutine is fed by hand}
   */
  onError?: (error: unknown, request: HttpRequest) => void;
  /**
   * Makes the answers that the server gives by itself.
   *
   * @default {one line of text}
   */
  errorHandler?: ErrorHandler;
  /**
   * Is told of each request when it has been answered. See {@linkcode combinedLog}.
   *
   * @default {none}
   */
  accessLog?: AccessLog;
  /**
   * Whether answers are compressed, as the client prefers (`gzip`, `br`, `zstd`, `deflate`). They are
   * unless they are small, or of a type that does not become smaller, have a `Content-Encoding`, say
   * `Cache-Control: no-transform`, are a part (206), an event stream, or are transferred; see
   * {@linkcode compressionFor}. A handler need not know of it: before it waits, the client gets what
   * was yielded, and can decode it.
   *
   * @default {false}
   */
  compression?: boolean | CompressionOptions;
  /**
   * Whether the bodies of requests are decoded if they have a `Content-Encoding`: then handlers read
   * them as they were before. A body that becomes too large is answered with 413, an unknown coding
   * with 415, faulty data with 400. The headers stay as they are. Proxies need it off.
   *
   * @default {false}
   */
  decompression?: boolean | DecompressOptions;
  /**
   * Whether HTTP/2 is spoken with clients that begin with it, with the same handlers and on the same
   * port: over TLS if it was chosen by ALPN, which {@linkcode HttpServer} offers, and by prior knowledge
   * without TLS (RFC 9113 3.3).
   *
   * @default {true}
   */
  http2?: boolean;
  /**
   * The clock for the Date header: `now()` gives milliseconds since 1970.
   *
   * @default {Date}
   */
  clock?: { now(): number };
}
