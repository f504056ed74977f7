/** The options of a client, checked and complete. */
import { names, refuseUnknown } from "../../reactor/_known.ts";
import { checkReactor } from "../../reactor/_options.ts";
import type { Reactor, TlsOptions } from "../../reactor/mod.ts";
import { shown } from "../../reactor/_describe.ts";
import { whole } from "../../reactor/_whole.ts";
import { listed } from "../_head.ts";
import { allTimeouts, limitsOf } from "../_limits.ts";
import type { HeadersToSend } from "../headers_to_send.ts";
import { type ClientLimits, defaultClientLimits } from "./client_limits.ts";
import type { CookieStore, HttpClientOptions, RedirectPolicy } from "./client_options.ts";
import { type ClientTimeouts, defaultClientTimeouts } from "./client_timeouts.ts";
import { RequestHead } from "./_request_head.ts";
import { proxies, type Proxy } from "./_proxy.ts";

export interface ClientSettings {
  readonly reactor: Reactor | undefined;
  readonly maxConnections: number;
  readonly maxConnectionsPerOrigin: number;
  readonly overload: "wait" | "fail";
  readonly timeouts: ClientTimeouts;
  readonly limits: ClientLimits;
  readonly redirect: RedirectPolicy;
  readonly maxRedirects: number;
  readonly decompression: boolean;
  readonly socketPath: string | undefined;
  readonly http2: boolean | "prior-knowledge";
  readonly headers: HeadersToSend | undefined;
  readonly tls: Omit<TlsOptions, "alpnProtocols">;
  readonly proxyOf: ((url: URL) => Proxy | undefined) | undefined;
  readonly cookies: CookieStore | undefined;
}

const OPTIONS = names<HttpClientOptions>({
  reactor: 1,
  maxConnections: 1,
  maxConnectionsPerOrigin: 1,
  overload: 1,
  timeouts: 1,
  limits: 1,
  redirect: 1,
  maxRedirects: 1,
  decompression: 1,
  socketPath: 1,
  http2: 1,
  headers: 1,
  tls: 1,
  proxy: 1,
  cookies: 1,
});
const TLS = ["caCerts", "cert", "key"];
const WHAT = "make an HttpClient";

export function settingsOf(options: HttpClientOptions): ClientSettings {
  refuseUnknown(WHAT, options, OPTIONS);
  const { reactor, overload = "wait", headers, tls = {}, cookies, socketPath } = options;
  if (reactor !== undefined) checkReactor(reactor, WHAT, "new HttpClient({ reactor })");
  if (overload !== "wait" && overload !== "fail") {
    throw new TypeError(`Cannot ${WHAT}: overload is "wait" or "fail", not ${shown(overload)}`);
  }
  refuseUnknown(`${WHAT} with this tls`, tls, TLS);
  const { caCerts } = tls;
  const arePem = Array.isArray(caCerts) && caCerts.every((one) => /^\s*-----BEGIN /.test(one));
  if (caCerts !== undefined && !arePem) {
    throw new TypeError(`Cannot ${WHAT}: tls.caCerts is a list of certificates in PEM format`);
  }
  const isStore = typeof cookies?.get === "function" && typeof cookies.set === "function";
  if (cookies !== undefined && !isStore) {
    throw new TypeError(`Cannot ${WHAT}: cookies must have get() and set()`);
  }
  const { http2 = true } = options;
  if (typeof http2 !== "boolean" && http2 !== "prior-knowledge") {
    throw new TypeError(
      `Cannot ${WHAT}: http2 is true, false or "prior-knowledge", not ${shown(http2)}`,
    );
  }
  const { maxConnections = 256, maxConnectionsPerOrigin = 64, maxRedirects = 20 } = options;
  return {
    reactor,
    maxConnections: whole(maxConnections, `${WHAT}: maxConnections`, 1),
    maxConnectionsPerOrigin: whole(maxConnectionsPerOrigin, `${WHAT}: maxConnectionsPerOrigin`, 1),
    overload,
    timeouts: timeoutsOf(options.timeouts, defaultClientTimeouts),
    limits: limitsOf(options.limits ?? defaultClientLimits, defaultClientLimits),
    redirect: redirectOf(options.redirect, "follow"),
    maxRedirects: whole(maxRedirects, `${WHAT}: maxRedirects`),
    decompression: flagOf(options.decompression, true),
    socketPath,
    http2,
    headers: headers === undefined ? undefined : checked(headers),
    tls,
    proxyOf: proxies(options.proxy),
    cookies,
  };
}

export function timeoutsOf(
  given: Partial<ClientTimeouts> | undefined,
  missing: ClientTimeouts,
): ClientTimeouts {
  return given === undefined ? missing : allTimeouts(given, missing);
}

/** What the option `timeoutMs` of one request means. */
export function totalOf(timeoutMs: number | undefined): Partial<ClientTimeouts> | undefined {
  if (timeoutMs === undefined) return undefined;
  if (typeof timeoutMs === "number" && timeoutMs > 0) return { totalMs: timeoutMs };
  throw new RangeError(
    `Cannot ask: timeoutMs is a number of milliseconds above 0, not ${shown(timeoutMs)}`,
  );
}

export function redirectOf(
  given: RedirectPolicy | undefined,
  missing: RedirectPolicy,
): RedirectPolicy {
  if (given === undefined) return missing;
  if (given === "follow" || given === "manual" || given === "error") return given;
  throw new TypeError(`Cannot ask: redirect is "follow", "manual" or "error", not ${shown(given)}`);
}

export function flagOf(given: boolean | undefined, missing: boolean): boolean {
  if (given === undefined) return missing;
  if (typeof given === "boolean") return given;
  throw new TypeError(`Cannot ask: decompression is true or false, not ${shown(given)}`);
}

/** Refuses headers that cannot be sent. */
function checked(headers: HeadersToSend): HeadersToSend {
  const list = listed(headers);
  new RequestHead({ method: "GET", target: "/", host: "x", headers: list, made: {} });
  return list;
}
