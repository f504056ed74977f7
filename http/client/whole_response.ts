import type { HttpHeaders } from "../http_headers.ts";

/**
 * A response whose body was read.
 *
 * @category Client
 */
export interface WholeResponse {
  /** The status. */
  readonly status: number;
  /** The header lines. */
  readonly headers: HttpHeaders;
  /** The body, as text in UTF-8. */
  readonly body: string;
}
