/** The part of `@std/http/etag` that the tests use, over `fresh`, which knows of weak comparison only. */
// @ts-types="npm:@types/fresh@^0.5"
import fresh from "npm:fresh@^2";

export function ifNoneMatch(value: string | null, etag: string | undefined): boolean {
  return !value || !etag || !fresh({ "if-none-match": value }, { etag });
}

export function ifMatch(value: string | null, etag: string | undefined): boolean {
  const isStrong = etag !== undefined && etag.startsWith('"');
  return isStrong && !ifNoneMatch(value && value.replaceAll(/W\/"[^"]*"/g, ""), etag);
}
