import type { Coroutine } from "../compose/mod.ts";
import { Connection } from "./_connection.ts";
import type { HttpHandler, HttpProtocolOptions } from "./http_handler.ts";

/**
 * Serves one connection: a coroutine that reads requests, runs a handler for each, and yields the answers.
 *
 * It has no socket: bytes come in by bare `yield`s, text and bytes go out by `yield data`, and it ends when the connection
 * is to be closed. Drive it with gio, or by hand in a test, which may give it text as well. Text is to be sent in UTF-8, and
 * bytes are sent as they are: a handler may not change what it has yielded.
 *
 * Requests are parsed strictly (RFC 9112): one that is malformed, or exceeds the limits, is answered with the fitting
 * status, and is the last. Connections are kept alive, pipelined requests are answered in order, `Expect: 100-continue`
 * is met when the handler reads the body. The body of an answer is framed by Content-Length where the length is known, else
 * in chunks, or for HTTP/1.0 by the end of the connection.
 *
 * A handler that ends without having read the body costs little: the rest is read for nothing, or the connection closed.
 * One that fails is answered for with status 500, if nothing was sent, and reported to `onError`; else the error is also
 * thrown, and the connection is to be aborted, as gio does. After a 101, or a 2xx to CONNECT, the connection is the handler's: its
 * `yield`s read and write without any framing.
 *
 * @param handler A coroutine function that answers a request.
 * @param options Limits, clock, and who is told about errors.
 * @returns The coroutine for one connection.
 * @throws {RangeError} If one of the limits is no whole number, or Infinity.
 *
 * @example Hello
 * ```ts
 * import { type Coroutine } from "@weightless/io/compose";
 * import { httpProtocol, type HttpRequest, ok } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * function* hello(request: HttpRequest): Coroutine {
 *   yield ok({ "content-type": "text/plain" });
 *   yield `Hello, ${request.query.get("name")}!`;
 * }
 *
 * const protocol = httpProtocol(hello, { clock: { now: () => 0 } });
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
 * import { httpProtocol, type HttpRequest, ok } from "@weightless/io/http";
 * import { assertMatch } from "@std/assert";
 *
 * function* shout(request: HttpRequest): Coroutine {
 *   const text = yield* call(request.text());
 *   yield ok({ "content-type": "text/plain" });
 *   yield text.toUpperCase();
 * }
 *
 * const protocol = httpProtocol(shout);
 * protocol.next();
 * const request = "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n\r\nHello";
 * assertMatch(String(protocol.next(new TextEncoder().encode(request)).value), /HELLO$/);
 * ```
 */
export function httpProtocol(
  handler: HttpHandler,
  options: HttpProtocolOptions = {},
): Coroutine<void> {
  return new Connection(handler, options).run();
}
