import type { Coroutine } from "../compose/mod.ts";
import { Connection } from "./_connection.ts";
import { settingsOf } from "./_settings.ts";
import type { HttpHandler, HttpProtocolOptions } from "./http_handler.ts";

/**
 * Serves one connection: a coroutine that reads requests, runs a handler for each, and yields the
 * answers.
 *
 * It has no socket: it reads bytes by bare `yield`s, yields text and bytes to send, and ends when
 * the connection is to be closed. Drive it with gio, or by hand in a test, which may give it text
 * as well. Text is sent in UTF-8. Bytes are sent as they are, so a handler must not change bytes
 * that it has yielded.
 *
 * Requests are parsed strictly (RFC 9112). A request that is malformed or exceeds the limits is
 * answered with the right status, and is the last one. Connections are kept alive. Pipelined
 * requests are answered in order. The 100 for `Expect: 100-continue` is sent when the handler reads
 * the body. The body of an answer is framed by Content-Length where its length is known, else in
 * chunks, and for HTTP/1.0 by the end of the connection.
 *
 * If a handler ends before it has read the body, the rest is read and dropped, or the connection is
 * closed if there is too much. If a handler fails, the error is reported to `onError`. The client
 * gets a 500 if nothing was sent; otherwise the coroutine throws the error as well, and the
 * connection must be aborted, which gio does. After a 101, or a 2xx to CONNECT, the connection
 * belongs to the handler: its `yield`s read and write without framing.
 *
 * @param handler A coroutine function that answers a request.
 * @param options Limits, timeouts, who is told of errors, and more. Timeouts count if gio runs the
 * coroutine.
 * @returns The coroutine for one connection.
 * @throws {TypeError} If the handler is not a function, or an option is unknown or makes no sense.
 * @throws {RangeError} If a limit or a timeout is not a number that makes sense.
 *
 * @example Hello
 * ```ts
 * import { type Coroutine } from "@weightless/io/compose";
 * import { serveHttp, type HttpRequest, ok } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * function* hello(request: HttpRequest): Coroutine {
 *   yield ok({ "content-type": "text/plain" });
 *   yield `Hello, ${request.query.get("name")}!`;
 * }
 *
 * const protocol = serveHttp(hello, { clock: { now: () => 0 } });
 * protocol.next();
 * const request = new TextEncoder().encode("GET /?name=World HTTP/1.1\r\nHost: example.org\r\n\r\n");
 * assertEquals(
 *   protocol.next(request).value,
 *   "HTTP/1.1 200 OK\r\n" +
 *     "content-type: text/plain\r\n" +
 *     "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n" +
 *     "content-length: 13\r\n" +
 *     "\r\n" +
 *     "Hello, World!",
 * );
 * ```
 *
 * @example Reading the body
 * ```ts
 * import { call, type Coroutine } from "@weightless/io/compose";
 * import { serveHttp, type HttpRequest, ok } from "@weightless/io/http";
 * import { assertMatch } from "@std/assert";
 *
 * function* shout(request: HttpRequest): Coroutine {
 *   const text = yield* call(request.text());
 *   yield ok({ "content-type": "text/plain" });
 *   yield text.toUpperCase();
 * }
 *
 * const protocol = serveHttp(shout);
 * protocol.next();
 * const request = "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n\r\nHello";
 * assertMatch(String(protocol.next(new TextEncoder().encode(request)).value), /HELLO$/);
 * ```
 *
 * @category Protocol
 */
export function serveHttp(
  handler: HttpHandler,
  options: HttpProtocolOptions = {},
): Coroutine<void> {
  return new Connection(handler, settingsOf(options)).run();
}
