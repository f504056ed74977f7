import type { Coroutine } from "../../compose/mod.ts";
import { Transparent } from "../../pipeline/mod.ts";
import { portOf } from "../_authority.ts";
import { refuseUnknown } from "../_limits.ts";
import type { HttpProtocolMessages } from "../http_protocol.ts";
import type { HttpRequest, ReceivedRequest } from "../http_request.ts";
import { addressOf, type AddressRange, rangesOf } from "./_address_range.ts";
import { passOn } from "./_pass_on.ts";

/**
 * Options of {@linkcode Deproxy}.
 *
 * @category Components
 */
export interface DeproxyOptions {
  /**
   * The proxies whose word is taken: addresses, such as `192.0.2.1`, and ranges, such as
   * `10.0.0.0/8`. `"unix"` stands for whoever connects by a Unix socket.
   */
  trusted: readonly string[];
}

const DOING = "trust proxies";

const encoder = new TextEncoder();

/**
 * Shows the requests that come through a proxy as the proxy has received them.
 *
 * To those behind it, {@linkcode ConnectionInfo.remoteAddr} is the client's address, by
 * `X-Forwarded-For`; {@linkcode HttpRequest.host} and `url` are what the client has asked for, by
 * `X-Forwarded-Host` and `X-Forwarded-Proto`. So an {@linkcode IpFilter} or an
 * {@linkcode ApacheLogger} behind it goes by the client. The headers stay as they were received.
 *
 * Anybody can write these headers. So they count only if the proxy on the other side of the
 * connection is trusted, and only the last value of each, which that proxy has written. If the last
 * address is that of a trusted proxy again, the one before it counts, and so on. What is no address,
 * as `unknown`, leaves the client without one. Its port is 0 unless it is told.
 *
 * Which proxies are trusted may be changed while it runs: set `deproxy.trusted`.
 *
 * A proxy that is trusted must set all three headers, or remove them: otherwise it passes on what
 * its client has written.
 *
 * @example Behind a proxy on this machine
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { Deproxy, HttpProtocol, type HttpRequest, ok } from "@weightless/io/http";
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { assertMatch } from "@std/assert";
 *
 * class Shown extends Observable {
 *   *processRequest({ connection, url }: HttpRequest): Coroutine {
 *     yield ok();
 *     yield `${(connection.remoteAddr as Deno.NetAddr).hostname} asks for ${url}`;
 *   }
 * }
 *
 * const http = be([new HttpProtocol(), [new Deproxy({ trusted: ["127.0.0.1"] }), [new Shown()]]]);
 * const answer = (hostname: string) => {
 *   const remoteAddr = { transport: "tcp", hostname, port: 1234 } as const;
 *   const protocol = http.processConnection({ remoteAddr, localAddr: undefined, tls: undefined });
 *   protocol.next();
 *   const request = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nX-Forwarded-For: 192.0.2.1\r\n" +
 *     "X-Forwarded-Host: example.org\r\nX-Forwarded-Proto: https\r\n\r\n";
 *   return String(protocol.next(new TextEncoder().encode(request)).value);
 * };
 * assertMatch(answer("127.0.0.1"), /192\.0\.2\.1 asks for https:\/\/example\.org\/$/);
 * assertMatch(answer("192.0.2.9"), /192\.0\.2\.9 asks for http:\/\/127\.0\.0\.1:8000\/$/);
 * ```
 *
 * @category Components
 */
export class Deproxy extends Transparent<HttpProtocolMessages> {
  #trusted!: readonly string[];
  #ranges!: readonly AddressRange[];

  /**
   * Makes a component that takes the word of proxies.
   *
   * @param options Which proxies are trusted.
   * @throws {SyntaxError} If one is neither an address nor a range.
   * @throws {TypeError} If there is no list, or an option is unknown.
   */
  constructor(options: DeproxyOptions) {
    super();
    refuseUnknown(DOING, options, ["trusted"]);
    this.trusted = options.trusted;
  }

  /**
   * Which proxies are trusted. Others count from the next request on.
   *
   * @throws {SyntaxError} If one is set that is neither an address nor a range.
   * @throws {TypeError} If it is set to what is no list.
   */
  get trusted(): readonly string[] {
    return this.#trusted;
  }

  set trusted(trusted: readonly string[]) {
    const ranges = Array.isArray(trusted) ? trusted.filter((rule) => rule !== "unix") : trusted;
    this.#ranges = rangesOf(ranges, "trusted", DOING);
    this.#trusted = Object.freeze([...trusted]);
  }

  /**
   * Passes a request on, as the proxy has received it.
   *
   * @param request The request.
   * @returns The coroutine that answers it.
   * @throws {RemoteProtocolError} If a trusted proxy says that the client has asked for a host that
   * none can be.
   * @throws {DeclineMessage} From the coroutine, if nobody behind it answers: the next observer is asked.
   */
  processRequest(request: HttpRequest): Coroutine {
    const { connection, headers } = request;
    if (!this.#isTrusted(connection.remoteAddr)) return passOn(this, request);
    const host = last(headers.getAll("x-forwarded-host"));
    if (host !== undefined) portOf(encoder.encode(host), 0, host.length);
    const scheme = last(headers.getAll("x-forwarded-proto"))?.toLowerCase();
    const { remoteAddr, localAddr, tls, closing } = connection;
    const forwarded = (request as ReceivedRequest).forwarded({
      remoteAddr: this.#client(remoteAddr, headers.getAll("x-forwarded-for")),
      localAddr,
      tls,
      ...closing && { closing },
    }, {
      ...host !== undefined && { host },
      ...(scheme === "http" || scheme === "https") && { scheme },
    });
    return passOn(this, forwarded);
  }

  /** The last address that is not the one of a trusted proxy; if all are, the first one. */
  #client(near: Deno.Addr | undefined, lines: string[]): Deno.Addr | undefined {
    let client = near;
    for (const entry of entries(lines).reverse()) {
      if (!this.#isTrusted(client)) break;
      client = addrOf(entry);
    }
    return client;
  }

  #isTrusted(addr: Deno.Addr | undefined): boolean {
    if (addr === undefined) return false;
    if (!("hostname" in addr)) return addr.transport === "unix" && this.#trusted.includes("unix");
    const address = addressOf(addr.hostname);
    return address !== undefined && this.#ranges.some((range) => range.has(address));
  }
}

/** The values of a list that may have several lines. */
function entries(lines: string[]): string[] {
  return lines.flatMap((line) => line.split(",")).map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

function last(lines: string[]): string | undefined {
  return entries(lines).at(-1);
}

/** The address of `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`. */
function addrOf(entry: string): Deno.Addr | undefined {
  const [, bracketed, plain, port = "0"] =
    /^(?:\[([\da-f:.]+)\]|([\d.]+))(?::(\d{1,5}))?$/i.exec(entry) ?? [, , entry];
  const hostname = bracketed ?? plain!;
  if (addressOf(hostname) === undefined) return undefined;
  return { transport: "tcp", hostname, port: Number(port) };
}
