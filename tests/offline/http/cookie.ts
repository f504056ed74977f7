/** The part of `@std/http/cookie` that the tests and examples use, over `cookie`. */
import { parseCookie, parseSetCookie, stringifySetCookie } from "npm:cookie@^2";

export interface Cookie {
  name: string;
  value: string;
  expires?: Date | number;
  maxAge?: number;
  domain?: string;
  path?: string;
  secure?: boolean;
}

/** Both leave values as they are. */
const decode = (value: string) => value, encode = decode;

export function getCookies(headers: Headers): Partial<Record<string, string>> {
  return parseCookie(headers.get("cookie") ?? "", { decode });
}

export function setCookie(headers: Headers, cookie: Cookie): void {
  const { expires, ...others } = cookie;
  const date = expires === undefined ? {} : { expires: new Date(expires) };
  headers.append("set-cookie", stringifySetCookie({ ...others, ...date }, { encode }));
}

export function getSetCookies(headers: Headers): Cookie[] {
  return headers.getSetCookie().map((text) => parseSetCookie(text, { decode }) as Cookie);
}
