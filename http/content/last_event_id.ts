import type { HttpHeaders } from "../http_headers.ts";
import { fromUtf8 } from "./_parameters.ts";

/**
 * Gives the id of the last event that a client got before it connected again (HTML Standard 9.2.3).
 *
 * The client chooses it, so it may be anything.
 *
 * @param request The request, or anything with its headers.
 * @returns The id; undefined if there is none: everything is to be sent from the beginning.
 *
 * @example Going on
 * ```ts
 * import { HttpHeaders, lastEventId } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const headers = new HttpHeaders(new TextEncoder().encode("Last-Event-ID: 41\r\n"));
 * assertEquals(lastEventId({ headers }), "41");
 * ```
 *
 * @category Events
 */
export function lastEventId(request: { headers: HttpHeaders }): string | undefined {
  const id = request.headers.get("last-event-id");
  // Browsers send it in UTF-8.
  return id === undefined || id === "" ? undefined : fromUtf8(id);
}
