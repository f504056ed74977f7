/** Which proxy a request goes through. */
import { shown } from "../../reactor/_describe.ts";
import { addressOf, AddressRange } from "../components/_address_range.ts";
import { basic, type Target, targetOf } from "./_target.ts";

export interface Proxy extends Target {
  /** The value of Proxy-Authorization, if the URL of the proxy has credentials. */
  readonly authorization: string | undefined;
}

/**
 * @throws {TypeError} If it is no URL of a proxy.
 */
export function proxies(
  given: string | ((url: URL) => string | undefined) | undefined,
): ((url: URL) => Proxy | undefined) | undefined {
  if (given === undefined) return undefined;
  if (given === "environment") return fromEnvironment;
  if (typeof given === "function") {
    return (url) => {
      const proxy = given(url);
      return proxy === undefined ? undefined : proxyOf(proxy);
    };
  }
  const proxy = proxyOf(given);
  return () => proxy;
}

function proxyOf(given: string): Proxy {
  const url = typeof given === "string" ? URL.parse(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(
      `Cannot use the proxy ${shown(given)}: give a URL, as in "http://user:secret@proxy:3128"`,
    );
  }
  const { username, password } = url;
  const authorization = username === "" && password === "" ? undefined : basic(username, password);
  return { ...targetOf(given), authorization };
}

/** As curl and others do. `HTTP_PROXY` is not read, because a CGI program gets it from clients. */
function fromEnvironment(url: URL): Proxy | undefined {
  const { env } = Deno;
  if (isExempt(url, env.get("no_proxy") ?? env.get("NO_PROXY") ?? "")) return undefined;
  const own = url.protocol === "https:"
    ? env.get("https_proxy") ?? env.get("HTTPS_PROXY")
    : env.get("http_proxy");
  const proxy = own ?? env.get("all_proxy") ?? env.get("ALL_PROXY") ?? "";
  if (proxy === "") return undefined;
  return proxyOf(proxy.includes("://") ? proxy : `http://${proxy}`);
}

/**
 * Whether a list such as `localhost, .example.org 10.0.0.0/8 [::1]:8080` has the host of a URL. A name
 * stands for those within it as well.
 */
function isExempt({ hostname, port, protocol }: URL, list: string): boolean {
  const host = nameOf(hostname);
  const address = addressOf(host);
  const ownPort = port === "" ? (protocol === "https:" ? "443" : "80") : port;
  return list.split(/[\s,]+/).some((element) => {
    // Without brackets, colons in an IPv6 address are not before a port.
    const [, given = "", givenPort] = /^(\[.*\]|[^:]*):(\d+)$/.exec(element) ??
      [undefined, element];
    if (given === "" || (givenPort !== undefined && givenPort !== ownPort)) return false;
    if (given === "*") return true;
    const name = nameOf(given.toLowerCase());
    if (address !== undefined) return isInRange(address, name);
    const suffix = name.replace(/^\*?\./, "");
    return host === suffix || host.endsWith(`.${suffix}`);
  });
}

/** Without the brackets of an address, and the dot at the end of a name. */
function nameOf(host: string): string {
  return host.replace(/^\[|\]$|\.$/g, "");
}

function isInRange(address: NonNullable<ReturnType<typeof addressOf>>, range: string): boolean {
  try {
    return new AddressRange(range, "use no_proxy").has(address);
  } catch {
    return false; // It is a name.
  }
}
