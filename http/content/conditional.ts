import { etagsIn, isSameStrong, isSameWeak } from "./_etags.ts";
import { parseHttpDate, seconds } from "./_http_date.ts";

/**
 * What tells one version of a representation from another (RFC 9110 8.8).
 *
 * @category Content
 */
export interface Validators {
  /** The entity tag as it is sent: `"abc"`, or `W/"abc"` if it is weak. */
  etag?: string | undefined;
  /** When it was modified. HTTP counts whole seconds. */
  lastModified?: Date | number | null | undefined;
}

/**
 * The part of a request that {@linkcode conditional} and {@linkcode ranged} read.
 *
 * @category Content
 */
export interface ConditionalRequest {
  /** The method. */
  readonly method: string;
  /** The headers. */
  readonly headers: { get(name: string): string | null | undefined };
}

/**
 * Decides about a conditional request (RFC 9110 13): whether to do what it asks for, or to answer
 * that the client has the current version already, or that it has another one than it believes.
 *
 * The conditions are evaluated in the order of RFC 9110 13.2.2. To be called if the answer without
 * any condition would be a 2xx. `If-Range` is for {@linkcode ranged}.
 *
 * @param request The request.
 * @param representation The validators of the current representation; undefined if there is none,
 * that is, if the answer to a GET would be 404.
 * @returns 304 if the answer is that, with the headers of a 200 but no body; 412 if it is that;
 * `"proceed"` otherwise.
 *
 * @example A page that the client has
 * ```ts
 * import { conditional, etagOf } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const page = { etag: etagOf("<h1>Hello</h1>") };
 * const headers = new Headers({ "if-none-match": `"other", ${page.etag}` });
 * assertEquals(conditional({ method: "GET", headers }, page), 304);
 * assertEquals(conditional({ method: "PUT", headers }, page), 412);
 * assertEquals(conditional({ method: "GET", headers }, { etag: '"new"' }), "proceed");
 * ```
 *
 * @category Content
 */
export function conditional(
  request: ConditionalRequest,
  representation: Validators | undefined,
): "proceed" | 304 | 412 {
  const { method, headers } = request;
  // RFC 9110 13.2.1: a server MUST ignore them if no representation is selected or modified.
  if (method === "CONNECT" || method === "OPTIONS" || method === "TRACE") return "proceed";
  const { etag, lastModified } = representation ?? {};
  const modified = lastModified === undefined || lastModified === null
    ? undefined
    : seconds(lastModified);
  const isReading = method === "GET" || method === "HEAD";

  const ifMatch = headers.get("if-match");
  if (isGiven(ifMatch)) {
    // RFC 9110 13.1.1: strong comparison.
    if (!isMatch(ifMatch, representation, etag, isSameStrong)) return 412;
  } else {
    const since = dateOf(headers.get("if-unmodified-since"));
    if (since !== undefined && modified !== undefined && modified > since) return 412;
  }

  const ifNoneMatch = headers.get("if-none-match");
  if (isGiven(ifNoneMatch)) {
    // RFC 9110 13.1.2: weak comparison.
    if (isMatch(ifNoneMatch, representation, etag, isSameWeak)) return isReading ? 304 : 412;
  } else if (isReading) {
    const since = dateOf(headers.get("if-modified-since"));
    if (since !== undefined && modified !== undefined && modified <= since) return 304;
  }
  return "proceed";
}

function isGiven(value: string | null | undefined): value is string {
  return value !== null && value !== undefined;
}

/** RFC 9110 13.1.3, 13.1.4: a recipient MUST ignore what is no date. */
function dateOf(value: string | null | undefined): number | undefined {
  const time = isGiven(value) ? parseHttpDate(value) : undefined;
  return time === undefined ? undefined : seconds(time);
}

function isMatch(
  list: string,
  representation: Validators | undefined,
  etag: string | undefined,
  isSame: (one: string, other: string) => boolean,
): boolean {
  if (list === "*") return representation !== undefined;
  if (etag === undefined) return false;
  for (const other of etagsIn(list)) if (isSame(etag, other)) return true;
  return false;
}
