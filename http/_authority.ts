/**
 * Checks a host and a port, by the grammar of RFC 3986 3.2: the value of Host, the authority of a
 * target, and what CONNECT asks for.
 *
 *     uri-host [ ":" port ]
 *     uri-host    = IP-literal / IPv4address / reg-name
 *     IP-literal  = "[" ( IPv6address / IPvFuture ) "]"
 *     reg-name    = *( unreserved / pct-encoded / sub-delims )     (each IPv4address is one as well)
 *     port        = *DIGIT
 */
import { COLON, HEX, isDigit, latin1, REG_NAME } from "./_characters.ts";
import { bad } from "./_faults.ts";
import type { RemoteProtocolError } from "./remote_protocol_error.ts";

const PERCENT = 0x25, BRACKET = 0x5b, CLOSING_BRACKET = 0x5d, DIGIT_0 = 0x30;
const MAX_PORT = 65535;

/** What {@linkcode portOf} gives when there is no port. */
export const NO_PORT = -1;

/**
 * The port of a host and port, or {@linkcode NO_PORT}.
 *
 * @throws {RemoteProtocolError} If they are not well-formed, or the host is empty.
 */
export function portOf(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  if (bytes[at] === BRACKET && at < to) {
    const end = bytes.indexOf(CLOSING_BRACKET, at);
    if (end < 0 || end >= to || !isAddress(latin1(bytes, at + 1, end))) throw badHost();
    at = end + 1;
  } else {
    for (;;) {
      while (at < to && REG_NAME[bytes[at]!] === 1) at++;
      if (at === to || bytes[at] !== PERCENT) break;
      const isEscape = at + 2 < to && HEX[bytes[at + 1]!] !== 255 && HEX[bytes[at + 2]!] !== 255;
      if (!isEscape) throw badHost();
      at += 3;
    }
  }
  // RFC 9110 4.2.1: a recipient MUST reject an empty host.
  if (at === from) throw badHost();
  if (at === to) return NO_PORT;
  if (bytes[at] !== COLON) throw badHost();
  if (++at === to) return NO_PORT;
  let port = 0;
  for (; at < to; at++) {
    if (!isDigit(bytes[at]!)) throw badHost();
    port = port * 10 + bytes[at]! - DIGIT_0;
    if (port > MAX_PORT) throw badHost();
  }
  return port;
}

/** Whether it is what an IP-literal has between its brackets. */
function isAddress(text: string): boolean {
  return /^v[\da-f]+\.[\w\-.~!$&'()*+,;=:]+$/i.test(text) || isIpv6(text);
}

/** Eight groups of 16 bits, of which `::` stands for one or more that are 0. */
export function isIpv6(text: string): boolean {
  const halves = text.split("::");
  const groups = halves.flatMap((half) => half === "" ? [] : half.split(":"));
  let count = groups.length;
  // The last two groups may be written as an IPv4 address.
  if (isIpv4(groups.at(-1) ?? "") && halves.at(-1) !== "") {
    groups.pop();
    count++;
  }
  return (halves.length === 1 ? count === 8 : halves.length === 2 && count < 8) &&
    groups.every((group) => /^[\da-f]{1,4}$/i.test(group));
}

/** Four numbers up to 255, without zeros before them. */
export function isIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text);
}

function badHost(): RemoteProtocolError {
  // RFC 9112 3.2: a server MUST respond with 400 to a Host header with an invalid value.
  return bad("an invalid host (RFC 9112 3.2)");
}
