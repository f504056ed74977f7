import type { Coroutine } from "../../compose/mod.ts";
import { Transparent } from "../../pipeline/mod.ts";
import type { HttpProtocolMessages } from "../http_protocol.ts";
import type { HttpRequest } from "../http_request.ts";
import { checkFunction } from "../_check_function.ts";
import { passOn } from "./_pass_on.ts";

/**
 * Passes requests on with another path: those behind it see it in `path`, `target` and `url`. The
 * query stays as it is. See {@linkcode HttpRequest.withPath}.
 *
 * @example A path that was moved
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { HttpProtocol, type HttpRequest, ok, PathRename } from "@weightless/io/http";
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { assertMatch } from "@std/assert";
 *
 * class Shown extends Observable {
 *   *processRequest(request: HttpRequest): Coroutine {
 *     yield ok();
 *     yield request.target;
 *   }
 * }
 *
 * const rename = (path: string) => path === "/blog" ? "/news" : path;
 * const protocol = be([new HttpProtocol(), [new PathRename(rename), [new Shown()]]])
 *   .processConnection();
 * protocol.next();
 * const request = "GET /blog?page=2 HTTP/1.1\r\nHost: example.org\r\n\r\n";
 * assertMatch(String(protocol.next(new TextEncoder().encode(request)).value), /\/news\?page=2$/);
 * ```
 *
 * @category Components
 */
export class PathRename extends Transparent<HttpProtocolMessages> {
  readonly #rename: (path: string) => string;

  /**
   * Makes a component that changes paths.
   *
   * @param rename Gives the new path. Both are encoded, as they are sent, and begin with a slash. What
   * it gives wrongly is an error of the application: the answer is 500. It is not called for a
   * request without a path, `OPTIONS *` or CONNECT, which is passed on as it is.
   * @throws {TypeError} If it is not a function.
   */
  constructor(rename: (path: string) => string) {
    super();
    checkFunction(rename, "rename paths", "rename");
    this.#rename = rename;
  }

  /**
   * Passes a request on with its new path.
   *
   * @param request The request.
   * @returns The coroutine that answers it.
   * @throws {LocalProtocolError} If what was given is no path.
   * @throws {DeclineMessage} From the coroutine, if nobody behind it answers: the next observer is asked.
   */
  processRequest(request: HttpRequest): Coroutine {
    const { path } = request;
    const renamed = path[0] === "/" ? this.#rename(path) : path;
    return passOn(this, renamed === path ? request : request.withPath(renamed));
  }
}
