/** Where a request goes. */
import { shown } from "../../reactor/_describe.ts";

export interface Target {
  /** The URL. */
  readonly href: string;
  /** The URL for messages: without what may be secret in it. */
  readonly label: string;
  /** Its scheme, host and port. */
  readonly origin: string;
  readonly isSecure: boolean;
  /** To connect to. */
  readonly hostname: string;
  readonly port: number;
  /** The value of Host: host and port, without a port that is the default. */
  readonly host: string;
  /** Host and port, for CONNECT. */
  readonly authority: string;
  /** What the request line has: path and query. */
  readonly path: string;
  /** The credentials in the URL, for Authorization. */
  readonly authorization: string | undefined;
}

/** Programs ask for the same URLs again and again, and to parse one costs a microsecond. */
const known = new Map<string, Target>();
const MAX_KNOWN = 256;

/**
 * The target of a URL.
 *
 * @throws {TypeError} If it is no URL of http or https.
 */
export function targetOf(given: string | URL): Target {
  if (typeof given !== "string") return parse(given instanceof URL ? given.href : refuse(given));
  let target = known.get(given);
  if (target !== undefined) return target;
  target = parse(given);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(given, target);
  return target;
}

function parse(text: string): Target {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return refuse(text);
  const isSecure = url.protocol === "https:";
  const { hostname, username, password } = url;
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  return {
    href: url.href,
    label: url.origin + url.pathname + url.search,
    origin: url.origin,
    isSecure,
    hostname: hostname[0] === "[" ? hostname.slice(1, -1) : hostname,
    port,
    host: url.host,
    authority: `${hostname}:${port}`,
    path: url.pathname + url.search,
    authorization: username === "" && password === "" ? undefined : basic(username, password),
  };
}

function refuse(given: unknown): never {
  throw new TypeError(
    `Cannot ask ${
      shown(given)
    }: give a URL of http or https, as in client.get("http://127.0.0.1:8000/")`,
  );
}

/** RFC 7617 2: the credentials for Basic, of the parts of a URL. */
export function basic(username: string, password: string): string {
  const text = `${decoded(username)}:${decoded(password)}`;
  return `Basic ${new TextEncoder().encode(text).toBase64()}`;
}

/** A percent sign that is no escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
