/**
 * The wire of HTTP/1.1 (RFC 9112) without any I/O, for both roles: bytes to events, and what you say
 * to bytes. Give it what a connection receives, and send what it makes. It uses nothing of Deno.
 *
 * Start with:
 *
 * - {@linkcode ServerWire}: requests come, and answers go
 * - {@linkcode ClientWire}: requests go, and answers come
 * - {@linkcode ServerEvent}: what a wire tells, one event after the other
 *
 * ```ts
 * import { ClientWire, ServerWire } from "@weightless/io/http/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const client = new ClientWire(), server = new ServerWire();
 * client.request("GET", "/tea", { headers: { host: "example.org" } });
 * for (let bytes; (bytes = client.take()) !== undefined;) server.receive(bytes);
 *
 * for (let event; (event = server.nextEvent()) !== undefined;) {
 *   if (event.type !== "request") continue;
 *   server.respond(200, { "content-type": "text/plain" });
 *   server.write(`You asked for ${event.target}`);
 *   server.end();
 * }
 * for (let bytes; (bytes = server.take()) !== undefined;) client.receive(bytes);
 *
 * let text = "";
 * for (let event; (event = client.nextEvent()) !== undefined;) {
 *   if (event.type === "response") assertEquals(event.status, 200);
 *   if (event.type === "data") text += new TextDecoder().decode(event.data);
 * }
 * assertEquals(text, "You asked for /tea");
 * ```
 *
 * Both sides are strict: what is malformed, or exceeds the limits, is a {@linkcode RemoteProtocolError}
 * with the status to answer, and what cannot be sent is a {@linkcode LocalProtocolError}. A message
 * that was cut is never taken for a whole one.
 *
 * @module
 */
export * from "./client_wire.ts";
export * from "./events.ts";
export * from "./server_wire.ts";
export * from "../client/client_limits.ts";
export * from "../headers_to_send.ts";
export * from "../http_headers.ts";
export * from "../http_limits.ts";
export * from "../local_protocol_error.ts";
export * from "../remote_protocol_error.ts";
export type { HeaderParameters } from "../content/header_parameters.ts";
