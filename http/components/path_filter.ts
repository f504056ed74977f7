import type { Coroutine } from "../../compose/mod.ts";
import { DeclineMessage, Transparent } from "../../pipeline/mod.ts";
import { shown } from "../../reactor/_describe.ts";
import type { HttpProtocolMessages } from "../http_protocol.ts";
import type { HttpRequest } from "../http_request.ts";
import { refuseUnknown } from "../_limits.ts";
import { passOn } from "./_pass_on.ts";

/**
 * Options of {@linkcode PathFilter}.
 *
 * @category Components
 */
export interface PathFilterOptions {
  /**
   * Beginnings of paths that are declined all the same.
   *
   * @default {[]}
   */
  excluding?: readonly string[];
}

/**
 * What some read differently than others: an empty segment, one that is `.` or `..`, a backslash,
 * a control character.
 */
const AMBIGUOUS = /\/\/|\/\.{1,2}(?:\/|$)|[\\\p{Cc}]/u;

/**
 * Passes on the requests whose path begins in a certain way, and declines the others.
 *
 * Whole segments are compared: `/api` stands for `/api` and `/api/x`, not for `/apix`; `/` stands
 * for everything. A slash at the end makes no difference. Capitals do.
 *
 * The path is compared as it is after percent-decoding, so `/%61pi` is `/api`. What is compared must
 * be what those behind it will take the path for, or a filter could be got around. So a path that
 * some read differently than others is always declined, and the answer is 404 if nobody else takes
 * it: one with an empty segment (`//`), with `.` or `..`, with a backslash or a control character,
 * each also when it is encoded, and one that cannot be decoded. Clients resolve `..` themselves. An
 * encoded slash, `%2F`, may be a part of its segment or end it: `/api%2Fx` is not within `/api`, but
 * it is excluded where `/api` is.
 *
 * A request without a path, `OPTIONS *` or CONNECT, is declined.
 *
 * @example Two areas
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { HttpProtocol, ok, PathFilter } from "@weightless/io/http";
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { assertMatch } from "@std/assert";
 *
 * class Text extends Observable {
 *   constructor(readonly text: string) {
 *     super();
 *   }
 *
 *   *processRequest(): Coroutine {
 *     yield ok();
 *     yield this.text;
 *   }
 * }
 *
 * const http = be([
 *   new HttpProtocol(),
 *   [new PathFilter(["/api"]), [new Text("an API")]],
 *   [new PathFilter(["/"], { excluding: ["/secret"] }), [new Text("a page")]],
 * ]);
 * const answer = (path: string) => {
 *   const protocol = http.processConnection();
 *   protocol.next();
 *   const request = `GET ${path} HTTP/1.1\r\nHost: example.org\r\n\r\n`;
 *   return String(protocol.next(new TextEncoder().encode(request)).value);
 * };
 * assertMatch(answer("/api/v1"), /an API$/);
 * assertMatch(answer("/apis"), /a page$/);
 * assertMatch(answer("/%73ecret"), / 404 /);
 * ```
 *
 * @category Components
 */
export class PathFilter extends Transparent<HttpProtocolMessages> {
  readonly #prefixes: readonly string[];
  readonly #excluding: readonly string[];

  /**
   * Makes a component that passes requests on by their path.
   *
   * @param prefixes How the paths begin, not encoded.
   * @param options What is excluded.
   * @throws {TypeError} If there is no prefix, or one that no path can begin with.
   */
  constructor(prefixes: readonly string[], options: PathFilterOptions = {}) {
    super();
    refuseUnknown("filter paths", options, ["excluding"]);
    this.#prefixes = checked("prefixes", prefixes);
    this.#excluding = checked("excluding", options.excluding ?? []);
    if (this.#prefixes.length === 0) {
      throw new TypeError('Cannot filter paths: there is no prefix; give ["/"] for all of them');
    }
  }

  /**
   * Passes a request on, or declines it.
   *
   * @param request The request.
   * @returns The coroutine that answers it.
   * @throws {DeclineMessage} If its path is another one; from the coroutine, if nobody behind it
   * answers. The next observer is asked then.
   */
  processRequest(request: HttpRequest): Coroutine {
    if (!this.#accepts(request.path)) throw new DeclineMessage();
    return passOn(this, request);
  }

  #accepts(path: string): boolean {
    if (path[0] !== "/") return false;
    let decoded = path;
    /** The same, but an encoded slash separates no segments: no prefix has a NUL. */
    let segments = path;
    if (path.includes("%")) {
      try {
        decoded = decodeURIComponent(path);
        segments = decodeURIComponent(path.replaceAll(/%2f/gi, "%00"));
      } catch {
        return false; // It is not encoded as UTF-8.
      }
    }
    return !AMBIGUOUS.test(decoded) && isWithin(segments, this.#prefixes) &&
      !isWithin(decoded, this.#excluding);
  }
}

function isWithin(path: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) {
    if (path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === "/")) {
      return true;
    }
  }
  return false;
}

/** The prefixes, without a slash at the end. */
function checked(name: string, prefixes: readonly string[]): string[] {
  if (!Array.isArray(prefixes)) {
    throw new TypeError(`Cannot filter paths: ${name} must be a list, such as ["/api"]`);
  }
  return prefixes.map((prefix) => {
    if (typeof prefix !== "string" || prefix[0] !== "/" || AMBIGUOUS.test(prefix)) {
      throw new TypeError(
        `Cannot filter paths: ${name} has ${shown(prefix)}, with which no path begins; ` +
          'give one such as "/api"',
      );
    }
    if (/%[\da-f]{2}/i.test(prefix)) {
      throw new TypeError(`Cannot filter paths: ${name} has ${shown(prefix)}; give it decoded`);
    }
    return prefix.replace(/\/$/, "");
  });
}
