import type { HttpHeaders } from "../http_headers.ts";

/**
 * A response before the final one (RFC 9110 15.2), for example 103 with its links.
 *
 * @category Client
 */
export interface InterimResponse {
  /** The status: 100 to 199. */
  readonly status: number;
  /** The header lines. */
  readonly headers: HttpHeaders;
}
