import type { Coroutine } from "../compose/mod.ts";
import type { AccessLog } from "./access_log.ts";
import type { CompressionOptions } from "./content/compression_for.ts";
import type { DecompressOptions } from "./content/decompress.ts";
import type { HttpLimits } from "./http_limits.ts";
import type { HttpRequest } from "./http_request.ts";
import type { HttpTimeouts } from "./http_timeouts.ts";

/**
 * Answers a request: a bare `yield` reads its body, a yielded {@linkcode ResponseHead} begins the
 * answer, and yielded data is its body.
 */
export type HttpHandler = (request: HttpRequest) => Coroutine<unknown>;

/** Options of {@linkcode httpProtocol}. */
export interface HttpProtocolOptions {
  /** How much a client may send. @default {defaultLimits} */
  limits?: Partial<HttpLimits>;
  /** How long a client may take. It counts if gio runs the protocol. @default {defaultTimeouts} */
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
   * request.
   *
   * @default {the reactor's onError, or console.error when the coroutine is fed by hand}
   */
  onError?: (error: unknown, request: HttpRequest) => void;
  /** Is told of each request when it has been answered. See {@linkcode combinedLog}. */
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
  /** The clock for the Date header: `now()` gives milliseconds since 1970. @default {Date} */
  clock?: { now(): number };
}
