import { listed } from "../_head.ts";
import type { HeadersToSend } from "../headers_to_send.ts";
import { ok } from "../ok.ts";
import type { ResponseHead } from "../response.ts";

/**
 * Makes the head of a response that is a stream of {@linkcode events}: text/event-stream, which no
 * cache may store.
 *
 * @param headers More headers to send.
 * @returns The head, which a handler yields before the events.
 * @throws {LocalProtocolError} If a header cannot be sent.
 *
 * @example One event
 * ```ts
 * import { call, type Coroutine } from "@weightless/io/compose";
 * import { eventStream, serveHttp } from "@weightless/io/http";
 * import { assertMatch } from "@std/assert";
 *
 * const protocol = serveHttp(function* (): Coroutine {
 *   yield eventStream();
 *   yield "data: Hello!\n\n";
 * });
 * protocol.next();
 * const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
 * assertMatch(String(protocol.next(request).value), /^content-type: text\/event-stream\r$/m);
 * ```
 *
 * @category Events
 */
export function eventStream(headers: HeadersToSend = {}): ResponseHead {
  return ok([
    ["content-type", "text/event-stream"],
    ["cache-control", "no-store"],
    ...listed(headers),
  ]);
}
