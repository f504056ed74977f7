/**
 * A header's value and its parameters (RFC 9110 5.6.6), as {@linkcode HttpHeaders.parameters} gives
 * them.
 *
 * @example A download's name
 * ```ts
 * import { type HeaderParameters, HttpHeaders } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * const line = "Content-Disposition: attachment; filename=rates.txt; filename*=UTF-8''%e2%82%ac.txt";
 * const headers = new HttpHeaders(new TextEncoder().encode(`${line}\r\n`));
 * const { value, parameters }: HeaderParameters = headers.parameters("content-disposition")!;
 *
 * assertEquals([value, parameters.get("filename")], ["attachment", "€.txt"]);
 * ```
 *
 * @category Requests
 */
export interface HeaderParameters {
  /** The value before the first semicolon, in lower case. */
  readonly value: string;
  /** The parameters: names in lower case, values without quotes and escapes. */
  readonly parameters: ReadonlyMap<string, string>;
}
