/** Header lines as HTTP/2 sends them: names in lower case, and values, alternating. */
import type { RequestHead } from "../client/_request_head.ts";
import type { Head } from "../_head.ts";
import type { Trailers } from "../_trailers.ts";

/** RFC 9113 8.2.2: what is about the connection of HTTP/1.1 MUST NOT be sent. */
const OF_CONNECTION = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

const heads = new WeakMap<Head | RequestHead, readonly string[]>();

/** The fields of a response's head, with its status. The same head gives the same list. */
export function listOfHead(head: Head): readonly string[] {
  let list = heads.get(head);
  if (list === undefined) {
    const { text } = head;
    list = [":status", String(head.status), ...linesOf(text.slice(text.indexOf("\r\n") + 2))];
    heads.set(head, list);
  }
  return list;
}

/** The fields of a request's head (RFC 9113 8.3.1). The same head gives the same list. */
export function listOfRequest(head: RequestHead, scheme: "http" | "https"): readonly string[] {
  let list = heads.get(head);
  if (list === undefined) {
    const { method, target, text, protocol } = head;
    const fields: string[] = [];
    let authority = target;
    const lines = linesOf(text.slice(text.indexOf("\r\n") + 2));
    for (let i = 0; i < lines.length; i += 2) {
      const name = lines[i]!;
      const value = lines[i + 1]!;
      if (name === "host") authority = value;
      // RFC 9113 8.2.2: TE MUST NOT contain any value other than "trailers".
      else if (name !== "te") fields.push(name, value);
      else if (/(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(value)) fields.push(name, "trailers");
    }
    // RFC 9113 8.5: CONNECT has no scheme and no path, unless it has a protocol (RFC 8441 4).
    const isPlainConnect = method === "CONNECT" && protocol === undefined;
    const where = isPlainConnect
      ? [":authority", target]
      : [":scheme", scheme, ":authority", authority, ":path", target];
    list = protocol === undefined
      ? [":method", method, ...where, ...fields]
      : [":method", method, ":protocol", protocol, ...where, ...fields];
    heads.set(head, list);
  }
  return list;
}

export function listOfTrailers({ text }: Trailers): readonly string[] {
  return linesOf(text);
}

function linesOf(text: string): string[] {
  const list: string[] = [];
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    // RFC 9113 8.2.1: a value has no blanks at its ends.
    if (colon <= 0 || OF_CONNECTION.has(name)) continue;
    list.push(name, line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ""));
  }
  return list;
}
