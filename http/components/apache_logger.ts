import type { Coroutine } from "../../compose/mod.ts";
import { Transparent } from "../../pipeline/mod.ts";
import { LogEntry } from "../_log_entry.ts";
import { type AccessLogEntry, combinedLog } from "../access_log.ts";
import type { HttpProtocolMessages } from "../http_protocol.ts";
import type { HttpRequest } from "../http_request.ts";
import { checkFunction } from "../_check_function.ts";
import { passOn } from "./_pass_on.ts";

/**
 * Logs the requests that come to it, and passes them on.
 *
 * It writes a line for each when it has been answered, whoever has answered it: with the status that
 * the client got, also if nobody answers (404) or the application fails (500). A request is logged as
 * it was when it came here: behind a {@linkcode PathRename} with its new path. Malformed requests come
 * to no component; the option `accessLog` of {@linkcode HttpProtocol} logs these as well.
 *
 * @example One area
 * ```ts
 * import { ApacheLogger, HttpProtocol, PathFilter } from "@weightless/io/http";
 * import { be } from "@weightless/io/pipeline";
 * import { assertMatch } from "@std/assert";
 *
 * const lines: string[] = [];
 * const protocol = be([
 *   new HttpProtocol(),
 *   [new PathFilter(["/api"]), [new ApacheLogger((line) => lines.push(line))]],
 * ]).processConnection();
 * protocol.next();
 * protocol.next(new TextEncoder().encode("GET /api/x HTTP/1.1\r\nHost: example.org\r\n\r\n"));
 * assertMatch(lines[0]!, /^- - - \[.*\] "GET \/api\/x HTTP\/1\.1" 404 9 "-" "-"$/);
 * ```
 *
 * @category Components
 */
export class ApacheLogger extends Transparent<HttpProtocolMessages> {
  readonly #write: (line: string) => void;
  readonly #format: (entry: AccessLogEntry) => string;

  /**
   * Makes a component that logs requests.
   *
   * @param write Is given each line, without its end. It must be quick. An error that it throws is
   * reported as one of the application.
   * @param format Makes the line: {@linkcode combinedLog}, {@linkcode commonLog}, {@linkcode jsonLog}
   * or your own.
   * @throws {TypeError} If one is not a function.
   */
  constructor(
    write: (line: string) => void,
    format: (entry: AccessLogEntry) => string = combinedLog,
  ) {
    super();
    checkFunction(write, "log requests", "write");
    checkFunction(format, "log requests", "format");
    this.#write = write;
    this.#format = format;
  }

  /**
   * Passes a request on, and logs it when it has been answered.
   *
   * @param request The request.
   * @returns The coroutine that answers it.
   * @throws {DeclineMessage} From the coroutine, if nobody behind it answers: the next observer is asked.
   */
  processRequest(request: HttpRequest): Coroutine {
    const { connection } = request;
    request.onAnswered((answered) =>
      this.#write(this.#format(new LogEntry(connection, request, request, answered)))
    );
    return passOn(this, request);
  }
}
