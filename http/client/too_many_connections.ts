/**
 * There are as many connections as there may be, all of them are in use, and the client is not to
 * wait: `overload: "fail"`.
 *
 * @example Telling it from other errors
 * ```ts
 * import { TooManyConnections } from "@weightless/io/http";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new TooManyConnections("Cannot ask").name, "TooManyConnections");
 * ```
 *
 * @category Client
 */
export class TooManyConnections extends Error {
  /** The name of the class. */
  override readonly name = "TooManyConnections";
}
