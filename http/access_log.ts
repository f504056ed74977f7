import type { Answered } from "./answered.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { HttpRequest } from "./http_request.ts";

/**
 * One request and its answer, for an {@linkcode AccessLog}.
 *
 * @category Logs
 */
export interface AccessLogEntry extends Answered {
  /** The connection on which it came. */
  readonly connection: ConnectionInfo;
  /**
   * The request. It is undefined if the server has refused it while it read the head: because that is
   * malformed, too large or too slow, or tells of a body that is too large. Then `status` tells why,
   * and what follows is known as far as it had come.
   */
  readonly request: HttpRequest | undefined;
  /** The method, if it had come. */
  readonly method: string | undefined;
  /** The target, if it had come and is one. */
  readonly target: string | undefined;
  /** The version of HTTP, if the request line had come and is one. */
  readonly version: "1.0" | "1.1" | "2" | undefined;
}

/**
 * Is told of each request when it has been answered. It must be quick.
 *
 * @category Logs
 */
export type AccessLog = (entry: AccessLogEntry) => void;

/**
 * Writes an entry in the Common Log Format. What comes from the client is escaped, so that no request
 * can forge a line or a field.
 *
 * @param entry What an {@linkcode AccessLog} is told.
 * @returns The line, without its end.
 *
 * @example On the console
 * ```ts
 * import { commonLog, type HttpServerOptions } from "@weightless/io/http";
 *
 * const options: Partial<HttpServerOptions> = {
 *   accessLog: (entry) => console.log(commonLog(entry)),
 * };
 * void options;
 * ```
 *
 * @category Logs
 */
export function commonLog(entry: AccessLogEntry): string {
  const { method = "-", target, version, status, bytes } = entry;
  // What had come of the request line.
  let line = method;
  if (target !== undefined) line += ` ${target}`;
  if (version !== undefined) line += ` HTTP/${version === "2" ? "2.0" : version}`;
  return `${addressOf(entry)} - - [${dateOf(entry.time)}] ${quoted(line)} ${status || "-"} ${
    bytes || "-"
  }`;
}

/**
 * Writes an entry in the Combined Log Format: as {@linkcode commonLog}, with the Referer and the
 * User-Agent.
 *
 * @param entry What an {@linkcode AccessLog} is told.
 * @returns The line, without its end.
 *
 * @example Lines of a log
 * ```ts
 * import { combinedLog, ok, serveHttp } from "@weightless/io/http";
 * import { assertMatch } from "@std/assert";
 *
 * const lines: string[] = [];
 * const protocol = serveHttp(function* () {
 *   yield ok();
 *   yield "Hello!";
 * }, { accessLog: (entry) => lines.push(combinedLog(entry)) });
 * protocol.next();
 * const request = "GET /a HTTP/1.1\r\nHost: example.org\r\nUser-Agent: curl/8.5\r\n\r\n";
 * protocol.next(new TextEncoder().encode(request));
 * assertMatch(lines[0]!, /^- - - \[.*\] "GET \/a HTTP\/1\.1" 200 6 "-" "curl\/8\.5"$/);
 * ```
 *
 * @category Logs
 */
export function combinedLog(entry: AccessLogEntry): string {
  const { request } = entry;
  const field = (name: string) => quoted(request?.headers.get(name) ?? "-");
  return `${commonLog(entry)} ${field("referer")} ${field("user-agent")}`;
}

/**
 * Writes an entry as JSON, on one line.
 *
 * @param entry What an {@linkcode AccessLog} is told.
 * @returns The line, without its end. What is not known is left out.
 *
 * @example A log for programs
 * ```ts
 * import { jsonLog, response, serveHttp } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const lines: string[] = [];
 * const protocol = serveHttp(function* () {
 *   yield response(404);
 * }, { accessLog: (entry) => lines.push(jsonLog(entry)) });
 * protocol.next();
 * protocol.next(new TextEncoder().encode("GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n"));
 * const { method, target, status, bytes } = JSON.parse(lines[0]!);
 * assertEquals([method, target, status, bytes], ["GET", "/a", 404, 0]);
 * ```
 *
 * @category Logs
 */
export function jsonLog(entry: AccessLogEntry): string {
  const { request, method, target, version, status, bytes, time, ms } = entry;
  return JSON.stringify({
    time: new Date(time).toISOString(),
    address: addressOf(entry),
    method,
    target,
    version,
    status,
    bytes,
    ms: Math.round(ms * 1000) / 1000,
    referer: request?.headers.get("referer"),
    userAgent: request?.headers.get("user-agent"),
  });
}

function addressOf({ connection: { remoteAddr } }: AccessLogEntry): string {
  return remoteAddr !== undefined && "hostname" in remoteAddr ? remoteAddr.hostname : "-";
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** For example 10/Oct/2000:13:55:36 +0000. */
function dateOf(time: number): string {
  const [year, month, day, clock] = new Date(time).toISOString().split(/[-T.]/);
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${clock} +0000`;
}

/** Text between quotes. What could end it, or the line, is escaped as servers do: `\\x22`. */
function quoted(text: string): string {
  const escaped = text.replace(
    // deno-lint-ignore no-control-regex
    /[\x00-\x1f"\\\x7f-\uffff]/g,
    (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}
