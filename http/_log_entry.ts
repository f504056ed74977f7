import type { AccessLogEntry } from "./access_log.ts";
import type { Answered } from "./answered.ts";
import type { ConnectionInfo } from "./connection_info.ts";
import type { HttpRequest } from "./http_request.ts";

/** What is known of a request line. */
export type RequestLine = Pick<AccessLogEntry, "method" | "target" | "version">;

/** What an access log is told. Text is made of the request only if somebody asks for it. */
export class LogEntry implements AccessLogEntry {
  readonly connection: ConnectionInfo;
  readonly request: HttpRequest | undefined;
  readonly status: number;
  readonly bytes: number;
  readonly time: number;
  readonly ms: number;
  readonly #line: RequestLine;

  constructor(
    connection: ConnectionInfo,
    request: HttpRequest | undefined,
    line: RequestLine,
    { status, bytes, time, ms }: Answered,
  ) {
    this.connection = connection;
    this.request = request;
    this.#line = line;
    this.status = status;
    this.bytes = bytes;
    this.time = time;
    this.ms = ms;
  }

  get method(): string | undefined {
    return this.#line.method;
  }

  get target(): string | undefined {
    return this.#line.target;
  }

  get version(): "1.0" | "1.1" | "2" | undefined {
    return this.#line.version;
  }
}
