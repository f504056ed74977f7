/**
 * HTTP as coroutines: servers and clients of HTTP/1.1 and HTTP/2, and what their requests and
 * answers are made of.
 *
 * Start with:
 *
 * - {@linkcode HttpServer}: serves HTTP on a port; each request is answered by a handler
 * - {@linkcode serveHttp}: makes of a handler a coroutine for one connection, with no socket in it;
 *   for tests, and for other connections
 * - {@linkcode HttpClient}: asks other servers, in coroutines and by `await`
 *
 * A handler is a coroutine function: a bare `yield` in it reads the request's body,
 * `yield ok({...})` begins the answer, and `yield data` sends the body.
 *
 * ```ts
 * import { type Coroutine } from "@weightless/io/compose";
 * import { serveHttp, type HttpRequest, ok } from "@weightless/io/http";
 * import { assertMatch } from "@std/assert";
 *
 * function* hello(request: HttpRequest): Coroutine {
 *   yield ok({ "content-type": "text/plain" });
 *   yield `Hello ${request.path}!`;
 * }
 *
 * const protocol = serveHttp(hello);
 * protocol.next();
 * const request = new TextEncoder().encode("GET /world HTTP/1.1\r\nHost: example.org\r\n\r\n");
 * assertMatch(String(protocol.next(request).value), /^HTTP\/1\.1 200 OK\r\n[^]*Hello \/world!$/);
 * ```
 *
 * @module
 */
import "./_machinery.ts";

export { type FetchHandler, fetchHandler, type FetchInfo } from "./fetch_handler.ts";
export * from "./access_log.ts";
export * from "./answered.ts";
export * from "./client/client.ts";
export * from "./client/empty_socket_pool.ts";
export * from "./client/get_request.ts";
export * from "./client/http_reader.ts";
export * from "./client/post_request.ts";
export * from "./client/socket_pool.ts";
export * from "./connection_info.ts";
export * from "./content/event_stream.ts";
export * from "./content/events.ts";
export * from "./content/form.ts";
export * from "./content/form_limits.ts";
export * from "./content/header_parameters.ts";
export * from "./content/last_event_id.ts";
export * from "./content/parse_events.ts";
export type { Part } from "./content/part.ts";
export type { Parts } from "./content/parts.ts";
export * from "./error_handler.ts";
export * from "./headers_to_send.ts";
export * from "./http_timeouts.ts";
export * from "./http_handler.ts";
export * from "./http_headers.ts";
export * from "./http_limits.ts";
export * from "./serve_http.ts";
export * from "./http_protocol.ts";
export type { HttpRequest } from "./http_request.ts";
export * from "./http_server.ts";
export * from "./local_protocol_error.ts";
export * from "./method_not_allowed.ts";
export * from "./ok.ts";
export { type Raw, raw } from "./raw.ts";
export * from "./remote_protocol_error.ts";
export * from "./response.ts";
export * from "./server.ts";
export * from "./server_options.ts";
export * from "./trailers.ts";
export type { AcceptorOptions } from "../reactor/mod.ts";
export { type Coroutine, EndOfStream } from "../compose/mod.ts";
export { TimeoutError } from "../gio/mod.ts";
export { compress, type CompressOptions } from "./content/compress.ts";
export {
  type CompressibleResponse,
  type Compression,
  compressionFor,
  type CompressionOptions,
} from "./content/compression_for.ts";
export * from "./content/conditional.ts";
export * from "./content/content_coding.ts";
export * from "./content/decode_whole.ts";
export { decompress, type DecompressOptions } from "./content/decompress.ts";
export * from "./content/encode_whole.ts";
export * from "./content/etag.ts";
export * from "./content/preferred.ts";
export * from "./content/ranged.ts";
export * from "./content/ranges_of.ts";
export * from "./components/apache_logger.ts";
export * from "./components/basic_authentication.ts";
export * from "./components/deproxy.ts";
export * from "./components/ip_filter.ts";
export * from "./components/known_users.ts";
export * from "./components/path_filter.ts";
export * from "./components/path_rename.ts";
export * from "./client/client_limits.ts";
export * from "./client/client_options.ts";
export * from "./client/client_timeouts.ts";
export { HttpClient, type OriginInspected, type ResponseRequest } from "./client/http_client.ts";
export type { Awaitable, HttpResponse, SaveOptions } from "./client/http_response.ts";
export * from "./client/interim_response.ts";
export * from "./client/too_many_connections.ts";
