/** The part of `@std/http/etag` that the tests use. */
// @ts-types="npm:@types/fresh@^0.5"
import fresh from "npm:fresh@^2";

export function ifNoneMatch(value: string | null, etag: string | undefined): boolean {
  return !fresh({ "if-none-match": value ?? undefined }, { etag });
}
