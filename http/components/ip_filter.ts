import type { Coroutine } from "../../compose/mod.ts";
import { Transparent } from "../../pipeline/mod.ts";
import { refuseUnknown } from "../_limits.ts";
import type { ConnectionInfo } from "../connection_info.ts";
import type { HttpProtocolMessages } from "../http_protocol.ts";
import type { HttpRequest } from "../http_request.ts";
import { response } from "../response.ts";
import { addressOf, type AddressRange, rangesOf } from "./_address_range.ts";
import { passOn } from "./_pass_on.ts";

/**
 * Options of {@linkcode IpFilter}: addresses, such as `192.0.2.1`, and ranges, such as `10.0.0.0/8`.
 *
 * @category Components
 */
export interface IpFilterOptions {
  /**
   * Who may pass; nobody if it is empty.
   *
   * @default {everybody}
   */
  allow?: readonly string[];
  /**
   * Who may not pass, even if allowed.
   *
   * @default {nobody}
   */
  deny?: readonly string[];
}

const FORBIDDEN = response(403, { "content-type": "text/plain" });

/**
 * Passes on the requests that come from certain addresses, and answers the others with 403.
 *
 * It goes by the far address of the connection. That is the address of the gateway, if there is one
 * in front of the server. An IPv4 address is the same when it is written as an IPv6 address
 * (`::ffff:192.0.2.1`); a range of IPv6 has no other IPv4 addresses in it, not even `::/0`. A client
 * without an address, as on a Unix socket, is in no range.
 *
 * @example Only from this machine
 * ```ts
 * import type { Coroutine } from "@weightless/io/compose";
 * import { HttpProtocol, IpFilter, ok } from "@weightless/io/http";
 * import { be, Observable } from "@weightless/io/pipeline";
 * import { assertMatch } from "@std/assert";
 *
 * class Secret extends Observable {
 *   *processRequest(): Coroutine {
 *     yield ok();
 *   }
 * }
 *
 * const local = new IpFilter({ allow: ["127.0.0.0/8", "::1"] });
 * const http = be([new HttpProtocol(), [local, [new Secret()]]]);
 * const answer = (hostname: string) => {
 *   const remoteAddr = { transport: "tcp", hostname, port: 1234 } as const;
 *   const protocol = http.processConnection({ remoteAddr, localAddr: undefined, tls: undefined });
 *   protocol.next();
 *   const request = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";
 *   return String(protocol.next(new TextEncoder().encode(request)).value);
 * };
 * assertMatch(answer("127.0.0.1"), / 200 /);
 * assertMatch(answer("192.0.2.1"), / 403 /);
 * ```
 *
 * @category Components
 */
export class IpFilter extends Transparent<HttpProtocolMessages> {
  readonly #allow: readonly AddressRange[] | undefined;
  readonly #deny: readonly AddressRange[] | undefined;

  /**
   * Makes a component that passes requests on by the address of the client.
   *
   * @param options Who may pass, and who may not.
   * @throws {SyntaxError} If one is neither an address nor a range.
   * @throws {TypeError} If there are no lists, or an option is unknown.
   */
  constructor(options: IpFilterOptions) {
    super();
    const doing = "filter addresses";
    refuseUnknown(doing, options, ["allow", "deny"]);
    const { allow, deny } = options;
    this.#allow = allow && rangesOf(allow, "allow", doing);
    this.#deny = deny && rangesOf(deny, "deny", doing);
    if (this.#allow === undefined && this.#deny === undefined) {
      throw new TypeError("Cannot filter addresses: give a list allow, or deny, or both");
    }
  }

  /**
   * Passes a request on, or answers it with 403.
   *
   * @param request The request.
   * @returns The coroutine that answers it.
   * @throws {DeclineMessage} From the coroutine, if nobody behind it answers: the next observer is asked.
   */
  *processRequest(request: HttpRequest): Coroutine {
    if (this.#accepts(request.connection)) return yield passOn(this, request);
    yield FORBIDDEN;
    yield "Forbidden";
  }

  #accepts({ remoteAddr }: ConnectionInfo): boolean {
    const address = remoteAddr !== undefined && "hostname" in remoteAddr
      ? addressOf(remoteAddr.hostname)
      : undefined;
    if (address === undefined) return this.#allow === undefined;
    const has = (range: AddressRange) => range.has(address);
    return (this.#allow === undefined || this.#allow.some(has)) && !this.#deny?.some(has);
  }
}
