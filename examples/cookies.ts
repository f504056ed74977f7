/**
 * Asks one URL after the other and keeps the cookies that the servers set, as a browser does: what a login sets goes with
 * the next request. For all that browsers know of cookies, `npm:tough-cookie` is as easy to use as a store.
 *
 *     deno run --allow-net examples/cookies.ts URL…
 */
import { getSetCookies } from "@std/http/cookie";
import { type CookieStore, HttpClient } from "@weightless/io/http";
import { fail, urlsAndOptions } from "./_cli.ts";

/** How many cookies are kept. */
const MAX_COOKIES = 1000;

interface Kept {
  name: string;
  value: string;
  domain: string;
  path: string;
  /** Whether other hosts of the domain get it, or only the one that has set it. */
  isForDomain: boolean;
  isSecure: boolean;
  expires: number;
}

/** Keeps cookies as RFC 6265 5.3 says, in memory. */
export class CookieJar implements CookieStore {
  readonly #kept = new Map<string, Kept>();

  set({ hostname, pathname, protocol }: URL, setCookie: string[]): void {
    const headers = new Headers(setCookie.map((value) => ["set-cookie", value]));
    for (const { name, value, domain: given, path: wanted, ...cookie } of getSetCookies(headers)) {
      const domain = given ? given.replace(/^\./, "").toLowerCase() : hostname;
      // A host may set cookies for its domain, but not for strangers, nor for all of `com`.
      if (!isWithin(hostname, domain) || domain !== hostname && !domain.includes(".")) continue;
      const path = wanted?.startsWith("/") ? wanted : pathname.replace(/\/[^/]*$/, "") || "/";
      const key = [domain, path, name].join(";");
      // RFC 6265 5.2: what has no name is no cookie.
      if (name === "" || cookie.secure && protocol !== "https:") continue;
      // What is no date is NaN, and never past.
      const expires = cookie.maxAge === undefined
        ? Number(cookie.expires ?? Infinity)
        : Date.now() + 1000 * cookie.maxAge;
      if (expires <= Date.now()) this.#kept.delete(key);
      else {
        const [isForDomain, isSecure] = [Boolean(given), cookie.secure === true];
        this.#kept.set(key, { name, value, domain, path, isForDomain, isSecure, expires });
      }
    }
    for (const key of this.#kept.keys()) {
      if (this.#kept.size <= MAX_COOKIES) break;
      this.#kept.delete(key);
    }
  }

  get({ hostname, pathname, protocol }: URL): string | undefined {
    const found: Kept[] = [];
    for (const [key, kept] of this.#kept) {
      const { domain, path, isForDomain, isSecure, expires } = kept;
      if (expires <= Date.now()) this.#kept.delete(key);
      else if (
        (isForDomain ? isWithin(hostname, domain) : hostname === domain) &&
        (!isSecure || protocol === "https:") &&
        (pathname === path || pathname.startsWith(path.endsWith("/") ? path : `${path}/`))
      ) found.push(kept);
    }
    // RFC 6265 5.4: longer paths first, then those that were set first.
    found.sort((a, b) => b.path.length - a.path.length);
    return found.map(({ name, value }) => `${name}=${value}`).join("; ") || undefined;
  }
}

function isWithin(hostname: string, domain: string): boolean {
  return hostname === domain || hostname.endsWith(`.${domain}`) && !/^[\d.]+$/.test(hostname);
}

if (import.meta.main) {
  const { urls } = urlsAndOptions("cookies.ts URL…", {});
  const cookies = new CookieJar();
  using client = new HttpClient({ cookies });
  try {
    for (const url of urls) {
      const response = await client.get(url);
      const { length } = await response.bytes();
      console.log(`${response.status} ${response.url.href}: ${length} bytes`);
      console.log(`  cookies: ${cookies.get(response.url) ?? "none"}`);
    }
  } catch (error) {
    fail((error as Error).message);
  }
}
